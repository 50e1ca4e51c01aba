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

# Each labelled row is credited to the version that answered it, by whichever form the truth comes in. The log tells who did.
$node->safe_psql('postgres', q{
	CREATE TYPE color AS ENUM ('red', 'green');
	CREATE TABLE kinds AS SELECT i, CASE WHEN i % 17 = 0 THEN NULL WHEN i % 19 = 0 THEN 'NaN' ELSE u(i, 4) END AS x, u(i, 5)::numeric(8, 5) AS money,
			i % 3 = 0 AS flag, date '2020-01-01' + (i % 500)::int AS day, timestamptz '2020-01-01 00:00Z' + i * interval '7919 s' AS moment,
			CASE WHEN i % 23 > 0 THEN (ARRAY['a"b', 'Ünï', '', 'it''s'])[1 + i % 4] END AS word, (ARRAY['red', 'green'])[1 + i % 2]::color AS color,
			ARRAY[u(i, 6), u(i, 7)] AS pair, i % 5 + 1 AS stars, (i % 100 * interval '1 hour') AS span,
			u(i, 8) < 1 / (1 + exp(-4 * (u(i, 5) - 0.5) - (i % 3 = 0)::int)) AS y
		FROM generate_series(1, 6000) i;
	CREATE TABLE outcomes (i bigint, at timestamptz, y boolean);
	SELECT FROM ml.train('kinds', 'SELECT * FROM kinds WHERE i <= 2000', 'y', algorithm => 'logistic_regression', exclude => '{i}');
	SELECT FROM ml.train('kinds', 'SELECT x, money, flag, day, moment, word, color, pair, stars, span, CASE WHEN i % 2 = 0 THEN y ELSE NOT y END AS y FROM kinds WHERE i <= 2000', 'y',
		algorithm => 'logistic_regression', deploy => 'never');
	SELECT ml.set_monitor('kinds', log_fraction => 1, slices => '{word}',
		truth_source => 'SELECT o.at, k.x, k.money, k.flag, k.day, k.moment, k.word, k.color, k.pair, k.stars, k.span, o.y FROM outcomes o JOIN kinds k USING (i)');
	SELECT ml.deploy('kinds', 2, role => 'canary', traffic => 0.3);
});
my @phases = ('SELECT', q{SELECT ml.deploy('kinds', 2)}, q{SELECT ml.rollback('kinds', 'back')});
for my $phase (0 .. 2)
{
	my $rows = 'BETWEEN ' . (2001 + 1000 * $phase) . ' AND ' . (3000 + 1000 * $phase);

	$node->safe_psql('postgres', qq{
		$phases[$phase];
		SELECT count(ml.predict('kinds', k, NULL::boolean)) FROM kinds k WHERE i $rows;
		INSERT INTO outcomes SELECT i, clock_timestamp(), y FROM kinds WHERE i $rows;
		SELECT pg_sleep(0.01);
	});
}
my $realised = q{SELECT ml.flush_monitor(); SELECT version, role, sum(n), round((sum(value * n) / sum(n))::numeric, 6) FROM ml.quality
	WHERE model = 'kinds' AND kind = 'realised' AND metric = 'accuracy' AND slice_key IS NULL GROUP BY 1, 2 ORDER BY 1, 2};
$node->safe_psql('postgres', 'SELECT ml.flush_monitor()');
my $answered = $node->safe_psql('postgres', q{SELECT version, role, count(*), round(avg((l.prediction = k.y::text)::int), 6) FROM ml.prediction_log l
	JOIN kinds k ON l.row_key = ml.row_key('kinds/1', k) WHERE l.model = 'kinds' GROUP BY 1, 2 ORDER BY 1, 2});
like($answered, qr/^1\|production\|\d+\|0\.[67]\d+\n2\|canary\|\d+\|0\.\d+\n2\|production\|1000\|0\.\d+$/, 'three kinds of answers');
is($node->safe_psql('postgres', $realised), "\n$answered", 'by features and time, each row is credited to the version that answered');
$node->safe_psql('postgres', q{
	BEGIN;
	SELECT ml.set_truth('kinds', 'SELECT ml.row_key(''kinds/1'', k) AS row_key, o.y AS label FROM kinds k LEFT JOIN outcomes o USING (i)');
	DELETE FROM ml.quality WHERE model = 'kinds';
	DELETE FROM ml.truth_windows WHERE model = 'kinds';
	COMMIT;
});
is($node->safe_psql('postgres', $realised), "\n$answered", 'and so it is by the key of the log');
is($node->safe_psql('postgres', q{SELECT error, labelled, unanswered FROM ml.truth_sources WHERE model = 'kinds'}), '|3000|0', 'which has them all');
is($node->safe_psql('postgres', q{SELECT slice_value, sum(n) FROM ml.quality WHERE model = 'kinds' AND kind = 'realised' AND metric = 'accuracy'
		AND slice_key = 'word' GROUP BY 1 ORDER BY 1}),
	$node->safe_psql('postgres', q{SELECT word, count(*) FROM kinds WHERE i BETWEEN 2001 AND 5000 GROUP BY 1 ORDER BY 1}), 'by slice, too');

done_testing();
