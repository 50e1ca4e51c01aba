/*
 * collect.h - what checks of data need to know of all rows, collected in one scan.
 *
 * While the scan is planned, each check asks for collectors by kind, columns
 * and condition; the same asked for twice is collected once. Collectors are
 * mergeable: parallel workers fill their own, as one aggregate state, which is
 * flattened between processes. Beyond the budget of a scan
 * (maintenance_work_mem in each process) a collector that keeps values gives
 * up: it says so (ml_collected_lost), and the scan is done once more for it
 * alone, by the server's sort or hash, which spill.
 */
#ifndef ML_COLLECT_H
#define ML_COLLECT_H

#include "check/check.h"

typedef enum MlCollectKind
{
	ML_COLLECT_ROWS = 1,		/* rows looked at; NULLs, NaNs, infinities and zeros of one column */
	ML_COLLECT_MOMENTS,			/* exact sums, least and greatest of a column of numbers or times */
	ML_COLLECT_SHAPE,			/* third and fourth moments of such a column */
	ML_COLLECT_PRODUCTS,		/* exact sums of two columns of numbers, over rows that have both */
	ML_COLLECT_GROUPS,			/* how often each value of a column, or combination of columns, occurs */
	ML_COLLECT_LEVELS,			/* texts of one column with how often each occurs, and how often a second column is NULL there */
	ML_COLLECT_PAIRS,			/* how often each combination of the columns but the last occurs with each value of the last */
	ML_COLLECT_COPIES,			/* how often each combination occurs, where NULL is a value like any other */
	ML_COLLECT_BINS,			/* rows between edges, and of given texts */
	ML_COLLECT_HISTOGRAM		/* how numbers or times of a column are spread (base/histogram.h) */
} MlCollectKind;

/* A scan that is being planned, by the checks that will judge it. */
typedef struct MlCollecting MlCollecting;

/*
 * Asks for a collector over columns of the rows; the judge of the same check
 * asks for what it found by the names of the columns. Raises
 * ERRCODE_DATATYPE_MISMATCH for columns that it cannot be of.
 */
extern void ml_collect(MlCollecting *scan, MlCollectKind kind, int ncolumns, const MlCheckColumn *columns);

/* The same for ML_COLLECT_BINS: edges ascending, or levels (texts, each once). A check may ask for one set of bins. */
extern void ml_collect_bins(MlCollecting *scan, const MlCheckColumn *column, int nedges, const double *edges,
							int nlevels, char *const *levels);

/* What one check's scan has collected. */
typedef struct MlCollected MlCollected;

typedef struct MlRowCounts
{
	int64		rows;			/* those the check's condition lets through */
	int64		nulls;
	int64		nans;
	int64		infinities;
	int64		zeros;
} MlRowCounts;

typedef struct MlMomentFigures
{
	int64		n;				/* values that are neither NULL nor NaN */
	bool		finite;			/* all of them are */
	double		sum;
	double		mean;			/* NaN for none */
	double		stddev;			/* with n - 1; NaN for fewer than 2 */
	double		min;
	double		max;
} MlMomentFigures;

typedef struct MlShapeFigures
{
	int64		n;				/* finite values */
	double		skewness;		/* of the sample, without correction (g1); NaN where the values are all equal */
	double		kurtosis;		/* excess, without correction (g2) */
} MlShapeFigures;

typedef struct MlProductFigures
{
	int64		n;				/* rows with both */
	double		correlation;	/* Pearson's; NaN where one is constant */
} MlProductFigures;

/* Rows looked at by the check: its condition counts. */
extern int64 ml_collected_rows(const MlCollected *scan);

/* How often the condition of a kind that judges rows failed. */
extern int64 ml_collected_failed(const MlCollected *scan);

/* The check's columns as they were bound, in its order. */
extern const MlCheckColumn *ml_collected_columns(const MlCollected *scan);

extern MlRowCounts ml_collected_counts(const MlCollected *scan, const char *column);
extern MlMomentFigures ml_collected_moments(const MlCollected *scan, const char *column);
extern MlShapeFigures ml_collected_shape(const MlCollected *scan, const char *column);
extern MlProductFigures ml_collected_products(const MlCollected *scan, const char *a, const char *b);

/*
 * Calls back with each distinct value (combination) that has no NULL in it and
 * how often it occurs, ascending by value for one column of numbers or times
 * (days, seconds: base/convert.h), else in no order with value NaN.
 */
typedef void (*MlGroupSink) (void *ctx, double value, int64 count);
extern void ml_collected_groups(const MlCollected *scan, int ncolumns, char *const *columns, MlGroupSink sink, void *ctx);

/* Calls back with each combination of ML_COLLECT_COPIES, in no order, value NaN. */
extern void ml_collected_copies(const MlCollected *scan, int ncolumns, char *const *columns, MlGroupSink sink, void *ctx);

/* Calls back with each text, in the order of bytes. nulls: of the second column among the rows of the text. */
typedef void (*MlLevelSink) (void *ctx, const char *text, int64 count, int64 nulls);
extern void ml_collected_levels(const MlCollected *scan, int ncolumns, char *const *columns, MlLevelSink sink, void *ctx);

/*
 * Calls back with each combination of the columns but the last, where NULL is
 * a value like any other. Rows whose last column is NULL do not count.
 */
typedef struct MlPairCounts
{
	int64		count;			/* rows that have it */
	int64		distinct;		/* different values of the last column among them */
	int64		commonest;		/* how often the commonest of those occurs */
	int64		second;			/* and the next: the same where two are commonest, 0 where there is one value */
} MlPairCounts;

/* Adds a value of the last column that occurs count times. */
static inline void
ml_pair_counts_add(MlPairCounts *pair, int64 count)
{
	pair->count += count;
	pair->distinct++;
	pair->second = Max(pair->second, Min(count, pair->commonest));
	pair->commonest = Max(pair->commonest, count);
}

typedef void (*MlPairSink) (void *ctx, const MlPairCounts *pair);
extern void ml_collected_pairs(const MlCollected *scan, int ncolumns, char *const *columns, MlPairSink sink, void *ctx);

/*
 * Rows per bin: below the first edge, between edges, from the last edge on,
 * NULL, NaN; or of each level, others, NULL. NULL is the last but one
 * (numbers) or the last (levels). Returns the number of bins: edges + 3, or
 * levels + 2.
 */
extern int	ml_collected_bins(const MlCollected *scan, const int64 **counts);

/* The histogram of a column's values that are not NULL. */
struct MlHistogram;
extern const struct MlHistogram *ml_collected_histogram(const MlCollected *scan, const char *column);

/* Earlier results of this check on this source, newest first. */
extern const MlCheckPast *ml_collected_past(const MlCollected *scan);

#endif							/* ML_COLLECT_H */
