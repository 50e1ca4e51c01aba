# Deployments under load: every scoring statement takes all its predictions from one version, none fails, and dropping
# what is being scored is a clean error. PG_MLOPS_LONG_TESTS=1 keeps the load up for a minute, else for 20 seconds.
#
# Version v predicts 1000 v + x with x from 0 to 1, so a statement that mixes versions sees several thousands.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use MlTest;

my $seconds = $ENV{PG_MLOPS_LONG_TESTS} ? 60 : 20;
my $node = ml_cluster('main', conf => q{
	shared_buffers = 32MB
	max_worker_processes = 16
	max_parallel_workers = 8
	min_parallel_table_scan_size = 0
	parallel_setup_cost = 0
	parallel_tuple_cost = 0
});
$node->safe_psql('postgres', q{
	CREATE TABLE rows AS SELECT i / 20001.0::float8 AS x FROM generate_series(1, 20000) i;
	ALTER TABLE rows SET (parallel_workers = 2);
	ANALYZE rows;
	DO $$
	BEGIN
		FOR v IN 1 .. 6 LOOP
			PERFORM ml.train('m', format('SELECT x, x + 1000 * %s AS y FROM rows WHERE x < 0.1', v), 'y', deploy => 'always');
		END LOOP;
	END
	$$;
	-- One row per scoring statement that saw anything but one version.
	CREATE TABLE mixed (how text, versions bigint);
	-- Two statements of one function may see different versions, but each of them only one.
	CREATE FUNCTION count_versions() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
	DECLARE
		r record;
		first bigint;
		seen bigint[] = '{}';
	BEGIN
		SELECT count(DISTINCT trunc(ml.predict('m', t) / 1000)) INTO first FROM rows t;
		FOR r IN SELECT trunc(ml.predict('m', t) / 1000) AS v FROM rows t LIMIT 500 LOOP
			IF NOT r.v = ANY (seen) THEN seen = seen || r.v::bigint; END IF;
		END LOOP;
		RETURN greatest(first, cardinality(seen));
	END
	$$;
	CREATE FUNCTION expression_versions() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
	DECLARE
		r rows;
		v float8;
		strange bigint = 0;
	BEGIN
		FOR r IN SELECT * FROM rows LIMIT 300 LOOP
			v = ml.predict('m', r);
			strange = strange + (v < 1000 OR abs(v - r.x - 1000 * trunc(v / 1000)) > 1e-6)::int;
		END LOOP;
		RETURN 1 + strange;
	END
	$$;
});
is($node->safe_psql('postgres', q{
	SELECT count(DISTINCT trunc(ml.predict('m/' || v, t) / 1000)) FROM generate_series(1, 6) v, rows t}), '6', 'the versions differ by a constant');
my $parallel = q{SELECT count(DISTINCT v) FROM (SELECT trunc(ml.predict('m', t) / 1000) AS v FROM rows t OFFSET 0) s};
like($node->safe_psql('postgres', "EXPLAIN $parallel"), qr/Workers Planned: 2/, 'scoring is planned with parallel workers');

# The scripts of the clients. Each leaves in :bad whether a statement mixed versions, and in :versions how many it saw.
my %scripts = (
	plain => q{
		SELECT count(DISTINCT trunc(ml.predict('m', t) / 1000)) AS versions,
			count(DISTINCT trunc(ml.predict('m', t) / 1000)) <> 1 OR count(ml.predict('m', t)) <> 20000 AS bad
			FROM rows t \gset
	},
	# two call sites of one statement agree on the version, row by row
	two_calls => q{
		SELECT count(DISTINCT trunc(ml.predict('m', t) / 1000)) AS versions,
			count(*) FILTER (WHERE ml.predict('m', t) <> ml.predict('m', ARRAY[x])) > 0 AS bad FROM rows t WHERE x < 0.4 \gset
	},
	parallel => qq{
		SELECT n AS versions, n <> 1 AS bad FROM ($parallel) q (n) \\gset
	},
	function => q{
		SELECT n AS versions, n <> 1 AS bad FROM count_versions() n \gset
	},
	expression => q{
		SELECT n AS versions, n <> 1 AS bad FROM expression_versions() n \gset
	},
	# all statements of a transaction with one snapshot see one version
	snapshot => q{
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT trunc(avg(ml.predict('m', t)) / 1000)::int AS was FROM rows t WHERE x < 0.1 \gset
		\sleep 120 ms
		SELECT count(DISTINCT trunc(ml.predict('m', t) / 1000)) AS versions,
			bool_or(trunc(ml.predict('m', t) / 1000) <> :was) AS bad FROM rows t WHERE x < 0.1 \gset
		COMMIT;
	},
	# a cursor stays with the version it began with
	cursor => q{
		BEGIN;
		DECLARE c CURSOR FOR SELECT trunc(ml.predict('m', t) / 1000)::int AS v FROM rows t;
		FETCH 1 FROM c \gset was_
		\sleep 120 ms
		FETCH RELATIVE 19000 FROM c \gset now_
		COMMIT;
		SELECT 2 AS versions, :was_v <> :now_v AS bad \gset
	});
my @files;
for my $name (sort keys %scripts)
{
	my $file = $node->basedir . "/$name.sql";

	append_to_file($file, "$scripts{$name}\n\\if :bad\n\tINSERT INTO mixed VALUES ('$name', :versions);\n\\endif\n");
	push @files, '-f', $file;
}

# Eight clients: four with simple, four with prepared statements.
my @loads;
for my $mode ('simple', 'prepared')
{
	my %load = (mode => $mode, out => '', err => '');

	$load{run} = IPC::Run::start(
		[ 'pgbench', '-n', '-M', $mode, '-c', 4, '-T', $seconds, @files, $node->connstr('postgres') ],
		'>', \$load{out}, '2>', \$load{err});
	push @loads, \%load;
}

