/*
 * reads.h - which relations and columns a source reads, as the planner sees it.
 *
 * Views, CTEs, subqueries and policies are looked through: what the plan needs
 * is named, and of views what the query asks of them.
 */
#ifndef ML_READS_H
#define ML_READS_H

#include "nodes/pg_list.h"

/*
 * The columns (MlSourceColumn *) that one SELECT reads, in the order of
 * relations' names and columns' numbers. The query has been run by
 * ml_source_read before, so that it is legal and its relations are locked. All
 * is palloc'd in the current context.
 */
extern List *ml_reads_of(const char *query);

/* A relation, and those that show its rows as theirs: what it is a partition or an inheritance child of. */
extern List *ml_reads_ancestors(Oid relid);

/* Raises an error unless the relation exists and has the column (NULL: any). */
extern void ml_reads_check_column(Oid relid, const char *column);

#endif							/* ML_READS_H */
