/*
 * load_copy.c - the rows that a training reads, kept as they are and written to a table.
 *
 * The row is (block, column, ...) with arrays of up to ML_COPY_ROWS values;
 * where there are more columns than a row has room for pointers to compressed
 * values, a block is several rows, its parts, each with some of the columns.
 * A type without a type of arrays is kept as text, written under fixed
 * settings, so that reading it back gives the same value. Rows are kept in a
 * tuplestore, whose temporary file belongs to the budget's resource owner;
 * everything else is in the load's context.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "base/compat.h"
#include "base/names.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "flow/load_copy.h"
#include "flow/statement.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

/* Rows of a block at most, and bytes that end one early: an array is held in memory. */
#define ML_COPY_ROWS	1000
#define ML_COPY_BYTES	((Size) 16 * 1024 * 1024)

/* Columns of a part: 18 bytes each if all are stored apart, of the 8 kB of a page. */
#define ML_COPY_PART	300

/* Columns of the table that are not the source's. */
#define ML_COPY_OWN		2

typedef struct MlCopyColumn
{
	AttrNumber	attno;			/* in the source */
	char	   *name;
	char	   *stored;			/* its name in the table */
	Oid			type;
	int32		typmod;
	Oid			element;		/* of the arrays: type, or text */
	int16		typlen;			/* of type */
	bool		typbyval;
	int16		length;			/* of element */
	bool		byval;
	char		align;
	FmgrInfo	output;			/* where element is text for another type */
} MlCopyColumn;

struct MlLoadCopy
{
	MemoryContext context;
	int			ncolumns;
	MlCopyColumn *columns;
	char	   *block;			/* names of our own columns */
	char	   *part;
	TupleDesc	desc;
	Datum	   *values;
	bool	   *nulls;
	Tuplestorestate *store;
};

/* ---- where it goes ---- */

Oid
ml_load_copy_schema(void)
{
	List	   *path = fetch_search_path(false);
	Oid			ours = get_namespace_oid("ml", true);
	ListCell   *lc;

	foreach(lc, path)
	{
		Oid			schema = lfirst_oid(lc);

		if (!isAnyTempNamespace(schema) && !IsCatalogNamespace(schema) && schema != ours &&
			ml_compat_may_create_in(schema, GetUserId()))
			return schema;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("snapshot => 'copy' has no schema for the table of the copy"),
			 errdetail("User \"%s\" may create permanent tables in no schema of search_path, which is: %s.",
					   GetUserNameFromId(GetUserId(), false), namespace_search_path),
			 errhint("Ask for CREATE on a schema and set search_path, or use snapshot => 'fingerprint'.")));
}

