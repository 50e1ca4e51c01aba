# Background workers: one for each database with the extension and for no other; they come back, they make way for
# statements that need the database, they run in no standby, and ml.flush_monitor says what is wrong.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $preload = "shared_preload_libraries = 'pg_mlops'\npg_mlops.flush_interval = 200ms\nmax_worker_processes = 16\n";
my $flush = 'SELECT ml.flush_monitor()';

# Databases that have a worker, once that is what is expected.
sub workers
{
	my ($node, $expected, $name) = @_;

	ok($node->poll_query_until('postgres', q{SELECT coalesce(string_agg(datname, ' ' ORDER BY datname), '') FROM pg_stat_activity
		WHERE backend_type = 'pg_mlops worker'}, $expected), $name);
	return;
}

# The process of a database's worker, or of the launcher.
sub pid
{
	my ($node, $db) = @_;

	return $node->safe_psql('postgres', $db ? "SELECT pid FROM pg_stat_activity WHERE datname = '$db' AND backend_type = 'pg_mlops worker'"
		: q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_mlops launcher'});
}

# Waits for another worker than that one.
sub another
{
	my ($node, $db, $pid, $name) = @_;

	ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM pg_stat_activity
		WHERE datname = '$db' AND backend_type = 'pg_mlops worker' AND pid <> $pid}), $name);
	return;
}

# Whether the flush works in all these databases.
sub flushes
{
	my ($node, $name, @databases) = @_;

	is(join(' ', map { scalar ml_sqlstate($node, $_, $flush) } @databases), join(' ', map { '00000' } @databases), $name);
	return;
}

# Without preloading.
my $bare = ml_cluster('bare');
my ($ret, $out, $err) = $bare->psql('postgres', "\\set VERBOSITY verbose\n$flush");
like($err, qr/55000: pg_mlops has no workers in this server/, 'without preloading: a flush is an error');
like($err, qr/HINT:  Add pg_mlops to shared_preload_libraries and restart the server/, 'which says what to do');
is($bare->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_mlops%'}), '0', 'and there is no process');
$bare->stop;

# Five databases.
my $node = ml_cluster('main', conf => $preload, allows_streaming => 1);
my @five = qw(a b c d postgres);
$node->safe_psql('postgres', "CREATE DATABASE $_") for (qw(a b c d plain));
$node->safe_psql($_, 'CREATE EXTENSION pg_mlops') for (qw(a b c d template1));
workers($node, 'a b c d postgres', 'five databases with the extension have a worker each, those without and templates none');
flushes($node, 'the flush works in each', @five);
like($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT backend_type || ', ' || application_name, '; ' ORDER BY backend_type || ', ' || application_name)
	FROM pg_stat_activity WHERE backend_type LIKE 'pg_mlops%'}), qr/^pg_mlops launcher, pg_mlops launcher; pg_mlops worker, pg_mlops worker$/,
	'pg_stat_activity tells them');
$node->safe_psql('plain', 'BEGIN; CREATE EXTENSION pg_mlops; ROLLBACK');
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
workers($node, 'a b c d fresh postgres', 'a database that is created from a template with the extension gets one; what was rolled back does not');
$node->safe_psql('template1', 'DROP EXTENSION pg_mlops');

# The extension goes and comes.
my $old = pid($node, 'd');
$node->safe_psql('d', 'DROP EXTENSION pg_mlops');
workers($node, 'a b c fresh postgres', 'DROP EXTENSION ends the worker');
$node->safe_psql('d', 'CREATE EXTENSION pg_mlops');
another($node, 'd', $old, 'CREATE EXTENSION starts one');
$node->safe_psql('d', 'BEGIN; DROP EXTENSION pg_mlops; ROLLBACK');
flushes($node, 'after a DROP EXTENSION that was rolled back it works on', 'd');
$node->safe_psql('d', 'BEGIN; DROP EXTENSION pg_mlops; CREATE EXTENSION pg_mlops; COMMIT');
flushes($node, 'and after one that was followed by CREATE EXTENSION', 'd');

