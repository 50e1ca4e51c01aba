/*
 * ordinal.c - a category becomes the number of its level: in bytewise order, or in an order that is given.
 *
 * Numbers begin at 0. A missing value stays missing unless a number is given
 * for it, and so does a text that training did not see.
 *
 * Payload: a table of levels.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/dict.h"
#include "transform/level_table.h"
#include "utils/builtins.h"

enum
{
	ML_ORDINAL_ORDER,
	ML_ORDINAL_UNSEEN,
	ML_ORDINAL_MISSING
};

static const MlParam ml_ordinal_params[] = {
	{"order", ML_PARAM_JSON, NULL, 0, 0, NULL,
	"The levels of a column in their order, the least first: {\"column\": [\"level\", ...]}; bytewise where none is given."},
	{"unseen", ML_PARAM_NUMBER, NULL, -1e15, 1e15, NULL,
	"The number of a text that no training row has; without one it counts as a missing value."},
	{"missing", ML_PARAM_NUMBER, NULL, -1e15, 1e15, NULL,
	"The number of a missing value; without one it stays missing."},
};

/* Raises unless the order is an object of arrays of texts. */
static ML_NORETURN void
ml_ordinal_malformed(const MlParamValue *order)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"order\" of step \"ordinal\" must give an array of different levels for each column"),
			 errdetail("It is %s.", order->text),
			 errhint("Write it as {\"size\": [\"small\", \"medium\", \"large\"]}.")));
}

/* The levels given for a column, in order, or NULL. */
static MlDict *
ml_ordinal_given(const MlParamValue *order, const char *column)
{
	JsonbValue	buffer;
	JsonbValue *found = NULL;
	MlDict	   *dict;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (order->isnull)
		return NULL;
	if (!JB_ROOT_IS_OBJECT(order->json))
		ml_ordinal_malformed(order);
	found = getKeyJsonValueFromContainer(&order->json->root, column, strlen(column), &buffer);
	if (found == NULL)
		return NULL;
	if (found->type != jbvBinary || !JsonContainerIsArray(found->val.binary.data))
		ml_ordinal_malformed(order);
	dict = ml_dict_create();
	it = JsonbIteratorInit(found->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		int			count = dict->count;

		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvString || ml_dict_add(dict, v.val.string.val, v.val.string.len) != count)
			ml_ordinal_malformed(order);
	}
	return dict;
}

/* The numbers of a column's levels in the order given. */
static void
ml_ordinal_number(double *values, const MlColumn *column, MlDict *given)
{
	List	   *lacking = NIL;

	for (int k = 0; k < column->nlevels; k++)
	{
		int			number = given ? ml_dict_find(given, column->levels[k], strlen(column->levels[k])) : k;

		if (number < 0)
			lacking = lappend(lacking, column->levels[k]);
		values[k] = number;
	}
	if (lacking != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the order of column \"%s\" lacks levels of the training rows", column->name),
				 errdetail("It lacks %d: %s.", list_length(lacking), ml_text_list(lacking, 20)),
				 errhint("Put them into \"order\" of step \"ordinal\", in their place.")));
}

/* Raises for a column of the order that the step does not treat. */
static void
ml_ordinal_check_order(const MlFitContext *ctx, const bool *treated)
{
	const MlParamValue *order = &ctx->params[ML_ORDINAL_ORDER];
	List	   *names = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (order->isnull)
		return;
	if (!JB_ROOT_IS_OBJECT(order->json))
		ml_ordinal_malformed(order);
	for (int j = 0; j < ctx->in->ncols; j++)
		if (treated[j])
			names = lappend(names, ctx->in->cols[j].name);
	it = JsonbIteratorInit(&order->json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(v.val.string.val, v.val.string.len);
		if (!ml_text_listed(names, name))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("step \"ordinal\" has an order for a column \"%s\" that it does not treat", name),
					 errdetail("The columns it treats are: %s.", ml_text_list(names, 30)),
					 errhint("%s", ml_text_hint(name, names, "Name one of these columns."))));
	}
}

static void *
ml_ordinal_fit(const MlFitContext *ctx, MlShape *out)
{
	MlLevelTable *table = palloc0(sizeof(MlLevelTable));
	const bool *treated = ctx->selected;
	const MlParamValue *unseen = &ctx->params[ML_ORDINAL_UNSEEN];
	const MlParamValue *missing = &ctx->params[ML_ORDINAL_MISSING];

	ml_ordinal_check_order(ctx, treated);
	ml_level_table_init(table, ctx->in, treated, 1);
	for (int j = 0; j < ctx->in->ncols; j++)
	{
		const MlColumn *column = &ctx->in->cols[j];

		if (!treated[j])
			continue;
		ml_ordinal_number(table->values[j], column, ml_ordinal_given(&ctx->params[ML_ORDINAL_ORDER], column->name));
		table->values[j][column->nlevels] = missing->isnull ? ml_cell_null() : missing->number;
		table->values[j][column->nlevels + 1] = unseen->isnull ? table->values[j][column->nlevels] : unseen->number;
	}
	ml_level_table_shape(table, ctx->in, NULL, out);
	return table;
}

static void
ml_ordinal_apply(const void *state, const double *in, double *out)
{
	const MlLevelTable *table = state;

	ml_level_table_apply(table, table->values, in, out);
}

static void
ml_ordinal_write(const void *state, StringInfo out)
{
	ml_level_table_write(state, out);
}

static void *
ml_ordinal_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlLevelTable *table = palloc0(sizeof(MlLevelTable));

	ml_level_table_read(table, r, in, 1);
	ml_level_table_shape(table, in, NULL, out);
	return table;
}

static void
ml_ordinal_describe(const void *state, const MlShape *in, StringInfo out)
{
	appendStringInfoString(out, "{\"columns\": ");
	ml_level_table_describe(state, in, out);
	appendStringInfoChar(out, '}');
}

static void
ml_ordinal_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	ml_level_table_words(state, column, out);
}

static void
ml_ordinal_claim(const MlParamValue *params, MlTextClaim *claim)
{
	claim->all_levels = true;
}

const MlTransform ml_transform_ordinal = {
	.name = "ordinal",
	.summary = "puts the number of its level in the place of a category",
	.tag = 11,
	.version = 1,
	.params = ml_ordinal_params,
	.nparams = lengthof(ml_ordinal_params),
	.takes = ML_TAKES_CATEGORIES,
	.fit = ml_ordinal_fit,
	.apply = ml_ordinal_apply,
	.write = ml_ordinal_write,
	.read = ml_ordinal_read,
	.describe = ml_ordinal_describe,
	.words = ml_ordinal_words,
	.claim = ml_ordinal_claim,
};
