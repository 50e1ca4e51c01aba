-- Canary and shadow: which rows a canary scores, what shadows see, what is counted, and whose right it is.
CREATE ROLE regress_ml_user;
CREATE ROLE regress_ml_stranger;
CREATE ROLE regress_ml_definer;
CREATE DATABASE regress_ml_serving TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_serving
SET lc_messages = 'C';
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;

-- Versions differ by a million, so that a prediction tells which one made it.
CREATE TABLE rows_to_score AS
	SELECT i AS id, (i * 37 % 1009) / 10.0::float8 AS a, (i * 53 % 997)::float8 AS b,
		(ARRAY['red', 'green', 'blue'])[i % 3 + 1] AS color, i % 2 = 0 AS even, 0::float8 AS y
	FROM generate_series(1, 20000) i;
UPDATE rows_to_score SET y = 2 * a - b + id % 7;
ANALYZE rows_to_score;
CREATE FUNCTION trained(model text, shift float8, columns text, target text DEFAULT 'y', algorithm text DEFAULT 'linear_regression')
RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT version FROM ml.train(model,
		format('SELECT %s, %s + %s AS y FROM rows_to_score WHERE id <= 2000', columns, target, shift), 'y', algorithm,
		deploy => 'first', split => '{"method": "none"}'));
END
$$;
SELECT trained('which', 1e6, 'a, b, color, even'), trained('which', 2e6, 'a, b, color, even'), trained('which', 3e6, 'a, b, color, even'),
	trained('which', 4e6, 'b, id'), trained('which', 5e6, 'even, color, b, a');
-- Moves the canary and adds shadows, as the verbs do.
CREATE FUNCTION canary(name text, number int, share float8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM ml.deployments WHERE model = name AND role = 'canary' AND ended_at IS NULL) THEN
		PERFORM ml.undeploy(name, 'canary');
	END IF;
	INSERT INTO ml.deployments (model, version, role, traffic) VALUES (name, number, 'canary', share);
