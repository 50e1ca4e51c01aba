/*
 * catalog_lineage.c - keeps what versions read.
 *
 * Rights are already checked.
 */
#include "postgres.h"

#include "base/compat.h"

#include "store/catalog_internal.h"

/* Writes what the source of a version reads. */
void
ml_register_source_columns(const char *model, int32 version, List *columns)
{
	MlArgs		args = {0};
	int			n = list_length(columns);
	char	  **relations = palloc(sizeof(char *) * Max(n, 1));
	char	  **names = palloc(sizeof(char *) * Max(n, 1));
	char	  **types = palloc(sizeof(char *) * Max(n, 1));

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
	{
		const MlSourceColumn *column = list_nth(columns, i);

		relations[i] = column->relation;
		names[i] = column->name;
		types[i] = column->type;
	}
	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_texts(&args, n, relations);
	ml_bind_arg_texts(&args, n, names);
	ml_bind_arg_texts(&args, n, types);
	ml_catalog_execute("INSERT INTO ml.source_columns (model, version, relation, column_name, type) "
					   "SELECT $1, $2, u.relation, u.name, u.type FROM ROWS FROM (pg_catalog.unnest($3), "
					   "pg_catalog.unnest($4), pg_catalog.unnest($5)) AS u (relation, name, type)", &args, NULL);
}
