-- What a role without rights tries: to read, to score, to write, to plant objects in front of the server's own, and
-- to hand over what breaks. Nothing is shown, changed or run that is not its own, and no session dies.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_thief;
CREATE ROLE regress_ml_friend;
CREATE DATABASE regress_ml_attacks TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_attacks
SET client_min_messages = 'warning';
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_owner, regress_ml_thief;
GRANT CREATE ON DATABASE regress_ml_attacks TO regress_ml_thief;
CREATE TABLE hidden AS SELECT i AS x, 2 * i AS y, 'hidden' || i % 3 AS word FROM generate_series(1, 30) i;
CREATE TABLE open AS TABLE hidden;
ALTER TABLE hidden OWNER TO regress_ml_owner;
GRANT SELECT ON open TO PUBLIC;
-- Runs a statement as whoever calls it and says how it ended.
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SET ROLE regress_ml_owner;
SELECT version FROM ml.train('victim', 'hidden', 'y', 'linear_regression', tags => '{"hidden": 1}');
SELECT version FROM ml.train('victim', 'hidden', 'y', 'linear_regression', deploy => 'never');
SELECT ml.set_alias('victim', 'hidden', 2), ml.describe('victim', 'hidden'), ml.deploy('victim', 2, 'canary', 0.5, 'hidden'),
	ml.require_approval('victim', 'staging', 1), ml.grant('victim', 'use', 'regress_ml_friend'), ml.grant('victim', 'deploy', 'regress_ml_friend');
SET SESSION AUTHORIZATION regress_ml_friend;
SELECT ml.approve('victim', 2, 'staging');
RESET SESSION AUTHORIZATION;
\pset format unaligned
\pset tuples_only on

