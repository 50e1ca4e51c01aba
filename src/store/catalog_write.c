/*
 * catalog_write.c - writes the catalog: one SPI statement at a time, as its owner.
 *
 * The identity, the search_path and the flag that opens the immutability
 * triggers last for one statement of ours, on our tables, with the server's
 * own operators: nobody else's code runs inside. After an ERROR the server
 * restores identity and settings, and PG_FINALLY has closed the flag. Each SPI
 * statement takes a new snapshot in READ COMMITTED, so what was waited for
 * under the model's row lock is seen by the statements after it. Plans are
 * kept for the session: a training runs a dozen statements, and to parse and
 * plan them anew would take longer than to fit a small model.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog_internal.h"
#include "store/suites.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Set only while ml_execute_as_owner is inside SPI. */
static bool ml_write_open = false;

/* Whether a write of this file is under way. */
bool
ml_catalog_writing(void)
{
	return ml_write_open;
}

/* ---- parameters and results ---- */

/* Adds a parameter. */
void
ml_arg(MlArgs *args, Oid type, Datum value, bool isnull)
{
	Assert(args->n < ML_WRITE_ARGS_MAX);
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

/* Adds a text parameter; NULL is SQL NULL. */
void
ml_bind_arg_text(MlArgs *args, const char *value)
{
	ml_arg(args, TEXTOID, value != NULL ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

/* Adds an integer parameter. */
void
ml_bind_arg_int4(MlArgs *args, int32 value)
{
	ml_arg(args, INT4OID, Int32GetDatum(value), false);
}

/* Adds a bigint parameter. */
void
ml_bind_arg_int8(MlArgs *args, int64 value)
{
	ml_arg(args, INT8OID, Int64GetDatum(value), false);
}

/* Adds a jsonb parameter from JSON text; NULL is SQL NULL. */
void
ml_bind_arg_json(MlArgs *args, const char *value)
{
	ml_arg(args, JSONBOID,
		   value != NULL ? DirectFunctionCall1(jsonb_in, CStringGetDatum(value)) : (Datum) 0,
		   value == NULL);
}

/* Adds a text[] parameter; members that are NULL are SQL NULL. */
void
ml_bind_arg_texts(MlArgs *args, int n, char *const *values)
{
	Datum	   *texts = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = values[i] == NULL;
		texts[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(values[i]);
	}
	ml_arg(args, TEXTARRAYOID,
		   PointerGetDatum(n == 0 ? construct_empty_array(TEXTOID) :
						   construct_md_array(texts, nulls, 1, &n, &lower, TEXTOID, -1, false, TYPALIGN_INT)), false);
}

/* An integer of a result row; raises an error when the row or the value is missing. */
int64
ml_row_int64(const MlRow *row, int column)
{
	if (row->nrows == 0 || row->column[column] == NULL)
		elog(ERROR, "catalog statement gave no value in column %d", column + 1);
	return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(row->column[column])));
}

/* ---- execution ---- */

/* The role that owns the catalog's tables. */
static Oid
ml_catalog_table_owner(void)
{
	Oid			relation = ml_catalog_relation("models");
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Copies a row of SPI's result, as text, into the current memory context. */
static void
ml_copy_row(MlRow *row, uint64 which)
{
	Assert(SPI_tuptable->tupdesc->natts <= ML_WRITE_COLUMNS_MAX);
	for (int i = 0; i < SPI_tuptable->tupdesc->natts; i++)
		row->column[i] = SPI_getvalue(SPI_tuptable->vals[which], SPI_tuptable->tupdesc, i + 1);
}

/* A statement that was run before in this session. Its text is part of the library, so the address names it. */
typedef struct MlKeptPlan
{
	const char *sql;
	SPIPlanPtr	plan;
} MlKeptPlan;

static HTAB *ml_kept_plans = NULL;

/* The plan of a statement, which the session keeps; the server renews it when tables change. SPI is connected. */
static SPIPlanPtr
ml_kept_plan(const char *sql, MlArgs *args)
{
	MlKeptPlan *kept;
	SPIPlanPtr	plan;

	if (ml_kept_plans == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(const char *);
		control.entrysize = sizeof(MlKeptPlan);
		control.hcxt = CacheMemoryContext;
		ml_kept_plans = hash_create("pg_mlops catalog statements", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	kept = hash_search(ml_kept_plans, &sql, HASH_FIND, NULL);
	if (kept != NULL)
	{
		Assert(SPI_getargcount(kept->plan) == args->n);
		return kept->plan;
	}
	plan = SPI_prepare(sql, args->n, args->types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "catalog statement failed: %s", SPI_result_code_string(SPI_result));
	kept = hash_search(ml_kept_plans, &sql, HASH_ENTER, NULL);
	kept->plan = plan;
	return plan;
}

/* Runs one statement on ml.* tables as their owner; SPI is connected. Without args it is a command, made for once. */
static void
ml_execute_as_owner(const char *sql, MlArgs *args)
{
	Oid			owner = ml_catalog_table_owner();
	Oid			user;
	int			context;
	int			nest_level;
	volatile int result = 0;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	PG_TRY();
	{
		ml_write_open = true;
		result = args == NULL ? SPI_execute(sql, false, 0) :
			SPI_execute_plan(ml_kept_plan(sql, args), args->values, args->nulls, false, 0);
	}
	PG_FINALLY();
	{
		ml_write_open = false;
	}
	PG_END_TRY();

	AtEOXact_GUC(true, nest_level);
	SetUserIdAndSecContext(user, context);
	if (result < 0)
		elog(ERROR, "catalog statement failed: %s", SPI_result_code_string(result));
}

/* Runs a command as the owner of the ml.* tables. */
void
ml_catalog_command(const char *sql)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	ml_execute_as_owner(sql, NULL);
	SPI_finish();
}

/* Runs one statement on ml.* tables as their owner and returns the number of rows. */
uint64
ml_catalog_execute(const char *sql, MlArgs *args, MlRow *row)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	uint64		nrows;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	ml_execute_as_owner(sql, args);
	nrows = SPI_processed;
	if (row != NULL)
	{
		memset(row, 0, sizeof(MlRow));
		row->nrows = nrows;
		spi = MemoryContextSwitchTo(caller);
		if (SPI_tuptable != NULL && nrows > 0)
			ml_copy_row(row, 0);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return nrows;
}

/* Runs one statement on ml.* tables as their owner and returns its rows. */
List *
ml_catalog_rows(const char *sql, MlArgs *args)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	List	   *rows = NIL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	ml_execute_as_owner(sql, args);
	spi = MemoryContextSwitchTo(caller);
	for (uint64 i = 0; SPI_tuptable != NULL && i < SPI_processed; i++)
	{
		MlRow	   *row = palloc0(sizeof(MlRow));

		row->nrows = SPI_processed;
		ml_copy_row(row, i);
		rows = lappend(rows, row);
	}
	MemoryContextSwitchTo(spi);
	SPI_finish();
	return rows;
}

/*
 * Locks a model row and reads it; false when there is none. The mode lets
 * others write rows that refer to the model meanwhile, such as runs.
 */
static bool
ml_try_lock(const char *model, MlModelRow *out)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, model);
	if (ml_catalog_execute("SELECT m.owner, m.task, m.target FROM ml.models m WHERE m.model = $1 FOR NO KEY UPDATE",
						   &args, &row) == 0)
		return false;
	out->model = pstrdup(model);
	out->owner = row.column[0];
	out->task = row.column[1];
	out->target = row.column[2];
	out->actor = GetUserNameFromId(GetUserId(), false);
	return true;
}

