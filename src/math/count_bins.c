/*
 * count_bins.c - how many of some numbers lie between edges.
 */
#include <math.h>
#include <string.h>

#include "math/count_bins.h"

#define ML_VECTORS	(ML_COUNT_BLOCK / ML_LANES)

static inline int64_t
ml_lanes_total(const MlVecInt *v)
{
	int64_t		total = 0;

	for (int k = 0; k < ML_LANES; k++)
		total += (*v)[k];
	return total;
}

/* Clones are visible outside the library unless they are static. */
ML_CLONES static void
ml_count_block(const double *x, int nedges, const double *edges, double center, int64_t null_bits, MlBinCounts *out)
{
	MlVec		block[ML_VECTORS];
	MlVec		sum = {0};
	MlVec		squares = {0};
	MlVec		least = (MlVec) {0} + INFINITY;
	MlVec		greatest = (MlVec) {0} - INFINITY;
	MlVecInt	nulls = {0};
	MlVecInt	numbers = {0};
	MlVecInt	finite = {0};

	memcpy(block, x, sizeof block);
	for (int e = 0; e < nedges; e++)
	{
		MlVecInt	reached = {0};

		/* a comparison that holds is -1 */
		for (int v = 0; v < ML_VECTORS; v++)
			reached -= block[v] >= edges[e];
		out->reached[e] = ml_lanes_total(&reached);
	}
	for (int v = 0; v < ML_VECTORS; v++)
	{
		MlVec		b = block[v];
		MlVecInt	is_finite = b - b == 0;
		MlVec		d = (MlVec) ((MlVecInt) (b - center) & is_finite);
		MlVecInt	is_less;
		MlVecInt	is_more;

		nulls -= (MlVecInt) b == null_bits;
		numbers -= b == b;
		finite -= is_finite;
		sum += d;
		squares += d * d;
		is_less = is_finite & (b < least);
		is_more = is_finite & (b > greatest);
		least = (MlVec) (((MlVecInt) b & is_less) | ((MlVecInt) least & ~is_less));
		greatest = (MlVec) (((MlVecInt) b & is_more) | ((MlVecInt) greatest & ~is_more));
	}
	out->nulls = ml_lanes_total(&nulls);
	out->numbers = ml_lanes_total(&numbers);
	out->finite = ml_lanes_total(&finite);
	out->sum = out->squares = 0;
	out->min = INFINITY;
	out->max = -INFINITY;
	for (int k = 0; k < ML_LANES; k++)
	{
		out->sum += sum[k];
		out->squares += squares[k];
		out->min = fmin(out->min, least[k]);
		out->max = fmax(out->max, greatest[k]);
	}
}

void
ml_count_bins(const double *x, int nedges, const double *edges, double center, int64_t null_bits, MlBinCounts *out)
{
	ml_count_block(x, nedges, edges, center, null_bits, out);
}
