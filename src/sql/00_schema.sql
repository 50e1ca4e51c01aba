-- 00_schema.sql - the schema, who may look into it, and what the tables of 10_catalog.sql call.

\echo Use "CREATE EXTENSION pg_mlops" to load this file. \quit

-- No name in these pieces may resolve to an object that somebody planted.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Created here, so that a schema somebody made before is refused, and DROP EXTENSION removes it.
CREATE SCHEMA ml;
COMMENT ON SCHEMA ml IS 'pg_mlops: models, their versions, their lineage and their deployment';
GRANT USAGE ON SCHEMA ml TO PUBLIC;

CREATE FUNCTION ml.has_privilege(model text, privilege text) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'ml_has_privilege';
COMMENT ON FUNCTION ml.has_privilege(text, text) IS
	'whether the current user holds use, read, train, deploy, owner, or any of them, on a model';

CREATE FUNCTION ml.is_member(role name) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'ml_is_member';
COMMENT ON FUNCTION ml.is_member(name) IS
	'whether the current user may act as the owner of something, by the owner''s name';

-- Its list of rights tells which roles have any on models, own suites, or began runs, and so makes the
-- server refuse to drop them. Only the functions of schema ml change it.
CREATE FUNCTION ml.my_rights(OUT model text, OUT privilege text) RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'ml_my_rights';
COMMENT ON FUNCTION ml.my_rights() IS
	'the privileges of the current user on models; whoever has one may call it';
REVOKE ALL ON FUNCTION ml.my_rights() FROM PUBLIC;

CREATE FUNCTION ml.refuse_change() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'ml_refuse_change';
COMMENT ON FUNCTION ml.refuse_change() IS
	'trigger: refuses a change of recorded history that does not come through the functions of schema ml';
