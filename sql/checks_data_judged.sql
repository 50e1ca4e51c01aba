-- Kinds of checks that judge data: what ml.check_data and ml.failing_rows say of each.
CREATE DATABASE regress_ml_checks_data_judged TEMPLATE template0;
\c regress_ml_checks_data_judged
SET client_min_messages = warning;
SET DateStyle = 'ISO';
SET TimeZone = 'UTC';
SET extra_float_digits = 0;
CREATE EXTENSION pg_mlops;

-- Ninety rows: columns of numbers, times, texts, with NULL, NaN, zero, gaps and repeated values.
CREATE TABLE t AS
	SELECT i AS id, i % 30 AS k, (i % 10) * 0.5::float8 AS x, CASE WHEN i % 9 = 0 THEN float8 'NaN' ELSE i % 3 END AS nan,
		   CASE WHEN i % 6 <> 0 THEN i END AS y, i * 2.5::numeric AS z, (array['a', 'b', 'c', 'a'])[i % 4 + 1] AS g,
		   (array['a', 'b', 'c', 'a'])[i % 4 + 1] || i % 2 AS label, 'same'::text AS one,
		   date '2026-01-01' + i + CASE WHEN i > 50 THEN 3 ELSE 0 END AS d, timestamp '2026-01-01' + i * interval '1 h' AS at,
		   CASE WHEN i = 40 THEN 1 ELSE i END AS up
	FROM generate_series(1, 90) AS i;
CREATE TABLE other AS SELECT * FROM t WHERE id <= 89;
CREATE TABLE nulls AS
	SELECT NULL::int AS id, NULL::int AS k, NULL::float8 AS x, NULL::float8 AS nan, NULL::int AS y, NULL::numeric AS z, NULL::text AS g,
		   NULL::text AS label, NULL::text AS one, NULL::date AS d, NULL::timestamp AS at, NULL::int AS up
	FROM generate_series(1, 3);
CREATE TABLE none AS SELECT * FROM t WHERE false;

