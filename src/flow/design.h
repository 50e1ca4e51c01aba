/*
 * design.h - from loaded rows to what a learner sees: inputs chosen, rows through the pipeline.
 *
 * The same blocks serve the fit (training rows) and the held-out metrics.
 */
#ifndef ML_DESIGN_H
#define ML_DESIGN_H

#include "flow/load.h"
#include "flow/terms.h"
#include "learn/learner.h"
#include "store/codec.h"

/* Where a step needs all levels of a category, no more than so many are kept. */
#define ML_LEVELS_ALL_MAX	1000000

typedef struct MlDesign
{
	MlLoad	   *load;
	MlModel    *model;			/* target, classes and pipeline are filled in here */
	int			ncells;			/* at the pipeline's entrance */
	int		   *cell;			/* entrance cell -> cell of the loaded row */
	double	  **level;			/* entrance cell -> level code, or hash, by dictionary code, or NULL */
	MlTermTable **terms;		/* entrance cell -> the terms of its input by dictionary code, or NULL */
	bool		as_loaded;		/* the loaded cells are the entrance's */
	MlColumnStats *stats;		/* of the training rows: per loaded feature cell, then per entrance cell */
	int64	   *target_counts;	/* training rows by dictionary code or by load->targets */
	double	   *class_code;		/* text targets: class by dictionary code, -1 when not a class */
	double	   *class_value;	/* numeric targets: their values in class order, or NULL */
	bool		swapped;		/* the two classes changed places, so that the positive one is last */

	/* reading rows through the pipeline */
	bool		settled;		/* training rows are design rows, then y, then w */
	MlFrame    *frame;
	int64		place;			/* of the next row to be read, in canonical order */
	const double *rows[ML_BLOCK_ROWS];
	MlRowSource source;			/* of the pipeline's fit */
	double	   *entrance;		/* ML_BLOCK_ROWS x ncells */
	double	   *work;
	double	   *x;				/* ML_BLOCK_ROWS x design columns */
	double		y[ML_BLOCK_ROWS];
	double		w[ML_BLOCK_ROWS];
	MlFrame    *carried;		/* design rows for a learner that reads columns, or NULL: it reads the loaded ones */
} MlDesign;

/*
 * Decides the task where the caller did not: from the target's type and
 * values. Notes say why.
 */
extern MlTask ml_design_infer_task(const MlLoad *load, MlNotes *notes);

/* Counts what each loaded feature cell of the training rows holds, into design->stats; the target may be missing. */
extern void ml_design_survey(MlDesign *design);

/* Surveys the training rows and sets target and classes of the model; positive is the label asked for, or NULL. */
extern void ml_design_target(MlDesign *design, const char *positive);

/* Sets them from the rows of each value of the target, design->target_counts, alone. */
extern void ml_design_labels(MlDesign *design, const char *positive);

/* The number, or the class (-1: none), of the target cell of a loaded row. */
extern double ml_design_y(const MlDesign *design, double y);

/* What a learner wants of the inputs. */
typedef struct MlDesignWish
{
	bool		intercept;		/* the model has a constant term */
	bool		levels;			/* categories reach the learner as they are: a level never seen is a missing value */
	List	   *steps;			/* MlStepSpec *: the pipeline asked for; NIL: none was, or one without steps */
} MlDesignWish;

/*
 * Chooses the inputs from the loaded columns (constants and identifiers are
 * left out, rare categories share a bucket) and counts their statistics.
 */
extern void ml_design_inputs(MlDesign *design, const MlDesignWish *wish, MlNotes *notes);

/* A text with its dictionary code. */
typedef struct MlLabel
{
	const char *text;
	int			length;
	int			code;
} MlLabel;

/* Order of labels, for qsort: bytewise. */
extern int	ml_label_compare(const void *a, const void *b);

/* ---- design_texts.c: texts at the entrance ---- */

/* What the cells of an input of texts are made of. */
typedef struct MlDesignTexts
{
	MlColumnStats stats;
	double	   *level;			/* by dictionary code; NULL: terms */
	MlTermTable *terms;
	int64	   *documents;		/* per term: rows that have it */
} MlDesignTexts;

/* Settles how the texts of a column become cells; loaded has the counts by dictionary code. */
extern void ml_design_texts(const MlLoad *load, MlInput *input, const MlLoadColumn *column, const MlColumnStats *loaded,
							const MlTextClaim *claim, bool as_levels, MlDesignTexts *out, MlNotes *notes);

/* Where a number stands among ascending values, or -1. */
extern int	ml_design_find(const double *values, int n, double y);

/* ---- design_rows.c: rows through the pipeline ---- */

/* Entrance rows of the training frame, for the fit of the pipeline. */
extern MlRowSource *ml_design_entrance_rows(MlDesign *design);

/*
 * Carries the training rows through the pipeline once and for all, where the
 * design rows fit into the memory the loaded rows have. Entrance rows can't
 * be read any more then.
 */
extern void ml_design_settle(MlDesign *design);

/*
 * The training rows for a learner that reads columns. Loaded rows that a
 * pipeline has yet to carry are carried into a file of their own.
 */
extern MlColumns ml_design_columns(MlDesign *design);

/* Design rows of a frame with the target and weights. */
extern MlBlocks ml_design_blocks(MlDesign *design, MlFrame *frame);

#endif							/* ML_DESIGN_H */
