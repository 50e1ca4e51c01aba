/*
 * power.c - the power transforms of Box and Cox and of Yeo and Johnson, and the likeliest exponent.
 *
 * See power.h. Sums run in the order of the values, after Welford.
 */
#include "math/power.h"

#include <math.h>

#include "math/elementary.h"

/* An exponent times a logarithm stays below this, so that squares of the values stay in range. */
#define ML_POWER_RANGE		300.0
/* So does minus the product at the middle of the values. */
#define ML_POWER_VANISHES	18.0
/* Exponents closer than this, relative to 1 or to themselves, are the same. */
#define ML_POWER_TOLERANCE	1e-13
#define ML_POWER_PASSES		100

/* (exp(a l) - 1) / a, l where a is 0. */
static inline double
ml_power_raise(double a, double l)
{
	double		z = a * l;

	return z > -0x1p-60 && z < 0x1p-60 ? l : ml_expm1(z) / a;
}

/* Its derivative by a: l^2 ((z exp z - (exp z - 1)) / z^2) where z = a l. */
static inline double
ml_power_slope(double a, double l)
{
	double		z = a * l,
				sum = 0.0;

	if (!(z > -0.5 && z < 0.5))
		return (l * ml_exp(z) - ml_expm1(z) / a) / a;
	/* the sum over k of z^k / (k! (k + 2)) */
	for (int k = 14; k >= 0; k--)
		sum = sum * z / (k + 1.0) + 1.0 / (k + 2.0);
	return l * l * sum;
}

/* The logarithm that the transform raises: of x, or of 1 + |x| with the sign of x. */
static inline double
ml_power_log(MlPowerMethod method, double x)
{
	if (method == ML_POWER_BOX_COX)
		return ml_log(x);
	return x < 0.0 ? -ml_log1p(-x) : ml_log1p(x);
}

double
ml_power_value(MlPowerMethod method, double lambda, double x)
{
	double		l;

	if (method == ML_POWER_BOX_COX && !(x > 0.0))
		return NAN;
	l = ml_power_log(method, x);
	if (method == ML_POWER_YEO_JOHNSON && x < 0.0)
		return -ml_power_raise(2.0 - lambda, -l);
	return ml_power_raise(lambda, l);
}

void
ml_power_line(MlPowerLine *line, MlPowerMethod method, double lambda, double middle)
{
	bool		below = method == ML_POWER_YEO_JOHNSON && middle < 0.0;

	line->method = method;
	line->lambda = lambda;
	line->middle = middle;
	line->at = below ? -ml_power_raise(2.0 - lambda, -middle) : ml_power_raise(lambda, middle);
	line->by = below ? ml_exp(-middle * (2.0 - lambda)) : ml_exp(middle * lambda);
}

double
ml_power_mapped(const MlPowerLine *line, double x)
{
	double		l;

	if (line->middle == 0.0)
		return ml_power_value(line->method, line->lambda, x);
	if (line->method == ML_POWER_BOX_COX && !(x > 0.0))
		return NAN;
	l = ml_power_log(line->method, x);
	if (line->method == ML_POWER_BOX_COX || (line->middle > 0.0 && x >= 0.0))
		return ml_power_raise(line->lambda, l - line->middle);
	if (line->middle < 0.0 && x < 0.0)
		return -ml_power_raise(2.0 - line->lambda, line->middle - l);
	/* a sign that no training value has */
	return (ml_power_value(line->method, line->lambda, x) - line->at) / line->by;
}

void
ml_power_begin(MlPowerSearch *s, MlPowerMethod method, bool plain)
{
	*s = (MlPowerSearch) {0};
	s->method = method;
	s->plain = plain;
	s->lambda = 1.0;
	s->step = 1.0;
}

void
ml_power_add(MlPowerSearch *s, double x)
{
	double		l = ml_power_log(s->method, x),
				value,
				slope,
				d,
				e;

	s->n++;
	if (s->passes == 0)
	{
		s->mean_log += (l - s->mean_log) / (double) s->n;
		s->least_log = s->n == 1 ? l : fmin(s->least_log, l);
		s->greatest_log = s->n == 1 ? l : fmax(s->greatest_log, l);
		return;
	}
	/* relative to their middle, values have the same maximum and keep their digits */
	l -= s->middle;
	if (s->method == ML_POWER_YEO_JOHNSON && x < 0.0)
	{
		value = -ml_power_raise(2.0 - s->lambda, -l);
		slope = ml_power_slope(2.0 - s->lambda, -l);
	}
	else
	{
		value = ml_power_raise(s->lambda, l);
		slope = ml_power_slope(s->lambda, l);
	}
	d = value - s->mean_value;
	e = slope - s->mean_slope;
	s->mean_value += d / (double) s->n;
	s->mean_slope += e / (double) s->n;
	s->square += d * (value - s->mean_value);
	s->product += d * (slope - s->mean_slope);
}

