# The prediction log: each row that is to be logged is in the table once, with its values, whoever scored it; what finds
# no room is counted; what the worker cannot write it tries again; old partitions go; dump, restore, standby, promotion.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $node = ml_cluster('main', allows_streaming => 1,
	conf => "shared_preload_libraries = 'pg_mlops'\npg_mlops.flush_interval = 1h\npg_mlops.log_memory = 4MB\nmax_worker_processes = 16\n");

$node->safe_psql('postgres', q{
	CREATE TYPE mood AS ENUM ('good', 'bad', 'odd');
	CREATE TABLE wide AS
		SELECT i AS id, (i % 7)::int2 AS small, nullif(i % 50, 0) AS whole, 9007199254740993 + i AS long, (i / 3.0)::numeric(12, 4) AS exact,
			(i / 7.0)::float4 AS single, CASE WHEN i % 40 = 0 THEN 'NaN' ELSE sqrt(i) END AS double, i % 2 = 0 AS flag,
			CASE WHEN i % 30 = 0 THEN NULL ELSE 'lev ' || i % 5 END AS label, ('c' || i % 3)::char(6) AS code, (ARRAY['good', 'bad'])[1 + i % 2]::mood AS mood,
			date '2020-01-01' + i AS day, timestamp '2020-01-01' + i * interval '1 hour' AS local, timestamptz '2020-01-01 00:00Z' + i * interval '7 min' AS moment,
			i * interval '1 hour 3 min' AS span, ARRAY[i, i / 3.0, CASE WHEN i % 60 = 0 THEN NULL ELSE -i END]::float8[] AS doubles, ARRAY[i, i / 3.0]::float4[] AS singles,
			CASE WHEN i * 7919 % 3 = 0 THEN 'no' ELSE 'yes' END AS said, i % 50 * 2.5 + sqrt(i) AS price
		FROM generate_series(1, 600) i;
	CREATE UNIQUE INDEX ON wide (id);
	SELECT version FROM ml.train('wide', 'wide', 'said', 'logistic_regression', exclude => '{id,price}');
	SELECT version FROM ml.train('price', 'SELECT id, whole, double, label, price FROM wide', 'price', 'gradient_boosting', exclude => '{id}', params => '{"n_trees": 5}');
	CREATE TABLE wide_json AS SELECT id, to_jsonb(w) || jsonb_build_object('moment', to_char(moment AT TIME ZONE 'Asia/Kolkata', 'DD/MM/YYYY HH24:MI')) AS features FROM wide w;
	CREATE UNIQUE INDEX ON wide_json (id);
	CREATE TABLE many AS SELECT i AS id, i % 50 AS whole, sqrt(i) AS double, 'lev ' || i % 7 AS label FROM generate_series(1, 3000) i;
	CREATE UNIQUE INDEX ON many (id);
	CREATE ROLE scorer;
	CREATE ROLE reader;
	SELECT ml.grant('price', 'use', 'scorer');
	SELECT ml.grant('price', 'read', 'reader');
});

sub fraction
{
	my ($server, $model, $fraction) = @_;

	$server->safe_psql('postgres', "SET session_replication_role = replica; UPDATE ml.models SET log_fraction = $fraction WHERE model = '$model'");
	return;
}

# Empties the log, so that a case counts from nothing.
sub emptied
{
	my ($server) = @_;

	$server->safe_psql('postgres', 'SELECT ml.flush_monitor(); DELETE FROM ml.prediction_log');
	return;
}