-- One check that passes and one that fails of each kind; the names say which.
CREATE FUNCTION pair(kind text, columns text[], passes jsonb, fails jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT ml.add_check('all', kind, columns, passes, name => kind || ' passes'),
		   ml.add_check('all', kind, columns, fails, name => kind || ' fails') $$;
SELECT pair(kind, columns, passes, fails) FROM (VALUES
	('unique', '{k}'::text[], '{"mostly": 0, "where": "id > 1"}'::jsonb, '{"mostly": 0.5}'::jsonb),
	('primary_key', '{y}', '{"mostly": 0.8}', '{}'),
	('duplicate_rows', '{x,g}', '{"max_share": 0.8}', '{"max": 69}'),
	('conflicting_labels', '{x,label}', '{"max": 1}', '{}'),
	('distinct_count', '{g}', '{"min": 3, "max": 3}', '{"min": 4}'),
	('distinctness', '{g,x}', '{"max": 0.25}', '{"min": 0.25}'),
	('uniqueness', '{y}', '{"min": 1}', '{"max": 0.5}'),
	('row_count', '{}', '{"max": 90}', '{"min": 91}'),
	('row_count_match', '{}', '{"references": "public.other", "min_ratio": 1, "max_ratio": 1.1}', '{"references": "public.other"}'),
	('aggregate_match', '{z}', '{"references": "public.other", "min_ratio": 1, "max_ratio": 1.1}', '{"references": "public.other"}'),
	('matches_dataset', '{}', '{"references": "public.other", "max": 1}', '{"references": "public.other"}'),
	('null_fraction', '{y}', '{"max": 0.2}', '{"max": 0.1}'),
	('completeness', '{y}', '{"min": 0.8}', '{"min": 0.9}'),
	('nan_fraction', '{nan}', '{"max": 0.2}', '{"max": 0.1}'),
	('zero_fraction', '{x}', '{"max": 0.2}', '{"max": 0.05}'),
	('domain_mass', '{g}', '{"values": ["a", "b"], "min": 0.7}', '{"values": ["a", "b"], "min": 0.8}'),
	('mean', '{x}', '{"min": 2, "max": 2.5}', '{"max": 2}'),
	('median', '{x}', '{"min": 2, "max": 2.5}', '{"max": 2}'),
	('stddev', '{x}', '{"min": 1, "max": 2}', '{"max": 1}'),
	('variance', '{x}', '{"min": 2, "max": 3}', '{"max": 1}'),
	('min', '{d}', '{"min": "2026-01-02"}', '{"min": "2026-01-03"}'),
	('max', '{z}', '{"max": 225}', '{"max": 224.9}'),
	('sum', '{y}', '{"min": 3375, "max": 3375}', '{"min": 3376}'),
	('quantile', '{z}', '{"q": 0.9, "max": 203}', '{"q": 0.9, "max": 202.7}'),
	('interquartile_range', '{z}', '{"max": 111.25}', '{"max": 111}'),
	('skewness', '{x}', '{"min": -0.1, "max": 0.1}', '{"min": 1}'),
	('kurtosis', '{x}', '{"max": -1}', '{"min": 0}'),
	('entropy', '{g}', '{"min": 1}', '{"min": 2}'),
	('correlation', '{id,z}', '{"min": 0.99}', '{"max": 0}'),
	('mutual_information', '{g,label}', '{"min": 0.9}', '{"max": 0.1}'),
	('most_common', '{g}', '{"values": ["a", "c"]}', '{"values": ["b"]}'),
	('most_common_share', '{g}', '{"max": 0.55}', '{"max": 0.4}'),
	('constant_column', '{g}', '{"max_share": 0.6}', '{"max_share": 0.4}'),
	('distinct_in_set', '{g}', '{"values": ["a", "b", "c", "d"]}', '{"values": ["a", "d"], "mode": "equal"}'),
	('columns', '{id,x}', '{"match": "superset"}', '{}'),
	('missing_column', '{id}', '{}', '{}'),
	('column_exists', '{g}', '{}', '{}'),
	('new_column', '{id,k,x,nan,y,z,g,label,one,d,at,up}', '{}', '{}'),
	('banned_column', '{ssn}', '{}', '{"like": ["La%"]}'),
	('column_count', '{}', '{"max": 12}', '{"max": 11}'),
	('column_types', '{}', '{"types": {"id": "integer", "d": "date"}}', '{"types": {"id": "bigint", "e": "date"}}'),
	('monotonic', '{up}', '{"order_by": "id", "mostly": 0.9}', '{"order_by": "id"}'),
	('no_gaps', '{d}', '{"step": "1 day", "max": 1}', '{"step": "1 day"}'),
	('freshness', '{at}', '{"max_age": "100000 days"}', '{"max_age": "1 second"}'),
	('point_in_time', '{d,at}', '{"mostly": 0}', '{}'),
	('distribution', '{x}', '{"edges": [1, 3], "counts": [20, 40, 30]}', '{"edges": [1, 3], "counts": [900, 40, 30]}'),
	('metric_history', '{x}', '{"metric": "mean"}', '{"metric": "mean", "strategy": "absolute", "max_change": 0.1, "min_history": 1}'),
	('row_count_change', '{}', '{"min_ratio": 0.1}', '{"min_ratio": 2}'),
	('label_leakage', '{x,g,label}', '{"max": 1}', '{"max": 0.4}'),
	('group_coverage', '{g}', '{"min_rows": 20}', '{"min_rows": 30, "groups": ["a", "b", "e"]}'),
	('group_missingness', '{g,y}', '{"max_difference": 0.5}', '{"max_difference": 0.1}'),
	('custom_sql', '{}', '{"query": "SELECT count(*) FROM {source} AS q WHERE id IS NULL OR id < 0", "expected": 0}',
	 '{"query": "SELECT id FROM {source} AS q WHERE x > 4", "rows": 0}')
	) AS kinds (kind, columns, passes, fails);
SELECT ml.drop_check('all', kind || ' fails') FROM unnest('{missing_column,column_exists,new_column}'::text[]) AS kind;
SELECT ml.add_check('all', 'missing_column', '{id,ids}', name => 'missing_column fails'),
	   ml.add_check('all', 'column_exists', '{gs}', name => 'column_exists fails'),
	   ml.add_check('all', 'new_column', '{id}', name => 'new_column fails');
-- every kind that judges data only is here
SELECT kind FROM ml.check_kinds WHERE scope = 'data' EXCEPT SELECT kind FROM ml.checks WHERE suite = 'all';

-- What is observed, to ten digits; without the age that freshness observes, and without what chance makes of a distribution.
CREATE FUNCTION judged(source text) RETURNS TABLE (name text, status text, observed jsonb, n bigint, n_failed bigint)
	LANGUAGE sql AS $$
	SELECT name, status, CASE WHEN kind = 'freshness' THEN observed - 'value'
							  WHEN jsonb_typeof(observed -> 'value') = 'number'
							  THEN observed - '{p_value,limit}'::text[] ||
								   jsonb_build_object('value', trim_scale(round((observed ->> 'value')::numeric, 10)))
							  ELSE observed END, n, n_failed
	FROM ml.check_data('all', source) $$;
\pset format unaligned
SELECT * FROM judged('t');
-- what is not as its name says: metric_history and row_count_change have no history yet
SELECT name, status FROM ml.check_data('all', 't') WHERE status <> CASE WHEN name LIKE '% passes' THEN 'pass' ELSE 'fail' END;
SELECT * FROM judged('nulls');
SELECT * FROM judged('none');

-- expected is the same whatever the source
SELECT name, expected FROM ml.check_data('all', 'none');

-- rows that fail are as many as are counted
CREATE FUNCTION rows_that_fail(source text) RETURNS TABLE (name text, counted bigint, given bigint) LANGUAGE sql AS $$
	SELECT c.name, c.n_failed, (SELECT count(*) FROM ml.failing_rows('all', c.name, source)) FROM ml.check_data('all', source) AS c $$;
SELECT * FROM rows_that_fail('t') WHERE given <> counted OR given > 0;
SELECT * FROM rows_that_fail('nulls') WHERE given <> counted OR given > 0;
SELECT * FROM rows_that_fail('none') WHERE given <> counted OR given > 0;
SELECT ml.failing_rows('all', 'no_gaps fails', 't');
SELECT ml.failing_rows('all', 'monotonic fails', 'SELECT id, up FROM t');
SELECT count(*), min(r ->> 'k'), max(r ->> 'k') FROM ml.failing_rows('all', 'unique passes', 't') AS r;

\c postgres
DROP DATABASE regress_ml_checks_data_judged;
