# A guard over many rows: exactly the bad ones are aside, whole; also after a crash, in a dump, on a standby and a subscriber.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IPC::Run ();
use MlTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 100_000;
my $node = ml_cluster('guard', allows_streaming => 'logical', conf => "wal_level = logical\n");
my $tables = q{
	CREATE TABLE bank (id integer PRIMARY KEY, age integer, job text, balance numeric, rate double precision, day date,
		duration integer, ok boolean);};
my $suite = q{
	SELECT ml.add_check('bank', 'range', '{age}', '{"min": 18, "max": 100}');
	SELECT ml.add_check('bank', 'not_null', '{job}');
	SELECT ml.add_check('bank', 'range', '{balance}', '{"max": 1000000}');
	SELECT ml.add_check('bank', 'range', '{rate}', '{"min": 0, "max": 1}');
	SELECT ml.add_check('bank', 'range', '{day}', '{"min": "2020-01-01"}');};

# One in a hundred is bad in one, two or three ways.
$node->safe_psql('postgres', $tables . qq{
	CREATE TABLE truth (LIKE bank, failed text);
	INSERT INTO truth SELECT i, CASE WHEN i % 100 = 7 THEN 150 ELSE 18 + i % 70 END,
		CASE WHEN i % 200 = 7 THEN NULL ELSE 'job ' || i % 12 END,
		CASE WHEN i % 400 = 7 THEN 1e9 + i / 7.0 ELSE i / 7.0 END, (i % 1000) / 1000.0, '2020-01-01'::date + i % 900, i % 4000,
		i % 3 = 0, CASE WHEN i % 400 = 7 THEN 'age_range,balance_range,job_not_null' WHEN i % 200 = 7 THEN 'age_range,job_not_null'
		WHEN i % 100 = 7 THEN 'age_range' END FROM generate_series(1, $rows) i;});
my $file = $node->basedir . '/bank.copy';
$node->safe_psql('postgres', "COPY (SELECT id, age, job, balance, rate, day, duration, ok FROM truth) TO '$file'");
$node->safe_psql('postgres', $suite . "SELECT ml.guard('bank', 'bank', 'quarantine');");

my $state = q{
	SELECT (SELECT count(*) FROM bank), (SELECT count(*) FROM ml.quarantine),
		(SELECT count(*) FROM bank NATURAL JOIN truth WHERE failed IS NULL),
		(SELECT count(*) FROM ml.quarantine q JOIN truth t ON t.id = (q."row" ->> 'id')::int
			WHERE jsonb_populate_record(NULL::bank, q."row") *= ROW(t.id, t.age, t.job, t.balance, t.rate, t.day, t.duration, t.ok)::bank
			AND t.failed = (SELECT string_agg(f ->> 'name', ',' ORDER BY f ->> 'name') FROM jsonb_array_elements(q.failed_checks) f))};
my $bad = $rows / 100;
my $whole = join '|', $rows - $bad, $bad, $rows - $bad, $bad;

# ---- a crash in the middle ----

# The first half of a COPY has been taken when the server stops at once.
my $in = '';
my $copy = IPC::Run::start(['psql', '-X', '-d', $node->connstr('postgres'), '-c', 'COPY bank FROM STDIN'],
	'<', \$in, '>', \my $out, '2>', \my $err, IPC::Run::timeout(120));
my @lines = split /^/, slurp_file($file);
$in .= join '', @lines[0 .. $rows / 2];
$copy->pump while length $in;
$node->poll_query_until('postgres', q{SELECT pg_relation_size('ml.quarantine') > 0 AND pg_relation_size('bank') > 0});
$node->stop('immediate');
$copy->kill_kill;
$node->start;
is($node->safe_psql('postgres', $state), '0|0|0|0', 'a crash in the middle leaves neither good nor bad rows');

