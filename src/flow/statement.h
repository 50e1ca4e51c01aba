/*
 * statement.h - one statement on users' tables, as whoever calls.
 */
#ifndef ML_STATEMENT_H
#define ML_STATEMENT_H

typedef struct MlStatementArg
{
	Oid			type;
	Datum		value;
	bool		isnull;
} MlStatementArg;

/*
 * Runs a statement that writes, with the rights, the search_path and the row
 * security of the current user; arguments are $1, $2, ... Returns the number of
 * rows it wrote.
 */
extern uint64 ml_statement_run(const char *sql, int n, const MlStatementArg *args);

#endif							/* ML_STATEMENT_H */