# What is in the log after all is written.
sub logged
{
	my ($what, $server) = @_;

	return ($server // $node)->safe_psql('postgres', "SELECT ml.flush_monitor(); SELECT $what FROM ml.prediction_log") =~ s/^\n//r;
}

sub status
{
	my ($what, $server, $db) = @_;

	return ($server // $node)->safe_psql($db // 'postgres', "SELECT $what FROM ml.stat_prediction_log");
}

# Nothing is logged of a model without a share, of a version that is asked for by its number, or with pg_mlops.monitor off.
$node->safe_psql('postgres', 'SELECT ml.predict(\'price\', m) FROM many m');
fraction($node, 'price', 1);
$node->safe_psql('postgres', 'SELECT ml.predict(\'price/1\', m) FROM many m');
$node->safe_psql('postgres', 'SET pg_mlops.monitor = off; SELECT ml.predict(\'price\', m) FROM many m');
is(logged('count(*)'), 0, 'no row is logged that is not to be');
is(status('accepted + dropped'), 0, 'and none was on its way');

# Every type, by columns, as a row, as jsonb: the values are those of the row, and scored again they give the same.
fraction($node, 'wide', 1);
my %forms = (columns => 'w', row => '(SELECT x FROM wide x WHERE x.id = w.id)', json => '(SELECT j.features FROM wide_json j WHERE j.id = w.id)');

for my $form (sort keys %forms)
{
	emptied($node);
	$node->safe_psql('postgres', "SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -5;
		SELECT ml.probability('wide', $forms{$form}) FROM wide w");
	is(logged('count(*), count(DISTINCT row_key), min(model), min(version), max(version), min(role), max(role)'), '600|600|wide|1|1|production|production', "$form: each row is logged once");
	is($node->safe_psql('postgres', q{
		SET TimeZone = 'UTC';
		SELECT count(*), count(*) FILTER (WHERE f->'small' = to_jsonb(w.small)), count(*) FILTER (WHERE f->'whole' = coalesce(to_jsonb(w.whole), 'null')),
			count(*) FILTER (WHERE f->'long' = to_jsonb(w.long)), count(*) FILTER (WHERE f->'exact' = to_jsonb(w.exact)), count(*) FILTER (WHERE f->'single' = to_jsonb(w.single)),
			count(*) FILTER (WHERE f->'double' = to_jsonb(w.double)), count(*) FILTER (WHERE f->'flag' = to_jsonb(w.flag)),
			count(*) FILTER (WHERE f->'label' = coalesce(to_jsonb(w.label), 'null')), count(*) FILTER (WHERE f->>'code' = w.code::text), count(*) FILTER (WHERE f->>'mood' = w.mood::text),
			count(*) FILTER (WHERE (f->>'day')::date = w.day), count(*) FILTER (WHERE (f->>'local')::timestamp = w.local), count(*) FILTER (WHERE (f->>'moment')::timestamptz = w.moment),
			count(*) FILTER (WHERE (f->>'span')::interval = w.span), count(*) FILTER (WHERE f->'doubles' = to_jsonb(w.doubles)), count(*) FILTER (WHERE f->'singles' = to_jsonb(w.singles)),
			count(*) FILTER (WHERE (SELECT count(*) FROM jsonb_object_keys(f)) = 16),
			count(*) FILTER (WHERE prediction = ml.predict('wide/1', w, NULL::text) AND probability = (ml.probabilities('wide/1', w)->>prediction)::float8),
			count(*) FILTER (WHERE prediction = ml.predict('wide/1', f, NULL::text) AND probability = (ml.probabilities('wide/1', f)->>prediction)::float8)
		FROM wide w JOIN (SELECT row_key, features AS f, prediction, probability FROM ml.prediction_log) l ON row_key = ml.row_key('wide/1', w)}),
		join('|', (600) x 20), "$form: with its values, in whatever way the session shows them, its prediction and its probability");
}

# An array has the inputs in order; a text that training never saw is logged as it is.
emptied($node);
$node->safe_psql('postgres', q{
	SELECT ml.predict('price', ROW(3, 0.1, 'never seen'));
	SELECT ml.predict('price', '{"whole": 3, "double": "NaN", "label": "städtisch"}'::jsonb);
	SELECT version FROM ml.train('plain', 'SELECT whole::float8, double, price FROM wide WHERE whole IS NOT NULL AND double <> $$NaN$$', 'price', 'linear_regression');
});
fraction($node, 'plain', 1);
$node->safe_psql('postgres', q{SELECT ml.predict('plain', ARRAY[3, 0.1]::float8[]); SELECT ml.predict('plain', ARRAY[NULL, 'NaN']::float4[])});
is(logged(q{string_agg(features::text, '; ' ORDER BY predicted_at)}),
	'{"label": "never seen", "whole": 3, "double": 0.1}; {"label": "städtisch", "whole": 3, "double": "NaN"}; {"whole": 3, "double": 0.1}; {"whole": null, "double": "NaN"}',
	'arrays, and texts that are no levels');
is(logged('count(*) FILTER (WHERE probability IS NULL AND prediction::float8 IS NOT NULL)'), 4, 'a number is predicted without a probability');

# However rows are scored, each is there once. What was scored was scored, also in a transaction that is rolled back.
sub scored
{
	my ($name, $sql, $want) = @_;

	emptied($node);
	$node->safe_psql('postgres', $sql);
	is(logged("count(*), count(DISTINCT features)"), $want, $name);
	return;
}
scored('a scan', q{SELECT ml.predict('price', m) FROM many m}, '3000|3000');
scored('parallel workers', q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(ml.predict('price', m)) FROM many m}, '3000|3000');
scored('a read-only transaction', q{BEGIN READ ONLY; SELECT ml.predict('price', m) FROM many m; COMMIT}, '3000|3000');
scored('a transaction that is rolled back', q{BEGIN; SELECT ml.predict('price', m) FROM many m; ROLLBACK}, '3000|3000');
scored('a savepoint that is rolled back', q{BEGIN; SAVEPOINT s; SELECT ml.predict('price', m) FROM many m WHERE id <= 10; ROLLBACK TO s; SELECT ml.predict('price', m) FROM many m WHERE id <= 10; COMMIT}, '20|10');
scored('prepared statements', q{PREPARE p AS SELECT ml.predict('price', m) FROM many m WHERE id = $1; } . join('', map { "EXECUTE p($_); " } 1 .. 20), '20|20');
scored('three functions', q{SELECT ml.predict('wide', w, NULL::text), ml.probability('wide', w), ml.probabilities('wide', w) FROM wide w WHERE id <= 10}, '30|10');
is((ml_sqlstate($node, 'postgres', q{SELECT ml.predict('price', m) / (5 - id) FROM many m WHERE id <= 5 ORDER BY id}))[0], '22012', 'a statement fails');
is($node->safe_psql('postgres', q{EXPLAIN (COSTS OFF) SELECT ml.predict('price', m) FROM many m LIMIT 0}) ne '', 1, 'a plan is shown');
is(logged('count(*) - 30'), 5, 'rows of a statement that fails later are logged, those of a plan are not');

# Eight clients at a time.
emptied($node);
my $script = $node->basedir . '/score.sql';
append_to_file($script, "\\set id random(1, 3000)\nSELECT ml.predict('price', m) FROM many m WHERE id = :id;\n");
command_ok(['pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 8, '-j', 2, '-t', 250, '-M', 'prepared', '-f', $script, 'postgres'], 'eight clients score');
is(logged('count(*)'), 2000, 'and each of their rows is there once');
is(status('dropped, discarded, waiting, accepted - written'), '0|0|0|0', 'nothing was dropped');

# A share: always the same rows, and the same of those that a canary scores.
$node->safe_psql('postgres', q{
	SELECT version FROM ml.train('price', 'SELECT id, whole, double, label, price + 1000 AS price FROM wide', 'price', 'gradient_boosting', exclude => '{id}', params => '{"n_trees": 5}', deploy => 'never');
	SELECT version FROM ml.train('price', 'SELECT id, whole, price + 2000 AS price FROM wide', 'price', 'gradient_boosting', exclude => '{id}', params => '{"n_trees": 5}', deploy => 'never');
	SELECT version FROM ml.train('price', 'SELECT id, whole AS nowhere, price FROM wide', 'price', 'gradient_boosting', exclude => '{id}', params => '{"n_trees": 5}', deploy => 'never');
	SELECT ml.deploy('price', 2, 'canary', 0.5);
	SELECT ml.deploy('price', 3, 'shadow');
	SELECT ml.deploy('price', 4, 'shadow');
});
fraction($node, 'price', 0.3);
emptied($node);
$node->safe_psql('postgres', q{SELECT ml.predict('price', m) FROM many m});
my $roles = q{SELECT ml.flush_monitor(); SELECT role, version, count(*), sum(hashtext(row_key)), min(prediction::float8) > 900, min((SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(features) k)) FROM ml.prediction_log GROUP BY 1, 2 ORDER BY 1, 2};
my $first = $node->safe_psql('postgres', $roles);
like($first, qr/^\ncanary\|2\|(\d+)\|[-\d]+\|t\|double label whole\nproduction\|1\|(\d+)\|[-\d]+\|f\|double label whole\nshadow\|3\|(\d+)\|[-\d]+\|t\|whole$/, 'canary and shadow are logged as such, with their own inputs; what cannot be bound is not');
$first =~ /canary\|2\|(\d+).*production\|1\|(\d+).*shadow\|3\|(\d+)/s or die $first;
is($1 + $2, $3, 'the shadow scored what the others did');
ok($3 > 800 && $3 < 1000, "the share is about the fraction ($3 of 3000)");
ok($1 > 380 && $1 < 520, "so is the canary's ($1 of 1500)");
emptied($node);
$node->safe_psql('postgres', q{SELECT ml.predict('price', to_jsonb(m)) FROM many m ORDER BY id DESC});
is($node->safe_psql('postgres', $roles), $first, 'the same rows, in another form and order');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.prediction_log l JOIN many m ON l.row_key = ml.row_key(l.model || '/' || l.version, m) WHERE (l.features->>'whole')::int = m.whole AND l.version < 3}),
	$1 + $2, 'rows are found by their keys');
$node->safe_psql('postgres', q{SELECT ml.undeploy('price', 'canary'); SELECT ml.undeploy('price', 'shadow')});
fraction($node, 'price', 1);

# Who sees it.
emptied($node);
$node->safe_psql('postgres', q{SET ROLE scorer; SELECT ml.predict('price', '{"whole": 1, "double": 2, "label": "lev 1"}'::jsonb)});
logged('count(*)');
is($node->safe_psql('postgres', 'SET ROLE scorer; SELECT count(*) FROM ml.prediction_log'), 0, 'who may only score does not see what is logged');
is($node->safe_psql('postgres', 'SET ROLE reader; SELECT count(*) FROM ml.prediction_log'), 1, 'who may read does');
my $today = $node->safe_psql('postgres', q{SELECT 'prediction_log_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')});
is((ml_sqlstate($node, 'postgres', "SET ROLE reader; SELECT count(*) FROM ml.$today"))[0], '42501', 'partitions are nobody else\'s');
$node->safe_psql('postgres', "GRANT SELECT ON ml.$today TO reader");
is($node->safe_psql('postgres', "SET ROLE reader; SELECT count(*) FROM ml.$today"), 0, 'and hide their rows from whom they are shown to');
$node->safe_psql('postgres', "REVOKE SELECT ON ml.$today FROM reader");
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'ml.prediction_log'::regclass}), 2, 'there are partitions of today and tomorrow');

