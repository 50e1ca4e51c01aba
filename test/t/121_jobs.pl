# Jobs: trainings by background workers, with the rights of who submitted them, however they end. While a job computes it
# holds neither a snapshot nor a lock. Processes are killed at random moments: every job ends, no version is half there.
#
# ML_JOB_KILLS says how many processes are killed in the last part; 6 by default.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use MlTest;

my $node = ml_cluster('main', conf => q{
	shared_preload_libraries = 'pg_mlops'
	shared_buffers = 32MB
	max_worker_processes = 20
	max_parallel_workers = 8
	max_parallel_workers_per_gather = 2
	min_parallel_table_scan_size = 0
	pg_mlops.flush_interval = 500ms
});
$node->safe_psql('postgres', q{
	CREATE ROLE ml_clerk NOLOGIN;
	CREATE ROLE ml_other NOLOGIN;
	CREATE SCHEMA clerk AUTHORIZATION ml_clerk;
	SELECT setseed(0.3);
	CREATE TABLE rows AS SELECT random() AS a, random() AS b, 'k' || (random() * 30)::int AS k, random() AS y FROM generate_series(1, 20000);
	CREATE TABLE small AS SELECT a, b, a + b AS y FROM rows LIMIT 1000;
	CREATE TABLE clerk.own AS TABLE small;
	ALTER TABLE clerk.own OWNER TO ml_clerk;
	GRANT USAGE ON SCHEMA ml TO PUBLIC;
});

# Trees without end; some that take a few seconds; and a training that takes none.
my $endless = q{'rows', 'y', 'gradient_boosting', params => '{"n_trees": 6000, "max_leaves": 63, "early_stopping": 0}'};
my $long = q{'rows', 'y', 'gradient_boosting', params => '{"n_trees": 400, "max_leaves": 63, "early_stopping": 0}'};
my $short = q{'small', 'y', 'linear_regression'};

sub value
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

sub submit
{
	my ($model, $what, $as) = @_;
	my $out = value(($as ? "SET ROLE $as; " : '') . "SELECT ml.train_async('$model', $what)");

	return (split /\n/, $out)[-1];
}

sub wait_for
{
	my ($job, $as) = @_;
	my $out = value(($as ? "SET ROLE $as; " : '') . "SELECT ml.wait_job($job, '180 s')");

	return (split /\n/, $out)[-1];
}

sub job
{
	my ($job, $columns) = @_;
	return value("SELECT $columns FROM ml.jobs WHERE job_id = $job");
}

# Waits until a job grows trees; returns the pid of its process.
sub growing
{
	my ($job) = @_;

	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM ml.jobs WHERE job_id = $job AND (progress > 0 OR finished_at IS NOT NULL)");
	return value("SELECT pid FROM ml.stat_progress_train WHERE job_id = $job") || die "job $job does not grow trees: " . job($job, '*');
}

# The job, as it has ended, was that of another one.
sub nothing_left
{
	my ($name) = @_;

	is(ml_orphans($node), '', "$name: nothing is half registered");
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type IN ('parallel worker', 'pg_mlops job')}), "$name: no process is left");
	return;
}

# --- success, as whoever submitted ---

my $job = submit('plain', $short);
is(wait_for($job), 'succeeded', 'a job succeeds');
is(job($job, q{status, progress, result ->> 'version', result ->> 'deployed', error IS NULL, pid IS NULL, attempts}), 'succeeded|1|1|true|t|t|1', 'and says what came of it');
is(value(q{SELECT environment ->> 'application_name' FROM ml.runs WHERE model = 'plain'}), value('SHOW application_name'), 'its run names the application that asked for it');
value(q{SELECT ml.train('direct', 'small', 'y', 'linear_regression')});
is(value(q{SELECT count(DISTINCT artifact_sha256) FROM ml.versions WHERE model IN ('plain', 'direct')}), '1', 'the version is that of a direct call, byte for byte');

