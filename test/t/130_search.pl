# Searches: the same winner, byte for byte, however many processes judge the trials and whatever becomes of them; nobody is
# left when a search ends, however it ends; a job that searches holds neither a snapshot nor a lock.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);
use MlTest;

# Without shared_preload_libraries.
my $node = ml_cluster('plain', conf => q{
	max_worker_processes = 8
	min_parallel_table_scan_size = 0
});
my $rows = q{
	CREATE TABLE rows AS
	SELECT i, sin(i) * 10 AS a, i * 37 % 101 AS b, nullif('k' || i * 29 % 31, 'k3') AS c, timestamptz '2026-01-01' + i * interval '7 hours' AS at,
		ARRAY[i % 7, i % 11]::float8[] AS v, i % 40 AS team, 1 + i % 3 AS w, sin(i) * 10 + i * 37 % 101 / 10.0 + i * 7919 % 1013 / 500.0 AS y, (sin(i) * 10 + i * 7919 % 1013 / 100.0)::int > 4 AS yes
	FROM generate_series(1, 3000) i;
};
$node->safe_psql('postgres', $rows);

sub value
{
	my ($sql, $on) = @_;
	return ($on // $node)->safe_psql('postgres', $sql);
}

my $trees = q{'gradient_boosting', exclude => '{i}', params => '{"n_trees": 20}'};
my $endless = q{'rows', 'y', 'gradient_boosting', exclude => '{i,yes}', params => '{"max_leaves": 60, "early_stopping": 0}', deploy => 'never'};
my $endless_search = q{search => '{"method": "random", "trials": 400, "space": {"n_trees": [6000], "learning_rate": {"min": 0.001, "max": 0.5}}}'};

# Everything of a search that the number of workers must not change.
sub outcome
{
	my ($model, $on) = @_;
	return value(qq{
		SELECT (SELECT artifact_sha256 || metrics FROM ml.versions WHERE model = '$model' ORDER BY version DESC LIMIT 1),
			string_agg(concat_ws(',', t.trial, t.params, t.metric, t.value, t.status, r.error), ';' ORDER BY t.trial)
		FROM ml.versions v, ml.trials(v.run_id) t JOIN ml.runs r USING (run_id) WHERE v.model = '$model'}, $on);
}

sub nobody_left
{
	my ($name, $on) = @_;
	ok(($on // $node)->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'pg_mlops trial%'}), "$name: no process is left");
	is(ml_temp_files($on // $node), '', "$name: no temporary file is left");
	is(ml_orphans($on // $node), '', "$name: nothing is half registered");
	return;
}

# --- the same with and without workers ---

my %searches = (
	tpe => [qq{'rows', 'y', $trees}, '"method": "tpe", "trials": 14, "space": {"max_leaves": {"min": 2, "max": 40}, "learning_rate": {"min": 0.01, "max": 0.5, "scale": "log"}}'],
	random => [qq{'SELECT a, b, c, v, w, yes FROM rows', 'yes', $trees, weight => 'w'} =~ s/exclude => '\{i\}', //r, '"method": "random", "trials": 10, "metric": "log_loss", "space": {"max_leaves": {"min": 2, "max": 40}, "l2": [1, 10, 100]}'],
	halving => [qq{'rows', 'y', $trees, split => '{"method": "group", "column": "team"}'}, '"method": "halving", "trials": 9, "folds": 2, "space": {"max_leaves": {"min": 2, "max": 40}, "learning_rate": {"min": 0.01, "max": 0.5}}'],
	grid => [q{'SELECT a, b, c, at, y FROM rows', 'y', 'linear_regression', split => '{"method": "time", "column": "at"}', pipeline => '[{"step": "impute"}, {"step": "one_hot"}, {"step": "standardise"}]'}, '"method": "grid", "space": {"l2": [0, 10], "3.center": [true, false], "impute.indicator": [true, false]}'],
	auto => [q{'SELECT a, b, c, yes FROM rows', 'yes', 'auto'}, '"trials": 6, "folds": 2, "space": {"gradient_boosting.n_trees": {"min": 3, "max": 30}, "logistic_regression.l2": {"min": 0.1, "max": 100, "scale": "log"}}']);
foreach my $name (sort keys %searches)
{
	my ($call, $search) = @{ $searches{$name} };
	my @notes;

	foreach my $workers (0, 2)
	{
		push @notes, value(qq{SELECT version, notes FROM ml.train('$name $workers', $call, search => '{$search, "workers": $workers}', deploy => 'never')});
		unlike($notes[-1], qr/failed/, "$name: no trial fails with $workers workers");
	}
	unlike($notes[0], qr/trials ran in/, "$name: without workers this process judges");
	like($notes[1], qr/trials ran in 2 workers/, "$name: with them they do");
	is(outcome("$name 2"), outcome("$name 0"), "$name: with the same trials, figures and artifact");
}
# Rows that do not fit in memory are in temporary files of each process.
foreach my $workers (0, 2)
{
	unlike(value(qq{SET pg_mlops.train_memory = '4MB'; SELECT notes FROM ml.train('spilled $workers', 'SELECT a + k AS a, b, c, y FROM rows, generate_series(1, 60) k', 'y', 'linear_regression', search => '{"method": "random", "trials": 4, "folds": 2, "workers": $workers, "space": {"l2": {"min": 0, "max": 100}}}', deploy => 'never')}),
		qr/failed/, "spilled: no trial fails with $workers workers");
}
is(outcome('spilled 2'), outcome('spilled 0'), 'spilled: the outcome is the same');
nobody_left('done');

# --- no place for workers ---

my $full = ml_cluster('full', conf => "max_worker_processes = 0\n");
$full->safe_psql('postgres', $rows);
my ($call, $search) = @{ $searches{tpe} };
unlike(value(qq{SELECT notes FROM ml.train('tpe', $call, search => '{$search, "workers": 2}', deploy => 'never')}, $full), qr/trials ran in/, 'where no background worker is free this process judges');
is(value(q{SELECT artifact_sha256 FROM ml.versions}, $full), value(q{SELECT artifact_sha256 FROM ml.versions WHERE model = 'tpe 0'}), 'and the winner is the same');
$full->stop;

# --- rights: trials are judged by the role that trains ---

value(q{CREATE ROLE ml_clerk NOLOGIN; GRANT USAGE ON SCHEMA ml TO PUBLIC; GRANT SELECT ON rows TO ml_clerk});
like(value(qq{SET ROLE ml_clerk; SELECT notes FROM ml.train('clerks', $call, search => '{$search}', deploy => 'never')}), qr/trials ran in 2 workers/, 'a role that cannot log in searches with workers');
is(value(q{SELECT DISTINCT actor FROM ml.runs WHERE model = 'clerks'}), 'ml_clerk', 'its trials are its own');

# --- cancelling ---

sub searching
{
	my ($on) = @_;
	($on // $node)->poll_query_until('postgres', q{SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'pg_mlops trial' AND state = 'active'})
	  or die 'no trial is judged';
	return;
}

my $session = ml_session($node);
foreach my $way ('pg_cancel_backend', 'statement_timeout')
{
	$session->value("SET statement_timeout = '" . ($way eq 'statement_timeout' ? '3s' : 0) . "'");
	$session->start("SELECT ml.train('cancelled', $endless, $endless_search)");
	if ($way eq 'pg_cancel_backend')
	{
		searching();
		value("SELECT pg_cancel_backend($session->{pid})");
	}
	my $begin = time;
	my $state = $session->finish;
	is($state, '57014', "$way ends a search");
	$begin = time if $way eq 'statement_timeout';
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'pg_mlops trial%'});
	note(sprintf('%s: %.2f s until no process was left', $way, time - $begin));
	cmp_ok(time - $begin, '<', 10, "$way: soon nobody judges any more");
	nobody_left($way);
}
is(value(q{SELECT count(*) FROM ml.models WHERE model = 'cancelled'}), '0', 'nothing is registered');

# An error inside a block of PL/pgSQL ends them, too.
$session->value(q{SET statement_timeout = 0});
$session->start("DO \$\$ BEGIN PERFORM ml.train('caught', $endless, $endless_search); EXCEPTION WHEN query_canceled THEN NULL; END \$\$");
searching();
value("SELECT pg_cancel_backend($session->{pid})");
is($session->finish, '00000', 'an error that is caught');
nobody_left('caught');

# --- a worker is gone ---

# Long enough to be met at work on a fast machine.
my $long = q{search => '{"method": "random", "trials": 6, "folds": 2, "workers": 2, "space": {"n_trees": [600], "learning_rate": {"min": 0.05, "max": 0.5}}}'};
value("SELECT ml.train('whole', $endless, $long)");
foreach my $kills (1, 2)
{
	$session->start("SELECT ml.train('lost $kills', $endless, $long)");
	searching();
	value(qq{SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_mlops trial' LIMIT $kills) w});
	is($session->finish, '00000', "a search goes on when $kills of its workers are gone");
	is(outcome("lost $kills"), outcome('whole'), 'with the same outcome');
}
nobody_left('lost');

# A cancelled worker ends its trial alone.
$session->start("SELECT ml.train('one', $endless, $long)");
searching();
value(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_mlops trial' LIMIT 1});
is($session->finish, '00000', 'cancelling a worker does not end the search');
is(value(q{SELECT count(*) FROM ml.runs WHERE model = 'one' AND kind = 'trial' AND status = 'cancelled' AND error ~ 'cancel'}), '1', 'but its trial');

# --- the leader is gone ---

$session->start("SELECT ml.train('leader', $endless, $endless_search)");
searching();
value("SELECT pg_terminate_backend($session->{pid})");
nobody_left('terminated');
$session->quit;
$session = ml_session($node);
$session->start("SELECT ml.train('leader', $endless, $endless_search)");
searching();
kill 'KILL', $session->{pid};
$session->quit;
$node->poll_query_until('postgres', 'SELECT true');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'pg_mlops trial%'}), 'killed: no process is left');
is(value(q{SELECT count(*) FROM ml.models WHERE model = 'leader'}), '0', 'nothing is registered');
# a process that was to be ended may have ended by itself
is(ml_warnings($node) =~ s/.*(?:terminating connection because of crash|is not a PostgreSQL backend process).*\n?//gr, '', 'no warning is in the log');
$node->stop;

# --- in a job ---

my $jobs = ml_cluster('jobs', conf => q{
	shared_preload_libraries = 'pg_mlops'
	max_worker_processes = 16
	pg_mlops.flush_interval = 500ms
});
$jobs->safe_psql('postgres', $rows);
my $job = value("SELECT ml.train_async('job', $endless, $endless_search)", $jobs);
searching($jobs);
is(value(qq{SELECT phase, iterations_total FROM ml.stat_progress_train}, $jobs), 'searching|400', 'ml.stat_progress_train says so');
my $ours = q{(SELECT pid FROM pg_stat_activity WHERE backend_type IN ('pg_mlops job', 'pg_mlops trial'))};
ok($jobs->poll_query_until('postgres', qq{SELECT count(*) = 0 FROM pg_stat_activity WHERE pid IN $ours AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)}), 'neither the job nor its workers hold a snapshot');
is(value(qq{SELECT count(*) FROM pg_locks WHERE pid IN $ours AND locktype = 'relation'}, $jobs), '0', 'nor a lock on any relation');
is(ml_sqlstate($jobs, 'postgres', q{SET lock_timeout = '1ms'; ALTER TABLE rows ADD COLUMN late int}), '00000', 'the table can be altered meanwhile');
value("SELECT ml.cancel_job($job)", $jobs);
is(value("SELECT ml.wait_job($job, '60 s')", $jobs), 'cancelled', 'ml.cancel_job ends the search');
nobody_left('job', $jobs);
value("SELECT ml.train('direct', $call, search => '{$search}', deploy => 'never')", $jobs);
$job = value("SELECT ml.train_async('job', $call, search => '{$search}', deploy => 'never')", $jobs);
is(value("SELECT ml.wait_job($job, '180 s')", $jobs), 'succeeded', 'a job searches');
is(outcome('job', $jobs), outcome('direct', $jobs), 'as a direct call does');
$jobs->stop;

done_testing();
