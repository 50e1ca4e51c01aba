/*
 * identity.h - running a recorded source with the rights, and by the names, of who wrote it.
 *
 * A recorded source is somebody else's code. It is read as a view is, with its
 * owner's rights, so that it can neither act as whoever asks nor show its
 * author more than he may see.
 */
#ifndef ML_IDENTITY_H
#define ML_IDENTITY_H

#include "nodes/pg_list.h"

typedef struct MlIdentity
{
	const char *model;			/* the model it was recorded for */
	const char *role;			/* whose rights count */
	const char *search_path;	/* by which the names were written; NULL: only qualified names resolve */
} MlIdentity;

/* What there was before. */
typedef struct MlIdentitySaved
{
	Oid			user;
	int			context;
	int			nest_level;
} MlIdentitySaved;

/*
 * Takes on an identity, in a security-restricted operation. What is set
 * inside is undone by ml_identity_leave, or by the end of the
 * (sub)transaction after an error. Raises ERRCODE_UNDEFINED_OBJECT when the
 * role is gone, and ERRCODE_INSUFFICIENT_PRIVILEGE when it has no privilege on
 * the model: a role that was made anew under the name has none, and what
 * another wrote does not run with its rights.
 */
extern void ml_identity_enter(const MlIdentity *identity, MlIdentitySaved *saved);
extern void ml_identity_leave(const MlIdentitySaved *saved);

/*
 * Refuses analysed queries (Query *) that use temporary objects: they belong to
 * whoever asks, and a temporary view could run his code with the author's
 * rights.
 */
extern void ml_identity_check(List *queries);

#endif							/* ML_IDENTITY_H */
