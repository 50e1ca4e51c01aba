# Nothing accumulates in a session: ten thousand scoring statements, hundreds of trainings that fail, judging, and more
# models than the cache may hold.
#
# Compared are the bytes used in the session's memory contexts after some repetitions, which fill the session's own caches,
# and after many more.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

use constant SLACK => 16 * 1024;

my $node = ml_cluster('main', conf => "shared_buffers = 32MB\njit = off\n");
$node->safe_psql('postgres', q{
	SELECT setseed(0.4);
	CREATE TABLE points AS SELECT i, random() AS x, 'word ' || i % 150 AS word, random() AS y, random() < 0.5 AS yes
		FROM generate_series(1, 3000) i;
	CREATE TABLE few AS TABLE points LIMIT 5;
	SELECT version FROM ml.train('number', 'points', 'y', 'linear_regression', exclude => '{i,yes}');
	SELECT version FROM ml.train('label', 'points', 'yes', 'logistic_regression', exclude => '{i,y}');
	SELECT version FROM ml.train('trees', 'points', 'y', 'gradient_boosting', exclude => '{i,yes}', params => '{"n_trees": 20}');
	SELECT version FROM ml.train('trees_label', 'points', 'word', 'gradient_boosting', exclude => '{i,y}', params => '{"n_trees": 1}');
});
my $session = ml_session($node);
$session->value('SET client_min_messages = warning');
my $file = $node->basedir . '/repeat.sql';

# Repeats statements in the session; psql reads them from a file and throws their output away.
sub repeat
{
	my ($times, @statements) = @_;

	unlink $file;
	append_to_file($file, "\\o /dev/null\n" . join('', map { "$_;\n" } @statements) x $times . "\\o\n");
	my ($state, $out, $err) = $session->run("\\i $file\nSELECT 1");
	die $err if $err ne '';
	return;
}

# Tests that repeating statements leaves nothing in the session.
sub steady
{
	my ($name, $warm, $times, @statements) = @_;

	repeat($warm, @statements);
	my $before = $session->value(ml_memory());
	repeat($times, @statements);
	my $after = $session->value(ml_memory());
	note("$name: $before bytes, $after after $times more repetitions");
	cmp_ok($after - $before, '<', SLACK, "$name: the session's memory is the same after $times repetitions");
	return;
}

# The measure itself: a prepared statement is seen.
my $before = $session->value(ml_memory());
$session->value("PREPARE large AS SELECT " . join(' + ', 1 .. 3000));
cmp_ok($session->value(ml_memory()) - $before, '>', SLACK, 'the measure sees what a session keeps');
$session->value('DEALLOCATE large');

$session->value($_) for (
	q{PREPARE one (float8, text) AS SELECT ml.predict('number', jsonb_build_object('x', $1, 'word', $2))},
	q{PREPARE rows AS SELECT sum(ml.predict('number', f)), sum(ml.probability('label', f)), max(ml.predict('label', f, NULL::text)) FROM few f},
	q{PREPARE trees (float8, text) AS SELECT ml.predict('trees', jsonb_build_object('x', $1, 'word', $2))},
	q{PREPARE forest AS SELECT sum(ml.predict('trees', f)), max(ml.predict('trees_label', f, NULL::text)), count(ml.probabilities('trees_label', f)) FROM few f},
	q{PREPARE reference (text) AS SELECT ml.probabilities($1, f) FROM few f},
	q{CREATE FUNCTION score() RETURNS float8 LANGUAGE plpgsql AS $$
		DECLARE r few; s float8 = 0;
		BEGIN FOR r IN SELECT * FROM few LOOP s = s + ml.predict('number', r); END LOOP; RETURN s; END $$});