$job = submit('clerks', q{'own', 'y', 'linear_regression'}, q{ml_clerk; SET search_path = clerk});
is(wait_for($job, 'ml_clerk'), 'succeeded', 'a role that cannot log in has jobs, and its names are those of its search_path');
is(value(q{SELECT v.created_by, m.owner, r.actor, r.environment ->> 'session_user', r.environment ->> 'search_path' FROM ml.versions v JOIN ml.models m USING (model) JOIN ml.runs r USING (run_id) WHERE v.model = 'clerks'}),
	'ml_clerk|ml_clerk|ml_clerk|' . value('SELECT session_user') . '|clerk', 'the version is its own, and says who was logged in');
$job = submit('clerks', q{'small', 'y', 'linear_regression'}, 'ml_clerk');
is(wait_for($job), 'failed', 'without the right to the source it fails');
like(job($job, 'error'), qr/permission denied for table small.*SQLSTATE: 42501/s, 'as the caller would have');
value(q{CREATE FUNCTION clerk.climb() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('role', 'none', false); RETURN 1; END $$; ALTER FUNCTION clerk.climb() OWNER TO ml_clerk});
$job = submit('clerks', q{'SELECT a, b * clerk.climb() AS b, y FROM clerk.own', 'y', 'linear_regression'}, 'ml_clerk');
is(wait_for($job), 'failed', 'what a source runs does not get out of its role');
like(job($job, 'error'), qr/cannot set parameter "role"/, 'and is told so');
$job = submit('clerks', q{'SELECT a, b, y FROM clerk.own WHERE current_user = ''ml_clerk''', 'y', 'linear_regression'}, 'ml_clerk');
is(wait_for($job), 'succeeded', 'the current user is the role');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.train_async('plain', 'small', 'y', 'no_such')}), '42704', 'arguments are checked when a job is submitted');
is(ml_sqlstate($node, 'postgres', q{SET ROLE ml_other; SELECT ml.train_async('plain', 'small', 'y')}), '42501', 'and so are rights');

# --- who sees and who cancels ---

value('ALTER SYSTEM SET pg_mlops.max_job_workers = 0');
$node->reload;
usleep(1_000_000);
$job = submit('clerks', q{'clerk.own', 'y', 'linear_regression'}, 'ml_clerk');
is(value("SET ROLE ml_other; SELECT count(*) FROM ml.jobs WHERE job_id = $job"), "0", 'another role does not see a job');
is(ml_sqlstate($node, 'postgres', "SET ROLE ml_other; SELECT ml.cancel_job($job)"), '42704', 'nor cancel it');
is(ml_sqlstate($node, 'postgres', "SET ROLE ml_other; SELECT ml.wait_job($job)"), '42704', 'nor wait for it');
value(q{SET ROLE ml_clerk; SELECT ml.grant('clerks', 'read', 'ml_other')});
is(value("SET ROLE ml_other; SELECT status FROM ml.jobs WHERE job_id = $job"), "queued", 'a reader of the model sees it');
is(ml_sqlstate($node, 'postgres', "SET ROLE ml_other; SELECT ml.cancel_job($job)"), '42501', 'and may not cancel it');
is(value("SET ROLE ml_clerk; SELECT ml.wait_job($job, '200 ms')"), "queued", 'the status at the timeout');
value("SET ROLE ml_clerk; SELECT ml.cancel_job($job)");
is(job($job, 'status, message, attempts'), 'cancelled|cancelled by ml_clerk|0', 'the submitter cancels it at once');
my ($state, $out) = ml_sqlstate($node, 'postgres', "SELECT ml.cancel_job($job)");
is($state, '00000', 'once more is no error');
value('ALTER SYSTEM RESET pg_mlops.max_job_workers');
$node->reload;

# --- running: progress, one of a model at a time, cancelling ---

