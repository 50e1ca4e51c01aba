# Texts that are hashed or become terms, in service: monitor, prediction log, canary, slices, drift, gates, workers, standby
# of the text search configuration. What is counted and logged is right in every form in which features come.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $node = ml_cluster('main', conf => "shared_preload_libraries = 'pg_mlops'\npg_mlops.flush_interval = 1h\nmax_worker_processes = 16\n");
my $pipeline = q{[{"step": "hash_encode", "columns": ["zip"], "buckets": 8}, {"step": "tfidf", "columns": ["body"], "config": "pg_catalog.english"},
	{"step": "target_encode", "columns": ["colour"]}, {"step": "impute"}]};

$node->safe_psql('postgres', qq{
	CREATE TABLE orders AS SELECT i AS id, (ARRAY['red', 'green', 'blue'])[1 + i % 3] AS colour, CASE WHEN i % 20 > 0 THEN 'z' || i * 7919 % 60 END AS zip,
		CASE WHEN i % 10 > 0 THEN 'The ' || (ARRAY['dogs run', 'dog runs and runs', 'cat sleeps', 'cats are sleeping'])[1 + i % 4] || ' ' || i END AS body,
		i % 4 + (i * 7919 % 100) / 50.0 AS y FROM generate_series(1, 600) AS i;
	SELECT version FROM ml.train('m', 'orders', 'y', 'linear_regression', features => '{colour,zip,body}', pipeline => '$pipeline', params => '{"l2": 1}');
	SELECT ml.set_monitor('m', log_fraction => 1, slices => '{zip}');
});

# --- counts and the log ---

$node->safe_psql('postgres', q{
	SELECT count(ml.predict('m', o)) FROM orders o WHERE id <= 200;
	SELECT count(ml.predict('m', to_jsonb(o))) FROM orders o WHERE id <= 200;
	SELECT count(ml.predict('m', ARRAY[colour, zip, body])) FROM orders o WHERE id <= 200;
	SELECT count(ml.predict('m', ROW(colour, zip, body))) FROM orders o WHERE id <= 200;
	SELECT ml.predict('m', '{"colour": "mauve", "zip": "never", "body": "xyzzy plugh"}'::jsonb);
	SELECT ml.flush_monitor()});
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT row_key) - 1 = rows, count(DISTINCT features) - 1 = rows
	FROM ml.prediction_log, (SELECT count(DISTINCT (colour, zip, body)) AS rows FROM orders WHERE id <= 200) o GROUP BY rows}), '801|t|t',
	'a row has one key in every form, and is logged as it came');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.prediction_log WHERE features IN
	(SELECT jsonb_build_object('colour', colour, 'zip', zip, 'body', body) FROM orders WHERE id <= 200)}), '800', 'with its texts');
is($node->safe_psql('postgres', q{SELECT column_name, count, null_share::numeric(6, 4), unseen_share::numeric(6, 4) FROM ml.profiles
	WHERE slice_key IS NULL AND column_name <> ':prediction' ORDER BY 1}),
	"body|801|0.0999|0.0012\ncolour|801|0.0000|0.0012\nzip|801|0.0499|0.0000", 'texts without known terms, and NULLs, are counted')
	|| diag($node->safe_psql('postgres', 'SELECT * FROM ml.profiles WHERE slice_key IS NULL'));
is($node->safe_psql('postgres', q{SELECT count(*) > 10 FROM ml.profiles WHERE slice_key = 'zip' AND slice_value LIKE 'z%'}), 't',
	'rows are cut by texts that are hashed, under their names');

$node->safe_psql('postgres', q{
	SELECT version FROM ml.train('few', 'orders', 'y', 'linear_regression', features => '{body}', pipeline => '[{"step": "tfidf", "config": "simple", "max_terms": 2}]', params => '{"l2": 1}');
	SELECT version FROM ml.train('few', 'orders', 'y', 'linear_regression', features => '{body}', pipeline => '[{"step": "tfidf", "config": "english"}]', params => '{"l2": 1}')});
is($node->safe_psql('postgres', q{SELECT count(*), bool_and(ml.row_key('few/1', o) = ml.row_key('few/2', o)) FROM orders o}), '600|t',
	'the key of a row does not depend on which terms a version knows');

