/*
 * catalog_events.c - events, one chain of hashes for each name of a model.
 *
 * An event's hash covers the hash before it and every column of the event, so
 * a row that is changed, removed, added or moved no longer follows from the
 * row before. ml.event_heads keeps the end of each chain, past the life of the
 * model; its row is locked with the model's, so that the events of one model
 * are written one after the other, and those of two models side by side. What
 * is hashed is drawn at ml_event_hash and in ARCHITECTURE.md.
 */
#include "postgres.h"

#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog_internal.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define ML_HASH_CHARS	(2 * ML_DIGEST_BYTES)

/* The hash before the first event of a chain. */
#define ML_HASH_NONE	"0000000000000000000000000000000000000000000000000000000000000000"

/* An event as it is hashed. */
typedef struct MlEvent
{
	int64		id;
	TimestampTz at;
	const char *actor;
	const char *kind;
	const char *model;			/* NULL for none */
	int32		version;
	bool		no_version;
	const char *detail;			/* the text of the jsonb */
} MlEvent;

/* The end of a chain. */
typedef struct MlEventHead
{
	int64		events;
	int64		event_id;
	char		hash[ML_HASH_CHARS + 1];
} MlEventHead;

/* ---- the bytes ---- */

/* Adds a text in UTF-8 behind its length; NULL has the length -1. */
static void
ml_event_text(StringInfo bytes, const char *text)
{
	int			encoding = GetDatabaseEncoding();
	char	   *utf8;

	if (text == NULL)
	{
		pq_sendint32(bytes, (uint32) -1);
		return;
	}
	/* What no conversion exists for is taken as it is; SQL_ASCII has none by design. */
	utf8 = unconstify(char *, text);
	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII &&
		OidIsValid(FindDefaultConversionProc(encoding, PG_UTF8)))
		utf8 = (char *) pg_do_encoding_conversion((unsigned char *) utf8, strlen(text), encoding, PG_UTF8);
	pq_sendint32(bytes, strlen(utf8));
	appendBinaryStringInfo(bytes, utf8, strlen(utf8));
}

/* Begins bytes that ml_bytes_hash takes: they are a bytea. */
static void
ml_bytes_begin(StringInfo bytes)
{
	initStringInfo(bytes);
	appendStringInfoSpaces(bytes, VARHDRSZ);
}

/* The SHA-256 of bytes in hex; frees them. */
static void
ml_bytes_hash(StringInfo bytes, char *hash)
{
	bytea	   *digest;

	SET_VARSIZE(bytes->data, bytes->len);
	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes->data)));
	hash[hex_encode(VARDATA_ANY(digest), ML_DIGEST_BYTES, hash)] = '\0';
	pfree(bytes->data);
}

/* Adds the 32 bytes that a hash stands for. */
static void
ml_bytes_add_hash(StringInfo bytes, const char *hash)
{
	enlargeStringInfo(bytes, ML_DIGEST_BYTES);
	bytes->len += hex_decode(hash, ML_HASH_CHARS, bytes->data + bytes->len);
}

/*
 * Computes an event's hash, in hex: SHA-256 over the 32 bytes of the hash
 * before, then the seven columns in the form of COPY BINARY, each a length
 * (int4, -1 for NULL) and its value; numbers are big-endian, texts UTF-8.
 */
static void
ml_event_hash(const char *before, const MlEvent *event, char *hash)
{
	StringInfoData bytes;

	ml_bytes_begin(&bytes);
	ml_bytes_add_hash(&bytes, before);
	pq_sendint32(&bytes, sizeof(int64));
	pq_sendint64(&bytes, event->id);
	pq_sendint32(&bytes, sizeof(int64));
	pq_sendint64(&bytes, event->at);
	ml_event_text(&bytes, event->actor);
	ml_event_text(&bytes, event->kind);
	ml_event_text(&bytes, event->model);
	if (event->no_version)
		pq_sendint32(&bytes, (uint32) -1);
	else
	{
		pq_sendint32(&bytes, sizeof(int32));
		pq_sendint32(&bytes, event->version);
	}
	ml_event_text(&bytes, event->detail);
	ml_bytes_hash(&bytes, hash);
}

/* ---- writing ---- */

/* Adds a member to an event's detail, with its value as JSON text; NULL is left out. */
void
ml_detail_json(StringInfo detail, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfoString(detail, detail->len == 0 ? "{" : ", ");
	escape_json(detail, name);
	appendStringInfo(detail, ": %s", value);
}

