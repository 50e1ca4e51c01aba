-- Gates on rows, names and rights that are not as they should be; gates.sql has the plain cases.
CREATE DATABASE regress_ml_gates_hard TEMPLATE template0;
\c regress_ml_gates_hard
CREATE EXTENSION pg_mlops;
SET client_min_messages = warning;

CREATE TABLE loans AS
SELECT i AS id, (i * 7919 % 1000) / 10.0 AS income, (i * 104729 % 50)::int AS age,
	   (ARRAY['f', 'm'])[1 + (i * 31 % 97) % 2] AS gender, i % 4 = 0 AS held, 1 + i % 3 AS w,
	   CASE WHEN i % 50 <> 1 THEN ARRAY[i % 10, i % 7]::float8[] END AS pair,
	   ((i * 7919 % 1000) / 10.0 + (i * 15485863::bigint % 60) - 30 + 8 * ((i * 31 % 97) % 2) > 52) AS repaid
FROM generate_series(1, 1000) i;
ALTER TABLE loans ADD PRIMARY KEY (id);
CREATE VIEW loan AS SELECT income, age, gender, repaid FROM loans;
CREATE TABLE parts (LIKE loans) PARTITION BY LIST (gender);
CREATE TABLE parts_f PARTITION OF parts FOR VALUES IN ('f');
CREATE TABLE parts_m (LIKE loans);
ALTER TABLE parts_m DROP COLUMN pair;
ALTER TABLE parts_m ADD COLUMN pair float8[];
ALTER TABLE parts ATTACH PARTITION parts_m FOR VALUES IN ('m');
INSERT INTO parts SELECT * FROM loans;

