/*
 * resample.c - the inner loops of the bootstrap: weights of rows drawn again, and sums under them.
 *
 * Functions with clones are static, because the clones of an external one
 * would be exported.
 */
#include "math/resample.h"

#include <math.h>
#include <string.h>

#include "math/dist.h"
#include "math/elementary.h"

/* Hashes that are drawn at once; each makes two weights. */
#define ML_RESAMPLE_HASHES	128

/* So few weights are drawn one by one: a slice may have a row or two. */
#define ML_RESAMPLE_FEW		16

/* The mean from which a Poisson number is drawn by its expansion. */
#define ML_RESAMPLE_LARGE	256

/* 2^32 times the chance of a weight of at most k. */
static const uint32_t ml_resample_limits[ML_RESAMPLE_WEIGHT_MAX] = {
	1580030169u, 3160060337u, 3950075422u, 4213413783u, 4279248373u, 4292415291u,
	4294609778u, 4294923276u, 4294962463u, 4294966817u, 4294967253u, 4294967292u
};

/* The finaliser of splitmix64 (Steele, Lea and Flood 2014, section 5). */
static inline uint64_t
ml_resample_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t
ml_resample_stream(uint64_t seed, uint64_t replicate)
{
	return ml_resample_mix(seed + UINT64_C(0x9e3779b97f4a7c15) * (replicate + 1));
}

/* Weights of 2 * ML_RESAMPLE_HASHES rows from their hash number on. */
static ML_CLONES void
ml_resample_draw(uint64_t stream, uint64_t number, uint8_t *restrict w)
{
	uint32_t	u[2 * ML_RESAMPLE_HASHES];

	for (int i = 0; i < ML_RESAMPLE_HASHES; i++)
	{
		uint64_t	hash = ml_resample_mix(stream + UINT64_C(0x9e3779b97f4a7c15) * (number + (uint64_t) i));

		u[2 * i] = (uint32_t) hash;
		u[2 * i + 1] = (uint32_t) (hash >> 32);
	}
	for (int i = 0; i < 2 * ML_RESAMPLE_HASHES; i++)
	{
		uint32_t	weight = 0;

		for (int k = 0; k < ML_RESAMPLE_WEIGHT_MAX; k++)
			weight += u[i] >= ml_resample_limits[k];
		w[i] = (uint8_t) weight;
	}
}

/* The same weights for a few rows, without those of the rows that follow. */
static void
ml_resample_draw_few(uint64_t stream, uint64_t number, size_t n, uint8_t *w)
{
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	hash = ml_resample_mix(stream + UINT64_C(0x9e3779b97f4a7c15) * (number + i / 2));
		uint32_t	u = (uint32_t) (i % 2 == 0 ? hash : hash >> 32);
		uint32_t	weight = 0;

		for (int k = 0; k < ML_RESAMPLE_WEIGHT_MAX; k++)
			weight += u >= ml_resample_limits[k];
		w[i] = (uint8_t) weight;
	}
}

void
ml_resample_weights(uint64_t seed, uint64_t replicate, uint64_t first, size_t n, uint8_t *w)
{
	uint64_t	stream = ml_resample_stream(seed, replicate);
	uint64_t	number = first / 2;
	uint8_t		rest[2 * ML_RESAMPLE_HASHES];

	for (; n >= sizeof rest; n -= sizeof rest)
	{
		ml_resample_draw(stream, number, w);
		number += ML_RESAMPLE_HASHES;
		w += sizeof rest;
	}
	if (n > ML_RESAMPLE_FEW)
	{
		ml_resample_draw(stream, number, rest);
		memcpy(w, rest, n);
	}
	else
		ml_resample_draw_few(stream, number, n, w);
}

double
ml_resample_uniform(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t	hash = ml_resample_mix(ml_resample_stream(seed, a) + UINT64_C(0x9e3779b97f4a7c15) * b);

	return ((double) (hash >> 11) + 0.5) * 0x1p-53;
}

static ML_CLONES uint64_t
ml_resample_total_run(const uint8_t *restrict w, size_t n)
{
	uint64_t	total = 0;

	for (size_t i = 0; i < n; i++)
		total += w[i];
	return total;
}

uint64_t
ml_resample_total(const uint8_t *w, size_t n)
{
	return ml_resample_total_run(w, n);
}

