/*
 * check_scan.h - the aggregate that scans rows for checks of data.
 *
 * Its state is an expanded object, changed in place, and bytes between
 * processes. The planner runs it in parallel workers like any aggregate.
 */
#ifndef ML_CHECK_SCAN_H
#define ML_CHECK_SCAN_H

#include "check/scan.h"
#include "utils/expandeddatum.h"

/* The transition: arguments are the state, the spec (bytea), and columns and conditions, or one row of them. */
extern Datum ml_check_scan_columns(FunctionCallInfo fcinfo);
extern Datum ml_check_scan_row(FunctionCallInfo fcinfo);

/* Puts the second state into the first. */
extern Datum ml_check_scan_merge(FunctionCallInfo fcinfo);

/*
 * Takes the result of the aggregate over into the current context: what is
 * still an object moves there, rather than being copied.
 */
extern MlScanState *ml_check_scan_take(Datum state);

/* What the tables of values of one process may take. */
extern Size ml_check_scan_memory(void);

#endif							/* ML_CHECK_SCAN_H */
