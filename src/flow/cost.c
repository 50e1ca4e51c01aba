/*
 * cost.c - what the planner gets to know about the time that scoring takes.
 *
 * Planning must not fail for want of a model or of rights: the call itself
 * says what is wrong, if a row ever reaches it. Memory is the planner's,
 * but for what is known of the models asked for last.
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
#define ML_COST_TERMS		20000.0 /* the terms of a text of a few dozen words */
#define ML_COST_ROW_INPUT	15.0	/* an input that comes in a row or an array */
#define ML_COST_JSON_INPUT	150.0
#define ML_COST_JSON_OUTPUT 250.0
#define ML_COST_ROUTE		2.0		/* a cell in the hash that picks a canary's rows */
#define ML_COST_SHADOW		30.0	/* a row, whatever the model */

/* What of a model costs time. */
typedef struct MlModelCost
{
	double		arithmetic;		/* a row, in nanoseconds, once the cells are there */
	int			inputs;
	int			classes;
} MlModelCost;

/* A model asked for lately: one planning asks many times, and a large model need not stay in the cache. */
typedef struct MlCostAnswer
{
	bool		valid;
	uint8		digest[ML_DIGEST_BYTES];
	MlModelCost cost;
} MlCostAnswer;

#define ML_COST_ANSWERS 8

static MlCostAnswer ml_cost_answers[ML_COST_ANSWERS];
static int	ml_cost_next = 0;	/* the one that is overwritten next */

static void
ml_cost_of_model(const MlModel *model, MlModelCost *cost)
{
	const MlPipeline *pipeline = model->pipeline;

	cost->inputs = pipeline->ninputs;
	cost->classes = model->nclasses;
	cost->arithmetic = 0;
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		const MlInput *input = &pipeline->inputs[i];

		cost->arithmetic += input->encoding == ML_ENCODING_TERMS ? ML_COST_TERMS + ML_COST_CELL * input->ncells :
			input->class == ML_TYPE_TEXT ? ML_COST_TEXT : ML_COST_CELL * input->ncells;
	}
	for (int s = 0; s < pipeline->nsteps; s++)
		cost->arithmetic += ML_COST_CELL * pipeline->steps[s].out.ncols;
	cost->arithmetic += ML_COST_FLOP * model->learner->cost(model->state);
}

/* The cost of a version, until the next call; NULL when its learner does not know it. */
static const MlModelCost *
ml_cost_of_version(const MlVersionRef *version)
{
	MlCostAnswer *answer;
	MemoryContext pin;
	const MlModel *model;

	for (int i = 0; i < ML_COST_ANSWERS; i++)
		if (ml_cost_answers[i].valid && memcmp(version->digest, ml_cost_answers[i].digest, ML_DIGEST_BYTES) == 0)
			return &ml_cost_answers[i].cost;
	answer = &ml_cost_answers[ml_cost_next];
	ml_cost_next = (ml_cost_next + 1) % ML_COST_ANSWERS;
	answer->valid = false;
	pin = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops cost", ALLOCSET_SMALL_SIZES);
	model = ml_cache_pin(version, pin);
	if (model->learner->cost != NULL)
	{
		ml_cost_of_model(model, &answer->cost);
		memcpy(answer->digest, version->digest, ML_DIGEST_BYTES);
		answer->valid = true;
	}
	MemoryContextDelete(pin);
	return answer->valid ? &answer->cost : NULL;
}

/* How features come to a call. */
typedef struct MlCostForm
{
	bool		columns;
	int			arguments;
	double		input;			/* an input's share in a form other than columns */
} MlCostForm;

static MlCostForm
ml_cost_form(const FuncExpr *call, const char *name)
{
	MlCostForm	form;

	form.columns = strstr(name, "_columns") != NULL;
	form.arguments = list_length(call->args);
	form.input = form.columns ? 0 :
		getBaseType(exprType(lsecond(call->args))) == JSONBOID ? ML_COST_JSON_INPUT : ML_COST_ROW_INPUT;
	return form;
}

/*
 * Nanoseconds of a row: production makes the cells of every row and answers
 * those that no canary does, a canary makes and answers its share, a shadow
 * scores all. False where there is nothing to know.
 */
static bool
ml_cost_row(const char *ref, const MlCostForm *form, bool json, double *ns)
{
	MlServing	serving;
	MlMoment	moment;
	double		left = 1;

	if (!ActiveSnapshotSet())
		return false;
	ml_moment_now(&moment);
	if (!ml_resolve(ref, &moment, true, &serving))
		return false;
	*ns = ML_COST_CALL + (form->columns ? ML_COST_ARGUMENT * form->arguments : 0);
	for (int i = serving.count - 1; i >= 0; i--)
	{
		const MlServed *served = &serving.versions[i];
		const MlModelCost *cost = ml_cost_of_version(&served->version);
		bool		canary = served->role == ML_SERVES_CANARY;
		bool		shadow = served->role == ML_SERVES_SHADOW;
		double		scored = canary ? served->traffic : shadow ? 1 : left;

		if (cost == NULL)
			return false;
		*ns += scored * cost->arithmetic + (canary ? scored : 1) * form->input * cost->inputs;
		if (shadow)
			*ns += ML_COST_SHADOW;
		else if (json)
			*ns += scored * ML_COST_JSON_OUTPUT * cost->classes;
		if (canary)
			left -= scored;
		else if (!shadow && left < 1)
			*ns += ML_COST_ROUTE * cost->inputs;
	}
	return true;
}

Node *
ml_cost_answer(SupportRequestCost *request)
{
	const FuncExpr *call = (const FuncExpr *) request->node;
	const Const *ref;
	MlCostForm	form;
	char	   *name;
	double		ns;

	if (call == NULL || !IsA(call, FuncExpr) || list_length(call->args) < 2 || !IsA(linitial(call->args), Const))
		return NULL;
	ref = linitial_node(Const, call->args);
	if (ref->constisnull || ref->consttype != TEXTOID || (name = get_func_name(request->funcid)) == NULL)
		return NULL;
	form = ml_cost_form(call, name);
	if (!ml_cost_row(TextDatumGetCString(ref->constvalue), &form, call->funcresulttype == JSONBOID, &ns))
		return NULL;
	request->startup = ML_COST_RESOLVE / ML_COST_OPERATOR * cpu_operator_cost;
	request->per_tuple = ns / ML_COST_OPERATOR * cpu_operator_cost;
	return (Node *) request;
}
