# The memory of a training is bounded by pg_mlops.train_memory, whatever the number of rows.
#
# Measured from outside, as the peak of the server process's resident set (VmHWM), which is reset before each training
# by writing 5 to clear_refs. Pages of shared memory and of the library count into it, too: so the buffer pool is small,
# and before the reset the session reads the whole table and trains once on a few rows. What is then added to the
# resident set is private memory of the training. The compiler of expressions, which takes 50 MB, is off.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

plan skip_all => 'needs /proc/PID/clear_refs of Linux' if !-w '/proc/self/clear_refs';

my $node = ml_cluster('main', conf => q{
	shared_buffers = 8MB
	max_parallel_workers_per_gather = 0
	jit = off
});
my $large = 600_000;
my $small = 100_000;
$node->safe_psql('postgres', qq{
	SELECT setseed(0.6);
	CREATE TABLE large AS SELECT random() AS a, random() AS b, random() AS c, random() AS d, random() AS e, random() AS f,
		random() AS g, random() AS h, random() AS i, random() AS j, random() AS y, random() < 0.5 AS yes
		FROM generate_series(1, $large);
	CREATE TABLE small AS TABLE large LIMIT $small;
	CREATE TABLE tiny AS TABLE large LIMIT 200;
	VACUUM;
});

sub status
{
	my ($pid, $what) = @_;
	my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^$what:\s+(\d+) kB/m;

	return $kilobytes;
}

# What a statement adds to the resident set of a session that did the same on a few rows before, in kB.
sub growth
{
	my ($session, $sql, $table) = @_;

	$session->value(sprintf($sql, 'tiny'));
	$session->value("SELECT sum(y) FROM $table");
	append_to_file("/proc/$session->{pid}/clear_refs", '5');
	my $before = status($session->{pid}, 'VmRSS');
	$session->value(sprintf($sql, $table));
	return status($session->{pid}, 'VmHWM') - $before;
}

# The measure itself: 60 MB in one value are seen.
my $session = ml_session($node);
my $seen = growth($session, q{SELECT length(repeat('x', (SELECT 100 * count(*) FROM %s)::int))}, 'large');
cmp_ok($seen, '>', 55_000, "the measure sees 60 MB: $seen kB");
$session->quit;

# One pass keeps no row: some 10 MB would be 600000 rows of two numbers.
my %peak;
for my $table ('small', 'large')
{
	$session = ml_session($node);
	$peak{$table} = growth($session, q{SELECT version
		FROM ml.train('pass', '%s', 'y', 'linear_regression', exclude => '{yes}', split => '{"method": "none"}')}, $table);
	note("linear regression in one pass over table $table: $peak{$table} kB");
	cmp_ok($peak{$table}, '<', 10_240, "linear regression in one pass over table $table: the session grows by less than 10 MB");
	$session->quit;
}
cmp_ok(abs($peak{large} - $peak{small}), '<', 1024, 'whatever the number of rows');

# Rows that are kept go to temporary files beyond the setting; 600000 rows of 12 numbers are 58 MB and more.
my %spilled = (
	'logistic regression' => q{SELECT version
		FROM ml.train('two', '%s', 'yes', 'logistic_regression', exclude => '{y}', split => '{"test": 0.05}')},
	'linear regression in one pass, most rows held out' => q{SELECT version
		FROM ml.train('held_out', '%s', 'y', 'linear_regression', exclude => '{yes}', split => '{"test": 0.9}')},
	'linear regression with missing values' => q{SELECT version
		FROM ml.train('missing', 'SELECT nullif(trunc(a * 10), 5) AS m, * FROM %s', 'y', 'linear_regression', exclude => '{yes,a}')});
for my $name (sort keys %spilled)
{
	for my $setting_mb (16, 32)
	{
		$session = ml_session($node);
		$session->value("SET pg_mlops.train_memory = '${setting_mb}MB'");
		my $grown = growth($session, $spilled{$name}, 'large');
		note("$name with train_memory = ${setting_mb}MB: $grown kB");
		# the slack: buffers of the temporary files, blocks of rows on their way, and what malloc keeps
		cmp_ok($grown, '<', ($setting_mb + 6) * 1024, "$name: the session grows by no more than ${setting_mb} MB and a slack of 6");
		is($session->value(q{SELECT environment ->> 'spilled' FROM ml.runs ORDER BY run_id DESC LIMIT 1}), 'true', 'because its rows spilled');
		$session->quit;
	}
}
$session = ml_session($node);
$session->value(q{SET pg_mlops.train_memory = '512MB'});
my $grown = growth($session, $spilled{'logistic regression'}, 'large');
note("logistic regression in memory: $grown kB");
cmp_ok($grown, '>', 50_000, 'with enough memory the same rows take more: they are kept');
is($session->value(q{SELECT environment ->> 'spilled' FROM ml.runs ORDER BY run_id DESC LIMIT 1}), 'false', 'and do not spill');
$session->quit;

