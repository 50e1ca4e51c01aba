-- The scan of ml.check_data: workers and a small memory change nothing of what is found, and bytes of an unknown hand are an
-- error or a number.
CREATE ROLE regress_ml_hand;
CREATE DATABASE regress_ml_check_scan TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_check_scan
CREATE EXTENSION pg_mlops;
\pset format unaligned
\set SHOW_CONTEXT never
-- values that do not fit into 1 MB, of every way in which they are counted
CREATE TABLE big AS
	SELECT i AS id, sin(i) * 100 AS x, CASE WHEN i % 7 = 0 THEN NULL ELSE i % 10011 / 8::numeric END AS y, 'text ' || i % 13009 AS s,
		   'g' || i % 11 AS g, timestamptz '2026-01-01' + i % 16007 * interval '1 minute' AS at, (i % 3 = 0) AS yes,
		   CASE WHEN i % 5 = 0 THEN float8 'NaN' WHEN i % 9 = 0 THEN float8 '-0' ELSE cos(i) END AS nan, i % 30 AS few
	FROM generate_series(1, 20000) AS i;
CREATE TABLE known AS SELECT i AS few FROM generate_series(0, 25) AS i;
ANALYZE big;
SELECT count(ml.add_check('all', kind, columns, params)) FROM (VALUES
	('unique', '{s}'::text[], '{}'::jsonb), ('unique', '{x,s}', '{"where": "id % 2 = 0"}'), ('primary_key', '{y,s}', '{}'),
	('duplicate_rows', '{y,g}', '{}'), ('duplicate_rows', '{}', '{}'), ('conflicting_labels', '{y,s}', '{}'), ('conflicting_labels', '{s,g}', '{}'),
	('distinct_count', '{x}', '{"min": 0}'), ('distinctness', '{y}', '{"min": 0}'), ('uniqueness', '{s}', '{"min": 0}'),
	('uniqueness', '{at}', '{"of": "values", "min": 0}'), ('row_count', '{}', '{"min": 0}'), ('row_count', '{}', '{"min": 0, "where": "y > 5"}'),
	('null_fraction', '{y}', '{"min": 0}'), ('completeness', '{y}', '{"min": 0}'), ('nan_fraction', '{nan}', '{"min": 0}'), ('zero_fraction', '{nan}', '{"min": 0}'),
	('domain_mass', '{g}', '{"values": ["g1", "g2"], "min": 0}'), ('mean', '{x}', '{"min": 0}'), ('mean', '{nan}', '{"min": 0, "where": "yes"}'),
	('median', '{x}', '{"min": 0}'), ('stddev', '{x}', '{"min": 0}'), ('variance', '{y}', '{"min": 0}'), ('min', '{at}', '{"min": "2025-01-01"}'),
	('max', '{y}', '{"min": 0}'), ('sum', '{y}', '{"min": 0}'), ('quantile', '{y}', '{"q": 0.3, "min": 0}'), ('interquartile_range', '{nan}', '{"min": 0}'),
	('skewness', '{x}', '{"min": 0}'), ('kurtosis', '{y}', '{"min": 0}'), ('entropy', '{s}', '{"min": 0}'), ('entropy', '{y,g}', '{"min": 0}'),
	('correlation', '{x,y}', '{"min": 0}'), ('mutual_information', '{s,g}', '{"min": 0}'), ('most_common', '{s}', '{"values": ["text 1"], "ties": true}'),
	('most_common', '{y}', '{"values": [1]}'), ('most_common_share', '{s}', '{"max": 1}'), ('constant_column', '{g}', '{}'),
	('distinct_in_set', '{s}', '{"values": ["text 1", "text 2"]}'), ('distinct_in_set', '{few}', '{"values": [1, 2], "mode": "contain"}'),
	('monotonic', '{y}', '{"order_by": "id"}'), ('no_gaps', '{at}', '{"step": "2 minutes"}'), ('no_gaps', '{y}', '{"step": 0.125}'),
	('distribution', '{x}', '{"edges": [-50, 0, 50], "counts": [1, 2, 2, 1]}'), ('distribution', '{g}', '{"levels": ["g1", "g2"], "counts": [1, 2]}'),
	('metric_history', '{s}', '{"metric": "distinct_count"}'), ('row_count_change', '{}', '{"min_ratio": 0.5}'), ('label_leakage', '{s,y,g,yes}', '{}'),
	('group_coverage', '{s}', '{"min_rows": 2}'), ('group_missingness', '{s,y}', '{"max": 1}'), ('custom_sql', '{}', '{"query": "SELECT count(*) FROM {source} AS q", "expected": 20000}'),
	('range', '{x}', '{"min": 0, "mostly": 0.4, "where": "few > 3"}'), ('in_set', '{g}', '{"values": ["g1"]}'), ('matches', '{s}', '{"pattern": "7$"}'),
	('predicate', '{}', '{"expression": "x < y"}'), ('foreign_key', '{few}', '{"references": "public.known"}'), ('length', '{s}', '{"max": 9}'),
	('finite', '{nan}', '{}'), ('z_score', '{x}', '{"mean": 0, "stddev": 50, "max": 1}'), ('not_null', '{y}', '{}')
	) AS kinds (kind, columns, params);
