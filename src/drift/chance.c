/*
 * chance.c - what the drift statistics share: sums over bins, and what chance makes of them.
 *
 * The moments given the margins are those of the permutation test (Haldane,
 * "The mean and variance of chi-square, when used as a test of homogeneity,
 * when expectations are small", Biometrika 31, 1940); here they are computed
 * bin by bin, so that they serve every divergence. Bins depend on each other:
 * with many rows the squared deviations of those of shares p and q have a
 * covariance of 2 p q, so a bin's own variance of 2 (1 - p)^2 and its
 * covariances with all others make 2 (1 - p), which is 1 / (1 - p) of it, and
 * of the third moment likewise 1 / (1 - p)^2; the same is taken for bins of
 * few rows. A gamma distribution with these three moments (Pearson's type III;
 * Satterthwaite, Biometrics Bulletin 2, 1946, matches two) is the chi-square
 * with bins - 1 degrees of freedom when all bins hold many rows. Without the
 * third one, bins of few rows exceed limits of a small alpha too often.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "drift/chance.h"
#include "math/dist.h"
#include "math/elementary.h"
#include "math/hypergeometric.h"
#include "miscadmin.h"

/* The mean of |Z| for a standard normal Z, sqrt(2 / pi). */
#define ML_ABS_NORMAL_MEAN 0.79788456080286536

/* The difference of the shares of all other rows is that of a bin's, but for the last bits. */
#define ML_LAST_BITS 1e-12

void
ml_drift_undefined(MlDriftResult *out)
{
	out->defined = false;
	out->statistic = out->p_value = out->limit = NAN;
}

bool
ml_drift_sizes(const MlDriftPair *pair, MlDriftSizes *sizes, MlDriftResult *out)
{
	sizes->n = (double) pair->reference.n;
	sizes->m = (double) pair->current.n;
	sizes->total = sizes->n + sizes->m;
	sizes->effective = sizes->n > 0 && sizes->m > 0 ? sizes->n * (sizes->m / sizes->total) : 0;
	sizes->filled = 0;
	for (int i = 0; i < pair->nbins; i++)
		sizes->filled += pair->reference.counts[i] > 0 || pair->current.counts[i] > 0;
	sizes->prior = 0.5 * sizes->filled;
	ml_drift_undefined(out);
	out->defined = sizes->effective > 0;
	return out->defined;
}

/* How the rows of a bin fall to the smaller side by chance. */
typedef struct MlChanceBin
{
	int			count;
	double		p[ML_HYPERGEOMETRIC_MAX];
	double		first;
	double		rows;
	bool		reference;		/* the reference is the smaller side */
} MlChanceBin;

/* False: so many rows that the normal distribution will do. */
static bool
ml_chance_bin(const MlDriftSizes *sizes, double rows, MlChanceBin *bin)
{
	double		small = Min(sizes->n, sizes->m);

	/* Nearly all rows in one bin: few are left to fall elsewhere, and their bins answer for it. */
	if (rows > 0.5 * sizes->total || rows * (small / sizes->total) > ML_HYPERGEOMETRIC_MEAN)
		return false;
	bin->reference = sizes->n <= sizes->m;
	bin->rows = rows;
	bin->count = ml_hypergeometric(small, Max(sizes->n, sizes->m), rows, &bin->first, bin->p);
	return true;
}

static double
ml_chance_bin_term(const MlDriftSizes *sizes, const MlChanceBin *bin, int i, MlDriftTerm term)
{
	double		k = bin->first + i;

	return bin->reference ? term(sizes, k, bin->rows - k) : term(sizes, bin->rows - k, k);
}

/* Moments of a bin's term; false: ask the normal distribution. */
static bool
ml_chance_term(const MlDriftSizes *sizes, double rows, MlDriftTerm term, MlDriftChance *chance)
{
	MlChanceBin bin;

	CHECK_FOR_INTERRUPTS();
	if (!ml_chance_bin(sizes, rows, &bin))
		return false;
	chance->mean = chance->variance = chance->third = 0;
	for (int i = 0; i < bin.count; i++)
		chance->mean += bin.p[i] * ml_chance_bin_term(sizes, &bin, i, term);
	for (int i = 0; i < bin.count; i++)
	{
		double		deviation = ml_chance_bin_term(sizes, &bin, i, term) - chance->mean;

		chance->variance += bin.p[i] * deviation * deviation;
		chance->third += bin.p[i] * deviation * deviation * deviation;
	}
	return true;
}

double
ml_drift_divergence(const MlDriftPair *pair, const MlDriftSizes *sizes, MlDriftTerm term, double unit,
					MlDriftChance *chance)
{
	double		sum = 0;

	chance->mean = chance->variance = chance->third = 0;
	if (sizes->filled < 2)
		return 0;
	for (int i = 0; i < pair->nbins; i++)
	{
		double		x = (double) pair->reference.counts[i];
		double		y = (double) pair->current.counts[i];
		double		rest = 1 - (x + y) / sizes->total;
		MlDriftChance one;

		if (x + y == 0)
			continue;
		sum += Max(term(sizes, x, y), 0);
		if (ml_chance_term(sizes, x + y, term, &one))
		{
			one.variance /= rest;
			one.third /= rest * rest;
		}
		else
		{
			one.mean = unit * rest;
			one.variance = 2 * unit * unit * rest;
			one.third = 8 * unit * unit * unit * rest;
		}
		chance->mean += one.mean;
		chance->variance += one.variance;
		chance->third += one.third;
	}
	return sum;
}