steady('a prepared statement that scores one row', 500, 10_000, q{EXECUTE one (0.5, 'word 7')});
steady('a prepared statement that scores a table', 200, 3000, 'EXECUTE rows');
steady('a prepared statement that scores one row by trees', 500, 5000, q{EXECUTE trees (0.5, 'word 7')});
steady('a prepared statement that scores a table by trees', 100, 1000, 'EXECUTE forest');
steady('a prepared statement that names the model by parameter', 100, 1000, q{EXECUTE reference ('label/1')}, q{EXECUTE reference ('label')});
steady('a function with an expression that scores', 100, 2000, 'SELECT score()');
steady('statements that are planned anew', 200, 2000, q{SELECT ml.predict('number', f) FROM few f LIMIT 2}, q{SELECT ml.predict('number', ROW(0.5::float8, 'word 9'))});
steady('reports', 20, 200, q{SELECT * FROM ml.coefficients('number')}, q{SELECT * FROM ml.summary('label')}, q{SELECT * FROM ml.summary('trees')}, q{SELECT * FROM ml.evaluate('label', 'few', '{word}')}, q{SELECT * FROM ml.confusion('label', 'few')}, q{SELECT * FROM ml.roc('label', 'few')}, q{SELECT * FROM ml.calibration('label', 'few')});
$session->value($_) for (
	q{SELECT ml.add_gate('label', 'accuracy', 'accuracy', min => 0, slices => '{word}')},
	q{SELECT ml.add_gate('label', 'trivial', 'log_loss', versus => 'trivial')},
	q{SELECT ml.add_gate('label', 'moves', 'invariance:word', max => 1)});
steady('gates', 20, 200, q{SELECT FROM ml.run_gates('label', 1)}, q{SELECT FROM ml.run_gates('label', 1, 'few')});
steady('runs of outside code', 20, 200, q{SELECT ml.log_metric(r, 'loss', 1), ml.log_param(r, 'rate', 0.5), ml.end_run(r) FROM ml.start_run('leaks') r});
steady('importances', 20, 200, q{SELECT * FROM ml.importance('number', 'permutation')}, q{SELECT * FROM ml.importance('label', 'permutation')});
steady('deployments', 20, 100, q{SELECT ml.undeploy('number', 'production')}, q{SELECT ml.deploy('number', 1)}, q{SELECT ml.predict('number', f) FROM few f});

# Checks: of rows, by suites and versions; of data, with errors of single checks, look-ups and conditions.
$session->value($_) for (
	q{SELECT ml.add_check('rows', 'range', '{x}', '{"min": 0, "where": "word IS NOT NULL"}'), ml.add_check('rows', 'predicate', '{}', '{"expression": "x < 2"}'), ml.add_check('rows', 'foreign_key', '{i}', '{"references": "public.points"}')},
	q{SELECT ml.add_check('data', k, '{word}') FROM unnest('{unique,primary_key,duplicate_rows}'::text[]) k},
	q{SELECT ml.add_check('data', k, '{x}', '{"min": 0}') FROM unnest('{mean,median,skewness,entropy,distinct_count}'::text[]) k},
	q{SELECT ml.add_check('data', 'mutual_information', '{word,yes}', '{"min": 0}'), ml.add_check('data', 'monotonic', '{x}', '{"order_by": "i", "where": "i > 0"}'), ml.add_check('data', 'predicate', '{}', '{"expression": "1 / (i - 3) < 2"}'), ml.add_check('data', 'foreign_key', '{i}', '{"references": "public.points"}')});
steady('a row that is checked', 200, 2000, q{SELECT ml.is_valid('rows', f) FROM few f});
steady('what a row fails', 200, 2000, q{SELECT ml.check_row('rows', f) FROM few f});
steady('data that are checked', 20, 200, q{SELECT * FROM ml.check_data('data', 'few')}, q{SELECT * FROM ml.failing_rows('data', 'x_monotonic', 'few')}, q{SELECT * FROM ml.failing_rows('rows', 'i_foreign_key', 'few')});

# Statements of one transaction: the memory of the transaction is seen after each.
$session->value('BEGIN');
steady('scoring in one transaction', 100, 2000, 'EXECUTE rows');
$session->value('COMMIT');

