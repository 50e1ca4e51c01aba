/*
 * predict.c - scoring one row at one place of a query.
 *
 * A call site is one memory context below fn_mcxt: resolving anew resets it,
 * which also unpins its models. It holds no relation and no snapshot.
 *
 * Each version that scores has a lane: production's answers, a canary's
 * answers its share of the rows in its place, those of shadows score all rows
 * and answer none. Nothing about a row may make a shadow raise an error.
 *
 * Where the model has a policy for invalid rows, a row is judged before any
 * lane sees it. One that is refused is counted by production, which would have
 * been asked first, and by the shadows; which rows a canary has is not asked.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "flow/judge.h"
#include "flow/predict.h"
#include "flow/quality.h"
#include "flow/resolve.h"
#include "flow/route.h"
#include "flow/row_log.h"
#include "flow/support.h"
#include "nodes/nodeFuncs.h"
#include "store/access.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

struct MlCallSite
{
	MemoryContext context;		/* reset when the site is resolved anew */
	Oid			features_type;
	bool		row_type;
	Oid			element_type;	/* of an array argument */
	MlRowType	columns;		/* those that come as arguments of their own */
	bool		left_out;		/* the planner has left out some of them */

	/* below: in the context above */
	bool		resolved;
	MlMoment	moment;
	char	   *ref;
	int			ref_length;
	MlLane		production;		/* or the version that the reference names */
	int			nothers;
	MlLane	   *others;			/* the canary, if there is one, and the shadows */
	int			ncanaries;		/* 0 or 1 */
	double		traffic;		/* of the canary */
	MlRoute    *route;
	MlInvalidPolicy invalid;
	MlJudge    *judge;			/* or NULL */
	MlRowLog   *log;			/* or NULL */
	bool		beside;			/* a row takes more than production's answer */

	/* the result type of the call */
	Oid			result_type;
	bool		result_known;
	FmgrInfo	result_input;
	Oid			result_param;
};

/* What a call gives to be scored: columns, or else the argument features. */
typedef struct MlFeatures
{
	const NullableDatum *columns;
	Datum		value;
} MlFeatures;

/* A lane for one more version beside production. */
static void
ml_predict_add_lane(MlCallSite *site, const MlServing *serving, const MlServed *served)
{
	MlLane	   *lane = &site->others[site->nothers];

	ml_lane_init(lane, serving, served, psprintf("%s/%d", served->version.model, served->version.version), site->context);
	if (site->columns.names)
		ml_bind_names(lane->binding, site->columns.n, site->columns.names, site->columns.types);
	if (served->role == ML_SERVES_CANARY)
	{
		site->ncanaries = 1;
		site->traffic = served->traffic;
		site->route = ml_route_create(site->production.model->pipeline);
	}
	site->nothers++;
}

/*
 * Raises the error for a plan that is older than the policy. Plans are made
 * anew when a policy is set (ml_support_forget_plans); this one was made just
 * before, or the policy came by a restore.
 */
static ML_NORETURN void
ml_predict_outdated(const MlCallSite *site)
{
	InvalidateSystemCaches();
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("rows for model \"%s\" cannot be judged by the plan of this statement", site->ref),
			 errdetail("It leaves out columns, since the model had no policy for invalid rows when it was made."),
			 errhint("Run the statement again.")));
}

