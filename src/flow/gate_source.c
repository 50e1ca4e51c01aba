/*
 * gate_source.c - the rows that gates judge on, and what identifies them.
 *
 * Sums of hashes have no order, so neither has the fingerprint. Results are
 * palloc'd in the current context.
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "flow/gate_source.h"
#include "flow/recorded.h"
#include "store/gates.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#define ML_ROW_SEED		UINT64CONST(0x7f4a7c159e3779b9)

/* How one column is hashed: by its type's own function, or as text where it has none. */
typedef struct MlHashedColumn
{
	bool		dropped;
	bool		by_text;
	uint64		key;			/* of its name */
	FmgrInfo	function;
} MlHashedColumn;

struct MlRowDigest
{
	int			ncolumns;
	MlHashedColumn *columns;
	int64		rows;
	MlFingerprint sum;
};

MlRowDigest *
ml_row_digest_begin(TupleDesc desc)
{
	MlRowDigest *digest = palloc0(sizeof(MlRowDigest));

	digest->ncolumns = desc->natts;
	digest->columns = palloc0(sizeof(MlHashedColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		MlHashedColumn *column = &digest->columns[i];
		TypeCacheEntry *type;
		Oid			output;
		bool		varlena;

		column->dropped = attribute->attisdropped;
		if (column->dropped)
			continue;
		column->key = hash_bytes_extended((const unsigned char *) NameStr(attribute->attname),
										  strlen(NameStr(attribute->attname)), ML_ROW_SEED);
		type = lookup_type_cache(attribute->atttypid, TYPECACHE_HASH_EXTENDED_PROC);
		column->by_text = !OidIsValid(type->hash_extended_proc);
		if (column->by_text)
			getTypeOutputInfo(attribute->atttypid, &output, &varlena);
		else
			output = type->hash_extended_proc;
		fmgr_info(output, &column->function);
	}
	return digest;
}

static uint64
ml_row_digest_value(MlHashedColumn *column, Datum value)
{
	char	   *text;

	if (!column->by_text)
		/* bytewise: texts that a collation holds for equal are not the same row, and a column may have no collation */
		return DatumGetUInt64(FunctionCall2Coll(&column->function, C_COLLATION_OID, value,
												Int64GetDatum((int64) column->key)));
	text = OutputFunctionCall(&column->function, value);
	return hash_bytes_extended((const unsigned char *) text, strlen(text), column->key);
}

void
ml_row_digest_add(MlRowDigest *digest, TupleTableSlot *slot)
{
	uint64		hash = 0;

	slot_getallattrs(slot);
	for (int i = 0; i < digest->ncolumns; i++)
	{
		MlHashedColumn *column = &digest->columns[i];

		if (!column->dropped)
			hash += ml_mix64(slot->tts_isnull[i] ? ~column->key : ml_row_digest_value(column, slot->tts_values[i]) ^
							 column->key);
	}
	ml_fingerprint_add(&digest->sum, ml_mix64(hash));
	digest->rows++;
}

char *
ml_row_digest_text(const MlRowDigest *digest)
{
	return psprintf("%016llx%016llx%016llx", (unsigned long long) digest->rows,
					(unsigned long long) digest->sum.a, (unsigned long long) digest->sum.b);
}

/* ---- what the rows come from ---- */

/*
 * Appends what a relation is made of. It was read just now and is still
 * locked. Its name is looked up without asking for rights, which were those
 * of the source's identity, or of a view's owner.
 */
static void
ml_gate_source_relation(StringInfo out, const char *name)
{
	RangeVar   *range = makeRangeVarFromNameList(ml_compat_qualified_name(name));
	Oid			schema = get_namespace_oid(range->schemaname, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(range->relname, schema) : InvalidOid;
	Relation	rel = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;

	appendStringInfo(out, "\n%s", name);
	if (rel == NULL)
		return;
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), i);

		if (!attribute->attisdropped)
			appendStringInfo(out, ", %s %s", quote_identifier(NameStr(attribute->attname)),
							 ml_name_type(attribute->atttypid, attribute->atttypmod));
	}
	if (rel->rd_rel->relkind == RELKIND_VIEW)
		appendStringInfo(out, "\n%s",
						 TextDatumGetCString(DirectFunctionCall1(pg_get_viewdef, ObjectIdGetDatum(relid))));
	relation_close(rel, NoLock);
}

