# Alerts and policies with the worker: who listens hears of them, a policy retrains under gates and brakes, old rows go.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use MlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ml_cluster('alerts', conf => "shared_preload_libraries = 'pg_mlops'\npg_mlops.flush_interval = 100ms\nmax_worker_processes = 16\n");
$node->safe_psql('postgres', q{
	CREATE ROLE ann LOGIN;
	GRANT CREATE ON SCHEMA public TO ann;
	SET SESSION AUTHORIZATION ann;
	CREATE TABLE rows AS SELECT i AS x, 2 * i + i * 7919 % 13 AS y FROM generate_series(1, 500) i;
	SELECT ml.train(m, 'rows', 'y', 'linear_regression') FROM unnest('{price,rent}'::text[]) m;});

# Waits for a query to give true.
sub until_true
{
	my ($query, $what) = @_;

	ok($node->poll_query_until('postgres', $query), $what);
}

# ---- notifications ----

# What a session that listens has heard since it was last asked, as objects without numbers and times.
my $listener = ml_session($node);
$listener->value('LISTEN ml_alert');
my @heard;
sub heard
{
	my ($wanted) = @_;

	for (1 .. 100)
	{
		push @heard, $listener->value('SELECT 1') =~ /with payload "(.*)" received/g;
		last if @heard >= $wanted;
		select(undef, undef, undef, 0.1);
	}
	my @now = splice @heard;
	return \@now;
}

$node->safe_psql('postgres', q{SELECT ml.raise_alert('price', 'latency', slice => 'city="Rome"')});
my $payloads = heard(1);
is(scalar @$payloads, 1, 'an alert is announced once');
is($node->safe_psql('postgres', qq{SELECT j - 'opened_at' = '{"alert_id": 1, "model": "price", "version": 1, "rule": "latency",
		"severity": "warning", "slice": "city=\\"Rome\\"", "state": "open", "kind": "alert"}', (j ->> 'opened_at')::timestamptz = a.opened_at
		FROM ml.alerts a, CAST(\$p\$$payloads->[0]\$p\$ AS jsonb) j}), 't|t', 'with what names it');
$node->safe_psql('postgres', q{SELECT ml.raise_alert('price', 'latency', 'error', 'city="Rome"');
	SELECT ml.mute_alert(1, '1 hour'); SELECT ml.clear_alert('price', 'latency', 'city="Rome"'); SELECT ml.raise_alert('price', 'latency', slice => 'city="Rome"');
	SELECT ml.unmute_alert(1);
	SELECT ml.raise_alert('price', 'long', slice => 'k=' || repeat(chr(1), 5000))});
$payloads = heard(1);
is(scalar @$payloads, 1, 'neither a touch nor what is muted is announced');
like($payloads->[0], qr/"rule": "long"/, 'a slice without end is');
cmp_ok(length $payloads->[0], '<', 8000, 'and does not end the announcement');
$node->safe_psql('postgres', q{SELECT ml.clear_alert('price', 'latency', 'city="Rome"'); SELECT ml.raise_alert('price', 'latency', slice => 'city="Rome"')});
like(heard(1)->[0], qr/"alert_id": 1,/, 'reopening is announced');
$node->safe_psql('postgres', q{SELECT ml.mute_alert(1, '300 ms')});
like(heard(1)->[0], qr/"alert_id": 1,.*"state": "open"/, 'so is an alert whose mute is over');
$node->safe_psql('postgres', 'SELECT ml.close_alert(alert_id) FROM ml.alerts');

# ---- a policy that retrains ----

$node->safe_psql('postgres', q{SET SESSION AUTHORIZATION ann;
	SELECT ml.set_policy('price', 'drift', 'retrain', cooldown => '1 second', budget => 2);
	SELECT ml.set_policy('price', 'drift', 'notify', cooldown => '1 hour');
	INSERT INTO rows SELECT i, 3 * i FROM generate_series(1, 500) i;});
$node->safe_psql('postgres', q{SELECT ml.raise_alert('price', 'drift:x')});
until_true(q{SELECT count(*) = 1 FROM ml.policy_firings WHERE action = 'retrain' AND outcome = 'deployed'}, 'an alert on drift retrains');
is($node->safe_psql('postgres', q{SELECT d.version, d.actor, r.kind, r.actor, s.rows, v.parent_version FROM ml.deployments d JOIN ml.versions v USING (model, version)
		JOIN ml.runs r USING (run_id) JOIN ml.snapshots s USING (snapshot_id) WHERE d.model = 'price' AND d.role = 'production' AND d.ended_at IS NULL}),
	'2|ann|retrain|ann|1000|1', 'as the owner, on the rows of today');
