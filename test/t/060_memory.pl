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

# Scoring and judging keep no row either.
$session = ml_session($node);
$session->value(q{SELECT version FROM ml.train('score', 'small', 'y', exclude => '{yes}')});
$grown = growth($session, q{SELECT sum(ml.predict('score', t)) FROM %s t}, 'large');
note("scoring: $grown kB");
cmp_ok($grown, '<', 4096, 'scoring grows by less than 4 MB');
$grown = growth($session, q{SELECT count(*) FROM ml.evaluate('score', '%s')}, 'large');
note("evaluation: $grown kB");
cmp_ok($grown, '<', 4096, 'an evaluation of a regression grows by less than 4 MB');
$session->quit;
is(ml_warnings($node), '', 'no warning was logged');
$node->stop;
done_testing();
