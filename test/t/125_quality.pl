# The worker measures quality: realised by labels, estimated from scores; a source that fails is shown and logged once.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('quality');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_mlops'\npg_mlops.flush_interval = '100ms'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_mlops;
	CREATE FUNCTION u(i bigint, k int) RETURNS float8 LANGUAGE sql IMMUTABLE
		BEGIN ATOMIC SELECT ((pg_catalog.hashint8extended(i, k) % 1000003 + 1000003) % 1000003) / 1000003.0; END;
	CREATE TABLE rows AS SELECT i, u(i, 1) AS x, u(i, 2) AS z, u(i, 3) < 1 / (1 + exp(-6 * (u(i, 1) - 0.5) - u(i, 2))) AS y
		FROM generate_series(1, 5000) i;
	CREATE TABLE truth (at timestamptz, x float8, z float8, y boolean);
	SELECT FROM ml.train('m', 'SELECT x, z, y FROM rows WHERE i <= 3000', 'y', algorithm => 'logistic_regression');
	SELECT FROM ml.train('broken', 'SELECT x, z, y FROM rows WHERE i <= 3000', 'y', algorithm => 'logistic_regression');
	SELECT ml.set_truth('m', 'SELECT * FROM truth');
	SELECT ml.set_truth('broken', 'SELECT * FROM truth');
	SELECT sum(ml.probability('m', r)) FROM rows r WHERE i > 3000;
	INSERT INTO truth SELECT clock_timestamp(), x, z, y FROM rows WHERE i > 3000;
	SELECT pg_sleep(0.05);
	SELECT ml.flush_monitor();
});
is($node->safe_psql('postgres', q{SELECT kind, sum(n) FROM ml.quality WHERE model = 'm' AND metric = 'auc' GROUP BY 1 ORDER BY 1}),
	"estimated|2000\nrealised|2000", 'both kinds, of all rows');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.quality e JOIN ml.quality r USING (model, version, role, window_start, metric)
		WHERE e.kind = 'estimated' AND r.kind = 'realised' AND NOT (e.low <= r.high AND r.low <= e.high)}),
	'0', 'estimates agree with what came true');
is($node->safe_psql('postgres', q{SELECT DISTINCT note ~ 'cannot see concept drift' FROM ml.quality WHERE kind = 'estimated'}),
	't', 'estimates say what they cannot see');

# A failing source does not stop other models, is shown, and logged once.
my $offset = -s $node->logfile;
$node->safe_psql('postgres', q{
	ALTER TABLE truth RENAME TO moved;
	CREATE VIEW truth AS SELECT at, x, z, 1 / (CASE WHEN x > 2 THEN 1 ELSE 0 END) = 1 AS y FROM moved;
	SELECT ml.set_truth('m', 'SELECT * FROM moved');
	INSERT INTO moved SELECT clock_timestamp(), x, z, y FROM rows WHERE i > 4000;
	SELECT pg_sleep(0.05);
	SELECT ml.flush_monitor();
	SELECT ml.flush_monitor();
});
is($node->safe_psql('postgres', q{SELECT model, error FROM ml.truth_sources ORDER BY model}),
	"broken|division by zero\nm|", 'the error is shown');
is($node->safe_psql('postgres', q{SELECT sum(n) FROM ml.quality WHERE model = 'm' AND metric = 'auc' AND kind = 'realised'}),
	'3000', 'the other model goes on');
my $log = slurp_file($node->logfile, $offset);
my @seen = $log =~ /truth source of model "broken" cannot be read/g;
is(scalar(@seen), 1, 'it is logged once');

# A detector goes on over a restart, and takes each row once.
$node->restart;
$node->safe_psql('postgres', q{
	INSERT INTO moved SELECT clock_timestamp(), x, z, NOT y FROM rows WHERE i > 4000;
	SELECT pg_sleep(0.05);
	SELECT ml.flush_monitor();
});
is($node->safe_psql('postgres', q{SELECT detector, n, drifts > 0 FROM ml.detector_states WHERE model = 'm' ORDER BY 1}),
	"adwin|4000|t\nhddm_w|4000|t", 'detectors have taken in all rows, and found the change');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.alerts WHERE model = 'm' AND rule LIKE 'concept_drift:%' AND state = 'open'}),
	'2', 'which is an alert');

done_testing();
