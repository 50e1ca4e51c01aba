# ml.reproduce gives the same bytes: for every learner, auto, pipelines and splits, with and without parallel workers, after the
# table was rewritten, in a database that it was restored into, on a standby, and from a copy when the source is gone. What an
# UPDATE of one row changed it names. A job keeps a copy too, whose rows went through temporary files.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $node = ml_cluster('main', allows_streaming => 1, conf => q{
	shared_preload_libraries = 'pg_mlops'
	work_mem = 64kB
	max_worker_processes = 20
	max_parallel_workers = 8
	min_parallel_table_scan_size = 0
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
});
my $serial = 'max_parallel_workers_per_gather = 0';
my $parallel = 'max_parallel_workers_per_gather = 4';

# Numbers, NULLs, NaNs, texts, times, an array, and rows that come twice.
$node->safe_psql('postgres', q{
	CREATE ROLE ml_trainer LOGIN;
	ALTER ROLE ml_trainer SET search_path = work;
	CREATE SCHEMA work AUTHORIZATION ml_trainer;
	GRANT USAGE ON SCHEMA ml TO PUBLIC;
	SELECT setseed(0.5);
	CREATE TABLE work.rows AS
		SELECT i AS id, random() AS place, a, CASE WHEN i % 9 = 0 THEN NULL WHEN i % 20 = 0 THEN 'NaN' ELSE 1e5 * b ^ 3 END AS b,
			'level ' || i % 40 AS kind, timestamptz '2026-03-01 00:00:00+00' + i % 1000 * interval '1 hour' AS at,
			ARRAY[c, b * c] AS pair, 1 + i % 3 AS w, i % 97 AS customer, a + b + 10 * c + random() AS y, a + c + random() > 1.4 AS yes
		FROM (SELECT i, random() AS a, random() AS b, random() AS c FROM generate_series(1, 12000) i) s;
	INSERT INTO work.rows SELECT id + 20000, place, a, b, kind, at, pair, w, customer, y, yes FROM work.rows WHERE id % 10 = 0;
	CREATE INDEX rows_place ON work.rows (place);
	ALTER TABLE work.rows OWNER TO ml_trainer;
	ANALYZE work.rows;
});

sub as_trainer
{
	my ($sql, $db, $server) = @_;

	return ($server // $node)->safe_psql($db // 'postgres', $sql, extra_params => [ '-U', 'ml_trainer' ]);
}

# Every learner there is, for all its tasks; then what else makes a difference.
my $features = q{features => '{a,b,kind,at,pair}'};
my %models;
for my $line (split /\n/, $node->safe_psql('postgres', 'SELECT name, t FROM ml.learners, unnest(tasks) t'))
{
	my ($learner, $task) = split /\|/, $line;

	$models{"${learner} $task"} = sprintf q{'work.rows', '%s', '%s', task => '%s', %s%s}, $task eq 'regression' ? 'y' : 'yes',
		$learner, $task, $features, $learner eq 'gradient_boosting' ? q{, params => '{"n_trees": 8, "row_fraction": 0.7}'} : '';
}
cmp_ok(scalar(keys %models), '>=', 4, 'there are learners');
$models{'streamed'} = q{'SELECT a, w, y FROM work.rows', 'y', 'linear_regression', weight => 'w', seed => 7};
$models{'auto'} = qq{'work.rows', 'y', $features, params => '{"n_trees": 5, "l2": 2}'};
$models{'auto on all'} = qq{'work.rows', 'yes', $features, params => '{"n_trees": 5}', split => '{"method": "none"}'};
$models{'pipeline'} = qq{'work.rows', 'y', 'gradient_boosting', $features, params => '{"n_trees": 4}', pipeline => '[{"step": "impute"}, {"step": "one_hot"}]'};
$models{'groups'} = qq{'work.rows', 'y', 'linear_regression', $features, split => '{"method": "group", "column": "customer"}'};
$models{'local'} = q{'SELECT at::date AS day, at::text AS words, a, y FROM work.rows', 'y', 'gradient_boosting', params => '{"n_trees": 4}'};
$models{'copied'} = qq{'work.rows', 'y', 'gradient_boosting', $features, weight => 'w', params => '{"n_trees": 5}', snapshot => 'copy'};
as_trainer("SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German'; SELECT FROM ml.train('$_', $models{$_})") for sort keys %models;

# The same as a job, which reads in a subtransaction that it rolls back.
my $job = as_trainer("SELECT ml.train_async('by a job', $models{copied})");
is(as_trainer("SELECT ml.wait_job($job, '180 s')"), 'succeeded', 'a job keeps a copy');
is($node->safe_psql('postgres', q{
		SELECT c.relowner::regrole || ' ' || n.nspname FROM ml.snapshots s JOIN pg_class c ON c.oid = to_regclass(s.stored_as)
			JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.model = 'by a job'}), 'ml_trainer work', 'which is of who submitted it');
my $columns = 'a, b, kind, at, pair, y, w';
for my $model ('copied', 'by a job')
{
	my $query = as_trainer("SELECT ml.snapshot_query('$model')");

	is(as_trainer("WITH c AS ($query), s AS (SELECT $columns FROM work.rows) SELECT (SELECT count(*) FROM c),
			(SELECT count(*) FROM (SELECT $columns FROM c EXCEPT ALL TABLE s) x), (SELECT count(*) FROM (TABLE s EXCEPT ALL SELECT $columns FROM c) x)"),
		'13200|0|0', "$model: it has the rows");
}
is(ml_temp_files($node), '', 'and the temporary files are gone');
is($node->safe_psql('postgres', q{SELECT v.artifact_sha256 = w.artifact_sha256 FROM ml.versions v, ml.versions w WHERE v.model = 'copied' AND w.model = 'by a job'}),
	't', 'the job made the same model');
$models{'by a job'} = '';

my $expected = join("\n", map { "$_|t|t" } sort { $a cmp $b } keys %models);

# Reproduces every version, and returns what came of it.
sub reproduced
{
	my ($db, $server, @settings) = @_;

	return as_trainer(join('', map { "SET $_; " } @settings)
		  . q{SELECT model, r.identical, r.source_unchanged FROM ml.versions, ml.reproduce(model) r ORDER BY model COLLATE "C"}, $db, $server);
}

is(reproduced('postgres', $node, $serial), $expected, 'identical');
is(reproduced('postgres', $node, $parallel), $expected, 'identical with parallel workers');
as_trainer('CLUSTER work.rows USING rows_place');
is(reproduced('postgres', $node, $serial, q{TimeZone = 'America/Lima'}, q{IntervalStyle = 'iso_8601'}, 'extra_float_digits = -3', 'search_path = pg_catalog'),
	$expected, 'identical after CLUSTER and with other settings');
as_trainer('UPDATE work.rows SET place = -place WHERE id % 3 = 0; VACUUM FULL work.rows');
is(reproduced('postgres', $node, $parallel), $expected, 'identical after VACUUM FULL');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT version) FROM ml.versions}), '1', 'no version was added');

