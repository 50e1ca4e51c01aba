/*
 * check_rows.c - ml.is_valid, what the planner makes of it, and ml.check_row.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "flow/check_site.h"
#include "flow/constraint.h"
#include "flow/support.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* ml.is_valid(suite, data): whether no check of severity error fails. */
ML_FUNCTION(ml_is_valid)
{
	const NullableDatum *values;
	MlProgram  *program;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	program = ml_check_site_row(fcinfo, &values);
	if (program == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(ml_program_passes(program, values));
}

/* ml.is_valid_columns(suite, names, columns...): the same of a row that is given column by column. */
ML_FUNCTION(ml_is_valid_columns)
{
	const NullableDatum *values;
	MlProgram  *program;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	program = ml_check_site_columns(fcinfo, 2, &values);
	PG_RETURN_BOOL(ml_program_passes(program, values));
}

/*
 * ml.is_valid_stored(suite, names, relation, constraint, columns...): the same
 * where a CHECK constraint rests on it, with an error in place of false.
 */
ML_FUNCTION(ml_is_valid_stored)
{
	const NullableDatum *values;
	MlProgram  *program;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	program = ml_check_site_columns(fcinfo, 4, &values);
	if (likely(ml_program_passes(program, values)))
		PG_RETURN_BOOL(true);
	if (!PG_ARGISNULL(2) && !PG_ARGISNULL(3) && ml_constraint_enforcing(fcinfo->flinfo))
		ml_constraint_violated(program, values, PG_GETARG_OID(2), text_to_cstring(PG_GETARG_TEXT_PP(3)));
	PG_RETURN_BOOL(false);
}

/* ml.check_row(suite, data): every check that fails, and why. */
ML_FUNCTION(ml_check_row)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const NullableDatum *values;
	MlProgram  *program;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	program = ml_check_site_row(fcinfo, &values);
	if (program == NULL)
		return (Datum) 0;
	foreach(lc, ml_program_failures(program, values))
	{
		const MlFailure *failure = lfirst(lc);
		Datum		row[5] = {0};
		bool		nulls[5] = {false};

		ml_put_text(row, nulls, 0, failure->check->name);
		ml_put_text(row, nulls, 1, failure->check->kind->name);
		ml_put_text(row, nulls, 2, failure->column);
		ml_put_text(row, nulls, 3, ml_severity_name(failure->check->severity));
		ml_put_text(row, nulls, 4, failure->message);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
	}
	return (Datum) 0;
}

/* What the planner asks about ml.is_valid. */
ML_FUNCTION(ml_check_support)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	if (IsA(request, SupportRequestSimplify))
		answer = ml_support_simplify((SupportRequestSimplify *) request, true);
	PG_RETURN_POINTER(answer);
}
