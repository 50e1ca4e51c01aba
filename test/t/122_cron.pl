# Retraining by pg_cron: a real one calls ml.retrain, once a minute, which is as often as it can.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $library = $ENV{PG_CONFIG} // 'pg_config';
chomp(my $dir = `$library --pkglibdir`);
plan skip_all => 'needs pg_cron in the installation' if !-e "$dir/pg_cron.so";

my $node = ml_cluster('main', conf => q{
	shared_preload_libraries = 'pg_cron,pg_mlops'
	cron.use_background_workers = on
	max_worker_processes = 16
});
my $rows = q{CREATE TABLE rows AS SELECT i::float8 AS x, 2.5 * i AS y FROM generate_series(1, 200) i};

# --- errors that say what to do ---

$node->safe_psql('postgres', "$rows; SELECT ml.train('line', 'rows', 'y', 'linear_regression')");
my ($ret, $out, $err) = $node->psql('postgres', q{SELECT ml.schedule_retrain('line', '* * * * *')});
like($err, qr/extension "pg_cron" is not installed in this database.*CREATE EXTENSION pg_cron/s, 'without the extension it says so');
$node->safe_psql('postgres', q{CREATE DATABASE elsewhere TEMPLATE template0});
$node->safe_psql('elsewhere', "CREATE EXTENSION pg_mlops; $rows; SELECT ml.train('line', 'rows', 'y', 'linear_regression')");
($ret, $out, $err) = $node->psql('elsewhere', q{SELECT ml.schedule_retrain('line', '* * * * *')});
like($err, qr/lives in database "postgres"; this one is "elsewhere"/, 'in another database it says where pg_cron lives');
my ($there) = $err =~ /Run there: (SELECT cron\.schedule_in_database\(.*\);)/;
ok($there, 'and what to run there');

# --- schedules ---

$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_cron;
	CREATE ROLE ml_owner;
	GRANT USAGE ON SCHEMA cron, ml TO PUBLIC;
	ALTER TABLE rows OWNER TO ml_owner;
	SELECT ml.set_owner('line', 'ml_owner')});
$node->safe_psql('postgres', $there);
is($node->safe_psql('postgres', q{SELECT jobname, schedule, database, command FROM cron.job}),
	q{pg_mlops retrain line in elsewhere|* * * * *|elsewhere|SELECT version, deployed, notes FROM ml.retrain('line')}, 'which schedules it there');
$node->safe_psql('postgres', q{SELECT ml.schedule_retrain('line', '0 3 * * *'); SELECT ml.schedule_retrain('line', '* * * * *')});
is($node->safe_psql('postgres', q{SELECT count(*), min(schedule) FROM cron.job WHERE database = 'postgres'}), '1|* * * * *', 'the second schedule replaces the first');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.schedule_retrain('line', 'whenever')}), '22023', 'pg_cron judges the schedule');
my $name = 'n' x 63;
$node->safe_psql('postgres', qq{SELECT ml.train('$name', 'rows', 'y', 'linear_regression'); SELECT ml.schedule_retrain('$name', '0 0 1 1 *'); SELECT ml.schedule_retrain('$name', '0 0 2 1 *')});
is($node->safe_psql('postgres', qq{SELECT count(*), min(schedule) FROM cron.job WHERE command ~ '$name'}), '1|0 0 2 1 *', 'a name that is too long for a job of pg_cron has one all the same');
$node->safe_psql('postgres', qq{SELECT ml.schedule_retrain('$name', NULL)});
is($node->safe_psql('postgres', qq{SELECT count(*) FROM cron.job WHERE command ~ '$name'}), '0', 'NULL ends a schedule');

# --- it runs ---

$node->safe_psql('postgres', q{INSERT INTO rows SELECT i, 2.5 * i FROM generate_series(201, 250) i});
for my $db ('postgres', 'elsewhere')
{
	my $rows = $db eq 'postgres' ? 250 : 200;
	my $seen;

	for (1 .. 260)
	{
		$seen = $node->safe_psql($db, q{SELECT version, parent_version, rows, deployed_as FROM ml.lineage WHERE model = 'line' ORDER BY version DESC LIMIT 1});
		last if $seen !~ /^1\|/;
		select(undef, undef, undef, 0.5);
	}
	like($seen, qr/^(\d+)\|(\d+)\|$rows\|production$/, "$db: pg_cron has retrained on today's rows, and the version serves");
	is($node->safe_psql($db, q{SELECT c.kind, c.parent_run_id = p.run_id FROM ml.runs c JOIN ml.runs p ON p.model = c.model AND p.version = 1 WHERE c.model = 'line' AND c.version = 2}), 'retrain|t', "$db: the lineage has parent and child");
}
$node->safe_psql('postgres', q{SELECT ml.schedule_retrain('line', NULL)});
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job WHERE database = 'postgres'}), '0', 'the schedule is ended');
($ret, $out, $err) = $node->psql('postgres', q{SELECT ml.schedule_retrain('line', NULL)});
like($err, qr/is not scheduled by role/, 'to end none is no error');
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}), '0', 'no run failed');

done_testing();
