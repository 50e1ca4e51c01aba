/*
 * deploy.h - the verbs on models, versions and deployments, with the rights and the rules of arguments.
 *
 * Each function checks, in this order: that the transaction may write, that
 * the arguments are legal, that the model exists, and the caller's right to
 * it. Text arguments are NULL for SQL NULL.
 */
#ifndef ML_DEPLOY_H
#define ML_DEPLOY_H

/* Refuses to start a write where the transaction or the server cannot. */
extern void ml_deploy_begin(const char *command);

/* Puts a version into a role; traffic is NULL for none; needs privilege deploy. */
extern void ml_deploy_to_role(const char *model, int32 version, const char *role, const double *traffic,
							  const char *reason, bool force);

/* Puts a version one step further towards production and returns its role; needs privilege deploy. */
extern const char *ml_deploy_promote(const char *model, int32 version, double traffic);

/* Sets how many approvals a role needs (0: none), for the owner; approves, with privilege deploy; takes that back. */
extern void ml_deploy_require_approval(const char *model, const char *role, int32 approvers);
extern void ml_deploy_approve(const char *model, int32 version, const char *role);
extern void ml_deploy_withdraw_approval(const char *model, int32 version, const char *role);

/* Puts production back to the version before; needs privilege deploy. */
extern void ml_deploy_rollback(const char *model, const char *reason);

/* Ends the current deployments in a role; needs privilege deploy. */
extern void ml_deploy_undeploy(const char *model, const char *role);

/* Points an alias to a version, or ends one; needs privilege deploy. */
extern void ml_deploy_set_alias(const char *model, const char *alias, int32 version);
extern void ml_deploy_drop_alias(const char *model, const char *alias);

/* Sets what becomes of rows to be scored that fail the model's checks, or that they are not judged (NULL); needs privilege deploy. */
extern void ml_deploy_set_invalid_policy(const char *model, const char *action);

/* Keep the register; all need the owner. */
extern void ml_deploy_describe(const char *model, const char *description);
extern void ml_deploy_tag(const char *model, const char *key, const char *value);
extern void ml_deploy_archive(const char *model, int32 version);
extern void ml_deploy_drop_version(const char *model, int32 version);
extern void ml_deploy_drop_model(const char *model);
extern void ml_deploy_grant(const char *model, const char *privilege, const char *grantee);
/* The new owner by its Oid: who gives a model away has to be able to become that role. */
extern void ml_deploy_set_owner(const char *model, Oid owner);
extern void ml_deploy_revoke(const char *model, const char *privilege, const char *grantee);

/*
 * Attaches a model to a relation by pg_mlops.attach_mode, or detaches it;
 * needs the owner of the model, and of the relation.
 */
extern void ml_deploy_attach(const char *model, Oid relid);
extern void ml_deploy_detach(const char *model, Oid relid);

#endif							/* ML_DEPLOY_H */