# --- drift ---

is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.monitor_source('m', 'orders') WHERE verdict = 'drift'}), '0',
	'rows of the training do not drift');
is($node->safe_psql('postgres', q{SELECT DISTINCT column_name FROM ml.monitor_source('m',
	'SELECT colour, ''z1'' AS zip, ''lorem ipsum'' AS body FROM orders') WHERE verdict = 'drift' AND column_name <> ':prediction' ORDER BY 1}),
	"body\nzip", 'texts of other words do, and hashes of other texts');

# --- a canary takes its rows whatever their form ---

$node->safe_psql('postgres', qq{
	SELECT version FROM ml.train('m', 'orders', 'y', 'linear_regression', features => '{colour,zip,body}', pipeline => '$pipeline', params => '{"l2": 50}', deploy => 'never');
	SELECT ml.deploy('m', 2, 'canary', 0.4)});
is($node->safe_psql('postgres', q{SELECT bool_and(p = j AND p = a AND p = r), round(avg((p = c)::int), 1)
	FROM (SELECT ml.predict('m', o) p, ml.predict('m', to_jsonb(o)) j, ml.predict('m', ARRAY[colour, zip, body]) a, ml.predict('m', ROW(colour, zip, body)) r,
			ml.predict('m/2', o) c FROM (SELECT colour, zip, body FROM orders) o) x}), 't|0.4', 'the same rows in every form, and its share of them');

# --- parallel workers ---

$node->safe_psql('postgres', q{ALTER TABLE orders SET (parallel_workers = 2); ANALYZE orders;});
is($node->safe_psql('postgres', q{
	CREATE TABLE alone AS SELECT id, ml.predict('m', o) AS p FROM orders o;
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(*) FROM (SELECT id, ml.predict('m', o) AS p FROM orders o) q JOIN alone USING (id) WHERE q.p = alone.p}), '600', 'workers score alike');

# --- gates ---

$node->safe_psql('postgres', q{SELECT ml.add_gate('m', 'zip', 'invariance:zip', max => 1e-9); SELECT ml.add_gate('m', 'body', 'invariance:body', max => 1e-9)});
is($node->safe_psql('postgres', q{SELECT gate, verdict FROM ml.run_gates('m', 1, 'orders') ORDER BY 1}), "body|inconclusive\nzip|fail",
	'hashes of the rows are what a gate of invariance tries; terms are many');
is($node->safe_psql('postgres', q{SELECT reason FROM ml.run_gates('m', 1, 'orders') WHERE gate = 'body'}),
	'column "body" is a text of many terms', 'which it says');

# --- importance, and what a source was ---

is($node->safe_psql('postgres', q{SELECT count(*), count(importance) FROM ml.importance('m', 'permutation')}), '3|3', 'importance shuffles whole texts');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.source_changed('m')}), '0', 'the source is as it was');

# --- a restored model needs its text search configuration ---

$node->safe_psql('postgres', q{
	CREATE TEXT SEARCH CONFIGURATION public.words (COPY = pg_catalog.simple);
	SELECT version FROM ml.train('words', 'orders', 'y', 'linear_regression', features => '{body}', pipeline => '[{"step": "tfidf", "config": "words"}]', params => '{"l2": 1}');
	SELECT version FROM ml.train('words', 'orders', 'y', 'linear_regression', features => '{colour}', deploy => 'always');
	SELECT ml.deploy('words', 1, 'shadow');
	DROP TEXT SEARCH CONFIGURATION public.words});
my ($ret, $out, $err) = $node->psql('postgres', q{SELECT ml.predict('words/1', o) FROM orders o WHERE id = 1});
like($err, qr/ERROR:  text search configuration public\.words of feature "body" does not exist.*Create the configuration as it was/s,
	'without it scoring is an error that names it');
is($node->safe_psql('postgres', q{SELECT count(ml.predict('words', o)) FROM orders o}), '600', 'a shadow that lacks it is no error');
is($node->safe_psql('postgres', q{SELECT errors FROM ml.serving_counts() WHERE model = 'words' AND role = 'shadow'}) || '0', '0', 'in another session nothing is counted');
is(ml_warnings($node), '', 'no warnings in the log') if defined &ml_warnings;
$node->stop;

done_testing();
