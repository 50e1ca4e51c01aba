# The life of a model as its people live it: one trains, one approves, one deploys, one scores, none of them a
# superuser. Gates and an approval stand before production, a standby, a crash and a dump keep all of it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $node = ml_cluster('primary', allows_streaming => 1);

# What one of the people gets from a statement: its output, or its SQLSTATE with the lines of the error.
sub as
{
	my ($role, $sql, %options) = @_;

	return ($options{node} // $node)->safe_psql($options{db} // 'postgres', $sql, extra_params => [ '-U', $role ]);
}

sub refused
{
	my ($role, $sql, %options) = @_;
	my ($ret, $out, $err) = ($options{node} // $node)->psql($options{db} // 'postgres', "\\set VERBOSITY verbose\n$sql",
		extra_params => [ '-U', $role ], on_error_stop => 1);

	return $ret == 0 ? ('00000', $out) : ($err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}): /, $err);
}

sub refused_with
{
	my ($role, $sql, $state, $name, %options) = @_;

	return is((refused($role, $sql, %options))[0], $state, $name);
}

$node->safe_psql('postgres', q{
	CREATE ROLE trainer LOGIN; CREATE ROLE approver LOGIN; CREATE ROLE deployer LOGIN; CREATE ROLE analyst LOGIN;
	CREATE SCHEMA work AUTHORIZATION trainer;
});
as('trainer', q{
	CREATE TABLE work.customers AS
		SELECT i AS id, (i * 7919 % 1000) / 10.0::float8 AS spend, i * 104729 % 60 AS age, i * 15485863::bigint % 101 AS noise,
			(ARRAY['north', 'south'])[1 + i % 2] AS region,
			((i * 7919 % 1000) / 10.0 + i * 104729 % 60 + i * 32452843::bigint % 40 > 99) AS leaves
		FROM generate_series(1, 3000) i;
	CREATE VIEW work.known AS SELECT spend, age, noise, region, leaves FROM work.customers WHERE id <= 2400;
	CREATE TABLE work.recent AS SELECT * FROM work.customers WHERE id > 2400;
	CREATE TABLE work.asked AS SELECT id, spend, age, noise, region FROM work.customers;
	GRANT USAGE ON SCHEMA work TO PUBLIC;
	GRANT SELECT ON work.asked TO analyst;
	GRANT SELECT ON work.recent TO deployer;
});

# The first version goes into production; rights, gates and a rule come then.
my $train = q{SELECT version, deployed FROM ml.train('churn', 'work.known', 'leaves', 'logistic_regression', };
is(as('trainer', $train . q{features => '{age,noise}')}), '1|t', 'the first version serves');
as('trainer', q{
	SELECT ml.grant('churn', p, r::regrole) FROM (VALUES ('use', 'analyst'), ('deploy', 'deployer'), ('read', 'deployer'),
		('use', 'deployer'), ('deploy', 'approver')) g (p, r);
	SELECT ml.add_gate('churn', 'ranks well', 'auc', min => 0.85);
	SELECT ml.add_gate('churn', 'no worse', 'auc', versus => 'production', margin => 0.01);
	SELECT ml.add_gate('churn', 'fair', 'equal_opportunity_difference', max => 0.2, slices => '{region}');
	SELECT ml.add_gate('churn', 'canary ranks', 'auc', min => 0.6, role => 'canary');
	SELECT ml.require_approval('churn', 'production', 1);
	SELECT ml.attach('churn', 'work.customers');
});
is(as('trainer', $train . q{features => '{spend,age,region}', deploy => 'if_gates_pass')}), '2|f', 'a better one waits for approval');
is(as('trainer', $train . q{features => '{noise}', deploy => 'never')}), '3|f', 'a bad one is kept aside');

# Who may not, does not.
refused_with('analyst', q{SELECT ml.promote('churn', 2)}, '42501', 'the analyst does not promote');
refused_with('analyst', q{SELECT * FROM work.customers}, '42501', 'nor read what was trained on');
refused_with('analyst', q{SELECT * FROM ml.run_gates('churn', 2)}, '42501', 'nor run gates');
refused_with('deployer', q{SELECT ml.add_gate('churn', 'easy', 'auc', min => 0)}, '42501', 'the deployer sets no gates');
refused_with('deployer', q{SELECT ml.drop_gate('churn', 'fair')}, '42501', 'nor drops them');
refused_with('deployer', q{SELECT ml.require_approval('churn', 'production', 0)}, '42501', 'nor the rule');
is(as('analyst', q{SELECT (SELECT count(*) FROM ml.versions), (SELECT count(*) FROM ml.gate_results), (SELECT count(*) FROM ml.events)}),
	'0|0|0', 'the analyst sees no weights, figures and events');