/*
 * Locks the model row and the end of its chain of events until the
 * transaction ends; raises ERRCODE_UNDEFINED_OBJECT when there is no model.
 */
void
ml_catalog_lock(const char *model, MlModelRow *out)
{
	if (!ml_try_lock(model, out))
	{
		ml_report_as_of_now();
		ml_report_no_model(model);
	}
	ml_event_head_lock(model);
}

/* ---- registration of a training ---- */

/*
 * Creates the model unless it exists, and locks its row. Of an existing model
 * the current user must hold the privilege to train, because another session
 * may have created it after the caller looked; returns whether it is new.
 */
static bool
ml_register_model(const MlRegistration *r, MlModelRow *model)
{
	MlArgs		args = {0};
	bool		created;

	ml_bind_arg_text(&args, r->model);
	ml_bind_arg_text(&args, r->task);
	ml_bind_arg_text(&args, r->target);
	ml_bind_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	created = ml_catalog_execute("INSERT INTO ml.models (model, task, target, owner) VALUES ($1, $2, $3, $4) "
								 "ON CONFLICT (model) DO NOTHING", &args, NULL) > 0;
	ml_catalog_lock(r->model, model);
	if (created)
	{
		ml_rights_own(model);
		return true;
	}

	ml_access_require(r->model, model->owner, ML_PRIV_TRAIN);
	if (strcmp(model->task, r->task) != 0 || !ml_text_same(model->target, r->target))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has another task or target", r->model),
				 errdetail("The model's task is %s and its target is %s; the training's are %s and %s.",
						   model->task, model->target ? quote_identifier(model->target) : "none",
						   r->task, r->target ? quote_identifier(r->target) : "none"),
				 errhint("Train a model of another name; all versions of one model answer the same question.")));
	return false;
}