my $first = submit('busy', $endless);
my $second = submit('busy', $short);
my $other = submit('idle', $short);
my $pid = growing($first);
is(wait_for($other), 'succeeded', 'jobs of two models run at a time');
is(job($second, 'status'), 'queued', 'those of one model do not');
is(value("SELECT model, rows_done = 20000 AND rows_total = 20000, iterations_total, memory_bytes > 100000 FROM ml.stat_progress_train WHERE pid = $pid"), 'busy|t|6000|t', 'ml.stat_progress_train shows how far it is');
is(value("SELECT progress > 0 AND progress < 1, message FROM ml.jobs WHERE job_id = $first"), 't|fitting', 'and so does ml.jobs');
is(value("SET ROLE ml_other; SELECT count(*) FROM ml.stat_progress_train"), "0", 'others do not see it');
is(value("SELECT backend_type, query FROM pg_stat_activity WHERE pid = $pid"), "pg_mlops job|pg_mlops: train busy (job $first)", 'the process says what it does');
is(ml_sqlstate($node, 'postgres', "SET statement_timeout = '300ms'; SELECT ml.wait_job($first)"), '57014', 'waiting can be interrupted');
value("SELECT ml.cancel_job($first)");
is(wait_for($first), 'cancelled', 'a running job is cancelled');
like(job($first, 'message'), qr/^cancelled by /, 'and says by whom');
is(wait_for($second), 'succeeded', 'then the next one of the model runs');
is(value("SELECT count(*) FROM ml.versions WHERE model = 'busy'"), '1', 'the cancelled one has left no version');
nothing_left('cancelled');

# --- no snapshot and no lock ---

$job = submit('free', $endless);
$pid = growing($job);
my $held = q{FROM pg_stat_activity WHERE (pid = %1$s OR leader_pid = %1$s) AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)};
ok($node->poll_query_until('postgres', sprintf("SELECT count(*) = 0 $held", $pid)), 'neither the job nor its parallel workers hold a snapshot');
is(value("SELECT count(*) FROM pg_locks l WHERE (pid = $pid OR pid IN (SELECT pid FROM pg_stat_activity WHERE leader_pid = $pid)) AND locktype = 'relation'"), '0', 'nor a lock on any relation');
is(value("SELECT count(*) > 0 FROM pg_stat_activity WHERE leader_pid = $pid"), 't', 'it has parallel workers');
value('DELETE FROM rows WHERE a < 0.5');
my ($ret, undef, $verbose) = $node->psql('postgres', 'VACUUM (VERBOSE) rows');
like($verbose, qr/tuples: [1-9]\d* removed, \d+ remain, 0 are dead but not yet removable/, 'VACUUM removes the rows that were deleted meanwhile');
is(ml_sqlstate($node, 'postgres', q{SET lock_timeout = '1ms'; ALTER TABLE rows ADD COLUMN late int}), '00000', 'ALTER TABLE gets its lock without waiting');
is(job($job, 'status'), 'running', 'the job ran all the while');
value("SELECT ml.cancel_job($job)");
is(wait_for($job), 'cancelled', 'until it is cancelled');
value(q{INSERT INTO rows SELECT a / 2, b, k, y FROM rows});
my $count = value('SELECT count(*) FROM rows');
$job = submit('free', $long);
growing($job);
value('TRUNCATE rows; ALTER TABLE rows ADD COLUMN later int');
is(wait_for($job), 'succeeded', 'a job succeeds whose source is emptied and altered meanwhile');
is(job($job, q{result ->> 'rows'}), $count, 'with the rows that it had read');
value(q{INSERT INTO rows SELECT random(), random(), 'k' || (random() * 30)::int, random() FROM generate_series(1, 20000)});
nothing_left('succeeded');

# --- the process ends without a word ---

$job = submit('gone', $endless);
$pid = growing($job);
value("SELECT pg_terminate_backend($pid)");
is(wait_for($job), 'failed', 'a job whose process is terminated fails');
like(job($job, 'error'), qr/process $pid, ended without a result/, 'and says so');
nothing_left('terminated');

