/*
 * check_site.h - a call site that judges rows: of columns, of a row type, of jsonb.
 *
 * Hangs on the call's fn_extra. Holds memory and pins, no relation and no snapshot.
 */
#ifndef ML_CHECK_SITE_H
#define ML_CHECK_SITE_H

#include "flow/program.h"

/*
 * The program for a call (suite, names, ..., columns...) that the planner made
 * of a row, with the columns from argument number first on; *values are they.
 */
extern MlProgram *ml_check_site_columns(FunctionCallInfo fcinfo, int first, const NullableDatum **values);

/*
 * The program for a call (suite, data), with the data taken apart; NULL where
 * data are NULL. Raises ERRCODE_DATATYPE_MISMATCH unless they are a row or jsonb.
 */
extern MlProgram *ml_check_site_row(FunctionCallInfo fcinfo, const NullableDatum **values);

/* Whether a row meets the condition of a call (condition, whose, row). */
extern bool ml_check_site_meets(FunctionCallInfo fcinfo);

#endif							/* ML_CHECK_SITE_H */
