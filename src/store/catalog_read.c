/*
 * catalog_read.c - reads the catalog: index scans under the active snapshot.
 *
 * No SPI and no rights of the caller on the tables are involved, so reading
 * works in parallel workers, in read-only transactions and on a hot standby,
 * and one statement sees one state. Relations are looked up by name each time:
 * that is a few syscache probes, and nothing can be stale. A table stays
 * locked (ACCESS SHARE) until the transaction ends, like any table a query
 * reads. Rows are copied out before a scan ends.
 */
#include "postgres.h"

#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/catalog_internal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

typedef enum MlScanKind
{
	ML_SCAN_EQUAL,				/* rows of the model */
	ML_SCAN_ORDERED,			/* the same, in the index's order whatever the server's settings */
	ML_SCAN_GREATER,			/* rows of the models behind it, in order */
	ML_SCAN_NULL,				/* rows without a model */
	ML_SCAN_NAMED				/* rows of a role: the column is a name */
} MlScanKind;

typedef struct MlScanInfo
{
	const char *table;
	const char *index;
	int			natts;			/* columns this release knows */
	int			model_column;
	int			second_column;	/* 0 for none */
	bool		second_is_int8;
	MlScanKind	kind;
} MlScanInfo;

/* Indexed by MlCatalogScan. */
static const MlScanInfo ml_scans[] = {
	[ML_SCAN_MODEL] = {"models", "models_pkey", 12, ML_MODELS_MODEL, 0},
	[ML_SCAN_VERSION] = {"versions", "versions_pkey", 20, ML_VERSIONS_MODEL, ML_VERSIONS_VERSION},
	[ML_SCAN_SERVING] = {"deployments", "deployments_serving_idx", 11, ML_DEPLOYMENTS_MODEL, 0},
	[ML_SCAN_DEPLOYMENTS] = {"deployments", "deployments_history_idx", 11, ML_DEPLOYMENTS_MODEL, 0},
	[ML_SCAN_ALIAS] = {"aliases", "aliases_current_key", 9, ML_ALIASES_MODEL, ML_ALIASES_ALIAS},
	[ML_SCAN_GRANTS] = {"grants", "grants_pkey", 5, ML_GRANTS_MODEL, 0},
	[ML_SCAN_RUNS] = {"runs", "runs_version_key", 17, ML_RUNS_MODEL, ML_RUNS_VERSION},
	[ML_SCAN_RUN] = {"runs", "runs_pkey", 17, ML_RUNS_MODEL, ML_RUNS_RUN, true},
	[ML_SCAN_RUNS_EXTERNAL] = {"runs", "runs_external_idx", 17, ML_RUNS_ACTOR, 0, false, ML_SCAN_NAMED},
	[ML_SCAN_SNAPSHOT] = {"snapshots", "snapshots_model_key", 11, ML_SNAPSHOTS_MODEL, ML_SNAPSHOTS_SNAPSHOT, true},
	[ML_SCAN_SNAPSHOT_NUMBER] = {"snapshots", "snapshots_pkey", 11, ML_SNAPSHOTS_MODEL, ML_SNAPSHOTS_SNAPSHOT, true},
	[ML_SCAN_GATES] = {"gates", "gates_pkey", 13, ML_GATES_MODEL, 0},
	[ML_SCAN_EVENTS] = {"events", "events_model_idx", 8, ML_EVENTS_MODEL, 0, false, ML_SCAN_ORDERED},
	[ML_SCAN_EVENTS_AFTER] = {"events", "events_model_idx", 8, ML_EVENTS_MODEL, 0, false, ML_SCAN_GREATER},
	[ML_SCAN_EVENTS_NAMELESS] = {"events", "events_model_idx", 8, ML_EVENTS_MODEL, 0, false, ML_SCAN_NULL},
	[ML_SCAN_SUITES] = {"suites", "suites_pkey", 7, ML_SUITES_SUITE, 0},
	[ML_SCAN_CHECKS] = {"checks", "checks_suite_idx", 11, ML_CHECKS_SUITE, 0, false, ML_SCAN_ORDERED},
	[ML_SCAN_CHECK] = {"checks", "checks_pkey", 11, ML_CHECKS_SUITE, ML_CHECKS_NAME},
	[ML_SCAN_CHECK_RESULTS] = {"check_results", "check_results_past_idx", 17, ML_RESULTS_SUITE, ML_RESULTS_NAME, false,
	ML_SCAN_ORDERED},
	[ML_SCAN_MONITOR] = {"monitor_options", "monitor_options_pkey", 9, ML_MONITOR_MODEL, 0},
	[ML_SCAN_SLICE_BASELINE] = {"slice_baselines", "slice_baselines_pkey", 6, ML_SLICED_MODEL, ML_SLICED_VERSION},
	[ML_SCAN_JOB] = {"job_queue", "job_queue_pkey", 18, ML_JOBS_MODEL, ML_JOBS_JOB, true},
	[ML_SCAN_EVENT_HEADS] = {"event_heads", "event_heads_pkey", 4, ML_EVENT_HEADS_MODEL, 0, false, ML_SCAN_ORDERED},
};

