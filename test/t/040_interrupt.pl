# A training can be cancelled, terminated or killed at any moment: it ends soon, with the right SQLSTATE, leaves no row,
# no temporary file and no memory behind, and the next training works.
#
# Moments are parts of the time that the whole training takes here, so that they lie within it on any machine. A
# statement that was quicker than its timeout is rolled back and counts as one that was not cancelled.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use MlTest;

# Only a safety net: what is measured is printed.
use constant LATENCY_MAX_S => 5;

my $node = ml_cluster('main', conf => "shared_buffers = 64MB\n");
$node->safe_psql('postgres', q{
	SELECT setseed(0.1);
	DO $$
	BEGIN
		EXECUTE format('CREATE TABLE wide AS SELECT random() AS y, %s FROM generate_series(1, 3000)',
			(SELECT string_agg(format('random() * %s AS x%s', 1 + j % 7, j), ', ') FROM generate_series(1, 1000) j));
		EXECUTE format('CREATE TABLE classes AS SELECT ''k'' || (random() * 40)::int AS k, %s FROM generate_series(1, 15000)',
			(SELECT string_agg(format('random() * %s AS x%s', 1 + j % 7, j), ', ') FROM generate_series(1, 15) j));
	END
	$$;
	CREATE TABLE texts AS SELECT 'a' || (random() * 250)::int AS a, 'b' || (random() * 250)::int AS b, random() AS c,
		random() + random() AS y, random() < 0.5 AS yes FROM generate_series(1, 20000);
	CREATE TABLE long AS SELECT random() AS a, random() AS b, random() AS c, random() AS d,
		CASE WHEN random() < 0.1 THEN NULL ELSE random() END AS e, 't' || (random() * 9)::int AS t,
		random() + random() AS y, random() < 0.5 AS yes FROM generate_series(1, 250000);
	CREATE TABLE small AS SELECT random() AS a, random() AS b, random() AS y FROM generate_series(1, 200);
	SELECT version FROM ml.train('kept', 'small', 'y');
	SELECT version FROM ml.train('long', 'SELECT * FROM long WHERE a < 0.25', 'yes', 'logistic_regression', exclude => '{y}', split => '{"method": "none"}');
	SELECT version FROM ml.train('gated', 'SELECT a, b, c, d, t, yes FROM long WHERE a < 0.1', 'yes', 'logistic_regression');
	SELECT version FROM ml.train('gated', 'SELECT a, b, c, t, yes FROM long WHERE a < 0.1', 'yes', 'logistic_regression', deploy => 'never');
	SELECT ml.add_gate('gated', 'log_loss', 'log_loss', versus => 'production', slices => '{t}');
	SELECT ml.add_gate('gated', 'auc', 'auc', versus => 'trivial', slices => '{t}');
	SELECT ml.add_gate('gated', 'odds', 'equalised_odds_difference', max => 1, slices => '{t}');
	SELECT ml.add_gate('gated', 'moves', 'invariance:a', max => 1);
	SELECT ml.add_gate('gated', 'rises', 'increasing:b', max => 1);
	VACUUM ANALYZE;
});

