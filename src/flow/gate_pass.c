/*
 * gate_pass.c - whether a version's gates let it into a role.
 *
 * The newest result of each gate counts while what it rests on is the same:
 * the gate's definition, the source's definition, its rows, and, where the gate
 * compares with production, the version there. A result that has expired is
 * renewed from the same source, read with the rights of who gave it; a gate
 * without one is judged on the rows that the version was judged on last.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/gate_judge.h"
#include "flow/gate_source.h"
#include "flow/gates.h"
#include "flow/gates_internal.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* A source that was looked at again. */
typedef struct MlLooked
{
	const char *text;			/* NULL: the rows that training held out */
	const char *reader;
	const char *search_path;
	char	   *digest;
	char	   *fingerprint;
} MlLooked;

/* Of one gate so many slices are told that do not pass; of the others their number. */
#define ML_PASS_SLICES_TOLD	10

typedef struct MlPassing
{
	MlVersionRef version;
	int32		production;		/* 0: none */
	List	   *looked;			/* MlLooked * */
	MlGatePass *pass;
	List	   *refusals;		/* char *: what does not pass, and why */
	int64		untold;			/* of the gate at hand: results that do not pass and are not in refusals */
	int			told;
	StringInfoData names;		/* as a JSON array without brackets */
} MlPassing;

/* Whose rights a recorded source is read with; NULL for the held-out rows, which know it themselves. */
static MlIdentity *
ml_pass_identity(const MlPassing *p, const MlGateRecord *record)
{
	MlIdentity *identity;

	if (record->source == NULL)
		return NULL;
	identity = palloc0(sizeof(MlIdentity));
	identity->model = p->version.model;
	identity->role = record->reader;
	identity->search_path = record->search_path;
	return identity;
}

static const MlLooked *
ml_pass_look(MlPassing *p, const MlGateRecord *record)
{
	MlLooked   *looked;
	MlGateSource source;
	ListCell   *lc;

	foreach(lc, p->looked)
	{
		looked = lfirst(lc);
		if (ml_text_same(looked->text, record->source) && strcmp(looked->reader, record->reader) == 0 &&
			ml_text_same(looked->search_path, record->search_path))
			return looked;
	}
	looked = palloc0(sizeof(MlLooked));
	looked->text = record->source;
	looked->reader = record->reader;
	looked->search_path = record->search_path;
	memset(&source, 0, sizeof source);
	source.text = record->source;
	source.identity = ml_pass_identity(p, record);
	if (record->source == NULL)
		ml_gate_source_recorded(&p->version, ml_cache_pin(&p->version, CurrentMemoryContext), &source);
	ml_gate_source_look(&source, &looked->digest, &looked->fingerprint);
	p->looked = lappend(p->looked, looked);
	return looked;
}

static bool
ml_pass_compares(const MlGate *gate)
{
	return gate->versus != NULL && strcmp(gate->versus, "production") == 0;
}

/* Whether a gate's newest results still stand. */
static bool
ml_pass_stands(MlPassing *p, const MlGate *gate, const List *records)
{
	const MlGateRecord *record;
	const MlLooked *looked;

	if (records == NIL)
		return false;
	record = linitial(records);
	if (ml_pass_compares(gate) && record->versus_version != p->production)
		return false;
	looked = ml_pass_look(p, record);
	return strcmp(looked->digest, record->source_digest) == 0 &&
		strcmp(looked->fingerprint, record->fingerprint) == 0;
}

static void
ml_pass_refuse(MlPassing *p, const MlGate *gate, const char *verdict, const char *key, const char *value,
			   const char *reason)
{
	if (p->told == ML_PASS_SLICES_TOLD)
	{
		p->untold++;
		return;
	}
	p->told++;
	p->refusals = lappend(p->refusals,
						  psprintf("gate \"%s\" %s%s: %s", gate->name,
								   strcmp(verdict, "fail") == 0 ? "fails" : "is inconclusive",
								   key == NULL ? "" : psprintf(" where %s is %s", quote_identifier(key),
															   value ? value : "NULL"), reason));
}

