/*
 * quantile.c - means, standard deviations, quantiles and modes of columns of the training rows, exact and repeatable.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "base/settings.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "math/exact_sum.h"
#include "math/moments.h"
#include "miscadmin.h"
#include "transform/quantile.h"
#include "utils/tuplesort.h"

#define ML_RADIX_BITS	16
#define ML_RADIX		(1 << ML_RADIX_BITS)

/* Columns sorted at once, and what the server's sort takes for a value. */
#define ML_SORT_COLUMNS		32
#define ML_SORT_VALUE_BYTES	24

/* Columns selected at once: their histograms take half a megabyte each. */
#define ML_MEDIAN_COLUMNS	32

static bool
ml_quantile_any(const bool *wanted, int ncols)
{
	for (int j = 0; j < ncols; j++)
		if (wanted[j])
			return true;
	return false;
}

static void
ml_quantile_sums(MlRowSource *rows, int ncols, const double *shift, MlMoments *m)
{
	const double *block[ML_BLOCK_ROWS];
	int			n;

	ml_moments_init(m, m->count, ncols);
	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
		ml_moments_add(m, block, n, ncols, shift);
}

static void
ml_quantile_arrays(MlMoments *m, int ncols)
{
	ml_moments_init(m, MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(double) * ML_MOMENTS_ARRAYS * Max(ncols, 1)), ncols);
}

/* One column's values, and their weights where rows have any. */
typedef struct MlMeanSum
{
	MlExactSum	values;
	MlExactProducts weighted;
	MlExactProducts weights;
	int64		n;
} MlMeanSum;

static double
ml_products_value(const MlExactProducts *sum)
{
	double		fraction;
	int			exponent;

	ml_exact_products_parts(sum, &fraction, &exponent);
	return ldexp(fraction, exponent);
}

/*
 * The mean to the bit as a learner of one pass has it, from rows multiplied by
 * the roots of their weights: the sum rounded once, divided by the rounded sum
 * of the weights.
 */
static double
ml_mean_of(const MlMeanSum *sum, bool weighted)
{
	double		mean;

	if (weighted)
	{
		mean = ml_products_value(&sum->weighted) / ml_products_value(&sum->weights);
		if (isfinite(mean))
			return mean;
	}
	if (sum->n == 0)
		return 0;
	mean = ml_exact_value(&sum->values) / (double) sum->n;
	return isfinite(mean) ? mean : ml_exact_mean(&sum->values, sum->n);
}