my %cases = (
	'a wide linear regression' => q{ml.train('new', 'wide', 'y', 'linear_regression')},
	'a linear regression of many categories' => q{ml.train('new', 'texts', 'y', 'linear_regression', exclude => '{yes}')},
	'a logistic regression of many categories' => q{ml.train('new', 'texts', 'yes', 'logistic_regression', exclude => '{y}')},
	'a logistic regression of many classes' => q{ml.train('new', 'classes', 'k', 'logistic_regression')},
	'a linear regression in one pass' => q{ml.train('new', 'long', 'y', 'linear_regression', features => '{a,b,c,d}')},
	'a linear regression that spills' => q{ml.train('new', 'long', 'y', 'linear_regression', exclude => '{yes}')},
	'a logistic regression that spills' => q{ml.train('new', 'long', 'yes', 'logistic_regression', exclude => '{y}')},
	'boosted trees of many rows' => q{ml.train('new', 'long', 'y', 'gradient_boosting', exclude => '{yes}', params => '{"n_trees": 30}')},
	'boosted trees of many columns' => q{ml.train('new', 'wide', 'y', 'gradient_boosting', params => '{"n_trees": 5}')},
	'boosted trees of many classes' => q{ml.train('new', 'classes', 'k', 'gradient_boosting', params => '{"n_trees": 2}')},
	'boosted trees of many leaves' => q{ml.train('new', 'texts', 'yes', 'gradient_boosting', exclude => '{y}', params => '{"n_trees": 5, "max_leaves": 32768, "min_rows": 1, "early_stopping": 3}')},
	'the better of two' => q{ml.train('new', 'texts', 'y', exclude => '{yes}', params => '{"n_trees": 30}')},
	'a new version of a model' => q{ml.train('kept', 'long', 'y', exclude => '{yes}')},
	'gates' => q{ml.run_gates('gated', 2, 'long')},
	'an evaluation' => q{ml.evaluate('kept', 'SELECT * FROM small, generate_series(1, 20000)')},
	'an importance by permutation' => q{ml.importance('long', 'permutation')},
	'an importance by permutation that spills' => q{ml.importance('long', 'permutation')});
my %memory = (
	'a linear regression that spills' => q{'4MB'},
	'an importance by permutation that spills' => q{'4MB'},
	'a logistic regression that spills' => q{'4MB'});

my $before = ml_rows($node);
my $other = ml_session($node);

# Ends a transaction. A timeout or a request that comes late hits the ROLLBACK, on a machine that has much else to do.
sub roll_back
{
	my ($session) = @_;

	1 while $session->run('ROLLBACK') ne '00000';
	return;
}

# Nothing is left behind by a training that did not come to its end.
sub nothing_left
{
	my ($name) = @_;

	is(ml_rows($node), $before, "$name: the catalog is as before");
	is(ml_temp_files($node), '', "$name: no temporary file is left");
}