END
$$;
CREATE FUNCTION shadow(name text, number int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO ml.deployments (model, version, role) VALUES (name, number, 'shadow')
$$;
CREATE FUNCTION version_of(score float8) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT floor((score + 5e5) / 1e6)::int $$;
-- The counts since they were asked for last.
CREATE TABLE seen (model text, version int, role text, rows bigint, errors bigint, invalid bigint);
CREATE FUNCTION counted(OUT model text, OUT version int, OUT role text, OUT rows bigint, OUT errors bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT c.model, c.version, c.role, c.rows - coalesce(s.rows, 0), c.errors - coalesce(s.errors, 0)
		FROM ml.serving_counts() c LEFT JOIN seen s USING (model, version, role)
		WHERE c.rows > coalesce(s.rows, 0) OR c.errors > coalesce(s.errors, 0) ORDER BY 1, 3, 2;
	TRUNCATE seen;
	INSERT INTO seen SELECT * FROM ml.serving_counts();
END
$$;

-- Nothing is counted before the first row, nor for references that name a version.
SELECT * FROM counted();
SELECT ml.set_alias('which', 'challenger', 2);
SELECT version_of(ml.predict('which/3', r)), version_of(ml.predict('which@challenger', r)), version_of(ml.predict('which', r)) FROM rows_to_score r WHERE id = 1;
SELECT * FROM counted();
SELECT count(*) FROM rows_to_score r WHERE version_of(ml.predict('which', r)) = 1;
SELECT * FROM counted();

-- A canary scores about its share, and other references do not go there.
SELECT canary('which', 2, 0.1);
SELECT version_of(ml.predict('which', r)) AS version, count(*) FROM rows_to_score r GROUP BY 1 ORDER BY 1;
SELECT * FROM counted();
SELECT version_of(ml.predict('which/1', r)) AS number, version_of(ml.predict('which@challenger', r)) AS alias, count(*) FROM rows_to_score r GROUP BY 1, 2;
SELECT * FROM counted();
CREATE TABLE tenth AS SELECT id, version_of(ml.predict('which', r)) AS version FROM rows_to_score r;
-- The score is to the bit that of the version which made it.
SELECT count(*) FILTER (WHERE ml.predict('which', r) = CASE t.version WHEN 1 THEN ml.predict('which/1', r) ELSE ml.predict('which/2', r) END) AS same FROM rows_to_score r JOIN tenth t USING (id);
-- A row goes the same way in every form.
SELECT count(*) FILTER (WHERE t.version = ALL (ARRAY[
	version_of(ml.predict('which', r)), version_of(ml.predict('which', q)), version_of(ml.predict('which', to_jsonb(q))),
	version_of(ml.predict('which', ROW(r.a, r.b, r.color, r.even))), version_of(ml.predict('which', ROW(r.a::numeric, r.b::int8, r.color::varchar, r.even))),
	version_of(ml.predict('which', jsonb_build_object('even', r.even, 'color', r.color, 'b', r.b, 'a', r.a)))])) AS same
FROM rows_to_score r JOIN (SELECT even, color, id, b, a, 'more' AS more FROM rows_to_score OFFSET 0) q USING (id) JOIN tenth t USING (id);
-- Production may change: the inputs' names and values decide, so the rows stay.
SELECT ml.deploy('which', 3);
SELECT count(*) FILTER (WHERE version_of(ml.predict('which', r)) = CASE t.version WHEN 1 THEN 3 ELSE t.version END) AS same FROM rows_to_score r JOIN tenth t USING (id);
SELECT ml.deploy('which', 5);
SELECT count(*) FILTER (WHERE version_of(ml.predict('which', r)) = CASE t.version WHEN 1 THEN 5 ELSE t.version END) AS same FROM rows_to_score r JOIN tenth t USING (id);
SELECT ml.deploy('which', 1);
-- More traffic only adds rows.
SELECT canary('which', 2, 0.2);
CREATE TABLE fifth AS SELECT id, version_of(ml.predict('which', r)) AS version FROM rows_to_score r;
SELECT t.version AS tenth, f.version AS fifth, count(*) FROM tenth t JOIN fifth f USING (id) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT canary('which', 2, 0.999);
SELECT version_of(ml.predict('which', r)) AS version, count(*) FROM rows_to_score r GROUP BY 1 ORDER BY 1;
SELECT canary('which', 2, 0.001);
SELECT version_of(ml.predict('which', r)) AS version, count(*) FROM rows_to_score r GROUP BY 1 ORDER BY 1;
SELECT canary('which', 2, 0.5);

-- NULL, NaN, -0 and unseen categories have their side, and keep it in every form.
CREATE TABLE odd AS SELECT n AS id, a, b, color, n % 2 = 0 AS even FROM generate_series(1, 40) n,
	LATERAL (SELECT CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::float8 ELSE n END AS a, CASE WHEN n % 5 = 0 THEN NULL ELSE n END::float8 AS b,
		CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'unseen ' || n ELSE 'red' END AS color) v;
CREATE TABLE sides AS SELECT id, version_of(ml.predict('which', o)) AS version FROM odd o;
SELECT version, count(*) FROM sides GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE s.version = ALL (ARRAY[version_of(ml.predict('which', o)), version_of(ml.predict('which', to_jsonb(o))),
	version_of(ml.predict('which', ROW(o.a, o.b, o.color, o.even))), version_of(ml.predict('which', q))])) AS same
FROM odd o JOIN (SELECT b, a, id, even, color FROM odd OFFSET 0) q USING (id) JOIN sides s USING (id);
SELECT count(*) FILTER (WHERE version_of(ml.predict('which', ROW('0'::float8, i, 'red', true))) = version_of(ml.predict('which', ROW('-0'::float8, i, 'red', true)))) AS zeros_alike FROM generate_series(1, 100) i;
SELECT count(DISTINCT version_of(ml.predict('which', ROW(7.25, 1.5, 'unseen ' || i, true)))) AS one_side_for_unseen FROM generate_series(1, 50) i;

-- Arrays, and elements of arrays.
SELECT trained('plain', 1e6, 'a, b'), trained('plain', 2e6, 'a, b'), trained('spread', 1e6, 'ARRAY[a, b] AS xs, even'), trained('spread', 2e6, 'ARRAY[a, b] AS xs, even');
SELECT canary('plain', 2, 0.3), canary('spread', 2, 0.3);
SELECT count(*) FILTER (WHERE v = 2) AS canary, count(*) FILTER (WHERE v = ALL (ARRAY[version_of(ml.predict('plain', ARRAY[r.a, r.b])), version_of(ml.predict('plain', ARRAY[r.a::numeric, r.b::numeric])), version_of(ml.predict('plain', to_jsonb(r)))])) AS same
	FROM (SELECT *, version_of(ml.predict('plain', ROW(a, b))) AS v FROM rows_to_score OFFSET 0) r;
SELECT count(*) FILTER (WHERE v = 2) AS canary, count(*) FILTER (WHERE v = ALL (ARRAY[version_of(ml.predict('spread', ARRAY[r.a, r.b, r.even::int])), version_of(ml.predict('spread', jsonb_build_object('xs', ARRAY[r.a, r.b], 'even', r.even))), version_of(ml.predict('spread', r))])) AS same
	FROM (SELECT *, ARRAY[a, b] AS xs, version_of(ml.predict('spread', ROW(ARRAY[a, b], even))) AS v FROM rows_to_score OFFSET 0) r;
-- The places of an array are told apart.
SELECT count(*) FILTER (WHERE version_of(ml.predict('spread', ROW(ARRAY[a, b], true))) <> version_of(ml.predict('spread', ROW(ARRAY[b, a], true)))) > 0 AS told_apart FROM rows_to_score WHERE id < 100;

-- Versions of different classes: labels, probabilities and the positive class are those of the version that answers.
CREATE TABLE classed AS SELECT id, a, b, CASE WHEN a + id % 13 > 55 THEN 'no' ELSE 'yes' END AS old, CASE WHEN a + id % 13 > 70 THEN 'bad' WHEN b + id % 31 > 500 THEN 'good' ELSE 'yes' END AS new FROM rows_to_score WHERE id <= 2000;
SELECT version FROM ml.train('label', 'SELECT a, b, old AS label FROM classed', 'label', 'logistic_regression');
SELECT version FROM ml.train('label', 'SELECT a, b, new AS label FROM classed', 'label', 'logistic_regression');
SELECT canary('label', 2, 0.4);
CREATE TABLE labelled AS SELECT id, ml.predict('label', c, NULL::text) AS label, ml.probabilities('label', c) AS p, ml.probability('label', c, 'yes') AS yes,
	ml.probabilities('label', c) ? 'good' AS canary FROM classed c;
SELECT canary, label, count(*) FROM labelled GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FILTER (WHERE l.label = ml.predict(m, c, NULL::text) AND l.p = ml.probabilities(m, c) AND l.yes = ml.probability(m, c, 'yes')) AS same
	FROM labelled l JOIN classed c USING (id), LATERAL (SELECT CASE WHEN l.canary THEN 'label/2' ELSE 'label' || '/1' END AS m) m;
SELECT count(*) FILTER (WHERE l.label = ml.predict('label', ROW(a, b), NULL::text) AND l.p = ml.probabilities('label', to_jsonb(c)) AND l.yes = ml.probability('label', ARRAY[a, b], 'yes')) AS same FROM labelled l JOIN classed c USING (id);
-- A class that the answering version does not have, or a positive class that it needs, is an error that names it.
SELECT count(ml.probability('label', c, 'good')) FROM classed c JOIN labelled l USING (id) WHERE l.canary;
SELECT count(ml.probability('label', c, 'good')) FROM classed c JOIN labelled l USING (id) WHERE NOT l.canary;
SELECT count(ml.probability('label', c)) FROM classed c JOIN labelled l USING (id) WHERE NOT l.canary;
SELECT count(ml.probability('label', c)) FROM classed c JOIN labelled l USING (id) WHERE l.canary;
SELECT ml.predict('label', c) FROM classed c JOIN labelled l USING (id) WHERE l.canary AND l.label = 'good' LIMIT 1;
SELECT * FROM counted() WHERE model = 'label';

-- What a canary needs is missed as loudly as what production needs, and the message says which version.
SELECT canary('which', 4, 0.5);
SELECT count(ml.predict('which', q)) FROM (SELECT a, b, color, even FROM rows_to_score) q;
SELECT count(ml.predict('which', to_jsonb(q))) FROM (SELECT a, b, color, even FROM rows_to_score) q;
SELECT count(ml.predict('which', q)) FROM (SELECT id, b, color, even FROM rows_to_score) q;
SELECT version_of(ml.predict('which', r)) AS version, count(*) FROM rows_to_score r GROUP BY 1 ORDER BY 1;
SELECT ml.undeploy('which', 'canary');

-- Shadows score all rows and change nothing.
CREATE TABLE before AS SELECT id, ml.predict('which', r) AS score FROM rows_to_score r;
SELECT count(*) >= 0 AS ok FROM counted();
SELECT shadow('which', 2), shadow('which', 4);
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', r)) AS same FROM before b JOIN rows_to_score r USING (id);
SELECT * FROM counted();
SELECT canary('which', 3, 0.25);
SELECT version_of(ml.predict('which', r)) AS version, count(*) FROM rows_to_score r GROUP BY 1 ORDER BY 1;
SELECT * FROM counted();
SELECT ml.undeploy('which', 'canary');
-- One that cannot be bound counts errors: a column is missing, or of another type, or has nothing to say.
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', q)) AS same FROM before b JOIN (SELECT id AS key, a, b, color, even FROM rows_to_score) q ON b.id = q.key;
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', to_jsonb(q))) AS same FROM before b JOIN (SELECT id AS key, a, b, color, even FROM rows_to_score) q ON b.id = q.key;
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', ROW(a, r.b, color, even))) AS same FROM before b JOIN rows_to_score r USING (id);
SELECT * FROM counted();
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', q)) AS same FROM before b JOIN (SELECT id AS key, 'x'::text AS id, a, b, color, even FROM rows_to_score) q ON b.id = q.key;
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', to_jsonb(q))) AS same FROM before b JOIN (SELECT id AS key, CASE id % 4 WHEN 0 THEN '"text"' WHEN 1 THEN '[1]' WHEN 2 THEN '{}' ELSE '3' END::jsonb AS id, a, b, color, even FROM rows_to_score) q ON b.id = q.key;
SELECT count(*) FILTER (WHERE b.score = ml.predict('which', q)) AS same FROM before b JOIN (SELECT id AS key, CASE WHEN id % 2 = 0 THEN 'infinity'::float8 ELSE 1 END AS id, a, b, color, even FROM rows_to_score) q ON b.id = q.key;
SELECT * FROM counted();
-- Features that are compressed or out of line.
SELECT count(*) FILTER (WHERE score = ml.predict('which', j)) AS same FROM (SELECT b.score, to_jsonb(r) || jsonb_build_object('long', repeat('x', 20000)) AS j FROM before b JOIN rows_to_score r USING (id) WHERE id <= 50) q;
CREATE TABLE stored AS SELECT id, to_jsonb(r) || jsonb_build_object('long', repeat(md5(id::text), 1000)) AS j FROM rows_to_score r WHERE id <= 50;
SELECT count(*) FILTER (WHERE score = ml.predict('which', j)) AS same FROM before JOIN stored USING (id);
SELECT * FROM counted();
-- Rows of several types at one place.
SELECT count(ml.predict('which', CASE WHEN id % 4 = 0 THEN (SELECT j FROM (SELECT r.a, r.b, r.color, r.even) j) ELSE (SELECT k FROM (SELECT r.id, r.a, r.b, r.color, r.even) k) END)) FROM rows_to_score r;
SELECT * FROM counted();
SELECT ml.undeploy('which', 'shadow');

-- Arrays of another length, times from text, values that the shadow has no place for, results that overflow.
CREATE TABLE times AS SELECT id, a, '2024-01-01'::timestamp + id * interval '1 hour' AS at, ('2024-01-01 00:00+00'::timestamptz + id * interval '1 day') AS atz, id * interval '1 minute' AS span,
	a + id % 5 AS y FROM rows_to_score WHERE id <= 1000;
SELECT version FROM ml.train('times', 'SELECT a, y FROM times', 'y', 'linear_regression');
SELECT version FROM ml.train('times', 'SELECT a, at, atz, span, y + 1e6 AS y FROM times', 'y', 'linear_regression');
SELECT version FROM ml.train('times', 'SELECT a, ARRAY[a, a * a, id] AS xs, y + 2e6 AS y FROM times', 'y', 'linear_regression', params => '{"l2": 1}');
SELECT version FROM ml.train('times', 'SELECT a, id AS extra, y + 3e6 AS y FROM times', 'y', 'linear_regression', pipeline => '[]');
SELECT version FROM ml.train('times', 'SELECT a, id * 1e-290 AS tiny, y + 4e6 AS y FROM times', 'y', 'linear_regression');
INSERT INTO ml.deployments (model, version, role) SELECT 'times', v, 'shadow' FROM generate_series(2, 5) v;
SELECT count(*) FILTER (WHERE ml.predict('times', to_jsonb(t) || jsonb_build_object('xs', ARRAY[a, a, id], 'extra', 1, 'tiny', 1e-290)) = ml.predict('times/1', t)) AS same FROM times t;
SELECT * FROM counted();
SELECT count(*) FILTER (WHERE ml.predict('times', q) = ml.predict('times/1', q)) AS same FROM (SELECT a, at, atz, span, ARRAY[a, a, id] AS xs, id AS extra, 1e-290::float8 AS tiny FROM times) q;
SELECT * FROM counted();
SELECT count(*) FILTER (WHERE ml.predict('times', q) = ml.predict('times/1', q)) AS same FROM (SELECT a, at, atz, span, CASE id % 3 WHEN 0 THEN ARRAY[a] WHEN 1 THEN '{}' ELSE ARRAY[a, NULL, 1] END AS xs,
	CASE WHEN id % 4 > 0 THEN id END AS extra, CASE WHEN id % 10 = 0 THEN 1e300 ELSE 1e-290 END::float8 AS tiny FROM times) q;
SELECT * FROM counted();
-- A shadow reads dates as production would, and those that cannot be read are errors of its own.
CREATE TABLE texts (at text, atz text, span text);
INSERT INTO texts VALUES ('2024-02-03', '2024-02-03T04:05:06.5+02:00', '1 day 02:00'), ('epoch', 'now', 'P1DT2H'), ('Jan 5 2024 17:00', '2024-02-03 04:05 Europe/Paris', '-3 months'),
	('infinity', '2024-01-01', '1'), ('2024-13-01', '2024-01-01', '1'), ('2024-01-01', 'yesteryear', '1'), ('2024-01-01', '2024-01-01', 'long'), ('2024-01-01', '2024-01-01', ''), ('', '2024-01-01', '1'),
	('294277-01-01', '2024-01-01', '1'), ('2024-01-01', '2024-01-01 00:00 Mars/Base', '1'), ('2024-01-01', 'Jan 5 2024 Feb-01-2024', '1'), ('Jan-05-2024', '2024-01-01', '1'), ('2024-01-01', '2024-01-01 zzz', '1'), ('2024-01-01', '2024-01-01', '999999999999 years'), ('2024-01-01', '2024-01-01 00:00+99', '1'), (repeat('9', 500), '2024-01-01', repeat('1 day ', 500));
SELECT count(ml.predict('times', jsonb_build_object('a', 1, 'at', at, 'atz', atz, 'span', span))) FROM texts;
SELECT version, rows, errors FROM counted() WHERE version IN (1, 2);
SELECT count(ml.predict('times', jsonb_build_object('a', 1, 'at', to_jsonb(at), 'atz', v, 'span', span))) FROM texts, LATERAL (VALUES ('1'::jsonb), ('true'), ('[]'), ('null')) j (v) WHERE at = '2024-02-03';
SELECT version, rows, errors FROM counted() WHERE version IN (1, 2);
SELECT ml.undeploy('times', 'shadow');

-- Two versions of one artifact, and more shadows than a statement's answer has room for.
SELECT trained('many', 0, 'a, b'), count(trained('many', 0, 'a, b')) FROM generate_series(1, 12);
SELECT count(DISTINCT artifact_sha256) AS artifacts, count(*) AS versions FROM ml.versions WHERE model = 'many';
INSERT INTO ml.deployments (model, version, role) SELECT 'many', v, 'shadow' FROM generate_series(3, 13) v;
SELECT canary('many', 2, 0.5);
SELECT count(*) >= 0 AS ok FROM counted();
SELECT count(*) FILTER (WHERE ml.predict('many', r) = ml.predict('many/1', r)) AS same FROM rows_to_score r WHERE id <= 1000;
SELECT role, count(*) AS versions, sum(rows) AS rows, sum(errors) AS errors FROM counted() GROUP BY 1 ORDER BY 1;
-- A cache that holds nothing drops and reads them, and the counts stay.
SET pg_mlops.cache_memory = '64kB';
SELECT count(*) FILTER (WHERE ml.predict('many', r) = ml.predict('many/1', r) AND version_of(ml.predict('plain', r)) IN (1, 2)) AS same FROM rows_to_score r WHERE id <= 1000;
SELECT role, count(*) AS versions, sum(rows) AS rows, sum(errors) AS errors FROM counted() GROUP BY 1 ORDER BY 1;
RESET pg_mlops.cache_memory;

-- Without a version in production there is no answer, whatever else there is.
SELECT ml.undeploy('many', 'production');
SELECT ml.predict('many', r) FROM rows_to_score r LIMIT 1;
SELECT version FROM ml.train('many', 'SELECT a, b, y FROM rows_to_score', 'y', 'linear_regression', deploy => 'first');
SELECT version, role FROM ml.deployments WHERE model = 'many' AND ended_at IS NULL AND role = 'production';

-- Prepared statements and expressions that PL/pgSQL keeps see each change, and a subtransaction takes its own back.
CREATE FUNCTION kept() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM rows_to_score r WHERE id <= 2000 AND version_of(ml.predict('which', r)) = 2);
END
$$;
CREATE FUNCTION kept_expression(row_ rows_to_score) RETURNS int LANGUAGE plpgsql STABLE AS $$
DECLARE
	v int;
