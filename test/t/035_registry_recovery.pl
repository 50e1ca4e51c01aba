# The register through replication, a crash and a recovery to a point in time: aliases, deployments, approvals, rights,
# events and predictions are those of one committed moment, and the chains of events are whole and go on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $primary = ml_cluster('primary', allows_streaming => 1, has_archiving => 1, conf => "shared_buffers = 8MB\n");
$primary->safe_psql('postgres', q{
	CREATE ROLE approver LOGIN;
	CREATE ROLE scorer;
	CREATE ROLE later;
	CREATE TABLE rows AS SELECT i / 100.0::float8 AS x, i / 100.0::float8 AS y FROM generate_series(1, 100) i;
	GRANT SELECT ON rows TO PUBLIC;
	SELECT version FROM generate_series(1, 4) v,
		ml.train('m', format('SELECT x, y + %s AS y FROM rows', 1000 * v), 'y', 'linear_regression', deploy => 'never');
	SELECT version FROM ml.train('other', 'rows', 'y', 'linear_regression');
	SELECT ml.grant('m', 'use', 'scorer'), ml.grant('m', 'deploy', 'approver');
	SELECT ml.require_approval('m', 'shadow', 1);
	SELECT ml.deploy('m', 1), ml.set_alias('m', 'champion', 1);
});
$primary->safe_psql('postgres', q{SELECT ml.approve('m', 3, 'shadow')}, extra_params => [ '-U', 'approver' ]);

# All of the register, and what it makes of a row, as one snapshot sees it.
my $state = q{
	BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
	SELECT 'model', m::text FROM ml.models m UNION ALL SELECT 'grant', g::text FROM ml.grants g
	UNION ALL SELECT 'alias', a::text FROM ml.aliases a UNION ALL SELECT 'deployment', d::text FROM ml.deployments d
	UNION ALL SELECT 'rule', r::text FROM ml.approval_rules r UNION ALL SELECT 'approval', a::text FROM ml.approvals a
	UNION ALL SELECT 'version', v.model || v.version || v.artifact_sha256 FROM ml.versions v
	UNION ALL SELECT 'event', e::text FROM ml.events e UNION ALL SELECT 'head', h::text FROM ml.event_heads h
	UNION ALL SELECT 'anchor', ml.event_anchor()
	UNION ALL SELECT 'right', a.grantee::regrole::text FROM pg_proc p, aclexplode(p.proacl) a WHERE p.oid = 'ml.my_rights'::regproc
	UNION ALL SELECT 'role', concat_ws(' ', d.version, d.role, d.traffic) FROM ml.deployed_at('m', 'infinity') d
	UNION ALL SELECT 'prediction', r || ' ' || ml.predict(r, ARRAY[0.5]) FROM unnest('{m/1,m/2,m@champion,other}'::text[]) r
	UNION ALL SELECT 'production', (SELECT encode(float8send(ml.predict('m', ARRAY[0.5])), 'hex'))
	ORDER BY 1, 2;
	COMMIT;
};
my $verify = 'SELECT * FROM ml.verify_events()';

sub state_of
{
	my ($node) = @_;

	return $node->safe_psql('postgres', $state);
}

# A change in every part of the register, which nothing is left of where it is not committed.
my $change = q{
	SELECT ml.deploy('m', 2), ml.set_alias('m', 'champion', 2), ml.deploy('m', 4, 'canary', 0.75), ml.undeploy('m', 'shadow'),
		ml.grant('m', 'read', 'later'), ml.set_owner('other', 'later'), ml.require_approval('m', 'canary', 2), ml.describe('m', 'never');
	SELECT version FROM ml.train('m', 'rows', 'y', 'linear_regression');
	SELECT version FROM ml.train('never', 'rows', 'y', 'linear_regression');
};

