/*
 * bins.c - a column of numbers as one byte a value.
 */
#include <math.h>
#include <string.h>

#include "math/bins.h"

#define ML_RADIX_BITS	11
#define ML_RADIX		(1 << ML_RADIX_BITS)
#define ML_RADIX_PASSES	6

/* An integer in the order of the doubles: negative numbers have all bits turned, the others the sign. */
static inline uint64_t
ml_bins_to_key(uint64_t bits)
{
	return bits ^ ((uint64_t) ((int64_t) bits >> 63) | UINT64_C(1) << 63);
}

static inline uint64_t
ml_bins_from_key(uint64_t key)
{
	return key ^ (((key >> 63) - 1) | UINT64_C(1) << 63);
}

/* Moves keys to where their digit wants them; start has the first place of each digit. */
static void
ml_bins_scatter(const uint64_t *from, uint64_t *to, size_t n, int shift, uint32_t *start)
{
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	key = from[i];

		to[start[(key >> shift) & (ML_RADIX - 1)]++] = key;
	}
}

/* Radix sort by digits, the least significant first; digits that all keys share are passed over. */
void
ml_bins_sort(double *x, double *spare, size_t n)
{
	uint32_t	count[ML_RADIX_PASSES][ML_RADIX];
	uint64_t   *from = (uint64_t *) (void *) x;
	uint64_t   *to = (uint64_t *) (void *) spare;

	memset(count, 0, sizeof count);
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	key = ml_bins_to_key(from[i]);

		from[i] = key;
		for (int p = 0; p < ML_RADIX_PASSES; p++)
			count[p][(key >> (p * ML_RADIX_BITS)) & (ML_RADIX - 1)]++;
	}
	for (int p = 0; p < ML_RADIX_PASSES; p++)
	{
		uint32_t	sum = 0;
		uint64_t   *other = from;

		if (n > 0 && count[p][(from[0] >> (p * ML_RADIX_BITS)) & (ML_RADIX - 1)] == n)
			continue;
		for (int d = 0; d < ML_RADIX; d++)
		{
			uint32_t	c = count[p][d];

			count[p][d] = sum;
			sum += c;
		}
		ml_bins_scatter(from, to, n, p * ML_RADIX_BITS, count[p]);
		from = to;
		to = other;
	}
	for (size_t i = 0; i < n; i++)
		((uint64_t *) (void *) x)[i] = ml_bins_from_key(from[i]);
}

/* Keeps one of equal neighbours, with their number. */
static size_t
ml_bins_distinct(double *x, uint32_t *count, size_t n)
{
	size_t		kept = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (kept > 0 && x[kept - 1] == x[i])
		{
			count[kept - 1]++;
			continue;
		}
		x[kept] = x[i];
		count[kept++] = 1;
	}
	return kept;
}

/* A number t with a <= t < b for a < b, halfway where that can be. */
static double
ml_bins_between(double a, double b)
{
	double		middle = a * 0.5 + b * 0.5;

	return middle >= a && middle < b ? middle : a;
}

/*
 * Closes bins from left to right. Values counted fill or more have a bin of
 * their own; the others share bins of about target. Returns the number of
 * bins, or bins_max + 1 when they do not suffice.
 */
static int
ml_bins_close(const double *x, const uint32_t *count, size_t n, int bins_max, double fill, double target,
			  double *edge)
{
	double		sum = 0;
	double		reach = target;
	int			closed = 0;

	for (size_t i = 0; i < n; i++)
	{
		bool		alone = count[i] >= fill;
		bool		parted = i > 0 && (alone || count[i - 1] >= fill);

		if (parted || (i > 0 && sum + 0.5 * count[i] > reach))
		{
			if (closed + 1 >= bins_max)
				return bins_max + 1;
			edge[closed++] = ml_bins_between(x[i - 1], x[i]);
			/* what one bin has too much or too little the next ones make up for */
			reach = parted ? sum + target : fmax(reach + target, sum + 0.5 * target);
		}
		sum += alone ? 0 : count[i];
	}
	return closed + 1;
}

int
ml_bins_edges(double *x, uint32_t *count, size_t n, int bins_max, double *edge)
{
	size_t		distinct = ml_bins_distinct(x, count, n);
	double		rest = (double) n;
	double		fill = (double) n / bins_max;
	double		share;
	int			bins = bins_max;

	if (distinct == 0)
		return 0;
	if (distinct <= (size_t) bins_max)
		return ml_bins_close(x, count, distinct, bins_max, 1, 1, edge);
	/* what fills a bin alone leaves fewer to the others, of which one may then fill a bin alone */
	for (;;)
	{
		double		left = (double) n;
		int			alone = 0;

		for (size_t i = 0; i < distinct; i++)
			if (count[i] >= fill)
			{
				left -= count[i];
				alone++;
			}
		if (left == rest && alone == bins_max - bins)
			break;
		rest = left;
		bins = bins_max - alone;
		if (bins <= 1)
			break;
		fill = rest / bins;
	}
	share = bins > 0 ? rest / bins : 1;
	/*
	 * Runs between values that stand alone break bins off early: wider bins
	 * then, and where they would have to be far wider, fewer values alone.
	 */
	for (;; fill *= 1.25)
	{
		if (ml_bins_close(x, count, distinct, bins_max, fill, INFINITY, edge) > bins_max)
			continue;
		for (double target = share; target <= fill * 4; target *= 1.02)
		{
			int			found = ml_bins_close(x, count, distinct, bins_max, fill, target, edge);

			if (found <= bins_max)
				return found;
		}
	}
}

void
ml_bins_encode(const double *x, size_t n, const double *edge, int nbins, uint8_t *out)
{
	double		padded[ML_BIN_CODES];

	for (int b = 0; b < ML_BIN_CODES; b++)
		padded[b] = b < nbins - 1 ? edge[b] : INFINITY;
	for (size_t i = 0; i < n; i++)
	{
		double		v = x[i];
		const double *at = padded;

		/* without a branch, since which way a value goes can't be foretold */
		for (int step = ML_BIN_CODES / 2; step > 0; step >>= 1)
			at += (size_t) (v > at[step - 1]) * step;
		out[i] = (uint8_t) (v != v ? nbins : at - padded);
	}
}
