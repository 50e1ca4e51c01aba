/*
 * load.h - from the rows of a source to cells: conversion, row hashes, split, dictionaries.
 *
 * A row's cells are its features in column order, then the target, then the
 * weight. Training rows go to the frame or straight to a one-pass learner,
 * held-out rows to a frame of their own.
 */
#ifndef ML_LOAD_H
#define ML_LOAD_H

#include "access/tupdesc.h"
#include "base/cell.h"
#include "base/convert.h"
#include "base/dict.h"
#include "base/frame.h"
#include "base/text.h"
#include "flow/source.h"

typedef enum MlRole
{
	ML_ROLE_FEATURE,
	ML_ROLE_TARGET,
	ML_ROLE_WEIGHT,
	ML_ROLE_SPLIT
} MlRole;

typedef struct MlLoadColumn
{
	char	   *name;
	char	   *type_name;
	AttrNumber	attno;
	MlRole		role;
	Oid			declared;		/* domains not looked through */
	MlConvert	convert;
	int			first_cell;		/* -1 for the split column */
	int			ncells;			/* 1, or the length of an array; 0 until known */
	MlDict	   *dict;			/* class ML_TYPE_TEXT */
} MlLoadColumn;

/* A column of the source that is neither loaded nor excluded: of a type that cannot be used, or the primary key. */
typedef struct MlLoadOther
{
	char	   *name;
	char	   *type_name;
} MlLoadOther;

/* The place that a cell of a name had in the row hash. */
typedef struct MlLoadPlace
{
	char	   *name;
	int			place;
} MlLoadPlace;

typedef enum MlSplitMethod
{
	ML_SPLIT_NONE,
	ML_SPLIT_HASH,
	ML_SPLIT_TIME,				/* the last rows */
	ML_SPLIT_GROUP,				/* whole groups */
	ML_SPLIT_COLUMN				/* those that a boolean column marks */
} MlSplitMethod;

/* How training rows are put into folds. */
typedef enum MlFoldMethod
{
	ML_FOLDS_PLAIN,				/* by a hash of their content */
	ML_FOLDS_STRATIFIED,		/* the same, with the classes in equal shares */
	ML_FOLDS_GROUPED,			/* whole groups */
	ML_FOLDS_TIME,				/* one after the other: forward chaining */
	ML_FOLDS_GIVEN				/* by an integer column */
} MlFoldMethod;

/* Where a row of the source went in training. */
typedef enum MlSide
{
	ML_SIDE_DROPPED,			/* its target is NULL */
	ML_SIDE_TRAIN,
	ML_SIDE_TEST
} MlSide;

/* Most folds of a training. */
#define ML_FOLDS_MAX	1000

/* Numeric values of the target, kept while they are few enough to be classes. */
#define ML_CLASSES_MAX	1000

