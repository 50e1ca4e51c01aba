/*
 * transform.h - what a feature transform is to the pipeline.
 *
 * A transform maps a row of columns to a row of columns; it is fitted on the
 * training rows alone, stored in the artifact, and applied by the same code
 * in training and in scoring. Adding one is one file with a const
 * MlTransform and one line in transforms.c. Memory is palloc'd in the
 * current context.
 */
#ifndef ML_TRANSFORM_H
#define ML_TRANSFORM_H

#include "base/bytes.h"
#include "base/convert.h"
#include "base/options.h"
#include "base/text.h"
#include "math/math.h"

/* What a training predicts, as far as transforms need to know. */
typedef enum MlTransformTarget
{
	ML_TRANSFORM_NUMBER,
	ML_TRANSFORM_CLASS
} MlTransformTarget;

/* How the texts of an input become cells at the entrance. */
typedef enum MlTextEncoding
{
	ML_ENCODING_LEVELS,			/* the code of a level that was kept */
	ML_ENCODING_HASHED,			/* a hash of 32 bits with its sign, whatever the text */
	ML_ENCODING_TERMS			/* a cell for each term: how often the text has it */
} MlTextEncoding;

/* What a step needs of the texts of a column it treats. */
typedef struct MlTextClaim
{
	MlTextEncoding encoding;
	bool		all_levels;		/* no level may be merged with others, and one never seen is told from NULL */
	bool		named;			/* the step names the column */

	/* terms */
	MlParamValue *config;		/* text search configuration; NULL: the session's default, which is put in its place */
	int			max_terms;
	int64		min_documents;
	double		max_share;
} MlTextClaim;

/* One column of the row between two steps. */
typedef struct MlColumn
{
	char	   *name;			/* the term: column, column=level, column is null */
	bool		category;		/* cells are level codes 0..nlevels-1 */
	int			nlevels;		/* with the bucket "other" where there is one */
	char	  **levels;			/* their texts */
	double		center;			/* raw value = center + scale * cell */
	double		scale;
	int			entrance;		/* training only: the entrance cell whose training values it still has, or -1 */
	MlTypeClass class;			/* of the values: what the source has while they are as they came, else a number or a text */
	bool		filled;			/* there is a value whatever the row; the same in fit and read */
	bool		misses;			/* training only: training rows miss values here */
	MlTextEncoding encoding;		/* of a text that still is as it came; else ML_ENCODING_LEVELS */
	char	   *of;				/* the input whose element or term it is; NULL: the name says all */
} MlColumn;

typedef struct MlShape
{
	int			ncols;
	MlColumn   *cols;
} MlShape;

/*
 * Statistics of the training rows at the pipeline's entrance, where steps
 * that need no pass of their own find theirs.
 */
typedef struct MlColumnStats
{
	int64		n;				/* values that are neither NULL nor NaN */
	int64		nulls;
	int64		nans;
	double		min;
	double		max;
	double		mean;			/* NaN until known */
	double		stddev;			/* population; NaN until known */
	int			mode;			/* categories: the most frequent level */
	int64	   *level_counts;	/* categories: nlevels of them */
	int64		documents;		/* terms: rows that have it */
} MlColumnStats;

/* Rows as they arrive at the step that is being fitted. */
typedef struct MlRowSource
{
	void		(*rewind) (void *ctx);
	int			(*read) (void *ctx, const double **rows);	/* up to ML_BLOCK_ROWS rows, 0 at the end */
	void	   *ctx;
	int64		nrows;

	/* of the rows of the last read */
	int64		place;			/* of the first of them in canonical order, which only their content decides */
	const double *y;			/* targets: numbers, or class indexes and -1 for a class not known */
	const double *w;			/* weights; NULL: all are 1 */
} MlRowSource;