is(as('analyst', q{SELECT string_agg(concat_ws(' ', version, role), ', ') FROM ml.deployments}), '1 production', 'but what serves');

# Version 2 step by step, by gates and an approval.
my $plain = q{SELECT count(*), round(avg(ml.probability('churn', a))::numeric, 6) FROM work.asked a};
my $counts = q{SELECT version, role, rows, errors FROM ml.serving_counts() ORDER BY 1};
my $of = sub { return "SELECT count(*), round(avg(ml.probability('churn/$_[0]', a))::numeric, 6) FROM work.asked a" };
is(as('analyst', $plain), as('analyst', $of->(1)), 'version 1 answers');
is(as('deployer', q{SELECT ml.promote('churn', 2)}), 'staging', 'promoted to staging');
is(as('deployer', q{SELECT ml.promote('churn', 2)}), 'shadow', 'promoted to shadow');
is(as('analyst', "SET max_parallel_workers_per_gather = 0; $plain; $counts"), as('analyst', $of->(1)) . "\n1|production|3000|0\n2|shadow|3000|0",
	'a shadow changes no answer, and scores every row');
is(as('deployer', q{SELECT ml.promote('churn', 2, traffic => 0.3)}), 'canary', 'promoted to canary, through its gate');
my ($answer, @served) = split /\n/, as('analyst', "SET max_parallel_workers_per_gather = 0; $plain; $counts");
my ($production, $canary) = map { (split /\|/)[2] } @served;
is($production + $canary, 3000, 'each row is answered by one of the two');
cmp_ok(abs($canary - 900), '<', 100, 'the canary has its share');
my $of_canary = q{(ml.probability('churn', a) = ml.probability('churn/2', a))};
is(as('analyst', "SELECT count(*) FILTER (WHERE $of_canary), count(*) FILTER (WHERE $of_canary OR ml.probability('churn', a) = ml.probability('churn/1', a)) FROM work.asked a"),
	"$canary|3000", 'and answers with version 2, the others with version 1');
my ($state, $error) = refused('deployer', q{SELECT ml.promote('churn', 2)});
is($state, '55000', 'production needs an approval');
refused_with('trainer', q{SELECT ml.approve('churn', 2, 'production')}, '42501', 'not by who trained');
as('approver', q{SELECT ml.approve('churn', 2, 'production')});
is(as('deployer', q{SELECT gate, verdict FROM ml.run_gates('churn', 2, 'work.recent') ORDER BY 1}),
	"canary ranks|pass\nfair|pass\nno worse|pass\nranks well|pass", 'the gates pass on later rows');
is(as('deployer', $counts), '', 'what gates score is not counted as served');
is(as('deployer', q{SELECT ml.promote('churn', 2)}), 'production', 'promoted to production');
is(as('analyst', $plain), as('analyst', $of->(2)), 'version 2 answers');
is(as('trainer', q{SELECT string_agg(role, ', ' ORDER BY deployment_id) FROM ml.deployments WHERE version = 2}),
	'staging, shadow, canary, production', 'its way is recorded');

# Version 3 is refused with figures, forced with a reason, and taken back.
as('approver', q{SELECT ml.approve('churn', 3, 'production')});
($state, $error) = refused('deployer', q{SELECT ml.deploy('churn', 3)});
is($state, '55000', 'the gates refuse a bad version');
like($error, qr/Gate "ranks well" fails: auc is 0\.\d+.*0\.85/, 'with its figure and the limit');
like($error, qr/Gate "no worse" fails: .*version 2 in production/, 'and that of production');
is(as('trainer', q{SELECT count(*) FROM ml.gate_results WHERE version = 3}), '0', 'a refusal rolls back what it found');
refused_with('deployer', q{SELECT ml.deploy('churn', 3, 'canary', 0.5)}, '55000', 'it is no canary either');
refused_with('deployer', q{SELECT ml.deploy('churn', 3, force => true)}, '22023', 'to force needs a reason');
as('deployer', q{SELECT gate FROM ml.run_gates('churn', 3)});
as('deployer', q{SELECT ml.deploy('churn', 3, force => true, reason => 'the others are on holiday')});
is(as('trainer', q{SELECT actor, version, detail ->> 'reason', detail -> 'gates' FROM ml.events WHERE kind = 'force'}),
	'deployer|3|the others are on holiday|["no worse", "ranks well"]', 'who forced what, and why, is an event');
