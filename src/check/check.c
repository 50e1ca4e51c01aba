/*
 * check.c - the table of all kinds of checks, and what they share.
 *
 * A new kind is a file of its own and a line here. The order is that of
 * ml.check_kinds: rows first, then data.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "check/check.h"
#include "check/kinds.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

/* So many bytes of a value are shown. */
#define ML_CHECK_SHOWN_BYTES	60

const MlCheckKind *const ml_check_kinds[] = {
	&ml_check_not_null,
	&ml_check_range,
	&ml_check_point_in_time,

	/* those that judge data */
	&ml_check_unique,
	&ml_check_primary_key,
	&ml_check_distinct_count,
	&ml_check_uniqueness,
	&ml_check_distinctness,
	&ml_check_duplicate_rows,
	&ml_check_conflicting_labels,
	&ml_check_row_count,
	&ml_check_row_count_change,
	&ml_check_row_count_match,
	&ml_check_null_fraction,
	&ml_check_completeness,
	&ml_check_nan_fraction,
	&ml_check_zero_fraction,
	&ml_check_mean,
	&ml_check_median,
	&ml_check_stddev,
	&ml_check_variance,
	&ml_check_min,
	&ml_check_max,
	&ml_check_sum,
	&ml_check_quantile,
	&ml_check_interquartile_range,
	&ml_check_skewness,
	&ml_check_kurtosis,
	&ml_check_entropy,
	&ml_check_correlation,
	&ml_check_mutual_information,
	&ml_check_most_common,
	&ml_check_most_common_share,
	&ml_check_distinct_in_set,
	&ml_check_constant_column,
	&ml_check_columns,
	&ml_check_missing_column,
	&ml_check_column_exists,
	&ml_check_new_column,
	&ml_check_banned_column,
	&ml_check_column_count,
	&ml_check_column_types,
	&ml_check_monotonic,
	&ml_check_no_gaps,
	&ml_check_freshness,
	&ml_check_distribution,
	&ml_check_metric_history,
	&ml_check_label_leakage,
	&ml_check_group_coverage,
	&ml_check_group_missingness,
	&ml_check_custom_sql,
	&ml_check_matches_dataset,
	&ml_check_aggregate_match,
	NULL
};

/* The parameters that every kind has. */
static const MlParam ml_check_common[] = {
	{"mostly", ML_PARAM_NUMBER, "1", 0, 1, NULL, "the least share of rows that must pass, where data are checked"},
	{"where", ML_PARAM_TEXT, NULL, 0, 0, NULL, "an SQL condition; only rows that meet it are looked at"}
};

const MlCheckKind *
ml_check_kind(const char *name)
{
	for (const MlCheckKind *const *kind = ml_check_kinds; *kind != NULL; kind++)
		if (strcmp((*kind)->name, name) == 0)
			return *kind;
	return NULL;
}

/* ---- words ---- */

const char *
ml_severity_name(MlSeverity severity)
{
	return severity == ML_SEVERITY_WARN ? "warn" : "error";
}

bool
ml_severity_parse(const char *name, MlSeverity *severity)
{
	*severity = strcmp(name, "warn") == 0 ? ML_SEVERITY_WARN : ML_SEVERITY_ERROR;
	return strcmp(name, ml_severity_name(*severity)) == 0;
}

const char *
ml_environment_name(MlEnvironment environment)
{
	static const char *const names[] = {"both", "training", "serving"};

	return names[environment];
}

bool
ml_environment_parse(const char *name, MlEnvironment *environment)
{
	for (int i = ML_ENVIRONMENT_BOTH; i <= ML_ENVIRONMENT_SERVING; i++)
		if (strcmp(name, ml_environment_name(i)) == 0)
		{
			*environment = i;
			return true;
		}
	return false;
}

const char *
ml_check_status_name(MlCheckStatus status, MlSeverity severity)
{
	static const char *const names[] = {"pass", "fail", "insufficient_data", "error", "skipped"};

	return status == ML_CHECK_FAIL && severity == ML_SEVERITY_WARN ? "warn" : names[status];
}

/* ---- making ---- */

static ML_NORETURN void
ml_check_unknown_kind(const char *name)
{
	List	   *known = NIL;

	for (const MlCheckKind *const *kind = ml_check_kinds; *kind != NULL; kind++)
		known = lappend(known, unconstify(char *, (*kind)->name));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no kind of check \"%s\"", name),
			 errdetail("Kinds are: %s.", ml_text_list(known, 100)),
			 errhint("%s", ml_text_hint(name, known, "View ml.check_kinds lists them with their parameters."))));
}