/* A parsed model reference. */
typedef struct MlRefParts
{
	char	   *model;
	int32		version;		/* 0 for none */
	char	   *alias;			/* NULL for none */
} MlRefParts;

/* ---- scans ---- */

/* The Oid of a relation of schema ml; raises an error with a HINT when the extension is missing. */
Oid
ml_catalog_relation(const char *name)
{
	Oid			schema = get_namespace_oid("ml", true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_mlops\" is not installed in this database"),
				 errdetail("Relation \"ml.%s\" does not exist.", name),
				 errhint("Run CREATE EXTENSION pg_mlops.")));
	return relation;
}

/* Opens a scan by model and optionally a number or alias, or of the whole index when there is no model. */
void
ml_scan_begin(MlScan *scan, MlCatalogScan what, const char *model, int64 number, const char *alias)
{
	const MlScanInfo *info = &ml_scans[what];
	ScanKeyData keys[2];
	int			nkeys = 0;

	scan->rel = table_open(ml_catalog_relation(info->table), AccessShareLock);
	if (RelationGetNumberOfAttributes(scan->rel) < info->natts)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"ml.%s\" is older than the loaded library", info->table),
				 errdetail("It has %d columns, and the library needs %d.",
						   RelationGetNumberOfAttributes(scan->rel), info->natts),
				 errhint("Run ALTER EXTENSION pg_mlops UPDATE.")));

	if (info->kind == ML_SCAN_NULL)
		ScanKeyEntryInitialize(&keys[nkeys++], SK_ISNULL | SK_SEARCHNULL, info->model_column,
							   InvalidStrategy, InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	else if (info->kind == ML_SCAN_NAMED)
	{
		NameData   *role = palloc0(sizeof(NameData));

		namestrcpy(role, model);
		ScanKeyInit(&keys[nkeys++], info->model_column, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(role));
	}
	else if (model != NULL)
		ScanKeyInit(&keys[nkeys++], info->model_column,
					info->kind == ML_SCAN_GREATER ? BTGreaterStrategyNumber : BTEqualStrategyNumber,
					info->kind == ML_SCAN_GREATER ? F_TEXT_GT : F_TEXTEQ, CStringGetTextDatum(model));
	if (number > 0)
		ScanKeyInit(&keys[nkeys++], info->second_column, BTEqualStrategyNumber,
					info->second_is_int8 ? F_INT8EQ : F_INT4EQ,
					info->second_is_int8 ? Int64GetDatum(number) : Int32GetDatum((int32) number));
	if (alias != NULL)
		ScanKeyInit(&keys[nkeys++], info->second_column, BTEqualStrategyNumber, F_TEXTEQ,
					CStringGetTextDatum(alias));
	scan->index = info->kind == ML_SCAN_EQUAL || info->kind == ML_SCAN_NAMED ? NULL : index_open(ml_catalog_relation(info->index), AccessShareLock);
	if (scan->index != NULL)
		scan->scan = systable_beginscan_ordered(scan->rel, scan->index, GetActiveSnapshot(), nkeys, keys);
	else
		scan->scan = systable_beginscan(scan->rel, ml_catalog_relation(info->index), true,
										GetActiveSnapshot(), nkeys, keys);
}

/* The next tuple of a scan, or NULL. */
HeapTuple
ml_scan_next(MlScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	return scan->index != NULL ? systable_getnext_ordered(scan->scan, ForwardScanDirection) :
		systable_getnext(scan->scan);
}