-- what is found, but for the history; the third and fourth moments to twelve digits
CREATE FUNCTION found(suite text, source text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', name, status, n, n_failed, CASE WHEN kind IN ('skewness', 'kurtosis') THEN
		jsonb_build_object('value', round((observed ->> 'value')::numeric, 12)) ELSE observed - '{history,low,high,ratio,before}'::text[] END)
	FROM ml.check_data(suite, source) WHERE status NOT IN ('error', 'skipped') AND kind <> 'row_count_change' $$;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE alone AS SELECT f FROM found('all', 'big') AS f;
SELECT count(*) FROM alone;
-- what is found otherwise than by one process with room enough
CREATE FUNCTION otherwise(source text, but text DEFAULT 'nothing') RETURNS SETOF text LANGUAGE sql AS $$
	WITH now AS MATERIALIZED (SELECT f FROM found('all', source) AS f)
	(SELECT 'now ' || f FROM (TABLE now EXCEPT TABLE alone) AS n WHERE f !~ but) UNION ALL
	(SELECT 'once ' || f FROM (TABLE alone EXCEPT TABLE now) AS o WHERE f !~ but) $$;

-- Workers. The leader takes no part, so a column says who read it.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
EXPLAIN (COSTS OFF) SELECT ml.check_scan('\x00000001ffffffffffffffff0000000000000000', id > 3) FROM big;
EXPLAIN (COSTS OFF) SELECT ml.check_scan_row('\x00000001ffffffffffffffff0000000000000000', w.*) FROM (SELECT id > 3 FROM big) AS w;
SELECT otherwise('big');
SET parallel_leader_participation = off;
CREATE FUNCTION pid() RETURNS integer LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN pg_backend_pid(); END';
SELECT ml.add_check('who', 'most_common', '{elsewhere}', '{"values": [true]}'), ml.add_check('who', 'constant_column', '{elsewhere}');
SELECT name, observed FROM ml.check_data('who', format('SELECT pid() <> %s AS elsewhere FROM big', pg_backend_pid()));
SELECT otherwise('big');
-- the same with rows as one value
SELECT 'SELECT b.*, ' || string_agg(format('few AS c%s', i), ', ') || ' FROM big AS b' AS wide FROM generate_series(1, 110) AS i \gset
SELECT count(ml.add_check('all', 'not_null', ARRAY['c' || i])) FROM generate_series(1, 110) AS i;
SELECT otherwise(:'wide', '^(c[0-9]|duplicate_rows )');
SELECT count(ml.drop_check('all', format('c%s_not_null', i))) FROM generate_series(1, 110) AS i;

-- Little memory: what keeps values is scanned for again, which a notice says.
SET maintenance_work_mem = '1MB';
SET client_min_messages = warning;
SELECT otherwise('big');
SET max_parallel_workers_per_gather = 0;
RESET client_min_messages;
SELECT otherwise('big');
SET client_min_messages = warning;
SELECT name, n_failed = (SELECT count(*) FROM ml.failing_rows('all', name, 'big')) FROM ml.check_data('all', 'big')
WHERE n_failed > 0 AND kind IN ('unique', 'primary_key', 'duplicate_rows', 'conflicting_labels', 'monotonic', 'no_gaps');
RESET ALL;
\pset format unaligned

