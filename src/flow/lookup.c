/*
 * lookup.c - a condition over a row that looks into other tables, with the rights of whoever asks.
 *
 * The plan is kept while the context lives; SPI is connected and finished
 * within one function. Every name in the condition is qualified, so it means
 * the same whatever the search_path.
 */
#include "postgres.h"

#include "base/compat.h"
#include "executor/spi.h"
#include "flow/lookup.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

struct MlLookup
{
	MemoryContextCallback callback;
	SPIPlanPtr	plan;
	int			n;
	int		   *columns;
	Datum	   *values;
	char	   *nulls;
};

static void
ml_lookup_free(void *arg)
{
	MlLookup   *lookup = arg;

	if (lookup->plan)
		SPI_freeplan(lookup->plan);
	lookup->plan = NULL;
}

MlLookup *
ml_lookup_create(const char *condition, TupleDesc desc, int ncolumns, const int *columns, MemoryContext context)
{
	MlLookup   *lookup = MemoryContextAllocZero(context, sizeof(MlLookup));
	Oid		   *types = palloc(sizeof(Oid) * Max(ncolumns, 1));
	StringInfoData query;
	SPIPlanPtr	plan;

	lookup->n = ncolumns;
	lookup->columns = MemoryContextAlloc(context, sizeof(int) * Max(ncolumns, 1));
	lookup->values = MemoryContextAlloc(context, sizeof(Datum) * Max(ncolumns, 1));
	lookup->nulls = MemoryContextAlloc(context, Max(ncolumns, 1));
	initStringInfo(&query);
	appendStringInfo(&query, "SELECT (%s) FROM (SELECT ", condition);
	for (int i = 0; i < ncolumns; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, columns[i]);

		lookup->columns[i] = columns[i];
		types[i] = att->atttypid;
		appendStringInfo(&query, "%s$%d AS %s", i > 0 ? ", " : "", i + 1, quote_identifier(NameStr(att->attname)));
	}
	appendStringInfoString(&query, ") AS rows");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(query.data, ncolumns, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "preparing a look-up failed: %s", SPI_result_code_string(SPI_result));
	lookup->plan = plan;
	lookup->callback.func = ml_lookup_free;
	lookup->callback.arg = lookup;
	MemoryContextRegisterResetCallback(context, &lookup->callback);
	SPI_finish();
	return lookup;
}

bool
ml_lookup_holds(MlLookup *lookup, const NullableDatum *values)
{
	bool		holds = true;
	bool		isnull;
	int			rc;

	for (int i = 0; i < lookup->n; i++)
	{
		lookup->values[i] = values[lookup->columns[i]].value;
		lookup->nulls[i] = values[lookup->columns[i]].isnull ? 'n' : ' ';
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	rc = SPI_execute_plan(lookup->plan, lookup->values, lookup->nulls, true, 1);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "a look-up failed: %s", SPI_result_code_string(rc));
	if (SPI_processed == 1)
	{
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		holds = isnull || DatumGetBool(value);
	}
	SPI_finish();
	return holds;
}
