-- Importance of features: by the trees' own account, and by permutation. Figures of a fit are only compared with limits.
CREATE DATABASE regress_ml_importance TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_importance
SET lc_messages = 'C';
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;
CREATE FUNCTION fails(query text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT count(*) FROM ' || query;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN NEXT;
END
$$;

-- Column a decides, b adds a little, noise nothing, and rare is the same in all but a few rows.
CREATE TABLE ground AS
	SELECT i, a, b, noise, rare, kind, vec, 10 * a + b AS y, 10 * a + b > 50 AS yes, CASE WHEN a < 3 THEN 'low' WHEN a < 6 THEN 'middle' ELSE 'high' END AS class
	FROM (SELECT i, i * 7919 % 1009 / 100.0::float8 AS a, i * 104729 % 97 / 10.0::float8 AS b, (i::bigint * i * 2654435761 % 1013)::int AS noise,
			(i % 2000 = 7)::int AS rare, 'k' || i * 31 % 7 AS kind, ARRAY[i * 29 % 83, CASE WHEN i % 9 > 0 THEN i * 37 % 61 END]::float8[] AS vec
		FROM generate_series(1, 6000) i) s;
CREATE VIEW plain AS SELECT a, b, noise, rare, y FROM ground;
SELECT version, features FROM ml.train('trees', 'plain', 'y', 'gradient_boosting', params => '{"n_trees": 30, "min_rows": 20, "row_fraction": 1, "node_column_fraction": 1, "path_smoothing": 0}');
SELECT version, features FROM ml.train('line', 'plain', 'y', 'linear_regression');

-- Every design column is listed, most first; what no split uses has 0.
SELECT row_number() OVER () AS place, feature, importance > 0 AS used FROM ml.importance('trees') WHERE feature <> 'noise';
SELECT array_agg(g.importance ORDER BY g.place) = array_agg(g.importance ORDER BY g.importance DESC, feature) AS sorted,
	bool_and((g.importance > 0) = (s.importance > 0)) AS agree, bool_and(s.importance = trunc(s.importance)) AS counts, min(s.importance) AS least,
	sum(s.importance) = (SELECT sum(CASE name WHEN 'leaves' THEN value ELSE -value END) FROM ml.summary('trees') WHERE name IN ('leaves', 'trees')) AS inner_nodes
	FROM ROWS FROM (ml.importance('trees', 'gain')) WITH ORDINALITY AS g (feature, importance, place) JOIN ml.importance('trees', 'split') s USING (feature);
SELECT (SELECT importance FROM ml.importance('trees') WHERE feature = 'a') > 20 * (SELECT importance FROM ml.importance('trees') WHERE feature = 'b') AS decides;
-- Design columns, not inputs, have a gain; equal ones stand by name.
SELECT version FROM ml.train('steps', 'SELECT a, kind, vec, y FROM ground', 'y', 'gradient_boosting', params => '{"n_trees": 2, "max_depth": 1, "row_fraction": 1, "node_column_fraction": 1, "path_smoothing": 0}', pipeline => '[{"step": "impute"}, {"step": "one_hot"}]');
SELECT feature, importance FROM ml.importance('steps', 'split');

-- By permutation: 2 * slope^2 * variance is what to expect of a line.
SELECT feature FROM ml.importance('trees', 'permutation') LIMIT 2;
SELECT feature FROM ml.importance('line', 'permutation') LIMIT 2;
SELECT m, max(importance) FILTER (WHERE feature = 'a') / (SELECT 200 * var_pop(a) FROM ground) BETWEEN 0.95 AND 1.05 AS a,
	max(importance) FILTER (WHERE feature = 'b') / (SELECT 2 * var_pop(b) FROM ground) BETWEEN 0.6 AND 1.1 AS b,
	max(abs(importance)) FILTER (WHERE feature = 'noise') < 0.05 AS noise, max(abs(importance)) FILTER (WHERE feature = 'rare') < 0.01 AS rare, count(*)
	FROM unnest('{trees,line}'::text[]) m, ml.importance(m, 'permutation') GROUP BY m ORDER BY m;
-- A model that takes no notice of a column does not get worse at all.
SELECT importance FROM ml.importance('trees', 'permutation') WHERE feature = 'rare';
-- One feature differs in one held-out row alone: its value goes to another row, or stays, in five repeats.
CREATE VIEW single AS SELECT i % 2 = 0 AS test, CASE WHEN i % 2 = 0 THEN (i = 100)::int ELSE i % 3 END::float8 AS x,
	CASE WHEN i % 2 = 0 THEN (i = 100)::int ELSE i % 3 END * 10.0 AS y, (CASE WHEN i % 2 = 0 THEN (i = 100)::int ELSE i % 2 * (i % 3) END > 0) AS yes, i % 5 AS z FROM generate_series(1, 200) i;
SELECT (metrics ->> 'rmse')::float8 = 0 AS exact FROM ml.train('single', 'SELECT test, x, z, y FROM single', 'y', 'linear_regression', split => '{"method": "column", "column": "test"}');
SELECT feature, importance / (200.0 / 100 / 5) IN (4, 5) AS swapped, importance = 0 AS zero FROM ml.importance('single', 'permutation');
SELECT version FROM ml.train('single yes', 'SELECT test, x, yes FROM single', 'yes', 'logistic_regression', params => '{"l2": 1}', split => '{"method": "column", "column": "test"}');
SELECT feature, round((importance * 100 * 5 / (2 * ln(p1 / p0 * (1 - p0) / (1 - p1)) / 2))::numeric, 9) IN (4, 5) AS swapped FROM ml.importance('single yes', 'permutation'),
	(SELECT ml.probability('single yes', ROW(0::float8)) AS p0, ml.probability('single yes', ROW(1::float8)) AS p1) p;

-- The rows are those held out: where they all have one value, shuffling it changes nothing.
CREATE VIEW six AS SELECT (i % 6)::float8 AS x, i % 6 * 3.0 + 1 AS y FROM generate_series(1, 120) i;
CREATE TABLE splits AS SELECT t.version, NOT t.metrics ? 'r2' AS one FROM generate_series(0, 29) seed,
	LATERAL ml.train('six', 'six', 'y', 'linear_regression', seed => seed, split => '{"test": 0.25}') t WHERE t.metrics <> '{}';
SELECT count(*) FILTER (WHERE one) > 3 AS some_of_one, count(*) FILTER (WHERE NOT one) > 3 AS some_of_more, bool_and(one = (round(importance::numeric, 9) = 0)) AS right_rows
	FROM splits, ml.importance('six/' || version, 'permutation');
-- All rows where none are held out.
SELECT version FROM ml.train('all six', 'SELECT *, false AS no FROM six', 'y', 'linear_regression', split => '{"method": "none"}', exclude => '{no}');
SELECT feature, importance / (SELECT 18 * var_pop(x) FROM six) BETWEEN 0.8 AND 1.2 AS all_rows FROM ml.importance('all six', 'permutation');

-- Categories, arrays as a whole, missing values, named features, weights; two and more classes.
SELECT version FROM ml.train('two', 'SELECT a, kind, vec, i % 3 AS w, yes FROM ground', 'yes', 'gradient_boosting', weight => 'w', params => '{"n_trees": 20, "row_fraction": 1, "node_column_fraction": 1, "path_smoothing": 0}');
SELECT version FROM ml.train('many', 'ground', 'class', 'logistic_regression', features => '{kind,vec,a}', params => '{"l2": 1}');
SELECT version FROM ml.train('kinds', 'SELECT kind, vec, CASE WHEN kind IN (''k2'', ''k5'') THEN 8 ELSE 1 END + (vec[1] + coalesce(vec[2], 0)) / 20 AS y FROM ground', 'y', 'linear_regression');
SELECT m, array_agg(feature ORDER BY place) FILTER (WHERE importance > 0.05) AS features, count(*) FROM unnest('{two,many,kinds}'::text[]) m,
	ROWS FROM (ml.importance(m, 'permutation')) WITH ORDINALITY AS f (feature, importance, place) GROUP BY m ORDER BY m;
SELECT feature, importance / (SELECT 2 * CASE feature WHEN 'kind' THEN var_pop(CASE WHEN kind IN ('k2', 'k5') THEN 8 ELSE 1 END) ELSE var_pop((vec[1] + coalesce(vec[2], 0)) / 20) END FROM ground)
	BETWEEN 0.9 AND 1.1 AS as_expected FROM ml.importance('kinds', 'permutation');

-- Nothing depends on the order of the rows, nor on whether they fit in memory.
CREATE TABLE copied AS SELECT a, b, noise, kind, vec, y FROM ground, generate_series(1, 4) g;
SELECT version FROM ml.train('copied', 'copied', 'y', 'gradient_boosting', params => '{"n_trees": 5}', split => '{"test": 0.9}');
CREATE TABLE before AS SELECT feature, importance FROM ml.importance('copied', 'permutation');
SELECT count(*) FROM (SELECT feature, importance FROM ml.importance('copied', 'permutation') EXCEPT TABLE before) s;
SET pg_mlops.train_memory = '1MB';
SELECT version FROM ml.train('small', 'copied', 'y', 'linear_regression', split => '{"test": 0.9}');
SELECT environment -> 'spilled' AS spilled FROM ml.runs WHERE model = 'small';
SELECT count(*) FROM (SELECT feature, importance FROM ml.importance('copied', 'permutation') EXCEPT TABLE before) s;
RESET pg_mlops.train_memory;
CREATE TABLE reversed AS SELECT * FROM copied ORDER BY y DESC, noise;
DROP TABLE copied;
ALTER TABLE reversed RENAME TO copied;
SELECT count(*), (SELECT count(*) FROM (SELECT feature, importance FROM ml.importance('copied', 'permutation') EXCEPT TABLE before) s) AS others FROM before;

-- It reads only, in read-only transactions too.
BEGIN TRANSACTION READ ONLY;
SELECT count(*) FROM ml.importance('single', 'permutation');
COMMIT;
SELECT provolatile, proparallel FROM pg_proc WHERE oid = 'ml.importance'::regproc;

-- Errors.
SELECT * FROM fails($$ml.importance('line')$$);
SELECT * FROM fails($$ml.importance('line', 'split')$$);
SELECT * FROM fails($$ml.importance('trees', 'splits')$$);
SELECT * FROM fails($$ml.importance('trees', 'shap')$$);
SELECT * FROM fails($$ml.importance('trees', NULL)$$);
SELECT * FROM fails($$ml.importance(NULL)$$);
SELECT * FROM fails($$ml.importance('tree')$$);
SELECT * FROM fails($$ml.importance('trees/2', 'permutation')$$);
SELECT version FROM ml.train('trees', 'plain', 'y', 'gradient_boosting', params => '{"n_trees": 2}', snapshot => 'none');
SELECT version FROM ml.train('line', 'plain', 'y', 'linear_regression', snapshot => 'none');
SELECT count(*) FROM ml.importance('trees/2');
SELECT * FROM fails($$ml.importance('trees/2', 'permutation')$$);
SELECT * FROM fails($$ml.importance('line/2', 'permutation')$$);
DROP VIEW plain;
SELECT * FROM fails($$ml.importance('trees', 'permutation')$$);
CREATE VIEW plain AS SELECT a, noise, rare, y FROM ground;
SELECT * FROM fails($$ml.importance('trees', 'permutation')$$);
DROP VIEW plain;
CREATE VIEW plain AS SELECT a::text, b, noise, rare, y FROM ground;
SELECT * FROM fails($$ml.importance('trees', 'permutation')$$);
DROP VIEW plain;
CREATE VIEW plain AS SELECT a, b, noise, rare, y::text FROM ground;
SELECT * FROM fails($$ml.importance('trees', 'permutation')$$);
DROP VIEW plain;
CREATE VIEW plain AS SELECT a, b, noise, rare, y FROM ground WHERE false;
SELECT * FROM fails($$ml.importance('trees', 'permutation')$$);
DROP VIEW plain;
CREATE VIEW plain AS SELECT a, b, noise, rare, y FROM ground;
CREATE VIEW lengths AS SELECT vec, y FROM ground;
SELECT version FROM ml.train('lengths', 'lengths', 'y', 'linear_regression', split => '{"method": "none"}');
CREATE OR REPLACE VIEW lengths AS SELECT vec || 1.5::float8 AS vec, y FROM ground;
SELECT * FROM fails($$ml.importance('lengths', 'permutation')$$);
CREATE VIEW unfilled AS SELECT a, y FROM ground;
SELECT version FROM ml.train('unfilled', 'unfilled', 'y', 'linear_regression', pipeline => '[]', split => '{"method": "none"}');
CREATE OR REPLACE VIEW unfilled AS SELECT nullif(a, 1) AS a, y FROM ground;
SELECT * FROM fails($$ml.importance('unfilled', 'permutation')$$);

-- Rights: read on the model; the source is read as who trained (sql/identity.sql).
CREATE ROLE regress_ml_reader;
SET ROLE regress_ml_reader;
SELECT * FROM fails($$ml.importance('trees')$$);
RESET ROLE;
SELECT ml.grant('trees', 'use', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT * FROM fails($$ml.importance('trees', 'permutation')$$);
RESET ROLE;
SELECT ml.grant('trees', 'read', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT count(*) FROM ml.importance('trees');
SELECT count(*) FROM ml.importance('trees', 'permutation');
RESET ROLE;
DROP VIEW plain;
\c postgres
DROP DATABASE regress_ml_importance;
DROP ROLE regress_ml_reader;