static int
ml_gate_source_by_name(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Appends what relations are made of, with every name that is not the server's own qualified. */
static void
ml_gate_source_relations(StringInfo out, const List *relations)
{
	List	   *names = list_copy(relations);
	bool		all = quote_all_identifiers;
	int			nest_level = NewGUCNestLevel();
	ListCell   *lc;

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	/* the planner lists them in an order of its own */
	list_sort(names, ml_gate_source_by_name);
	PG_TRY();
	{
		quote_all_identifiers = false;
		foreach(lc, names)
			ml_gate_source_relation(out, lfirst(lc));
	}
	PG_FINALLY();
	{
		quote_all_identifiers = all;
	}
	PG_END_TRY();
	AtEOXact_GUC(false, nest_level);
}

char *
ml_gate_source_digest(const char *text, const List *relations)
{
	StringInfoData out;
	uint8		digest[ML_DIGEST_BYTES];
	char	   *hex = palloc(2 * ML_DIGEST_BYTES + 1);
	bytea	   *bytes;

	initStringInfo(&out);
	appendStringInfoString(&out, text);
	ml_gate_source_relations(&out, relations);
	bytes = palloc(VARHDRSZ + out.len);
	SET_VARSIZE(bytes, VARHDRSZ + out.len);
	memcpy(VARDATA(bytes), out.data, out.len);
	ml_codec_digest(bytes, digest);
	hex[hex_encode((const char *) digest, ML_DIGEST_BYTES, hex)] = '\0';
	return hex;
}

/* ---- the rows that a training held out ---- */

/*
 * Asks a relation for the columns that gates of the model slice by, besides
 * those of the training. Those of all gates, so that the fingerprint does not
 * depend on which of them are judged.
 */
static void
ml_gate_source_slices(const char *model, MlGateSource *source)
{
	List	   *exclude = NIL;
	List	   *slices = NIL;
	ListCell   *lc;

	foreach(lc, ml_catalog_gates(model, NULL))
		slices = list_concat(slices, ((MlGate *) lfirst(lc))->slices);
	if (source->columns != NIL)
		source->columns = list_concat_copy(source->columns, slices);
	foreach(lc, source->exclude)
		if (!ml_text_listed(slices, lfirst(lc)))
			exclude = lappend(exclude, lfirst(lc));
	source->exclude = exclude;
}

void
ml_gate_source_recorded(const MlVersionRef *version, const MlModel *model, MlGateSource *out)
{
	MlTrainingRecord record;
	MlLoad	   *load = ml_recorded_load(version, model->target,
										"Train with snapshot => 'fingerprint', or give ml.run_gates a source.", &record);

	memset(out, 0, sizeof *out);
	out->text = load->source;
	out->identity = load->identity;
	out->columns = ml_load_wanted(load);
	out->exclude = load->exclude;
	out->training = load;
	ml_gate_source_slices(version->model, out);
}

/* ---- looking whether rows are the same ---- */

typedef struct MlLook
{
	MemoryContext context;		/* that of the caller: the source's own goes with the source */
	MlRowDigest *rows;
} MlLook;

static void
ml_gate_look_describe(void *ctx, TupleDesc desc)
{
	MlLook	   *look = ctx;
	MemoryContext old = MemoryContextSwitchTo(look->context);

	look->rows = ml_row_digest_begin(desc);
	MemoryContextSwitchTo(old);
}

static bool
ml_gate_look_row(void *ctx, TupleTableSlot *slot)
{
	ml_row_digest_add(((MlLook *) ctx)->rows, slot);
	return true;
}

void
ml_gate_source_look(const MlGateSource *source, char **digest, char **fingerprint)
{
	MlLook		look = {CurrentMemoryContext, NULL};
	MlSourceReader reader;
	MlSourceInfo info;

	memset(&reader, 0, sizeof reader);
	reader.columns = source->columns;
	reader.exclude = source->exclude;
	reader.identity = source->identity;
	reader.describe = ml_gate_look_describe;
	reader.row = ml_gate_look_row;
	reader.ctx = &look;
	(void) ml_source_read(source->text, &reader, &info);
	*digest = ml_gate_source_digest(source->text, info.relations);
	*fingerprint = ml_row_digest_text(look.rows);
}