/* Looks up the versions under the active snapshot, checks the right to use them and pins them. */
static void
ml_predict_resolve(MlCallSite *site, const char *ref, int length, const MlMoment *moment)
{
	MemoryContext old;
	MlServing	serving;

	site->resolved = false;
	site->result_known = false;
	site->nothers = site->ncanaries = 0;
	site->judge = NULL;
	site->log = NULL;
	MemoryContextReset(site->context);
	old = MemoryContextSwitchTo(site->context);
	site->ref = pnstrdup(ref, length);
	site->ref_length = length;
	ml_resolve(site->ref, moment, false, &serving);
	ml_lane_init(&site->production, &serving, &serving.versions[0], site->ref, site->context);
	if (site->columns.names)
		ml_bind_names(site->production.binding, site->columns.n, site->columns.names, site->columns.types);
	site->others = palloc(sizeof(MlLane) * serving.count);
	for (int i = 1; i < serving.count; i++)
		ml_predict_add_lane(site, &serving, &serving.versions[i]);
	site->invalid = serving.invalid;
	site->judge = ml_judge_create(&serving, site->production.binding, site->context);
	if (site->judge && site->left_out)
		ml_predict_outdated(site);
	site->log = ml_row_log_create(&serving, &site->production, site->context);
	site->beside = site->nothers > 0 || site->judge != NULL || site->log != NULL;
	site->moment = *moment;
	site->resolved = true;
	MemoryContextSwitchTo(old);
}

static MlCallSite *
ml_predict_create(FmgrInfo *flinfo)
{
	MlCallSite *site = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(MlCallSite));

	site->context = AllocSetContextCreate(flinfo->fn_mcxt, "pg_mlops call site", ALLOCSET_SMALL_SIZES);
	return site;
}

/* Resolves the site anew unless it has answered for this reference at this moment. */
static inline void
ml_predict_renew(MlCallSite *site, const text *ref)
{
	int			length = VARSIZE_ANY_EXHDR(ref);
	MlMoment	moment;

	ml_moment_now(&moment);
	if (unlikely(!site->resolved || !ml_moment_equal(&moment, &site->moment) || site->ref_length != length ||
				 memcmp(site->ref, VARDATA_ANY(ref), length) != 0))
		ml_predict_resolve(site, VARDATA_ANY(ref), length, &moment);
}

MlCallSite *
ml_predict_site(FunctionCallInfo fcinfo)
{
	MlCallSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
	{
		Oid			features_type = get_fn_expr_argtype(fcinfo->flinfo, 1);

		site = ml_predict_create(fcinfo->flinfo);
		site->features_type = features_type;
		if (OidIsValid(features_type))
		{
			site->row_type = type_is_rowtype(features_type);
			site->element_type = get_element_type(getBaseType(features_type));
		}
		fcinfo->flinfo->fn_extra = site;
	}
	ml_predict_renew(site, PG_GETARG_TEXT_PP(0));
	return site;
}

/* Raises the error for a call that the planner did not make. */
static ML_NORETURN void
ml_predict_misused(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("columns and their names do not belong together"),
			 errdetail("%s", detail),
			 errhint("The planner makes such calls; write ml.predict, ml.probability or ml.probabilities.")));
}

/* The names of the columns, from the call's constant, and their types. */
static void
ml_predict_take_names(MlCallSite *site, FunctionCallInfo fcinfo, int first)
{
	List	   *args = fcinfo->flinfo->fn_expr && IsA(fcinfo->flinfo->fn_expr, FuncExpr) ?
		((FuncExpr *) fcinfo->flinfo->fn_expr)->args : NIL;
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	Const	   *constant;
	ArrayType  *array;
	Datum	   *values;
	int			n;
	const char **texts;
	Oid		   *types;
	int32	   *typmods;
	Oid		   *collations;

	/* names that change from row to row would need to be compared with each */
	if (list_length(args) != fcinfo->nargs || !IsA(list_nth(args, first - 1), Const))
		ml_predict_misused("The names are no constant.");
	constant = list_nth_node(Const, args, first - 1);
	if (constant->constisnull || constant->consttype != TEXTARRAYOID)
		ml_predict_misused("The names are NULL.");
	array = DatumGetArrayTypeP(constant->constvalue);
	if (array_contains_nulls(array))
		ml_predict_misused("A name is NULL.");
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	if (n != fcinfo->nargs - first || get_fn_expr_variadic(fcinfo->flinfo))
		ml_predict_misused(psprintf("There are %d names for %d columns.", n, fcinfo->nargs - first));
	texts = palloc(sizeof(char *) * Max(n, 1));
	types = palloc(sizeof(Oid) * Max(n, 1));
	typmods = palloc(sizeof(int32) * Max(n, 1));
	collations = palloc(sizeof(Oid) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const Node *arg = list_nth(args, first + i);

		texts[i] = TextDatumGetCString(values[i]);
		types[i] = exprType(arg);
		typmods[i] = exprTypmod(arg);
		collations[i] = exprCollation(arg);
		site->left_out |= typmods[i] == ML_SUPPORT_LEFT_OUT;
	}
	site->columns.names = texts;
	site->columns.types = types;
	site->columns.typmods = typmods;
	site->columns.collations = collations;
	site->columns.n = n;
	MemoryContextSwitchTo(old);
}