for my $name (sort keys %cases)
{
	my $session = ml_session($node);
	my $call = "SELECT count(*) FROM $cases{$name}";
	my ($whole, $begin);

	$session->value('SET pg_mlops.train_memory = ' . ($memory{$name} // q{'1GB'}));
	$session->value('SET pg_mlops.max_categories = 1000');
	for (1 .. 2)
	{
		$session->value('BEGIN');
		$begin = time;
		$session->value($call);
		$whole = time - $begin if !defined $whole || time - $begin < $whole;
		$session->value('ROLLBACK');
	}

	my ($cancelled, $latest, $steps, @strange) = (0, 0, $whole > 1 ? 8 : 12);
	for my $step (1 .. $steps)
	{
		my $timeout_ms = int(1000 * $whole * $step / ($steps + 1)) || 1;

		# The timeout of the statement, or a request from another session.
		$session->value('BEGIN');
		$session->value("SET LOCAL statement_timeout = $timeout_ms") if $step % 2;
		$begin = time;
		$session->start($call);
		if ($step % 2 == 0)
		{
			usleep($timeout_ms * 1000);
			$begin = time - $timeout_ms / 1000;
			$other->value("SELECT pg_cancel_backend($session->{pid})");
		}
		my ($state, $out, $err) = $session->finish;
		my $late = time - $begin - $timeout_ms / 1000;
		push @strange, "$timeout_ms ms: $state $err" if $state ne '57014' && $state ne '00000';
		if ($state eq '57014')
		{
			$cancelled++;
			$latest = $late if $late > $latest;
		}
		roll_back($session);
		push @strange, "$timeout_ms ms: temporary files" if ml_temp_files($node) ne '';
	}
	note(sprintf('%s: takes %.2f s, cancelled %d of %d times, at most %.3f s later', $name, $whole, $cancelled, $steps, $latest));
	is("@strange", '', "$name: it is cancelled at any moment with SQLSTATE 57014");
	cmp_ok($cancelled, '>=', $steps / 3, "$name: it was cancelled");
	cmp_ok($latest, '<', LATENCY_MAX_S, "$name: it ends soon");
	is($session->value('SELECT 1'), '1', "$name: the session goes on");
	nothing_left($name);

	# Memory: what fifty cancelled trainings leave in the session. The first ones fill the session's own caches.
	my ($warm, $after) = (0, 0);
	for my $repetition (1 .. 60)
	{
		$session->value('BEGIN');
		$session->run('SET LOCAL statement_timeout = ' . (2 + 7 * $repetition % 90));
		$session->run($call);
		roll_back($session);
		$warm = $session->value(ml_memory()) if $repetition == 10;
	}
	$after = $session->value(ml_memory());
	note("$name: $warm bytes in the session's memory contexts, $after after 50 more cancelled trainings");
	cmp_ok($after - $warm, '<', 256 * 1024, "$name: the session's memory does not grow");
	$session->quit;
}

# Trainings that would take minutes: one that could not be cancelled would not end within the safety net.
$node->safe_psql('postgres', q{
	CREATE TABLE endless AS SELECT 'a' || i % 1200 AS a, 'b' || i % 1201 AS b, random() + random() AS y, random() < 0.5 AS yes
		FROM generate_series(1, 60000) i;
	ANALYZE endless});
my %endless = (
	'boosted trees of minutes' => q{ml.train('new', 'endless', 'yes', 'gradient_boosting', exclude => '{y}', params => '{"n_trees": 20000, "early_stopping": 0}')},
	'a linear regression of minutes' => q{ml.train('new', 'endless', 'y', 'linear_regression', exclude => '{yes}')},
	'a logistic regression of minutes' => q{ml.train('new', 'endless', 'yes', 'logistic_regression', exclude => '{y}')});
for my $name (sort keys %endless)
{
	my $session = ml_session($node);

	$session->value(q{SET pg_mlops.train_memory = '2GB'});
	$session->value('SET pg_mlops.max_categories = 10000');
	for my $timeout_ms (300, 1000, 2000, 4000)
	{
		$session->value("SET statement_timeout = $timeout_ms");
		my $begin = time;
		my ($state, $out, $err) = $session->run("SELECT count(*) FROM $endless{$name}");
		my $late = time - $begin - $timeout_ms / 1000;

		is($state, '57014', "$name: cancelled after $timeout_ms ms") or diag($err);
		note(sprintf('%s: %.3f s late', $name, $late));
		cmp_ok($late, '<', LATENCY_MAX_S, "$name: it ends soon after $timeout_ms ms");
	}
	$session->quit;
	nothing_left($name);
}

# Every learner there is, whatever it can do: a new one is tested without a change here.
for my $learner (split(/\n/, $other->value(q{SELECT name || ' ' || task FROM ml.learners, unnest(tasks) task WHERE task IN ('regression', 'classification') ORDER BY 1})))
{
	my ($name, $task) = split(/ /, $learner);
	my ($target, $without) = $task eq 'regression' ? ('y', 'yes') : ('yes', 'y');
	my $session = ml_session($node);
	my ($cancelled, $latest) = (0, 0);

	for my $timeout_ms (10, 30, 60, 100, 200, 400)
	{
		$session->value("SET statement_timeout = $timeout_ms");
		my $begin = time;
		my ($state, $out, $err) = $session->run("SELECT count(*) FROM ml.train('new', 'long', '$target', '$name', task => '$task', exclude => '{$without}', deploy => 'never')");
		my $late = time - $begin - $timeout_ms / 1000;

		$session->value('SET statement_timeout = 0');
		like($state, qr/^(57014|00000)$/, "$learner: $timeout_ms ms");
		$session->value(q{SELECT ml.drop_model('new')}) if $state eq '00000';
		next if $state ne '57014';
		$cancelled++;
		$latest = $late if $late > $latest;
	}
	cmp_ok($cancelled, '>=', 3, "$learner: it was cancelled");
	cmp_ok($latest, '<', LATENCY_MAX_S, sprintf('%s: it ends soon, at most %.3f s later', $learner, $latest));
	$session->quit;
	is(ml_temp_files($node), '', "$learner: no temporary file is left");
}

# Trainings that end within a few milliseconds are interrupted in the middle of their registration, too.
$node->safe_psql('postgres', q{
	CREATE PROCEDURE train_on(model text) LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			PERFORM ml.train(model, 'small', 'y', deploy => 'always', experiment => 'again');
			COMMIT;
		END LOOP;
	END
	$$});
my @strange;
my $session = ml_session($node);
for my $repetition (1 .. 25)
{
	$session->value('SET statement_timeout = ' . (40 + 7 * $repetition % 60));
	my ($state, $out, $err) = $session->run(q{CALL train_on('quick')});
	push @strange, "$state $err" if $state ne '57014';
	push @strange, ml_orphans($node) if ml_orphans($node) ne '';
	$session->value('SET statement_timeout = 0');
}
is("@strange", '', 'quick trainings that commit one after the other are cancelled between or within');
is($session->value(q{SELECT count(*) > 25 AND count(*) = max(version) FROM ml.versions WHERE model = 'quick'}), 't',
	'versions that were cancelled leave no gap');
is($session->value(q{SELECT count(*) FROM ml.deployments WHERE model = 'quick' AND ended_at IS NULL}), '1', 'one version is in production');

# A training that waits for another one of the same model can be cancelled while it waits.
my $waiting = ml_session($node);
$before = ml_rows($node);
$session->value('BEGIN');
$session->value(q{SELECT version FROM ml.train('quick', 'small', 'y')});
$waiting->start(q{SELECT version FROM ml.train('quick', 'small', 'y')});
$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $waiting->{pid}")
  or die 'the second training does not wait';
$other->value("SELECT pg_cancel_backend($waiting->{pid})");
is(scalar($waiting->finish), '57014', 'a training that waits for a lock is cancelled');
$waiting->value(q{SET lock_timeout = '50ms'});
is(scalar($waiting->run(q{SELECT version FROM ml.train('quick', 'small', 'y')})), '55P03', 'or gives up after lock_timeout');
$session->value('ROLLBACK');
$waiting->quit;
nothing_left('waiting');

# The end of a session from outside.
$session->start(q{SELECT version FROM ml.train('new', 'wide', 'y', 'linear_regression')});
usleep(200_000);
is($other->value("SELECT pg_terminate_backend($session->{pid}, 60000)"), 't', 'a training session can be terminated');
$session->quit;
nothing_left('terminated');
is(ml_warnings($node), '', 'no warning was logged');
$other->quit;

# A process that is killed takes the server down for a moment; what was committed stays and nothing else.
my @kills = (
	(map { [ 'quick', q{CALL train_on('quick')}, 0.05 + 0.11 * $_ ] } 1 .. 5),
	(map { [ 'spilling', q{SELECT version FROM ml.train('new', 'long', 'yes', 'logistic_regression', exclude => '{y}')}, 0.12 * $_ ] } 1 .. 3),
	(map { [ 'trees', q{SELECT version FROM ml.train('new', 'long', 'yes', 'gradient_boosting', exclude => '{y}')}, 0.4 * $_ ] } 1 .. 3),
	(map { [ 'wide', q{SELECT version FROM ml.train('new', 'wide', 'y', 'linear_regression')}, 0.3 * $_ ] } 1 .. 3));
for my $kill (@kills)
{
	my ($name, $call, $seconds) = @$kill;
	my $kept = $name ne 'quick';

	$session = ml_session($node);
	$session->value(q{SET pg_mlops.train_memory = '4MB'}) if $name eq 'spilling';
	$before = ml_rows($node);
	$session->value('BEGIN') if $kept;
	$session->start($call);
	usleep($seconds * 1e6);
	my $log = -s $node->logfile;
	kill('KILL', $session->{pid});
	$node->wait_for_log(qr/database system is ready to accept connections/, $log);
	$session->quit;
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not recover';
	is(ml_orphans($node), '', "killed $name: the catalog is sound");
	is(ml_temp_files($node), '', "killed $name: no temporary file is left");
	is(ml_rows($node), $before, "killed $name: the catalog is as before") if $kept;
	my $last = $node->safe_psql('postgres', q{SELECT coalesce(max(version), 0) FROM ml.versions WHERE model = 'quick'});
	is($node->safe_psql('postgres', q{SELECT version FROM ml.train('quick', 'small', 'y')}), $last + 1, "killed $name: the next training works");
}
$node->stop;
done_testing();
