/*
 * predict.c - scoring one row at one place of a query.
 *
 * A call site is one memory context below fn_mcxt: resolving anew resets it,
 * which also unpins the model. It holds no relation and no snapshot.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "flow/predict.h"
#include "flow/quality.h"
#include "flow/resolve.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

struct MlCallSite
{
	MemoryContext context;		/* reset when the site is resolved anew */
	Oid			features_type;
	bool		row_type;
	Oid			element_type;	/* of an array argument */
	int			ncolumns;		/* columns as arguments of their own: their names and types */
	const char **names;
	Oid		   *types;

	/* below: in the context above */
	bool		resolved;
	MlMoment	moment;
	char	   *ref;
	int			ref_length;
	const MlModel *model;
	MlBinding  *binding;
	double	   *cells;
	double	   *work;
	double	   *out;

	/* the result type of the call, and each label as a value of it */
	Oid			result_type;
	bool		result_known;
	FmgrInfo	result_input;
	Oid			result_param;
	Datum	   *labels;
	bool	   *label_known;
	int			label_class;	/* of the last label asked for */
	char	   *label_text;
};

/* Looks up the model under the active snapshot, checks the right to use it and pins it. */
static void
ml_predict_resolve(MlCallSite *site, const char *ref, int length, const MlMoment *moment)
{
	MemoryContext old;
	MlVersionRef version;

	site->resolved = false;
	site->result_known = false;
	site->label_text = NULL;
	MemoryContextReset(site->context);
	old = MemoryContextSwitchTo(site->context);
	site->ref = pnstrdup(ref, length);
	site->ref_length = length;
	ml_resolve(site->ref, moment, false, &version);
	site->model = ml_cache_pin(&version, site->context);
	site->binding = ml_bind_create(site->model, site->ref, site->context);
	site->cells = palloc_extended(sizeof(double) * Max(site->model->pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	site->work = palloc_extended(sizeof(double) * Max(site->model->pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	site->out = palloc(sizeof(double) * Max(site->model->nclasses, 1));
	if (site->names)
		ml_bind_names(site->binding, site->ncolumns, site->names, site->types);
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

	/* names that change from row to row would need to be compared with each */
	if (list_length(args) != fcinfo->nargs || !IsA(list_nth(args, first - 1), Const))
		ml_predict_misused("The names are no constant.");
	constant = list_nth_node(Const, args, first - 1);
	if (constant->constisnull || constant->consttype != TEXTARRAYOID)
		ml_predict_misused("The names are NULL.");
	array = DatumGetArrayTypeP(constant->constvalue);
	if (array_contains_nulls(array))
		ml_predict_misused("A name is NULL.");
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &site->ncolumns);
	if (site->ncolumns != fcinfo->nargs - first || get_fn_expr_variadic(fcinfo->flinfo))
		ml_predict_misused(psprintf("There are %d names for %d columns.", site->ncolumns, fcinfo->nargs - first));
	site->names = palloc(sizeof(char *) * Max(site->ncolumns, 1));
	site->types = palloc(sizeof(Oid) * Max(site->ncolumns, 1));
	for (int i = 0; i < site->ncolumns; i++)
	{
		site->names[i] = TextDatumGetCString(values[i]);
		site->types[i] = exprType(list_nth(args, first + i));
	}
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

const MlModel *
ml_predict_model(const MlCallSite *site)
{
	return site->model;
}

const char *
ml_predict_ref(const MlCallSite *site)
{
	return site->ref;
}

/* Fills the site's cells; true if it is certain that none is missing. */
static bool
ml_predict_bind(MlCallSite *site, Datum features)
{
	if (OidIsValid(site->element_type))
		return ml_bind_array(site->binding, DatumGetArrayTypeP(features), site->cells);
	if (site->row_type)
		ml_bind_row(site->binding, DatumGetHeapTupleHeader(features), site->cells);
	else if (getBaseType(site->features_type) == JSONBOID)
		ml_bind_jsonb(site->binding, DatumGetJsonbP(features), site->cells);
	else
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("features cannot be of type %s",
						OidIsValid(site->features_type) ? format_type_be(site->features_type) : "unknown"),
				 errdetail("They are a row, an array or jsonb."),
				 errhint("Score a table by its name or alias: ml.predict('model', t) FROM customers t.")));
	return false;
}

static ML_NORETURN void
ml_predict_out_of_range(const MlCallSite *site)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("the prediction of model \"%s\" is out of range", site->ref),
			 errdetail("A feature is so large that the sums of the model overflow."),
			 errhint("Check the row, or bound the feature, for instance by least().")));
}