/* Gives out the next version number under the row lock, and finds the newest version before it (0: none). */
static int32
ml_register_number(const MlRegistration *r, int32 *parent)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, r->model);
	ml_catalog_execute("SELECT coalesce(max(v.version), 0) FROM ml.versions v WHERE v.model = $1", &args, &row);
	*parent = (int32) ml_row_int64(&row, 0);
	ml_bind_arg_json(&args, r->tags != NULL ? r->tags : "{}");
	ml_catalog_execute("UPDATE ml.models SET last_version = last_version + 1, tags = tags || $2 "
					   "WHERE model = $1 RETURNING last_version", &args, &row);
	return (int32) ml_row_int64(&row, 0);
}

/* Writes the snapshot and returns its number. */
static int64
ml_register_snapshot(const MlRegistration *r)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, r->model);
	ml_bind_arg_text(&args, r->source);
	ml_bind_arg_texts(&args, r->nrelations, r->relations);
	ml_bind_arg_int8(&args, r->rows);
	ml_bind_arg_text(&args, r->fingerprint);
	ml_bind_arg_json(&args, r->profile);
	ml_arg(&args, PG_LSNOID, LSNGetDatum(r->wal_lsn), XLogRecPtrIsInvalid(r->wal_lsn));
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(r->started_at), false);
	ml_arg(&args, INT8OID, Int64GetDatum(r->snapshot_id), r->snapshot_id == 0);
	ml_bind_arg_text(&args, r->stored_as);
	ml_bind_arg_text(&args, r->stored_query);
	ml_catalog_execute("INSERT INTO ml.snapshots (snapshot_id, model, source, relations, rows, fingerprint, profile, "
					   "wal_lsn, taken_at, stored_as, stored_query) OVERRIDING SYSTEM VALUE "
					   "VALUES (coalesce($9, pg_catalog.nextval('ml.snapshots_snapshot_id_seq')), "
					   "$1, $2, $3, $4, $5, $6, $7, $8, $10, $11) RETURNING snapshot_id", &args, &row);
	return ml_row_int64(&row, 0);
}