BEGIN
	v := floor((ml.predict('which', row_) + 5e5) / 1e6);
	RETURN v;
END
$$;
PREPARE canaries AS SELECT count(*), kept(), (SELECT count(*) FROM rows_to_score r WHERE id <= 2000 AND kept_expression(r) = 2) FROM rows_to_score r WHERE id <= 2000 AND version_of(ml.predict('which', r)) = 2;
SET plan_cache_mode = force_generic_plan;
EXECUTE canaries;
SELECT canary('which', 2, 0.1);
EXECUTE canaries;
BEGIN;
SELECT canary('which', 2, 0.3);
EXECUTE canaries;
SAVEPOINT s;
SELECT canary('which', 2, 0.6);
EXECUTE canaries;
ROLLBACK TO s;
EXECUTE canaries;
ROLLBACK;
EXECUTE canaries;
SELECT shadow('which', 3);
EXECUTE canaries;
SELECT count(*) >= 0 AS ok FROM counted();
EXECUTE canaries;
SELECT * FROM counted();

-- Parallel workers score alike, and their counts are their own.
CREATE FUNCTION parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		found := found OR line ~ 'Gather';
	END LOOP;
	RETURN found;
END
$$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT parallel('CREATE TABLE shared AS SELECT id, version_of(ml.predict(''which'', r)) AS version FROM rows_to_score r');
CREATE TABLE shared AS SELECT id, version_of(ml.predict('which', r)) AS version FROM rows_to_score r;
SELECT count(*) FILTER (WHERE s.version = t.version) AS same FROM shared s JOIN tenth t USING (id);
SELECT sum(rows) <= 40000 AS no_more_than_all FROM counted();
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- The planner counts what a canary and shadows add.
CREATE FUNCTION cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$$;
CREATE TABLE costs AS SELECT cost($$SELECT ml.predict('which', ROW(a, b, color, even)) FROM rows_to_score r$$) AS shadowed;
SELECT ml.undeploy('which', 'shadow');
ALTER TABLE costs ADD canary float8, ADD more float8, ADD alone float8;
UPDATE costs SET canary = cost($$SELECT ml.predict('which', ROW(a, b, color, even)) FROM rows_to_score r$$);
SELECT canary('which', 2, 0.9);
UPDATE costs SET more = cost($$SELECT ml.predict('which', ROW(a, b, color, even)) FROM rows_to_score r$$);
SELECT ml.undeploy('which', 'canary');
UPDATE costs SET alone = cost($$SELECT ml.predict('which', ROW(a, b, color, even)) FROM rows_to_score r$$);
SELECT alone < canary AS canary_adds, canary < more AS by_share, more < shadowed AS shadow_adds_more,
	alone = cost($$SELECT ml.predict('which/1', ROW(a, b, color, even)) FROM rows_to_score r$$) AS nothing_without FROM costs;

