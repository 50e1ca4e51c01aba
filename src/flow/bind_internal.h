/*
 * bind_internal.h - what the bind*.c files share: errors that name the feature, cells of single values.
 *
 * Functions that raise errors return for a soft binding, with the refusal
 * noted; those that return a cell return one of no meaning.
 */
#ifndef ML_BIND_INTERNAL_H
#define ML_BIND_INTERNAL_H

#include <math.h>

#include "base/cell.h"
#include "flow/bind.h"

/* Notes that a soft binding cannot take the row; false if an error has to be raised. */
static inline bool
ml_bind_refuse(MlBinding *binding)
{
	binding->refused = binding->soft;
	return binding->soft;
}

/* Raises the error for an input that the features lack; names are those they have. */
extern void ml_bind_missing(MlBinding *binding, const char *name, List *names);

/* Raises the error for an array of the wrong length in the place of an input. */
extern void ml_bind_wrong_length(MlBinding *binding, const MlInput *input, int length);

extern double ml_bind_infinite(MlBinding *binding, const MlInput *input, double x);

extern double ml_bind_valueless(MlBinding *binding, const MlInput *input);

/* Whether an input must have a value. */
static inline bool
ml_bind_needs(const MlBinding *binding, const MlInput *input)
{
	return binding->needs && binding->needs[input - binding->model->pipeline->inputs];
}

/* A finite number, or NaN when the pipeline takes missing values. */
static inline double
ml_bind_number(MlBinding *binding, const MlInput *input, double x)
{
	if (unlikely(!isfinite(x)))
	{
		if (!isnan(x))
			return ml_bind_infinite(binding, input, x);
		if (ml_bind_needs(binding, input))
			return ml_bind_valueless(binding, input);
		return ml_cell_from_bits(ML_NAN_BITS);
	}
	return x;
}

static inline double
ml_bind_null(MlBinding *binding, const MlInput *input)
{
	if (ml_bind_needs(binding, input))
		return ml_bind_valueless(binding, input);
	return ml_cell_null();
}

/* The cell of a category; one that training did not see is noted where that is asked for. */
static inline double
ml_bind_level(MlBinding *binding, const MlInput *input, const char *text, int length)
{
	bool		known;
	double		cell = ml_pipeline_level(input, text, length, &known);

	if (unlikely(!known) && binding->unseen && binding->nunseen < binding->model->pipeline->ncells)
		binding->unseen[binding->nunseen++] = input->first_cell;
	return cell;
}

#endif							/* ML_BIND_INTERNAL_H */
