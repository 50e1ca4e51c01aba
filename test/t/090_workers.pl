# Training with parallel workers: they take part, and whichever process of the team is cancelled, terminated or killed,
# the client gets a clean error, workers, shared memory and temporary files go, and the next training gives the same bytes.
#
# A training is under way when its workers are seen and the title of its process tells of trees. Shared memory is mapped
# from files of the server's own here, so that those of other servers on this machine are not taken for its own.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use MlTest;

# Only a safety net: what is measured is printed.
use constant LATENCY_MAX_S => 5;

plan skip_all => 'needs /proc of Linux' if !-r "/proc/$$/cmdline";

my $node = ml_cluster('main', conf => q{
	shared_buffers = 32MB
	max_worker_processes = 16
	max_parallel_workers = 8
	max_parallel_workers_per_gather = 3
	min_parallel_table_scan_size = 0
	dynamic_shared_memory_type = mmap
});
$node->safe_psql('postgres', q{
	SELECT setseed(0.3);
	CREATE TABLE rows AS SELECT random() AS a, random() AS b, random() AS c, random() AS d, 'k' || (random() * 30)::int AS k,
		random() AS y, random() < 0.5 AS yes, 'c' || (random() * 5)::int AS class FROM generate_series(1, 60000);
	CREATE TABLE small AS TABLE rows LIMIT 3000;
	VACUUM ANALYZE;
});

# Long enough to be caught in the middle on any machine, however small the table.
my $long = q{ml.train('long', 'rows', 'y', 'gradient_boosting', exclude => '{yes,class}', params => '{"n_trees": 5000, "max_leaves": 63, "early_stopping": 0}', deploy => 'never')};
my $long_two = q{ml.train('long', 'rows', 'yes', 'gradient_boosting', exclude => '{y,class}', params => '{"n_trees": 5000, "early_stopping": 0, "row_fraction": 0.8}', deploy => 'never')};
my $long_many = q{ml.train('long', 'rows', 'class', 'gradient_boosting', exclude => '{y,yes}', params => '{"n_trees": 2000, "early_stopping": 0}', deploy => 'never')};
my $short = q{SELECT version FROM ml.train('short', 'small', 'y', 'gradient_boosting', exclude => '{yes,class}', deploy => 'never', params => '{"n_trees": 20}')};
my $digest = q{SELECT count(DISTINCT artifact_sha256) FROM ml.versions WHERE model = 'short'};
$node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 0; $short");
my $other = ml_session($node);

# The number of shared memory segments. The server has some for itself, and a session keeps one for all of its parallel
# queries once it had any.
sub segments
{
	return scalar(() = glob($node->data_dir . '/pg_dynshmem/*'));
}