/* Ends what is said of a gate that does not pass. */
static void
ml_pass_refused(MlPassing *p, const MlGate *gate)
{
	if (p->untold > 0)
		p->refusals = lappend(p->refusals, psprintf("gate \"%s\" does not pass for %lld more slices", gate->name,
													(long long) p->untold));
	p->untold = p->told = 0;
	appendStringInfoString(&p->names, p->names.len > 0 ? ", " : "");
	ml_json_text(&p->names, gate->name);
}

/* Counts what was recorded of a gate; true when all of it passes. */
static bool
ml_pass_records(MlPassing *p, const MlGate *gate, const List *records)
{
	bool		all = true;
	ListCell   *lc;

	foreach(lc, records)
	{
		const MlGateRecord *record = lfirst(lc);

		if (strcmp(record->verdict, "pass") == 0)
			continue;
		all = false;
		ml_pass_refuse(p, gate, record->verdict, record->slice_key, record->slice_value, record->reason);
	}
	return all;
}

/* Without a record of the rows that training held out, gates that were never given a source stay unjudged. */
static bool
ml_pass_unjudged(MlPassing *p, const List *gates, const MlGateRecord *expired)
{
	MlTrainingRecord record;
	ListCell   *lc;

	if ((expired != NULL && expired->source != NULL) ||
		ml_catalog_training(p->version.model, p->version.version, &record))
		return false;
	foreach(lc, gates)
	{
		const MlGate *gate = lfirst(lc);

		p->refusals = lappend(p->refusals,
							  psprintf("gate \"%s\" has not been judged: the rows of the training were not recorded, "
									   "so ml.run_gates needs a source", gate->name));
		ml_pass_refused(p, gate);
	}
	return true;
}

/* Judges gates anew that share a source; identity and text as the expired result had them. */
static void
ml_pass_renew(MlPassing *p, List *gates, const MlGateRecord *expired)
{
	MlGateJudgement judgement;
	List	   *results;
	ListCell   *lc;
	ListCell   *gate;

	if (ml_pass_unjudged(p, gates, expired))
		return;
	results = ml_gates_judge(&p->version, gates, expired ? expired->source : NULL,
							 expired ? ml_pass_identity(p, expired) : NULL, &judgement);
	ml_catalog_gate_results(p->version.model, &judgement, results);
	foreach(gate, gates)
	{
		bool		all = true;

		foreach(lc, results)
		{
			const MlGateResult *result = lfirst(lc);

			if (result->gate != lfirst(gate) || result->verdict == ML_VERDICT_PASS)
				continue;
			all = false;
			ml_pass_refuse(p, result->gate, ml_verdict_name(result->verdict), result->slice_key,
						   result->slice_value, result->reason);
		}
		if (!all)
			ml_pass_refused(p, lfirst(gate));
	}
}

/* Whether two expired results came from the same rows. */
static bool
ml_pass_same_source(const MlGateRecord *a, const MlGateRecord *b)
{
	if (a == NULL || b == NULL)
		return a == b || (a ? a : b)->source == NULL;
	if (a->source == NULL || b->source == NULL)
		return a->source == b->source;
	return strcmp(a->source, b->source) == 0 && strcmp(a->reader, b->reader) == 0 &&
		ml_text_same(a->search_path, b->search_path);
}

/* Judges anew the gates whose results have expired, source by source; records has the expired one of each, or NULL. */
static void
ml_pass_renew_all(MlPassing *p, List *gates, List *records)
{
	while (gates != NIL)
	{
		const MlGateRecord *first = linitial(records);
		List	   *same = NIL;
		List	   *other_gates = NIL;
		List	   *other_records = NIL;
		ListCell   *gate;
		ListCell   *record;

		forboth(gate, gates, record, records)
		{
			if (ml_pass_same_source(first, lfirst(record)))
				same = lappend(same, lfirst(gate));
			else
			{
				other_gates = lappend(other_gates, lfirst(gate));
				other_records = lappend(other_records, lfirst(record));
			}
		}
		ml_pass_renew(p, same, first);
		gates = other_gates;
		records = other_records;
	}
}

