/*
 * row_log.h - which scored rows the prediction log gets, and what it gets of them.
 *
 * A logged row has the values of the version's inputs by name: numbers as
 * numbers, NULL as null, NaN as a string, categories as the texts they came
 * as, times as ISO 8601. Scored as jsonb they give the same prediction.
 */
#ifndef ML_ROW_LOG_H
#define ML_ROW_LOG_H

#include "flow/lane.h"

typedef struct MlRowLog MlRowLog;

/* The form in which a call gives features. */
typedef enum MlGivenForm
{
	ML_GIVEN_COLUMNS,
	ML_GIVEN_ROW,
	ML_GIVEN_ARRAY,
	ML_GIVEN_JSONB
} MlGivenForm;

typedef struct MlGiven
{
	MlGivenForm form;
	const NullableDatum *columns;
	Datum		value;			/* of the other forms, neither compressed nor out of line */
} MlGiven;

/* The log of the rows of a reference, in the given context; NULL where none are logged. production is the lane that answers. */
extern MlRowLog *ml_row_log_create(const MlServing *serving, const MlLane *production, MemoryContext context);

/* Whether the log gets the row with these cells of production: always, or never. */
extern bool ml_row_log_wants(const MlRowLog *log, const double *cells);

/* Logs a row that a lane has bound and scored. */
extern void ml_row_log_add(MlRowLog *log, MlLane *lane, const MlGiven *given);

/* The key of a row that a lane has bound. */
extern uint64 ml_row_log_key(MlLane *lane, const MlGiven *given);

#endif							/* ML_ROW_LOG_H */
