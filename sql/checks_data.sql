-- Kinds of checks that judge data: parameters that are refused.
CREATE DATABASE regress_ml_checks_data TEMPLATE template0;
\c regress_ml_checks_data
SET client_min_messages = warning;
SET DateStyle = 'ISO';
CREATE EXTENSION pg_mlops;
\set VERBOSITY default

-- numbers
SELECT ml.add_check('d', 'mean', '{x}');
SELECT ml.add_check('d', 'mean', '{x}', '{"min": 2, "max": 1}');
SELECT ml.add_check('d', 'mean', '{x}', '{"min": "a"}');
SELECT ml.add_check('d', 'mean', '{}', '{"min": 1}');
SELECT ml.add_check('d', 'mean', '{x}', '{"min": 1, "mostly": 0.5}');
SELECT ml.add_check('d', 'quantile', '{x}', '{"q": 2, "max": 1}');
SELECT ml.add_check('d', 'uniqueness', '{x}', '{"of": "row", "min": 1}');
SELECT ml.add_check('d', 'min', '{x}');
SELECT ml.add_check('d', 'min', '{x}', '{"min": "2020-01-01", "max": 5}');
SELECT ml.add_check('d', 'max', '{x}', '{"min": [1]}');
SELECT ml.add_check('d', 'max', '{x}', '{"min": 5, "max": 4}');
SELECT ml.add_check('d', 'correlation', '{x}', '{"min": 0}');
SELECT ml.add_check('d', 'row_count', '{x}', '{"min": 0}');

-- rows
SELECT ml.add_check('d', 'unique', '{}');
SELECT ml.add_check('d', 'unique', '{x}', '{"mostly": 2}');
SELECT ml.add_check('d', 'duplicate_rows', '{}', '{"max": 1, "max_share": 0.1}');
SELECT ml.add_check('d', 'conflicting_labels', '{y}');
SELECT ml.add_check('d', 'monotonic', '{x}');
SELECT ml.add_check('d', 'monotonic', '{x}', '{"order_by": "t", "direction": "up"}');
SELECT ml.add_check('d', 'no_gaps', '{x}');
SELECT ml.add_check('d', 'no_gaps', '{x}', '{"step": 0}');
SELECT ml.add_check('d', 'no_gaps', '{x}', '{"step": "-1 day"}');
SELECT ml.add_check('d', 'no_gaps', '{x}', '{"step": [1]}');
SELECT ml.add_check('d', 'freshness', '{x}');
SELECT ml.add_check('d', 'freshness', '{x}', '{"max_age": "soon"}');
SELECT ml.add_check('d', 'freshness', '{x}', '{"max_age": "0"}');
SELECT ml.add_check('d', 'point_in_time', '{x}');

-- values and groups
SELECT ml.add_check('d', 'most_common', '{x}');
SELECT ml.add_check('d', 'most_common', '{x}', '{"values": "a"}');
SELECT ml.add_check('d', 'distinct_in_set', '{x}', '{"values": []}');
SELECT ml.add_check('d', 'distinct_in_set', '{x}', '{"values": [null]}');
SELECT ml.add_check('d', 'distinct_in_set', '{x}', '{"values": ["a"], "mode": "some"}');
SELECT ml.add_check('d', 'constant_column', '{x}', '{"max_share": 2}');
SELECT ml.add_check('d', 'group_coverage', '{x}');
SELECT ml.add_check('d', 'group_missingness', '{g,x}');
SELECT ml.add_check('d', 'label_leakage', '{y}');

-- columns
SELECT ml.add_check('d', 'columns', '{}');
SELECT ml.add_check('d', 'columns', '{x}', '{"match": "all"}');
SELECT ml.add_check('d', 'columns', '{x}', '{"where": "true"}');
SELECT ml.add_check('d', 'banned_column');
SELECT ml.add_check('d', 'banned_column', params => '{"like": "%ssn%"}');
SELECT ml.add_check('d', 'banned_column', params => '{"like": [1]}');
SELECT ml.add_check('d', 'column_types');
SELECT ml.add_check('d', 'column_types', params => '{"types": "integer"}');
SELECT ml.add_check('d', 'column_types', params => '{"types": {"x": 4}}');
SELECT ml.add_check('d', 'column_types', params => '{"types": {"x": "nonesuch"}}');
SELECT ml.add_check('d', 'column_count');