/* The qualified name of a table that does not exist yet. */
static char *
ml_copy_table(int64 snapshot)
{
	Oid			schema = ml_load_copy_schema();
	char	   *name = psprintf("ml_snapshot_%lld", (long long) snapshot);

	for (int n = 2; OidIsValid(get_relname_relid(name, schema)); n++)
		name = psprintf("ml_snapshot_%lld_%d", (long long) snapshot, n);
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* ---- taking rows ---- */

/* Whether a name is taken in the table. */
static bool
ml_copy_taken(const MlLoadCopy *copy, const char *name)
{
	for (int i = 0; i < copy->ncolumns; i++)
		if (copy->columns[i].stored && strcmp(copy->columns[i].stored, name) == 0)
			return true;
	return SystemAttributeByName(name) != NULL;
}

/* A name that is not taken, as like the wanted one as can be. */
static char *
ml_copy_name(const MlLoadCopy *copy, const char *wanted)
{
	char	   *name = pstrdup(wanted);
	int			length = pg_mbcliplen(wanted, strlen(wanted), NAMEDATALEN - 12);

	for (int n = 2; ml_copy_taken(copy, name); n++)
		name = psprintf("%.*s_%d", length, wanted, n);
	return name;
}

static void
ml_copy_column(MlCopyColumn *column, Form_pg_attribute att)
{
	bool		varlena;
	Oid			output;

	column->attno = att->attnum;
	column->name = pstrdup(NameStr(att->attname));
	column->type = att->atttypid;
	column->typmod = att->atttypmod;
	column->element = column->type;
	get_typlenbyval(column->type, &column->typlen, &column->typbyval);
	if (!OidIsValid(get_array_type(column->type)))
	{
		column->element = TEXTOID;
		getTypeOutputInfo(column->type, &output, &varlena);
		fmgr_info(output, &column->output);
	}
	get_typlenbyvalalign(column->element, &column->length, &column->byval, &column->align);
}

MlLoadCopy *
ml_load_copy_begin(const MlLoad *load, TupleDesc desc)
{
	MlLoadCopy *copy = palloc0(sizeof(MlLoadCopy));
	ResourceOwner owner = CurrentResourceOwner;

	copy->context = load->context;
	copy->columns = palloc0(sizeof(MlCopyColumn) * Max(load->ncolumns, 1));
	for (int i = 0; i < load->ncolumns; i++)
	{
		bool		seen = false;

		/* a feature may be the weight too */
		for (int k = 0; k < copy->ncolumns; k++)
			seen |= copy->columns[k].attno == load->columns[i].attno;
		if (!seen)
			ml_copy_column(&copy->columns[copy->ncolumns++], TupleDescAttr(desc, load->columns[i].attno - 1));
	}
	if (copy->ncolumns + ML_COPY_OWN > MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("snapshot => 'copy' cannot hold %d columns", copy->ncolumns),
				 errdetail("A table has room for %d of them.", MaxHeapAttributeNumber - ML_COPY_OWN),
				 errhint("Put numbers into an array column, or use snapshot => 'fingerprint'.")));
	copy->desc = CreateTemplateTupleDesc(copy->ncolumns);
	for (int i = 0; i < copy->ncolumns; i++)
	{
		MlCopyColumn *column = &copy->columns[i];

		column->stored = ml_copy_name(copy, column->name);
		TupleDescInitEntry(copy->desc, i + 1, column->name, column->type, column->typmod, 0);
	}
	copy->block = ml_copy_name(copy, "block");
	copy->part = ml_copy_name(copy, "part");
	copy->values = palloc(sizeof(Datum) * copy->ncolumns);
	copy->nulls = palloc(sizeof(bool) * copy->ncolumns);
	/* what is read aside ends before the rows are written */
	if (load->budget.owner)
		CurrentResourceOwner = load->budget.owner;
	copy->store = tuplestore_begin_heap(false, false, work_mem);
	CurrentResourceOwner = owner;
	return copy;
}

void
ml_load_copy_row(MlLoadCopy *copy, TupleTableSlot *slot)
{
	for (int i = 0; i < copy->ncolumns; i++)
	{
		const MlCopyColumn *column = &copy->columns[i];
		Datum		value = slot->tts_values[column->attno - 1];

		copy->values[i] = value;
		copy->nulls[i] = slot->tts_isnull[column->attno - 1];
		/* what is stored apart may be gone when the rows are written */
		if (!copy->nulls[i] && column->typlen == -1 && VARATT_IS_EXTERNAL(DatumGetPointer(value)))
			copy->values[i] = PointerGetDatum(detoast_external_attr((struct varlena *) DatumGetPointer(value)));
	}
	tuplestore_putvalues(copy->store, copy->desc, copy->values, copy->nulls);
}

/* ---- writing ---- */

#ifdef USE_LZ4
#define ML_COPY_COMPRESSION " COMPRESSION lz4"
#else
#define ML_COPY_COMPRESSION " COMPRESSION pglz"
#endif

static int
ml_copy_parts(const MlLoadCopy *copy)
{
	return (copy->ncolumns + ML_COPY_PART - 1) / ML_COPY_PART;
}