# A standby has what was committed last, and can check it.
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
for my $step (
	[ 'a canary', q{SELECT ml.deploy('m', 2, 'canary', 0.25)} ],
	[ 'a shadow', q{SELECT ml.deploy('m', 3, 'shadow')} ],
	[ 'another share', q{SELECT ml.deploy('m', 2, 'canary', 0.5)} ],
	[ 'an alias', q{SELECT ml.set_alias('m', 'champion', 3)} ],
	[ 'nothing, which was rolled back', "BEGIN; $change ROLLBACK" ],
	[ 'a revoked right', q{SELECT ml.revoke('m', 'use', 'scorer')} ],
	[ 'a right', q{SELECT ml.grant('m', 'use', 'scorer')} ])
{
	my ($name, $sql) = @$step;

	$primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby);
	is(state_of($standby), state_of($primary), "standby: it has $name");
}
is($standby->safe_psql('postgres', $verify), '', 'standby: the chains are whole');
is($standby->safe_psql('postgres', q{SET ROLE scorer; SELECT * FROM ml.my_rights()}), 'm|use', 'standby: a role has its rights');
is(scalar(ml_sqlstate($standby, 'postgres', q{SET ROLE later; SELECT * FROM ml.my_rights()})), '42501', 'standby: another has none');

# A crash while transactions are under way.
my $before = state_of($primary);
my @sessions = map { ml_session($primary) } 1 .. 2;
$sessions[0]->value("BEGIN; $change");
$sessions[1]->start(q{SELECT ml.describe('m', 'waits')});
$primary->safe_psql('postgres', 'CHECKPOINT');
$primary->stop('immediate');
$_->quit for @sessions;
$primary->start;
is(state_of($primary), $before, 'crash: nothing is left of what was not committed');
is($primary->safe_psql('postgres', $verify), '', 'crash: the chains are whole');
$primary->safe_psql('postgres', q{SELECT ml.describe('m', 'after the crash')});
is($primary->safe_psql('postgres', $verify), '', 'crash: and go on');
is(ml_orphans($primary), '', 'crash: the catalog is sound');
$primary->wait_for_catchup($standby);
is(state_of($standby), state_of($primary), 'crash: the standby follows');

# Back to a moment between two deployments.
$primary->safe_psql('postgres', q{SELECT ml.promote('m', 2)});
my $moment = state_of($primary);
$primary->safe_psql('postgres', q{SELECT pg_create_restore_point('between')});
$primary->safe_psql('postgres', $change =~ s/ml\.deploy\('m', 2\)/ml.deploy('m', 1)/r);
$primary->safe_psql('postgres', q{
	SELECT ml.undeploy('m', 'production');
	SELECT ml.drop_alias('m', 'champion');
	SELECT ml.drop_model('m');
	SELECT ml.drop_model(m) FROM (SELECT m, ml.undeploy(m, 'production') FROM unnest('{other,never}'::text[]) m OFFSET 0) s;
});
my $segment = $primary->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_lsn())');
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');
isnt($primary->safe_psql('postgres', 'SELECT count(*) FROM ml.events'), '0', 'point in time: the primary went on');
my $past = PostgreSQL::Test::Cluster->new('past');
$past->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
$past->append_conf('postgresql.conf', "recovery_target_name = 'between'\nrecovery_target_action = 'promote'\narchive_mode = off\n");
$primary->poll_query_until('postgres', qq{SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver}) or die 'the WAL is not archived';
$past->start;
$past->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is(state_of($past), $moment, 'point in time: everything is as it was then');
is($past->safe_psql('postgres', $verify), '', 'point in time: the chains are whole');
$past->safe_psql('postgres', q{SELECT ml.rollback('m')});
is($past->safe_psql('postgres', q{SELECT trunc(ml.predict('m', ARRAY[0.5]) / 1000)}), '1', 'point in time: a rollback goes back from there');
is($past->safe_psql('postgres', $verify), '', 'point in time: the chains go on');
is($primary->safe_psql('postgres', $verify), '', 'those of the primary, whose models are dropped, are whole');
$past->stop;

# The standby becomes the primary.
$primary->wait_for_catchup($standby);
$primary->stop;
$standby->promote;
$standby->safe_psql('postgres', q{SELECT version FROM ml.train('m', 'rows', 'y', 'linear_regression')});
is($standby->safe_psql('postgres', $verify), '', 'promoted: the chains are whole and go on');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM ml.events e JOIN ml.event_heads h USING (model, event_id, hash) WHERE model = 'm' AND version = 1}), '1',
	'promoted: the newest event is the end of its chain');
$standby->stop;
done_testing();