/* Adds a member to an event's detail, with a text value; NULL is left out. */
void
ml_detail_text(StringInfo detail, const char *name, const char *value)
{
	StringInfoData json;

	if (value == NULL)
		return;
	initStringInfo(&json);
	escape_json(&json, value);
	ml_detail_json(detail, name, json.data);
}

/*
 * Locks the head of a model's chain, under the lock on the model's row, and
 * makes it for a model that has none. A transaction whose snapshot is older
 * than the chain's end fails here, before it has changed anything.
 */
void
ml_event_head_lock(const char *model)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, model);
	if (ml_catalog_execute("SELECT FROM ml.event_heads h WHERE h.model = $1 FOR UPDATE", &args, NULL) > 0)
		return;
	ml_bind_arg_text(&args, ML_HASH_NONE);
	ml_catalog_execute("INSERT INTO ml.event_heads (model, events, event_id, hash) VALUES ($1, 0, 0, $2) "
					   "ON CONFLICT (model) DO NOTHING", &args, NULL);
}

/* Writes an event behind the end of its model's chain; version 0 and detail NULL stand for none. */
void
ml_catalog_event(const char *kind, const MlModelRow *model, int32 version, StringInfo detail)
{
	MlArgs		args = {0};
	MlRow		row;
	MlEvent		event = {0};
	Datum		json;
	char		hash[ML_HASH_CHARS + 1];

	if (detail != NULL && detail->len > 0)
		appendStringInfoChar(detail, '}');
	json = DirectFunctionCall1(jsonb_in, CStringGetDatum(detail != NULL && detail->len > 0 ? detail->data : "{}"));
	ml_bind_arg_text(&args, model->model);
	if (ml_catalog_execute("SELECT h.hash, h.event_id, pg_catalog.nextval('ml.events_event_id_seq') "
						   "FROM ml.event_heads h WHERE h.model = $1", &args, &row) == 0)
		elog(ERROR, "the head of the events of model \"%s\" is not locked", model->model);
	event.id = ml_row_int64(&row, 2);
	if (event.id <= ml_row_int64(&row, 1))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sequence \"ml.events_event_id_seq\" was set back"),
				 errdetail("It gave " INT64_FORMAT ", and the newest event of model \"%s\" has number %s.",
						   event.id, model->model, row.column[1]),
				 errhint("Set it to the greatest event_id of ml.event_heads with setval.")));
	event.at = GetCurrentTimestamp();
	event.actor = model->actor;
	event.kind = kind;
	event.model = model->model;
	event.version = version;
	event.no_version = version == 0;
	event.detail = DatumGetCString(DirectFunctionCall1(jsonb_out, json));
	ml_event_hash(row.column[0], &event, hash);

	ml_bind_arg_int8(&args, event.id);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(event.at), false);
	ml_bind_arg_text(&args, event.actor);
	ml_bind_arg_text(&args, kind);
	ml_arg(&args, INT4OID, Int32GetDatum(version), version == 0);
	ml_arg(&args, JSONBOID, json, false);
	ml_bind_arg_text(&args, hash);
	ml_catalog_execute("WITH head AS (UPDATE ml.event_heads SET events = events + 1, event_id = $2, hash = $8 "
					   "WHERE model = $1) "
					   "INSERT INTO ml.events (event_id, at, actor, kind, model, version, detail, hash) "
					   "OVERRIDING SYSTEM VALUE VALUES ($2, $3, $4, $5, $1, $6, $7, $8)", &args, NULL);
}

/* ---- checking ---- */

/* A check under way. */
typedef struct MlChainCheck
{
	MlEventProblem report;
	void	   *arg;
	MemoryContext row;			/* emptied for each event */
} MlChainCheck;

/* Copies a hash column; what is no hash becomes one that no event has. */
static void
ml_copy_hash(char *to, Datum hash)
{
	char	   *hex = TextDatumGetCString(hash);

	strcpy(to, strlen(hex) == ML_HASH_CHARS && strspn(hex, "0123456789abcdef") == ML_HASH_CHARS
		   ? hex : ML_HASH_NONE);
}

/* Reads the head of a chain; false when there is none. */
static bool
ml_read_head(const char *model, MlEventHead *head)
{
	MlScan		scan;
	HeapTuple	tuple;

	ml_scan_begin(&scan, ML_SCAN_EVENT_HEADS, model, 0, NULL);
	tuple = ml_scan_next(&scan);
	if (tuple != NULL)
	{
		head->events = DatumGetInt64(ml_scan_get(&scan, tuple, ML_EVENT_HEADS_EVENTS, NULL));
		head->event_id = DatumGetInt64(ml_scan_get(&scan, tuple, ML_EVENT_HEADS_EVENT, NULL));
		ml_copy_hash(head->hash, ml_scan_get(&scan, tuple, ML_EVENT_HEADS_HASH, NULL));
	}
	ml_scan_end(&scan);
	return tuple != NULL;
}