is(as('analyst', $plain), as('analyst', $of->(3)), 'version 3 answers');
as('deployer', q{SELECT ml.rollback('churn', 'they are back')});
is(as('analyst', $plain), as('analyst', $of->(2)), 'a rollback puts version 2 back, without gates');
as('deployer', q{SELECT ml.set_alias('churn', 'champion', 2), ml.set_alias('churn', 'challenger', 3)});
as('deployer', q{SELECT ml.set_alias('churn', 'challenger', 1), ml.deploy('churn', 1, 'shadow')});
is(as('analyst', q{SELECT ml.probability('churn@champion', a) = ml.probability('churn/2', a),
	ml.probability('churn@challenger', a) = ml.probability('churn/1', a) FROM work.asked a WHERE id = 7}), 't|t', 'aliases name versions');
is(as('trainer', 'SELECT * FROM ml.verify_events()'), '', 'the chain of events is whole');

# All there is, as one snapshot sees it, with a hash of every answer.
my $register = q{
	BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
	SELECT 'model', m::text FROM ml.models m UNION ALL SELECT 'grant', g::text FROM ml.grants g
	UNION ALL SELECT 'alias', a::text FROM ml.aliases a UNION ALL SELECT 'deployment', d::text FROM ml.deployments d
	UNION ALL SELECT 'gate', g::text FROM ml.gates g UNION ALL SELECT 'result', g::text FROM ml.gate_results g
	UNION ALL SELECT 'rule', r::text FROM ml.approval_rules r UNION ALL SELECT 'approval', a::text FROM ml.approvals a
	UNION ALL SELECT 'version', v.model || v.version || v.artifact_sha256 FROM ml.versions v
	UNION ALL SELECT 'run', r::text FROM ml.runs r UNION ALL SELECT 'metric', m::text FROM ml.run_metrics m
	UNION ALL SELECT 'column', c::text FROM ml.source_columns c UNION ALL SELECT 'attached', a::text FROM ml.attached_columns a
	UNION ALL SELECT 'event', e::text FROM ml.events e UNION ALL SELECT 'head', h::text FROM ml.event_heads h
	UNION ALL SELECT 'edge', e::text FROM ml.lineage_edges e UNION ALL SELECT 'anchor', ml.event_anchor()
	ORDER BY 1, 2;
	SELECT r, md5(string_agg(encode(float8send(ml.probability(r, a)), 'hex'), '' ORDER BY a.id))
		FROM work.asked a, unnest('{churn,churn/1,churn/2,churn/3,churn@champion}'::text[]) r GROUP BY r ORDER BY r;
	COMMIT;
};

