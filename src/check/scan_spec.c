/*
 * scan_spec.c - what a scan is to do, as bytes for every process that takes part.
 *
 *     u16 columns; each: text name, u32 typmod, u32 collation
 *     u16 conditions; each: text SQL, NULL for one that comes as a boolean, text whose
 *     u32 checks; each: text name, text kind, u16 columns, u16 each, text
 *         parameters (JSON), u16 where + 1, u16 condition + 1
 *     u32 collectors; each: u8 kind, u16 where + 1, u16 columns, u16 each,
 *         u32 edges, f64 each, u32 levels, text each
 *
 * They are a constant of a query and live as long as it runs. Whoever calls
 * the aggregate with bytes of his own gets an error or a wrong number.
 */
#include "postgres.h"

#include "base/bytes.h"
#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "check/scan.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* ---- writing ---- */

static void
ml_spec_write_columns(StringInfo out, int n, const MlCheckColumn *columns)
{
	ml_write_u16(out, n);
	for (int i = 0; i < n; i++)
		ml_write_u16(out, columns[i].index);
}

void
ml_scan_spec_write(StringInfo out, int ncolumns, const MlScanColumn *columns, const MlScanProgram *program)
{
	ml_write_u16(out, ncolumns);
	for (int i = 0; i < ncolumns; i++)
	{
		ml_write_text(out, columns[i].name);
		ml_write_u32(out, (uint32) columns[i].typmod);
		ml_write_u32(out, columns[i].collation);
	}
	ml_write_u16(out, program->nconditions);
	for (int i = 0; i < program->nconditions; i++)
	{
		ml_write_text(out, program->conditions[i]);
		ml_write_text(out, program->whose[i]);
	}
	ml_write_u32(out, program->nchecks);
	for (int i = 0; i < program->nchecks; i++)
	{
		const MlScanCheck *check = &program->checks[i];
		Jsonb	   *given = check->row.check->given;

		ml_write_text(out, check->row.check->name);
		ml_write_text(out, check->row.check->kind->name);
		ml_spec_write_columns(out, check->row.ncolumns, check->row.columns);
		ml_write_text(out, JsonbToCString(NULL, &given->root, VARSIZE(given)));
		ml_write_u16(out, check->where + 1);
		ml_write_u16(out, check->condition + 1);
	}
	ml_write_u32(out, program->ncollectors);
	for (int i = 0; i < program->ncollectors; i++)
	{
		const MlCollector *collector = &program->collectors[i];

		ml_write_u8(out, collector->kind);
		ml_write_u16(out, collector->where + 1);
		ml_spec_write_columns(out, collector->ncolumns, collector->columns);
		ml_write_u32(out, collector->nedges);
		for (int k = 0; k < collector->nedges; k++)
			ml_write_f64(out, collector->edges[k]);
		ml_write_u32(out, collector->nlevels);
		for (int k = 0; k < collector->nlevels; k++)
			ml_write_text(out, collector->levels[k]);
	}
}

/* ---- preparing ---- */

/* The function that hashes a column's values, where they are not counted as they are. */
static void
ml_collector_hash(const MlCheckColumn *column, FmgrInfo *hash)
{
	Oid			type = column->convert.class == ML_TYPE_UNSUPPORTED ? getBaseType(column->declared) : column->convert.type;
	TypeCacheEntry *entry;

	switch (column->convert.kind)
	{
		case ML_CONVERT_FLOAT8:
		case ML_CONVERT_FLOAT4:
		case ML_CONVERT_INT2:
		case ML_CONVERT_INT4:
		case ML_CONVERT_INT8:
		case ML_CONVERT_BOOL:
		case ML_CONVERT_DATE:
		case ML_CONVERT_TIMESTAMP:
			return;
		case ML_CONVERT_VARLENA:
			/* equal texts have equal bytes unless the collation says otherwise */
			if (!OidIsValid(column->collation) || get_collation_isdeterministic(column->collation))
				return;
			break;
		default:
			break;
	}
	entry = lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC);
	if (!OidIsValid(entry->hash_extended_proc))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("values of column \"%s\" cannot be counted", column->name),
				 errdetail("Its type %s has no hash function that says which values are equal.", format_type_be(type)),
				 errhint("Check an expression of it in a view or query, such as its text.")));
	fmgr_info(entry->hash_extended_proc, hash);
}

