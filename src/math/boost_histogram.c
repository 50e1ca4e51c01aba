/*
 * boost_histogram.c - the innermost loops of boosting: sums of gradients by bin.
 *
 * One row adds the same 64-bit word, gradient, hessian and count at once, to
 * one place in each column.
 */
#include "math/boost_internal.h"

/* Rows whose bins are fetched ahead of the one that is added. */
#define ML_BOOST_AHEAD		12

static inline __attribute__((always_inline)) void
ml_boost_add_row(uint64_t *narrow, const uint8_t *b, uint64_t v, int n)
{
	int			c = 0;

	for (; c + 4 <= n; c += 4)
	{
		uint64_t   *h = narrow + (size_t) c * ML_BIN_CODES;

		h[b[c]] += v;
		h[ML_BIN_CODES + b[c + 1]] += v;
		h[2 * ML_BIN_CODES + b[c + 2]] += v;
		h[3 * ML_BIN_CODES + b[c + 3]] += v;
	}
	for (; c < n; c++)
		narrow[(size_t) c * ML_BIN_CODES + b[c]] += v;
}

static inline void
ml_boost_fetch(const uint8_t *b, int n)
{
	for (int at = 0; at < n; at += 64)
		__builtin_prefetch(b + at);
	__builtin_prefetch(b + n - 1);
}

void
ml_boost_add(uint64_t *narrow, const uint8_t *bins, int stride, const uint64_t *inc, const uint32_t *index, int n,
			 int first, int last)
{
	int			width = last - first;

	bins += first;
	for (int i = 0; i < n; i++)
	{
		size_t		row = index[i];

		if (i + ML_BOOST_AHEAD < n)
		{
			ml_boost_fetch(bins + (size_t) index[i + ML_BOOST_AHEAD] * stride, width);
			__builtin_prefetch(inc + index[i + ML_BOOST_AHEAD]);
		}
		ml_boost_add_row(narrow, bins + row * stride, inc[row], width);
	}
}

void
ml_boost_add_run(uint64_t *narrow, const uint8_t *bins, int stride, const uint64_t *inc, size_t from, int n,
				 int first, int last)
{
	const uint8_t *b = bins + from * stride + first;

	for (int i = 0; i < n; i++, b += stride)
		ml_boost_add_row(narrow, b, inc[from + i], last - first);
}

void
ml_boost_add_listed(uint64_t *narrow, const uint8_t *bins, int stride, const uint64_t *inc, const uint32_t *index,
					int n, const int *columns, int ncolumns)
{
	for (int i = 0; i < n; i++)
	{
		size_t		row = index[i];
		const uint8_t *b = bins + row * stride;
		uint64_t	v = inc[row];

		if (i + ML_BOOST_AHEAD < n)
		{
			ml_boost_fetch(bins + (size_t) index[i + ML_BOOST_AHEAD] * stride, stride);
			__builtin_prefetch(inc + index[i + ML_BOOST_AHEAD]);
		}
		for (int c = 0; c < ncolumns; c++)
			narrow[(size_t) c * ML_BIN_CODES + b[columns[c]]] += v;
	}
}

ML_CLONES static void
ml_boost_empty_plain(uint64_t *narrow, int codes, int64_t *g, int64_t *h, int64_t *rows)
{
	for (int b = 0; b < codes; b++)
	{
		int64_t		v = (int64_t) narrow[b];
		int64_t		count = v & ((1 << ML_BOOST_ROWS_BITS) - 1);

		g[b] += v >> ML_BOOST_ROWS_BITS;
		h[b] += count;
		rows[b] += count;
		narrow[b] = 0;
	}
}

ML_CLONES static void
ml_boost_empty_both(uint64_t *narrow, int codes, int64_t *g, int64_t *h, int64_t *rows)
{
	for (int b = 0; b < codes; b++)
	{
		int64_t		v = (int64_t) narrow[b];

		g[b] += v >> ML_BOOST_G_SHIFT;
		h[b] += (v >> ML_BOOST_ROWS_BITS) & ((1 << ML_BOOST_H_BITS) - 1);
		rows[b] += v & ((1 << ML_BOOST_ROWS_BITS) - 1);
		narrow[b] = 0;
	}
}

void
ml_boost_empty(uint64_t *narrow, int codes, bool plain, int64_t *g, int64_t *h, int64_t *rows)
{
	if (plain)
		ml_boost_empty_plain(narrow, codes, g, h, rows);
	else
		ml_boost_empty_both(narrow, codes, g, h, rows);
}

ML_CLONES static void
ml_boost_subtract_run(int64_t *into, const int64_t *what, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] -= what[i];
}

void
ml_boost_subtract(int64_t *into, const int64_t *what, size_t n)
{
	ml_boost_subtract_run(into, what, n);
}

ML_CLONES static void
ml_boost_sum_run(int64_t *into, const int64_t *what, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] += what[i];
}

void
ml_boost_sum(int64_t *into, const int64_t *what, size_t n)
{
	ml_boost_sum_run(into, what, n);
}

/* 32 well mixed bits (the finaliser of MurmurHash3 for 32 bits, Appleby 2011). */
static inline uint32_t
ml_boost_mix32(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x85ebca6b);
	x ^= x >> 13;
	x *= UINT32_C(0xc2b2ae35);
	return x ^ (x >> 16);
}

ML_CLONES static void
ml_boost_increments_run(const int32_t *g, const uint32_t *h, size_t first_row, int n, uint32_t tree_key, uint64_t *inc)
{
	const int	g_drop = ML_BOOST_FRACTION_BITS - ML_BOOST_G_STEP_BITS;
	const int	h_drop = ML_BOOST_FRACTION_BITS + 1 - ML_BOOST_H_STEP_BITS;

	for (int i = 0; i < n; i++)
	{
		uint32_t	chance = ml_boost_mix32((uint32_t) (first_row + i) ^ tree_key);
		int32_t		g_steps = (g[i] + (int32_t) (chance & ((1u << g_drop) - 1))) >> g_drop;
		uint32_t	h_steps = (h[i] + ((chance << 3) & ((1u << h_drop) - 1))) >> h_drop;

		inc[i] = ((uint64_t) (int64_t) g_steps << ML_BOOST_G_SHIFT) | (uint64_t) h_steps << ML_BOOST_ROWS_BITS | 1;
	}
}

void
ml_boost_increments(const int32_t *g, const uint32_t *h, size_t first_row, int n, uint32_t tree_key, uint64_t *inc)
{
	ml_boost_increments_run(g, h, first_row, n, tree_key, inc);
}
