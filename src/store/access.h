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

/* Whether the current user may act as the owner of something, by the owner's name: superuser, owner or member. */
extern bool ml_access_is_member(const char *role);

/* The function whose list of rights says which roles have any: ml.my_rights(). */
typedef struct MlCarrier
{
	Oid			function;
	Oid			owner;
} MlCarrier;

/*
 * Whether names of the role count in ml.models and ml.grants: it has EXECUTE
 * on the carrier by an item of its own, or owns it. Raises an error when the
 * extension is missing.
 */
extern bool ml_access_carried(Oid role, MlCarrier *carrier);

/* The SQL name of a privilege. */
extern const char *ml_access_name(MlPrivilege privilege);

/* Finds a privilege by its SQL name; false when there is none of that name. */
extern bool ml_access_parse(const char *name, MlPrivilege *privilege);

#endif							/* ML_ACCESS_H */