-- The rows that a training held out are those that its metrics are of, to the last bit.
CREATE FUNCTION as_trained(name text) RETURNS TABLE (metrics bigint, different text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ml.add_gate(name, m.key, m.key, min => -1e300) FROM ml.versions v, jsonb_each(v.metrics) m
	WHERE v.model = name AND v.version = 1 AND EXISTS (SELECT FROM ml.gate_metrics g WHERE g.metric = m.key);
	RETURN QUERY SELECT count(*), string_agg(g.gate, ', ') FILTER (WHERE g.value IS DISTINCT FROM (v.metrics ->> g.gate)::float8)
	FROM ml.run_gates(name, 1) g JOIN ml.versions v ON v.model = name AND v.version = 1;
END $$;
SELECT FROM ml.train('key', 'loans', target => 'repaid', algorithm => 'logistic_regression', exclude => '{held}');
SELECT * FROM as_trained('key');
SELECT FROM ml.train('weight', 'loans', target => 'repaid', algorithm => 'gradient_boosting', weight => 'w', seed => 7,
					 split => '{"test": 0.5}', params => '{"n_trees": 10}');
SELECT * FROM as_trained('weight');
SELECT FROM ml.train('column', 'SELECT * FROM loans', target => 'income', algorithm => 'linear_regression',
					 features => '{age,gender,pair}', split => '{"method": "column", "column": "held"}');
SELECT * FROM as_trained('column');
SELECT FROM ml.train('parts', 'parts', target => 'income', algorithm => 'auto', exclude => '{id}');
SELECT * FROM as_trained('parts');
SELECT FROM ml.train('classes', 'SELECT *, (age / 20)::text AS old FROM loans', target => 'old', algorithm => 'logistic_regression',
					 exclude => '{id,age}');
SELECT * FROM as_trained('classes');
SELECT FROM ml.train('all', 'loans', target => 'income', algorithm => 'linear_regression', split => '{"method": "none"}',
					 features => '{age}');
SELECT ml.add_gate('all', 'rmse', 'rmse', min => 0);
SELECT gate, verdict, n FROM ml.run_gates('all', 1);

-- A role that may read some columns only: slices are asked for too, excluded or not, and the result stands.
CREATE ROLE regress_gate_few;
GRANT CREATE ON SCHEMA public TO regress_gate_few;
GRANT SELECT (income, age, gender, repaid) ON loans TO regress_gate_few;
SET ROLE regress_gate_few;
SELECT FROM ml.train('few', 'loans', target => 'repaid', algorithm => 'logistic_regression', features => '{income,age}', deploy => 'never');
SELECT FROM ml.train('few', 'loans', target => 'repaid', algorithm => 'logistic_regression', deploy => 'never',
					 exclude => '{id,gender,held,w,pair}');
SELECT ml.add_gate('few', 'accuracy', 'accuracy', min => 0.1, slices => '{gender}');
SELECT gate, slice_value, verdict, n FROM ml.run_gates('few', 1);
SELECT gate, slice_value, verdict, n FROM ml.run_gates('few', 2);
SELECT ml.deploy('few', 1), ml.deploy('few', 2);
SELECT count(*) AS runs FROM ml.runs WHERE model = 'few' AND kind = 'gate';
RESET ROLE;

-- Rows of any types.
SELECT FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression');
SELECT FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression', params => '{"l2": 0.01}', deploy => 'never');
SELECT ml.add_gate('loan', 'auc', 'auc', min => 0.5);
CREATE TYPE pair AS (a integer, b json);
CREATE TYPE mood AS ENUM ('x', 'y');
CREATE DOMAIN doc AS json;
CREATE DOMAIN span AS int4range;
CREATE DOMAIN pairs AS pair;
CREATE VIEW odd AS
SELECT loan.*, '{"a":1}'::json AS c1, '{"a":1}'::jsonb AS c2, point(1, 2) AS c3, circle(point(1, 2), 3) AS c4, to_tsvector('simple', 'a b') AS c5,
	   ARRAY['{}'::json] AS c6, ROW(1, '{}')::pair AS c7, 'x'::mood AS c8, '{}'::doc AS c9, '[1,2)'::span AS c10, '{[1,2)}'::int4multirange AS c11,
	   ROW(1, '{}')::pairs AS c12, ARRAY['[1,2)'::span] AS c13, B'101' AS c14, 1::money AS c15, '(0,1)'::tid AS c16, '1'::xid AS c17, loan AS c18,
	   ''::bytea AS c19, '12:00+01'::timetz AS c20, '1.2.3.4'::inet AS c21, 'a'::"char" AS c22, NULL::text AS c23
FROM loan;
SELECT verdict, n FROM ml.run_gates('loan', 1, 'odd');
SELECT verdict, n FROM ml.run_gates('loan', 1, 'SELECT *, ROW(1, NULL::json) AS r, ARRAY[ROW(1, NULL::json)] AS s FROM loan');
SELECT verdict, n FROM ml.run_gates('loan', 1, 'SELECT loan.*, a || b AS ab FROM loan, (SELECT ''a''::text COLLATE "C" AS a, ''b''::text COLLATE "POSIX" AS b) s');
SELECT verdict, n FROM ml.run_gates('loan', 1, 'SELECT income, age, gender, repaid, ctid, tableoid FROM loans');
SELECT verdict, n FROM ml.run_gates('loan', 1, 'parts');
CREATE TEMPORARY TABLE mine AS SELECT * FROM loan;
SELECT verdict, n FROM ml.run_gates('loan', 1, 'mine');
SELECT verdict, n FROM ml.run_gates('loan', 1, 'SELECT income, age, gender, repaid::text FROM loan');

-- Rows that decide nothing.
SELECT verdict, n, reason FROM ml.run_gates('loan', 1, 'SELECT * FROM loan WHERE false');
SELECT verdict, n, reason FROM ml.run_gates('loan', 1, 'SELECT * FROM loan LIMIT 1');
SELECT verdict, n, reason FROM ml.run_gates('loan', 1, 'SELECT income, age, gender, NULL::boolean AS repaid FROM loan');
SELECT ml.add_gate('loan', 'fast', 'latency_us', max => 1e9);
SELECT gate, value, verdict, n, reason FROM ml.run_gates('loan', 1, 'SELECT * FROM loan WHERE false') WHERE gate = 'fast';
SELECT ml.drop_gate('loan', 'fast');

-- Rows that cannot be judged.
SELECT FROM ml.run_gates('loan', 1, 'SELECT age, gender, repaid FROM loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT income, age, gender FROM loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT FROM loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT income, age, gender, NULL::json AS repaid FROM loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT *, NOT repaid AS repaid FROM loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT *, 1.0 AS income FROM loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT ''Infinity''::float8 AS income, age, gender, repaid FROM loan');
SELECT FROM ml.run_gates('loan', 9);
SELECT FROM ml.run_gates('loan', 0);
SELECT FROM ml.run_gates('nobody', 1);
SELECT count(*) AS runs FROM ml.runs WHERE model = 'loan' AND version = 9;

-- Slices: what a definition cannot name, and values that look like something else.
SELECT ml.add_gate('loan', 's', 'accuracy', min => 0, slices => '{gender,age,gender}');
SELECT ml.add_gate('loan', 's', 'accuracy', min => 0, slices => '{""}');
SELECT ml.add_gate('loan', 's', 'accuracy', min => 0, slices => '{NULL}');
SELECT ml.add_gate('loan', 's', 'accuracy', min => 0, slices => '{x}');
SELECT FROM ml.run_gates('loan', 1, 'loan');
SELECT FROM ml.run_gates('loan', 1, 'SELECT *, ARRAY[1] AS x FROM loan');
SELECT slice_value IS NULL AS none, replace(slice_value, E'\n', '\n') AS value, n FROM ml.run_gates('loan', 1,
	$$SELECT *, (ARRAY['', NULL, E'a\nb', '%s%n', '"''', 'ü'])[1 + id % 6] AS x FROM loans$$) WHERE slice_key = 'x';
SET extra_float_digits = -10;
SELECT slice_value, n FROM ml.run_gates('loan', 1, 'SELECT *, 1 + (id % 2) * 1e-12::float8 AS x FROM loans') WHERE slice_key = 'x';
RESET extra_float_digits;
SELECT slice_value, n FROM ml.run_gates('loan', 1, $$SELECT *, (ARRAY[0.1, 'NaN', 'Infinity', NULL])[1 + id % 4]::float4 AS x FROM loans$$) WHERE slice_key = 'x';
SELECT slice_value, n FROM ml.run_gates('loan', 1, 'SELECT *, id % 4 = 0 AS x FROM loans') WHERE slice_key = 'x';
SELECT ml.drop_gate('loan', 's');
SELECT ml.add_gate('loan', 's', 'accuracy', min => 0, slices => '{repaid,gender}');
SELECT slice_key, slice_value, n FROM ml.run_gates('loan', 1, 'loan') WHERE gate = 's';
SELECT ml.drop_gate('loan', 's');

-- Many slices: one event names the gate once, and a refusal tells some of them.
SELECT ml.add_gate('loan', 'many', 'accuracy', min => 2, slices => '{id}');
SELECT count(*), count(DISTINCT slice_value) FROM ml.run_gates('loan', 2, 'SELECT * FROM loans') WHERE gate = 'many';
SELECT count(*), count(DISTINCT slice_value) FROM ml.gate_results WHERE gate = 'many';
SELECT count(*) FROM ml.run_metrics WHERE run_id = (SELECT max(run_id) FROM ml.runs) AND name = 'many.accuracy';
SELECT detail -> 'not_passed' AS not_passed FROM ml.events WHERE kind = 'run_gates' ORDER BY event_id DESC LIMIT 1;
SELECT ml.deploy('loan', 2);
SELECT ml.drop_gate('loan', 'many');

-- Names.
SELECT ml.add_gate('loan', E'a"b\'c\n%s%n', 'accuracy', min => 2);
SELECT ml.add_gate('loan', repeat('ü', 31) || 'x', 'accuracy', min => 2);
SELECT ml.add_gate('loan', repeat('ü', 32), 'accuracy', min => 2);
SELECT ml.deploy('loan', 2);
SELECT ml.drop_gate('loan', name) FROM ml.gates WHERE model = 'loan' AND name <> 'auc';

-- Figures that are none.
SELECT FROM ml.train('y', 'SELECT i AS x, i % 7 AS z, i * 2.0 + i % 5 AS y FROM generate_series(1, 300) i', target => 'y', algorithm => 'linear_regression');
SELECT ml.add_gate('y', 'moves', 'invariance:x', max => 1e9), ml.add_gate('y', 'rises', 'increasing:x'), ml.add_gate('y', 'rmse', 'rmse', max => 1e300),
	   ml.add_gate('y', 'typo', 'decreasing:xx'), ml.add_gate('y', 'typo too', 'invariance:xx', max => 0);
SELECT gate, value, verdict, reason FROM ml.run_gates('y', 1, 'SELECT 1e308 * (1 - 2 * (i % 2)) AS x, 1e308::float8 AS z, i AS y FROM generate_series(1, 50) i');
SELECT gate, value, verdict, reason FROM ml.run_gates('y', 1, 'SELECT 1 AS x, 2 AS z, i AS y, 3 AS xx FROM generate_series(1, 50) i') WHERE gate <> 'rmse';

-- Behaviour is what ml.predict says with the column replaced.
SELECT FROM ml.train('trees', 'loans', target => 'income', algorithm => 'gradient_boosting', features => '{age,gender,w}', params => '{"n_trees": 20}');
SELECT FROM ml.train('trees', 'loans', target => 'income', algorithm => 'gradient_boosting', features => '{age,gender,w}', deploy => 'never',
					 params => '{"n_trees": 20, "monotone": {"age": 1}}');
SELECT ml.add_gate('trees', 'gender', 'invariance:gender', max => 1), ml.add_gate('trees', 'w', 'invariance:w', max => 1), ml.add_gate('trees', 'up', 'increasing:age');
SELECT gate, v.version, value = CASE gate WHEN 'gender' THEN (
		SELECT max(abs(ml.predict('trees/' || v.version, to_jsonb(l) || jsonb_build_object('gender', g)) - ml.predict('trees/' || v.version, to_jsonb(l))))
		FROM loans l, (VALUES ('f'), ('m')) x (g)) WHEN 'w' THEN (
		SELECT max(abs(ml.predict('trees/' || v.version, to_jsonb(l) || jsonb_build_object('w', g)) - ml.predict('trees/' || v.version, to_jsonb(l))))
		FROM loans l, generate_series(1, 3) x (g)) END AS same
FROM (VALUES (1), (2)) v (version), ml.run_gates('trees', v.version, 'loans') WHERE gate <> 'up' ORDER BY 1, 2;
SELECT v.version, value > 0 AS turns, verdict FROM (VALUES (1), (2)) v (version), ml.run_gates('trees', v.version, 'loans') WHERE gate = 'up' ORDER BY 1;

-- The trivial model, in plain SQL; a margin where smaller is better; a limit beside a comparison.
CREATE FUNCTION shown(reason text, what text) RETURNS float8 LANGUAGE sql AS $$ SELECT (regexp_match(reason, what || ' (-?[0-9.e+-]+[0-9])'))[1]::float8 $$;
SELECT ml.drop_gate('y', name) FROM ml.gates WHERE model = 'y';
SELECT ml.add_gate('y', 'mae', 'mae', versus => 'trivial'), ml.add_gate('key', 'trivial', 'log_loss', versus => 'trivial'), ml.add_gate('classes', 'trivial', 'log_loss', versus => 'trivial');
SELECT verdict, abs(shown(reason, 'trivial model') - (SELECT avg(abs(i - 25.5)) FROM generate_series(1, 50) i)) < 1e-4 AS same
FROM ml.run_gates('y', 1, 'SELECT i AS x, i % 7 AS z, i AS y FROM generate_series(1, 50) i');
SELECT verdict, abs(shown(reason, 'trivial model') + (SELECT avg(ln(CASE WHEN repaid THEN p ELSE 1 - p END)) FROM loans, (SELECT avg(repaid::int) AS p FROM loans) s)) < 1e-4 AS same
FROM ml.run_gates('key', 1, 'loans') WHERE gate = 'trivial';
SELECT abs(shown(reason, 'trivial model') + (SELECT avg(ln(share)) FROM loans JOIN (SELECT age / 20 AS old, count(*) / 1000.0 AS share FROM loans GROUP BY 1) s ON s.old = age / 20)) < 1e-4 AS same
FROM ml.run_gates('classes', 1, 'SELECT *, (age / 20)::text AS old FROM loans') WHERE gate = 'trivial';
SELECT ml.add_gate('loan', 'margin', 'brier', max => 0.5, versus => 'production', margin => 0.01), ml.add_gate('loan', 'better', 'brier', max => 0.5, versus => 'production', margin => -0.05),
	   ml.add_gate('loan', 'limit', 'brier', max => 0.01, versus => 'production', margin => 0.01);
SELECT gate, verdict, limit_value = 0.01 AS limit, regexp_replace(reason, '-?[0-9]+[.][0-9]+(e-[0-9]+)?', '#', 'g') AS reason FROM ml.run_gates('loan', 2, 'loan') WHERE gate <> 'auc';
SELECT gate, abs(r.limit_value - (avg(power(ml.probability('loan/1', l) - repaid::int, 2)) - 0.05)) < 1e-9 AS same
FROM ml.gate_results r, loan l WHERE r.model = 'loan' AND gate = 'better' GROUP BY gate, r.limit_value ORDER BY 1;
SELECT ml.drop_gate('loan', name) FROM ml.gates WHERE model = 'loan' AND name <> 'auc';

-- A deployer needs no right on what the source reads, and not even on its schema.
CREATE ROLE regress_gate_trainer;
CREATE ROLE regress_gate_deployer;
CREATE SCHEMA hidden AUTHORIZATION regress_gate_trainer;
SET ROLE regress_gate_trainer;
CREATE TABLE hidden.rows AS SELECT i AS x, i % 7 AS z, i * 2.0 + i % 5 AS y FROM generate_series(1, 300) i;
CREATE VIEW hidden.seen AS SELECT x, z, y FROM hidden.rows;
SELECT FROM ml.train('own', 'hidden.seen', target => 'y', algorithm => 'linear_regression', deploy => 'never');
SELECT FROM ml.train('own', 'hidden.seen', target => 'y', algorithm => 'linear_regression', deploy => 'never', seed => 2);
SELECT ml.add_gate('own', 'rmse', 'rmse', max => 100);
SELECT ml.grant('own', 'deploy', 'regress_gate_deployer');
SET ROLE regress_gate_deployer;
SELECT FROM hidden.rows;
SELECT gate, verdict FROM ml.run_gates('own', 1);
SELECT ml.deploy('own', 1);
-- nor does it see what it found, but for the answer
SELECT count(*) FROM ml.gate_results;
SELECT count(*) FROM ml.run_metrics;
RESET ROLE;
-- the search_path of the session has no part in whether a result stands
SET search_path = hidden, public;
SELECT ml.undeploy('own', 'production'), ml.deploy('own', 1);
RESET search_path;
SELECT count(*) AS runs FROM ml.runs WHERE model = 'own' AND kind = 'gate';
-- nor has how it quotes names
SET quote_all_identifiers = on;
SELECT ml.undeploy('own', 'production'), ml.deploy('own', 1);
RESET quote_all_identifiers;
SELECT count(*) AS runs FROM ml.runs WHERE model = 'own' AND kind = 'gate';
-- what the view is made of has
CREATE OR REPLACE VIEW hidden.seen AS SELECT x, z, y FROM hidden.rows WHERE x > 0;
SELECT ml.undeploy('own', 'production'), ml.deploy('own', 1);
SELECT count(*) AS runs FROM ml.runs WHERE model = 'own' AND kind = 'gate';
-- and what types its columns have
ALTER TABLE hidden.rows ADD COLUMN more integer;
SELECT ml.undeploy('own', 'production'), ml.deploy('own', 1);
SELECT count(*) AS runs FROM ml.runs WHERE model = 'own' AND kind = 'gate';

-- The same text by another search_path is another source.
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.rows AS SELECT * FROM hidden.rows;
CREATE TABLE two.rows AS SELECT x, z, y * 100 AS y FROM hidden.rows;
SET search_path = two;
SELECT gate, verdict FROM ml.run_gates('own', 2, 'rows');
SET search_path = one;
SELECT ml.add_gate('own', 'r2', 'r2', min => 0.5);
SELECT ml.drop_gate('own', 'rmse'), ml.add_gate('own', 'rmse', 'rmse', max => 100);
SELECT gate, verdict FROM ml.run_gates('own', 2, 'rows');
RESET search_path;
SELECT ml.add_gate('own', 'a new one', 'mae', max => 100);
SELECT ml.deploy('own', 2);
SELECT gate, verdict, search_path FROM ml.gate_results WHERE run_id = (SELECT max(run_id) FROM ml.gate_results) ORDER BY gate;
SELECT ml.drop_gate('own', name) FROM ml.gates WHERE model = 'own';

-- Whoever recorded a source gains nothing when another deploys.
CREATE ROLE regress_gate_evil;
SELECT ml.grant('own', 'deploy', 'regress_gate_evil');
CREATE TABLE secret AS SELECT 42 AS answer;
GRANT SELECT ON secret TO regress_gate_deployer;
GRANT CREATE ON SCHEMA public TO regress_gate_evil, regress_gate_trainer;
SELECT ml.add_gate('own', 'rmse', 'rmse', max => 100);
SET SESSION AUTHORIZATION regress_gate_evil;
CREATE TABLE loot (what text);
GRANT INSERT ON loot TO PUBLIC;
CREATE FUNCTION trick(x integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	BEGIN PERFORM answer FROM public.secret; RAISE WARNING 'read as %', current_user; EXCEPTION WHEN insufficient_privilege THEN END;
	BEGIN INSERT INTO public.loot VALUES ('x'); RAISE WARNING 'wrote as %', current_user; EXCEPTION WHEN OTHERS THEN END;
	BEGIN EXECUTE 'SET ROLE regress_gate_deployer'; RAISE WARNING 'became %', current_user; EXCEPTION WHEN OTHERS THEN END;
	BEGIN EXECUTE 'RESET ROLE'; RAISE WARNING 'reset to %', current_user; EXCEPTION WHEN OTHERS THEN END;
	BEGIN EXECUTE 'CREATE TEMPORARY TABLE t (x integer)'; RAISE WARNING 'temporary'; EXCEPTION WHEN OTHERS THEN END;
	BEGIN PERFORM ml.deploy('own', 1, force => true, reason => 'x'); RAISE WARNING 'deployed'; EXCEPTION WHEN OTHERS THEN END;
	IF current_user <> 'regress_gate_evil' THEN RAISE WARNING 'run by %', current_user; END IF;
	RETURN x;
END $$;
CREATE VIEW bait AS SELECT trick(i) AS x, i % 7 AS z, i * 2.0 + i % 5 AS y FROM generate_series(1, 3) i;
SELECT gate, verdict FROM ml.run_gates('own', 2, 'SELECT trick(x) AS x, z, y FROM bait');
RESET SESSION AUTHORIZATION;
SELECT actor FROM ml.gate_results WHERE run_id = (SELECT max(run_id) FROM ml.gate_results);
SET ROLE regress_gate_deployer;
SELECT ml.undeploy('own', 'production');
SELECT ml.deploy('own', 2);
SELECT current_user;
SELECT ml.undeploy('own', 'production'), ml.promote('own', 2), ml.promote('own', 2);
RESET ROLE;
SELECT count(*) FROM loot;
-- a source that changes who reads it is no source
SET ROLE regress_gate_evil;
SELECT FROM ml.run_gates('own', 2, 'SELECT * FROM bait');
SELECT current_user;
RESET ROLE;
-- the role lost its rights, and then went
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM regress_gate_evil;
SELECT ml.undeploy('own', 'production');
SELECT ml.deploy('own', 2);
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT ml.revoke('own', 'deploy', 'regress_gate_evil');
DROP OWNED BY regress_gate_evil CASCADE;
DROP ROLE regress_gate_evil;
SELECT ml.deploy('own', 2);
SELECT ml.deploy('own', 2, force => true, reason => 'its judge has left');
SELECT detail FROM ml.events WHERE kind = 'force' ORDER BY event_id DESC LIMIT 1;

-- Gates of other roles are not asked; every way into a role asks its own.
SELECT ml.add_gate('loan', 'staging', 'accuracy', min => 2, role => 'staging'), ml.add_gate('loan', 'shadow', 'accuracy', min => 2, role => 'shadow'),
	   ml.add_gate('loan', 'canary', 'accuracy', min => 2, role => 'canary');
SELECT ml.promote('loan', 2);
SELECT ml.deploy('loan', 2, 'staging');
SELECT ml.deploy('loan', 2, 'staging', force => true, reason => 'r'), ml.drop_gate('loan', 'staging');
SELECT ml.promote('loan', 2);
SELECT ml.drop_gate('loan', 'shadow'), ml.promote('loan', 2);
SELECT ml.promote('loan', 2);
SELECT ml.drop_gate('loan', 'canary'), ml.promote('loan', 2), ml.promote('loan', 2);
SELECT version, role FROM ml.deployments WHERE model = 'loan' AND ended_at IS NULL ORDER BY 1;
-- back without gates
SELECT ml.drop_gate('loan', 'auc'), ml.add_gate('loan', 'auc', 'auc', min => 2);
SELECT ml.rollback('loan');
SELECT ml.deploy('loan', 2);
-- forced: what compares with another production than today's has not been judged
SELECT ml.drop_gate('loan', 'auc'), ml.add_gate('loan', 'versus', 'auc', versus => 'production', margin => 1);
SELECT verdict FROM ml.run_gates('loan', 2);
SELECT FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression', seed => 3, deploy => 'never');
SELECT ml.deploy('loan', 3);
SELECT ml.deploy('loan', 2, force => true, reason => 'r');
SELECT detail FROM ml.events WHERE kind = 'force' ORDER BY event_id DESC LIMIT 1;
-- approvals are asked for besides, and a failure of either leaves nothing
SELECT ml.require_approval('loan', 'production', 1);
SELECT count(*) AS runs FROM ml.runs WHERE kind = 'gate' \gset
SELECT ml.deploy('loan', 1);
SELECT count(*) - :runs AS runs FROM ml.runs WHERE kind = 'gate';
SELECT deployed, notes FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression', deploy => 'always', seed => 4);
SELECT ml.require_approval('loan', 'production', 0);

-- Training, and who may not deploy.
SELECT ml.grant('loan', 'train', 'regress_gate_trainer');
GRANT SELECT ON loan TO regress_gate_trainer;
SET ROLE regress_gate_trainer;
SELECT deployed, notes FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression', deploy => 'if_gates_pass', seed => 5);
RESET ROLE;
SELECT deployed, notes FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression', deploy => 'first', seed => 6);
SELECT deployed, notes FROM ml.train('loan', 'loan', target => 'repaid', algorithm => 'logistic_regression', deploy => 'if_gates_pass', seed => 7);

-- Transactions.
SELECT count(*) AS runs FROM ml.runs WHERE kind = 'gate' \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT ml.add_gate('loan', 'late', 'accuracy', min => 0.1);
SELECT gate, verdict FROM ml.run_gates('loan', 1) ORDER BY 1;
SELECT ml.deploy('loan', 1);
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SAVEPOINT s;
SELECT ml.deploy('loan', 1);
ROLLBACK TO s;
SELECT version FROM ml.deployments WHERE model = 'loan' AND role = 'production' AND ended_at IS NULL;
ROLLBACK;
DO $$
BEGIN
	PERFORM ml.run_gates('loan', 1);
	PERFORM ml.deploy('loan', 1);
	RAISE EXCEPTION 'no';
EXCEPTION WHEN raise_exception THEN
	RAISE WARNING 'production: %', (SELECT version FROM ml.deployments WHERE model = 'loan' AND role = 'production' AND ended_at IS NULL);
END $$;
SELECT count(*) - :runs AS runs FROM ml.runs WHERE kind = 'gate';
BEGIN READ ONLY;
SELECT FROM ml.run_gates('loan', 1);
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.add_gate('loan', 'x', 'auc', min => 0);
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.drop_gate('loan', 'x');
ROLLBACK;

-- The source of a training has changed since.
ALTER TABLE hidden.rows RENAME COLUMN z TO zz;
SET ROLE regress_gate_trainer;
CREATE OR REPLACE VIEW hidden.seen AS SELECT x, zz AS z, y FROM hidden.rows;
SELECT ml.add_gate('own', 'again', 'rmse', max => 100);
SELECT ml.grant('own', 'deploy', 'regress_gate_deployer');
SELECT gate, verdict FROM ml.run_gates('own', 1) ORDER BY 1;
DROP VIEW hidden.seen;
SELECT FROM ml.run_gates('own', 1);
CREATE VIEW hidden.seen AS SELECT x, y FROM hidden.rows;
SELECT FROM ml.run_gates('own', 1);
DROP VIEW hidden.seen;
CREATE VIEW hidden.seen AS SELECT x, zz::text AS z, y FROM hidden.rows;
SELECT FROM ml.run_gates('own', 1);

RESET ROLE;

\c contrib_regression
DROP DATABASE regress_ml_gates_hard;
DROP ROLE regress_gate_few, regress_gate_trainer, regress_gate_deployer;
