/*
 * interval.c - intervals of shares, of paired shares, and of areas under the curve.
 */
#include "math/interval.h"

#include <math.h>

#include "math/dist.h"
#include "math/elementary.h"

/* Rows between two breaths. */
#define ML_DELONG_BREATH	262144

void
ml_wilson(double part, double whole, double z, double *low, double *high)
{
	double		share = part / whole;
	double		spread = z * z / whole;
	double		center = (share + spread / 2) / (1 + spread);
	double		half = sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread);

	/* the ends are exact where rounding would miss them */
	*low = part == 0 ? 0 : fmax(center - half, 0);
	*high = part == whole ? 1 : fmin(center + half, 1);
}

/* The score statistic of a difference: how many standard errors the counts are above it. */
static double
ml_paired_score(double only_a, double only_b, double rows, double difference)
{
	/* the likeliest share of only_b under that difference, a root of a quadratic */
	double		a = 2 * rows;
	double		b = -only_a - only_b + (2 * rows - only_a + only_b) * difference;
	double		c = -only_b * difference * (1 - difference);
	double		share = (sqrt(fmax(b * b - 4 * a * c, 0)) - b) / (2 * a);
	double		variance = rows * fmax(2 * share + difference * (1 - difference), 0);
	double		excess = only_a - only_b - rows * difference;

	if (variance == 0)
		return excess == 0 ? 0 : copysign(INFINITY, excess);
	return excess / sqrt(variance);
}

/* The difference at which the statistic is z, between one where it is greater and one where it is less. */
static double
ml_paired_root(double only_a, double only_b, double rows, double z, double above, double below)
{
	for (;;)
	{
		double		middle = above + (below - above) / 2;

		if (middle == above || middle == below)
			return middle;
		if (ml_paired_score(only_a, only_b, rows, middle) > z)
			above = middle;
		else
			below = middle;
	}
}

void
ml_paired_shares(double only_a, double only_b, double rows, double z, double *low, double *high)
{
	double		difference = (only_a - only_b) / rows;

	*low = only_b == rows ? -1 : ml_paired_root(only_a, only_b, rows, z, -1, difference);
	*high = only_a == rows ? 1 : ml_paired_root(only_a, only_b, rows, -z, difference, 1);
}

double
ml_mcnemar_exact(double only_a, double only_b)
{
	double		n = only_a + only_b;
	double		k = fmin(only_a, only_b);
	double		term;
	double		sum;

	if (2 * k == n)
		return 1;
	term = ml_exp(ml_log_gamma(n + 1) - ml_log_gamma(k + 1) - ml_log_gamma(n - k + 1) - n * M_LN2);
	sum = term;
	for (; k > 0 && term > sum * 0x1p-60; k--)
	{
		term *= k / (n - k + 1);
		sum += term;
	}
	return fmin(2 * sum, 1);
}

void
ml_delong_wins(const uint64_t *key, const uint32_t *at, const uint8_t *label, size_t n, int64_t *wins,
			   const MlTick *tick)
{
	int64_t		below[2] = {0, 0};	/* rows of each class with a smaller score */
	int64_t		positives = 0;
	size_t		breath = 0;

	for (size_t i = 0; i < n; i++)
		positives += label[i] != 0;
	for (size_t from = 0, to; from < n; from = to)
	{
		int64_t		tied[2] = {0, 0};

		if (from >= breath)
		{
			ml_breathe(tick);
			breath = from + ML_DELONG_BREATH;
		}
		for (to = from; to < n && key[to] == key[from]; to++)
			tied[label[at[to]] != 0]++;
		for (size_t i = from; i < to; i++)
			wins[at[i]] = label[at[i]] ? 2 * below[0] + tied[0] :
				2 * (positives - below[1] - tied[1]) + tied[1];
		below[0] += tied[0];
		below[1] += tied[1];
	}
}

MlArea
ml_delong_area(const int64_t *wins, const uint8_t *label, size_t n, const MlTick *tick)
{
	MlArea		area;
	double		rows[2] = {0, 0};
	int64_t		sum = 0;
	double		squares[2] = {0, 0};
	double		variance = 0;

	for (size_t i = 0; i < n; i++)
	{
		rows[label[i] != 0]++;
		sum += label[i] ? wins[i] : 0;
	}
	area.value = (double) sum / (2 * rows[0] * rows[1]);
	for (size_t i = 0; i < n; i++)
	{
		int			class = label[i] != 0;
		double		deviation = (double) wins[i] / (2 * rows[!class]) - area.value;

		if (i % ML_DELONG_BREATH == 0)
			ml_breathe(tick);
		squares[class] += deviation * deviation;
	}
	for (int class = 0; class < 2; class++)
		variance += rows[class] < 2 ? NAN : squares[class] / (rows[class] - 1) / rows[class];
	area.variance = variance;
	return area;
}