/* The tuple before in the index's order, at first the last one, or NULL. */
HeapTuple
ml_scan_previous(MlScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	return systable_getnext_ordered(scan->scan, BackwardScanDirection);
}

/* A column of the current tuple. */
Datum
ml_scan_get(MlScan *scan, HeapTuple tuple, int column, bool *isnull)
{
	bool		null;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(scan->rel), &null);

	if (isnull != NULL)
		*isnull = null;
	else if (null)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("column %d of table \"ml.%s\" is null", column, RelationGetRelationName(scan->rel))));
	return value;
}

List *
ml_scan_list(MlScan *scan, HeapTuple tuple, int column)
{
	bool		none;
	Datum		value = ml_scan_get(scan, tuple, column, &none);
	List	   *items = NIL;
	Datum	   *texts;
	bool	   *nulls;
	int			n;

	if (none)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			items = lappend(items, TextDatumGetCString(texts[i]));
	return items;
}

/* Closes a scan; the table stays locked until the transaction ends. */
void
ml_scan_end(MlScan *scan)
{
	if (scan->index != NULL)
	{
		systable_endscan_ordered(scan->scan);
		index_close(scan->index, NoLock);
	}
	else
		systable_endscan(scan->scan);
	table_close(scan->rel, NoLock);
}

/* ---- names and references ---- */

/* What is wrong with a name of a model, alias or suite, or NULL when nothing is. */
const char *
ml_name_problem(const char *name)
{
	if (name == NULL)
		return "It is null.";
	if (name[0] == '\0')
		return "It is empty.";
	if (strlen(name) > ML_MODEL_NAME_BYTES_MAX)
		return "It is longer than 63 bytes.";
	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p == '/' || *p == '@')
			return "It contains a slash or an at sign.";
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			return "It contains a control character.";
	}
	return NULL;
}

/* The text itself for a message, cut when it is much longer than a name can be. */
static const char *
ml_name_shown(const char *name)
{
	if (name == NULL)
		return "";
	return pnstrdup(name, pg_mbcliplen(name, strlen(name), 2 * ML_MODEL_NAME_BYTES_MAX));
}

/* Raises ERRCODE_INVALID_NAME unless the text can name a model. */
void
ml_catalog_check_name(const char *model)
{
	const char *problem = ml_name_problem(model);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid model name \"%s\"", ml_name_shown(model)),
				 errdetail("%s", problem),
				 errhint("A model's name has 1 to 63 bytes without \"/\", \"@\" or control characters.")));
}

/* Raises ERRCODE_INVALID_NAME unless the text can name an alias. */
void
ml_catalog_check_alias(const char *alias)
{
	const char *problem = ml_name_problem(alias);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid alias \"%s\"", ml_name_shown(alias)),
				 errdetail("%s", problem),
				 errhint("An alias has 1 to 63 bytes without \"/\", \"@\" or control characters.")));
}

/* Reads a version number: digits without leading zeros, at most INT_MAX; returns 0 for anything else. */
static int32
ml_parse_version(const char *text)
{
	int64		value = 0;

	if (text[0] == '0')
		return 0;
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p < '0' || *p > '9')
			return 0;
		value = value * 10 + (*p - '0');
		if (value > PG_INT32_MAX)
			return 0;
	}
	return (int32) value;
}

/* Splits a model reference; returns what is wrong with it, or NULL when it has one of the three forms. */
static const char *
ml_split_ref(const char *ref, MlRefParts *parts)
{
	size_t		model_bytes = ref == NULL ? 0 : strcspn(ref, "/@");
	const char *problem;

	parts->version = 0;
	parts->alias = NULL;
	parts->model = ref == NULL ? NULL : pnstrdup(ref, model_bytes);
	problem = ml_name_problem(parts->model);
	if (problem == NULL && ref[model_bytes] == '/')
	{
		parts->version = ml_parse_version(ref + model_bytes + 1);
		if (parts->version == 0)
			problem = "What follows the slash is not a version number from 1 to 2147483647.";
	}
	else if (problem == NULL && ref[model_bytes] == '@')
	{
		parts->alias = pstrdup(ref + model_bytes + 1);
		if (ml_name_problem(parts->alias) != NULL)
			problem = "What follows the at sign is not an alias of 1 to 63 bytes without \"/\", \"@\" or control characters.";
	}
	return problem;
}