# Trainings, good ones and all kinds of bad ones, caught where they happen.
$node->safe_psql('postgres', q{
	CREATE TABLE endless AS SELECT x, y, x > 0.5 AS yes FROM points, generate_series(1, 40);
	CREATE FUNCTION try(call text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE 'SELECT count(*) FROM ' || call;
		RETURN '00000';
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END
	$$});
my %calls = (
	'a training' => [ '00000', q{ml.train('again', 'points', 'y', exclude => '{i,yes}', deploy => 'never')} ],
	'a classification' => [ '00000', q{ml.train('again_label', 'points', 'yes', exclude => '{i,y}', deploy => 'never')} ],
	'a training of trees' => [ '00000', q{ml.train('again_trees', 'points', 'y', 'gradient_boosting', exclude => '{i,yes}', deploy => 'never', params => '{"n_trees": 5, "early_stopping": 2}')} ],
	'a classification by trees' => [ '00000', q{ml.train('again_trees_label', 'points', 'yes', 'gradient_boosting', exclude => '{i,y}', deploy => 'never', params => '{"n_trees": 5}', pipeline => '[{"step": "standardise"}]')} ],
	'the better of two' => [ '00000', q{ml.train('again_auto', 'points', 'y', exclude => '{i,yes}', deploy => 'never', params => '{"n_trees": 5}', split => '{"method": "none"}')} ],
	'trees of a column that does not exist' => [ '22023', q{ml.train('bad', 'points', 'y', 'gradient_boosting', params => '{"monotone": {"z": 1}}')} ],
	'trees that need too much memory' => [ '54000', q{ml.train('bad', 'points', 'word', 'gradient_boosting', params => '{"n_trees": 10000}')} ],
	'trees of an infinite value after rows went to temporary files' => [ '22003', q{ml.train('bad', 'SELECT x, yes, y FROM endless UNION ALL SELECT ''Infinity'', true, 1', 'yes', 'gradient_boosting')} ],
	'trees of a constant target' => [ '22023', q{ml.train('bad', 'SELECT x, word, 1.5 AS y FROM points', 'y', 'gradient_boosting')} ],
	'a learner that does not exist' => [ '42704', q{ml.train('bad', 'points', 'y', 'no_such')} ],
	'a target that does not exist' => [ '42703', q{ml.train('bad', 'points', 'z')} ],
	'a table that does not exist' => [ '42P01', q{ml.train('bad', 'nowhere', 'z')} ],
	'a query that fails in the middle' => [ '22012', q{ml.train('bad', 'SELECT x, y / (2500 - i) AS y FROM points', 'y')} ],
	'a query that is no query' => [ '42601', q{ml.train('bad', 'SELECT FROM WHERE', 'y')} ],
	'a query that writes' => [ '25006', q{ml.train('bad', 'SELECT * FROM points FOR UPDATE', 'y')} ],
	'an infinite value at the end' => [ '22003', q{ml.train('bad', 'SELECT x, CASE i WHEN 2999 THEN ''Infinity'' ELSE y END AS y FROM points', 'y')} ],
	'an infinite value after rows went to temporary files' => [ '22003', q{ml.train('bad', 'SELECT x, yes, y FROM endless UNION ALL SELECT ''Infinity'', true, 1', 'yes')} ],
	'a constant target' => [ '22023', q{ml.train('bad', 'SELECT x, word, 1.5 AS y FROM points', 'y', 'linear_regression')} ],
	'a design that is too large' => [ '54000', q{ml.train('bad', 'SELECT ARRAY(SELECT sin(i * j) FROM generate_series(1, 3000) j) AS many, y FROM points WHERE i <= 20', 'y', 'linear_regression')} ],
	'another target of a model that exists' => [ '', q{ml.train('label', 'points', 'y', exclude => '{i,yes}')} ],
	'an evaluation that fails' => [ '', q{ml.evaluate('number', 'SELECT word FROM points')} ],
	'an evaluation that fails in the middle' => [ '22012', q{ml.evaluate('number', 'SELECT x, word, y / (2500 - i) AS y FROM points')} ],
	'gates' => [ '00000', q{ml.run_gates('label', 1, 'points')} ],
	'gates on rows that fail in the middle' => [ '22012', q{ml.run_gates('label', 1, 'SELECT x, word, yes, 1 / (2500 - i) AS z FROM points')} ],
	'gates on rows without a slice' => [ '42703', q{ml.run_gates('label', 1, 'SELECT x, yes FROM points')} ],
	'a score that fails' => [ '', q{points WHERE ml.predict('number', ARRAY[1.0]) > 0} ]);
$session->value(q{SET pg_mlops.train_memory = '5MB'});
for my $name (sort keys %calls)
{
	my ($expected, $call) = @{ $calls{$name} };
	my $quoted = $call =~ s/'/''/gr;
	my $state = $session->value("SELECT try('$quoted')");

	if ($expected eq '') { isnt($state, '00000', "$name: an error ($state)") }
	else { is($state, $expected, "$name: SQLSTATE $expected") }
	# a repetition in one transaction, which keeps what it does not let go of, and in many
	steady("$name, caught in a subtransaction", 10, 60, "SELECT try('$quoted')");
	$session->value('BEGIN');
	steady("$name, in one transaction", 10, 60, "SELECT try('$quoted')");
	$session->value('ROLLBACK');
}
# with parallel workers
$session->value('SET min_parallel_table_scan_size = 0');
$session->value('SET max_parallel_workers_per_gather = 2');
steady('trainings of trees with workers', 5, 30, q{SELECT version FROM ml.train('again_trees', 'points', 'y', 'gradient_boosting', exclude => '{i,yes}', deploy => 'never', params => '{"n_trees": 5}')});
$session->value('BEGIN');
steady('trainings of trees with workers, in one transaction', 5, 30, q{SELECT version FROM ml.train('again_trees', 'points', 'y', 'gradient_boosting', exclude => '{i,yes}', deploy => 'never', params => '{"n_trees": 5}')});
$session->value('ROLLBACK');
$session->value('RESET min_parallel_table_scan_size');
is(ml_temp_files($node), '', 'no temporary file is left');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.models WHERE model = 'bad'}), '0', 'no model is left of what failed');
is(ml_orphans($node), '', 'the catalog is sound');

