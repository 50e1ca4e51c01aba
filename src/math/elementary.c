/*
 * elementary.c - the scalar forms of elementary_core.h, and the doors to the block forms.
 *
 * Nothing is allocated and nothing jumps.
 */
#include <string.h>

#include "math/math.h"
#include "math/elementary.h"
#include "math/kernel.h"

#define ML_VALUE_INF ((double) __builtin_inf())
#define ML_VALUE_NAN ((double) __builtin_nan(""))

#define ML_W 1
#define ML_TARGET
#define ML_NAME(name) name##_scalar
#include "math/elementary_core.h"

double
ml_exp(double x)
{
	return ml_exp_core_scalar(x);
}

double
ml_expm1(double x)
{
	double		sum = 0.0;

	/* beyond, what 1 takes off costs few bits */
	if (!(x > -0.5 && x < 0.5))
		return ml_exp(x) - 1.0;
	/* x + x^2 (1/2! + x/3! + ...), the x apart so that its digits stay */
	for (int k = 16; k >= 3; k--)
		sum = (sum + 1.0) * (x / k);
	return x + (sum + 1.0) * (x * 0.5) * x;
}

double
ml_log(double x)
{
	return ml_log_any_scalar(x);
}

double
ml_log1p(double x)
{
	double		sum = 1.0 + x;

	if (x > -0.29 && x < 0.41)
		return ml_log_core_scalar(0.0, x);
	if (!(sum > 0.0) || sum > 0x1p60)
		return ml_log(sum);
	/* what the rounding of 1 + x dropped, to first order */
	return ml_log(sum) + (x - (sum - 1.0)) / sum;
}

double
ml_log1p_exp(double x)
{
	return ml_log1p_exp_core_scalar(x);
}

double
ml_sigmoid(double x)
{
	return ml_sigmoid_core_scalar(x);
}

void
ml_exp_block(int count, const double *x, double *out)
{
	ml_kernels()->exp(count, x, out);
}

void
ml_log_block(int count, const double *x, double *out)
{
	ml_kernels()->log(count, x, out);
}

void
ml_log1p_exp_block(int count, const double *x, double *out)
{
	ml_kernels()->log1p_exp(count, x, out);
}

void
ml_sigmoid_block(int count, const double *x, double *out)
{
	ml_kernels()->sigmoid(count, x, out);
}
