-- infer.sql - suites learned from data: ml.infer_checks, those of versions, and the training's own.
CREATE DATABASE regress_ml_infer TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_infer
\set VERBOSITY terse
CREATE EXTENSION pg_mlops;
CREATE TABLE orders AS
	SELECT i AS id, 10 + i % 40 AS age, i * 7 % 1000 / 4.0::float8 AS price,
		(ARRAY['card', 'cash', 'transfer'])[1 + i % 3] AS method,
		'user' || i * 37 % 900 || '@example.org' AS mail,
		CASE WHEN i % 5 = 0 THEN NULL ELSE i % 2 = 0 END AS member,
		date '2024-01-01' + i / 4 AS ordered, date '2024-01-01' + i / 4 + i % 9 AS shipped,
		'{}'::json AS extra, NULL::integer AS nothing
	FROM generate_series(1, 2000) AS i;

SELECT ml.infer_checks('orders', 'orders');
SELECT name, kind, columns, params, environment FROM ml.checks
	WHERE suite = 'orders' AND kind NOT IN ('distribution', 'columns', 'column_types') ORDER BY name COLLATE "C";
SELECT name, params - 'edges' - 'counts' AS params FROM ml.checks
	WHERE suite = 'orders' AND kind = 'distribution' ORDER BY name COLLATE "C";
SELECT params FROM ml.checks WHERE suite = 'orders' AND name = 'age_distribution';
SELECT bool_and(learned) FROM ml.checks WHERE suite = 'orders';
SELECT name, status FROM ml.check_data('orders', 'orders') WHERE status <> 'pass';

-- what is wrong shows, and where
SELECT name, status, n_failed FROM ml.check_data('orders',
	'SELECT id, age, price * 100 AS price, method, mail, member, ordered, shipped, extra, nothing FROM orders')
	WHERE status <> 'pass' ORDER BY name COLLATE "C";
