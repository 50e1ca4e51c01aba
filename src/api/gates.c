/*
 * gates.c - ml.add_gate, ml.drop_gate, ml.run_gates, ml.list_gate_metrics.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"

#include "api/arguments.h"
#include "base/text.h"
#include "flow/gate_metric.h"
#include "flow/gates.h"
#include "funcapi.h"
#include "utils/builtins.h"

/* A finite number that may be NULL. */
static bool
ml_gates_number(FunctionCallInfo fcinfo, int n, const char *name, double *value)
{
	if (PG_ARGISNULL(n))
		return false;
	*value = PG_GETARG_FLOAT8(n);
	if (!isfinite(*value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("argument \"%s\" cannot be %s", name, ml_text_number(*value)),
				 errhint("Give a finite number, or leave it out.")));
	return true;
}

/* ml.add_gate(model, name, metric, min, max, versus, margin, slices, min_rows, role) */
ML_FUNCTION(ml_add_gate)
{
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	MlGate		gate = {0};

	gate.name = ml_arg_required(fcinfo, 1, "name");
	gate.metric = ml_arg_required(fcinfo, 2, "metric");
	gate.has_min = ml_gates_number(fcinfo, 3, "min", &gate.min);
	gate.has_max = ml_gates_number(fcinfo, 4, "max", &gate.max);
	gate.versus = ml_arg_text(fcinfo, 5);
	(void) ml_gates_number(fcinfo, 6, "margin", &gate.margin);
	gate.slices = ml_arg_list(fcinfo, 7, "slices");
	gate.min_rows = PG_ARGISNULL(8) ? 1 : PG_GETARG_INT64(8);
	gate.role = ml_arg_required(fcinfo, 9, "role");
	if (gate.versus == NULL && !PG_ARGISNULL(6))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("margin needs versus"),
				 errdetail("It says how much worse than another model a version may be."),
				 errhint("Pass versus => 'production', 'baseline' or 'trivial', or leave margin out.")));
	ml_gates_add(model, &gate);
	PG_RETURN_VOID();
}

/* ml.drop_gate(model, name) */
ML_FUNCTION(ml_drop_gate)
{
	ml_gates_drop(ml_arg_required(fcinfo, 0, "model"), ml_arg_required(fcinfo, 1, "name"));
	PG_RETURN_VOID();
}

/* ml.run_gates(model, version, source): what the gates say of a version. */
ML_FUNCTION(ml_run_gates)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *model = ml_arg_required(fcinfo, 0, "model");
	ListCell   *lc;

	if (PG_ARGISNULL(1) || PG_GETARG_INT32(1) < 1)
		ereport(ERROR,
				(errcode(PG_ARGISNULL(1) ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("version must be a number from 1"),
				 errhint("Give the number of a version; ml.versions lists them.")));
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ml_gates_run(model, PG_GETARG_INT32(1), ml_arg_text(fcinfo, 2)))
	{
		const MlGateResult *r = lfirst(lc);
		Datum		values[8] = {0};
		bool		nulls[8] = {false};

		ml_put_text(values, nulls, 0, r->gate->name);
		ml_put_text(values, nulls, 1, r->slice_key);
		ml_put_text(values, nulls, 2, r->slice_value);
		ml_put_number(values, nulls, 3, r->value);
		ml_put_number(values, nulls, 4, r->limit);
		ml_put_text(values, nulls, 5, ml_verdict_name(r->verdict));
		values[6] = Int64GetDatum(r->n);
		ml_put_text(values, nulls, 7, r->reason);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ml.list_gate_metrics() */
ML_FUNCTION(ml_list_gate_metrics)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *infos = ml_gate_metric_list();
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, infos)
	{
		const MlGateMetricInfo *info = lfirst(lc);
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = CStringGetTextDatum(info->name);
		values[1] = ml_result_list(info->tasks);
		values[2] = BoolGetDatum(info->larger_is_better);
		values[3] = CStringGetTextDatum(info->summary);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
