/*
 * bind_internal.h - what the bind*.c files share: errors that name the feature, cells of single values.
 */
#ifndef ML_BIND_INTERNAL_H
#define ML_BIND_INTERNAL_H

#include <math.h>

#include "base/cell.h"
#include "flow/bind.h"

/* Raises the error for an input that the features lack; names are those they have. */
extern ML_NORETURN void ml_bind_missing(const MlBinding *binding, const char *name, List *names);

extern ML_NORETURN void ml_bind_infinite(const MlBinding *binding, const MlInput *input, double x);

extern ML_NORETURN void ml_bind_valueless(const MlBinding *binding, const MlInput *input);

/* A finite number, or NaN when the pipeline takes missing values. */
static inline double
ml_bind_number(const MlBinding *binding, const MlInput *input, double x)
{
	if (unlikely(!isfinite(x)))
	{
		if (!isnan(x))
			ml_bind_infinite(binding, input, x);
		if (binding->needs_values)
			ml_bind_valueless(binding, input);
		return ml_cell_from_bits(ML_NAN_BITS);
	}
	return x;
}

static inline double
ml_bind_null(const MlBinding *binding, const MlInput *input)
{
	if (binding->needs_values)
		ml_bind_valueless(binding, input);
	return ml_cell_null();
}

#endif							/* ML_BIND_INTERNAL_H */