static void
ml_copy_create(const MlLoadCopy *copy, const char *table, const char *model, int64 snapshot)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (%s pg_catalog.int4 NOT NULL", table, quote_identifier(copy->block));
	if (ml_copy_parts(copy) > 1)
		appendStringInfo(&sql, ", %s pg_catalog.int4 NOT NULL", quote_identifier(copy->part));
	for (int i = 0; i < copy->ncolumns; i++)
	{
		const MlCopyColumn *column = &copy->columns[i];

		appendStringInfo(&sql, ", %s %s" ML_COPY_COMPRESSION, quote_identifier(column->stored),
						 ml_name_type(get_array_type(column->element),
									  column->element == column->type ? column->typmod : -1));
	}
	appendStringInfoChar(&sql, ')');
	(void) ml_statement_run(sql.data, 0, NULL);
	(void) ml_statement_run(psprintf("COMMENT ON TABLE %s IS %s", table,
									 quote_literal_cstr(psprintf("The rows that a training of model \"%s\" read, in blocks: "
																 "SELECT ml.snapshot_query(%lld) says how to get them back.",
																 model, (long long) snapshot))), 0, NULL);
}

/* The statements that write a block, one for each part. */
static char **
ml_copy_inserts(const MlLoadCopy *copy, const char *table)
{
	int			parts = ml_copy_parts(copy);
	char	  **statements = palloc(sizeof(char *) * parts);

	for (int p = 0; p < parts; p++)
	{
		int			end = Min((p + 1) * ML_COPY_PART, copy->ncolumns);
		StringInfoData sql;

		initStringInfo(&sql);
		appendStringInfo(&sql, "INSERT INTO %s (%s", table, quote_identifier(copy->block));
		if (parts > 1)
			appendStringInfo(&sql, ", %s", quote_identifier(copy->part));
		for (int i = p * ML_COPY_PART; i < end; i++)
			appendStringInfo(&sql, ", %s", quote_identifier(copy->columns[i].stored));
		appendStringInfoString(&sql, parts > 1 ? ") VALUES ($1, $2" : ") VALUES ($1");
		for (int i = p * ML_COPY_PART; i < end; i++)
			appendStringInfo(&sql, ", $%d", i - p * ML_COPY_PART + (parts > 1 ? 3 : 2));
		appendStringInfoChar(&sql, ')');
		statements[p] = sql.data;
	}
	return statements;
}

static char *
ml_copy_query(const MlLoadCopy *copy, const char *table)
{
	int			parts = ml_copy_parts(copy);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < copy->ncolumns; i++)
	{
		const MlCopyColumn *column = &copy->columns[i];

		appendStringInfo(&sql, "%su.c%d", i > 0 ? ", " : "", i + 1);
		if (column->element != column->type || column->typmod >= 0)
			appendStringInfo(&sql, "::%s", ml_name_type(column->type, column->typmod));
		appendStringInfo(&sql, " AS %s", quote_identifier(column->name));
	}
	appendStringInfo(&sql, " FROM %s AS p0", table);
	for (int p = 1; p < parts; p++)
		appendStringInfo(&sql, " JOIN %s AS p%d ON p%d.%s OPERATOR(pg_catalog.=) p0.%s AND p%d.%s OPERATOR(pg_catalog.=) %d",
						 table, p, p, quote_identifier(copy->block), quote_identifier(copy->block),
						 p, quote_identifier(copy->part), p);
	appendStringInfoString(&sql, " CROSS JOIN LATERAL ROWS FROM (");
	for (int i = 0; i < copy->ncolumns; i++)
		appendStringInfo(&sql, "%spg_catalog.unnest(p%d.%s)", i > 0 ? ", " : "", i / ML_COPY_PART,
						 quote_identifier(copy->columns[i].stored));
	appendStringInfoString(&sql, ") AS u (");
	for (int i = 0; i < copy->ncolumns; i++)
		appendStringInfo(&sql, "%sc%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(&sql, ')');
	if (parts > 1)
		appendStringInfo(&sql, " WHERE p0.%s OPERATOR(pg_catalog.=) 0", quote_identifier(copy->part));
	return sql.data;
}

/* Rows of a block: values of one column behind each other. */
typedef struct MlCopyBlock
{
	int			number;
	int			rows;
	Size		bytes;
	Datum	   *values;
	bool	   *nulls;
} MlCopyBlock;

