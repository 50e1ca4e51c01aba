/*
 * access.h - who may do what to a model.
 *
 * Rights are checked at use, for the current user: superusers, members of
 * the owning role, and roles granted the privilege (or a member of one).
 */
#ifndef ML_ACCESS_H
#define ML_ACCESS_H

typedef enum MlPrivilege
{
	ML_PRIV_USE,				/* score */
	ML_PRIV_READ,				/* see weights, snapshots, metrics */
	ML_PRIV_TRAIN,				/* add versions */
	ML_PRIV_DEPLOY,				/* move aliases and deployments */
	ML_PRIV_OWNER,				/* everything else: drop, grant, describe */
	ML_PRIV_ANY					/* at least one of them: see that the model exists */
} MlPrivilege;

/* Whether the current user holds the privilege on the model; owner is the model's owner (role name). */
extern bool ml_access_allowed(const char *model, const char *owner, MlPrivilege privilege);

/* Raises ERRCODE_INSUFFICIENT_PRIVILEGE with DETAIL and HINT unless allowed. */
extern void ml_access_require(const char *model, const char *owner, MlPrivilege privilege);

/* Finds a privilege by its SQL name; false when there is none of that name. */
extern bool ml_access_parse(const char *name, MlPrivilege *privilege);

#endif							/* ML_ACCESS_H */
