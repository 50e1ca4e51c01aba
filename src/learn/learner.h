/*
 * learner.h - what a learning algorithm is to the rest of the house.
 *
 * A learner sees design rows of numbers and knows nothing of tables, types or
 * transforms. Adding one is one file with a const MlLearner and one line in
 * learners.c. Memory is palloc'd in the current context; every function may
 * raise an error.
 */
#ifndef ML_LEARNER_H
#define ML_LEARNER_H

#include "base/bytes.h"
#include "base/options.h"
#include "base/text.h"
#include "math/math.h"

typedef enum MlTask
{
	ML_TASK_REGRESSION = 1,
	ML_TASK_CLASSIFICATION = 2
} MlTask;

#define ML_TASK_BIT(task)	(1 << (task))

/* Capability flags. */
#define ML_LEARNER_MISSING		0x01	/* takes NULL and NaN cells as they are */
#define ML_LEARNER_CATEGORIES	0x02	/* takes category codes as they are */
#define ML_LEARNER_STANDARDISE	0x04	/* the default pipeline standardises for it */
#define ML_LEARNER_COLUMNS		0x08	/* reads the design column by column */

/* Most levels of a category that a learner takes as they are: with "other" they fit into a byte beside what is missing. */
#define ML_LEARNER_LEVELS_MAX	254

/* One line of ml.coefficients; column is the design column, -1 the intercept; class is -1 without classes. */
typedef struct MlCoefficient
{
	int			column;
	int			class;
	bool		aliased;		/* determined by the columns before it: no estimate */
	double		estimate;
	double		std_error;		/* NaN: not defined */
	double		statistic;
	double		p_value;
	double		low;			/* 95 % confidence limits */
	double		high;
} MlCoefficient;

/* One figure a learner tells about its fit. */
typedef struct MlFigure
{
	const char *name;
	double		value;
} MlFigure;

/*
 * The design column by column, in canonical order of the rows: column cols is
 * the target (a number or a class index), cols + 1 the weight. A missing
 * value is NaN, a category the code of its level.
 */
typedef struct MlColumns
{
	bool		weighted;
	void		(*column) (void *ctx, int col, double *out);
	void		(*done) (void *ctx);	/* no column is read any more: the rows need not be kept */
	void	   *ctx;
} MlColumns;

/* What a design column is called, and the levels of a category. */
typedef struct MlLearnColumn
{
	const char *name;
	int			nlevels;		/* 0: a number */
} MlLearnColumn;

/* What a training gives a learner. */
typedef struct MlLearnInput
{
	MlTask		task;
	int			nclasses;		/* classification: 2 or more */
	int			ncols;			/* design columns */
	int64		nrows;			/* training rows */
	bool		weighted;		/* they have weights */
	MlBlocks   *blocks;			/* the design rows with y (a number or a class index) and w; NULL while streaming */
	const MlColumns *columns;	/* the same for a learner that reads columns, which has no blocks */
	const MlLearnColumn *about; /* per design column; NULL while streaming */
	char	  **classes;		/* labels in class order */

	/*
	 * Units: raw value = center + scale * design value, per column; NULL
	 * when the design is in raw units. Estimates are reported in raw units.
	 */
	const double *center;
	const double *scale;
	const MlParamValue *params;
	int64		seed;
	Size		memory_limit;	/* bytes the training may hold */
	const MlTick *tick;
	void		(*progress) (void *ctx, int64 done, int64 total);	/* of a learner's iterations */
	void	   *progress_ctx;

	/* Told of a figure after each of a learner's iterations, numbered from 1; NULL: nobody asks. */
	void		(*measured) (void *ctx, const char *name, int step, double value);
	void	   *measured_ctx;
	MlNotes    *notes;
} MlLearnInput;

typedef struct MlLearner
{
	const char *name;
	const char *summary;
	uint16		tag;			/* on disk: append-only */
	uint16		version;		/* of the payload this code writes */
	uint32		flags;
	uint32		tasks;			/* ML_TASK_BIT()s */
	const MlParam *params;
	int			nparams;

	/* Bytes the fit holds beside the rows, or more. */
	Size		(*memory) (const MlLearnInput *in);

	/* Learns from in->blocks; returns the model. */
	void	   *(*fit) (const MlLearnInput *in);

	/*
	 * One-pass learners: begin, then every row once in any order, then
	 * finish, which keeps only the design columns of keep[] (the input's
	 * ncols is then their number). The result does not depend on the order
	 * of the rows. NULL for the others.
	 */
	void	   *(*stream_begin) (const MlLearnInput *in);
	void		(*stream_add) (void *stream, const MlBlock *block);
	double		(*stream_mean) (void *stream, int col);
	void	   *(*stream_finish) (void *stream, const MlLearnInput *in, const int *keep);

	/* Scores one design row: out[0] is the value, or out[k] the probability of class k. Pure arithmetic. */
	void		(*predict) (const void *model, const double *row, double *out);

	void		(*write) (const void *model, StringInfo out);
	void	   *(*read) (MlReader *in, MlTask task, int ncols, int nclasses);

	/* NULL when the learner has no coefficients. */
	int			(*coefficients) (const void *model, MlCoefficient **out);
	int			(*figures) (const void *model, MlFigure **out);

	/* What each design column adds to the model: gain, or the number of splits. NULL where there is no such thing. */
	void		(*importance) (const void *model, bool splits, double *out);

	/* Floating-point operations, or what takes as long, of predict on one row; NULL: the planner has to guess. */
	double		(*cost) (const void *model);
} MlLearner;

/* The table of learners, ended by NULL. */
extern const MlLearner *const ml_learners[];

/* By name: raises ERRCODE_UNDEFINED_OBJECT with the known names. */
extern const MlLearner *ml_learner_by_name(const char *name);

/* The names of its parameters: a List of char *. */
extern List *ml_learner_param_names(const MlLearner *learner);

/* By on-disk tag; NULL when unknown. */
extern const MlLearner *ml_learner_by_tag(uint16 tag);

extern const char *ml_task_name(MlTask task);

extern const MlLearner ml_gradient_boosting;
extern const MlLearner ml_linear_regression;
extern const MlLearner ml_logistic_regression;
extern const MlLearner ml_trivial;

#endif							/* ML_LEARNER_H */