/* Reads an event and its hash; the strings live in the current context. */
static void
ml_read_event(MlScan *scan, HeapTuple tuple, MlEvent *event, char *hash)
{
	bool		no_model;
	Datum		model = ml_scan_get(scan, tuple, ML_EVENTS_MODEL, &no_model);
	Datum		version = ml_scan_get(scan, tuple, ML_EVENTS_VERSION, &event->no_version);

	event->id = DatumGetInt64(ml_scan_get(scan, tuple, ML_EVENTS_EVENT, NULL));
	event->at = DatumGetTimestampTz(ml_scan_get(scan, tuple, ML_EVENTS_AT, NULL));
	event->actor = pstrdup(NameStr(*DatumGetName(ml_scan_get(scan, tuple, ML_EVENTS_ACTOR, NULL))));
	event->kind = TextDatumGetCString(ml_scan_get(scan, tuple, ML_EVENTS_KIND, NULL));
	event->model = no_model ? NULL : TextDatumGetCString(model);
	event->version = event->no_version ? 0 : DatumGetInt32(version);
	event->detail = DatumGetCString(DirectFunctionCall1(jsonb_out,
														ml_scan_get(scan, tuple, ML_EVENTS_DETAIL, NULL)));
	ml_copy_hash(hash, ml_scan_get(scan, tuple, ML_EVENTS_HASH, NULL));
}

/* Reports a problem with an event, or with a chain without one (event_id 0). */
static void
ml_chain_report(MlChainCheck *check, int64 event_id, const char *model, const char *problem)
{
	check->report(check->arg, event_id, psprintf("model \"%s\": %s", model, problem));
}

/* Compares the end of a chain with its head; sound says whether every event followed from the one before. */
static void
ml_check_head(MlChainCheck *check, const char *model, const MlEventHead *head, const MlEventHead *found, bool sound)
{
	if (head == NULL && found->events > 0)
		ml_chain_report(check, found->event_id, model, "the chain that ends with the event has no head");
	else if (head != NULL && found->event_id < head->event_id)
		ml_chain_report(check, found->event_id, model,
						psprintf("the head names event " INT64_FORMAT ", which is not there: the last events were removed, "
								 "or the head was changed", head->event_id));
	else if (head != NULL && sound && (found->events != head->events || strcmp(found->hash, head->hash) != 0))
		ml_chain_report(check, found->event_id, model,
						found->events != head->events
						? psprintf("the head counts " INT64_FORMAT " events, and there are " INT64_FORMAT ": it was changed",
								   head->events, found->events)
						: "the head has another hash than the last event: it was changed");
	else if (found->events == 0 && ml_catalog_model_exists(model, NULL))
		ml_chain_report(check, 0, model, "the model is there, and has no events: they were removed");
}

/* Checks the chain of one name from its first event to its head. */
static void
ml_check_chain(MlChainCheck *check, const char *model)
{
	MemoryContext caller = CurrentMemoryContext;
	MlEventHead head;
	MlEventHead found = {0};
	bool		headed = ml_read_head(model, &head);
	bool		sound = true;
	bool		beyond = false;
	MlScan		scan;
	HeapTuple	tuple;

	strcpy(found.hash, ML_HASH_NONE);
	ml_scan_begin(&scan, ML_SCAN_EVENTS, model, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		MlEvent		event;
		char		expected[ML_HASH_CHARS + 1];
		char		hash[ML_HASH_CHARS + 1];

		MemoryContextSwitchTo(check->row);
		ml_read_event(&scan, tuple, &event, hash);
		ml_event_hash(found.hash, &event, expected);
		if (headed && event.id > head.event_id && !beyond)
		{
			beyond = true;
			ml_chain_report(check, event.id, model,
							"the event is behind the head: it was added, or the head was changed");
		}
		else if (!beyond && strcmp(hash, expected) != 0)
		{
			sound = false;
			ml_chain_report(check, event.id, model, found.events == 0
							? "the event does not begin the chain: it was changed or added, or events before it were removed"
							: psprintf("the event does not follow from event " INT64_FORMAT ": it was changed or added, "
									   "or events between them were removed", found.event_id));
		}
		found.events++;
		found.event_id = event.id;
		strcpy(found.hash, hash);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(check->row);
	}
	ml_scan_end(&scan);
	if (!beyond)
		ml_check_head(check, model, headed ? &head : NULL, &found, sound);
}

