# Counting scored rows: every row that was scored is in one window once, whoever scored it, however its transaction ended,
# and whatever happened to the worker; what finds no room is counted; what is damaged is an error and no crash.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $preload = "shared_preload_libraries = 'pg_mlops'\nmax_worker_processes = 20\npg_mlops.flush_interval = 1h\n";
my $node = ml_cluster('counters', conf => $preload, allows_streaming => 1);
my $flush = 'SELECT ml.flush_monitor()';
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off; ';

sub sql
{
	my ($sql, $server, $db) = @_;

	return ($server // $node)->safe_psql($db // 'postgres', $sql);
}

# Rows that are written after a flush: of a model, by role; a shadow's are the answers' once more.
sub written
{
	my ($model, $server, $db) = @_;

	sql($flush, $server, $db);
	return sql(qq{SELECT string_agg(CASE role WHEN 'shadow' THEN 'shadow ' ELSE '' END || n, ', ' ORDER BY role) FROM (
		SELECT CASE role WHEN 'shadow' THEN role ELSE 'answers' END AS role, sum(rows) AS n FROM ml.windows WHERE model = '$model' GROUP BY 1) w},
		$server, $db);
}

# Columns of windows whose bins do not add up to the window's rows, and slices that do not add up to their column.
sub uneven
{
	return sql(q{SELECT (SELECT count(*) FROM ml.windows w JOIN ml.profiles p USING (model, version, role, window_start)
			WHERE p.slice_key IS NULL AND (p.count <> w.rows OR p.count <> (SELECT sum((b->>'rows')::bigint) FROM jsonb_array_elements(p.bins) b))),
		(SELECT count(*) FROM (SELECT w.rows, sum(p.count) AS n FROM ml.windows w JOIN ml.profiles p USING (model, version, role, window_start)
			WHERE p.slice_key IS NOT NULL GROUP BY w.model, w.version, w.role, w.window_start, p.slice_key, p.column_name) s WHERE n <> rows)});
}

my $tables = q{
	CREATE TABLE t AS SELECT i AS id, CASE WHEN i % 50 = 0 THEN NULL WHEN i % 41 = 0 THEN 'NaN' ELSE sqrt(i) END AS x, (i * 7919 % 1009)::float8 AS z,
		(ARRAY['red', 'green', 'blue'])[1 + i % 3] AS color, (ARRAY['round', 'flat', 'long'])[1 + i / 7 % 3] AS shape, i * 2.0::float8 AS y
		FROM generate_series(1, 1000) i;
	ALTER TABLE t ADD PRIMARY KEY (id);
	CREATE TABLE n AS SELECT id, sqrt(id) AS x, z, y FROM t;
	ALTER TABLE n ADD PRIMARY KEY (id);
};
sql($tables . q{
	SELECT FROM ml.train('m', 'SELECT x, z, color, shape, y FROM t', 'y', 'gradient_boosting', params => '{"n_trees": 3}');
	SELECT FROM ml.train('m', 'SELECT x, color, shape, y + 1 AS y FROM t', 'y', 'gradient_boosting', params => '{"n_trees": 3}', deploy => 'never');
	SELECT FROM ml.train('m', 'SELECT x, color, y FROM t', 'y', 'gradient_boosting', params => '{"n_trees": 3}', deploy => 'never');
	SELECT ml.deploy('m', 2, 'canary', 0.3);
	SELECT ml.deploy('m', 3, 'shadow');
	SELECT FROM ml.train('plain', 'SELECT x, z, y FROM n', 'y', 'linear_regression');
	SELECT ml.set_monitor('m', '2 seconds', slices => '{color}');
	SELECT ml.set_monitor('plain', '30 days');
});

# Many clients. A script's rows are known, so what was scored is told by pgbench.
my $mixed = $node->basedir . '/mixed.sql';
my $whole = $node->basedir . '/whole.sql';
append_to_file($mixed, q{\set id random(1, 900)
SELECT ml.predict('m', t) FROM t WHERE id = :id;
SELECT count(ml.predict('m', to_jsonb(t))) FROM t WHERE id BETWEEN :id AND :id + 9;
BEGIN;
SELECT count(ml.predict('m', t)) FROM t WHERE id BETWEEN :id AND :id + 69;
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT ml.predict('m', ROW(1.5, 3, 'red', 'never seen'));
ROLLBACK TO s;
SELECT count(ml.predict('m', (SELECT u FROM t u WHERE u.id = t.id))) FROM t WHERE id BETWEEN :id AND :id + 4;
COMMIT;
SELECT ml.predict('plain', ARRAY[x, z]), ml.predict('plain', n) FROM n WHERE id BETWEEN :id AND :id + 2;
});
append_to_file($whole, "SELECT count(ml.predict('m', t)) FROM t;\n");

# Starts clients for some seconds.
sub clients
{
	my ($clients, $seconds, $script, @options) = @_;
	my %run = (out => '', err => '');

	$run{handle} = IPC::Run::start([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', $clients, '-j', 2, '-T', $seconds,
		'-f', $script, @options, 'postgres' ], '<', \undef, '>', \$run{out}, '2>', \$run{err});
	return \%run;
}

# Waits for them; returns how often the script was run.
sub transactions
{
	my ($run) = @_;

	$run->{handle}->finish;
	is($run->{err} =~ s/^pgbench \(.*\)\n//r, '', 'clients had no error');
	my ($n) = $run->{out} =~ /number of transactions actually processed: (\d+)/ or die $run->{out};
	return $n;
}

sql(q{ALTER SYSTEM SET pg_mlops.flush_interval = '100ms'; SELECT pg_reload_conf()});
my ($m, $plain, $bare) = (0, 0, 0);
my $seconds = $ENV{ML_SECONDS} // 3;
for my $round ('a plain run', ('a worker that is terminated again and again') x ($ENV{ML_ROUNDS} // 1))
{
	my $killed = 0;
	my $prepared = clients(8, $seconds, $mixed, '-M', 'prepared');
	my $simple = clients(5, $seconds, $mixed);
	$ENV{PGOPTIONS} = '-c max_parallel_workers_per_gather=2 -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0 -c parallel_leader_participation=off';
	my $scans = clients(3, $seconds, $whole);
	delete $ENV{PGOPTIONS};
	my $end = time + $seconds;
	while ($round =~ /worker/ && time < $end)
	{
		$killed += sql(q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'pg_mlops worker'});
		select(undef, undef, undef, 0.02 + rand(0.2));
	}
	# workers that end soon after their start are started ever more slowly
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_mlops worker'});
	my $mixes = transactions($prepared) + transactions($simple);
	$m += 87 * $mixes + 1000 * transactions($scans);
	$bare += $mixes;
	$plain += 6 * $mixes;
	cmp_ok($killed, '>', 0, "workers were terminated ($killed)") if $round =~ /worker/;
	# a shadow with fewer inputs cannot take the row without names
	is(written('m'), "$m, shadow " . ($m - $bare), "$round: what was scored is written, with a canary and a shadow");
	is(written('plain'), $plain, 'of the other model, too');
	is(uneven(), '0|0', 'bins of each column, and slices, add up');
}
cmp_ok(sql(q{SELECT count(DISTINCT window_start) FROM ml.windows WHERE model = 'm'}), '>', 1, 'in more than one window');
is(sql(q{SELECT sum(rows) FILTER (WHERE role <> 'shadow'), sum(errors), sum(dropped) FROM ml.stat_serving WHERE model = 'm'}), "$m|$bare|0", 'ml.stat_serving tells the same, and what the shadow could not score');
is(ml_warnings($node) =~ s/^.*(?:pg_terminate_backend|terminating).*\n?//mgr, '', 'no duty failed');
sql(q{ALTER SYSTEM RESET pg_mlops.flush_interval; SELECT pg_reload_conf(); SELECT pg_sleep(0.2)});

# One session: how a transaction ends, how rows fail, and what changes in between.
my ($at) = (0);
sub more
{
	my ($name, $sql, $rows) = @_;

	$node->psql('postgres', $sql);
	$plain += $rows;
	is(written('plain'), $plain, $name);
	return;
}
more('a transaction that is rolled back', q{BEGIN; SELECT ml.predict('plain', n) FROM n; ROLLBACK}, 1000);
more('a cursor that is left in the middle', q{BEGIN; DECLARE c CURSOR FOR SELECT ml.predict('plain', n) FROM n; FETCH 70 FROM c; ROLLBACK}, 70);
more('a cursor beyond its transaction', q{BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT ml.predict('plain', n) FROM n; COMMIT; FETCH 1 FROM c}, 1000);
more('a procedure that commits', q{DO $$ BEGIN FOR i IN 1 .. 10 LOOP PERFORM ml.predict('plain', ARRAY[i, i]::float8[]); COMMIT; END LOOP; END $$}, 10);
more('an error in the transaction', q{BEGIN; SELECT ml.predict('plain', n) FROM n WHERE id <= 5; SELECT 1 / 0; COMMIT}, 5);
more('pg_mlops.monitor = off', q{SET pg_mlops.monitor = off; SELECT ml.predict('plain', n) FROM n}, 0);
more('off in the middle', q{BEGIN; SELECT ml.predict('plain', n) FROM n WHERE id <= 5; SET LOCAL pg_mlops.monitor = off; SELECT ml.predict('plain', n) FROM n; COMMIT;
	SELECT ml.predict('plain', n) FROM n WHERE id <= 3}, 8);
more('a version by its number', q{SELECT ml.predict('plain/1', n) FROM n}, 0);
my $errors = q{SELECT errors FROM ml.stat_serving WHERE model = 'plain'};
$at = sql($errors);
more('a row that fails', q{SELECT ml.predict('plain', jsonb_build_object('x', CASE WHEN id = 10 THEN '"bad"'::jsonb ELSE '1' END, 'z', 1)) FROM generate_series(1, 20) id}, 9);
is(sql($errors) - $at, 1, 'is one error');
more('rows that fail and are caught', q{DO $$ BEGIN FOR i IN 1 .. 6 LOOP BEGIN PERFORM ml.predict('plain', CASE WHEN i % 2 = 0 THEN '{"x": "bad", "z": 1}'::jsonb
	ELSE '{"x": 1, "z": 1}' END); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$}, 3);
is(sql($errors) - $at, 4, 'are an error each');
is(sql(q{SELECT ml.predict('plain', n) FROM n WHERE id <= 3; SELECT rows FROM ml.serving_counts()}) =~ s/^.*\n//sr, '3', 'ml.serving_counts has what is not handed over');
$plain += 3;
more('windows of another length from the middle of a transaction on', q{BEGIN; SELECT ml.predict('plain', n) FROM n WHERE id <= 10; SELECT ml.set_monitor('plain', '60 days');
	SELECT ml.predict('plain', n) FROM n WHERE id <= 7; COMMIT}, 17);
more('and in the middle of a statement', q{CREATE FUNCTION inner_row(i int) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN
		IF i IN (3, 6) THEN PERFORM ml.set_monitor('plain', make_interval(days => 30 + i)); END IF; RETURN ml.predict('plain', n) FROM n WHERE id = i; END $$;
	SELECT ml.predict('plain', n), inner_row(id) FROM n WHERE id <= 10 ORDER BY id}, 20);
is(uneven(), '0|0', 'bins still add up');

# Slices that change in the middle of a window. Both columns have as many bins.
sql(q{SELECT FROM ml.train('cut', 'SELECT x, color, shape, id * 31 % 7 < 3 AS yes FROM t', 'yes', 'gradient_boosting', params => '{"n_trees": 3}'); SELECT ml.set_monitor('cut', '30 days', slices => '{color}');
	SELECT ml.probability('cut', t) FROM t WHERE id <= 100});
is(written('cut'), '100', 'rows that are cut by one column');
sql(q{SELECT ml.set_monitor('cut', '30 days', slices => '{shape}'); SELECT ml.probability('cut', t) FROM t WHERE id <= 60});
is(written('cut'), '160', 'all rows are kept when they are cut by another');
my $cuts = q{SELECT coalesce(slice_key, 'all'), sum(count) FROM ml.profiles WHERE model = 'cut' AND column_name = 'x' GROUP BY 1 ORDER BY 1};
is(sql($cuts), "all|160\nshape|60", 'and the cuts begin anew');
sql(q{SELECT ml.set_monitor('cut', '30 days', slices => '{shape,color}'); SELECT ml.probability('cut', t) FROM t WHERE id <= 5});
is(written('cut'), '165', 'so are they when there are more cuts');
is(sql($cuts), "all|165\ncolor|5\nshape|5", 'which begin anew, too');
is(sql(q{SELECT bool_and(w.rows = p.n) FROM ml.windows w CROSS JOIN LATERAL (SELECT sum(count) AS n FROM ml.profiles p WHERE p.model = w.model AND p.column_name = 'x' AND p.slice_key IS NULL) p WHERE w.model = 'cut'}), 't', 'rows and bins agree');

# A window that is over gets rows late.
sql(q{UPDATE ml.windows SET closed = true, judged_rows = rows, looks = 1 WHERE model = 'cut'});
sql(q{SELECT ml.probability('cut', t) FROM t WHERE id <= 20});
is(written('cut'), '185', 'rows for a window that was judged are added');
is(sql(q{SELECT closed, looks, rows FROM ml.windows WHERE model = 'cut'}) =~ s/\|\d+\|/|n|/r, 'f|n|185', 'and it is open again');
my $looks = sql(q{SELECT looks FROM ml.windows WHERE model = 'cut'});
sql(q{UPDATE ml.windows SET window_start = window_start - interval '60 days', window_end = clock_timestamp() - interval '1 day' WHERE model = 'cut'});
sql($flush);
is(sql(qq{SELECT closed, looks > $looks, judged_rows, problem IS NULL FROM ml.windows WHERE model = 'cut'}), 't|t|185|t', 'until it is judged once more');
sql(q{DELETE FROM ml.windows WHERE model = 'cut'; SELECT ml.set_monitor('cut', '1 day'); SELECT ml.probability('cut', t) FROM t WHERE id <= 20; SELECT ml.flush_monitor();
	SELECT ml.set_monitor('cut', '10 days'); UPDATE ml.windows SET window_start = to_timestamp(946684800 + 864000 * floor((extract(epoch FROM now()) - 946684800) / 864000)) WHERE model = 'cut';
	SELECT ml.probability('cut', t) FROM t WHERE id <= 20});
is(written('cut'), '40', 'a longer window takes in the shorter one that began with it');
is(sql(q{SELECT count(*), bool_and(window_end - window_start = interval '10 days') FROM ml.windows WHERE model = 'cut'}), '1|t', 'and ends when it does');

# Models and versions that go while their counts wait.
sql(q{SELECT FROM ml.train('gone', 'SELECT x, z, y FROM n', 'y', 'linear_regression'); SELECT ml.predict('gone', n) FROM n; SELECT ml.undeploy('gone', 'production'); SELECT ml.drop_model('gone')});
is(written('gone'), '', 'counts of a model that was dropped go with it');
sql(q{SELECT FROM ml.train('again', 'SELECT x, z, y FROM n', 'y', 'linear_regression'); SELECT ml.predict('again', n) FROM n;
	SELECT FROM ml.train('again', 'SELECT x, y FROM n', 'y', 'linear_regression', deploy => 'always'); SELECT ml.predict('again', n) FROM n WHERE id <= 9;
	SELECT ml.drop_version('again', 1)});
is(written('again'), '9', 'counts of a version that was dropped as well');
sql(q{SELECT ml.predict('again', n) FROM n; BEGIN; SELECT ml.predict('again', n) FROM n WHERE id <= 10; SELECT ml.undeploy('again', 'production'); SELECT ml.drop_model('again');
	SELECT FROM ml.train('again', 'SELECT z, y FROM n', 'y', 'linear_regression'); SELECT ml.predict('again', n) FROM n WHERE id <= 7; COMMIT});
is(written('again'), '7', 'a model that is trained anew under the name counts for itself');

# What cannot be written keeps nobody back, and is written when it can be.
my $holder = ml_session($node);
$holder->value('BEGIN');
$holder->value($_) for (q{SELECT ml.undeploy('again', 'production')}, q{SELECT ml.drop_model('again')});
sql(q{SELECT ml.predict('again', n) FROM n; SELECT ml.predict('plain', n) FROM n WHERE id <= 11; SELECT ml.probability('cut', t) FROM t WHERE id <= 12});
my $before = sql(q{SELECT sum(rows) FROM ml.windows WHERE model = 'plain'});
my ($state, $message) = ml_sqlstate($node, 'postgres', $flush);
is($state, '55P03', 'a model that somebody has locked cannot be written');
like($message, qr/what was counted of model "again" cannot be written: canceling statement due to lock timeout/, 'which is told');
is(sql(q{SELECT sum(rows) FROM ml.windows WHERE model = 'plain'}) - $before, 11, 'others are written');
$plain += 11;
$holder->value('ROLLBACK');
$holder->quit;
is(written('again'), '1007', 'and it is as soon as the lock is gone');
is(written('cut'), '52', 'with all others');
sql(q{UPDATE ml.windows SET counts = set_byte(counts, 0, 255) WHERE model = 'again'; SELECT ml.predict('again', n) FROM n WHERE id <= 3; SELECT ml.probability('cut', t) FROM t WHERE id <= 3});
($state, $message) = ml_sqlstate($node, 'postgres', $flush);
is("$state $message" =~ s/damaged:.*/damaged/r, 'XX001 the worker of pg_mlops failed: drain: what was counted of model "again" cannot be written: a profile is damaged', 'a window that is damaged cannot be added to');
sql(q{DELETE FROM ml.windows WHERE model = 'again'});
is(written('again'), '3', 'when it is gone what waited is written');
is(written('cut'), '55', 'and others were');

# Damage, at random: errors of their own kind, or figures, and never a crash.
my $damage = q{
	SET session_replication_role = replica;
	SELECT setseed(%s);
	CREATE FUNCTION pg_temp.damaged(b bytea) RETURNS bytea LANGUAGE plpgsql AS $$
	BEGIN
		FOR k IN 1 .. 1 + (random() * 3)::int LOOP
			b := set_byte(b, (random() ^ 2 * (length(b) - 1))::int, CASE WHEN random() < 0.3 THEN (ARRAY[0, 255, 127, 128])[1 + (random() * 3)::int] ELSE (random() * 255)::int END);
		END LOOP;
		RETURN CASE WHEN random() < 0.1 THEN substr(b, 1, (random() * length(b))::int) WHEN random() < 0.03 THEN b || b ELSE b END;
	END $$;
	CREATE TEMP TABLE seen (what text, state text);
	DO $$
	DECLARE
		what text;
		state text;
	BEGIN
		FOR i IN 1 .. 300 LOOP
			what := (ARRAY['counts', 'baseline', 'sources'])[1 + i %% 3];
			BEGIN
				UPDATE ml.models SET window_length = make_interval(secs => 1000 + i) WHERE model = 'cut';
				IF what = 'counts' THEN
					UPDATE ml.windows SET counts = pg_temp.damaged(counts) WHERE model = 'cut';
				ELSE
					UPDATE ml.versions SET baseline = pg_temp.damaged(baseline) WHERE model = 'cut';
				END IF;
				IF what <> 'sources' THEN
					PERFORM p::text FROM ml.profiles p WHERE p.model = 'cut';
					PERFORM b::text FROM ml.baseline('cut/1') b;
					PERFORM r::text FROM ml.drift_report r WHERE r.model = 'cut';
					PERFORM ml.probability('cut', t) FROM t WHERE id <= 70;
				ELSE
					PERFORM d::text FROM ml.monitor_source('cut', 'SELECT * FROM t') d;
				END IF;
				RAISE SQLSTATE 'ML000';
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO seen VALUES (what, SQLSTATE || CASE WHEN SQLSTATE IN ('ML000', 'XX001') THEN '' ELSE ' ' || SQLERRM END);
			END;
		END LOOP;
	END $$;
};
sql(q{SELECT ml.set_monitor('cut', '30 days', slices => '{color}')});
for my $seed (split(/ /, $ENV{ML_DAMAGE_SEEDS} // '0.123'))
{
	my $seen = sql(sprintf($damage, $seed) . q{SELECT string_agg(concat_ws('|', what, state, n > 3), E'\n' ORDER BY what, state) FROM (SELECT what, state, count(*) AS n FROM seen GROUP BY 1, 2) s}) =~ s/^\n//r;
	is($seen, join("\n", map { ("$_|ML000|t", "$_|XX001|t") } qw(baseline counts sources)), "damaged profiles are errors (seed $seed)");

	# The same for the worker, a window each.
	sql(sprintf($damage =~ s/CREATE TEMP TABLE.*//sr, $seed) . q{
		SELECT ml.flush_monitor();
		DELETE FROM ml.windows WHERE model = 'cut';
		SELECT ml.probability('cut', t) FROM t;
		SELECT ml.flush_monitor();
		INSERT INTO ml.windows (model, version, role, window_start, window_end, rows, slices, counts)
			SELECT model, version, role, timestamptz '2020-01-01' + i * interval '1 day', timestamptz '2020-01-02' + i * interval '1 day', rows, slices, pg_temp.damaged(counts)
			FROM ml.windows, generate_series(1, 150) i WHERE model = 'cut'});
	is(ml_sqlstate($node, 'postgres', $flush), 'XX001', 'the worker finds them');
	is(sql(q{SELECT count(*), bool_and(closed), count(*) FILTER (WHERE problem IS NULL) BETWEEN 10 AND 140,
			count(*) FILTER (WHERE problem !~ 'damaged|fit its baseline') FROM ml.windows WHERE model = 'cut' AND window_start < '2021-01-01'}), '150|t|t|0', "the worker judges them or says why not (seed $seed)");
	sql(q{DELETE FROM ml.windows WHERE model = 'cut' AND window_start < '2021-01-01'});
}
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|leak/, 'nothing crashed');

# The extension goes while a session scores, and comes again.
sql('CREATE DATABASE other');
sql('CREATE EXTENSION pg_mlops', $node, 'other');
sql($tables . q{SELECT FROM ml.train('plain', 'SELECT x, z, y FROM n', 'y', 'linear_regression'); SELECT ml.flush_monitor()}, $node, 'other');
my $scorer = ml_session($node, 'other');
is($scorer->value(q{SELECT count(ml.predict('plain', n)) FROM n}), '1000', 'a session scores');
$scorer->start(q{SELECT count(ml.predict('plain', n)) FROM n, generate_series(1, 2000)});
sql(q{SET lock_timeout = '60s'; DROP EXTENSION pg_mlops}, $node, 'other');
like($scorer->finish, qr/^(?:00000|42883|42P01|XX000)$/, 'its statement ends in order when the extension is dropped');
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'other' AND backend_type = 'pg_mlops worker'});
sql(q{CREATE EXTENSION pg_mlops; SELECT FROM ml.train('plain', 'SELECT x, z, y FROM n', 'y', 'linear_regression')}, $node, 'other');
is($scorer->value(q{SELECT count(ml.predict('plain', n)) FROM n WHERE id <= 10}), '10', 'it scores with the new one');
is(written('plain', $node, 'other'), '10', 'where counts begin anew');
is(sql(q{SELECT rows FROM ml.stat_serving}, $node, 'other'), '10', 'those of the service, too');
$scorer->quit;
sql('DROP DATABASE other');

# Crashes: what was written stays, and nothing is there twice.
my $low = written('plain');
my $high = $low;
my $other = written('m');
for my $who ('a backend', 'the worker', 'the server')
{
	my $session = ml_session($node);
	$session->value(q{SELECT count(ml.predict('plain', n)) FROM n}) for (1 .. 5);
	$high += 5000;
	$low = written('plain');
	is($low, $high, "before $who is killed all is written");
	$session->value('BEGIN');
	$session->value(q{SELECT count(ml.predict('plain', n)) FROM n}) for (1 .. 3);
	sql(q{SELECT count(ml.predict('plain', n)) FROM n});
	$high += 4000;
	my $log = -s $node->logfile;
	if ($who eq 'the server')
	{
		$node->stop('immediate');
		$node->start;
	}
	else
	{
		kill('KILL', $who eq 'a backend' ? $session->{pid} : sql(q{SELECT pid FROM pg_stat_activity WHERE datname = 'postgres' AND backend_type = 'pg_mlops worker'}));
		$node->wait_for_log(qr/database system is ready to accept connections/, $log);
	}
	$session->quit;
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'postgres' AND backend_type = 'pg_mlops worker'}), 'the worker comes back');
	my $now = written('plain');
	cmp_ok($now, '>=', $low, "$who was killed: what was written is there");
	cmp_ok($now, '<=', $high, 'and nothing twice');
	$high = $now;
	is(uneven(), '0|0', 'bins add up');
}
is(written('m'), $other, 'another model has not changed');

# A standby counts for itself; its windows are written when it is promoted.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is(sql($parallel . q{SELECT count(ml.predict('plain', n)) FROM n}, $standby), '1000', 'a standby scores');
sql(q{SELECT ml.predict('m', t) FROM t WHERE id <= 10; SELECT ml.flush_monitor()}, $standby);
is(sql(q{SELECT sum(rows) FROM ml.stat_serving WHERE model = 'plain'}, $standby), '1000', 'and counts');
$node->stop;
$standby->promote;
is(written('plain', $standby), $high + 1000, 'promoted: its counts are written');
is(written('m', $standby), $other =~ s/(\d+)/$1 + 10/ger, 'of all models');
$standby->stop;

# Many columns, many models, and little memory.
my $many = ml_cluster('many', conf => $preload . "pg_mlops.monitor_memory = 1MB\n");
my $columns = join(', ', map { "(i * $_ % 97 + i)::float8 AS c$_" } (1 .. 1000));
sql($tables . qq{CREATE TABLE wide AS SELECT $columns, i::float8 AS y FROM generate_series(1, 120) i;
	SELECT FROM ml.train('wide', 'wide', 'y', 'gradient_boosting', params => '{"n_trees": 2, "max_depth": 2}');
	SELECT FROM ml.train('plain', 'SELECT x, z, y FROM n', 'y', 'linear_regression')}, $many);

# Makes models like one that is there.
sub copies
{
	my ($model, $prefix, $n) = @_;
	my $inserted = sql(q{SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'ml.versions'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''}, $many);

	sql(qq{SET session_replication_role = replica;
		INSERT INTO ml.models SELECT (jsonb_populate_record(m, jsonb_build_object('model', '$prefix' || i))).* FROM ml.models m, generate_series(1, $n) i WHERE m.model = '$model';
		INSERT INTO ml.versions ($inserted) SELECT @{[ $inserted =~ s/\bmodel\b/'$prefix' || i/r =~ s/\brun_id\b/run_id * 100000000 + ascii('$prefix') * 100000 + i/r ]}
			FROM ml.versions v, generate_series(1, $n) i WHERE v.model = '$model';
		INSERT INTO ml.deployments (model, version, role, traffic) SELECT '$prefix' || i, version, role, traffic FROM ml.deployments, generate_series(1, $n) i WHERE model = '$model';
		ANALYZE ml.models; ANALYZE ml.versions; ANALYZE ml.deployments}, $many);
	return;
}
copies('wide', 'w', 40);
copies('plain', 'p', 60);
my $scored = sql(q{SELECT count(ml.predict('w' || i, w)) FROM generate_series(1, 40) i, (SELECT * FROM wide LIMIT 3) w;
	SELECT count(ml.predict('p' || i, n)) FROM generate_series(1, 60) i, (SELECT * FROM n LIMIT 4) n}, $many);
is($scored, "120\n240", 'where shared memory is full rows are scored');
my $sums = q{SELECT (SELECT sum(rows) FROM ml.windows), (SELECT sum(rows) FROM ml.stat_serving), (SELECT sum(dropped) FROM ml.stat_serving)};
sql($flush, $many);
my ($there, $all, $dropped) = split(/\|/, sql($sums, $many));
is($all, 360, 'and counted');
is($there + $dropped, 360, 'in a window, or as dropped');
cmp_ok($dropped, '>', 30, "some were dropped ($dropped)");
cmp_ok($there, '>', 100, 'and others were not');
sql(q{SELECT count(ml.predict('w' || i, w)) FROM generate_series(1, 40) i, (SELECT * FROM wide LIMIT 3) w} . "; $flush", $many);
($there, $all, $dropped) = split(/\|/, sql($sums, $many));
is("$all " . ($there + $dropped), '480 480', 'so it goes on when there is room again');
# A version in a role needs 8 kB to have a line of its own.
my $models = $ENV{ML_MODELS} // 2000;
$many->append_conf('postgresql.conf', 'pg_mlops.monitor_memory = ' . (12 + int($models / 100)) . "MB\n");
$many->restart;
copies('plain', 'q', $models);
my $used = q{SELECT pg_size_bytes('24MB') > sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'pg_mlops counter%' OR parent LIKE 'pg_mlops counter%'};
my $pattern = "t\n$models\nt";
is(sql(qq{BEGIN; SELECT count(ml.predict('wide', w)) FROM wide w; SELECT count(ml.predict('q' || i, n)) FROM generate_series(1, $models) i, (SELECT * FROM n LIMIT 1) n; $used; COMMIT;}, $many),
	"120\n$models\nt", 'one transaction scores with many models, and its memory is bounded');
is(sql(qq{DO \$\$ BEGIN FOR i IN 1 .. $models LOOP PERFORM ml.predict('q' || i, n) FROM n LIMIT 2; END LOOP; END \$\$; $used}, $many), 't', 'in a statement each as well');
sql($flush, $many);
is(sql(q{SELECT count(*), sum(rows), (SELECT sum(dropped) FROM ml.stat_serving WHERE model LIKE 'q%') FROM ml.windows WHERE model LIKE 'q%'}, $many), "$models|" . 3 * $models . '|0', 'all of them are written');
is(sql(q{SELECT count(*), min(count), max(count) FROM ml.profiles WHERE model = 'wide'}, $many), '1001|120|120', 'and a thousand columns');
$many->stop;
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|leak/, $_->name . ': the log is clean') for ($standby, $many);
done_testing();
