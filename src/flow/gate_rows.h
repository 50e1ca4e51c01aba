/*
 * gate_rows.h - evidence: the rows that gates judge on, scored by a version and by what it is compared with.
 */
#ifndef ML_GATE_ROWS_H
#define ML_GATE_ROWS_H

#include "base/frame.h"
#include "flow/evaluate.h"
#include "flow/gate_source.h"
#include "metric/fairness.h"
#include "metric/sample.h"

/* Of a sample's predictors. */
#define ML_GATE_CANDIDATE	0
#define ML_GATE_PRODUCTION	1

/* The rows with one value of a slice column. */
typedef struct MlGateGroup
{
	const char *value;			/* NULL for SQL NULL */
	MlSample   *sample;
} MlGateGroup;

typedef struct MlGateSlice
{
	char	   *column;
	int			ngroups;
	MlGateGroup *groups;		/* by value, NULL last */
	MlFairnessGroup *decisions[2];	/* their counts by predictor, once they are asked for */
} MlGateSlice;

/* What to collect. */
typedef struct MlGateWish
{
	const MlVersionRef *version;
	const MlVersionRef *production; /* NULL: not compared with */
	List	   *slices;			/* columns: char * */
	bool		cells;			/* keep the cells of the rows */
	bool		timed;			/* take the time that scoring takes */
} MlGateWish;

typedef struct MlGateRows
{
	MlEvaluation *evaluation;
	const MlModel *model;		/* the candidate */
	MlSample   *all;
	int			nslices;
	MlGateSlice *slices;
	MlFrame    *cells;
	double		microseconds[2];	/* a row, by predictor */
	char	   *source_digest;
	char	   *fingerprint;
} MlGateRows;

/* Reads and scores the rows. Memory is the current context's; ml_gate_rows_end gives back what is outside. */
extern MlGateRows *ml_gate_rows_read(const MlGateWish *wish, const MlGateSource *source);
extern void ml_gate_rows_end(MlGateRows *rows);

/* Whether the source has a column, which the version need not read. */
extern bool ml_gate_rows_have(const MlGateRows *rows, const char *column);

#endif							/* ML_GATE_ROWS_H */