# Workers of a session's training, as pids.
sub workers
{
	my ($pid) = @_;

	return split(/\n/, $other->value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND leader_pid = $pid ORDER BY pid"));
}

# Waits until a session's training grows trees with that many workers.
sub wait_for_workers
{
	my ($pid, $n) = @_;

	for (1 .. 1200)
	{
		my @now = workers($pid);

		return @now if @now == $n && slurp_file("/proc/$pid/cmdline") =~ /training \w+: [1-9]\d* of /;
		usleep(50_000);
	}
	die 'the workers do not come';
}

# Nothing of a training that was broken off is left: workers, segments, temporary files, rows of the catalog.
sub nothing_left
{
	my ($name, $segments, $rows) = @_;

	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'}), "$name: no worker is left");
	is(segments(), $segments, "$name: no segment of shared memory is left");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', "$name: no temporary file is left");
	is(ml_temp_files($node), '', "$name: nor one that pg_ls_tmpdir() does not show");
	is(ml_rows($node), $rows, "$name: the catalog is as before");
	return;
}

# The next training gives the bytes that the first one gave without workers.
sub same_bytes
{
	my ($name, $session) = @_;

	$session->value($short);
	is($other->value($digest), '1', "$name: the next training works and gives the same bytes");
	return;
}

# Workers compute: each uses processor time while the trees grow.
sub ticks
{
	my ($pid) = @_;
	my @stat = split(/ /, slurp_file("/proc/$pid/stat") =~ s/.*\) //sr);

	return $stat[11] + $stat[12];
}

my $session = ml_session($node);
my $none = segments();
$session->value($short);
my $segments = segments();
is($segments, $none + 1, 'a session keeps one segment');
my $rows = ml_rows($node);
$session->start("SELECT version FROM $long");
my @workers = wait_for_workers($session->{pid}, 3);
is(scalar(@workers), 3, 'a training has three parallel workers');
my %before = map { $_ => ticks($_) } (@workers, $session->{pid});
my @idle = @workers;
for (1 .. 100)
{
	@idle = grep { ticks($_) - $before{$_} < 5 } (@workers, $session->{pid});
	last if !@idle;
	usleep(200_000);
}
is("@idle", '', 'all of them and the leader compute');
is(segments(), $segments + 1, 'the measure sees the segment of shared memory');

# The leader is cancelled.
my $begin = time;
$other->value("SELECT pg_cancel_backend($session->{pid})");
my ($state, $out, $err) = $session->finish;
note(sprintf('cancelled after %.3f s', time - $begin));
is($state, '57014', 'a training with workers is cancelled');
cmp_ok(time - $begin, '<', LATENCY_MAX_S, 'soon');
nothing_left('cancelled', $segments, $rows);
same_bytes('cancelled', $session);

# statement_timeout, at many moments: while the source is read, workers start, trees grow.
my %states;
$rows = ml_rows($node);
for my $call ($long, $long_two, $long_many)
{
	for my $timeout_ms (5, 20, 50, 80, 120, 200, 350, 700)
	{
		$session->value("SET statement_timeout = $timeout_ms");
		$begin = time;
		($state, $out, $err) = $session->run("SELECT version FROM $call");
		my $late = time - $begin - $timeout_ms / 1000;
		$states{$state}++;
		cmp_ok($late, '<', LATENCY_MAX_S, "statement_timeout of $timeout_ms ms: ended soon");
		note(sprintf('%d ms: %.3f s late', $timeout_ms, $late));
		$session->value('SET statement_timeout = 0');
	}
}
is(join(' ', sort keys %states), '57014', 'statement_timeout ends every one of them');
nothing_left('timed out', $segments, $rows);
same_bytes('timed out', $session);

# In a subtransaction, whose error is caught, and the transaction goes on.
$session->value(q{
	CREATE FUNCTION try(call text, ms int) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('statement_timeout', '0', true);
		EXECUTE 'SELECT count(*) FROM ' || call;
		RETURN '00000';
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		RETURN SQLSTATE;
	END
	$$});
$rows = ml_rows($node);
$session->value('BEGIN');
$session->value('CREATE TABLE kept (i int)');
$session->start(sprintf('SELECT try(%s, 0)', "'" . ($long =~ s/'/''/gr) . "'"));
wait_for_workers($session->{pid}, 3);
$other->value("SELECT pg_cancel_backend($session->{pid})");
($state, $out, $err) = $session->finish;
is("$state $out", '00000 57014', 'an error that is caught ends the workers, too');
is(join(' ', workers($session->{pid})), '', 'they are gone while the transaction goes on');
is(segments(), $segments, 'and so is their memory');
$session->value('INSERT INTO kept VALUES (1)');
$session->value($short);
$session->value('COMMIT');
is($other->value($digest), '1', 'a training of the same transaction gives the same bytes');
is($other->value('SELECT count(*) FROM kept'), '1', 'and it can write');

# A worker is terminated: the leader says so and lives on.
for my $which (0, 2)
{
	$rows = ml_rows($node);
	$session->start("SELECT version FROM $long_two");
	@workers = wait_for_workers($session->{pid}, 3);
	$begin = time;
	$other->value("SELECT pg_terminate_backend($workers[$which])");
	($state, $out, $err) = $session->finish;
	note(sprintf('a worker was terminated: %.3f s, %s', time - $begin, $err));
	is($state, '57P01', 'a terminated worker ends the training with an error');
	like($err, qr/parallel worker/, 'which says that it was one');
	cmp_ok(time - $begin, '<', LATENCY_MAX_S, 'soon');
	is($session->value('SELECT 1'), '1', 'the session goes on');
	nothing_left('worker terminated', $segments, $rows);
	same_bytes('worker terminated', $session);
}
# A cancelled worker likewise.
$rows = ml_rows($node);
$session->start("SELECT version FROM $long_many");
@workers = wait_for_workers($session->{pid}, 3);
$other->value("SELECT pg_cancel_backend($workers[1])");
is(scalar($session->finish), '57014', 'a cancelled worker ends the training with an error');
nothing_left('worker cancelled', $segments, $rows);
same_bytes('worker cancelled', $session);

# The leader is terminated.
$rows = ml_rows($node);
$session->start("SELECT version FROM $long");
wait_for_workers($session->{pid}, 3);
is($other->value("SELECT pg_terminate_backend($session->{pid}, 60000)"), 't', 'the leader can be terminated');
nothing_left('leader terminated', $none, $rows);
$session->quit;
$session = ml_session($node);
same_bytes('leader terminated', $session);

# The client goes away in the middle.
$session->value('SET client_connection_check_interval = 100');
$rows = ml_rows($node);
$session->start("SELECT version FROM $long");
wait_for_workers($session->{pid}, 3);
$session->{psql}->{run}->kill_kill;
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $session->{pid}"), 'a leader whose client is gone ends');
nothing_left('client gone', $none, $rows);
$session = ml_session($node);

# Fewer workers than were asked for, or none: the same bytes.
for my $setting ('max_parallel_workers = 0', 'max_parallel_workers = 1', 'max_parallel_workers_per_gather = 7')
{
	$session->value("SET $setting");
	same_bytes($setting, $session);
	$session->value('RESET ALL');
}
# All the workers of the server are taken by another training.
my $rival = ml_session($node);
$node->safe_psql('postgres', 'ALTER SYSTEM SET max_parallel_workers = 3');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('max_parallel_workers') = '3'}), 'the server has three workers');
$rival->start("SELECT version FROM $long");
wait_for_workers($rival->{pid}, 3);
same_bytes('no worker to be had', $session);
$other->value("SELECT pg_cancel_backend($rival->{pid})");
is(scalar($rival->finish), '57014', 'the one that had them ends');
$rival->quit;
$node->safe_psql('postgres', 'ALTER SYSTEM RESET max_parallel_workers');
$node->reload;

# In transactions of other kinds, after writes, and with tables of the session.
for my $level ('SERIALIZABLE', 'REPEATABLE READ')
{
	$session->value("BEGIN ISOLATION LEVEL $level");
	$session->value('INSERT INTO kept VALUES (2)');
	same_bytes(lc $level, $session);
	$session->value('COMMIT');
}
$session->value('BEGIN');
$session->value('CREATE TEMP TABLE mine AS TABLE small');
$session->value($short =~ s/'small'/'mine'/r);
$session->value('COMMIT');
is($other->value($digest), '1', 'a temporary table gives the same bytes');
is(ml_warnings($node), '', 'no warning was logged');

# A worker is killed: the server restarts, as for any process that is, and nothing is left.
$rows = ml_rows($node);
$session->start("SELECT version FROM $long");
@workers = wait_for_workers($session->{pid}, 3);
my $log = -s $node->logfile;
kill('KILL', $workers[1]);
$begin = time;
($state, $out, $err) = eval { $session->finish };
note('killed: ' . ($err // $@));
like($err // $@, qr/terminating connection because of crash of another server process|server closed the connection|ack Broken pipe|connection to server was lost|process ended prematurely|no SQLSTATE/, 'the client of a killed worker is told');
cmp_ok(time - $begin, '<', 30, 'and does not hang');
$node->wait_for_log(qr/database system is ready to accept connections/, $log);
like(slurp_file($node->logfile, $log), qr/parallel worker.*was terminated by signal 9/, 'the server saw it');
$session->quit;
$other->quit;
ok($node->poll_query_until('postgres', 'SELECT true'), 'the server recovers');
$other = ml_session($node);
$session = ml_session($node);
is(ml_orphans($node), '', 'worker killed: the catalog is sound');
nothing_left('worker killed', $none, $rows);
same_bytes('worker killed', $session);
is(segments(), $segments, 'worker killed: trainings leave no segment but that of the session');
$session->quit;
$other->quit;
$node->stop;
done_testing();
