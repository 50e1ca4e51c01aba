/*
 * cost.c - what the planner gets to know about the time that scoring takes.
 *
 * Planning must not fail for want of a model or of rights: the call itself
 * says what is wrong, if a row ever reaches it. Memory is the planner's,
 * but for what is known of the model asked for last.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "flow/cost.h"
#include "flow/resolve.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/*
 * Nanoseconds on the machine that this was measured on, where what the
 * planner counts as one operator takes some ten of them.
 */
#define ML_COST_OPERATOR	10.0
#define ML_COST_CALL		40.0	/* a row, whatever the model */
#define ML_COST_ARGUMENT	1.5		/* each column that is passed */
#define ML_COST_RESOLVE		20000.0 /* a statement */
#define ML_COST_FLOP		0.5
#define ML_COST_CELL		1.0		/* a number from step to step */
#define ML_COST_TEXT		50.0	/* the code of a category */
#define ML_COST_ROW_INPUT	15.0	/* an input that comes in a row or an array */
#define ML_COST_JSON_INPUT	150.0
#define ML_COST_JSON_OUTPUT 250.0

/* What of a model costs time. */
typedef struct MlModelCost
{
	double		arithmetic;		/* a row, in nanoseconds, once the cells are there */
	int			inputs;
	int			classes;
} MlModelCost;

/* The model asked for last: one planning asks many times, and a large model need not stay in the cache. */
typedef struct MlCostAnswer
{
	bool		valid;
	uint8		digest[ML_DIGEST_BYTES];
	MlModelCost cost;
} MlCostAnswer;

static MlCostAnswer ml_cost_last;

static void
ml_cost_of_model(const MlModel *model, MlModelCost *cost)
{
	const MlPipeline *pipeline = model->pipeline;

	cost->inputs = pipeline->ninputs;
	cost->classes = model->nclasses;
	cost->arithmetic = 0;
	for (int i = 0; i < pipeline->ninputs; i++)
		cost->arithmetic += pipeline->inputs[i].class == ML_TYPE_TEXT ? ML_COST_TEXT :
			ML_COST_CELL * pipeline->inputs[i].ncells;
	for (int s = 0; s < pipeline->nsteps; s++)
		cost->arithmetic += ML_COST_CELL * pipeline->steps[s].out.ncols;
	cost->arithmetic += ML_COST_FLOP * model->learner->cost(model->state);
}

/* The cost of the model that a reference names now; false when there is none to know. */
static bool
ml_cost_find(const char *ref, MlModelCost *cost)
{
	MlVersionRef version;
	MlMoment	moment;

	if (!ActiveSnapshotSet())
		return false;
	ml_moment_now(&moment);
	if (!ml_resolve(ref, &moment, true, &version))
		return false;
	if (!ml_cost_last.valid || memcmp(version.digest, ml_cost_last.digest, ML_DIGEST_BYTES) != 0)
	{
		MemoryContext pin = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops cost", ALLOCSET_SMALL_SIZES);
		const MlModel *model = ml_cache_pin(&version, pin);

		ml_cost_last.valid = model->learner->cost != NULL;
		if (ml_cost_last.valid)
			ml_cost_of_model(model, &ml_cost_last.cost);
		memcpy(ml_cost_last.digest, version.digest, ML_DIGEST_BYTES);
		MemoryContextDelete(pin);
	}
	*cost = ml_cost_last.cost;
	return ml_cost_last.valid;
}

/* Nanoseconds until the cells are there, as the features come. */
static double
ml_cost_features(const List *args, bool columns, const MlModelCost *cost)
{
	Oid			type;

	if (columns)
		return ML_COST_ARGUMENT * list_length(args);
	type = getBaseType(exprType(lsecond(args)));
	return cost->inputs * (type == JSONBOID ? ML_COST_JSON_INPUT : ML_COST_ROW_INPUT);
}

Node *
ml_cost_answer(SupportRequestCost *request)
{
	const FuncExpr *call = (const FuncExpr *) request->node;
	const Const *ref;
	MlModelCost cost;
	char	   *name;
	double		ns;

	if (call == NULL || !IsA(call, FuncExpr) || list_length(call->args) < 2 || !IsA(linitial(call->args), Const))
		return NULL;
	ref = linitial_node(Const, call->args);
	if (ref->constisnull || ref->consttype != TEXTOID || (name = get_func_name(request->funcid)) == NULL ||
		!ml_cost_find(TextDatumGetCString(ref->constvalue), &cost))
		return NULL;
	ns = ML_COST_CALL + cost.arithmetic + ml_cost_features(call->args, strstr(name, "_columns") != NULL, &cost);
	if (call->funcresulttype == JSONBOID)
		ns += ML_COST_JSON_OUTPUT * cost.classes;
	request->startup = ML_COST_RESOLVE / ML_COST_OPERATOR * cpu_operator_cost;
	request->per_tuple = ns / ML_COST_OPERATOR * cpu_operator_cost;
	return (Node *) request;
}