sub register_of
{
	my ($server, $db) = @_;

	return $server->safe_psql($db // 'postgres', $register);
}

# A standby.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
as('deployer', q{SELECT ml.undeploy('churn', 'shadow'), ml.deploy('churn', 1, 'canary', 0.25)});
$node->wait_for_catchup($standby);
is(register_of($standby), register_of($node), 'standby: the register and every answer are the same');
is(as('analyst', $plain, node => $standby), as('analyst', $plain), 'standby: the canary takes the same rows');
is(as('trainer', 'SELECT * FROM ml.verify_events()', node => $standby), '', 'standby: the chain is whole');
refused_with('deployer', q{SELECT * FROM ml.run_gates('churn', 2)}, '25006', 'standby: gates are not run', node => $standby);
is(as('trainer', q{SELECT count(*) FROM ml.source_changed('churn/2')}, node => $standby), '0', 'standby: the source is compared');

# A crash in the middle of a change.
my $before = register_of($node);
my $session = MlTest::ml_session($node);
$session->value(q{SET SESSION AUTHORIZATION deployer});
$session->value($_) for 'BEGIN', q{SELECT ml.rollback('churn')}, q{SELECT ml.set_alias('churn', 'champion', 3)}, q{SELECT ml.promote('churn', 3)};
$node->safe_psql('postgres', 'CHECKPOINT');
$node->stop('immediate');
$session->quit;
$node->start;
is(register_of($node), $before, 'crash: what was not committed is gone, all else is there');
is(as('trainer', 'SELECT * FROM ml.verify_events()'), '', 'crash: the chain is whole');
is(ml_orphans($node), '', 'crash: the catalog is sound');

# Lineage.
is(as('trainer', q{SELECT version, source, (SELECT string_agg(r, ' ' ORDER BY r) FROM unnest(relations) r), trained_by, deployed_as
	FROM ml.lineage ORDER BY version}),
	join("\n", map { "$_->[0]|work.known|work.customers work.known|trainer|$_->[1]" } [ 1, 'canary' ], [ 2, 'production' ], [ 3, '' ]),
	'lineage: versions, what they read, where they serve');
is(as('trainer', q{
	WITH RECURSIVE downstream (kind, name) AS (
		SELECT 'column', 'work.customers.spend'
		UNION
		SELECT e.to_kind, e.to_name FROM downstream d JOIN ml.lineage_edges e ON e.from_kind = d.kind AND e.from_name = d.name)
	SELECT string_agg(kind || ' ' || name, ', ' ORDER BY kind, name) FROM downstream WHERE kind IN ('role', 'alias')}),
	'alias churn@champion, role churn/production', 'lineage: from a column to what serves');
is(as('trainer', q{SELECT * FROM ml.impact('work.customers', 'spend')}), 'churn|2|spend', 'lineage: who reads a column');
is(as('trainer', q{SELECT * FROM ml.source_changed('churn/2')}), '', 'lineage: the source is as it was');
as('trainer', q{UPDATE work.customers SET spend = 250 WHERE id < 10});
is(as('deployer', q{SELECT column_name, statistic, today FROM ml.source_changed('churn/2') WHERE statistic = 'max'}), 'spend|max|250',
	'lineage: the deployer hears what changed');
is(as('deployer', q{
	SELECT DISTINCT r.kind, e ->> 'eventType', e #>> '{job,name}' FROM ml.runs r, ml.openlineage(r.run_id) e ORDER BY 1}),
	"gate|COMPLETE|postgres.churn.gate\ntrain|COMPLETE|postgres.churn.train", 'lineage: runs of both kinds as events of OpenLineage');
refused_with('trainer', q{ALTER TABLE work.customers DROP COLUMN spend}, '2BP01', 'lineage: a column that a model reads is kept');

# Dumped, and restored into another database.
my $dump = $node->basedir . '/dump';
$before = register_of($node);
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', $dump ], 'dump: is made');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $dump ], 'dump: is restored');
is(register_of($node, 'copy'), $before, 'dump: the register and every answer are the same');
is(as('trainer', 'SELECT * FROM ml.verify_events()', db => 'copy'), '', 'dump: the chain is whole');
refused_with('analyst', q{SELECT ml.promote('churn', 3)}, '42501', 'dump: rights are as they were', db => 'copy');
refused_with('deployer', q{SELECT ml.deploy('churn', 3)}, '55000', 'dump: the gates still guard', db => 'copy');
refused_with('trainer', q{ALTER TABLE work.customers DROP COLUMN spend}, '2BP01', 'dump: columns are still kept', db => 'copy');
for my $role (qw(trainer approver deployer analyst))
{
	refused_with('postgres', "DROP ROLE $role", '2BP01', "dump: DROP ROLE $role is refused", db => 'copy');
}
as('deployer', q{SELECT ml.rollback('churn', 'in the copy')}, db => 'copy');
is(as('trainer', q{SELECT version FROM ml.deployments WHERE role = 'production' AND ended_at IS NULL}, db => 'copy'), '1',
	'dump: service goes on from there');
is(as('trainer', q{SELECT * FROM ml.verify_events()}, db => 'copy'), '', 'dump: and so does the chain');

# A superuser who changes one event.
my $forced = $node->safe_psql('copy', q{SELECT event_id FROM ml.events WHERE kind = 'force'});
refused_with('postgres', "UPDATE ml.events SET actor = 'analyst' WHERE event_id = $forced", '55000', 'an event cannot be changed', db => 'copy');
$node->safe_psql('copy', "SET session_replication_role = replica; UPDATE ml.events SET actor = 'analyst' WHERE event_id = $forced");
is(as('trainer', q{SELECT event_id FROM ml.verify_events()}, db => 'copy'), $forced, 'one that was changed is found');
is(as('trainer', q{SELECT event_id FROM ml.verify_events()}), '', 'and the other database has none');
is(ml_warnings($node) =~ s/^.*(?:terminating connection|crash of another).*\n?//mgr, '', 'the server warned of nothing');

$standby->stop;
$node->stop;
done_testing();