/* Splits a model reference; when it has none of the three forms, raises ERRCODE_INVALID_NAME or returns false. */
static bool
ml_parse_ref(const char *ref, bool missing_ok, MlRefParts *parts)
{
	const char *problem = ml_split_ref(ref, parts);

	if (problem != NULL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid model reference \"%s\"", ml_name_shown(ref)),
				 errdetail("%s", problem),
				 errhint("Write 'model' for the version in production, 'model/3' for version 3, "
						 "or 'model@champion' for an alias.")));
	return problem == NULL;
}

/* ---- lookups ---- */

/* Indexed by MlInvalidPolicy. */
static const char *const ml_invalid_policies[] = {
	[ML_INVALID_UNJUDGED] = NULL,
	[ML_INVALID_SCORE] = "score",
	[ML_INVALID_NULL] = "null",
	[ML_INVALID_ERROR] = "error",
};

bool
ml_invalid_policy_parse(const char *name, MlInvalidPolicy *policy)
{
	for (int i = ML_INVALID_SCORE; i < (int) lengthof(ml_invalid_policies); i++)
		if (strcmp(ml_invalid_policies[i], name) == 0)
		{
			*policy = (MlInvalidPolicy) i;
			return true;
		}
	return false;
}

/* What the current row of a scan of models says about invalid rows. */
static MlInvalidPolicy
ml_read_invalid_policy(MlScan *scan, HeapTuple tuple)
{
	bool		unjudged;
	Datum		value = ml_scan_get(scan, tuple, ML_MODELS_INVALID_POLICY, &unjudged);
	MlInvalidPolicy policy = ML_INVALID_UNJUDGED;

	if (!unjudged && !ml_invalid_policy_parse(TextDatumGetCString(value), &policy))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the model's policy for invalid rows is not known to this release"),
				 errdetail("It is \"%s\".", TextDatumGetCString(value)),
				 errhint("Load the release of the extension that wrote it, or set another with ml.set_invalid_policy.")));
	return policy;
}

/* What the current row of a scan of models says about the counting of scored rows. */
static void
ml_read_monitor(MlScan *scan, HeapTuple tuple, MlServing *out)
{
	bool		none;
	Datum		value = ml_scan_get(scan, tuple, ML_MODELS_WINDOW_LENGTH, &none);
	const Interval *length = none ? NULL : DatumGetIntervalP(value);

	out->window_us = none ? ML_WINDOW_DEFAULT_US : length->time + length->day * USECS_PER_DAY;
	out->slices = ml_scan_list(scan, tuple, ML_MODELS_SLICES);
	value = ml_scan_get(scan, tuple, ML_MODELS_LOG_FRACTION, &none);
	out->log_fraction = none ? 0 : DatumGetFloat8(value);
}

/* Finds a model under the active snapshot; owner may be NULL, and out, which takes what holds for all its rows. */
static bool
ml_read_model(const char *model, char **owner, MlServing *out)
{
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_MODEL, model, 0, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple != NULL && owner != NULL)
		*owner = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_MODELS_OWNER, NULL))));
	if (tuple != NULL && out != NULL)
	{
		out->invalid = ml_read_invalid_policy(&scan, tuple);
		ml_read_monitor(&scan, tuple, out);
	}
	ml_scan_end(&scan);
	return tuple != NULL;
}

/* Whether a model exists under the active snapshot; owner may be NULL. */
bool
ml_catalog_model_exists(const char *model, char **owner)
{
	return ml_read_model(model, owner, NULL);
}

/* The owner of a model; raises ERRCODE_UNDEFINED_OBJECT when there is no such model. */
char *
ml_catalog_owner(const char *model)
{
	char	   *owner;

	ml_catalog_check_name(model);
	if (!ml_catalog_model_exists(model, &owner))
		ml_report_no_model(model);
	return owner;
}

/* Indexed by MlServingRole. */
static const char *const ml_serving_roles[] = {
	[ML_SERVES_PRODUCTION] = "production",
	[ML_SERVES_CANARY] = "canary",
	[ML_SERVES_SHADOW] = "shadow",
};

const char *
ml_serving_role_name(MlServingRole role)
{
	return ml_serving_roles[role];
}