void
ml_collector_prepare(MlCollector *collector)
{
	if (collector->kind == ML_COLLECT_GROUPS || collector->kind == ML_COLLECT_COPIES || collector->kind == ML_COLLECT_PAIRS)
	{
		collector->hashes = palloc0(sizeof(FmgrInfo) * collector->ncolumns);
		for (int i = 0; i < collector->ncolumns; i++)
			ml_collector_hash(&collector->columns[i], &collector->hashes[i]);
	}
	if (collector->kind == ML_COLLECT_BINS && collector->nedges == 0)
	{
		collector->level_codes = ml_dict_create();
		for (int i = 0; i < collector->nlevels; i++)
			if (ml_dict_add(collector->level_codes, collector->levels[i], strlen(collector->levels[i])) != i)
				ml_read_corrupted("a level of a check is there twice");
	}
}

/* ---- reading ---- */

typedef struct MlSpecColumns
{
	int			n;
	MlCheckColumn *columns;
} MlSpecColumns;

static MlSpecColumns
ml_spec_read_columns(MlReader *in, const MlSpecColumns *all)
{
	MlSpecColumns some;

	some.n = ml_read_u16(in);
	if (some.n > all->n)
		ml_read_corrupted("a check of a scan has more columns than the scan");
	some.columns = palloc(sizeof(MlCheckColumn) * Max(some.n, 1));
	for (int i = 0; i < some.n; i++)
	{
		int			index = ml_read_u16(in);

		if (index >= all->n)
			ml_read_corrupted("a check of a scan names a column that it does not have");
		some.columns[i] = all->columns[index];
	}
	return some;
}

/* The number of a condition, or -1. */
static int
ml_spec_read_condition(MlReader *in, int nconditions)
{
	int			condition = ml_read_u16(in) - 1;

	if (condition >= nconditions)
		ml_read_corrupted("a check of a scan has a condition that the scan does not have");
	return condition;
}

static void
ml_spec_read_check(MlReader *in, const MlSpecColumns *all, int nconditions, MlScanCheck *out)
{
	char	   *name = ml_read_text(in);
	char	   *kind = ml_read_text(in);
	MlSpecColumns columns = ml_spec_read_columns(in, all);
	char	   *params = ml_read_text(in);
	List	   *names = NIL;

	for (int i = 0; i < columns.n; i++)
		names = lappend(names, unconstify(char *, columns.columns[i].name));
	if (name == NULL || kind == NULL || params == NULL)
		ml_read_corrupted("a check of a scan has no name");
	out->row.check = ml_check_make(name, kind, names, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(params))),
								   ML_SEVERITY_ERROR, ML_ENVIRONMENT_BOTH);
	out->row.ncolumns = columns.n;
	out->row.columns = columns.columns;
	out->row.context = CurrentMemoryContext;
	out->where = ml_spec_read_condition(in, nconditions);
	out->condition = ml_spec_read_condition(in, nconditions);
	if (out->condition < 0 && out->row.check->kind->prepare == NULL)
		ml_read_corrupted("a check of a scan has no condition");
	if (out->condition < 0)
		out->row.check->kind->prepare(&out->row);
}

static void
ml_spec_read_collector(MlReader *in, const MlSpecColumns *all, int nconditions, MlCollector *out)
{
	MlSpecColumns columns;

	out->kind = ml_read_u8(in);
	if (out->kind < ML_COLLECT_ROWS || out->kind > ML_COLLECT_HISTOGRAM)
		ml_read_corrupted("a scan collects what there is not");
	out->where = ml_spec_read_condition(in, nconditions);
	columns = ml_spec_read_columns(in, all);
	out->ncolumns = columns.n;
	out->columns = columns.columns;
	if (columns.n < (out->kind == ML_COLLECT_ROWS ? 0 : out->kind == ML_COLLECT_PRODUCTS || out->kind == ML_COLLECT_PAIRS ? 2 : 1))
		ml_read_corrupted("a scan collects from too few columns");
	out->nedges = ml_read_count(in, 8);
	out->edges = palloc(sizeof(double) * Max(out->nedges, 1));
	for (int k = 0; k < out->nedges; k++)
		out->edges[k] = ml_read_f64(in);
	out->nlevels = ml_read_count(in, 4);
	out->levels = palloc(sizeof(char *) * Max(out->nlevels, 1));
	for (int k = 0; k < out->nlevels; k++)
		if ((out->levels[k] = ml_read_text(in)) == NULL)
			ml_read_corrupted("a level of a check is NULL");
	ml_collector_prepare(out);
}