void
ml_quantile_means(MlRowSource *rows, int ncols, const bool *wanted, double *mean)
{
	const double *block[ML_BLOCK_ROWS];
	MlMeanSum  *sums;
	int		   *column;
	int			ncolumns = 0;
	int			n;

	if (!ml_quantile_any(wanted, ncols))
		return;
	column = palloc_extended(sizeof(int) * ncols, MCXT_ALLOC_HUGE);
	for (int j = 0; j < ncols; j++)
		if (wanted[j])
			column[ncolumns++] = j;
	sums = palloc_extended(sizeof(MlMeanSum) * ncolumns, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
		for (int i = 0; i < n; i++)
			for (int c = 0; c < ncolumns; c++)
			{
				double		x = block[i][column[c]];
				double		root;

				if (ml_cell_is_missing(x))
					continue;
				ml_exact_add(&sums[c].values, x);
				sums[c].n++;
				if (rows->w == NULL)
					continue;
				root = sqrt(rows->w[i]);
				ml_exact_products_add(&sums[c].weighted, root, root * x);
				ml_exact_products_add(&sums[c].weights, root, root);
			}
	for (int c = 0; c < ncolumns; c++)
		mean[column[c]] = ml_mean_of(&sums[c], rows->w != NULL);
	pfree(sums);
	pfree(column);
}

void
ml_quantile_moments(MlRowSource *rows, int ncols, const bool *wanted, const double *near,
					double *mean, double *stddev)
{
	double	   *shift;
	MlMoments	m;
	bool		again = false;

	if (!ml_quantile_any(wanted, ncols))
		return;
	shift = palloc_extended(sizeof(double) * ncols, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	memcpy(shift, near, sizeof(double) * ncols);
	ml_quantile_arrays(&m, ncols);
	for (int pass = 0; pass == 0 || (pass == 1 && again); pass++)
	{
		ml_quantile_sums(rows, ncols, shift, &m);
		for (int j = 0; j < ncols; j++)
		{
			double		center;

			if (!wanted[j])
				continue;
			center = ml_moments_mean(&m, j, shift[j]);
			mean[j] = center;
			stddev[j] = ml_moments_stddev(&m, j);
			again |= ml_moments_far(&m, j);
			shift[j] = center;
		}
	}
	pfree(m.count);
	pfree(shift);
}

/* Maps numbers to unsigned integers in the same order. */
static inline uint64
ml_quantile_rank_key(double x)
{
	uint64		bits = ml_cell_bits(x);

	return bits & (UINT64CONST(1) << 63) ? ~bits : bits | (UINT64CONST(1) << 63);
}

static inline double
ml_quantile_rank_value(uint64 key)
{
	return ml_cell_from_bits(key & (UINT64CONST(1) << 63) ? key ^ (UINT64CONST(1) << 63) : ~key);
}

/* One column's search: the k-th smallest has the given leading bits. */
typedef struct MlSelect
{
	int			column;
	int64		n;				/* values seen, counted in the first pass */
	int64		rank;			/* of the lower median among the values with the prefix */
	uint64		prefix;
	uint64		next;			/* smallest key above the lower median */
	int64		at_most;		/* values up to the lower median */
	int64	   *histogram;
} MlSelect;

/* Counts, in one pass, the next radix digit of every value that has its column's prefix. */
static void
ml_select_pass(MlRowSource *rows, MlSelect *select, int nselect, int shift)
{
	const double *block[ML_BLOCK_ROWS];
	int			n;

	for (int s = 0; s < nselect; s++)
		memset(select[s].histogram, 0, sizeof(int64) * ML_RADIX);
	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
		for (int i = 0; i < n; i++)
			for (int s = 0; s < nselect; s++)
			{
				double		x = block[i][select[s].column];
				uint64		key;

				if (ml_cell_is_missing(x))
					continue;
				key = ml_quantile_rank_key(x);
				if (shift + ML_RADIX_BITS == 64 || (key >> (shift + ML_RADIX_BITS)) == select[s].prefix)
					select[s].histogram[(key >> shift) & (ML_RADIX - 1)]++;
			}
}

/* Finds, in one pass, the smallest value above the lower median and how many are not above it. */
static void
ml_select_next(MlRowSource *rows, MlSelect *select, int nselect)
{
	const double *block[ML_BLOCK_ROWS];
	int			n;

	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
		for (int i = 0; i < n; i++)
			for (int s = 0; s < nselect; s++)
			{
				double		x = block[i][select[s].column];
				uint64		key;

				if (ml_cell_is_missing(x))
					continue;
				key = ml_quantile_rank_key(x);
				if (key <= select[s].prefix)
					select[s].at_most++;
				else if (key < select[s].next)
					select[s].next = key;
			}
}

static void
ml_select_medians(MlRowSource *rows, MlSelect *select, int nselect, double *median)
{
	for (int shift = 64 - ML_RADIX_BITS; shift >= 0; shift -= ML_RADIX_BITS)
	{
		ml_select_pass(rows, select, nselect, shift);
		for (int s = 0; s < nselect; s++)
		{
			uint64		digit = 0;

			if (shift == 64 - ML_RADIX_BITS)
			{
				for (int d = 0; d < ML_RADIX; d++)
					select[s].n += select[s].histogram[d];
				select[s].rank = (select[s].n - 1) / 2;
			}
			while (digit < ML_RADIX - 1 && select[s].rank >= select[s].histogram[digit])
				select[s].rank -= select[s].histogram[digit++];
			select[s].prefix = (select[s].prefix << ML_RADIX_BITS) | digit;
		}
	}
	ml_select_next(rows, select, nselect);
	for (int s = 0; s < nselect; s++)
	{
		double		low = ml_quantile_rank_value(select[s].prefix);
		double		high = low;

		if (select[s].n % 2 == 0 && select[s].at_most < select[s].n / 2 + 1)
			high = ml_quantile_rank_value(select[s].next);
		median[select[s].column] = select[s].n > 0 ? low / 2 + high / 2 : 0;
	}
}

void
ml_quantile_medians(MlRowSource *rows, int ncols, const bool *wanted, double *median)
{
	MlSelect   *select;
	int			nselect = 0;

	if (!ml_quantile_any(wanted, ncols))
		return;
	select = palloc0(sizeof(MlSelect) * ML_MEDIAN_COLUMNS);
	for (int s = 0; s < ML_MEDIAN_COLUMNS; s++)
		select[s].histogram = palloc(sizeof(int64) * ML_RADIX);
	for (int j = 0; j < ncols; j++)
	{
		if (wanted[j])
		{
			int64	   *histogram = select[nselect].histogram;

			memset(&select[nselect], 0, sizeof(MlSelect));
			select[nselect].histogram = histogram;
			select[nselect].next = PG_UINT64_MAX;
			select[nselect++].column = j;
		}
		if (nselect == ML_MEDIAN_COLUMNS || (j == ncols - 1 && nselect > 0))
		{
			ml_select_medians(rows, select, nselect, median);
			nselect = 0;
		}
	}
	for (int s = 0; s < ML_MEDIAN_COLUMNS; s++)
		pfree(select[s].histogram);
	pfree(select);
}

/* What is done with the values of one sorted column, n of them. */
typedef void (*MlSortedTake) (void *ctx, int column, Tuplesortstate *sort, int64 n);

static double
ml_sorted_next(Tuplesortstate *sort)
{
	Datum		value;
	bool		isnull;

	if (!ml_compat_sorted_datum(sort, &value, &isnull))
		elog(ERROR, "a sorted column ended early");
	return ml_cell_from_ordered((uint64) DatumGetInt64(value) ^ ML_CELL_SIGN);
}

/* Sorts some columns in one pass over the rows and hands each over. */
static void
ml_sorted_batch(MlRowSource *rows, const int *column, int ncolumns, int memory_kb, MlSortedTake take, void *ctx)
{
	Tuplesortstate *sort[ML_SORT_COLUMNS];
	int64		count[ML_SORT_COLUMNS] = {0};
	const double *block[ML_BLOCK_ROWS];
	int			n;

	for (int c = 0; c < ncolumns; c++)
		sort[c] = tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false, memory_kb, NULL, TUPLESORT_NONE);
	rows->rewind(rows->ctx);
	while ((n = rows->read(rows->ctx, block)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < ncolumns; c++)
			for (int i = 0; i < n; i++)
			{
				double		x = block[i][column[c]];

				if (ml_cell_is_missing(x))
					continue;
				/* the sort compares signed integers */
				tuplesort_putdatum(sort[c], Int64GetDatum((int64) (ml_cell_ordered(x) ^ ML_CELL_SIGN)), false);
				count[c]++;
			}
	}
	for (int c = 0; c < ncolumns; c++)
	{
		tuplesort_performsort(sort[c]);
		take(ctx, column[c], sort[c], count[c]);
		tuplesort_end(sort[c]);
	}
}

/* Sorts the wanted columns, as many at once as an eighth of the training's memory holds. */
static void
ml_sorted_columns(MlRowSource *rows, int ncols, const bool *wanted, MlSortedTake take, void *ctx)
{
	Size		room = ML_TRAIN_MEMORY_BYTES / 8;
	Size		each;
	int			at_once;
	int			batch[ML_SORT_COLUMNS];
	int			n = 0;

	if (!ml_quantile_any(wanted, ncols))
		return;
	each = (Size) rows->nrows * ML_SORT_VALUE_BYTES + 64 * 1024;
	at_once = (int) Max(Min(room / each, ML_SORT_COLUMNS), 1);
	for (int j = 0; j < ncols; j++)
	{
		if (wanted[j])
			batch[n++] = j;
		if (n == at_once || (j == ncols - 1 && n > 0))
		{
			ml_sorted_batch(rows, batch, n, (int) Max(room / n / 1024, 64), take, ctx);
			n = 0;
		}
	}
}

typedef struct MlShares
{
	int			nshares;
	const double *shares;
	double	  **values;
} MlShares;

static void
ml_shares_take(void *ctx, int column, Tuplesortstate *sort, int64 n)
{
	const MlShares *s = ctx;
	int64		at = -1;
	double		low = 0;
	double		high = 0;

	for (int k = 0; k < s->nshares; k++)
	{
		double		place = (double) Max(n - 1, 0) * s->shares[k];
		int64		rank = (int64) floor(place);
		double		part = place - (double) rank;

		/* a share that means a value, and not a place beside it */
		if (fabs(place - rint(place)) < 1e-9)
		{
			rank = (int64) rint(place);
			part = 0;
		}

		s->values[column][k] = 0;
		if (n == 0)
			continue;
		/* high is the value at rank at, low the one before it */
		while (at < Min(rank + 1, n - 1))
		{
			low = high;
			high = ml_sorted_next(sort);
			at++;
		}
		if (rank >= at)
			s->values[column][k] = high;
		else if (!isfinite(high - low))
			s->values[column][k] = low * (1 - part) + high * part;
		else if (part < 0.5)
			s->values[column][k] = low + (high - low) * part;
		else
			s->values[column][k] = high - (high - low) * (1 - part);
	}
}

void
ml_quantile_shares(MlRowSource *rows, int ncols, const bool *wanted, int nshares, const double *shares, double **values)
{
	MlShares	ctx = {nshares, shares, values};

	ml_sorted_columns(rows, ncols, wanted, ml_shares_take, &ctx);
}

static void
ml_modes_take(void *ctx, int column, Tuplesortstate *sort, int64 n)
{
	double	   *mode = ctx;
	double		value = 0;
	int64		run = 0;
	int64		longest = 0;

	mode[column] = 0;
	for (int64 i = 0; i < n; i++)
	{
		double		x = ml_sorted_next(sort);

		run = i > 0 && x == value ? run + 1 : 1;
		value = x;
		if (run > longest)
		{
			longest = run;
			mode[column] = x;
		}
	}
}

void
ml_quantile_modes(MlRowSource *rows, int ncols, const bool *wanted, double *mode)
{
	ml_sorted_columns(rows, ncols, wanted, ml_modes_take, mode);
}