# More models than the cache may hold. Each has some hundred levels, which take room when decoded.
my $cached = q{SELECT coalesce(sum(total_bytes), 0), count(*) FILTER (WHERE name = 'pg_mlops model')
	FROM pg_backend_memory_contexts WHERE name IN ('pg_mlops model', 'pg_mlops dictionary')};
my $models = 50;
$session->value("SELECT count(*) FROM generate_series(1, $models) i, ml.train('m' || i, format('SELECT x, word, y + %s * 10 AS y FROM points', i), 'y')");
my $all = "SELECT string_agg(trunc(ml.predict('m' || i, f) / 10)::text, ' ' ORDER BY i) FROM generate_series(1, $models) i, (SELECT x, word FROM few LIMIT 1) f";
my $right = join(' ', 1 .. $models);
$session->quit;
$session = ml_session($node);
is($session->value($all), $right, 'each of fifty models predicts what it learned');
my ($bytes, $count) = split(/\|/, $session->value($cached));
is($count, $models, "with the default setting all stay in the cache: $bytes bytes");
for my $limit_kb (int($bytes / 1024 / 4), 64)
{
	$session->value("SET pg_mlops.cache_memory = '${limit_kb}kB'");
	is($session->value($all), $right, "cache_memory = ${limit_kb}kB: they predict the same");
	my ($kept, $n) = split(/\|/, $session->value($cached));
	note("cache_memory = ${limit_kb}kB: $n models with $kept bytes");
	cmp_ok($kept, '<=', $limit_kb * 1024, "cache_memory = ${limit_kb}kB: what stays is within the setting");
	cmp_ok($n, '>=', int($models / 4) - 1, "cache_memory = ${limit_kb}kB: a quarter of the room keeps a quarter of the models") if $limit_kb > 64;
}
steady('scoring with more models than the cache holds', 10, 100, $all);
$session->quit;
is(ml_warnings($node), '', 'no warning was logged');
$node->stop;
done_testing();