/* Writes the run with its metrics and returns its number. */
static int64
ml_register_run(const MlRegistration *r, const MlModelRow *model, int32 version)
{
	MlArgs		args = {0};
	MlRow		row;
	int64		run_id;

	ml_bind_arg_text(&args, r->experiment);
	ml_bind_arg_text(&args, r->kind);
	ml_bind_arg_text(&args, r->model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_json(&args, r->run_params != NULL ? r->run_params : "{}");
	ml_bind_arg_int8(&args, r->seed);
	ml_bind_arg_text(&args, r->code);
	ml_bind_arg_text(&args, model->actor);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(r->started_at), false);
	ml_bind_arg_json(&args, r->environment != NULL ? r->environment : "{}");
	ml_bind_arg_json(&args, r->tags != NULL ? r->tags : "{}");
	ml_arg(&args, INT8OID, Int64GetDatum(r->parent_run), r->parent_run == 0);
	/* A clock that was set back must not make a training end before it began. */
	ml_catalog_execute("INSERT INTO ml.runs (experiment, kind, model, version, status, params, seed, code, actor, "
					   "started_at, finished_at, environment, tags, parent_run_id) VALUES ($1, $2, $3, $4, 'succeeded', $5, $6, $7, $8, "
					   "$9, greatest($9, pg_catalog.clock_timestamp()), $10, $11, $12) RETURNING run_id", &args, &row);
	run_id = ml_row_int64(&row, 0);
	ml_catalog_run_metrics(run_id, r->metrics, r->nmetrics);
	return run_id;
}

/* Writes the version. */
static void
ml_register_version(const MlRegistration *r, const MlModelRow *model, int32 version, int32 parent,
					int64 run_id, int64 snapshot_id)
{
	MlArgs		args = {0};
	char		digest[2 * ML_DIGEST_BYTES + 1];

	digest[hex_encode((const char *) r->digest, ML_DIGEST_BYTES, digest)] = '\0';
	ml_bind_arg_text(&args, r->model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_int8(&args, run_id);
	ml_bind_arg_text(&args, r->algorithm);
	ml_bind_arg_text(&args, r->task);
	ml_bind_arg_json(&args, r->params != NULL ? r->params : "{}");
	ml_bind_arg_json(&args, r->pipeline);
	ml_bind_arg_json(&args, r->signature);
	ml_bind_arg_json(&args, r->metrics_json);
	ml_arg(&args, BYTEAOID, PointerGetDatum(r->artifact), false);
	ml_bind_arg_text(&args, digest);
	ml_arg(&args, INT8OID, Int64GetDatum(snapshot_id), snapshot_id == 0);
	ml_arg(&args, INT4OID, Int32GetDatum(parent), parent == 0);
	ml_bind_arg_text(&args, model->actor);
	ml_bind_arg_json(&args, r->summary_json);
	ml_bind_arg_json(&args, r->notes_json);
	ml_arg(&args, BYTEAOID, PointerGetDatum(r->baseline), r->baseline == NULL);
	ml_catalog_execute("INSERT INTO ml.versions (model, version, run_id, algorithm, task, params, pipeline, signature, "
					   "metrics, artifact, artifact_sha256, snapshot_id, parent_version, created_by, summary, notes, "
					   "baseline) "
					   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
					   &args, NULL);
}

/* Writes model, run, run metrics, snapshot, version and event; returns the version number. */
int32
ml_catalog_register(const MlRegistration *r, int64 *run_id)
{
	MlModelRow	model;
	bool		created;
	int32		version;
	int32		parent;
	int64		run;
	int64		snapshot_id = 0;
	StringInfoData detail;

	ml_catalog_check_name(r->model);
	created = ml_register_model(r, &model);
	version = ml_register_number(r, &parent);
	if (r->parent_version != 0)
		parent = r->parent_version;
	if (r->source != NULL)
		snapshot_id = ml_register_snapshot(r);
	run = ml_register_run(r, &model, version);
	ml_register_version(r, &model, version, parent, run, snapshot_id);
	ml_register_source_columns(r->model, version, r->columns);
	ml_catalog_learn_version(r->model, version, r->source, r->checks);
	if (!created)
		ml_attachments_refresh(&model);

	initStringInfo(&detail);
	ml_detail_json(&detail, "run_id", psprintf(INT64_FORMAT, run));
	ml_detail_text(&detail, "algorithm", r->algorithm);
	ml_detail_json(&detail, "new_model", created ? "true" : NULL);
	ml_catalog_event(r->kind, &model, version, &detail);
	if (run_id != NULL)
		*run_id = run;
	return version;
}
