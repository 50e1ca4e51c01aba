/*
 * profile.h - frozen bins, and counts of rows in them.
 *
 * A baseline is made once, of the rows that trained a version: for every
 * feature and for the prediction the bins, how many rows each of them had, and
 * moments. Rows that are scored later are counted in the same bins, so counts
 * of any times and processes can be added up, and no outlier can hide what
 * happens elsewhere.
 *
 * Bins of a column of numbers: below the least number of the training rows;
 * between ascending edges, with the lower edge inside; above the greatest.
 * Behind these ordered bins: NULL, then NaN. Infinities are below or above.
 * Where training saw few different numbers each has a bin of its own.
 *
 * Bins of a column of categories: the commonest levels, most frequent first;
 * other, which training saw less often; unseen, which it did not see; NULL.
 *
 * Counts are one array of 8-byte words, so that any two with the same shape
 * are added word by word:
 *
 *   ML_SERVICE_WORDS      service of the window: rows, errors, ... (set 0 only)
 *   per set:              set 0 is all rows; behind it one set for each bin of
 *                         each slice column, in their order
 *     rows
 *     per column:         values, sum and sum of squares of (x - center), min, max
 *                         (doubles; min and max not added), then a count for each bin
 *     per score bin:      rows, and the sum of scores (a double)
 *
 * A shape (MlCountsShape) says how many of each; counts as bytes carry it.
 */
#ifndef ML_PROFILE_BINS_H
#define ML_PROFILE_BINS_H

#include "base/histogram.h"
#include "fmgr.h"
#include "drift/drift.h"

#define ML_BINS_INNER		10	/* ordered bins between the least and the greatest number: deciles */
#define ML_BINS_OWN_MAX		12	/* so many different numbers or fewer have a bin each */
#define ML_BINS_LEVELS_MAX	20	/* levels with a bin of their own */
#define ML_SCORE_BINS		20	/* of the probability of the positive class, 0.05 wide */
#define ML_LATENCY_BINS		48	/* of sampled rows: from 64 ns on 2 to a doubling; the first and the last are open */

/* Bins of one column. */
typedef struct MlBins
{
	char	   *name;			/* ":prediction" for the output */
	int			cell;			/* of the version's entrance; -1: the prediction */
	bool		ordered;		/* numbers; else categories */
	bool		own;			/* numbers: each bin is one number */
	bool		cyclic;			/* hours, weekdays, angles */
	int			nedges;			/* numbers: ascending */
	double	   *edges;
	int			nlevels;		/* categories */
	char	  **levels;
	int		   *codes;			/* the version's code of each level */
	double		center;			/* what is taken off numbers before they are summed */
	int			nbins;			/* all of them */
} MlBins;

/* Counts of one column, as they are read. */
typedef struct MlColumnCounts
{
	int64		rows;			/* in all bins */
	const int64 *bins;
	int64		values;			/* finite numbers; 0 for categories */
	double		mean;			/* of these; NaN where there are none */
	double		variance;		/* with values - 1; NaN with fewer than two */
	double		min;			/* NaN where there are none */
	double		max;
} MlColumnCounts;

typedef struct MlCountsShape
{
	int			nsets;			/* 1 and one for each slice */
	int			ncolumns;
	int			nscores;		/* 0, or ML_SCORE_BINS */
	const uint16 *nbins;		/* of each column */
	Size		set_words;		/* a set's */
	Size		words;			/* all of them */
} MlCountsShape;

typedef struct MlCounts
{
	MlCountsShape shape;
	int64	   *words;			/* doubles by their bits */
} MlCounts;

/* Words of service, before the sets. */
typedef enum MlServiceWord
{
	ML_SERVICE_ROWS,			/* scored */
	ML_SERVICE_ERRORS,			/* that could not be */
	ML_SERVICE_REJECTED,		/* not scored: the model's policy for invalid rows */
	ML_SERVICE_INVALID,			/* that failed the model's checks, scored or not */
	ML_SERVICE_SAMPLES,			/* rows whose time was taken */
	ML_SERVICE_NS,				/* nanoseconds of these */
	ML_SERVICE_LATENCY,			/* the first of ML_LATENCY_BINS */
	ML_SERVICE_WORDS = ML_SERVICE_LATENCY + ML_LATENCY_BINS
} MlServiceWord;