# Boosted trees: what does not fit is refused before it begins, with what it needs and what there is. What it says it
# needs is enough: given that, the session grows by no more. Few rows are held out, and the trees are this process's
# alone, without workers.
my %boosted = (
	'trees' => q{ml.train('trees', '%s', 'y', 'gradient_boosting', exclude => '{yes}', params => '{"n_trees": 10}', split => '{"test": 0.02}')},
	'trees of two classes' => q{ml.train('trees_two', '%s', 'yes', 'gradient_boosting', exclude => '{y}', params => '{"n_trees": 10}', split => '{"test": 0.02}')},
	'trees with weights' => q{ml.train('trees_weights', '%s', 'y', 'gradient_boosting', exclude => '{yes,j}', weight => 'j', params => '{"n_trees": 10, "early_stopping": 3}', split => '{"test": 0.02}')},
	'trees of weighted classes' => q{ml.train('trees_classes', '%s', 'yes', 'gradient_boosting', exclude => '{y}', params => '{"n_trees": 10, "class_weight": "balanced"}', split => '{"method": "none"}')},
	'trees of many classes' => q{ml.train('trees_many', 'SELECT *, trunc(a * 8) AS k FROM %s', 'k', 'gradient_boosting', task => 'classification', exclude => '{y,yes,a}', params => '{"n_trees": 3}', split => '{"test": 0.02}')},
	'trees with missing values and categories' => q{ml.train('trees_mixed', 'SELECT nullif(trunc(a * 10), 5) AS m, ''k'' || trunc(b * 500) AS k, * FROM %s', 'y', 'gradient_boosting', exclude => '{yes,a,b}', params => '{"n_trees": 10}', split => '{"test": 0.02}')},
	'large trees' => q{ml.train('trees_large', '%s', 'y', 'gradient_boosting', exclude => '{yes}', params => '{"n_trees": 10, "max_leaves": 8192}', split => '{"test": 0.02}')},
	'trees after steps' => q{ml.train('trees_piped', '%s', 'y', 'gradient_boosting', exclude => '{yes}', params => '{"n_trees": 10}', pipeline => '[{"step": "standardise"}]', split => '{"test": 0.02}')});
for my $name (sort keys %boosted)
{
	my $call = "SELECT version FROM $boosted{$name}";

	$session = ml_session($node);
	$session->value(q{SET pg_mlops.train_memory = '8MB'});
	my ($state, $out, $err) = $session->run(sprintf($call, 'large'));
	is($state, '54000', "$name: what does not fit is refused");
	like($err, qr/ERROR:  learner "gradient_boosting" needs more memory than a training may hold\n.*DETAIL:  \d+ rows of \d+ design columns( and 8 classes)? need \d+ MB; pg_mlops.train_memory is 8192 kB\.\n.*HINT:  .*raise pg_mlops.train_memory/,
		"$name: with what it needs and what there is");
	my ($needed_mb) = $err =~ /need (\d+) MB/;
	$needed_mb++;
	is(ml_temp_files($node), '', "$name: and its rows' temporary files are gone");
	$session->quit;

	$session = ml_session($node);
	$session->value("SET pg_mlops.train_memory = '${needed_mb}MB'");
	$grown = growth($session, $call, 'large');
	note("$name with train_memory = ${needed_mb}MB: $grown kB");
	# the slack: the rows' places in canonical order, their temporary file, and what malloc keeps
	cmp_ok($grown, '<', ($needed_mb + 10) * 1024, "$name: the session grows by no more than it said, and a slack of 10");
	cmp_ok($grown, '>', $needed_mb * 1024 / 4, "$name: and what it said is not far more than it takes");
	$session->quit;
}

# Scoring keeps no row either; judging keeps 16 bytes of each, and 41 more while it draws them anew for the limits.
my $judging = $large * (16 + 41) / 1024 + 4096;
$session = ml_session($node);
$session->value(q{SELECT version FROM ml.train('score', 'small', 'y', 'linear_regression', exclude => '{yes}')});
$grown = growth($session, q{SELECT sum(ml.predict('score', t)) FROM %s t}, 'large');
note("scoring: $grown kB");
cmp_ok($grown, '<', 4096, 'scoring grows by less than 4 MB');
$grown = growth($session, q{SELECT count(*) FROM ml.evaluate('score', '%s')}, 'large');
note("evaluation: $grown kB");
cmp_ok($grown, '<', $judging, 'an evaluation of a regression grows by what it says, and less than 4 MB');
$session->value(q{SELECT version FROM ml.train('trees', 'small', 'y', 'gradient_boosting', exclude => '{yes}', deploy => 'always', params => '{"n_trees": 20}')});
$grown = growth($session, q{SELECT sum(ml.predict('trees', t)) FROM %s t}, 'large');
note("scoring by trees: $grown kB");
cmp_ok($grown, '<', 4096, 'scoring by trees grows by less than 4 MB');
$grown = growth($session, q{SELECT count(*) FROM ml.evaluate('trees', '%s')}, 'large');
note("evaluation of trees: $grown kB");
cmp_ok($grown, '<', $judging, 'an evaluation of trees grows by as much');
$session->quit;
is(ml_warnings($node), '', 'no warning was logged');
$node->stop;
done_testing();