/* Whether the current row of a scan of deployments is one that serves, and in which role. */
static bool
ml_read_serving_role(MlScan *scan, HeapTuple tuple, MlServingRole *role)
{
	bool		current;
	char	   *name;

	/* The index holds such rows only; a server that ignores indexes shows all of them. */
	ml_scan_get(scan, tuple, ML_DEPLOYMENTS_UNTIL, &current);
	if (!current)
		return false;
	name = TextDatumGetCString(ml_scan_get(scan, tuple, ML_DEPLOYMENTS_ROLE, NULL));
	for (int i = 0; i < (int) lengthof(ml_serving_roles); i++)
		if (strcmp(ml_serving_roles[i], name) == 0)
		{
			*role = (MlServingRole) i;
			return true;
		}
	return false;
}

/* Production first, then the canary, then the shadows by version. */
static int
ml_served_compare(const void *a, const void *b)
{
	const MlServed *x = a;
	const MlServed *y = b;

	return x->role != y->role ? (x->role > y->role) - (x->role < y->role) :
		(x->version.version > y->version.version) - (x->version.version < y->version.version);
}

/* The versions of a model that serve under the active snapshot, without their digests. */
static void
ml_read_serving(const char *model, MlServing *out)
{
	MlScan		scan;
	HeapTuple	tuple;
	int			room = 4;

	out->count = 0;
	out->versions = palloc0(sizeof(MlServed) * room);
	ml_scan_begin(&scan, ML_SCAN_SERVING, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		MlServed   *served;
		MlServingRole role;
		bool		no_traffic;
		Datum		traffic;

		if (!ml_read_serving_role(&scan, tuple, &role))
			continue;
		if (out->count == room)
		{
			room *= 2;
			out->versions = repalloc(out->versions, sizeof(MlServed) * room);
		}
		served = &out->versions[out->count++];
		memset(served, 0, sizeof *served);
		served->role = role;
		served->version.version = DatumGetInt32(ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_VERSION, NULL));
		traffic = ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_TRAFFIC, &no_traffic);
		served->traffic = no_traffic ? 0 : DatumGetFloat8(traffic);
	}
	ml_scan_end(&scan);
	qsort(out->versions, out->count, sizeof(MlServed), ml_served_compare);
}

/* Whether what serves has a version that answers. */
static bool
ml_serving_has_production(const MlServing *serving)
{
	return serving->count > 0 && serving->versions[0].role == ML_SERVES_PRODUCTION;
}

/* The version an alias points to under the active snapshot, or 0. */
static int32
ml_read_alias(const char *model, const char *alias)
{
	MlScan		scan;
	HeapTuple	tuple;
	int32		version = 0;

	ml_scan_begin(&scan, ML_SCAN_ALIAS, model, 0, alias);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		bool		current;

		ml_scan_get(&scan, tuple, ML_ALIASES_UNTIL, &current);
		if (current)
			version = DatumGetInt32(ml_scan_get(&scan, tuple, ML_ALIASES_VERSION, NULL));
	}
	ml_scan_end(&scan);
	return version;
}

/* Reads the digest of a version; false when there is no such version. */
static bool
ml_read_digest(const char *model, int32 version, uint8 *digest)
{
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_VERSION, model, version, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple != NULL)
	{
		text	   *hex = DatumGetTextPP(ml_scan_get(&scan, tuple, ML_VERSIONS_SHA256, NULL));

		if (VARSIZE_ANY_EXHDR(hex) != 2 * ML_DIGEST_BYTES)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the digest of version %d of model \"%s\" is damaged", version, model),
					 errdetail("It has %zu characters instead of %d.",
							   (size_t) VARSIZE_ANY_EXHDR(hex), 2 * ML_DIGEST_BYTES)));
		hex_decode(VARDATA_ANY(hex), 2 * ML_DIGEST_BYTES, (char *) digest);
	}
	ml_scan_end(&scan);
	return tuple != NULL;
}

/* Resolves a number or an alias; what is missing is an error or false. */
static bool
ml_resolve_direct(const MlRefParts *parts, bool missing_ok, MlVersionRef *out)
{
	out->version = parts->alias == NULL ? parts->version : ml_read_alias(parts->model, parts->alias);
	if (out->version == 0)
	{
		if (!missing_ok)
			ml_report_no_alias(parts->model, out->owner, parts->alias);
		return false;
	}
	if (ml_read_digest(parts->model, out->version, out->digest))
		return true;
	if (!missing_ok)
		ml_report_no_version(parts->model, out->owner, out->version);
	return false;
}