/* Runs the pipeline and the learner on the site's cells. */
static inline const double *
ml_predict_cells(MlCallSite *site, bool complete)
{
	const MlModel *model = site->model;

	model->learner->predict(model->state,
							complete ? ml_pipeline_apply_complete(model->pipeline, site->cells, site->work) :
							ml_pipeline_apply(model->pipeline, site->cells, site->work), site->out);
	for (int k = 0; k < Max(model->nclasses, 1); k++)
		if (unlikely(!isfinite(site->out[k])))
			ml_predict_out_of_range(site);
	return site->out;
}

const double *
ml_predict_score(MlCallSite *site, Datum features)
{
	return ml_predict_cells(site, ml_predict_bind(site, features));
}

const double *
ml_predict_score_columns(MlCallSite *site, const NullableDatum *columns)
{
	return ml_predict_cells(site, ml_bind_columns(site->binding, columns, site->cells));
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
	MemoryContext old = MemoryContextSwitchTo(site->context);

	if (!OidIsValid(type))
		type = FLOAT8OID;
	getTypeInputInfo(type, &input, &site->result_param);
	fmgr_info_cxt(input, &site->result_input, site->context);
	site->result_type = type;
	site->labels = palloc0(sizeof(Datum) * Max(site->model->nclasses, 1));
	site->label_known = palloc0(sizeof(bool) * Max(site->model->nclasses, 1));
	site->result_known = true;
	MemoryContextSwitchTo(old);
}

/* A label as a value of the result type, made once and kept with the site. */
static Datum
ml_predict_label(MlCallSite *site, int class)
{
	const char *label = site->model->classes[class];
	MemoryContext old;

	if (site->label_known[class])
		return site->labels[class];
	if (ml_predict_is_number_type(site->result_type) && !ml_predict_numeric(label))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("model \"%s\" predicts labels that are no numbers", site->ref),
				 errdetail("The label is \"%s\", and the result is of type %s.", label,
						   format_type_be(site->result_type)),
				 errhint("Pass a third argument of the type you want: ml.predict('%s', ..., NULL::text).", site->ref)));
	old = MemoryContextSwitchTo(site->context);
	site->labels[class] = InputFunctionCall(&site->result_input, unconstify(char *, label), site->result_param, -1);
	site->label_known[class] = true;
	MemoryContextSwitchTo(old);
	return site->labels[class];
}

Datum
ml_predict_result(MlCallSite *site, const double *out, FmgrInfo *flinfo)
{
	if (unlikely(!site->result_known))
		ml_predict_result_type(site, get_fn_expr_rettype(flinfo));
	if (site->model->task == ML_TASK_CLASSIFICATION)
		return ml_predict_label(site, ml_quality_choice(site->model, out));
	switch (site->result_type)
	{
		case FLOAT8OID:
			return Float8GetDatum(out[0]);
		case FLOAT4OID:
			return DirectFunctionCall1(dtof, Float8GetDatum(out[0]));
		case INT2OID:
			return DirectFunctionCall1(dtoi2, Float8GetDatum(out[0]));
		case INT4OID:
			return DirectFunctionCall1(dtoi4, Float8GetDatum(out[0]));
		case INT8OID:
			return DirectFunctionCall1(dtoi8, Float8GetDatum(out[0]));
		case NUMERICOID:
			return DirectFunctionCall1(float8_numeric, Float8GetDatum(out[0]));
		default:
			return InputFunctionCall(&site->result_input, ml_text_number(out[0]), site->result_param, -1);
	}
}

int
ml_predict_class(MlCallSite *site, text *label)
{
	const MlModel *model = site->model;
	List	   *names = NIL;
	char	   *name;

	if (model->task != ML_TASK_CLASSIFICATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has no probabilities", site->ref),
				 errdetail("Its task is regression."),
				 errhint("Use ml.predict.")));
	if (label == NULL)
	{
		if (model->nclasses == 2)
			return model->positive;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has %d classes, so the class is needed", site->ref, model->nclasses),
				 errdetail("Only a model of two classes has a positive one."),
				 errhint("Pass the class as third argument, or use ml.probabilities.")));
	}
	if (site->label_text && strlen(site->label_text) == VARSIZE_ANY_EXHDR(label) &&
		memcmp(site->label_text, VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label)) == 0)
		return site->label_class;
	name = text_to_cstring(label);
	for (int k = 0; k < model->nclasses; k++)
	{
		if (strcmp(model->classes[k], name) == 0)
		{
			site->label_text = MemoryContextStrdup(site->context, name);
			site->label_class = k;
			return k;
		}
		names = lappend(names, model->classes[k]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("model \"%s\" has no class \"%s\"", site->ref, name),
			 errdetail("Its classes are: %s.", ml_text_list(names, 20)),
			 errhint("%s", ml_text_hint(name, names, "Name one of these classes."))));
}