-- Rights are asked for at every statement: in one transaction, with a prepared statement and a kept expression.
SELECT canary('which', 2, 0.1), shadow('which', 3);
SELECT ml.grant('which', 'use', 'regress_ml_user');
GRANT SELECT ON rows_to_score, seen TO regress_ml_user, regress_ml_stranger, regress_ml_definer;
PREPARE mine AS SELECT version_of(ml.predict('which', r)), kept_expression(r) FROM rows_to_score r WHERE id = 1;
BEGIN;
EXECUTE mine;
SET LOCAL ROLE regress_ml_user;
EXECUTE mine;
SET LOCAL ROLE regress_ml_stranger;
SAVEPOINT s;
EXECUTE mine;
ROLLBACK TO s;
SELECT kept_expression(r) FROM rows_to_score r WHERE id = 1;
ROLLBACK TO s;
RESET ROLE;
EXECUTE mine;
SET LOCAL ROLE regress_ml_user;
EXECUTE mine;
COMMIT;
-- A right that is taken counts at once.
SET ROLE regress_ml_user;
EXECUTE mine;
RESET ROLE;
SELECT ml.revoke('which', 'use', 'regress_ml_user');
SET ROLE regress_ml_user;
EXECUTE mine;
SELECT kept_expression(r) FROM rows_to_score r WHERE id = 1;
RESET ROLE;
SELECT ml.grant('which', 'use', 'regress_ml_user');
-- A function scores with the right of whom it runs as.
CREATE FUNCTION lent(row_ rows_to_score) RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
	RETURN version_of(ml.predict('which', row_));