SELECT name, status, n_failed FROM ml.check_data('orders',
	'SELECT id, age, price, CASE WHEN id % 20 = 0 THEN ''cheque'' ELSE method END AS method,
	 mail, member, ordered, shipped, extra, nothing FROM orders')
	WHERE status <> 'pass' ORDER BY name COLLATE "C";
SELECT name, status FROM ml.check_data('orders',
	'SELECT id, age, price, method, mail, member, ordered + 365 AS ordered, shipped + 365 AS shipped, extra, nothing FROM orders')
	WHERE status <> 'pass' ORDER BY name COLLATE "C";
SELECT name, status FROM ml.check_data('orders', 'SELECT * FROM orders UNION ALL SELECT * FROM orders')
	WHERE status <> 'pass' ORDER BY name COLLATE "C";
-- times and pairs of numbers are not for single rows: time goes on
SELECT count(*) FILTER (WHERE ml.is_valid('orders', o)), count(*) FROM
	(SELECT id + 5000 AS id, age, price, method, mail, member, ordered + 900 AS ordered, shipped + 900 AS shipped, extra, nothing
	 FROM orders) AS o;

-- again: learned checks are replaced, the user's stay, and keep a learned one of the same name out
SELECT ml.add_check('orders', 'range', '{age}', '{"max": 200}', name => 'mine');
SELECT ml.drop_check('orders', 'age_range');
SELECT ml.add_check('orders', 'range', '{age}', '{"max": 120}', name => 'age_range');
SELECT ml.infer_checks('orders', 'SELECT id, age FROM orders WHERE id <= 1000');
SELECT name, learned, params FROM ml.checks WHERE suite = 'orders' AND kind = 'range' ORDER BY name COLLATE "C";

-- nothing to learn from
SELECT ml.infer_checks('empty', 'SELECT * FROM orders WHERE false');
SELECT name FROM ml.checks WHERE suite = 'empty' ORDER BY name COLLATE "C";
SELECT ml.infer_checks('none', 'SELECT FROM orders');
SELECT ml.infer_checks('orders/1', 'orders');
SELECT ml.infer_checks('orders', NULL);
SELECT ml.infer_checks('wide', (SELECT 'SELECT ' || string_agg(format('id %% %s AS c%s', n + 1, n), ', ') || ' FROM orders'
	FROM generate_series(1, 300) AS n)) > 900 AS wide;
SELECT count(*) FROM ml.check_data('wide', (SELECT 'SELECT ' || string_agg(format('id %% %s AS c%s', n + 1, n), ', ') ||
	' FROM orders' FROM generate_series(1, 300) AS n)) WHERE status <> 'pass';
SELECT ml.infer_checks('long', 'SELECT repeat(md5(id::text), 1000) AS t FROM orders');
SELECT kind, params FROM ml.checks WHERE suite = 'long' AND kind = 'length';
-- the same from many workers
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT ml.infer_checks('parallel', 'orders') = (SELECT ml.infer_checks('serial', 'orders')) AS same;
SELECT name, params FROM ml.checks WHERE suite = 'parallel' EXCEPT SELECT name, params FROM ml.checks WHERE suite = 'serial';

-- every version has the suite of its training data
SELECT version, notes FROM ml.train('price', 'SELECT age, price, method, ordered FROM orders', 'price', algorithm => 'linear_regression');
SELECT name, kind, columns, severity, environment FROM ml.checks WHERE suite = 'price/1' ORDER BY name COLLATE "C";
SELECT ml.is_valid('price', o) FROM (VALUES (30, 'card', date '2030-01-01'), (1000, 'card', date '2024-02-01'),
	(30, 'cheque', date '2024-02-01'), (NULL, 'card', date '2024-02-01')) AS o (age, method, ordered);
SELECT name, status FROM ml.check_data('price', 'SELECT age * 100 AS age, method, ordered FROM orders') WHERE status <> 'pass'
	ORDER BY name COLLATE "C";
-- the same rows in another order make the same suite
SELECT version FROM ml.train('price', 'SELECT age, price, method, ordered FROM orders ORDER BY id DESC', 'price',
	algorithm => 'linear_regression');
SELECT name, params FROM ml.checks WHERE suite = 'price/1' EXCEPT SELECT name, params FROM ml.checks WHERE suite = 'price/2';

-- the training's own suite: errors stop it, warnings are notes
SELECT ml.add_check('price', 'range', '{age}', '{"max": 45}', environment => 'training', name => 'young');
SELECT ml.add_check('price', 'range', '{price}', '{"max": 200}', 'warn', 'training', name => 'cheap');
SELECT ml.add_check('price', 'range', '{age}', '{"max": 5}', environment => 'serving', name => 'served');
\set VERBOSITY default
SELECT version FROM ml.train('price', 'orders', 'price', algorithm => 'linear_regression', features => '{age}');
\set VERBOSITY terse
SELECT count(*) FROM ml.versions WHERE model = 'price';
SELECT version, notes FROM ml.train('price', 'SELECT * FROM orders WHERE age <= 45', 'price', algorithm => 'linear_regression',
	features => '{age}');
SELECT name, status, n_failed FROM ml.check_results WHERE suite = 'price' ORDER BY name COLLATE "C";
-- What was learned is not told to those who may use the model and not read it.
CREATE ROLE regress_ml_user;
SELECT ml.grant('price', 'use', 'regress_ml_user');
SET ROLE regress_ml_user;
SELECT count(*) > 0 AS checked, count(expected) AS told FROM ml.check_data('price/1', 'SELECT 1.5 AS age, ''x'' AS method, now() AS ordered');
SELECT count(*) > 0 AS kept, count(expected) AS told FROM ml.check_results;
RESET ROLE;
SELECT ml.revoke('price', 'use', 'regress_ml_user');
DROP TABLE orders;
\c postgres
DROP DATABASE regress_ml_infer;
DROP ROLE regress_ml_user;
