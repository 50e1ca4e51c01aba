/*
 * power.h - the power transforms of Box and Cox and of Yeo and Johnson, and the likeliest exponent.
 *
 * Box-Cox (1964), for x > 0: (x^lambda - 1) / lambda, log x where lambda is 0.
 * Yeo-Johnson (2000): that of x + 1 for x >= 0; for x < 0 minus that of 1 - x
 * with exponent 2 - lambda. The likelihood is that of normal values after the
 * transform; its maximum is where its derivative
 *
 *     mean of the log of the transform's slope by lambda - cov(f, df/dlambda) / var(f)
 *
 * is 0, which is found to full precision where the maximum of the likelihood
 * itself would be known to half the digits only.
 */
#ifndef ML_POWER_H
#define ML_POWER_H

#include "math/math.h"

typedef enum MlPowerMethod
{
	ML_POWER_BOX_COX,
	ML_POWER_YEO_JOHNSON
} MlPowerMethod;

/* The transform of x; NaN for NaN, and for x <= 0 with Box-Cox. */
extern double ml_power_value(MlPowerMethod method, double lambda, double x);

/*
 * The transform as a straight line maps it: less its value at a middle, over
 * the slope there, so that values close together keep their digits whatever
 * the exponent. middle is a logarithm as the transform raises it: of x, or of
 * 1 + |x| with the sign of x; 0 maps nothing with Yeo-Johnson. The line is
 * transform = at + by * mapped.
 */
typedef struct MlPowerLine
{
	MlPowerMethod method;
	double		lambda;
	double		middle;
	double		at;
	double		by;
} MlPowerLine;

extern void ml_power_line(MlPowerLine *line, MlPowerMethod method, double lambda, double middle);
extern double ml_power_mapped(const MlPowerLine *line, double x);

/* The search for one column's exponent: passes over its values, each of which tries one exponent. */
typedef struct MlPowerSearch
{
	MlPowerMethod method;
	bool		plain;			/* the transform itself is wanted, not one that a line has mapped */
	double		lambda;			/* to be tried, and in the end what was found */
	bool		done;
	bool		at_limit;		/* beyond that exponent values leave the range of a double */

	/* of the first pass */
	int64_t		n;
	double		mean_log;		/* of log x, or of sign(x) log(1 + |x|) */
	double		least_log;
	double		greatest_log;
	double		middle;			/* mean_log where all values have one sign, or 0 */

	/* of the pass under way */
	double		mean_value;
	double		mean_slope;
	double		square;
	double		product;

	/* the bracket */
	bool		has_low;
	bool		has_high;
	double		low;
	double		high;
	double		low_slope;
	double		high_slope;
	double		step;
	double		last_width;
	int			passes;
	int			side;			/* the end that the last pass moved */
} MlPowerSearch;

extern void ml_power_begin(MlPowerSearch *s, MlPowerMethod method, bool plain);

/* A pass hands over every value (a number in the method's domain) and then ends; the search goes on until it is done. */
extern void ml_power_add(MlPowerSearch *s, double x);
extern void ml_power_end_pass(MlPowerSearch *s);

#endif							/* ML_POWER_H */