/* Refuses columns that are too few, too many or named twice. */
static void
ml_check_columns_given(const MlCheck *check)
{
	const MlCheckKind *kind = check->kind;

	if (check->ncolumns < kind->min_columns ||
		(kind->max_columns != ML_CHECK_COLUMNS_ANY && check->ncolumns > kind->max_columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 kind->max_columns == 0 ? errmsg("a check of kind %s takes no columns", kind->name) :
				 kind->max_columns == kind->min_columns ?
				 errmsg_plural("a check of kind %s takes %d column", "a check of kind %s takes %d columns",
							   kind->min_columns, kind->name, kind->min_columns) :
				 kind->max_columns == ML_CHECK_COLUMNS_ANY ?
				 errmsg_plural("a check of kind %s takes at least %d column",
							   "a check of kind %s takes at least %d columns",
							   kind->min_columns, kind->name, kind->min_columns) :
				 errmsg("a check of kind %s takes %d to %d columns", kind->name, kind->min_columns, kind->max_columns),
				 errdetail("%d are given.", check->ncolumns),
				 errhint("Pass them as columns => '{a,b}'.")));
	for (int i = 0; i < check->ncolumns; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(check->columns[i], check->columns[j]) == 0)
				ml_check_refuse(check, psprintf("column \"%s\" is named twice", check->columns[i]), NULL,
								"Name each column once.");
}

/* Kind and columns as a name, cut to what a name can be. */
static char *
ml_check_default_name(const MlCheck *check)
{
	StringInfoData name;
	int			room = 255 - strlen(check->kind->name) - 1;

	initStringInfo(&name);
	for (int i = 0; i < check->ncolumns; i++)
		appendStringInfo(&name, "%s%s", i > 0 ? "_" : "", check->columns[i]);
	if (name.len > room)
	{
		name.len = pg_mbcliplen(name.data, name.len, room);
		name.data[name.len] = '\0';
	}
	appendStringInfo(&name, "%s%s", name.len > 0 ? "_" : "", check->kind->name);
	return name.data;
}

List *
ml_check_kind_params(const MlCheckKind *kind)
{
	List	   *params = NIL;

	for (int i = 0; i < kind->nparams; i++)
		params = lappend(params, unconstify(MlParam *, &kind->params[i]));
	if ((kind->flags & (ML_CHECK_ROWS | ML_CHECK_MOSTLY)) != 0)
		params = lappend(params, unconstify(MlParam *, &ml_check_common[0]));
	if ((kind->flags & (ML_CHECK_SCHEMA | ML_CHECK_QUERY)) == 0)
		params = lappend(params, unconstify(MlParam *, &ml_check_common[1]));
	return params;
}

/* Reads the parameters, the kind's own and those of all kinds, against one table, so that errors list both. */
static void
ml_check_take_params(MlCheck *check, const char *owner)
{
	List	   *known = ml_check_kind_params(check->kind);
	MlParam    *table = palloc(sizeof(MlParam) * Max(list_length(known), 1));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, known)
		table[n++] = *(const MlParam *) lfirst(lc);
	check->params = ml_options_parse(owner, table, n, check->given, NIL);
	check->mostly = 1;
	for (int i = check->kind->nparams; i < n; i++)
	{
		if (strcmp(table[i].name, "mostly") == 0)
			check->mostly = check->params[i].number;
		else
			check->where = check->params[i].isnull ? NULL : check->params[i].text;
	}
}

MlCheck *
ml_check_make(const char *name, const char *kind_name, List *columns, Jsonb *params, MlSeverity severity,
			  MlEnvironment environment)
{
	const MlCheckKind *kind = ml_check_kind(kind_name);
	MlCheck    *check = palloc0(sizeof(MlCheck));
	ListCell   *lc;

	if (kind == NULL)
		ml_check_unknown_kind(kind_name);
	check->kind = kind;
	check->columns = palloc(sizeof(char *) * Max(list_length(columns), 1));
	foreach(lc, columns)
		check->columns[check->ncolumns++] = pstrdup(lfirst(lc));
	check->severity = severity;
	check->environment = environment;
	check->given = params ? params :
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	ml_check_columns_given(check);
	ml_check_take_params(check, psprintf("check kind \"%s\"", kind->name));
	if (kind->validate)
		kind->validate(check);
	check->name = name ? pstrdup(name) : ml_check_default_name(check);
	return check;
}

MlCheck *
ml_check_measure(const MlCheck *check, const char *param, Jsonb *params)
{
	const char *name = ml_check_param(check, param)->text;
	const MlCheckKind *kind = ml_check_kind(name);
	MlCheck    *made = palloc0(sizeof(MlCheck));
	List	   *known = NIL;

	for (const MlCheckKind *const *k = ml_check_kinds; *k != NULL; k++)
		if ((*k)->number)
			known = lappend(known, unconstify(char *, (*k)->name));
	if (kind == NULL || kind->number == NULL)
		ml_check_refuse(check, psprintf("there is no %s \"%s\"", param, name),
						psprintf("It is the name of a kind that observes a number: %s.", ml_text_list(known, 100)),
						ml_text_hint(name, known, "View ml.check_kinds lists them with their parameters."));
	*made = *check;
	made->kind = kind;
	made->given = params ? params :
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	ml_check_columns_given(made);
	ml_check_take_params(made, psprintf("check kind \"%s\"", kind->name));
	if (made->where)
		ml_check_refuse(check, psprintf("parameter \"where\" has no meaning within the parameters of \"%s\"", name), NULL,
						"Give it to the check itself.");
	return made;
}