/* Checks the chains that heads and models name: all, or those of the models the current user may read. */
static void
ml_check_named(MlChainCheck *check, bool all)
{
	MlScan		scan;
	HeapTuple	tuple;
	MlEventHead head;

	if (all)
	{
		ml_scan_begin(&scan, ML_SCAN_EVENT_HEADS, NULL, 0, NULL);
		while ((tuple = ml_scan_next(&scan)) != NULL)
			ml_check_chain(check, TextDatumGetCString(ml_scan_get(&scan, tuple, ML_EVENT_HEADS_MODEL, NULL)));
		ml_scan_end(&scan);
	}
	ml_scan_begin(&scan, ML_SCAN_MODEL, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		char	   *model = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_MODELS_MODEL, NULL));
		char	   *owner = pstrdup(NameStr(*DatumGetName(ml_scan_get(&scan, tuple, ML_MODELS_OWNER, NULL))));

		if (all ? !ml_read_head(model, &head) : ml_access_allowed(model, owner, ML_PRIV_READ))
			ml_check_chain(check, model);
	}
	ml_scan_end(&scan);
}

/* Reports the first event of each name that no head and no model has, and the events without a name. */
static void
ml_check_strays(MlChainCheck *check)
{
	char	   *after = pstrdup("");
	MlScan		scan;
	HeapTuple	tuple;

	for (;;)
	{
		MlEventHead head;
		int64		event_id;

		ml_scan_begin(&scan, ML_SCAN_EVENTS_AFTER, after, 0, NULL);
		tuple = ml_scan_next(&scan);
		pfree(after);
		if (tuple == NULL)
			break;
		after = TextDatumGetCString(ml_scan_get(&scan, tuple, ML_EVENTS_MODEL, NULL));
		event_id = DatumGetInt64(ml_scan_get(&scan, tuple, ML_EVENTS_EVENT, NULL));
		ml_scan_end(&scan);
		if (!ml_read_head(after, &head) && !ml_catalog_model_exists(after, NULL))
			ml_chain_report(check, event_id, after, "the event belongs to no chain: it was added, or the head was removed");
	}
	ml_scan_end(&scan);

	ml_scan_begin(&scan, ML_SCAN_EVENTS_NAMELESS, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
		check->report(check->arg, DatumGetInt64(ml_scan_get(&scan, tuple, ML_EVENTS_EVENT, NULL)),
					  "the event names no model, so it belongs to no chain: it was changed or added");
	ml_scan_end(&scan);
}

/* Whether the current user sees every chain, those of dropped models too. */
static bool
ml_sees_all_events(void)
{
	return superuser() || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_DATA);
}

/* Checks the chains the current user may see and reports what is wrong with them. */
void
ml_catalog_verify_events(MlEventProblem report, void *arg)
{
	MlChainCheck check = {report, arg};
	bool		all = ml_sees_all_events();

	check.row = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops event", ALLOCSET_DEFAULT_SIZES);
	ml_check_named(&check, all);
	if (all)
		ml_check_strays(&check);
	MemoryContextDelete(check.row);
}

/*
 * One hash, in hex, over the ends of all chains in the order of the names'
 * bytes: of each the name behind its length, the two numbers and the hash.
 */
char *
ml_catalog_event_anchor(void)
{
	char	   *hash = palloc(ML_HASH_CHARS + 1);
	StringInfoData bytes;
	MlScan		scan;
	HeapTuple	tuple;

	if (!ml_sees_all_events())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the anchor of all events"),
				 errdetail("It covers the events of every model, dropped ones too."),
				 errhint("Ask a superuser or a member of role pg_read_all_data.")));
	ml_bytes_begin(&bytes);
	ml_scan_begin(&scan, ML_SCAN_EVENT_HEADS, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		char		last[ML_HASH_CHARS + 1];

		ml_event_text(&bytes, TextDatumGetCString(ml_scan_get(&scan, tuple, ML_EVENT_HEADS_MODEL, NULL)));
		pq_sendint64(&bytes, DatumGetInt64(ml_scan_get(&scan, tuple, ML_EVENT_HEADS_EVENTS, NULL)));
		pq_sendint64(&bytes, DatumGetInt64(ml_scan_get(&scan, tuple, ML_EVENT_HEADS_EVENT, NULL)));
		ml_copy_hash(last, ml_scan_get(&scan, tuple, ML_EVENT_HEADS_HASH, NULL));
		ml_bytes_add_hash(&bytes, last);
	}
	ml_scan_end(&scan);
	ml_bytes_hash(&bytes, hash);
	return hash;
}
