/*
 * detect_adwin.c - adaptive windowing, with buckets of exponentially growing size.
 *
 * A row has at most max_buckets buckets; one more, and its two oldest become
 * one of the next row. Nothing is allocated and nothing jumps.
 */
#include <math.h>

#include "math/detect.h"
#include "math/elementary.h"

#define ML_ADWIN_HEAD	(offsetof(MlAdwin, buckets) / sizeof(double))

static inline int
ml_adwin_stride(const MlAdwin *s)
{
	return (int) s->max_buckets + 1;
}

static inline double *
ml_adwin_totals(MlAdwin *s, int row)
{
	return s->buckets + (size_t) row * 2 * ml_adwin_stride(s);
}

static inline double *
ml_adwin_squares(MlAdwin *s, int row)
{
	return ml_adwin_totals(s, row) + ml_adwin_stride(s);
}

/* The numbers in a bucket of a row. */
static inline double
ml_adwin_length(int row)
{
	return (double) (UINT64_C(1) << row);
}

size_t
ml_adwin_size(int max_buckets)
{
	return ML_ADWIN_HEAD + (size_t) ML_ADWIN_ROWS * 2 * (max_buckets + 1);
}

size_t
ml_adwin_used(const MlAdwin *s)
{
	return ML_ADWIN_HEAD + (size_t) s->rows * 2 * ml_adwin_stride(s);
}

void
ml_adwin_begin(MlAdwin *s)
{
	s->drifted = 0;
	s->tick = s->width = s->total = s->variance = 0;
	s->rows = 1;
	for (int row = 0; row < ML_ADWIN_ROWS; row++)
		s->count[row] = 0;
	for (int k = 0; k < 2 * ml_adwin_stride(s); k++)
		s->buckets[k] = 0;
}

static void
ml_adwin_insert(MlAdwin *s, int row, double total, double squares)
{
	int			k = (int) s->count[row]++;

	ml_adwin_totals(s, row)[k] = total;
	ml_adwin_squares(s, row)[k] = squares;
}

/* Takes the oldest buckets of a row away. */
static void
ml_adwin_shift(MlAdwin *s, int row, int n)
{
	double	   *totals = ml_adwin_totals(s, row);
	double	   *squares = ml_adwin_squares(s, row);
	int			count = (int) s->count[row];

	for (int k = 0; k < count; k++)
	{
		totals[k] = k + n < count ? totals[k + n] : 0;
		squares[k] = k + n < count ? squares[k + n] : 0;
	}
	s->count[row] -= n;
}

/* Joins the two oldest buckets of rows that have too many. */
static void
ml_adwin_compress(MlAdwin *s)
{
	for (int row = 0; s->count[row] > s->max_buckets; row++)
	{
		const double *totals = ml_adwin_totals(s, row);
		const double *squares = ml_adwin_squares(s, row);
		double		n = ml_adwin_length(row);
		double		apart = totals[0] / n - totals[1] / n;

		if (row + 1 == (int) s->rows)
		{
			for (int k = 0; k < 2 * ml_adwin_stride(s); k++)
				ml_adwin_totals(s, row + 1)[k] = 0;
			s->rows++;
		}
		ml_adwin_insert(s, row + 1, totals[0] + totals[1], squares[0] + squares[1] + n * 0.5 * apart * apart);
		ml_adwin_shift(s, row, 2);
	}
}

/* Drops the oldest bucket. */
static void
ml_adwin_drop(MlAdwin *s)
{
	int			row = (int) s->rows - 1;
	double		n = ml_adwin_length(row);
	double		total = ml_adwin_totals(s, row)[0];
	double		mean = total / n;
	double		rest;

	s->width -= n;
	s->total -= total;
	rest = s->total / s->width;
	s->variance -= ml_adwin_squares(s, row)[0] +
		n * s->width * (mean - rest) * (mean - rest) / (n + s->width);
	ml_adwin_shift(s, row, 1);
	if (s->count[row] == 0)
		s->rows--;
}

/* Whether the means of the older n0 and the newer n1 numbers differ by more than chance. */
static bool
ml_adwin_differ(const MlAdwin *s, double n0, double n1, double difference)
{
	double		confidence = ml_log(2.0 * ml_log(s->width) / s->delta);
	double		sizes = 1.0 / (n0 - s->min_window + 1.0) + 1.0 / (n1 - s->min_window + 1.0);
	double		epsilon = sqrt(2.0 * sizes * (s->variance / s->width) * confidence) +
		2.0 / 3.0 * confidence * sizes;

	return fabs(difference) > epsilon;
}

/* Looks at every cut between buckets, from the oldest on; at one that shows a change the oldest bucket is dropped. */
static bool
ml_adwin_look(MlAdwin *s)
{
	double		n0 = 0;
	double		n1 = s->width;
	double		u0 = 0;
	double		u1 = s->total;

	for (int row = (int) s->rows - 1; row >= 0; row--)
	{
		const double *totals = ml_adwin_totals(s, row);
		double		n = ml_adwin_length(row);

		for (int k = 0; k < (int) s->count[row]; k++)
		{
			n0 += n;
			n1 -= n;
			u0 += totals[k];
			u1 -= totals[k];
			if (row == 0 && k == (int) s->count[row] - 1)
				return false;
			if (n1 >= s->min_window && n0 >= s->min_window && ml_adwin_differ(s, n0, n1, u0 / n0 - u1 / n1))
			{
				ml_adwin_drop(s);
				return true;
			}
		}
	}
	return false;
}

int
ml_adwin_add(MlAdwin *s, double x)
{
	bool		changed = false;

	if (s->drifted != 0)
		ml_adwin_begin(s);
	ml_adwin_insert(s, 0, x, 0);
	s->width++;
	if (s->width > 1)
	{
		double		apart = x - s->total / (s->width - 1);

		s->variance += (s->width - 1) * apart * apart / s->width;
	}
	s->total += x;
	ml_adwin_compress(s);
	s->tick++;
	if (fmod(s->tick, s->clock) == 0 && s->width > s->grace)
	{
		while (ml_adwin_look(s))
			changed = true;
	}
	s->drifted = changed;
	return changed ? ML_DETECT_DRIFT : 0;
}

double
ml_adwin_level(const MlAdwin *s)
{
	return s->width > 0 ? s->total / s->width : (double) NAN;
}

bool
ml_adwin_valid(const double *words, size_t n)
{
	const MlAdwin *s = (const MlAdwin *) words;
	double		width = 0;

	if (n < ML_ADWIN_HEAD || !ml_detect_whole(s->max_buckets, 1, ML_ADWIN_BUCKETS_MAX) ||
		!ml_detect_whole(s->rows, 1, ML_ADWIN_ROWS - 1) || n != ml_adwin_used(s) || !(s->clock >= 1))
		return false;
	for (int row = 0; row < ML_ADWIN_ROWS; row++)
	{
		if (!ml_detect_whole(s->count[row], 0, row < (int) s->rows ? s->max_buckets : 0))
			return false;
		width += s->count[row] * ml_adwin_length(row);
	}
	return width == s->width && ((int) s->rows == 1 || s->count[(int) s->rows - 1] > 0);
}
