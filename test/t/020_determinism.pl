# The same data gives the same artifact, metrics and fingerprint: whatever the order of the rows on disk and in the
# scan, the number of parallel workers, the memory, the session's settings, and in a cluster it was restored into.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

# The buffer pool is small, so that the table is large enough for synchronised scans, which want a quarter of it.
my $conf = q{
	shared_buffers = 8MB
	max_worker_processes = 20
	max_parallel_workers = 20
	min_parallel_table_scan_size = 0
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
	log_min_messages = debug1
};
my $node = ml_cluster('main', conf => $conf);

# "plain" has no missing value, so a regression reads it in one pass. "mixed" has everything: NULLs,
# NaNs, texts (300 levels with ties, of which 100 are kept), an enum, times, an array, and rows that come twice.
$node->safe_psql('postgres', q{
	SELECT setseed(0.25);
	CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
	CREATE TABLE plain AS
		SELECT i AS id, random() AS place, a, b, c::real, d, 3 * a - b / 7 + sin(c) + random() AS y, random() AS w
		FROM (SELECT i, random() AS a, 1e5 * random() ^ 3 AS b, (random() - 0.5) * 1e-3 AS c,
					 (random() * 50)::int AS d
			  FROM generate_series(1, 60000) i) s;
	CREATE TABLE mixed AS
		SELECT i AS id, random() AS place,
			CASE WHEN random() < 0.1 THEN NULL WHEN random() < 0.05 THEN 'NaN' ELSE a END AS a,
			CASE WHEN random() < 0.2 THEN NULL ELSE b END AS b,
			CASE WHEN random() < 0.1 THEN NULL ELSE 'level ' || (i % 300) END AS many,
			(ARRAY['red', 'green', 'blue'])[1 + (random() * 2)::int]::colour AS few,
			timestamptz '2024-03-01 00:00:00+00' + i % 1000 * interval '1 hour' AS at,
			CASE WHEN random() < 0.1 THEN NULL ELSE ARRAY[c, b * c] END AS pair,
			a + b + 10 * c + i % 300 / 100.0 + random() AS y,
			a + c + random() > 1.2 AS yes,
			(ARRAY['north', 'East', 'südlich', 'west'])[1 + floor(3.999 * (a + c + random()) / 3)::int] AS side
		FROM (SELECT i, random() AS a, random() AS b, random() AS c FROM generate_series(1, 56000) i) s;
	INSERT INTO mixed SELECT id, place, a, b, many, few, at, pair, y, yes, side FROM mixed WHERE id % 14 = 0;
	CREATE INDEX plain_place ON plain (place);
	CREATE INDEX mixed_place ON mixed (place);
	ANALYZE;
});
is($node->safe_psql('postgres', q{SELECT min(n) >= 60000 FROM (SELECT count(*) AS n FROM plain UNION ALL SELECT count(*) FROM mixed) s}),
	't', 'the tables have 60000 rows or more');

my $numbers = q{features => '{a,b,c,d}'};
my $all = q{features => '{a,b,many,few,at,pair}'};
my %cases = (
	linear_streamed => qq{'plain', 'y', 'linear_regression', $numbers, split => '{"method": "none"}'},
	linear_streamed_split => qq{'plain', 'y', 'linear_regression', $numbers},
	linear_streamed_weights => qq{'plain', 'y', 'linear_regression', $numbers, weight => 'w', seed => 7},
	linear_mixed => qq{'mixed', 'y', 'linear_regression', $all},
	linear_mixed_ridge => qq{'mixed', 'y', 'linear_regression', $all, params => '{"l2": 0.5}', split => '{"method": "none"}'},
	logistic_two => qq{'mixed', 'yes', 'logistic_regression', $all},
	logistic_many => qq{'mixed', 'side', 'logistic_regression', features => '{a,b,few,at,pair}'},
	boosted => qq{'mixed', 'y', 'gradient_boosting', $all, params => '{"n_trees": 12}'},
	boosted_plain => qq{'plain', 'y', 'gradient_boosting', $numbers, params => '{"n_trees": 12}', split => '{"method": "none"}'},
	boosted_weights => qq{'plain', 'y', 'gradient_boosting', $numbers, params => '{"n_trees": 8}', weight => 'w', seed => 7},
	boosted_two => qq{'mixed', 'yes', 'gradient_boosting', $all, params => '{"n_trees": 12, "row_fraction": 0.6, "column_fraction": 0.7}'},
	boosted_stopped => qq{'mixed', 'yes', 'gradient_boosting', $all, params => '{"n_trees": 40, "learning_rate": 0.8, "early_stopping": 2, "class_weight": "balanced"}'},
	boosted_many => qq{'mixed', 'side', 'gradient_boosting', $all, params => '{"n_trees": 5}'},
	boosted_leaves => qq{'mixed', 'y', 'gradient_boosting', $all, params => '{"n_trees": 2, "max_leaves": 3000, "min_rows": 2}'},
	boosted_monotone => qq{'mixed', 'yes', 'gradient_boosting', $all, params => '{"n_trees": 6, "monotone": {"a": 1}}'},
	boosted_pipeline => qq{'mixed', 'y', 'gradient_boosting', $all, params => '{"n_trees": 5}', pipeline => '[{"step": "impute"}, {"step": "one_hot"}]'},
	boosted_or_linear => qq{'mixed', 'y', 'auto', $all, params => '{"n_trees": 8}', seed => 3},
);
my @boosted = grep { /^boosted/ } keys %cases;

