/*
 * suite.c - from a reference to checks: a suite's own name, a version, a model.
 *
 * The checks that were read are in a context of each suite's own, a child of
 * CacheMemoryContext, under the suite's revision and the catalog that counts
 * it, since an extension that is dropped and made anew counts from one again.
 * These say what the suite holds, so nothing can be stale. One that is in use
 * is pinned by the context that uses it; others go, least recently used first,
 * beyond a number and a size.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/expression.h"
#include "flow/resolve.h"
#include "flow/suite.h"
#include "lib/ilist.h"
#include "store/access.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* So many suites, and bytes of them, are kept that nobody uses at the moment; the latest one always. */
#define ML_SUITES_KEPT_MAX	64
#define ML_SUITES_BYTES_MAX	(8 * 1024 * 1024)

typedef struct MlSuiteKey
{
	int64		revision;
	int64		catalog;		/* an Oid; as wide as the other, so that no byte is left undefined */
} MlSuiteKey;

typedef struct MlSuiteEntry
{
	MlSuiteKey	key;
	MemoryContext context;
	List	   *checks;
	Size		bytes;
	int			pins;
	dlist_node	recent;
} MlSuiteEntry;

typedef struct MlSuitePin
{
	MemoryContextCallback callback;
	MlSuiteKey	key;
} MlSuitePin;

static HTAB *ml_suite_table = NULL;
static dlist_head ml_suite_recent = DLIST_STATIC_INIT(ml_suite_recent);

/* ---- what was read ---- */

static void
ml_suite_trim(void)
{
	dlist_mutable_iter iter;
	int			kept = 0;
	Size		bytes = 0;

	dlist_foreach_modify(iter, &ml_suite_recent)
	{
		MlSuiteEntry *entry = dlist_container(MlSuiteEntry, recent, iter.cur);
		MlSuiteKey	key = entry->key;

		if (entry->pins > 0)
			continue;
		bytes += entry->bytes;
		if (++kept == 1 || (kept <= ML_SUITES_KEPT_MAX && bytes <= ML_SUITES_BYTES_MAX))
			continue;
		dlist_delete(&entry->recent);
		MemoryContextDelete(entry->context);
		hash_search(ml_suite_table, &key, HASH_REMOVE, NULL);
	}
}

static void
ml_suite_unpin(void *arg)
{
	MlSuitePin *pin = arg;
	MlSuiteEntry *entry = hash_search(ml_suite_table, &pin->key, HASH_FIND, NULL);

	Assert(entry != NULL && entry->pins > 0);
	entry->pins--;
}

/* Reads a suite into a context of its own, which becomes the cache's when it is complete. */
static MlSuiteEntry *
ml_suite_load(const MlSuite *suite, const MlSuiteKey *key)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops suite", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *checks = ml_catalog_checks(suite);
	MlSuiteEntry *entry;

	MemoryContextSwitchTo(old);
	entry = hash_search(ml_suite_table, key, HASH_ENTER, NULL);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->checks = checks;
	entry->bytes = MemoryContextMemAllocated(context, true);
	entry->pins = 0;
	dlist_push_head(&ml_suite_recent, &entry->recent);
	return entry;
}

static List *
ml_suite_pin(const MlSuite *suite, MemoryContext until)
{
	MlSuitePin *pin = MemoryContextAllocZero(until, sizeof(MlSuitePin));
	MlSuiteKey	key = {suite->revision, suite->catalog};
	MlSuiteEntry *entry;

	if (ml_suite_table == NULL)
	{
		HASHCTL		control = {0};

		if (CacheMemoryContext == NULL)
			CreateCacheMemoryContext();
		control.keysize = sizeof(MlSuiteKey);
		control.entrysize = sizeof(MlSuiteEntry);
		control.hcxt = CacheMemoryContext;
		ml_suite_table = hash_create("pg_mlops suites", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(ml_suite_table, &key, HASH_FIND, NULL);
	if (entry == NULL)
		entry = ml_suite_load(suite, &key);
	else
		dlist_move_head(&ml_suite_recent, &entry->recent);
	entry->pins++;
	pin->key = key;
	pin->callback.func = ml_suite_unpin;
	pin->callback.arg = pin;
	MemoryContextRegisterResetCallback(until, &pin->callback);
	ml_suite_trim();
	return entry->checks;
}

/* ---- references ---- */

static ML_NORETURN void
ml_suites_none(const char *ref)
{
	List	   *names = ml_catalog_suite_names();

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no suite \"%s\"", ref),
			 errdetail("Suites are: %s.", ml_text_list(names, 20)),
			 errhint("%s", ml_text_hint(ref, names, "Make one with ml.add_check or ml.infer_checks, or name a model."))));
}

