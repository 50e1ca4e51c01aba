/*
 * check.c - ml.add_check, ml.drop_check, ml.drop_suite, ml.set_suite_owner, ml.is_member, and the lists of kinds.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "base/text.h"
#include "flow/deploy.h"
#include "flow/suite.h"
#include "funcapi.h"
#include "store/suites.h"
#include "utils/builtins.h"

static MlSeverity
ml_arg_severity(FunctionCallInfo fcinfo, int n)
{
	char	   *name = ml_arg_required(fcinfo, n, "severity");
	MlSeverity	severity;

	if (!ml_severity_parse(name, &severity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown severity \"%s\"", name),
				 errhint("A check of severity error refuses what fails; one of severity warn only reports it.")));
	return severity;
}

/* ml.add_check(suite, kind, columns, params, severity, environment, name) */
ML_FUNCTION(ml_add_check)
{
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");
	char	   *name = ml_arg_text(fcinfo, 6);
	MlCheck    *check;

	ml_deploy_begin("ml.add_check()");
	check = ml_check_make(name, ml_arg_required(fcinfo, 1, "kind"), ml_arg_list(fcinfo, 2, "columns"),
						  ml_arg_jsonb(fcinfo, 3), ml_arg_severity(fcinfo, 4), ml_arg_environment(fcinfo, 5));
	ml_suites_parse(check);
	(void) ml_catalog_add_check(suite, check, name != NULL);
	PG_RETURN_VOID();
}

/* ml.drop_check(suite, name) */
ML_FUNCTION(ml_drop_check)
{
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");

	ml_deploy_begin("ml.drop_check()");
	ml_catalog_drop_check(suite, ml_arg_required(fcinfo, 1, "name"));
	PG_RETURN_VOID();
}

/* ml.drop_suite(suite) */
ML_FUNCTION(ml_drop_suite)
{
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");

	ml_deploy_begin("ml.drop_suite()");
	ml_catalog_drop_suite(suite);
	PG_RETURN_VOID();
}

/* ml.set_suite_owner(suite, owner) */
ML_FUNCTION(ml_set_suite_owner)
{
	char	   *suite = ml_arg_required(fcinfo, 0, "suite");

	(void) ml_arg_role(fcinfo, 1, "owner");
	ml_deploy_begin("ml.set_suite_owner()");
	ml_catalog_set_suite_owner(suite, PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/* ml.is_member(role): row security asks it of each suite. */
ML_FUNCTION(ml_is_member)
{
	PG_RETURN_BOOL(ml_access_is_member(NameStr(*PG_GETARG_NAME(0))));
}

/* ---- kinds ---- */

/* Whether a parameter has bounds, which are given in its table. */
static bool
ml_param_bounded(const MlParam *param)
{
	return param->type == ML_PARAM_INTEGER || param->type == ML_PARAM_NUMBER;
}

static void
ml_param_bound_json(StringInfo out, const MlParam *param, double bound)
{
	if (ml_param_bounded(param))
		ml_json_number(out, bound);
	else
		appendStringInfoString(out, "null");
}

/* Appends the choices of a parameter as a JSON array, or null. */
static void
ml_param_choices_json(StringInfo out, const char *choices)
{
	char	   *save = NULL;
	int			n = 0;

	if (choices == NULL)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfoChar(out, '[');
	for (char *word = strtok_r(pstrdup(choices), "|", &save); word; word = strtok_r(NULL, "|", &save))
	{
		appendStringInfoString(out, n++ > 0 ? ", " : "");
		ml_json_text(out, word);
	}
	appendStringInfoChar(out, ']');
}

/* The parameters of a kind as a JSON array. */
static Datum
ml_check_params_json(const MlCheckKind *kind)
{
	StringInfoData out;
	ListCell   *lc;
	int			n = 0;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	foreach(lc, ml_check_kind_params(kind))
	{
		const MlParam *param = lfirst(lc);

		appendStringInfo(&out, "%s{\"name\": ", n++ > 0 ? ", " : "");
		ml_json_text(&out, param->name);
		appendStringInfo(&out, ", \"type\": \"%s\", \"default\": ", ml_param_type_name(param->type));
		if (param->default_value != NULL && (ml_param_bounded(param) || param->type == ML_PARAM_BOOLEAN))
			appendStringInfoString(&out, param->default_value);
		else
			ml_json_text(&out, param->default_value);
		appendStringInfoString(&out, ", \"min\": ");
		ml_param_bound_json(&out, param, param->min);
		appendStringInfoString(&out, ", \"max\": ");
		ml_param_bound_json(&out, param, param->max);
		appendStringInfoString(&out, ", \"choices\": ");
		ml_param_choices_json(&out, param->choices);
		appendStringInfoString(&out, ", \"description\": ");
		ml_json_text(&out, param->description);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

/* ml.list_check_kinds(): the rows of view ml.check_kinds. */
ML_FUNCTION(ml_list_check_kinds)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; ml_check_kinds[i]; i++)
	{
		const MlCheckKind *kind = ml_check_kinds[i];
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(kind->name);
		values[1] = CStringGetTextDatum((kind->flags & ML_CHECK_ROWS) != 0 ? "row" : "data");
		values[2] = CStringGetTextDatum(kind->summary);
		values[3] = Int32GetDatum(kind->min_columns);
		nulls[4] = kind->max_columns == ML_CHECK_COLUMNS_ANY;
		values[4] = Int32GetDatum(kind->max_columns);
		values[5] = ml_check_params_json(kind);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.list_check_parameters(): the rows of view ml.check_parameters. */
ML_FUNCTION(ml_list_check_parameters)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; ml_check_kinds[i]; i++)
	{
		ListCell   *lc;

		foreach(lc, ml_check_kind_params(ml_check_kinds[i]))
		{
			const MlParam *param = lfirst(lc);
			Datum		values[7];
			bool		nulls[7] = {false};

			values[0] = CStringGetTextDatum(ml_check_kinds[i]->name);
			values[1] = CStringGetTextDatum(param->name);
			values[2] = CStringGetTextDatum(ml_param_type_name(param->type));
			ml_put_text(values, nulls, 3, param->default_value);
			nulls[4] = nulls[5] = !ml_param_bounded(param);
			values[4] = Float8GetDatum(param->min);
			values[5] = Float8GetDatum(param->max);
			values[6] = CStringGetTextDatum(param->description);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