/* Refuses types that a collector cannot be of: bytes may come from anywhere. */
static void
ml_spec_check_types(const MlCollector *collector)
{
	for (int i = 0; i < collector->ncolumns; i++)
	{
		MlTypeClass class = collector->columns[i].convert.class;
		bool		number = class == ML_TYPE_NUMBER || class == ML_TYPE_TIME || class == ML_TYPE_TIMETZ ||
			class == ML_TYPE_INTERVAL;

		if (((collector->kind == ML_COLLECT_MOMENTS || collector->kind == ML_COLLECT_SHAPE ||
			  collector->kind == ML_COLLECT_PRODUCTS || collector->kind == ML_COLLECT_HISTOGRAM || (collector->kind == ML_COLLECT_BINS && collector->nedges > 0)) &&
			 !number) ||
			(((collector->kind == ML_COLLECT_LEVELS && i == 0) ||
			  (collector->kind == ML_COLLECT_BINS && collector->nedges == 0)) &&
			 (class == ML_TYPE_UNSUPPORTED || class == ML_TYPE_ARRAY)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" is of the wrong type for its check", collector->columns[i].name),
					 errdetail("It is of type %s.", format_type_be(collector->columns[i].declared)),
					 errhint("Drop the check, or name another column.")));
	}
}

MlScanProgram *
ml_scan_spec_read(const char *bytes, int length, int ntypes, const Oid *types, MlScanColumn **columns)
{
	MlReader	in = {(const uint8 *) bytes, (const uint8 *) bytes + length};
	MlScanProgram *program = palloc0(sizeof(MlScanProgram));
	MlSpecColumns all;
	int			arguments = 0;

	all.n = program->ncolumns = ml_read_u16(&in);
	all.columns = palloc0(sizeof(MlCheckColumn) * Max(all.n, 1));
	*columns = palloc(sizeof(MlScanColumn) * Max(all.n, 1));
	if (all.n > ntypes)
		ml_read_corrupted("a scan has fewer values than columns");
	for (int i = 0; i < all.n; i++)
	{
		MlCheckColumn *column = &all.columns[i];

		column->name = ml_read_text(&in);
		column->index = i;
		column->declared = types[i];
		column->typmod = (int32) ml_read_u32(&in);
		column->collation = ml_read_u32(&in);
		ml_convert_init(&column->convert, types[i]);
		if (column->convert.class == ML_TYPE_UNSUPPORTED)
			column->convert.type = getBaseType(types[i]);
		if (column->name == NULL)
			ml_read_corrupted("a column of a scan has no name");
		(*columns)[i].name = column->name;
		(*columns)[i].typmod = column->typmod;
		(*columns)[i].collation = column->collation;
	}
	program->nconditions = ml_read_u16(&in);
	program->conditions = palloc(sizeof(char *) * Max(program->nconditions, 1));
	program->whose = palloc(sizeof(char *) * Max(program->nconditions, 1));
	for (int i = 0; i < program->nconditions; i++)
	{
		program->conditions[i] = ml_read_text(&in);
		program->whose[i] = ml_read_text(&in);
		arguments += program->conditions[i] == NULL;
		if (program->conditions[i] != NULL && program->whose[i] == NULL)
			ml_read_corrupted("a condition of a scan is nobody's");
	}
	if (all.n + arguments != ntypes)
		ml_read_corrupted("a scan has another number of values than columns and conditions");
	for (int i = all.n; i < ntypes; i++)
		if (types[i] != BOOLOID)
			ml_read_corrupted("a condition of a scan is no boolean");
	program->nchecks = ml_read_count(&in, 8);
	program->checks = palloc0(sizeof(MlScanCheck) * Max(program->nchecks, 1));
	for (int i = 0; i < program->nchecks; i++)
		ml_spec_read_check(&in, &all, program->nconditions, &program->checks[i]);
	program->ncollectors = ml_read_count(&in, 13);
	program->collectors = palloc0(sizeof(MlCollector) * Max(program->ncollectors, 1));
	for (int i = 0; i < program->ncollectors; i++)
	{
		ml_spec_read_collector(&in, &all, program->nconditions, &program->collectors[i]);
		ml_spec_check_types(&program->collectors[i]);
	}
	return program;
}