# What cannot be written stays where it is, and is written once when it can be.
emptied($node);
$node->safe_psql('postgres', "ALTER TABLE ml.$today ADD CONSTRAINT nothing CHECK (features->>'whole' <> '7') NOT VALID");
$node->safe_psql('postgres', q{SELECT ml.predict('price', m) FROM many m WHERE id <= 100});
my ($state, $message) = ml_sqlstate($node, 'postgres', 'SELECT ml.flush_monitor()');
is($state, '23514', 'an error of the worker is told to who waits for it');
is(status('waiting'), 100, 'the rows are waiting still');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ml.prediction_log'), 0, 'and none of them is in the table');
$node->safe_psql('postgres', "ALTER TABLE ml.$today DROP CONSTRAINT nothing");
is(logged('count(*), count(DISTINCT row_key)'), '100|100', 'they are there once when the reason is gone');

# A reader of the log does not hold up who writes it.
my $reading = ml_session($node);
$reading->value('BEGIN');
is($reading->value('SELECT count(*) FROM ml.prediction_log'), 100, 'somebody reads');
$node->safe_psql('postgres', q{SELECT ml.predict('price', m) FROM many m WHERE id <= 100});
is(logged('count(*)'), 200, 'and the worker writes');

# Old partitions go, but not those that have a row which is to be kept, and not under somebody's hands.
my @days = map { $node->safe_psql('postgres', "SELECT to_char(now() AT TIME ZONE 'UTC' - interval '$_ days', 'YYYYMMDD')") } 2 .. 5;
$reading->value('COMMIT');
for my $n (2 .. 5)
{
	$node->safe_psql('postgres', qq{SET TimeZone = 'UTC'; DO \$\$ BEGIN EXECUTE format('CREATE TABLE ml.prediction_log_%s PARTITION OF ml.prediction_log FOR VALUES FROM (%L) TO (%L)',
		'$days[$n - 2]', date_trunc('day', now()) - interval '$n days', date_trunc('day', now()) - interval '@{[$n - 1]} days'); END \$\$});
}
my $partitions = q{SELECT string_agg(right(inhrelid::regclass::text, 8), ' ' ORDER BY inhrelid::regclass::text DESC) FROM pg_inherits WHERE inhparent = 'ml.prediction_log'::regclass AND inhrelid::regclass::text < 'ml.} . $today . q{'};
is($node->safe_psql('postgres', $partitions), join(' ', @days), 'there are old partitions');
$reading->value('BEGIN');
$reading->value('SELECT count(*) FROM ml.prediction_log');
$node->append_conf('postgresql.conf', 'pg_mlops.log_retention = 3d');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('pg_mlops.log_retention') = '3d'}), 'three days are to be kept');
is(logged('count(*)'), 200, 'a round of the worker');
is($node->safe_psql('postgres', $partitions), join(' ', @days), 'none is dropped while somebody reads');
$reading->value('COMMIT');
is(logged('count(*)'), 200, 'another round');
is($node->safe_psql('postgres', $partitions), join(' ', @days[0 .. 1]), 'the old ones are dropped, one that is partly older stays');
$reading->quit;

