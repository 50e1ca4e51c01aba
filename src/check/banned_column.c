/*
 * banned_column.c - checks that a source has none of the columns named, nor one whose name is like a pattern.
 *
 * For what must not be learned from: identifiers, protected traits, secrets.
 * Names are compared as they are, patterns as ILIKE does, so '%ssn%' finds
 * "SSN_hash".
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_collation.h"
#include "check/columns.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static bool
ml_banned_like(const MlCheck *check, const char *name)
{
	const MlParamValue *like = ml_check_param(check, "like");
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (like->isnull)
		return false;
	it = JsonbIteratorInit(&like->json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM &&
			DatumGetBool(DirectFunctionCall2Coll(texticlike, DEFAULT_COLLATION_OID,
												 PointerGetDatum(cstring_to_text(name)),
												 PointerGetDatum(cstring_to_text_with_len(v.val.string.val, v.val.string.len)))))
			return true;
	return false;
}

static void
ml_banned_column_schema(const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out)
{
	List	   *named = NIL;
	List	   *present = NIL;

	for (int i = 0; i < check->ncolumns; i++)
		named = lappend(named, check->columns[i]);
	for (int i = 0; i < source->n; i++)
		if (ml_text_listed(named, source->names[i]) || ml_banned_like(check, source->names[i]))
			present = lappend(present, unconstify(char *, source->names[i]));
	ml_columns_judge("present", present, out);
}

static void
ml_banned_column_validate(const MlCheck *check)
{
	const MlParamValue *like = ml_check_param(check, "like");
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	bool		texts;

	if (like->isnull)
	{
		if (check->ncolumns == 0)
			ml_check_refuse(check, "it needs columns or like", NULL,
							"Name columns, or pass params => '{\"like\": [\"%ssn%\"]}'.");
		return;
	}
	texts = JB_ROOT_IS_ARRAY(like->json) && !JB_ROOT_IS_SCALAR(like->json) && JB_ROOT_COUNT(like->json) > 0;
	if (texts)
	{
		it = JsonbIteratorInit(&like->json->root);
		while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
			if (token == WJB_ELEM && v.type != jbvString)
				texts = false;
	}
	if (!texts)
		ml_check_refuse(check, "parameter \"like\" must be an array of patterns", psprintf("It is %s.", like->text),
						"Write it as in [\"%ssn%\"].");
}

static void
ml_banned_column_expect(const MlCheck *check, StringInfo out)
{
	const MlParamValue *like = ml_check_param(check, "like");

	ml_columns_expect(check, out);
	if (!like->isnull)
	{
		out->data[--out->len] = '\0';
		appendStringInfo(out, ", \"like\": %s}", like->text);
	}
}

static const MlParam ml_banned_column_params[] = {
	{"like", ML_PARAM_VALUE, NULL, 0, 0, NULL, "patterns of ILIKE for names that are banned too, an array"}
};

const MlCheckKind ml_check_banned_column = {
	.name = "banned_column",
	.summary = "the source has none of the columns named, nor any with a name like a pattern",
	.flags = ML_CHECK_SCHEMA,
	.min_columns = 0,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_banned_column_params,
	.nparams = lengthof(ml_banned_column_params),
	.validate = ml_banned_column_validate,
	.expect = ml_banned_column_expect,
	.schema = ml_banned_column_schema
};
