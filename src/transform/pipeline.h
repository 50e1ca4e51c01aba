/*
 * pipeline.h - the inputs of a version and the ordered steps that turn them into design rows.
 *
 * An input is a column of the source as the signature records it. At the
 * entrance every input has one cell (an array has as many as elements): a
 * number, or the code of a level. Texts that a step claims are encoded in
 * another way: a hash, or a cell for each term. The steps follow. The same
 * apply runs in training and in scoring.
 */
#ifndef ML_PIPELINE_H
#define ML_PIPELINE_H

#include "base/convert.h"
#include "base/dict.h"
#include "transform/transform.h"
#include "utils/jsonb.h"

/* In the place of a code: the value counts as missing, or is told from one that is (ML_UNSEEN_BITS). */
#define ML_LEVEL_MISSING	(-1)
#define ML_LEVEL_UNSEEN		(-2)

typedef struct MlInput
{
	char	   *name;
	char	   *type_name;		/* as ml_convert_type_name gave it at training */
	MlTypeClass class;
	bool		nullable;		/* training rows missed values */
	int			first_cell;
	int			ncells;			/* 1, the length of an array, or the number of terms */
	int			first_element;	/* of an array that holds all features: a text takes one element there */

	/* class ML_TYPE_TEXT */
	MlTextEncoding encoding;
	int			nlevels;		/* kept levels, bytewise order; then the bucket "other" if there is one. Or terms */
	char	  **levels;
	bool		has_other;		/* levels seen in training share the last code */
	int			unseen;			/* code of a text that is not a kept level, or ML_LEVEL_MISSING or _UNSEEN */
	MlDict	   *codes;			/* kept levels, or terms, to codes; built at load */
	char	   *config;			/* terms: the text search configuration, qualified */

	/* training only, of texts that have no levels */
	int			different;		/* training rows have so many */
	const char *commonest;
	const bool *known;			/* terms: by dictionary code, whether the text has one of them */
} MlInput;

typedef struct MlPipelineStep
{
	const MlTransform *transform;
	void	   *state;
	MlShape		out;
	bool		copies;			/* does nothing to a row that misses no value */
	const struct MlStepSpec *asked; /* training only: what was asked for */
	const bool *treats;			/* training only: per column that comes in */
} MlPipelineStep;

typedef struct MlPipeline
{
	int			ninputs;
	MlInput    *inputs;
	int			ncells;
	int			nelements;		/* of an array that holds all features */
	MlShape		entrance;
	int			nsteps;
	MlPipelineStep *steps;
	const MlShape *design;		/* what comes out at the end */
	bool		fills_missing;	/* whatever cell is missing, the design row is complete */
	int			work_cells;		/* scratch that apply needs */
} MlPipeline;

/* One step as asked for. */
typedef struct MlStepSpec
{
	const MlTransform *transform;
	MlParamValue *params;
	List	   *columns;		/* char *; NIL: all it can treat */
} MlStepSpec;

/* Reads a pipeline as JSON; raises ERRCODE_INVALID_PARAMETER_VALUE. Returns a List of MlStepSpec *. */
extern List *ml_pipeline_parse(Jsonb *json);

/*
 * What the steps (MlStepSpec *) need of the texts of a column: they are decided
 * on before the rows are known. Raises an error where one that needs them as
 * they come stands behind another that treats the column.
 */
extern void ml_pipeline_claim(List *steps, const char *column, MlTextClaim *claim);

/* The steps a learner needs by default; center: its model has a constant term, so that numbers may lose their means. */
extern List *ml_pipeline_default(bool fill_missing, bool standardise, bool center, bool encode);

/* Lays out the cells and the entrance's shape once the inputs are known. */
extern void ml_pipeline_enter(MlPipeline *p, int ninputs, MlInput *inputs);

/* What the training rows are for a pipeline that is fitted to them. */
typedef struct MlPipelineRows
{
	MlRowSource *rows;			/* entrance rows; NULL while streaming */
	const MlColumnStats *stats; /* one per entrance cell */
	MlTransformTarget target;
	int			nclasses;
	char	  **classes;
} MlPipelineRows;

/* Fits the steps (MlStepSpec *) in order. */
extern void ml_pipeline_fit(MlPipeline *p, List *specs, const MlPipelineRows *training, MlNotes *notes);

/* The design row of an entrance row; work has p->work_cells numbers. */
extern const double *ml_pipeline_apply(const MlPipeline *p, const double *cells, double *work);

/* The same for cells of which none is missing, to the bit. */
extern const double *ml_pipeline_apply_complete(const MlPipeline *p, const double *cells, double *work);

/* The same, written where the caller wants it. */
extern void ml_pipeline_apply_to(const MlPipeline *p, const double *cells, double *work, double *out);

/* The same for the training row at a place in canonical order: no step encodes it by its own target. */
extern void ml_pipeline_apply_training(const MlPipeline *p, const double *cells, double *work, double *out, int64 place,
									   int64 nrows);

/*
 * Per input whether a missing value (the cell given: NULL's, or that of a text
 * never seen) leaves a design cell without one, found by rows that miss one
 * input each; NULL where that is true of none. In the context.
 */
extern bool *ml_pipeline_needs(const MlPipeline *p, double missing, MemoryContext context);

extern void ml_pipeline_write(const MlPipeline *p, StringInfo out);
extern MlPipeline *ml_pipeline_read(MlReader *in);

/*
 * The steps of a pipeline that was fitted, as ml.versions keeps them: each with the columns and parameters
 * it was asked for, the columns it treats, what it learned, and that in words.
 */
extern void ml_pipeline_describe(const MlPipeline *p, StringInfo out);

/* The pipeline that makes the same steps when it is passed to ml.train, of steps as ml.versions keeps them. */
extern Jsonb *ml_pipeline_spec(Jsonb *steps);

/* The signature's inputs, as JSON. */
extern void ml_pipeline_describe_inputs(const MlPipeline *p, StringInfo out);

/* The cell of a text at an input of levels or hashes; known: training saw it, as far as that can be told. */
extern double ml_pipeline_level(const MlInput *input, const char *text, int length, bool *known);

#endif							/* ML_PIPELINE_H */