/*
 * The exponents in reach. What is raised must not overflow. Of the transform
 * itself it must not vanish either, beside the 1 that is taken off: all
 * values would become the same number.
 */
static double
ml_power_limit(const MlPowerSearch *s, bool upper)
{
	double		size = fmax(fabs(s->greatest_log - s->middle), fabs(s->least_log - s->middle)),
				whole = fmax(fabs(s->greatest_log), fabs(s->least_log)),
				reach = ML_POWER_RANGE / fmax(size, 1.0),
				origin = s->method == ML_POWER_YEO_JOHNSON && s->mean_log < 0.0 ? 2.0 : 0.0;

	/* where the line would be steeper than a double can be */
	reach = fmin(reach, 2.0 * ML_POWER_RANGE / fmax(whole, 1.0));
	if (s->plain)
		reach = fmin(reach, ML_POWER_RANGE / fmax(whole, 1.0));
	if ((s->plain || s->middle == 0.0) && s->mean_log != 0.0 && (s->mean_log < 0.0) == upper)
		reach = fmin(reach, ML_POWER_VANISHES / fmax(fabs(s->mean_log), 0x1p-20));
	return upper ? origin + reach : origin - reach;
}

/* The next exponent inside the bracket: by false position (Illinois), or its middle where that is slow. */
static double
ml_power_inside(MlPowerSearch *s)
{
	double		width = s->high - s->low,
				next = s->low + width * (s->low_slope / (s->low_slope - s->high_slope));

	if (s->passes % 3 == 0)
	{
		bool		slow = s->last_width > 0.0 && width > s->last_width / 2.0;

		s->last_width = width;
		if (slow)
			next = s->low + width / 2.0;
	}
	return next > s->low && next < s->high ? next : s->low + width / 2.0;
}

/* The next exponent outside of what is known, twice as far each time. */
static double
ml_power_outside(MlPowerSearch *s, bool up)
{
	double		next = s->lambda + (up ? s->step : -s->step),
				limit = ml_power_limit(s, up);

	s->step *= 2.0;
	if (up ? s->lambda >= limit : s->lambda <= limit)
	{
		s->done = s->at_limit = true;
		return s->lambda;
	}
	return up ? fmin(next, limit) : fmax(next, limit);
}

/* Takes note of the derivative at the exponent that was tried. */
static void
ml_power_note(MlPowerSearch *s, double slope)
{
	int			side = slope > 0.0 ? -1 : 1;

	if (side < 0)
	{
		s->low = s->lambda;
		s->low_slope = slope;
		/* the end that stays gets half its weight, else it would stay for ever */
		if (s->side == side && s->has_low)
			s->high_slope /= 2.0;
		s->has_low = true;
	}
	else
	{
		s->high = s->lambda;
		s->high_slope = slope;
		if (s->side == side && s->has_high)
			s->low_slope /= 2.0;
		s->has_high = true;
	}
	s->side = side;
}

void
ml_power_end_pass(MlPowerSearch *s)
{
	double		next,
				slope;

	if (s->passes++ == 0)
	{
		s->done = s->n == 0;
		s->n = 0;
		if (s->method == ML_POWER_BOX_COX || s->least_log > 0.0 || s->greatest_log < 0.0)
			s->middle = s->mean_log;
		return;
	}
	slope = (s->middle != 0.0 ? 0.0 : s->mean_log) - s->product / s->square;
	s->n = 0;
	s->mean_value = s->mean_slope = s->square = s->product = 0.0;
	/* a column that does not vary is left as it is */
	if (!isfinite(slope) || slope == 0.0)
	{
		s->done = true;
		return;
	}
	ml_power_note(s, slope);
	if (s->has_low && s->has_high)
		next = ml_power_inside(s);
	else
		next = ml_power_outside(s, s->has_low);
	if (fabs(next - s->lambda) <= ML_POWER_TOLERANCE * fmax(1.0, fabs(next)) || s->passes >= ML_POWER_PASSES)
		s->done = true;
	s->lambda = next;
}
