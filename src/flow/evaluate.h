/*
 * evaluate.h - the rows of a source that carry the truth, scored by one or more pinned models.
 *
 * An evaluation is begun, given its models, read and ended. The rows are read
 * with the caller's rights and bound by name, as in scoring; rows whose target
 * is NULL are passed over. Everything lives in the evaluation's own memory
 * context, pins included.
 */
#ifndef ML_EVALUATE_H
#define ML_EVALUATE_H

#include "base/convert.h"
#include "base/dict.h"
#include "executor/tuptable.h"
#include "flow/bind.h"
#include "flow/source.h"
#include "metric/metric.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "store/catalog.h"

/* The slice code of a row whose slice column is NULL. */
#define ML_SLICE_NULL	(-1)

/* A column whose values divide the rows. */
typedef struct MlSlice
{
	char	   *name;
	int			attribute;
	MlConvert	convert;
	MlDict	   *values;			/* the text of each code; more come while rows are read */
} MlSlice;

/* A model that scores the rows. */
typedef struct MlEvaluated
{
	const char *ref;			/* for messages */
	MlVersionRef version;
	const MlModel *model;
	MlBinding  *binding;
	double	   *cells;
	double	   *work;
	double	   *out;			/* what predict gave for the row */
	int		   *classes;		/* the evaluation's code of each class of the model */
	int			positive;		/* the model's index of the evaluation's positive class */
	instr_time	elapsed;		/* what binding and scoring took, when timed */
} MlEvaluated;

typedef struct MlEvaluation MlEvaluation;

/*
 * Receives a row: rows[m] is truth and prediction as model m has it, codes[s]
 * the code of slice s or ML_SLICE_NULL. Runs in a memory context that is reset
 * after each row; false stops the reading.
 */
typedef bool (*MlEvaluationRow) (void *ctx, MlEvaluation *evaluation, const MlMetricRow *rows,
								 const int *codes, TupleTableSlot *slot);

struct MlEvaluation
{
	MemoryContext context;
	const char *target;			/* name of the target column */
	MlMetricTask task;
	MlDict	   *classes;		/* of all models, the first one's first; actual and chosen are codes of it */
	int			nclasses;		/* a truth that no model knows has this code */
	int			positive;		/* of two classes */
	int			nmodels;
	MlEvaluated **models;
	int			nslices;
	MlSlice    *slices;
	int64		nrows;			/* with a known target, so far */

	/* how the source is read, to be set before; see MlSourceReader */
	const MlIdentity *identity;
	List	   *columns;
	List	   *exclude;
	bool		timed;			/* take the time of each model */
	void		(*describe) (void *ctx, TupleDesc desc);	/* told the columns; may be NULL */
	bool		(*wants) (void *ctx, TupleTableSlot *slot);	/* whether a row counts; NULL: all do */
	bool		enough;			/* set by wants: no more rows are needed */

	/* while rows are read */
	int			target_attribute;
	MlConvert	target_convert;
	MlMetricRow *rows;
	int		   *codes;
	MlEvaluationRow sink;
	void	   *ctx;
};

/*
 * Begins an evaluation in a child of the current context. slices are column
 * names (char *); target is NULL for the column the first model was trained
 * on.
 */
extern MlEvaluation *ml_evaluation_begin(List *slices, const char *target);

/*
 * Adds a model, which is pinned until the evaluation ends; rights are the
 * caller's business. Models of one evaluation have the same task, and with
 * two classes the same ones: raises ERRCODE_INVALID_PARAMETER_VALUE otherwise.
 */
extern void ml_evaluation_add(MlEvaluation *evaluation, const char *ref, const MlVersionRef *version);

/* Resolves a reference, asks for the right to use the model, and adds it. */
extern void ml_evaluation_resolve(MlEvaluation *evaluation, const char *ref);

/* Hands over the rows of a source; raises ERRCODE_NO_DATA_FOUND where none has a target. */
extern void ml_evaluation_read(MlEvaluation *evaluation, const char *source, MlEvaluationRow sink, void *ctx);

/*
 * One pass over a source, without a complaint when no row counts. info may
 * be NULL.
 */
extern void ml_evaluation_scan(MlEvaluation *evaluation, const char *source, MlEvaluationRow sink, void *ctx,
							   MlSourceInfo *info);

/* Raises ERRCODE_NO_DATA_FOUND when no row counted so far. */
extern void ml_evaluation_require_rows(const MlEvaluation *evaluation);

/* The text of a slice's code, NULL for ML_SLICE_NULL. */
extern const char *ml_evaluation_slice_text(const MlEvaluation *evaluation, int slice, int code);

/* The text of a row's true class, which need not be a known one: its bytes and their length, not terminated. */
extern const char *ml_evaluation_target_text(MlEvaluation *evaluation, TupleTableSlot *slot, int *length);

/* Gives back all memory and pins; after an error the caller's context does it. */
extern void ml_evaluation_end(MlEvaluation *evaluation);

#endif							/* ML_EVALUATE_H */