# Statements that need the database for themselves. Their server waits five seconds for others to leave, and we are gone before.
my $place = $node->basedir . '/place';
mkdir($place);
$node->safe_psql('postgres', "CREATE TABLESPACE place LOCATION '$place'; CREATE ROLE ordinary LOGIN CREATEDB");
$old = pid($node, 'a');
is(scalar(ml_sqlstate($node, 'postgres', 'DROP DATABASE a', extra_params => [ '-U', 'ordinary' ])), '42501', 'a stranger cannot drop the database');
is(scalar(ml_sqlstate($node, 'postgres', 'CREATE DATABASE x TEMPLATE a', extra_params => [ '-U', 'ordinary' ])), '42501', 'nor copy it');
is(pid($node, 'a'), $old, 'and does not disturb its worker');
for my $round (1 .. 2)
{
	flushes($node, "round $round: the worker lives", 'a', 'b', 'c');
	$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE a');
	$node->safe_psql('postgres', 'ALTER DATABASE b RENAME TO b2');
	$node->safe_psql('postgres', 'ALTER DATABASE b2 RENAME TO b');
	$node->safe_psql('postgres', 'ALTER DATABASE c SET TABLESPACE ' . ($round % 2 ? 'place' : 'pg_default'));
	flushes($node, "round $round: they came back after being copied, renamed and moved, and the copy has one", 'a', 'b', 'c', 'copy');
	$node->safe_psql('postgres', 'DROP DATABASE copy');
}
$node->safe_psql('postgres', 'DROP TABLESPACE place');
$node->safe_psql('postgres', 'DROP DATABASE fresh WITH (FORCE)');
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
is(scalar(ml_sqlstate($node, 'postgres', 'BEGIN; DROP DATABASE a')), '25001', 'a DROP DATABASE that cannot be');
flushes($node, 'keeps no worker out', 'a');
my $session = ml_session($node);
$session->value('BEGIN');
$session->value('ALTER DATABASE a RENAME TO a2');
is(pid($node, 'a'), '', 'until a renaming commits there is no worker');
$session->value('ROLLBACK');
workers($node, 'a b c d postgres', 'and then there is');

# A database that is closed to connections, or made a template, and open again.
$node->safe_psql('postgres', 'ALTER DATABASE a ALLOW_CONNECTIONS false; ALTER DATABASE b IS_TEMPLATE true');
workers($node, 'c d postgres', 'a database without connections and a template lose theirs');
$node->safe_psql('postgres', 'ALTER DATABASE a ALLOW_CONNECTIONS true; ALTER DATABASE b IS_TEMPLATE false');
workers($node, 'a b c d postgres', 'and get it again');

# Signals.
$old = pid($node, 'a');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($old)");
flushes($node, 'a worker has nothing to cancel', 'a');
is(pid($node, 'a'), $old, 'and lives on');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($old)");
another($node, 'a', $old, 'a worker that is terminated is followed by another');
my $launcher = pid($node);
my $kept = pid($node, 'b');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher)");
ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'pg_mlops launcher' AND pid <> $launcher}), 'so is the launcher');
flushes($node, 'workers do not mind', @five);
is(pid($node, 'b'), $kept, 'and live on');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($kept)");
another($node, 'b', $kept, 'the new launcher sees when one of them ends');
$old = pid($node, 'c');
kill 'KILL', $old;
$node->poll_query_until('postgres', q{SELECT count(*) = 5 FROM pg_stat_activity WHERE backend_type = 'pg_mlops worker'});
another($node, 'c', $old, 'after a worker was killed the server restarts with its workers');
flushes($node, 'which work', @five);
$node->stop('immediate');
$node->start;
workers($node, 'a b c d postgres', 'so it does after a crash of all of it');
flushes($node, 'and they work', @five);