MlCallSite *
ml_predict_columns_site(FunctionCallInfo fcinfo, int first)
{
	MlCallSite *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
	{
		site = ml_predict_create(fcinfo->flinfo);
		ml_predict_take_names(site, fcinfo, first);
		fcinfo->flinfo->fn_extra = site;
	}
	ml_predict_renew(site, PG_GETARG_TEXT_PP(0));
	return site;
}

/* Raises the error for an argument that cannot be features. */
static ML_NORETURN void
ml_predict_no_features(const MlCallSite *site)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("features cannot be of type %s",
					OidIsValid(site->features_type) ? format_type_be(site->features_type) : "unknown"),
			 errdetail("They are a row, an array or jsonb."),
			 errhint("Score a table by its name or alias: ml.predict('model', t) FROM customers t.")));
}

/* A row begins that production, or who answers in its place, has to score: an error from here on counts. */
static inline void
ml_predict_begin(MlCallSite *site)
{
	ml_lane_begin(&site->production);
	if (site->production.counter)
		ml_counters_scoring = site->production.count;
}

/* Fills a lane's cells; true if it is certain that none is missing. */
static inline bool
ml_predict_bind(const MlCallSite *site, MlLane *lane, Datum features)
{
	if (OidIsValid(site->element_type))
		return ml_bind_array(lane->binding, DatumGetArrayTypeP(features), lane->cells);
	if (site->row_type)
		ml_bind_row(lane->binding, DatumGetHeapTupleHeader(features), lane->cells);
	else if (getBaseType(site->features_type) == JSONBOID)
		ml_bind_jsonb(lane->binding, DatumGetJsonbP(features), lane->cells);
	else
		ml_predict_no_features(site);
	return false;
}

/* The same from columns or from the argument. */
static inline bool
ml_predict_bind_any(const MlCallSite *site, MlLane *lane, const MlFeatures *features)
{
	return features->columns ? ml_bind_columns(lane->binding, features->columns, lane->cells) :
		ml_predict_bind(site, lane, features->value);
}

/* Whether a row passes the checks of the model. */
static bool
ml_predict_judge(const MlCallSite *site, const MlFeatures *features)
{
	if (site->judge == NULL)
		return true;
	if (features->columns)
		return ml_judge_columns(site->judge, &site->columns, features->columns);
	if (OidIsValid(site->element_type))
		return ml_judge_array(site->judge, DatumGetArrayTypeP(features->value));
	if (site->row_type)
		return ml_judge_row(site->judge, DatumGetHeapTupleHeader(features->value));
	return ml_judge_jsonb(site->judge, DatumGetJsonbP(features->value));
}

/* Counts a row that is not scored, and raises an error if that is the policy. */
static void
ml_predict_refuse(MlCallSite *site)
{
	site->production.count->invalid++;
	site->production.count->rejected++;
	for (int i = site->ncanaries; i < site->nothers; i++)
	{
		site->others[i].count->invalid++;
		site->others[i].count->rejected++;
	}
	ml_counters_scoring = NULL;
	if (site->invalid == ML_INVALID_ERROR)
		ml_judge_refuse(site->judge);
}