/* The lanes in a fixed order. */
static inline double
ml_resample_fold(const double lane[ML_LANES])
{
	return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static ML_CLONES double
ml_resample_sum_run(const uint8_t *restrict w, const double *restrict x, size_t n)
{
	double		lane[ML_LANES] = {0};
	size_t		whole = n - n % ML_LANES;

	for (size_t i = 0; i < whole; i += ML_LANES)
	{
		for (int l = 0; l < ML_LANES; l++)
			lane[l] += (double) w[i + l] * x[i + l];
	}
	for (size_t i = whole; i < n; i++)
		lane[i - whole] += (double) w[i] * x[i];
	return ml_resample_fold(lane);
}

double
ml_resample_sum(const uint8_t *w, const double *x, size_t n)
{
	return ml_resample_sum_run(w, x, n);
}

static ML_CLONES double
ml_resample_squares_run(const uint8_t *restrict w, const double *restrict x, size_t n)
{
	double		lane[ML_LANES] = {0};
	size_t		whole = n - n % ML_LANES;

	for (size_t i = 0; i < whole; i += ML_LANES)
	{
		for (int l = 0; l < ML_LANES; l++)
			lane[l] += (double) w[i + l] * (x[i + l] * x[i + l]);
	}
	for (size_t i = whole; i < n; i++)
		lane[i - whole] += (double) w[i] * (x[i] * x[i]);
	return ml_resample_fold(lane);
}

double
ml_resample_squares(const uint8_t *w, const double *x, size_t n)
{
	return ml_resample_squares_run(w, x, n);
}

static ML_CLONES double
ml_resample_sum_at_run(const uint8_t *restrict w, const uint32_t *restrict at, const double *restrict x, size_t n)
{
	double		lane[ML_LANES] = {0};
	size_t		whole = n - n % ML_LANES;

	for (size_t i = 0; i < whole; i += ML_LANES)
	{
		uint8_t		gathered[ML_LANES];

		for (int l = 0; l < ML_LANES; l++)
			gathered[l] = w[at[i + l]];
		for (int l = 0; l < ML_LANES; l++)
			lane[l] += (double) gathered[l] * x[i + l];
	}
	for (size_t i = whole; i < n; i++)
		lane[i - whole] += (double) w[at[i]] * x[i];
	return ml_resample_fold(lane);
}

double
ml_resample_sum_at(const uint8_t *w, const uint32_t *at, const double *x, size_t n)
{
	return ml_resample_sum_at_run(w, at, x, n);
}

void
ml_resample_cells(const uint8_t *w, const uint8_t *cell, size_t n, uint64_t count[4])
{
	/* four counts of 16 bits in a word, emptied before one of them can overflow */
	const size_t run = 65535 / ML_RESAMPLE_WEIGHT_MAX;

	for (size_t from = 0; from < n; from += run)
	{
		size_t		to = n - from < run ? n : from + run;
		uint64_t	packed = 0;

		for (size_t i = from; i < to; i++)
			packed += (uint64_t) w[i] << (cell[i] * 16);
		for (int c = 0; c < 4; c++)
			count[c] += packed >> (c * 16) & 0xffff;
	}
}

void
ml_resample_precision(MlResamplePrecision *state, const uint8_t *w, const uint32_t *at, const uint8_t *label,
					  size_t first, size_t n, const uint32_t *steps, size_t nsteps, uint64_t *room)
{
	uint64_t	counts = state->counts;
	uint64_t	taken = state->taken;
	double		sum = state->sum;
	size_t		step = state->step;

	/* one addition a row: no branch depends on what was drawn */
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	weight = w[at[i]];

		counts += weight + ((weight * label[i]) << 32);
		room[i] = counts;
	}
	for (; step < nsteps && steps[step] - first < n; step++)
	{
		uint64_t	reached = room[steps[step] - first];
		uint64_t	positives = reached >> 32;
		uint64_t	rows = reached & 0xffffffff;

		/* before the first row that was drawn there are none of either */
		sum += (double) (positives - taken) * (double) positives / (double) (rows + (rows == 0));
		taken = positives;
	}
	state->counts = counts;
	state->taken = taken;
	state->sum = sum;
	state->step = step;
}

double
ml_resample_poisson(double mean, double u)
{
	double		z;
	double		chance;
	double		below;
	double		k = 0;

	if (mean >= ML_RESAMPLE_LARGE)
	{
		z = ml_normal_quantile(u);
		return floor(mean + sqrt(mean) * z + (z * z - 1) / 6 + (z - z * z * z) / (72 * sqrt(mean)) + 0.5);
	}
	chance = ml_exp(-mean);
	below = chance;
	while (below < u && chance > 0)
	{
		k++;
		chance *= mean / k;
		below += chance;
	}
	return k;
}

double
ml_sorted_quantile(const double *x, size_t n, double p)
{
	double		place = p * (double) (n - 1);
	size_t		k = (size_t) place;

	if (k + 1 >= n)
		return x[n - 1];
	return x[k] + (place - (double) k) * (x[k + 1] - x[k]);
}