-- Reading. No table and no view shows a row that tells of the victim; what may be called tells nothing either.
SET ROLE regress_ml_thief;
CREATE FUNCTION told(relation regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s r WHERE r::text ~* ''victim|hidden|regress_ml_(owner|friend)''', relation) INTO n;
	RETURN n;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN 0;
END
$$;
SELECT count(*) > 15, sum(told(oid)) FROM pg_class WHERE relnamespace = 'ml'::regnamespace AND relkind IN ('r', 'v', 'm');
SELECT ml.verify_events();
SELECT attempt(s) FROM unnest(ARRAY[
	$$SELECT artifact FROM ml.versions$$,
	$$SELECT * FROM ml.event_heads$$,
	$$SELECT ml.event_anchor()$$,
	$$SELECT * FROM ml.my_rights()$$,
	$$SELECT * FROM ml.coefficients('victim')$$,
	$$SELECT * FROM ml.importance('victim')$$,
	$$SELECT * FROM ml.importance('victim', 'permutation')$$,
	$$SELECT * FROM ml.summary('victim/2')$$,
	$$SELECT * FROM ml.deployed_at('victim', now())$$,
	$$SELECT ml.predict('victim', o) FROM open o$$,
	$$SELECT ml.predict('victim/1', o) FROM open o$$,
	$$SELECT ml.predict('victim@hidden', o) FROM open o$$,
	$$SELECT ml.probability('victim', o) FROM open o$$,
	$$SELECT ml.probabilities('victim', o) FROM open o$$,
	$$SELECT ml.predict('victim', ARRAY[1.0])$$,
	$$SELECT ml.predict('victim', '{"x": 1}'::jsonb)$$,
	$$SELECT * FROM ml.evaluate('victim', 'open')$$,
	$$SELECT * FROM hidden$$]) s;
-- What exists of a model of somebody else is not told by its errors.
SELECT attempt(format('SELECT ml.predict(%L, o) FROM open o', r)) FROM unnest('{victim/77,victim@nothing}'::text[]) r;
SELECT attempt($$SELECT ml.deploy('victim', 77)$$), attempt($$SELECT ml.promote('victim', 77)$$), attempt($$SELECT ml.approve('victim', 77, 'staging')$$);
SELECT attempt($$SELECT ml.withdraw_approval('victim', 77, 'staging')$$);
SELECT attempt($$SELECT ml.withdraw_approval('victim', 2, 'staging')$$);
-- A condition that shouts sees no rows of others.
CREATE FUNCTION shout(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000000001 AS $$
BEGIN
	RAISE WARNING 'saw %', $1;
	RETURN true;
END
$$;
SELECT count(*) FROM ml.models WHERE shout(model);
SELECT count(*) FROM ml.versions WHERE shout(artifact_sha256) AND model = 'victim';
SELECT count(*) FROM ml.events WHERE shout(detail);
SELECT count(*) FROM ml.lineage l WHERE shout(l);
SELECT count(*) FROM ml.leaderboard l WHERE shout(l);
SELECT count(*) FROM ml.approvals a JOIN ml.approval_rules r ON shout(a) AND shout(r);

-- Scoring by detours: a view, a function, a statement that was prepared and a model that was cached while it was allowed.
CREATE VIEW by_thief AS SELECT ml.predict('victim', o) AS p FROM open o;
RESET ROLE;
SET ROLE regress_ml_owner;
CREATE VIEW by_owner AS SELECT ml.predict('victim', o) AS p FROM open o;
GRANT SELECT ON by_owner TO regress_ml_thief;
SELECT count(p) FROM by_owner;
SELECT ml.grant('victim', 'use', 'regress_ml_thief');
SET ROLE regress_ml_thief;
PREPARE scoring AS SELECT count(ml.predict('victim', o)) FROM open o;
PREPARE generic(text) AS SELECT count(ml.predict($1, o)) FROM open o;
SET plan_cache_mode = force_generic_plan;
EXECUTE scoring;
EXECUTE generic('victim/2');
SELECT count(p) FROM by_thief;
SET ROLE regress_ml_owner;
SELECT ml.revoke('victim', 'use', 'regress_ml_thief');
SELECT count(ml.predict('victim', o)) FROM open o;
SET ROLE regress_ml_thief;
SELECT attempt('SELECT * FROM by_owner'), attempt('SELECT * FROM by_thief');
EXECUTE scoring;
EXECUTE generic('victim/2');
EXECUTE generic('victim');
RESET plan_cache_mode;

-- Writing the catalog, directly and by way of what tables have.
SELECT left(attempt(s), 5) AS state, count(*) FROM unnest(ARRAY[
	$$UPDATE ml.deployments SET version = 2$$,
	$$INSERT INTO ml.deployments (model, version, role) VALUES ('victim', 2, 'production')$$,
	$$COPY ml.deployments (model, version, role) FROM '/dev/null'$$,
	$$MERGE INTO ml.grants g USING (VALUES (1)) v ON false WHEN NOT MATCHED THEN INSERT (model, grantee, privilege) VALUES ('victim', 'regress_ml_thief', 'use')$$,
	$$INSERT INTO ml.approvals (model, version, role, approver, login) VALUES ('victim', 1, 'staging', 'a', 'a')$$,
	$$DELETE FROM ml.approval_rules$$,
	$$TRUNCATE ml.events CASCADE$$,
	$$UPDATE ml.event_heads SET hash = ''$$,
	$$SELECT setval('ml.events_event_id_seq', 1)$$,
	$$SELECT * FROM ml.models FOR UPDATE$$,
	$$LOCK TABLE ml.models IN ACCESS EXCLUSIVE MODE$$,
	$$CREATE TRIGGER mine BEFORE INSERT ON ml.models FOR EACH ROW EXECUTE FUNCTION ml.refuse_change()$$,
	$$CREATE RULE mine AS ON INSERT TO ml.deployments DO INSTEAD NOTHING$$,
	$$CREATE POLICY mine ON ml.versions USING (true)$$,
	$$CREATE INDEX mine ON ml.models (model)$$,
	$$CREATE TABLE mine () INHERITS (ml.grants)$$,
	$$CREATE TABLE mine (r int REFERENCES ml.runs (run_id))$$,
	$$ALTER TABLE ml.models DISABLE ROW LEVEL SECURITY$$,
	$$ALTER TABLE ml.events DISABLE TRIGGER ALL$$,
	$$ALTER TABLE ml.models OWNER TO regress_ml_thief$$,
	$$ALTER TABLE ml.models ADD mine int$$,
	$$CREATE STATISTICS mine ON model, task FROM ml.models$$,
	$$CREATE PUBLICATION mine FOR TABLE ml.versions$$,
	$$GRANT SELECT ON ml.event_heads TO regress_ml_thief$$,
	$$GRANT EXECUTE ON FUNCTION ml.my_rights() TO regress_ml_thief$$,
	$$ALTER FUNCTION ml.has_privilege(text, text) COST 1$$,
	$$CREATE OR REPLACE FUNCTION ml.has_privilege(model text, privilege text) RETURNS boolean LANGUAGE sql AS 'SELECT true'$$,
	$$CREATE FUNCTION ml.has_privilege(model varchar, privilege varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'$$,
	$$COMMENT ON TABLE ml.models IS 'mine'$$,
	$$DROP EXTENSION pg_mlops$$,
	$$ALTER EXTENSION pg_mlops SET SCHEMA public$$,
	$$SET session_replication_role = replica$$,
	$$CREATE FUNCTION raw() RETURNS void LANGUAGE c AS 'pg_mlops', 'ml_refuse_change'$$]) s GROUP BY 1;
SET row_security = off;
SELECT attempt('SELECT * FROM ml.models');
RESET row_security;
-- The verbs.
SELECT v, attempt('SELECT ' || v) FROM unnest(ARRAY[
	$$ml.deploy('victim', 2)$$, $$ml.promote('victim', 2)$$, $$ml.rollback('victim')$$, $$ml.undeploy('victim', 'production')$$,
	$$ml.set_alias('victim', 'x', 1)$$, $$ml.drop_alias('victim', 'hidden')$$, $$ml.describe('victim', '')$$,
	$$ml.tag('victim', 'x', '1')$$, $$ml.archive('victim', 1)$$, $$ml.drop_version('victim', 1)$$, $$ml.drop_model('victim')$$,
	$$ml.grant('victim', 'use', 'regress_ml_thief')$$, $$ml.revoke('victim', 'use', 'regress_ml_friend')$$,
	$$ml.set_owner('victim', 'regress_ml_thief')$$, $$ml.require_approval('victim', 'staging', 0)$$,
	$$ml.approve('victim', 1, 'staging')$$, $$version FROM ml.train('victim', 'open', 'y')$$]) v;
RESET ROLE;
SELECT count(*) FROM ml.deployments;

-- Every function with nothing but NULL, and with empty texts and zeros: an answer or an error that says what is wrong.
SET ROLE regress_ml_thief;
SELECT count(*) > 60, count(*) FILTER (WHERE r ~ '^(XX|57|58)') AS internal FROM (
	SELECT attempt(format('SELECT %s.%s%s(%s)', 'ml', p.proname, '', (SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY n)
		FROM unnest(p.proargtypes) WITH ORDINALITY u (t, n)))) AS r
	FROM pg_proc p WHERE p.pronamespace = 'ml'::regnamespace
		AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'anyelement'::regtype, 'anycompatible'::regtype, 'trigger'::regtype]) s;
SELECT DISTINCT r FROM (
	SELECT p.proname, attempt(format('SELECT ml.%s(%s)', p.proname, (SELECT string_agg(CASE t WHEN 'text'::regtype THEN '''''' WHEN 'int'::regtype THEN '0'
		ELSE 'NULL::' || format_type(t, NULL) END, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u (t, n)))) AS r
	FROM pg_proc p WHERE p.pronamespace = 'ml'::regnamespace AND p.prokind = 'f' AND p.proargtypes[0] = 'text'::regtype
		AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'anyelement'::regtype, 'anycompatible'::regtype]) s
WHERE r ~ '^(XX|57|58)';
-- Which of the two the server says depends on its release.
SELECT attempt('SELECT ml.refuse_change()'), attempt('SELECT ml.predict_support(NULL)') ~ '^(42883|0A000) ' AS refused;
-- A trigger function may stand on one's own table, and refuses there.
CREATE TABLE own (a int);
CREATE TRIGGER own BEFORE DELETE OR UPDATE ON own FOR EACH ROW EXECUTE FUNCTION ml.refuse_change();
INSERT INTO own VALUES (1);
SELECT attempt('DELETE FROM own');
CREATE TRIGGER own_after AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('a', 'b');
SELECT attempt('INSERT INTO own VALUES (1)');
DROP TABLE own;

-- Objects in front of the server's own, seen by the owner of a model with the wrong search_path.
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
DO $plant$
DECLARE
	f record;
BEGIN
	-- Everything the catalog's statements name, and the operators they use.
	FOR f IN SELECT * FROM (VALUES ('clock_timestamp', '', 'timestamptz'), ('nextval', 'regclass', 'bigint'), ('nextval', 'text', 'bigint'),
		('sha256', 'bytea', 'bytea'), ('jsonb_build_object', 'text, jsonb', 'jsonb'), ('max', 'int', 'int'), ('extract', 'text, timestamptz', 'numeric'),
		('has_privilege', 'text, text', 'boolean'), ('my_rights', '', 'text'), ('predict', 'text, anyelement', 'float8'),
		('texteq', 'text, text', 'boolean'), ('int4eq', 'int, int', 'boolean'), ('lower', 'text', 'text'), ('format', 'text', 'text')) v (name, args, result)
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION ''hijacked''; END$$', f.name, f.args, f.result);
	END LOOP;
	FOR f IN SELECT DISTINCT oprname AS name, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result FROM pg_operator
		WHERE oprname IN ('=', '<>', '<', '>', '>=', '<=', '+', '-', '||', '*', '->>', '->', '~') AND oprleft <> 0 AND oprcode <> 0
			AND oprleft::regtype IN ('text', 'int', 'bigint', 'jsonb', 'timestamptz', 'name', 'float8', 'boolean', 'numeric') AND oprleft = oprright
	LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION ''hijacked''; END$$',
			'op_' || md5(f.name || f.l::text || f.r::text), f.l, f.r, f.result);
		EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.%I)', f.name, f.l, f.r,
			'op_' || md5(f.name || f.l::text || f.r::text));
	END LOOP;
	EXECUTE 'CREATE DOMAIN evil.text AS pg_catalog.text CHECK (false)';
	EXECUTE 'CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (false)';
	EXECUTE 'CREATE DOMAIN evil.int4 AS pg_catalog.int4 CHECK (false)';
	EXECUTE 'CREATE TYPE evil.shape AS (a int)';
	EXECUTE 'CREATE FUNCTION evil.cast_shape(evil.shape) RETURNS pg_catalog.text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION ''hijacked''; END$$';
	EXECUTE 'CREATE CAST (evil.shape AS pg_catalog.text) WITH FUNCTION evil.cast_shape(evil.shape) AS IMPLICIT';
END
$plant$;
RESET ROLE;
GRANT TEMP ON DATABASE regress_ml_attacks TO PUBLIC;
SET ROLE regress_ml_owner;
CREATE TEMP TABLE models (model text, owner name, task text, target text);
CREATE TEMP TABLE events (a int);
CREATE TEMP TABLE event_heads (a int);
CREATE TEMP TABLE grants (a int);
CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false);
CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
CREATE FUNCTION public.try(statement pg_catalog.text) RETURNS pg_catalog.text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
SET search_path = evil, pg_temp, pg_catalog, public;
SELECT public.try('SELECT 1 OPERATOR(evil.=) 1');
SELECT public.try('SELECT 1 = 1');
SELECT v, public.try(pg_catalog.concat('SELECT ', v)) FROM pg_catalog.unnest(ARRAY[
	$$version FROM ml.train('victim', 'public.open', 'y', 'linear_regression', deploy => 'never')$$, $$version FROM ml.train('second', 'public.open', 'y', 'gradient_boosting')$$,
	$$ml.deploy('victim', 2)$$, $$ml.promote('victim', 3)$$, $$ml.rollback('victim')$$, $$ml.undeploy('second', 'production')$$,
	$$ml.set_alias('victim', 'x', 1)$$, $$ml.drop_alias('victim', 'x')$$, $$ml.describe('victim', 'd')$$, $$ml.tag('victim', 'x', '1')$$,
	$$ml.archive('second', 1)$$, $$ml.drop_version('second', 1)$$, $$ml.grant('second', 'read', 'regress_ml_friend')$$,
	$$ml.revoke('second', 'read', 'regress_ml_friend')$$, $$ml.set_owner('second', 'regress_ml_owner')$$, $$ml.require_approval('victim', 'shadow', 1)$$,
	$$ml.withdraw_approval('victim', 2, 'staging')$$, $$ml.drop_model('second')$$, $$ml.deployed_at('victim', '2000-01-01')$$, $$ml.has_privilege('victim', 'use')$$,
	$$ml.my_rights()$$, $$ml.verify_events()$$, $$ml.predict('victim', o) FROM public.open o$$, $$ml.evaluate('victim', 'public.open')$$,
	$$ml.coefficients('victim')$$, $$ml.importance('victim')$$, $$ml.summary('victim')$$, $$count(*) FROM ml.lineage$$, $$count(*) FROM ml.leaderboard$$,
	$$ml.predict('victim', ROW(1)::evil.shape)$$]::pg_catalog.text[]) v;
SET ROLE regress_ml_friend;
SELECT public.try($$SELECT ml.approve('victim', 1, 'staging')$$);
RESET search_path;
RESET ROLE;
SELECT ml.verify_events();

DISCARD TEMP;
-- Names that are commands, quotes and patterns: they are names.
SET ROLE regress_ml_thief;
CREATE FUNCTION odd_names() RETURNS SETOF text LANGUAGE sql AS $names$
	VALUES ('''; DROP TABLE ml.models; --'), ('"; DROP TABLE ml.models; --'), ('\''; \\'), ('%s%n%d%1$s'), ('$1'), ('$$'), ('{}'), (' '), ('a  '),
		('_'), ('%'), ('(SELECT 1)'), ('NULL'), (repeat(U&'\00e9', 31) || 'x'), (repeat(U&'\+01f600', 15) || 'abc'), (U&'\202etxt'), ('ml.models')$names$;
SELECT n, octet_length(n), attempt(format('SELECT version FROM ml.train(%L, ''open'', ''y'', ''linear_regression'', exclude => ''{word}'')', n)) AS train,
	attempt(format('SELECT ml.set_alias(%L, %L, 1)', n, n)) AS alias, attempt(format('SELECT ml.predict(%L, o) FROM open o', n || '@' || n)) AS predict,
	attempt(format('SELECT ml.tag(%L, %L, %L)', n, n, to_jsonb(n))) AS tag, attempt(format('SELECT ml.describe(%L, %L)', n, n)) AS describe,
	attempt(format('SELECT ml.deploy(%L, 1, ''staging'', reason => %L)', n, n)) AS deploy
FROM odd_names() n;
SELECT attempt(format('SELECT version FROM ml.train(%L, ''open'', ''y'')', n)) FROM (VALUES (repeat(U&'\00e9', 32)), (U&'a\0001'), ('a/b'), ('@'), ('')) v (n);
SELECT count(*) = (SELECT count(*) FROM odd_names()) FROM ml.models;
SELECT ml.verify_events();
SELECT attempt(format('SELECT ml.undeploy(%L, ''production'')', n)), attempt(format('SELECT ml.drop_alias(%L, %L)', n, n)),
	attempt(format('SELECT ml.drop_model(%L)', n)) FROM odd_names() n;

-- Sources without end: a chain of views, and expressions. An answer, or the server's limit; the session lives.
DO $$
BEGIN
	EXECUTE 'CREATE VIEW v0 AS SELECT x, y FROM open';
	FOR i IN 1..400 LOOP
		EXECUTE format('CREATE VIEW v%s AS SELECT x, y FROM v%s', i, i - 1);
	END LOOP;
END
$$;
SELECT left(attempt($$SELECT version FROM ml.train('deep views', 'v400', 'y', 'linear_regression')$$), 5) IN ('done', '54001');
RESET ROLE;
SET max_stack_depth = '200kB';
SET ROLE regress_ml_thief;
SELECT left(attempt($$SELECT version FROM ml.train('deep views', 'v400', 'y', 'linear_regression')$$), 5) IN ('done', '54001');
RESET ROLE;
RESET max_stack_depth;
SET ROLE regress_ml_thief;
SELECT left(attempt(format($$SELECT version FROM ml.train('deep sum', %L, 'y', 'linear_regression')$$, 'SELECT x, y' || repeat('+1', 30000) || ' AS y2, y FROM open')), 5) IN ('done', '54001');
SELECT left(attempt(format($$SELECT version FROM ml.train('deep brackets', %L, 'y', 'linear_regression')$$, 'SELECT x, ' || repeat('(', 30000) || 'y' || repeat(')', 30000) || ' AS y FROM open')), 5) IN ('done', '54001', '42601');
SELECT left(attempt(format($$SELECT version FROM ml.train('deep queries', %L, 'y', 'linear_regression')$$, repeat('SELECT * FROM (', 3000) || 'SELECT x, y FROM open' || repeat(') s', 3000))), 5) IN ('done', '54001', '42601');
SELECT left(attempt(format($$SELECT ml.predict('victim', %L::jsonb)$$, repeat('[', 20000) || repeat(']', 20000))), 5);
SELECT left(attempt(format($$SELECT ml.tag('deep views', 'x', %L)$$, repeat('[', 20000) || repeat(']', 20000))), 5);
SELECT 'alive';
\pset format aligned
\pset tuples_only off
RESET ROLE;
\c contrib_regression
DROP DATABASE regress_ml_attacks;
DROP ROLE regress_ml_owner, regress_ml_thief, regress_ml_friend;