/* The features in the form that the log takes them in. */
static MlGiven
ml_predict_given(const MlCallSite *site, const MlFeatures *features)
{
	MlGiven		given = {ML_GIVEN_COLUMNS, features->columns, features->value};

	if (features->columns == NULL)
		given.form = OidIsValid(site->element_type) ? ML_GIVEN_ARRAY : site->row_type ? ML_GIVEN_ROW : ML_GIVEN_JSONB;
	return given;
}

/* Logs a row that a lane has scored. */
static pg_noinline void
ml_predict_log(const MlCallSite *site, MlLane *lane, const MlFeatures *features)
{
	MlGiven		given = ml_predict_given(site, features);

	ml_row_log_add(site->log, lane, &given);
}

/* Scores a row in a shadow, or counts that it cannot be. */
static bool
ml_predict_shadow(const MlCallSite *site, MlLane *lane, const MlFeatures *features)
{
	bool		complete;

	ml_lane_begin(lane);
	lane->binding->refused = false;
	complete = ml_predict_bind_any(site, lane, features);
	if (!lane->binding->refused && ml_lane_run(lane, complete))
	{
		ml_lane_count(lane);
		return true;
	}
	lane->count->errors++;
	return false;
}

/*
 * Scores a row where the model has a canary, shadows, a policy for invalid
 * rows or a log; NULL for a row that is refused.
 */
static pg_noinline MlLane *
ml_predict_beside(MlCallSite *site, MlFeatures *features)
{
	MlLane	   *lane = &site->production;
	bool		complete;
	bool		valid;
	bool		logged;

	/* compressed or out of line: once is enough */
	if (!features->columns)
	{
		if (!OidIsValid(site->element_type) && !site->row_type && getBaseType(site->features_type) != JSONBOID)
			ml_predict_no_features(site);
		features->value = PointerGetDatum(PG_DETOAST_DATUM(features->value));
	}
	ml_predict_begin(site);
	valid = ml_predict_judge(site, features);
	if (!valid && site->invalid != ML_INVALID_SCORE)
	{
		ml_predict_refuse(site);
		return NULL;
	}
	complete = ml_predict_bind_any(site, lane, features);
	logged = site->log && ml_row_log_wants(site->log, lane->cells);
	if (site->ncanaries > 0 && ml_route_share(site->route, lane->cells) < site->traffic)
	{
		lane = &site->others[0];
		ml_lane_begin(lane);
		complete = ml_predict_bind_any(site, lane, features);
	}
	ml_lane_answer(lane, complete);
	ml_counters_scoring = NULL;
	if (logged)
		ml_predict_log(site, lane, features);
	lane->count->invalid += !valid;
	for (int i = site->ncanaries; i < site->nothers; i++)
	{
		if (ml_predict_shadow(site, &site->others[i], features) && logged)
			ml_predict_log(site, &site->others[i], features);
		site->others[i].count->invalid += !valid;
	}
	return lane;
}

MlLane *
ml_predict_score(MlCallSite *site, Datum value)
{
	if (unlikely(site->beside))
	{
		MlFeatures	features = {NULL, value};

		return ml_predict_beside(site, &features);
	}
	ml_predict_begin(site);
	ml_lane_answer(&site->production, ml_predict_bind(site, &site->production, value));
	ml_counters_scoring = NULL;
	return &site->production;
}

MlLane *
ml_predict_score_columns(MlCallSite *site, const NullableDatum *columns)
{
	if (unlikely(site->beside))
	{
		MlFeatures	features = {columns, (Datum) 0};

		return ml_predict_beside(site, &features);
	}
	ml_predict_begin(site);
	ml_lane_answer(&site->production, ml_bind_columns(site->production.binding, columns, site->production.cells));
	ml_counters_scoring = NULL;
	return &site->production;
}