# Trains every case with some settings, as one experiment, and returns what came of it.
sub train
{
	my ($server, $name, @settings) = @_;

	return train_some($server, $name, [ keys %cases ], @settings);
}

# The same of some cases.
sub train_some
{
	my ($server, $name, $cases, @settings) = @_;
	my $sql = join('', map { "SET $_;\n" } @settings);

	for my $case (sort @$cases)
	{
		$sql .= "SELECT version FROM ml.train('$case', $cases{$case}, deploy => 'never', experiment => '$name');\n";
	}
	$server->safe_psql('postgres', $sql);
	return ml_versions($server, 'postgres', "r.experiment = '$name'");
}

my $serial = 'max_parallel_workers_per_gather = 0';
my $expected = train($node, 'as inserted', $serial);
is(scalar(split(/\n/, $expected)), scalar(keys %cases), 'every case trains');
like($expected, qr/^logistic_many.*südlich/m, 'labels are texts');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT artifact_sha256) FROM ml.versions}), scalar(keys %cases),
	'different cases have different artifacts');
is(train($node, 'again', $serial), $expected, 'the same training twice');

for my $workers (1, 2, 4)
{
	my @settings = ("max_parallel_workers_per_gather = $workers");
	my $log = -s $node->logfile;

	like($node->safe_psql('postgres', "SET $settings[0]; ALTER TABLE $_ SET (parallel_workers = $workers); EXPLAIN TABLE $_"),
		qr/Workers Planned: $workers/, "$workers workers are planned for $_") for ('plain', 'mixed');
	is(train($node, "$workers workers", @settings), $expected, "trained with $workers parallel workers");

	my $launched = () = slurp_file($node->logfile, $log) =~ /starting background worker process "parallel worker/g;
	# some to read the source, and of boosted trees as many to grow them
	cmp_ok($launched, '>=', $workers * (@boosted + keys %cases), "$launched parallel workers were started");
}

# A scan that is under way makes the next one begin in the middle of the table.
for my $table ('plain', 'mixed')
{
	my $rows = $node->safe_psql('postgres', "SELECT count(*) / 2 FROM $table");
	$node->safe_psql('postgres', qq{
		SET $serial;
		BEGIN; DECLARE c NO SCROLL CURSOR FOR TABLE $table; MOVE $rows IN c; COMMIT;
	});
	isnt($node->safe_psql('postgres', "SET $serial; SELECT ctid FROM $table LIMIT 1"), '(0,1)', "scans of $table begin in the middle");
}
is(train($node, 'from the middle', $serial), $expected, 'trained by a scan that began in the middle');

# Other memory: what is kept in memory above goes to temporary files here.
my @lines = split(/^/, $expected);
my @others = grep { !/^boosted/ } keys %cases;
is(train_some($node, 'little memory', \@others, $serial, q{pg_mlops.train_memory = '5MB'}), join('', grep { !/^boosted/ } @lines) =~ s/\n\z//r,
	'trained from temporary files');
is(train_some($node, 'little memory for trees', \@boosted, $serial, q{pg_mlops.train_memory = '24MB'}), join('', grep { /^boosted/ } @lines) =~ s/\n\z//r,
	'trees trained with little memory');