/* Says of an error in a recorded source why it was read. */
static void
ml_pass_context(void *arg)
{
	MlPassing  *p = arg;

	errcontext("the rows on which gates judged version %d of model \"%s\" last; ml.run_gates gives them others",
			   p->version.version, p->version.model);
}

/* Takes each gate's newest results while they stand, and renews the others. */
static void
ml_pass_check(MlPassing *p, List *gates)
{
	ErrorContextCallback callback = {.callback = ml_pass_context, .arg = p, .previous = error_context_stack};
	List	   *expired = NIL;
	List	   *expired_records = NIL;
	ListCell   *lc;

	error_context_stack = &callback;
	foreach(lc, gates)
	{
		MlGate	   *gate = lfirst(lc);
		List	   *records = ml_catalog_gate_records(p->version.model, p->version.version, gate->id);

		if (!ml_pass_stands(p, gate, records))
		{
			expired = lappend(expired, gate);
			expired_records = lappend(expired_records, records != NIL ? linitial(records) :
									  ml_catalog_gate_record(p->version.model, p->version.version));
		}
		else if (!ml_pass_records(p, gate, records))
			ml_pass_refused(p, gate);
	}
	ml_pass_renew_all(p, expired, expired_records);
	error_context_stack = callback.previous;
}

/* A forced deployment reads nothing: what was found last counts, however old the rows, against today's production. */
static void
ml_pass_overrule(MlPassing *p, List *gates)
{
	ListCell   *lc;

	foreach(lc, gates)
	{
		MlGate	   *gate = lfirst(lc);
		List	   *records = ml_catalog_gate_records(p->version.model, p->version.version, gate->id);

		if (records != NIL && ml_pass_compares(gate) &&
			((MlGateRecord *) linitial(records))->versus_version != p->production)
			records = NIL;
		if (records == NIL)
			p->refusals = lappend(p->refusals, psprintf("gate \"%s\" has not been judged", gate->name));
		if (records == NIL || !ml_pass_records(p, gate, records))
			ml_pass_refused(p, gate);
	}
}

List *
ml_gates_refusals(const char *model, int32 version, const char *role, bool force, MlGatePass **pass)
{
	MlPassing	p = {0};
	List	   *gates;
	ListCell   *lc;

	p.pass = palloc0(sizeof(MlGatePass));
	*pass = p.pass;
	initStringInfo(&p.names);
	/* what this transaction has written counts: the version may be new */
	PushActiveSnapshot(GetTransactionSnapshot());
	gates = ml_catalog_gates(model, role);
	if (gates != NIL)
	{
		ml_gates_resolve(model, version, &p.version);
		p.production = ml_catalog_production(model);
		p.pass->versus_version = p.production;
		foreach(lc, gates)
		{
			MlGate	   *gate = lfirst(lc);

			p.pass->gate_ids = lappend(p.pass->gate_ids, &gate->id);
			p.pass->compared |= ml_pass_compares(gate);
		}
		if (force)
			ml_pass_overrule(&p, gates);
		else
			ml_pass_check(&p, gates);
	}
	PopActiveSnapshot();
	if (p.names.len > 0)
		p.pass->overruled = psprintf("[%s]", p.names.data);
	return p.refusals;
}

MlGatePass *
ml_gates_allow(const char *model, int32 version, const char *role, bool force)
{
	MlGatePass *pass;
	List	   *refusals = ml_gates_refusals(model, version, role, force, &pass);
	StringInfoData detail;
	ListCell   *lc;

	if (refusals == NIL || force)
		return pass;
	initStringInfo(&detail);
	foreach(lc, refusals)
	{
		char	   *text = lfirst(lc);

		appendStringInfo(&detail, "%s%c%s.", detail.len > 0 ? "\n" : "", pg_toupper((unsigned char) text[0]), text + 1);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the gates of model \"%s\" do not let version %d into role %s", model, version, role),
			 errdetail("%s", detail.data),
			 errhint("Choose another version, or overrule the gates with force => true and a reason.")));
}