until_true(q{SELECT state = 'closed' AND close_reason LIKE '%no longer deployed' AND detail #>> '{policy,outcome}' IS NOT NULL FROM ml.alerts WHERE rule = 'drift:x'},
	'the alert of the version that went is closed');
my @policy = grep { /"kind": "policy"/ } @{ heard(2) };
is(scalar @policy, 1, 'the other policy has notified');
like($policy[0], qr/"model": "price", "version": 1, "trigger": "drift", "why": "drift of 1 column: x"/, 'with what it found');

# A gate refuses the next one, which stays undeployed with its reason.
$node->safe_psql('postgres', q{SET SESSION AUTHORIZATION ann; SELECT ml.add_gate('price', 'exact', 'rmse', max => 0.001)});
$node->poll_query_until('postgres', q{SELECT bool_and(last_fired_at + cooldown < now()) FROM ml.policies WHERE action = 'retrain'});
$node->safe_psql('postgres', q{SELECT ml.raise_alert('price', 'drift:x')});
until_true(q{SELECT count(*) = 1 FROM ml.policy_firings WHERE outcome = 'undeployed' AND version = 3 AND reason ~ 'exact'}, 'a gate keeps a retrained version from production');
is($node->safe_psql('postgres', q{SELECT ml.deployed_at('price', now())}), '(2,production,)', 'which stays what it was');
until_true(q{SELECT count(*) = 1 FROM ml.policy_firings WHERE action = 'retrain' AND outcome = 'refused' AND brake = 'budget'}, 'the budget ends it');
is($node->safe_psql('postgres', q{SELECT detail #>> '{policy,outcome}', detail #>> '{policy,version}', detail #>> '{policy,reason}' ~ 'exact' FROM ml.alerts
		WHERE rule = 'drift:x' AND closed_at IS NULL}), 'undeployed|3|t', 'the alert says what was done, and why it is not in production');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.job_queue}), '2', 'nothing more is trained');
is($node->safe_psql('postgres', q{SELECT model, production, open_alerts, monitored, attention ~ 'drift:x of version 2' FROM ml.health ORDER BY 1}),
	"price|2|1|t|t\nrent|1|0|t|f", 'ml.health says what to look at');

# ---- the worker waits for nobody, and one failure stops nothing else ----

my $holder = ml_session($node);
$holder->value('BEGIN');
$holder->value(q{SELECT ml.describe('price', 'busy')});
$node->safe_psql('postgres', q{SET SESSION AUTHORIZATION ann; DELETE FROM rows WHERE false;
	SELECT ml.set_policy('rent', 'new_rows', 'notify', '{"count": 1, "every": "1 second"}', cooldown => '1 hour');
	SELECT ml.set_policy('rent', 'schedule', 'notify', '{"cron": "0 0 1 1 *"}');});
until_true(q{SELECT count(*) = 1 FROM ml.policy_firings WHERE model = 'rent' AND trigger = 'new_rows' AND outcome = 'done'},
	'a model that is locked does not keep the policies of others');
$holder->value('ROLLBACK');
$holder->quit;

# ---- a schedule whose moments were missed ----

$listener->quit;
$node->stop;
$node->start;
$node->safe_psql('postgres', q{UPDATE ml.policies SET next_due = now() - interval '3 hours', params = '{"cron": "* * * * *", "timezone": "UTC"}' WHERE trigger = 'schedule'});
until_true(q{SELECT count(*) > 0 FROM ml.policy_firings WHERE trigger = 'schedule' AND outcome = 'done'}, 'moments that went by are made up for');
$node->safe_psql('postgres', 'SELECT ml.flush_monitor()');
is($node->safe_psql('postgres', q{SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM ml.policy_firings WHERE trigger = 'schedule' GROUP BY date_trunc('minute', fired_at)) m}), '1',
	'once');
is($node->safe_psql('postgres', q{SELECT next_due > last_fired_at AND next_due <= last_fired_at + interval '1 minute' FROM ml.policies WHERE trigger = 'schedule'}), 't',
	'and the next one is ahead');

# ---- retention ----

$node->safe_psql('postgres', q{
	INSERT INTO ml.windows (model, version, role, window_start, window_end, rows, counts)
		SELECT 'rent', 1, 'production', timestamptz '2020-01-01' + i * interval '1 hour', timestamptz '2020-01-01 01:00' + i * interval '1 hour', 1, '' FROM generate_series(1, 2500) i;
	INSERT INTO ml.windows (model, version, role, window_start, window_end, rows, counts) VALUES ('rent', 1, 'production', now() - interval '1 hour', now(), 7, '');
	INSERT INTO ml.alerts (model, version, rule, severity, opened_at, closed_at, close_reason) VALUES ('rent', 1, 'old', 'warning', '2020-01-01', '2020-01-02', 'cleared');
	INSERT INTO ml.alerts (model, version, rule, severity, opened_at) VALUES ('rent', 1, 'old and open', 'warning', '2020-01-01');
	INSERT INTO ml.alerts (model, version, rule, severity) VALUES ('gone', 1, 'left', 'warning');});
$node->append_conf('postgresql.conf', "pg_mlops.monitor_retention = 0\n");
$node->restart;
$node->safe_psql('postgres', 'SELECT ml.flush_monitor()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.windows}), '2501', 'without retention all stays');
$node->append_conf('postgresql.conf', "pg_mlops.monitor_retention = 1d\n");
$node->restart;
until_true(q{SELECT count(*) = 1 FROM ml.windows}, 'old windows are deleted in batches');
$node->safe_psql('postgres', 'SELECT ml.flush_monitor()');
is($node->safe_psql('postgres', q{SELECT rows_window, rows_24h FROM ml.health WHERE model = 'rent'}), '7|7', 'and new ones stay');
is($node->safe_psql('postgres', q{SELECT string_agg(rule, ',' ORDER BY alert_id) FROM ml.alerts WHERE rule LIKE 'old%' OR rule = 'left'}), 'old and open',
	'closed alerts and those of models that are gone are deleted');
is($node->safe_psql('postgres', 'SELECT * FROM ml.verify_events()'), '', 'the chain of events is whole');
unlike(ml_warnings($node), qr/PANIC|TRAP|leak/, 'nothing leaks');
$node->stop;
done_testing();