typedef struct MlLoad
{
	/* what is asked for */
	const char *source;
	const char *target;
	const char *weight;
	const char *split_column;
	MlSplitMethod split;
	double		test_fraction;
	int			folds;			/* cross-validation was asked for; 0: it was not */
	MlFoldMethod fold_method;
	bool		refit;			/* the stored model learns from the rows held out too, after they judged it */
	bool		folded;			/* folds are made of the training rows: split_cell has what they are made by */
	int64		seed;
	List	   *features;		/* char *; NIL: all that can be used */
	List	   *exclude;
	const MlIdentity *identity; /* whose source it is when it was recorded; NULL: the current user's */
	MlNotes    *notes;
	bool		filed;			/* for a learner that reads columns: rows go to temporary files */
	bool		only_test;		/* where rows are held out, the others are counted and not kept */
	bool		profiled;		/* what the training rows hold is counted: profile */
	bool		probing;		/* no row is kept: each is asked where it went */
	bool		lenient;		/* columns that are named and not there, or of no use any more, are passed over */
	List	   *places;			/* MlLoadPlace *: where cells lay when fingerprints were recorded; NIL: as they come */
	bool		copied;			/* the rows with a target are kept as they were read: copy */

	/*
	 * Training rows of numbers are handed over in blocks instead of being
	 * kept; one that misses a value ends the reading. NULL to keep them.
	 */
	void		(*sink) (void *ctx, const MlBlock *block);
	void	   *sink_ctx;

	/* what came of it */
	MemoryContext context;
	MlSourceInfo info;
	int			ncolumns;
	MlLoadColumn *columns;		/* features first, then target, weight, split */
	int			nfeatures;
	List	   *others;			/* MlLoadOther * */
	int			feature_cells;
	int			target_cell;	/* -1 without */
	int			weight_cell;
	int			split_cell;		/* the key of the split column, as bits; -1 without */
	int			ncells;
	MlBudget	budget;
	MlFrame    *train;
	MlFrame    *test;
	int64		rows_read;
	int64		rows_train;
	int64		rows_null_target;
	MlFingerprint fingerprint;	/* of all rows with a target */
	uint64	   *sums;			/* per cell, what it added to the hashes of all rows with a target */
	uint64		split_sum;		/* the same of a split column without a cell */
	struct MlLoadCopy *copy;	/* load_copy.h; NULL unless asked for */
	double		weight_sum;
	bool		target_whole;	/* every target value is a whole number */
	int			ntargets;		/* distinct numeric targets; ML_CLASSES_MAX + 1: more than can be classes */
	double	   *targets;		/* ascending */
	struct MlLoadProfile *profile;	/* load_profile.h; NULL unless asked for */
	bool		sink_refused;	/* a row missed a value: load again into frames */
	double	   *min;			/* per feature cell, of the rows handed to the sink */
	double	   *max;
	const struct MlDesign *labels;	/* of a fold's rows: the task and the classes of all folds' rows */

	/* while reading */
	bool		plain;			/* every column is a number of fixed width: the two arrays below say all */
	AttrNumber *attnos;
	uint8	   *kinds;			/* MlConvertKind */
	AttrNumber	last_attno;
	bool		first_pass;		/* only to learn the lengths of arrays, and where the cut of the split is */
	uint64	   *keys;			/* of the row hash, per cell */
	double	   *cells;
	uint64		seed_mix;
	bool		split_test;
	uint64		split_key;		/* of the row: its time's bits, or its group's hash */
	MlFrame    *cut_keys;		/* of all rows, during the first pass */
	bool		cut_known;
	uint64		cut;			/* times are held out from here on, groups before it */
	int64		cut_rows;		/* rows, different keys, and different keys before the cut */
	int64		cut_values;
	int64		cut_values_before;
	MlSide		side;			/* of the last row, when probing */
	double	   *sink_x;
	double	   *sink_y;
	double	   *sink_w;
	int			sink_rows;
} MlLoad;

/* Reads the source; everything is palloc'd in load->context, which the caller sets. */
extern void ml_load_read(MlLoad *load);

/* The column of the target, or NULL. */
extern const MlLoadColumn *ml_load_target(const MlLoad *load);

/*
 * Asking where rows went, for who reads the source himself: begin, then
 * describe with the columns, then side for every row. While first_pass is set
 * after describe, the rows only tell the lengths of arrays and what the split
 * needs to know of all rows: pass them to first while it says that more are
 * needed, end the pass, and read the source again.
 */
extern void ml_load_probe_begin(MlLoad *load);
extern void ml_load_probe_describe(MlLoad *load, TupleDesc desc);
extern MlSide ml_load_probe_side(MlLoad *load, TupleTableSlot *slot);
extern bool ml_load_probe_first(MlLoad *load, TupleTableSlot *slot);
extern void ml_load_end_first(MlLoad *load);

/* The columns (char *) that a training asks a relation for; NIL for all but the excluded ones. */
extern List *ml_load_wanted(const MlLoad *load);

/* Lays out the keys of the row hash, and the sums behind fingerprints, once the cells have their places. */
extern void ml_load_keys(MlLoad *load);

/* A fingerprint as it is recorded. */
extern char *ml_fingerprint_text(const MlFingerprint *fingerprint);

/* What a cell of a column is called: the column's name, or that with the number of the element. Palloc'd. */
extern char *ml_load_cell_name(const MlLoadColumn *column, int element);

/*
 * The fingerprint of a cell of a column over all rows with a target, as it is
 * recorded. It depends on the values, neither on the order of rows nor, with
 * places, on the columns beside it.
 */
extern char *ml_load_fingerprint(const MlLoad *load, const MlLoadColumn *column, int element);

#endif							/* ML_LOAD_H */