/* Resolves a name alone to all that serves; that nothing is in production is an error or false. */
static bool
ml_resolve_deployed(const MlVersionRef *model, bool missing_ok, MlServing *out)
{
	ml_read_serving(model->model, out);
	if (!ml_serving_has_production(out))
	{
		if (!missing_ok)
			ml_report_no_production(model->model, model->owner);
		return false;
	}
	for (int i = 0; i < out->count; i++)
	{
		MlVersionRef *version = &out->versions[i].version;

		version->model = model->model;
		version->owner = model->owner;
		if (!ml_read_digest(version->model, version->version, version->digest))
			ml_report_no_version(version->model, version->owner, version->version);
	}
	return true;
}

/* Resolves a model reference under the active snapshot to all that scores its rows. */
bool
ml_catalog_serving(const char *ref, bool missing_ok, MlServing *out)
{
	MlRefParts	parts;
	MlVersionRef model = {0};

	if (!ml_parse_ref(ref, missing_ok, &parts))
		return false;
	model.model = parts.model;
	if (!ml_read_model(parts.model, &model.owner, out))
	{
		if (!missing_ok)
			ml_report_no_model(parts.model);
		return false;
	}
	out->deployed = parts.version == 0 && parts.alias == NULL;
	if (out->deployed)
		return ml_resolve_deployed(&model, missing_ok, out);
	out->count = 1;
	out->versions = palloc0(sizeof(MlServed));
	out->versions[0].version = model;
	return ml_resolve_direct(&parts, missing_ok, &out->versions[0].version);
}

/* Resolves a model reference under the active snapshot; raises an error that says what exists. */
void
ml_catalog_resolve(const char *ref, MlVersionRef *out)
{
	MlServing	serving;

	(void) ml_catalog_serving(ref, false, &serving);
	*out = serving.versions[0].version;
}

/* Whether any version of the model is in role production now, this command's own changes included. */
bool
ml_catalog_in_production(const char *model)
{
	MlServing	serving;

	PushActiveSnapshot(GetTransactionSnapshot());
	ml_read_serving(model, &serving);
	PopActiveSnapshot();
	return ml_serving_has_production(&serving);
}

/* The version in production under the active snapshot, or 0. */
int32
ml_catalog_production(const char *model)
{
	MlServing	serving;

	ml_read_serving(model, &serving);
	return ml_serving_has_production(&serving) ? serving.versions[0].version.version : 0;
}

/* The roles that hold the named privilege on a model, or any when privilege is NULL. */
List *
ml_catalog_grantees(const char *model, const char *privilege)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *grantees = NIL;

	ml_scan_begin(&scan, ML_SCAN_GRANTS, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		if (privilege == NULL ||
			strcmp(TextDatumGetCString(ml_scan_get(&scan, tuple, ML_GRANTS_PRIVILEGE, NULL)), privilege) == 0)
			grantees = lappend(grantees,
							   pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_GRANTS_GRANTEE, NULL)))));
	}
	ml_scan_end(&scan);
	return grantees;
}

/* The deployments of a model that were current at a moment. */
List *
ml_catalog_deployed_at(const char *model, TimestampTz at)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *found = NIL;

	ml_scan_begin(&scan, ML_SCAN_DEPLOYMENTS, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		TimestampTz from = DatumGetTimestampTz(ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_FROM, NULL));
		bool		current;
		Datum		until = ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_UNTIL, &current);

		if (from <= at && (current || at < DatumGetTimestampTz(until)))
		{
			MlDeployment *d = palloc(sizeof(MlDeployment));
			bool		no_traffic;
			Datum		traffic = ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_TRAFFIC, &no_traffic);

			d->version = DatumGetInt32(ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_VERSION, NULL));
			d->role = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_DEPLOYMENTS_ROLE, NULL));
			d->has_traffic = !no_traffic;
			d->traffic = no_traffic ? 0.0 : DatumGetFloat8(traffic);
			found = lappend(found, d);
		}
	}
	ml_scan_end(&scan);
	return found;
}
