/*
 * names.h - names of relations and types that mean the same in every session.
 *
 * They do not depend on the search_path or on how a session likes its quotes,
 * so they can be recorded and compared.
 */
#ifndef ML_NAMES_H
#define ML_NAMES_H

/* The qualified name of a relation, quoted where it must be, or NULL when it is gone; palloc'd. */
extern char *ml_name_relation(Oid relid);

/* The name of a type, with its schema unless it is the server's own; palloc'd. */
extern char *ml_name_type(Oid type, int32 typmod);

#endif							/* ML_NAMES_H */