typedef struct MlFitContext
{
	const MlShape *in;
	MlRowSource *rows;			/* NULL when only stats are known (streaming) */
	const MlColumnStats *stats; /* per entrance cell: of a column with in->cols[j].entrance >= 0 */
	const double *near;			/* per column: a value that is likely near its mean */
	const MlParamValue *params;
	const bool *selected;		/* per column: whether the step is asked to treat it */
	bool		named;			/* by its name, not because it is of a kind that the step can treat */
	MlTransformTarget target;
	int			nclasses;		/* of a class; the last of two is the positive one */
	char	  **classes;
	MlNotes    *notes;
} MlFitContext;

/* The kind of column a step can treat; what it is not for passes by, and naming it is an error. */
typedef enum MlTakes
{
	ML_TAKES_ANY,
	ML_TAKES_NUMBERS,
	ML_TAKES_CATEGORIES,
	ML_TAKES_TIMES				/* in days */
} MlTakes;

typedef struct MlTransform
{
	const char *name;
	const char *summary;
	uint16		tag;			/* on disk: append-only */
	uint16		version;
	const MlParam *params;
	int			nparams;
	MlTakes		takes;
	bool		names_columns;	/* "columns" may not be left out */

	/* Raises an error for parameters that do not go together; before any row is read. NULL: all do. */
	void		(*check) (const MlParamValue *params);

	void	   *(*fit) (const MlFitContext *ctx, MlShape *out);

	/* One row; in and out do not overlap. Never fails. */
	void		(*apply) (const void *state, const double *in, double *out);

	/*
	 * The same for the training row at a place in canonical order, where a row
	 * must not be encoded by its own target; NULL: apply does for both. What
	 * it needs is part of the state after fit and not of the artifact.
	 */
	void		(*apply_training) (const void *state, const double *in, double *out, int64 place, int64 nrows);

	void		(*write) (const void *state, StringInfo out);

	/* The inverse of write; also rebuilds the shape that comes out. */
	void	   *(*read) (MlReader *r, const MlShape *in, MlShape *out);

	/* Appends the learned values as a JSON object. */
	void		(*describe) (const void *state, const MlShape *in, StringInfo out);

	/* Appends in words what was learned of a column that is treated; NULL: nothing of one column. */
	void		(*words) (const void *state, const MlShape *in, int column, StringInfo out);

	/* Whether a row that misses no value comes out as it went in, to the bit; NULL: it does not. */
	bool		(*copies) (const void *state);

	/* What it needs of texts, for an encoder of them; NULL: levels as they are kept. */
	void		(*claim) (const MlParamValue *params, MlTextClaim *claim);

	/* It never looks at values, so that it takes texts in any encoding. */
	bool		blind;
} MlTransform;

/* The table of transforms, ended by NULL. */
extern const MlTransform *const ml_transforms[];

extern const MlTransform *ml_transform_by_name(const char *name);
extern const MlTransform *ml_transform_by_tag(uint16 tag);

/* A column that carries another's name, levels and units. */
extern MlColumn ml_column_copy(const MlColumn *from);

/* A plain number column named after a format. */
extern MlColumn ml_column_number(const char *fmt,...) pg_attribute_printf(1, 2);

extern const MlTransform ml_transform_impute;
extern const MlTransform ml_transform_standardise;
extern const MlTransform ml_transform_one_hot;
extern const MlTransform ml_transform_ordinal;
extern const MlTransform ml_transform_target_encode;
extern const MlTransform ml_transform_hash_encode;
extern const MlTransform ml_transform_count_encode;
extern const MlTransform ml_transform_date_parts;
extern const MlTransform ml_transform_tfidf;
extern const MlTransform ml_transform_min_max;
extern const MlTransform ml_transform_robust_scale;
extern const MlTransform ml_transform_quantile;
extern const MlTransform ml_transform_power;
extern const MlTransform ml_transform_log1p;
extern const MlTransform ml_transform_clip;
extern const MlTransform ml_transform_bucketize;
extern const MlTransform ml_transform_polynomial;
extern const MlTransform ml_transform_pca;
extern const MlTransform ml_transform_select;
extern const MlTransform ml_transform_drop;

#endif							/* ML_TRANSFORM_H */