END
$$;
ALTER FUNCTION lent OWNER TO regress_ml_definer;
SELECT lent(r) FROM rows_to_score r WHERE id = 1;
SET ROLE regress_ml_user;
SELECT lent(r) FROM rows_to_score r WHERE id = 1;
RESET ROLE;
SELECT ml.grant('which', 'use', 'regress_ml_definer');
SET ROLE regress_ml_stranger;
SELECT lent(r), lent(r) FROM rows_to_score r WHERE id = 1;
SELECT ml.predict('which', r) FROM rows_to_score r WHERE id = 1;
SELECT lent(r), ml.predict('which', r) FROM rows_to_score r WHERE id = 1;
RESET ROLE;
-- Workers ask too.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET ROLE regress_ml_user;
SELECT parallel('SELECT count(*) FROM rows_to_score r WHERE ml.predict(''which'', r) > 1.5e6');
SELECT count(*) FROM rows_to_score r WHERE ml.predict('which', r) > 1.5e6;
RESET ROLE;
SELECT ml.revoke('which', 'use', 'regress_ml_user');
SET ROLE regress_ml_user;
SELECT count(*) FROM rows_to_score r WHERE ml.predict('which', r) > 1.5e6;
RESET ROLE;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- Counts are shown of models that the user may see.
SELECT count(*) > 5 AS all_models FROM ml.serving_counts();
SELECT ml.grant('plain', 'read', 'regress_ml_stranger');
SET ROLE regress_ml_stranger;
SELECT DISTINCT model FROM ml.serving_counts();
RESET ROLE;
SELECT ml.undeploy('plain', 'canary'), ml.undeploy('plain', 'production');
SELECT ml.drop_model('plain');
SELECT count(*) AS of_a_model_that_is_gone FROM ml.serving_counts() WHERE model = 'plain';
SELECT provolatile, proparallel FROM pg_proc WHERE oid = 'ml.serving_counts'::regproc;

\c contrib_regression
DROP DATABASE regress_ml_serving;
DROP ROLE regress_ml_user, regress_ml_stranger, regress_ml_definer;
