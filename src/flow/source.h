/*
 * source.h - reading the rows a user names: a relation or one SELECT, with the caller's rights.
 *
 * The query runs through the executor into callbacks, row by row; no row set
 * is ever held. Nothing may be written while it runs.
 */
#ifndef ML_SOURCE_H
#define ML_SOURCE_H

#include "executor/tuptable.h"
#include "flow/identity.h"
#include "nodes/pg_list.h"

typedef struct MlSourceReader
{
	/*
	 * The columns a relation is asked for (char *); NIL asks for all but
	 * exclude. A query is run as it is written.
	 */
	List	   *columns;
	List	   *exclude;

	/*
	 * Whose source it is when it was recorded; NULL: the current user's, here
	 * and now. The callbacks run under that identity too.
	 */
	const MlIdentity *identity;

	/* Called once before the first row. */
	void		(*describe) (void *ctx, TupleDesc desc);

	/* Called for every row, in a memory context that is reset after each; false stops the reading. */
	bool		(*row) (void *ctx, TupleTableSlot *slot);
	void	   *ctx;
} MlSourceReader;

typedef struct MlSourceInfo
{
	char	   *query;			/* what was executed */
	char	   *relation;		/* the qualified name of the relation it is, or NULL for a query */
	List	   *relations;		/* qualified names of the relations it reads, views looked through: char * */
	bool		narrowed;		/* a relation was asked for some of its columns only */
	List	   *keys;			/* columns that alone are the relation's primary key: char * */
} MlSourceInfo;

/* Whether a source is a query rather than the name of a relation. */
extern bool ml_source_is_query(const char *source);

/* A source that was read or described, as it can stand in FROM. */
extern char *ml_source_from(const MlSourceInfo *info);

/*
 * The columns of a source, without reading it. info may be NULL; desc and its
 * members are palloc'd in the current context.
 */
extern TupleDesc ml_source_describe(const char *source, MlSourceInfo *info);

/*
 * Reads a source to the end, or until row returns false (then false is
 * returned). info may be NULL; its members are palloc'd in the current
 * context.
 */
extern bool ml_source_read(const char *source, const MlSourceReader *reader, MlSourceInfo *info);

#endif							/* ML_SOURCE_H */