# Another database, restored from a dump: copies are in it.
$node->safe_psql('postgres', 'CREATE DATABASE other');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'psql', '--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '--file', $dump, $node->connstr('other') ], 'restore');
is(reproduced('other', $node, $serial), $expected, 'identical in a database that was restored');
is(reproduced('other', $node, $parallel), $expected, 'and there with parallel workers');
as_trainer('DROP TABLE work.rows', 'other');
is(as_trainer(q{SELECT model, r.identical, r.source_unchanged IS NULL FROM ml.versions, ml.reproduce(model) r WHERE model IN ('copied', 'by a job') ORDER BY 1}, 'other'),
	"by a job|t|t\ncopied|t|t", 'from the copy when the source is gone');
like(as_trainer(q{SELECT array_to_string(r.notes, '; ') FROM ml.reproduce('groups') r}, 'other'), qr/could not be repeated: relation "work.rows" does not exist/,
	'and without one it says what is missing');
$node->safe_psql('postgres', 'DROP DATABASE other');

# A standby.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(reproduced('postgres', $standby, $parallel), $expected, 'identical on a standby');
like(as_trainer(q{SELECT array_to_string(r.notes, '; ') FROM ml.reproduce('streamed') r}, 'postgres', $standby), qr/no run was recorded: the transaction is read-only/, 'which says that it records no run');
$standby->stop;

# One value of one row.
as_trainer('UPDATE work.rows SET a = 2 * a WHERE id = 77');
my $uses_a = join("\n", map { "$_|a" } sort { $a cmp $b } keys %models);
is(as_trainer(q{
		SELECT model, string_agg(substring(note FROM 'column "([^"]+)"'), ',') FROM ml.versions, ml.reproduce(model) r, unnest(r.notes) note
		WHERE NOT r.source_unchanged GROUP BY model ORDER BY model COLLATE "C"}), $uses_a, 'after an UPDATE of one row the column is named, and no other');
is(as_trainer(q{SELECT r.identical FROM ml.reproduce('copied') r}), 't', 'and the copy still gives the same');
like(as_trainer(q{SELECT array_to_string(r.notes, '; ') FROM ml.reproduce('copied') r}), qr/it lacks 1 rows of the copy, and has 1 that the copy lacks/, 'and tells which rows');
as_trainer('UPDATE work.rows SET a = a / 2 WHERE id = 77');
is(reproduced('postgres', $node, $serial), $expected, 'identical when it is as it was');
is(ml_temp_files($node), '', 'no temporary file is left');
$node->stop;
done_testing();
