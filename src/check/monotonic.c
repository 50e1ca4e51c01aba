/*
 * monotonic.c - checks that values only rise, or only fall, in the order of another column.
 *
 * A row fails whose value lies on the wrong side of that of the row before it.
 * Rows where either column is NULL are passed over. Rows of equal order_by are
 * put into the order that suits, so they fail only where strict. In SQL, of
 * the rows with both: x < lag(x) OVER (ORDER BY o, x), or with strict <=.
 *
 * No scan can tell in which order rows come, so a query counts them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "check/number.h"
#include "utils/builtins.h"

static bool
ml_monotonic_falls(const MlCheck *check)
{
	return strcmp(ml_check_param(check, "direction")->text, "decreasing") == 0;
}

static void
ml_monotonic_failing(const MlCheck *check, StringInfo out)
{
	const char *column = quote_identifier(check->columns[0]);
	const char *order = quote_identifier(ml_check_param(check, "order_by")->text);
	bool		falls = ml_monotonic_falls(check);
	bool		strict = ml_check_param(check, "strict")->number != 0;

	appendStringInfo(out, "s.%s IS NOT NULL AND s.%s OPERATOR(pg_catalog.%c%s) pg_catalog.lag(s.%s) OVER "
					 "(PARTITION BY s.%s IS NULL OR s.%s IS NULL ORDER BY s.%s, s.%s%s)",
					 order, column, falls ? '>' : '<', strict ? "=" : "", column,
					 column, order, order, column, falls ? " DESC" : "");
}

static void
ml_monotonic_judge(const MlCheck *check, const MlCollected *scan, MlCheckOutcome *out)
{
	ml_check_judge_rows(check, ml_collected_rows(scan), ml_collected_failed(scan), out);
}

static void
ml_monotonic_validate(const MlCheck *check)
{
	if (ml_check_param(check, "order_by")->isnull)
		ml_check_refuse(check, "it needs order_by", "Rows of a table have no order of their own.",
						"Pass params => '{\"order_by\": \"at\"}', the name of a column.");
}

static const MlParam ml_monotonic_params[] = {
	{"order_by", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the column that says in which order rows come"},
	{"direction", ML_PARAM_TEXT, "increasing", 0, 0, "increasing|decreasing", "where values go"},
	{"strict", ML_PARAM_BOOLEAN, "false", 0, 1, NULL, "whether equal values in a row fail"}
};

const MlCheckKind ml_check_monotonic = {
	.name = "monotonic",
	.summary = "values only rise, or only fall, in the order of another column",
	.flags = ML_CHECK_MOSTLY,
	.min_columns = 1,
	.max_columns = 1,
	.params = ml_monotonic_params,
	.nparams = lengthof(ml_monotonic_params),
	.validate = ml_monotonic_validate,
	.judge = ml_monotonic_judge,
	.failing = ml_monotonic_failing
};