/* Binds a features argument that is not to be scored. */
static MlFeatures
ml_predict_bind_only(MlCallSite *site, Datum value)
{
	MlFeatures	features = {NULL, value};

	if (!OidIsValid(site->element_type) && !site->row_type && getBaseType(site->features_type) != JSONBOID)
		ml_predict_no_features(site);
	features.value = PointerGetDatum(PG_DETOAST_DATUM(value));
	(void) ml_predict_bind_any(site, &site->production, &features);
	return features;
}

uint64
ml_predict_row_key(MlCallSite *site, Datum value)
{
	MlFeatures	features = ml_predict_bind_only(site, value);
	MlGiven		given = ml_predict_given(site, &features);

	return ml_row_log_key(&site->production, &given);
}

const double *
ml_predict_transform(MlCallSite *site, Datum value, const MlModel **model)
{
	MlLane	   *lane = &site->production;

	ml_access_require(lane->served->version.model, lane->served->version.owner, ML_PRIV_READ);
	(void) ml_predict_bind_only(site, value);
	*model = lane->model;
	return ml_pipeline_apply(lane->model->pipeline, lane->cells, lane->work);
}

/* Whether a label reads as a number as a whole. */
static bool
ml_predict_numeric(const char *label)
{
	char	   *end;

	if (*label == '\0')
		return false;
	errno = 0;
	(void) strtod(label, &end);
	return *end == '\0' && errno == 0;
}

static bool
ml_predict_is_number_type(Oid type)
{
	return type == FLOAT8OID || type == FLOAT4OID || type == INT2OID || type == INT4OID || type == INT8OID ||
		type == NUMERICOID;
}

/* Prepares for a result type, once per resolved site. */
static void
ml_predict_result_type(MlCallSite *site, Oid type)
{
	Oid			input;

	if (!OidIsValid(type))
		type = FLOAT8OID;
	getTypeInputInfo(type, &input, &site->result_param);
	fmgr_info_cxt(input, &site->result_input, site->context);
	site->result_type = type;
	site->result_known = true;
}

/* A label as a value of the result type, made once and kept with the lane. */
static Datum
ml_predict_label(MlCallSite *site, MlLane *lane, int class)
{
	const char *label = lane->model->classes[class];
	MemoryContext old;

	if (lane->label_known[class])
		return lane->labels[class];
	if (ml_predict_is_number_type(site->result_type) && !ml_predict_numeric(label))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("model \"%s\" predicts labels that are no numbers", lane->ref),
				 errdetail("The label is \"%s\", and the result is of type %s.", label,
						   format_type_be(site->result_type)),
				 errhint("Pass a third argument of the type you want: ml.predict('%s', ..., NULL::text).", site->ref)));
	old = MemoryContextSwitchTo(site->context);
	lane->labels[class] = InputFunctionCall(&site->result_input, unconstify(char *, label), site->result_param, -1);
	lane->label_known[class] = true;
	MemoryContextSwitchTo(old);
	return lane->labels[class];
}

Datum
ml_predict_result(MlCallSite *site, MlLane *lane, FmgrInfo *flinfo)
{
	double		value = lane->out[0];

	if (unlikely(!site->result_known))
		ml_predict_result_type(site, get_fn_expr_rettype(flinfo));
	if (lane->model->task == ML_TASK_CLASSIFICATION)
		return ml_predict_label(site, lane, ml_quality_choice(lane->model, lane->out));
	switch (site->result_type)
	{
		case FLOAT8OID:
			return Float8GetDatum(value);
		case FLOAT4OID:
			return DirectFunctionCall1(dtof, Float8GetDatum(value));
		case INT2OID:
			return DirectFunctionCall1(dtoi2, Float8GetDatum(value));
		case INT4OID:
			return DirectFunctionCall1(dtoi4, Float8GetDatum(value));
		case INT8OID:
			return DirectFunctionCall1(dtoi8, Float8GetDatum(value));
		case NUMERICOID:
			return DirectFunctionCall1(float8_numeric, Float8GetDatum(value));
		default:
			return InputFunctionCall(&site->result_input, ml_text_number(value), site->result_param, -1);
	}
}