-- By hand. A real spec of columns, conditions, checks and collectors, cut and bent: each is an error or bytes.
SET ROLE regress_ml_hand;
SELECT ml.check_scan_add(NULL, '\x00', 1);
SELECT ml.check_scan_combine(NULL, NULL);
SELECT ml.check_scan(NULL, 1);
SELECT ml.check_scan('\x', 1);
SELECT ml.check_scan_row('\x00000000000000000000', NULL::record);
SELECT ml.check_scan('\x00000001ffffffffffffffff0000000000000000', true);
SELECT ml.check_scan('\x00000001ffffffffffffffff0000000000000000', 1);
RESET ROLE;
CREATE TABLE small AS SELECT id, x, y, s, g, at, yes, nan FROM big LIMIT 50;
SELECT ml.add_check('some', kind, columns, params) FROM (VALUES ('range', '{id}'::text[], '{"min": 3, "where": "id > 2"}'::jsonb),
	('predicate', '{}', '{"expression": "x < y"}'), ('distribution', '{s}', '{"levels": ["text 1"], "counts": [1]}'),
	('distribution', '{nan}', '{"edges": [0, 1], "counts": [1, 2, 3]}'), ('mean', '{y}', '{"min": 0}'), ('kurtosis', '{x}', '{"min": 0}'),
	('correlation', '{x,y}', '{"min": 0}'), ('entropy', '{s}', '{"min": 0}'), ('conflicting_labels', '{s,g}', '{}'), ('unique', '{s,at}', '{}'),
	('most_common', '{s}', '{"values": ["a"]}'), ('duplicate_rows', '{g,yes}', '{}')) AS kinds (kind, columns, params);
-- a function in the source sees the statement that it is in
CREATE FUNCTION see() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	stack text;
	seen text[];
BEGIN
	GET DIAGNOSTICS stack = PG_CONTEXT;
	seen = regexp_match(stack, 'check_scan\(''(.x[0-9a-f]+)''::pg_catalog.bytea, (.*?)\) FROM');
	PERFORM set_config('seen.spec', seen[1], false), set_config('seen.columns', seen[2], false);
	RETURN true;
END $$;
SELECT count(*) FROM ml.check_data('some', 'SELECT * FROM small WHERE see()');
SELECT length(current_setting('seen.spec')) > 1000, current_setting('seen.columns');
CREATE AGGREGATE merge(bytea) (SFUNC = ml.check_scan_combine, STYPE = bytea);
CREATE FUNCTION scan(spec bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	state bytea;
BEGIN
	EXECUTE format('SELECT ml.check_scan($1, %s) FROM small AS s', current_setting('seen.columns')) INTO state USING spec;
	RETURN state;
END $$;
SELECT length(scan(current_setting('seen.spec')::bytea)) > 1000 AS state;
-- the i-th way to damage bytes: cut, a bit turned, a byte set, four bytes set
CREATE FUNCTION bent(b bytea, i integer) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	draw bigint = ('x' || substr(md5(i::text), 1, 12))::bit(48)::bigint;
	at integer = draw % length(b);
	four integer = least(at, length(b) - 4);
BEGIN
	RETURN CASE i % 4 WHEN 0 THEN substr(b, 1, at)
					  WHEN 1 THEN set_bit(b, draw % (8 * length(b)), 1 - get_bit(b, draw % (8 * length(b))))
					  WHEN 2 THEN set_byte(b, at, (i * 85) % 256)
					  ELSE overlay(b PLACING decode(CASE WHEN i % 8 = 3 THEN 'ffffffff' ELSE '00ffffff' END, 'hex') FROM four + 1) END;
END $$;
CREATE FUNCTION endings(what text, times integer) RETURNS TABLE (tried bigint, refused boolean, taken boolean) LANGUAGE plpgsql AS $$
DECLARE
	spec bytea = current_setting('seen.spec');
	state bytea = scan(spec);
	out bytea;
	errors bigint = 0;
BEGIN
	tried = 0;
	FOR i IN 1 .. times LOOP
		BEGIN
			tried = tried + 1;
			IF what = 'spec' THEN
				out = scan(bent(spec, i));
			ELSIF what = 'state' THEN
				SELECT merge(b) INTO out FROM (VALUES (state), (bent(state, i))) AS v (b);
			ELSE
				SELECT merge(b) INTO out FROM (VALUES (bent(state, i)), (bent(state, i + 1)), (NULL)) AS v (b);
			END IF;
		EXCEPTION WHEN OTHERS THEN
			errors = errors + 1;
		END;
	END LOOP;
	refused = errors > times / 10;
	taken = errors < times;
	RETURN NEXT;
END $$;
SELECT * FROM endings('spec', 1000);
SELECT * FROM endings('state', 1000);
SELECT * FROM endings('states', 1000);
-- a few bytes that promise much
SELECT merge(b) FROM (VALUES ('\x00000000ffffffff'::bytea)) AS v (b);
SELECT merge(b) FROM (VALUES ('\x7fffffff00000000'::bytea)) AS v (b);
SELECT merge(b) FROM (SELECT '\x0000000000000010'::bytea || decode(repeat('0900000100', 400), 'hex') AS b) AS v;

\c postgres
DROP DATABASE regress_ml_check_scan;
DROP ROLE regress_ml_hand;
