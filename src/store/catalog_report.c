/*
 * catalog_report.c - the errors for references that do not resolve: what exists, and the next step.
 *
 * A report lists models that the current user holds some privilege on, and
 * says of one model's versions and aliases only to such users; others get
 * what PostgreSQL says of a table they may not read: permission denied.
 */
#include "postgres.h"

#include "base/compat.h"

#include "store/access.h"
#include "store/catalog_internal.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

/* How many names or numbers a DETAIL lists before it counts the rest. */
#define ML_REPORT_LISTED	10

/* Most edits between a name and the one a HINT proposes; it may not replace more than half the name either. */
#define ML_REPORT_EDITS		3

/* Collects names: lists the first few, counts all, and remembers the one closest to what was asked. */
typedef struct MlNames
{
	const char *asked;
	StringInfoData listed;
	int			count;
	char	   *closest;
	int			edits;
} MlNames;

static void
ml_names_init(MlNames *names, const char *asked)
{
	names->asked = asked;
	initStringInfo(&names->listed);
	names->count = 0;
	names->closest = NULL;
	names->edits = Min(ML_REPORT_EDITS, (int) strlen(asked) / 2) + 1;
}

static void
ml_names_add(MlNames *names, const char *name)
{
	int			edits;

	if (names->count < ML_REPORT_LISTED)
		appendStringInfo(&names->listed, "%s\"%s\"", names->count > 0 ? ", " : "", name);
	names->count++;

	edits = varstr_levenshtein_less_equal(names->asked, strlen(names->asked), name, strlen(name),
										  1, 1, 1, names->edits, true);
	if (edits < names->edits)
	{
		names->edits = edits;
		names->closest = pstrdup(name);
	}
}

/* The list as text, with a count of what it leaves out. */
static const char *
ml_names_text(MlNames *names)
{
	if (names->count > ML_REPORT_LISTED)
		appendStringInfo(&names->listed, " and %d more", names->count - ML_REPORT_LISTED);
	return names->listed.data;
}

/* The newest version numbers of a model as text, and the newest; newest is 0 when there is none. */
static const char *
ml_versions_text(const char *model, int32 *newest)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *versions = NIL;
	StringInfoData text;
	int			first;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
		versions = lappend_int(versions, DatumGetInt32(ml_scan_get(&scan, tuple, ML_VERSIONS_VERSION, NULL)));
	ml_scan_end(&scan);

	list_sort(versions, list_int_cmp);
	*newest = versions == NIL ? 0 : llast_int(versions);
	initStringInfo(&text);
	first = Max(0, list_length(versions) - ML_REPORT_LISTED);
	for (int i = first; i < list_length(versions); i++)
		appendStringInfo(&text, "%s%d", i > first ? ", " : "", list_nth_int(versions, i));
	if (first > 0)
		appendStringInfo(&text, " and %d older", first);
	return text.data;
}

/* Makes the report that follows see what has been committed by now; the error it raises drops the snapshot. */
void
ml_report_as_of_now(void)
{
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Raises the error for a model that does not exist. */
void
ml_report_no_model(const char *model)
{
	MlNames		names;
	MlScan		scan;
	HeapTuple	tuple;

	ml_names_init(&names, model);
	ml_scan_begin(&scan, ML_SCAN_MODEL, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		char	   *name = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_MODELS_MODEL, NULL));
		char	   *owner = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_MODELS_OWNER, NULL))));

		if (ml_access_allowed(name, owner, ML_PRIV_ANY))
			ml_names_add(&names, name);
	}
	ml_scan_end(&scan);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", model),
			 names.count > 0
			 ? errdetail("The models you may see are: %s.", ml_names_text(&names))
			 : errdetail("There is no model that you may see."),
			 names.closest != NULL
			 ? errhint("Perhaps you meant the model \"%s\".", names.closest)
			 : errhint("Train it with ml.train, or choose an existing model.")));
}

/* Raises the error for a version that does not exist. */
void
ml_report_no_version(const char *model, const char *owner, int32 version)
{
	const char *versions;
	int32		newest;

	ml_access_require(model, owner, ML_PRIV_ANY);
	versions = ml_versions_text(model, &newest);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("version %d of model \"%s\" does not exist", version, model),
			 newest > 0
			 ? errdetail("The model has versions: %s.", versions)
			 : errdetail("The model has no versions."),
			 newest > 0
			 ? errhint("The newest version is %d.", newest)
			 : errhint("Train one with ml.train.")));
}

/* Raises the error for an alias that does not exist. */
void
ml_report_no_alias(const char *model, const char *owner, const char *alias)
{
	MlNames		names;
	MlScan		scan;
	HeapTuple	tuple;

	ml_access_require(model, owner, ML_PRIV_ANY);
	ml_names_init(&names, alias);
	ml_scan_begin(&scan, ML_SCAN_ALIAS, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		current;

		ml_scan_get(&scan, tuple, ML_ALIASES_UNTIL, &current);
		if (current)
			ml_names_add(&names, TextDatumGetCString(ml_scan_get(&scan, tuple, ML_ALIASES_ALIAS, NULL)));
	}
	ml_scan_end(&scan);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("alias \"%s\" of model \"%s\" does not exist", alias, model),
			 names.count > 0
			 ? errdetail("The model has aliases: %s.", ml_names_text(&names))
			 : errdetail("The model has no aliases."),
			 names.closest != NULL
			 ? errhint("Perhaps you meant the alias \"%s\".", names.closest)
			 : errhint("Set it with ml.set_alias.")));
}

/* Raises the error for a model without a version in production. */
void
ml_report_no_production(const char *model, const char *owner)
{
	const char *versions;
	int32		newest;

	ml_access_require(model, owner, ML_PRIV_ANY);
	versions = ml_versions_text(model, &newest);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" has no version in production", model),
			 newest > 0
			 ? errdetail("The model has versions: %s.", versions)
			 : errdetail("The model has no versions."),
			 newest > 0
			 ? errhint("Deploy one with SELECT ml.deploy(%s, %d), or name a version: %s.",
					   quote_literal_cstr(model), newest,
					   quote_literal_cstr(psprintf("%s/%d", model, newest)))
			 : errhint("Train one with ml.train.")));
}