my $deployer = ml_session($node);
my $reader = ml_session($node);
my ($deployments, $rollbacks, @unseen) = (0, 0);
my $end = time + $seconds;
while (time < $end)
{
	# Never the version that is in production already, which would be no deployment.
	my $now = $deployer->value(q{SELECT version FROM ml.deployments WHERE role = 'production' AND ended_at IS NULL});
	my $next = 1 + ($now + int(rand(5))) % 6;

	if (rand() < 0.3)
	{
		my ($state, $out, $err) = $deployer->run(q{SELECT ml.rollback('m')});

		die $err if $state ne '00000' && $state ne '55000';
		$rollbacks += $state eq '00000';
		$next = $deployer->value(q{SELECT version FROM ml.deployments WHERE role = 'production' AND ended_at IS NULL});
	}
	else
	{
		$deployer->value("SELECT ml.deploy('m', $next)");
		$deployments++;
	}
	my $seen = $reader->value(q{SELECT DISTINCT trunc(ml.predict('m', t) / 1000) FROM rows t WHERE x < 0.01});
	push @unseen, "$next: $seen" if $seen ne $next;
	usleep(100_000);
}
is("@unseen", '', 'the first statement after a deployment sees it');
for my $load (@loads)
{
	ok($load->{run}->finish, "clients with $load->{mode} statements: none fails") or diag($load->{err});
	unlike($load->{err}, qr/error|aborted/i, "clients with $load->{mode} statements: no error is reported");
	my ($transactions) = $load->{out} =~ /transactions actually processed: (\d+)/;
	note("$transactions transactions with $load->{mode} statements");
	cmp_ok($transactions, '>=', $seconds, "clients with $load->{mode} statements: they scored all the time");
}
note("$deployments deployments, $rollbacks rollbacks");
cmp_ok($deployments, '>=', 10, 'versions were deployed meanwhile');
cmp_ok($rollbacks, '>', 0, 'and rolled back');
is($node->safe_psql('postgres', 'SELECT how, versions, count(*) FROM mixed GROUP BY 1, 2'), '', 'no statement mixed versions');

# Versions and models that are dropped, and trained again, while they are scored.
$node->safe_psql('postgres', q{
	CREATE UNLOGGED TABLE outcome (state text, message text, times int);
	CREATE PROCEDURE score_on(ref text, seconds float8) LANGUAGE plpgsql AS $$
	DECLARE
		n bigint;
		versions bigint;
		until timestamptz = clock_timestamp() + seconds * interval '1 second';
	BEGIN
		WHILE clock_timestamp() < until LOOP
			BEGIN
				SELECT count(p), count(DISTINCT trunc(p / 1000)) INTO n, versions
				FROM (SELECT ml.predict(ref, t) AS p FROM rows t WHERE x < 0.2 OFFSET 0) s;
				INSERT INTO outcome VALUES ('00000', n || ' rows of ' || versions, 1);
			EXCEPTION WHEN OTHERS THEN
				INSERT INTO outcome VALUES (SQLSTATE, SQLERRM, 1);
			END;
			COMMIT;
		END LOOP;
	END
	$$;
	SELECT ml.deploy('m', 1);
	SELECT ml.set_alias('m', 'a', 2);
});
my @scorers = map { ml_session($node) } 1 .. 4;
my @refs = ('m', 'm/2', 'm@a', 'm/3');
$scorers[$_]->start("CALL score_on('$refs[$_]', 6)") for (0 .. 3);
my $train = q{SELECT version FROM ml.train('m', 'SELECT x, x + 7000 AS y FROM rows WHERE x < 0.1', 'y', deploy => 'never')};
for my $round (1 .. 3)
{
	my $version = $deployer->value($train);

	usleep(250_000);
	$deployer->value(qq{SELECT ml.drop_version('m', $version)});
	usleep(100_000);
	$deployer->value(q{DO $$ BEGIN
		PERFORM ml.undeploy('m', 'production'), ml.drop_alias('m', 'a');
		PERFORM ml.drop_model('m');
	END $$});
	usleep(250_000);
	for my $v (1 .. 2)
	{
		$deployer->value(qq{SELECT version FROM ml.train('m', 'SELECT x, x + 1000 * $v AS y FROM rows WHERE x < 0.1', 'y')});
	}
	$deployer->value(q{SELECT ml.set_alias('m', 'a', 2)});
	usleep(250_000);
}
is(scalar($_->finish), '00000', 'a session that scores what is dropped lives on') for @scorers;
note($node->safe_psql('postgres', 'SELECT state, message, count(*) FROM outcome GROUP BY 1, 2 ORDER BY 3 DESC'));
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM outcome}), '00000 42704',
	'a dropped version or model is an error of its own, SQLSTATE 42704');
is($node->safe_psql('postgres', q{
		SELECT DISTINCT message FROM outcome WHERE state = '42704'
		AND message !~ '^(version \d of model|alias "a" of model|model) "m" (does not exist|has no version in production)$'}), '', 'which says what is missing');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT message, ' ') FROM outcome WHERE state = '00000'}), '4000 rows of 1',
	'and what succeeds scores every row with one version');
is($_->value(q{SELECT trunc(ml.predict('m/2', ARRAY[0.5]) / 1000)}), '2', 'a session scores the model that was trained again') for @scorers;
$_->quit for (@scorers, $deployer, $reader);
is(ml_orphans($node), '', 'the catalog is sound');
is(ml_warnings($node), '', 'no warning was logged');
$node->stop;
done_testing();