-- history
SELECT ml.add_check('d', 'row_count_change');
SELECT ml.add_check('d', 'row_count_change', params => '{"min_ratio": 2, "max_ratio": 1}');
SELECT ml.add_check('d', 'metric_history', '{x}');
SELECT ml.add_check('d', 'metric_history', '{x}', '{"metric": "range"}');
SELECT ml.add_check('d', 'metric_history', '{x,y}', '{"metric": "mean"}');
SELECT ml.add_check('d', 'metric_history', '{x}', '{"metric": "mean", "metric_params": {"min": 1}}');
SELECT ml.add_check('d', 'metric_history', '{x}', '{"metric": "mean", "metric_params": {"where": "true"}}');
SELECT ml.add_check('d', 'metric_history', '{}', '{"metric": "duplicate_rows"}');
SELECT ml.add_check('d', 'metric_history', '{x}', '{"metric": "mean", "strategy": "relative"}');
SELECT ml.add_check('d', 'metric_history', '{x}', '{"metric": "mean", "min_history": 9, "history": 8}');
SELECT ml.add_check('d', 'metric_history', '{x}',
					'{"metric": "mean", "strategy": "seasonal", "period": 7, "history": 10}');

-- distributions
SELECT ml.add_check('d', 'distribution', '{x}', '{"counts": [1]}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"edges": [1], "levels": ["a"], "counts": [1]}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"edges": [1]}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"edges": [1, 2], "counts": [1, 2]}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"edges": [1], "counts": [1, -2]}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"edges": [1], "counts": [1, 2], "method": "psy"}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"levels": ["a"], "counts": [1], "method": "wasserstein"}');
SELECT ml.add_check('d', 'distribution', '{x}', '{"edges": [1], "counts": [1, 2], "method": "welch_t"}');

-- queries
SELECT ml.add_check('d', 'custom_sql', params => '{"rows": 0}');
SELECT ml.add_check('d', 'custom_sql', params => '{"query": "SELECT 1"}');
SELECT ml.add_check('d', 'custom_sql', params => '{"query": "SELECT 1", "rows": 0, "expected": 1}');
SELECT ml.add_check('d', 'custom_sql', params => '{"query": "SELECT 1", "expected": [1]}');
SELECT ml.add_check('d', 'matches_dataset');
SELECT ml.add_check('d', 'matches_dataset', params => '{"references": "t"}');
SELECT ml.add_check('d', 'row_count_match', params => '{"references": "public.t", "min_ratio": 2}');
SELECT ml.add_check('d', 'aggregate_match', '{x}', '{"references": "public.t", "aggregate": "mode"}');

-- none of them left anything
SELECT count(*) FROM ml.suites WHERE suite = 'd';

-- a kind that judges rows: no feature is newer than its label
SELECT ml.add_check('p', 'point_in_time', '{seen,labelled}');
SELECT id, ml.is_valid('p', t) FROM (VALUES
	(1, timestamp '2026-01-01 10:00', date '2026-01-02'),
	(2, timestamp '2026-01-02 00:00', date '2026-01-02'),
	(3, timestamp '2026-01-02 00:00:00.000001', date '2026-01-02'),
	(4, timestamp 'infinity', date 'infinity'),
	(5, timestamp 'infinity', date '2026-01-02'),
	(6, timestamp '-infinity', date '-infinity'),
	(7, NULL, date '2026-01-02'),
	(8, timestamp '2026-01-01', NULL),
	(9, timestamp '2026-01-01', date '5874897-12-31')) AS t (id, seen, labelled) ORDER BY id;
SELECT name, kind, column_name, message FROM ml.check_row('p',
	(SELECT t FROM (VALUES (timestamp '2026-01-03 10:00', timestamp '2026-01-02')) AS t (seen, labelled)));
SELECT ml.is_valid('p', t) FROM (VALUES (timestamptz '2026-01-01', timestamptz '2026-01-02')) AS t (seen, labelled);
SELECT ml.is_valid('p', t) FROM (VALUES (timestamptz '2026-01-01', timestamp '2026-01-02')) AS t (seen, labelled);
SELECT ml.is_valid('p', t) FROM (VALUES (1, timestamp '2026-01-02')) AS t (seen, labelled);

-- bounds of integers with a fraction
SELECT ml.add_check('i', 'max', '{x}', '{"max": 3.0}', name => 'whole');
SELECT ml.add_check('i', 'max', '{x}', '{"max": 2.5}', name => 'below');
SELECT ml.add_check('i', 'min', '{x}', '{"min": 0.5, "max": 1e3}', name => 'min');
CREATE TABLE integers AS SELECT x FROM generate_series(1, 3) x;
SELECT name, status, observed, expected FROM ml.check_data('i', 'integers');
DROP TABLE integers;
SELECT ml.drop_suite('i');

\c postgres
DROP DATABASE regress_ml_checks_data;
