-- 20_registry.sql - the verbs on models, versions, aliases, deployments and rights.
--
-- All are ordinary statements that roll back with their transaction. Rights are
-- checked inside, for the current user: everybody may call them.

CREATE FUNCTION ml.deploy(model text, version integer, role text DEFAULT 'production',
						  traffic double precision DEFAULT NULL, reason text DEFAULT NULL,
						  force boolean DEFAULT false) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_deploy';
COMMENT ON FUNCTION ml.deploy(text, integer, text, double precision, text, boolean) IS
	'puts a version of a model into a role';

CREATE FUNCTION ml.promote(model text, version integer, traffic double precision DEFAULT 0.1) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_promote';
COMMENT ON FUNCTION ml.promote(text, integer, double precision) IS
	'puts a version one step further: staging, shadow, canary, production; returns its role';

CREATE FUNCTION ml.require_approval(model text, role text, approvers integer) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_require_approval';
COMMENT ON FUNCTION ml.require_approval(text, text, integer) IS
	'sets how many people other than the trainer must approve before a version enters a role; 0 removes the rule';

CREATE FUNCTION ml.approve(model text, version integer, role text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_approve';
COMMENT ON FUNCTION ml.approve(text, integer, text) IS 'approves that a version enters a role';

CREATE FUNCTION ml.withdraw_approval(model text, version integer, role text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_withdraw_approval';
COMMENT ON FUNCTION ml.withdraw_approval(text, integer, text) IS 'takes back one''s own approval';

CREATE FUNCTION ml.rollback(model text, reason text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_rollback';
COMMENT ON FUNCTION ml.rollback(text, text) IS
	'puts production back to the version before; again goes further back';

CREATE FUNCTION ml.undeploy(model text, role text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_undeploy';
COMMENT ON FUNCTION ml.undeploy(text, text) IS 'takes a model''s versions out of a role';

CREATE FUNCTION ml.deployed_at(model text, at timestamptz)
	RETURNS TABLE (version integer, role text, traffic double precision)
	LANGUAGE c STABLE PARALLEL SAFE ROWS 2 AS 'MODULE_PATHNAME', 'ml_deployed_at';
COMMENT ON FUNCTION ml.deployed_at(text, timestamptz) IS
	'the versions that had a role at a moment, and which';

CREATE FUNCTION ml.set_alias(model text, alias text, version integer) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_set_alias';
COMMENT ON FUNCTION ml.set_alias(text, text, integer) IS 'points the reference model@alias to a version';

CREATE FUNCTION ml.drop_alias(model text, alias text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_alias';
COMMENT ON FUNCTION ml.drop_alias(text, text) IS 'ends an alias; its history stays';

CREATE FUNCTION ml.describe(model text, description text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_describe';
COMMENT ON FUNCTION ml.describe(text, text) IS 'sets what a model is for; NULL removes it';

CREATE FUNCTION ml.tag(model text, key text, value jsonb) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_tag';
COMMENT ON FUNCTION ml.tag(text, text, jsonb) IS 'sets one tag of a model; NULL removes it';

CREATE FUNCTION ml.set_invalid_policy(model text, action text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_set_invalid_policy';
COMMENT ON FUNCTION ml.set_invalid_policy(text, text) IS
	'what becomes of rows to be scored that fail the checks of a model: score, null or error; NULL does not judge them';

CREATE FUNCTION ml.archive(model text, version integer) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_archive';
COMMENT ON FUNCTION ml.archive(text, integer) IS
	'keeps a version for the record and for references by number, but not for service';

CREATE FUNCTION ml.drop_version(model text, version integer) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_version';
COMMENT ON FUNCTION ml.drop_version(text, integer) IS
	'drops a version that is neither in production nor aliased; its number is not used again';

CREATE FUNCTION ml.drop_model(model text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_model';
COMMENT ON FUNCTION ml.drop_model(text) IS
	'drops a model that is not in production with everything of it but its events';

CREATE FUNCTION ml.grant(model text, privilege text, grantee regrole) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_grant';
COMMENT ON FUNCTION ml.grant(text, text, regrole) IS 'grants use, read, train or deploy on a model to a role';

CREATE FUNCTION ml.revoke(model text, privilege text, grantee regrole) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_revoke';
COMMENT ON FUNCTION ml.revoke(text, text, regrole) IS 'revokes a privilege on a model from a role';

CREATE FUNCTION ml.set_owner(model text, owner regrole) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_set_owner';
COMMENT ON FUNCTION ml.set_owner(text, regrole) IS 'gives a model to another role';

CREATE FUNCTION ml.verify_events(OUT event_id bigint, OUT problem text) RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1 AS 'MODULE_PATHNAME', 'ml_verify_events';
COMMENT ON FUNCTION ml.verify_events() IS
	'what does not fit in the chains of events the caller may read; no row when they are whole';

CREATE FUNCTION ml.event_anchor() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_event_anchor';
COMMENT ON FUNCTION ml.event_anchor() IS
	'one hash over the ends of all chains of events, to be kept elsewhere';

CREATE FUNCTION ml.attach(model text, relation regclass) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_attach';
COMMENT ON FUNCTION ml.attach(text, regclass) IS
	'keeps the columns that a model reads of a relation from being dropped or retyped, or watches them';

CREATE FUNCTION ml.detach(model text, relation regclass) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_detach';
COMMENT ON FUNCTION ml.detach(text, regclass) IS 'ends what ml.attach began';