bool
ml_suites_find_own(const char *name, MlSuites *suites)
{
	suites->n = ml_catalog_suite(name, &suites->suite[0]) ? 1 : 0;
	suites->name = pstrdup(name);
	return suites->n > 0;
}

/* Adds the suite of a version if it has one. */
static void
ml_suites_add_version(const MlVersionRef *version, MlSuites *suites)
{
	char	   *name = psprintf("%s/%d", version->model, version->version);

	if (ml_catalog_suite(name, &suites->suite[suites->n]))
		suites->n++;
	if (suites->n == 0 || suites->suite[0].model)
		suites->name = name;
}

bool
ml_suites_serving(const MlServing *serving, MlSuites *suites)
{
	suites->n = 0;
	if (serving->deployed)
		(void) ml_suites_find_own(serving->versions[0].version.model, suites);
	ml_suites_add_version(&serving->versions[0].version, suites);
	return suites->n > 0;
}

void
ml_suites_find(const char *ref, const MlMoment *moment, MlSuites *suites)
{
	bool		plain = strpbrk(ref, "/@") == NULL;
	MlServing	serving;

	/* a version's suite is found by way of the model, which asks for the right to score with it */
	if (!plain)
		suites->n = 0;
	else
		(void) ml_suites_find_own(ref, suites);
	if (!ml_resolve(ref, moment, plain, &serving))
	{
		if (suites->n == 0)
			ml_suites_none(ref);
		/* who may not use the model that is there must not be judged by half of what is meant */
		if (ml_catalog_serving(ref, true, &serving))
			ml_access_require(serving.versions[0].version.model, serving.versions[0].version.owner, ML_PRIV_USE);
		return;
	}
	ml_suites_add_version(&serving.versions[0].version, suites);
	if (suites->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("version \"%s\" has no suite", suites->name),
				 errdetail("It was registered without one."),
				 errhint("Train the model again, or make a suite with ml.infer_checks.")));
}

List *
ml_suites_checks(const MlSuites *suites, MemoryContext until)
{
	MemoryContext old = MemoryContextSwitchTo(until);
	List	   *all = NIL;

	for (int i = 0; i < suites->n; i++)
	{
		ListCell   *lc;

		foreach(lc, ml_suite_pin(&suites->suite[i], until))
		{
			MlCheck    *check = lfirst(lc);
			bool		overridden = false;
			ListCell   *other;

			if (i > 0)
				foreach(other, all)
					overridden |= strcmp(((MlCheck *) lfirst(other))->name, check->name) == 0;
			if (!overridden)
				all = lappend(all, check);
		}
	}
	MemoryContextSwitchTo(old);
	return all;
}

void
ml_suites_parse(const MlCheck *check)
{
	char	   *what = psprintf("check kind \"%s\"", check->kind->name);

	if (check->where)
		ml_expression_parse(psprintf("parameter \"where\" of %s", what), check->where);
	if ((check->kind->flags & (ML_CHECK_EXPRESSION | ML_CHECK_LOOKUP)) == ML_CHECK_EXPRESSION)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		check->kind->expression(check, NULL, &sql);
		ml_expression_parse(psprintf("the expression of %s", what), sql.data);
	}
}

bool
ml_suites_trusted(const MlSuites *suites)
{
	for (int i = 0; i < suites->n; i++)
		if (suites->suite[i].model == NULL && !ml_expression_trusts(get_role_oid(suites->suite[i].owner, true)))
			return false;
	return true;
}