# Rows of what is dropped: those in the table are deleted, those on their way are left out.
emptied($node);
$node->safe_psql('postgres', q{SELECT ml.predict('plain', ARRAY[i, 1]::float8[]) FROM generate_series(1, 10) i});
logged('count(*)');
$node->safe_psql('postgres', q{SELECT ml.predict('plain', ARRAY[i, 1]::float8[]) FROM generate_series(1, 10) i; SELECT ml.predict('price', m) FROM many m WHERE id <= 5;
	SELECT ml.undeploy('plain', 'production'); SELECT ml.drop_model('plain')});
my $discarded = status('discarded');
is(logged('count(*), min(model)'), '5|price', 'rows go with their model');
is(status('discarded') - $discarded, 10, 'and the others are counted');

# Dump and restore.
$node->safe_psql('postgres', 'CREATE DATABASE copy');
my $dump = $node->basedir . '/dump.sql';
command_ok(['pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, 'postgres'], 'pg_dump');
command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-f', $dump, 'copy'], 'restored without an error');
my $all = q{SELECT l::text FROM ml.prediction_log l ORDER BY 1};
is($node->safe_psql('copy', $all), $node->safe_psql('postgres', $all), 'with its rows');
my $shape = q{SELECT c.relname, c.relkind, c.relrowsecurity, pg_get_expr(c.relpartbound, c.oid), pg_get_indexdef(c.oid) FROM pg_class c WHERE c.relname LIKE 'prediction\_log%' AND c.relkind <> 't' ORDER BY 1};
is($node->safe_psql('copy', "SET TimeZone = 'UTC'; $shape") , $node->safe_psql('postgres', "SET TimeZone = 'UTC'; $shape"), 'and all that belongs to its partitions');
$node->safe_psql('copy', q{SELECT ml.predict('price', m) FROM many m WHERE id <= 7; SELECT ml.flush_monitor()});
is($node->safe_psql('copy', 'SELECT count(*) FROM ml.prediction_log'), 12, 'where the log goes on');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ml.prediction_log'), 5, 'apart from the other database\'s');
$node->safe_psql('copy', q{SELECT ml.predict('price', m) FROM many m; DROP EXTENSION pg_mlops});
is($node->safe_psql('copy', q{SELECT count(*) FROM pg_class WHERE relname LIKE 'prediction\_log%'}), 0, 'partitions go with the extension');
$node->safe_psql('copy', 'CREATE EXTENSION pg_mlops');
ok($node->poll_query_until('copy', 'SELECT waiting = 0 FROM ml.stat_prediction_log'), 'and so do the rows on their way');
$node->safe_psql('postgres', 'DROP DATABASE copy');

# A standby has a log of its own, which the table gets when it is promoted.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'pg_mlops.log_memory = 256kB');
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', q{SELECT count(ml.predict('price', m)) FROM many m WHERE id <= 200}), 200, 'a standby scores');
is(status('accepted, waiting, written, dropped', $standby), '200|200|0|0', 'and its rows wait');
is($standby->safe_psql('postgres', q{SELECT count(ml.predict('price', m)) FROM many m}), 3000, 'also more than there is room for');
is(status('accepted + dropped, dropped > 0, waiting = accepted', $standby), '3200|t|t', 'which are counted');
my $waiting = status('waiting', $standby);
$standby->promote;
ok($standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'the standby is promoted');
is(logged('count(*)', $standby), 5 + $waiting, 'the rows that waited are in its table');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ml.prediction_log'), 5, 'and not in that of the server it came from');
is(ml_warnings($standby), '', 'no warning was logged');
$standby->stop;

# Little room: what finds none is dropped and counted, never an error, and other databases have theirs.
$node->append_conf('postgresql.conf', "pg_mlops.log_memory = 64kB\n");
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM ml.prediction_log'), 5, 'after a restart the log is there');
emptied($node);
is($node->safe_psql('postgres', q{SELECT count(ml.predict('price', m)) FROM many m}), 3000, 'all rows are scored');
is(status('accepted + dropped, accepted > 50, dropped > 1000, used_bytes <= memory_bytes * 3 / 4'), '3000|t|t|t', 'and those without room are counted');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', q{CREATE EXTENSION pg_mlops; CREATE TABLE d AS SELECT i::float8 AS x, i * 2.0::float8 AS y FROM generate_series(1, 100) i;
	SELECT version FROM ml.train('d', 'd', 'y', 'linear_regression'); SET session_replication_role = replica; UPDATE ml.models SET log_fraction = 1});