$job = submit('again', $long);
$pid = growing($job);
$node->restart;
is(wait_for($job), 'succeeded', 'a job survives a restart of the server');
is(job($job, 'attempts'), '2', 'it was started again');
nothing_left('restarted');

$job = submit('twice', $endless);
for my $round (1 .. 2)
{
	$pid = growing($job);
	kill 'KILL', $pid;
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back' if $round == 1;
}
$node->poll_query_until('postgres', 'SELECT true');
is(wait_for($job), 'failed', 'a job whose process brings the server down is started once more, and then fails');
like(job($job, 'error'), qr/the server ended while it ran, 2 times/, 'and says why');
nothing_left('killed');

# --- a job whose model is dropped while it runs ---

submit('doomed', $short);
wait_for(value(q{SELECT max(job_id) FROM ml.jobs}));
$job = submit('doomed', $long);
growing($job);
value(q{SELECT ml.undeploy('doomed', 'production'); SELECT ml.drop_model('doomed')});
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'pg_mlops job'});
is(value(q{SELECT (SELECT count(*) FROM ml.models WHERE model = 'doomed') + (SELECT count(*) FROM ml.jobs WHERE model = 'doomed')}), '0', 'a model that is dropped does not come back by its job');

# --- random moments ---

my $kills = $ENV{ML_JOB_KILLS} // 6;
my %want;
srand($ENV{ML_JOB_SEED} // 7);
for my $round (1 .. $kills)
{
	my @jobs = map { submit("r$_", $_ % 2 ? $short : q{'rows', 'y', 'gradient_boosting', params => '{"n_trees": 60, "early_stopping": 0}'}) } 1 .. 3;

	$want{$_} = 1 for @jobs;
	usleep(int(rand(1_200_000)));
	if (rand() < 0.5)
	{
		my $victim = value(q{SELECT coalesce((SELECT pid FROM pg_stat_activity WHERE backend_type IN ('pg_mlops job', 'pg_mlops worker') ORDER BY random() LIMIT 1), 0)});
		kill(rand() < 0.5 ? 'KILL' : 'TERM', $victim) if $victim;
	}
	else
	{
		$node->stop('immediate');
		$node->start;
	}
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
}
my $left = 'SELECT count(*) FROM ml.jobs WHERE status IN (\'queued\', \'running\')';
ok($node->poll_query_until('postgres', "$left HAVING count(*) = 0", '0'), 'after kills at random moments every job ends');
is(value('SELECT count(*) FROM ml.jobs WHERE job_id IN (' . join(', ', keys %want) . ')'), scalar(keys %want), 'no row of a job is lost');
is(value(q{SELECT count(*) FROM ml.jobs j WHERE j.model ~ '^r\d$' AND (j.status = 'succeeded') <> EXISTS (SELECT FROM ml.versions v WHERE v.model = j.model AND v.version = (j.result ->> 'version')::int)}), '0', 'a job that succeeded has its version, and no other has');
is(value(q{SELECT count(*) FROM ml.versions v WHERE v.model ~ '^r\d$'}), value(q{SELECT count(*) FROM ml.jobs j WHERE j.model ~ '^r\d$' AND j.status = 'succeeded'}), 'and every version its job');
note 'jobs by status: ' . value(q{SELECT string_agg(format('%s %s', n, status), ', ') FROM (SELECT status, count(*) AS n FROM ml.jobs WHERE model ~ '^r\d$' GROUP BY 1) s});
is(value(q{SELECT count(*) FROM ml.jobs WHERE attempts > 2}), '0', 'none was started a third time');
nothing_left("$kills kills");
is(value('SELECT count(*) FROM ml.verify_events()'), '0', 'the chain of events is whole');
is(ml_temp_files($node), '', 'no temporary file is left');

done_testing();