/* Adds the row in a slot to a block, in the current context. */
static void
ml_copy_add(MlLoadCopy *copy, MlCopyBlock *block, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	for (int i = 0; i < copy->ncolumns; i++)
	{
		MlCopyColumn *column = &copy->columns[i];
		Size		at = (Size) i * ML_COPY_ROWS + block->rows;
		Datum		value = slot->tts_values[i];

		block->nulls[at] = slot->tts_isnull[i];
		if (block->nulls[at])
			continue;
		if (column->element != column->type)
			value = CStringGetTextDatum(OutputFunctionCall(&column->output, value));
		else if (!column->typbyval)
			value = datumCopy(value, column->typbyval, column->typlen);
		block->values[at] = value;
		block->bytes += column->length == -1 ? toast_raw_datum_size(value) : 8;
	}
	block->rows++;
}

static void
ml_copy_flush(const MlLoadCopy *copy, MlCopyBlock *block, char *const *inserts)
{
	int			parts = ml_copy_parts(copy);
	int			lower = 1;

	CHECK_FOR_INTERRUPTS();
	for (int p = 0; p < parts; p++)
	{
		MlStatementArg *args = palloc0(sizeof(MlStatementArg) * (ML_COPY_PART + ML_COPY_OWN));
		int			n = 0;

		args[n].type = INT4OID;
		args[n++].value = Int32GetDatum(block->number);
		if (parts > 1)
		{
			args[n].type = INT4OID;
			args[n++].value = Int32GetDatum(p);
		}
		for (int i = p * ML_COPY_PART; i < Min((p + 1) * ML_COPY_PART, copy->ncolumns); i++)
		{
			const MlCopyColumn *column = &copy->columns[i];
			Size		at = (Size) i * ML_COPY_ROWS;

			args[n].type = get_array_type(column->element);
			args[n++].value = PointerGetDatum(construct_md_array(block->values + at, block->nulls + at, 1, &block->rows,
																 &lower, column->element, column->length,
																 column->byval, column->align));
		}
		(void) ml_statement_run(inserts[p], n, args);
	}
	block->number++;
	block->rows = 0;
	block->bytes = 0;
}

static void
ml_copy_blocks(MlLoadCopy *copy, char *const *inserts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops copy", ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(copy->desc, &TTSOpsMinimalTuple);
	Size		cells = (Size) copy->ncolumns * ML_COPY_ROWS;
	MlCopyBlock block = {1};
	MemoryContext old;

	block.values = palloc_extended(sizeof(Datum) * cells, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	block.nulls = palloc_extended(sizeof(bool) * cells, MCXT_ALLOC_HUGE);
	tuplestore_rescan(copy->store);
	/* the slot frees a row that came from a file: it is not to be in the context of the block */
	while (tuplestore_gettupleslot(copy->store, true, false, slot))
	{
		old = MemoryContextSwitchTo(context);
		ml_copy_add(copy, &block, slot);
		if (block.rows == ML_COPY_ROWS || block.bytes >= ML_COPY_BYTES)
		{
			ml_copy_flush(copy, &block, inserts);
			MemoryContextReset(context);
		}
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(context);
	if (block.rows > 0)
		ml_copy_flush(copy, &block, inserts);
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

void
ml_load_copy_write(MlLoadCopy *copy, const char *model, int64 snapshot, MlStoredCopy *out)
{
	/* by which every text reads back as the value it came from */
	static const char *const settings[][2] = {
		{"extra_float_digits", "1"}, {"DateStyle", "ISO, YMD"}, {"IntervalStyle", "postgres"}, {"bytea_output", "hex"}
	};
	int			nest_level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	out->table = ml_copy_table(snapshot);
	ml_copy_create(copy, out->table, model, snapshot);
	ml_copy_blocks(copy, ml_copy_inserts(copy, out->table));
	out->query = ml_copy_query(copy, out->table);
	AtEOXact_GUC(false, nest_level);
}

void
ml_load_copy_end(MlLoadCopy *copy)
{
	tuplestore_end(copy->store);
}