# What others set or lock.
$node->safe_psql('postgres', q{
	CREATE ROLE nobody;
	ALTER DATABASE a SET statement_timeout = '1ms';
	ALTER DATABASE a SET lock_timeout = '1ms';
	ALTER DATABASE a SET idle_in_transaction_session_timeout = '1ms';
	ALTER DATABASE a SET default_transaction_read_only = on;
	ALTER DATABASE a SET default_transaction_isolation = 'serializable';
	ALTER DATABASE a SET search_path = nowhere;
	ALTER DATABASE a CONNECTION LIMIT 0;
});
my $me = $node->safe_psql('postgres', 'SELECT quote_ident(current_user)');
$node->safe_psql('postgres', "ALTER ROLE $me IN DATABASE a SET role = 'nobody'");
$old = pid($node, 'a');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($old)");
another($node, 'a', $old, 'settings of the database do not keep the worker away');
$node->safe_psql('postgres', "ALTER DATABASE a RESET ALL; ALTER ROLE $me IN DATABASE a RESET ALL");
flushes($node, 'nor from its work', 'a');
my $log = -s $node->logfile;
$session = ml_session($node, 'b');
$session->value('BEGIN');
$session->value('LOCK pg_extension IN ACCESS EXCLUSIVE MODE');
for my $try (1 .. 2)
{
	($ret, $out, $err) = $session->run('SAVEPOINT s; ' . $flush . '; ROLLBACK TO s');
	like($err, qr/the worker of pg_mlops failed: look: canceling statement due to lock timeout/, "try $try: the flush tells the worker's error");
	$session->value('ROLLBACK TO s');
}
$session->value('ROLLBACK');
$old = pid($node, 'b');
flushes($node, 'the worker goes on', 'b');
is(() = slurp_file($node->logfile, $log) =~ /WARNING:.*canceling statement due to lock timeout/g, 1, 'what fails again and again is logged once');
is(pid($node, 'b'), $old, 'and does not end the worker');
$session->quit;

# The interval.
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_mlops.flush_interval = '1h'; SELECT pg_reload_conf()});
flushes($node, 'with a long interval a flush runs at once', @five);
my $round = q{SELECT state_change FROM pg_stat_activity WHERE datname = 'c' AND backend_type = 'pg_mlops worker'};
my $last = $node->safe_psql('postgres', $round);
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_mlops.flush_interval = '100ms'; SELECT pg_reload_conf()});
ok($node->poll_query_until('postgres', "SELECT ($round) > '$last'"), 'a shorter interval is taken up');

# A standby has none, and gets them when it is promoted.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
($ret, $out, $err) = $standby->psql('postgres', $flush);
like($err, qr/NOTICE:  a standby has no worker/, 'on a standby the flush says that there is no worker');
is($ret, 0, 'and is no error');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_mlops%'}), '0', 'there is no process');
$node->stop;
$standby->promote;
workers($standby, 'a b c d postgres', 'a standby that is promoted has workers');
flushes($standby, 'which work', 'b', 'c', 'd', 'postgres');
$standby->stop;
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|leak/, $_->name . ': the log is clean') for ($node, $standby);

# Too few background workers: the server's own, the launcher, and room for one.
my $small = ml_cluster('small', conf => "shared_preload_libraries = 'pg_mlops'\nmax_worker_processes = 3\npg_mlops.flush_interval = 200ms\n");
workers($small, 'postgres', 'where there is room for one worker, one database has it');
$small->safe_psql('postgres', 'CREATE DATABASE second');
$small->safe_psql('second', 'CREATE EXTENSION pg_mlops');
($ret, $out, $err) = $small->psql('second', "\\set VERBOSITY verbose\n$flush");
like($err, qr/53400: database "second" has no worker of pg_mlops/, 'in the other a flush is an error');
like($err, qr/all 3 background workers of the server are taken/, 'with the figure');
like($err, qr/HINT:  Raise max_worker_processes/, 'and a hint');
is(() = slurp_file($small->logfile) =~ /WARNING:.*could not start a worker of pg_mlops for database/g, 1, 'the log says so once');
$small->safe_psql('postgres', 'DROP EXTENSION pg_mlops');
workers($small, 'second', 'where the first has gone the other gets its worker');
flushes($small, 'and it works', 'second');
$small->stop;
done_testing();