is(train_some($node, 'little memory for trees and workers', \@boosted, 'max_parallel_workers_per_gather = 3', q{pg_mlops.train_memory = '32MB'}),
	join('', grep { /^boosted/ } @lines) =~ s/\n\z//r, 'and with workers');
is( $node->safe_psql('postgres', q{
		SELECT string_agg(model, ' ' ORDER BY model) FROM ml.runs
		WHERE experiment = 'little memory' AND (environment ->> 'spilled')::boolean}),
	'linear_mixed linear_mixed_ridge logistic_many logistic_two', 'the rows that are kept were in temporary files');
is(ml_temp_files($node), '', 'and the files are gone');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.runs WHERE (environment ->> 'spilled')::boolean}), '4',
	'as they were not before');

is( train($node, 'settings', $serial, q{TimeZone = 'Asia/Kathmandu'}, q{DateStyle = 'German'},
		q{IntervalStyle = 'iso_8601'}, 'extra_float_digits = -10', q{bytea_output = 'escape'}, 'jit_above_cost = 0',
		q{work_mem = '64kB'}, q{search_path = 'public'}),
	$expected, q{trained with other settings of the session});

# The rows in another order: on disk, out of a query, out of partitions.
$node->safe_psql('postgres', 'CLUSTER plain USING plain_place; CLUSTER mixed USING mixed_place; ANALYZE');
is(train($node, 'clustered', 'max_parallel_workers_per_gather = 2'), $expected, 'trained after CLUSTER on a random column');
$node->safe_psql('postgres', q{
	UPDATE plain SET place = place + 1 WHERE id % 3 = 0;
	UPDATE mixed SET place = place + 1 WHERE id % 5 = 0;
	VACUUM FULL plain;
	VACUUM FULL mixed;
});
is(train($node, 'vacuumed', $serial), $expected, 'trained after an update of some rows and VACUUM FULL');

$node->safe_psql('postgres', q{
	ALTER TABLE plain RENAME TO plain_rows;
	ALTER TABLE mixed RENAME TO mixed_rows;
	CREATE TABLE plain (LIKE plain_rows) PARTITION BY RANGE (place);
	CREATE TABLE plain_1 PARTITION OF plain FOR VALUES FROM (0.3) TO (0.9);
	CREATE TABLE plain_2 PARTITION OF plain DEFAULT;
	INSERT INTO plain SELECT * FROM plain_rows ORDER BY b;
	CREATE VIEW mixed AS SELECT * FROM mixed_rows ORDER BY md5(id::text);
});
is(train($node, 'partitions', 'max_parallel_workers_per_gather = 2'), $expected, 'trained from partitions and from an ordered view');
$node->safe_psql('postgres', q{
	DROP TABLE plain;
	DROP VIEW mixed;
	ALTER TABLE plain_rows RENAME TO plain;
	ALTER TABLE mixed_rows RENAME TO mixed;
});

# A fresh cluster, where texts also sort in another way if the server can.
my @locale = `pg_config --configure` =~ /--with-icu/ ? ('--locale-provider=icu', '--icu-locale=en-US') : ();
my $fresh = PostgreSQL::Test::Cluster->new('fresh');
$fresh->init(extra => [ '--encoding=UTF8', '--locale=C', @locale ]);
$fresh->append_conf('postgresql.conf', $conf);
$fresh->start;
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('postgres') ], 'pg_dump');
$fresh->command_ok([ 'psql', '--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '--file', $dump, $fresh->connstr('postgres') ], 'restore');
$fresh->safe_psql('postgres', 'ANALYZE');
is(train($fresh, 'restored', $serial), $expected, 'trained in a fresh cluster after dump and restore');
is(train($fresh, 'restored, parallel', 'max_parallel_workers_per_gather = 4'), $expected, 'and there with parallel workers');
is(train($fresh, 'restored, without', 'max_parallel_workers_per_gather = 4', 'max_parallel_workers = 0'), $expected, 'and where none is to be had');
$fresh->stop;

# The tests above can fail: another value in one row, in its last bit, is other data.
$node->safe_psql('postgres', q{
	UPDATE plain SET a = a * (1 + 2.3e-16) WHERE id = 77;
	UPDATE mixed SET b = b * (1 + 2.3e-16) WHERE id = 77;
});
my @was = split(/\n/, $expected);
my @now = split(/\n/, train($node, 'one bit', $serial));
isnt($now[$_], $was[$_], 'the last bit of one value matters: ' . $was[$_] =~ s/\|.*//r) for (0 .. $#was);
$node->stop;
done_testing();