const MlParamValue *
ml_check_param(const MlCheck *check, const char *name)
{
	return ml_option(check->kind->params, check->kind->nparams, check->params, name);
}

double
ml_check_number(const MlCheck *check, const char *name)
{
	const MlParamValue *value = ml_check_param(check, name);

	return value->isnull ? get_float8_nan() : value->number;
}

/* ---- for the kinds ---- */

void
ml_check_refuse(const MlCheck *check, const char *problem, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("check of kind %s: %s", check->kind->name, problem),
			 detail ? errdetail("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
}

void
ml_check_refuse_type(const MlCheck *check, const MlCheckColumn *column, const char *wants)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("check \"%s\" cannot judge column \"%s\"", check->name, column->name),
			 errdetail("The column is of type %s; kind %s wants %s.", format_type_be(column->declared),
					   check->kind->name, wants),
			 errhint("Drop the check, or name a column of such a type.")));
}

void
ml_check_show(const MlCheckColumn *column, Datum value, StringInfo out)
{
	Oid			output;
	bool		varlena;
	char	   *text;
	int			length;
	int			shown;

	getTypeOutputInfo(column->declared, &output, &varlena);
	text = OidOutputFunctionCall(output, value);
	length = strlen(text);
	shown = pg_mbcliplen(text, length, ML_CHECK_SHOWN_BYTES);
	if (column->convert.class == ML_TYPE_NUMBER)
		appendBinaryStringInfo(out, text, shown);
	else
		appendStringInfo(out, "\"%.*s\"", shown, text);
	if (shown < length)
		appendStringInfo(out, "... (%d bytes)", length);
	pfree(text);
}

void
ml_check_expect_range(const MlCheck *check, StringInfo out)
{
	static const char *const names[] = {"min", "max"};
	bool		any = false;

	appendStringInfoChar(out, '{');
	for (int i = 0; i < 2; i++)
	{
		const MlParamValue *value = ml_check_param(check, names[i]);

		if (value->isnull)
			continue;
		appendStringInfo(out, "%s\"%s\": ", any ? ", " : "", names[i]);
		if (value->json)
			appendStringInfoString(out, value->text);
		else
			ml_json_number(out, value->number);
		any = true;
	}
	appendStringInfoChar(out, '}');
}

bool
ml_check_in_range(const MlCheck *check, double x)
{
	double		min = ml_check_number(check, "min");
	double		max = ml_check_number(check, "max");

	return !isnan(x) && !(x < min) && !(x > max);
}

void
ml_check_judge_number(const MlCheck *check, double x, MlCheckOutcome *out)
{
	StringInfoData observed;

	initStringInfo(&observed);
	appendStringInfoString(&observed, "{\"value\": ");
	if (isnan(x))
		appendStringInfoString(&observed, "null");
	else
		ml_json_number(&observed, x);
	appendStringInfoChar(&observed, '}');
	out->observed = observed.data;
	out->status = isnan(x) ? ML_CHECK_INSUFFICIENT : ml_check_in_range(check, x) ? ML_CHECK_PASS : ML_CHECK_FAIL;
}

Datum
ml_check_datum(const MlCheck *check, const MlCheckColumn *column, const JsonbValue *json)
{
	Oid			input;
	Oid			param;
	char	   *text = NULL;

	switch (json->type)
	{
		case jbvString:
			text = pnstrdup(json->val.string.val, json->val.string.len);
			break;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(json->val.numeric)));
			break;
		case jbvBool:
			text = pstrdup(json->val.boolean ? "true" : "false");
			break;
		default:
			ml_check_refuse(check, psprintf("a value for column \"%s\" is neither a text nor a number nor a boolean",
											column->name), NULL, "Leave NULL to kind not_null.");
	}
	getTypeInputInfo(column->convert.type, &input, &param);
	return OidInputFunctionCall(input, text, param, -1);
}

JsonbValue
ml_check_scalar(const MlCheck *check, const char *name)
{
	const MlParamValue *param = ml_check_param(check, name);
	JsonbValue	value;

	if (!JB_ROOT_IS_SCALAR(param->json) || !JsonbExtractScalar(&param->json->root, &value))
		ml_check_refuse(check, psprintf("parameter \"%s\" must be one value", name),
						psprintf("It is %s.", param->text), "Write a number, or a text in quotes.");
	return value;
}