double
ml_drift_entropy(double u)
{
	if (u <= -1)
		return 1;
	if (fabs(u) < 1e-4)
		return u * u * (0.5 - u * (1.0 / 6 - u * (1.0 / 12 - u * (1.0 / 20))));
	return (1 + u) * ml_log1p(u) - u;
}

/* Whether chance leaves but one value; what rounding makes of a variance of 0 is none. */
static bool
ml_chance_certain(const MlDriftChance *chance)
{
	return !(chance->mean > 0 && chance->variance > ML_LAST_BITS * ML_LAST_BITS * chance->mean * chance->mean);
}

/* The mean of the gamma distribution beyond the place where it begins. */
static double
ml_chance_gamma_mean(const MlDriftChance *chance)
{
	return chance->third > 0 ? 2 * chance->variance * (chance->variance / chance->third) : chance->mean;
}

double
ml_chance_upper(const MlDriftChance *chance, double x)
{
	double		mean = ml_chance_gamma_mean(chance);

	if (ml_chance_certain(chance))
		return x > chance->mean * (1 + ML_LAST_BITS) ? 0 : 1;
	/* the gamma distribution may begin below 0, where no sum is */
	return x > 0 ? ml_gamma_matched_upper(Max(x - chance->mean + mean, 0), mean, chance->variance) : 1;
}

double
ml_chance_limit(const MlDriftChance *chance, double alpha)
{
	double		mean = ml_chance_gamma_mean(chance);

	if (ml_chance_certain(chance))
		return chance->mean * (1 + ML_LAST_BITS);
	return Max(ml_gamma_matched_quantile(alpha, mean, chance->variance) - mean + chance->mean, 0);
}

double
ml_share_difference(const MlDriftSizes *sizes, double x, double y)
{
	return fabs(x / sizes->n - y / sizes->m);
}

void
ml_chance_difference(const MlDriftSizes *sizes, double rows, MlDriftChance *chance)
{
	/* the rows elsewhere differ by as much */
	double		fewer = Min(rows, sizes->total - rows);

	if (!ml_chance_term(sizes, fewer, ml_share_difference, chance))
	{
		double		share = fewer / sizes->total;
		double		square = share * (1 - share) / sizes->effective;

		chance->mean = ML_ABS_NORMAL_MEAN * sqrt(square);
		chance->variance = (1 - ML_ABS_NORMAL_MEAN * ML_ABS_NORMAL_MEAN) * square;
		chance->third = 0;
	}
}

double
ml_chance_share(const MlDriftSizes *sizes, double rows, double d, bool beyond)
{
	double		fewer = Min(rows, sizes->total - rows);
	double		sum = 0;
	MlChanceBin bin;

	CHECK_FOR_INTERRUPTS();
	if (fewer <= 0)
		return d > 0 || beyond ? 0 : 1;
	if (!ml_chance_bin(sizes, fewer, &bin))
	{
		double		share = fewer / sizes->total;

		return ml_normal_two_sided(d / sqrt(share * (1 - share) / sizes->effective));
	}
	for (int i = 0; i < bin.count; i++)
	{
		double		difference = ml_chance_bin_term(sizes, &bin, i, ml_share_difference);

		if (beyond ? difference > d : difference >= d * (1 - ML_LAST_BITS))
			sum += bin.p[i];
	}
	return Min(sum, 1.0);
}

double
ml_chance_bisect(double (*tail) (const void *ctx, double d), const void *ctx, double alpha)
{
	double		low = 0;
	double		high = 1;

	if (tail(ctx, 0) <= alpha)
		return 0;
	for (int i = 0; i < 60; i++)
	{
		double		middle = 0.5 * (low + high);

		if (tail(ctx, middle) > alpha)
			low = middle;
		else
			high = middle;
	}
	return high * (1 + ML_LAST_BITS);
}

/* A variance that one value alone does not have counts as none. */
static double
ml_drift_variance(const MlDriftSide *side)
{
	return side->values > 1 && side->variance > 0 ? side->variance : 0;
}

bool
ml_drift_spread(const MlDriftPair *pair, double *spread)
{
	const MlDriftSide *a = &pair->reference;
	const MlDriftSide *b = &pair->current;
	double		n = (double) a->values;
	double		m = (double) b->values;
	double		square = ml_drift_variance(a);

	if (a->values < 1 || b->values < 1 || isnan(a->mean) || isnan(b->mean))
		return false;
	if (square == 0)
	{
		double		shift = b->mean - a->mean;

		square = ((m - 1) * ml_drift_variance(b) + n * m / (n + m) * shift * shift) / (n + m - 1);
	}
	*spread = sqrt(square);
	return true;
}

bool
ml_drift_welch(const MlDriftPair *pair, double *variance, double *freedom)
{
	double		n = (double) pair->reference.values;
	double		m = (double) pair->current.values;
	double		a = ml_drift_variance(&pair->reference) / n;
	double		b = ml_drift_variance(&pair->current) / m;
	double		share;

	if (n < 2 || m < 2 || isnan(pair->reference.mean) || isnan(pair->current.mean))
		return false;
	*variance = a + b;
	*freedom = n + m - 2;
	if (*variance > 0)
	{
		/* Satterthwaite's formula in shares of the sum, whose squares do not vanish */
		share = a / *variance;
		*freedom = 1 / (share * share / (n - 1) + (1 - share) * (1 - share) / (m - 1));
	}
	return true;
}