$node->safe_psql('other', q{SELECT ml.predict('d', d) FROM d});
is(status('accepted > 10, accepted + dropped', $node, 'other'), 't|100', 'a database whose rows nobody takes leaves room for another one');
my $accepted = status('accepted');
is(logged('count(*), count(DISTINCT row_key)'), "$accepted|$accepted", 'those that found room are written once');
is($node->safe_psql('postgres', q{SELECT ml.predict('price', jsonb_build_object('whole', 1, 'double', 2, 'label', repeat('x', 1000000))) IS NOT NULL}), 't', 'a row that is larger than all the room is scored');
is($node->safe_psql('postgres', q{SELECT ml.predict('price', jsonb_build_object('whole', 1, 'double', 2, 'label', repeat('x', 30000))) IS NOT NULL}), 't', 'and one that is large');
is(logged(q{max(length(features->>'label'))}), 30000, 'which is logged');
is(status("accepted - $accepted"), 1, 'the other one is counted');
$node->safe_psql('other', q{SELECT ml.predict('d', d) FROM d});
$node->safe_psql('postgres', 'DROP DATABASE other');
ok($node->poll_query_until('postgres', 'SELECT ml.predict(\'price\', m) IS NOT NULL FROM many m WHERE id = 1'), 'scoring goes on');
is(ml_warnings($node) =~ s/^.*WARNING:.*violates check constraint "nothing".*$//mr, '', 'the only warning was the one that was provoked');

# A backend is killed while it scores: the server starts anew, and nothing is stuck.
$node->append_conf('postgresql.conf', "pg_mlops.log_memory = 4MB\n");
$node->restart;
emptied($node);
my $victim = ml_session($node);
$victim->start(q{SELECT count(ml.predict('price', m)) FROM many m, generate_series(1, 100000)});
ok($node->poll_query_until('postgres', 'SELECT accepted > 1000 FROM ml.stat_prediction_log'), 'a backend is logging');
my $log = -s $node->logfile;
kill('KILL', $victim->{pid});
$node->wait_for_log(qr/database system is ready to accept connections/, $log);
$victim->quit;
ok($node->poll_query_until('postgres', 'SELECT true'), 'the server recovers');
is(status('accepted, waiting, dropped'), '0|0|0', 'the memory is new');
$node->safe_psql('postgres', q{SELECT ml.predict('price', m) FROM many m});
is(logged('count(*) >= 3000'), 't', 'and the log goes on');
is(status('accepted, written'), '3000|3000', 'with each row once');
$node->stop;
done_testing();
