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
#include "flow/terms.h"

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

/* Notes, where that is asked for, that training saw nothing of an input's text. */
static inline void
ml_bind_note_unseen(MlBinding *binding, const MlInput *input)
{
	if (binding->unseen && binding->nunseen < binding->model->pipeline->ncells)
		binding->unseen[binding->nunseen++] = input->first_cell;
}

/* Raises the error for a text that training did not see, of an input of which nothing says what stands for one. */
extern double ml_bind_unseen(MlBinding *binding, const MlInput *input, const char *text, int length);

/* The cells of a text at an input of terms. */
extern void ml_bind_terms(MlBinding *binding, const MlInput *input, const char *text, int length, double *cells);

/* The cells of a text, one unless the input has terms; one that training did not see is noted where that is asked for. */
static inline void
ml_bind_text(MlBinding *binding, const MlInput *input, const char *text, int length, double *cells)
{
	bool		known;

	if (unlikely(input->encoding == ML_ENCODING_TERMS))
	{
		ml_bind_terms(binding, input, text, length, cells);
		return;
	}
	*cells = ml_pipeline_level(input, text, length, &known);
	if (likely(known))
		return;
	ml_bind_note_unseen(binding, input);
	if (isnan(*cells) && binding->needs_seen && binding->needs_seen[input - binding->model->pipeline->inputs])
		*cells = ml_bind_unseen(binding, input, text, length);
}

#endif							/* ML_BIND_INTERNAL_H */