/* What a version was trained on. */
typedef struct MlBaseline
{
	int			ncolumns;		/* features, then the prediction where rows were held out */
	MlBins	   *bins;
	int			nscores;
	MlCounts	counts;			/* of the training rows: set 0; the prediction's of the held-out rows */
	double	   *distinct;		/* of each column: different values; NaN where not known */
	int64	   *positives;		/* per score bin: held-out rows of the positive class; NULL without scores */
} MlBaseline;

/* ---- bins ---- */

/* The bin of a value: a number, or a level's code. NULL and NaN by their cells. */
extern int	ml_bins_find(const MlBins *bins, double cell);

/* A bin in words: "[3, 7)", "below 3", "red", "other", "NULL"; palloc'd. */
extern char *ml_bins_label(const MlBins *bins, int bin);

/* The number of a bin of its kind; -1 where a column has none. */
extern int	ml_bins_null(const MlBins *bins);
extern int	ml_bins_nan(const MlBins *bins);
extern int	ml_bins_unseen(const MlBins *bins);

/* Bins of numbers of which this is the spread, and the counts in them (nbins, palloc'd). */
extern void ml_bins_of_numbers(MlBins *bins, const MlHistogram *histogram, int64 nulls, int64 **counts);

/* ---- counts ---- */

/* Works out the words of a shape from the rest. */
extern void ml_counts_measure(MlCountsShape *shape);

/* The shape of rows scored against a baseline, cut by columns (their places in it). */
extern void ml_counts_shape(MlCountsShape *shape, const MlBaseline *baseline, int nslices, const int *slices);

/* Makes all words those of no rows. */
extern void ml_counts_clear(const MlCountsShape *shape, int64 *words);

/* Adds words to others of the same shape. */
extern void ml_counts_add(const MlCountsShape *shape, int64 *into, const int64 *from);

/* Where a column's words begin, and a set's score bins (two words each). */
extern int64 *ml_counts_column(const MlCounts *counts, int set, int column);
extern int64 *ml_counts_scores(const MlCounts *counts, int set);

/* Rows of a set. */
extern int64 ml_counts_rows(const MlCounts *counts, int set);

/* Reads a column of a set; center is that of its bins. */
extern void ml_counts_read(const MlCounts *counts, int set, int column, const MlBins *bins, MlColumnCounts *out);

/* As bytes, big-endian: u8 format 1; u32 sets, u32 columns, u32 scores; u16 bins of each column; the words. */
extern bytea *ml_counts_encode(const MlCounts *counts);

/* The inverse; raises ERRCODE_DATA_CORRUPTED. */
extern void ml_counts_decode(bytea *bytes, MlCounts *out);

/* Whether two shapes are the same. */
extern bool ml_counts_same_shape(const MlCountsShape *a, const MlCountsShape *b);

/* ---- the two sides of a comparison ---- */

/* Two counts of a column in the same bins as a pair for the drift statistics. */
extern void ml_profile_pair(const MlBins *bins, const MlColumnCounts *reference, const MlColumnCounts *current,
							MlDriftPair *pair);

/* ---- baselines ---- */

extern bytea *ml_baseline_encode(const MlBaseline *baseline);

/* The inverse, in the current memory context; raises ERRCODE_DATA_CORRUPTED. */
extern MlBaseline *ml_baseline_decode(bytea *bytes);

/*
 * Raises ERRCODE_DATA_CORRUPTED unless the columns are among so many cells of
 * an entrance, and there are scores only where the model gives some.
 */
extern void ml_baseline_require(const MlBaseline *baseline, int ncells, bool scored);

/* The column of that name, or -1. */
extern int	ml_baseline_find(const MlBaseline *baseline, const char *name);

/*
 * How the sets of counts are called: column and bin of set s >= 1, where rows
 * are cut by the columns given.
 */
extern void ml_slice_of(const MlBaseline *baseline, int nslices, const int *slices, int set, int *column, int *bin);

#endif							/* ML_PROFILE_BINS_H */
