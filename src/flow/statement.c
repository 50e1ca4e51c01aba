/*
 * statement.c - one statement on users' tables, as whoever calls.
 *
 * The counterpart of source.c for writing. Nothing of the catalog's passes
 * through here, and no identity is taken on.
 */
#include "postgres.h"

#include "base/compat.h"
#include "executor/spi.h"
#include "flow/statement.h"

uint64
ml_statement_run(const char *sql, int n, const MlStatementArg *args)
{
	Oid		   *types = palloc(sizeof(Oid) * Max(n, 1));
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	char	   *nulls = palloc(Max(n, 1));
	uint64		rows;
	int			result;

	for (int i = 0; i < n; i++)
	{
		types[i] = args[i].type;
		values[i] = args[i].value;
		nulls[i] = args[i].isnull ? 'n' : ' ';
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute_with_args(sql, n, types, values, nulls, false, 0);
	if (result < 0)
		elog(ERROR, "statement failed: %s", SPI_result_code_string(result));
	rows = SPI_processed;
	SPI_finish();
	return rows;
}