$copy = IPC::Run::start(['psql', '-X', '-d', $node->connstr('postgres'), '-c', 'COPY bank FROM STDIN'],
	'<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
$in .= join '', @lines[0 .. $rows / 2];
$copy->pump while length $in;
$node->poll_query_until('postgres',
	q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY bank%' AND state = 'active'});
$copy->kill_kill;
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'COPY bank%'});
is($node->safe_psql('postgres', $state), '0|0|0|0', 'nor does a backend that is ended');

$node->safe_psql('postgres', "COPY bank FROM '$file'");
is($node->safe_psql('postgres', $state), $whole, 'exactly the bad rows are aside, whole, with all their failed checks');
is($node->safe_psql('postgres', 'SELECT quarantined FROM ml.guards'), $bad, 'the guard counts them');

# ---- a standby ----

$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('guard_standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
is($standby->safe_psql('postgres', $state), $whole, 'a standby shows what is aside');
my ($status, $stdout, $stderr) = $standby->psql('postgres', 'SELECT ml.release(min(quarantine_id)) FROM ml.quarantine');
like($stderr, qr/cannot execute ml\.release\(\) in a read-only transaction/, 'and releases nothing');
$standby->stop;

# ---- dump and restore, then release ----

my $dump = $node->basedir . '/dump.sql';
command_ok(['pg_dump', '-f', $dump, '-d', $node->connstr('postgres')], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored')], 'restore');
is($node->safe_psql('restored', $state), $whole, 'the restored database has the same rows aside');
is($node->safe_psql('restored', q{SELECT g.relation, g.action, g.quarantined, t.tgenabled FROM ml.guards g JOIN pg_trigger t
		ON t.tgrelid = g.relation AND t.tgfoid = 'ml.guard_row'::regproc}), "bank|quarantine|$bad|A", 'and the same guard');
$node->safe_psql('restored', q{ALTER TABLE bank RENAME TO customer; ALTER TABLE truth RENAME TO t;
	UPDATE ml.quarantine SET "row" = "row" || '{"age": 50, "job": "none", "balance": 0}';
	SELECT ml.release(quarantine_id) FROM ml.quarantine;});
is($node->safe_psql('restored', 'SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM ml.quarantine),
		(SELECT count(*) FROM ml.releases WHERE (was ->> \'age\')::int = 150)'), "$rows|0|$bad", 'mended rows go in, by the number of the guard');
is($node->safe_psql('restored', q{CREATE TABLE more (age integer, job text, balance numeric, rate float8, day date);
	SELECT ml.guard('more', 'bank'); SELECT count(DISTINCT guard_id) FROM ml.guards}), '
2', 'a new guard gets a number of its own');

# ---- a subscriber ----

my $subscriber = ml_cluster('guard_subscriber');
$subscriber->safe_psql('postgres', $tables . $suite . "SELECT ml.guard('bank', 'bank', 'quarantine');");
$node->safe_psql('postgres', 'CREATE TABLE feed (LIKE bank INCLUDING ALL); CREATE PUBLICATION p FOR TABLE feed');
$subscriber->safe_psql('postgres', 'ALTER TABLE bank RENAME TO feed');
my $connection = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p");
$subscriber->wait_for_subscription_sync($node, 's');
$node->safe_psql('postgres', q{INSERT INTO feed SELECT id, age, job, balance, rate, day, duration, ok FROM truth WHERE id <= 1000;
	UPDATE feed SET rate = 7 WHERE id = 1;});
$node->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', q{SELECT (SELECT count(*) FROM feed), count(*) FILTER (WHERE operation = 'INSERT'),
		count(*) FILTER (WHERE operation = 'UPDATE' AND key = '{"id": 1}'), max(relation) FROM ml.quarantine}),
	'990|10|1|public.feed', 'a guard judges what a subscription brings');
is($subscriber->safe_psql('postgres', 'SELECT rate FROM feed WHERE id = 1'), '0.001', 'and keeps the old row where the new one is bad');

$subscriber->stop;
$node->stop;
done_testing();
