# The worker judges windows: rows that have drifted open an alert, slices and the window before are compared, and all is told in words.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use MlTest;
use Test::More;

my $node = ml_cluster('judge', conf => "shared_preload_libraries = 'pg_mlops'\npg_mlops.flush_interval = 100ms\n");

sub sql { return $node->safe_psql('postgres', $_[0]) }

# A version of which every training row is different, so that the held-out ones are like the others.
sql(q{
	CREATE TABLE c AS SELECT i, (i * 7919) % 30011 / 100.0::float8 AS age, (ARRAY['red', 'green', 'blue'])[1 + (i / 7) % 3] AS color,
		(i * 7919) % 30011 / 50.0::float8 AS y FROM generate_series(1, 6000) i;
	SELECT ml.train('m', 'SELECT age, color, y FROM c', 'y', algorithm => 'linear_regression');
	SELECT ml.set_monitor('m', '2 seconds', slices => '{color}');});

# Scores rows within one window.
sub score
{
	my ($rows) = @_;

	sql(q{SELECT pg_sleep(2.05 - extract(epoch FROM clock_timestamp())::numeric % 2)});
	sql("SELECT count(ml.predict('m', s)) FROM ($rows) s; SELECT ml.flush_monitor()");
	return;
}

my $newest = q{(SELECT max(window_start) FROM ml.drift)};
my $age = qq{SELECT drift_type, coalesce(slice_value, 'all'), verdict FROM ml.drift WHERE window_start = $newest AND column_name = 'age'
	ORDER BY drift_type, slice_value NULLS FIRST};

score('SELECT age, color FROM c WHERE i % 2 = 0');
is(sql($age), "baseline|all|none\nbaseline|blue|none\nbaseline|green|none\nbaseline|red|none", 'rows like those of the training: no drift');
is(sql('SELECT count(*) FROM ml.alerts WHERE closed_at IS NULL'), '0', 'and no alert');

score(q{SELECT CASE color WHEN 'red' THEN age / 2 ELSE age END AS age, color FROM c WHERE i % 2 = 0});
is(sql($age), join("\n", map { ("$_|all|drift", "$_|blue|none", "$_|green|none", "$_|red|drift") } qw(baseline consecutive)),
	'a slice drifts, and others do not');
# The last look at the window before may come after the first at this one, and says nothing of now.
$node->poll_query_until('postgres', q{SELECT bool_and(closed) FROM ml.windows WHERE window_start < (SELECT max(window_start) FROM ml.windows)})
	or die 'the first window is not closed';
is(sql(q{SELECT slice FROM ml.alerts WHERE rule = 'drift:age' AND closed_at IS NULL ORDER BY slice NULLS FIRST}), "\ncolor=red",
	'alerts name the slice');
like(sql(q{SELECT report FROM ml.drift_report WHERE column_name = 'age' AND slice_value = 'red'}),
	qr/^age where color is red: psi [\d.]+, limit [\d.]+: the mean moved from/, 'the report says what moved');

score('SELECT age, color FROM c WHERE i % 2 = 0');
is(sql(q{SELECT count(*) FROM ml.alerts WHERE rule = 'drift:age' AND closed_at IS NULL}), '0', 'what does not drift any more closes its alert');

# A window that cannot be judged is told of once, and does not keep others from it.
sql(q{UPDATE ml.windows SET counts = '\x00', closed = false WHERE window_start = (SELECT min(window_start) FROM ml.windows)});
score('SELECT age, color FROM c WHERE i % 2 = 1');
is(sql('SELECT count(*) FROM ml.windows WHERE problem IS NOT NULL'), '1', 'damaged counts are a problem of their window');
my @warnings = ml_warnings($node) =~ /cannot be judged/g;
sql('SELECT ml.flush_monitor()');
is(scalar(() = ml_warnings($node) =~ /cannot be judged/g), scalar(@warnings), 'and it is said once');

# Slices of a version that comes into service later are counted by the worker.
sql(q{SELECT ml.train('m', 'SELECT age, color, y FROM c WHERE i < 5000', 'y', algorithm => 'linear_regression', deploy => 'always')});
sql('SELECT ml.flush_monitor()');
is(sql('SELECT version, counts IS NOT NULL FROM ml.slice_baselines ORDER BY 1'), "1|t\n2|t", 'slices of a later version');

# Settings are looked at when they are committed, however long the worker would sleep.
sql(q{ALTER SYSTEM SET pg_mlops.flush_interval = '1h'});
sql('SELECT pg_reload_conf()');
sql('SELECT ml.flush_monitor()');
my $worker = q{FROM pg_stat_activity WHERE backend_type = 'pg_mlops worker' AND datname = 'postgres'};
my $begun = sql("SELECT query_start $worker");
sql(q{SELECT ml.set_monitor('m', '1 hour')});
ok($node->poll_query_until('postgres', "SELECT query_start > '$begun' $worker"), 'ml.set_monitor wakes the worker');

done_testing();
