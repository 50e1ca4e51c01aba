# Predictions are the same to the last bit after a restart, a restore, on a standby and for another role; what would
# write is refused where nothing can be written; a deployment reaches the sessions of a standby; a canary has the same
# rows everywhere; promotion goes on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $primary = ml_cluster('primary', allows_streaming => 1, conf => "shared_buffers = 8MB\n");
$primary->safe_psql('postgres', q{
	SELECT setseed(0.75);
	CREATE TABLE house AS
		SELECT i AS id, CASE WHEN random() < 0.1 THEN NULL ELSE random() END AS area, random() AS age,
			CASE WHEN random() < 0.1 THEN NULL ELSE (ARRAY['städtisch', 'rural', 'coast'])[1 + (random() * 2)::int] END AS place
		FROM generate_series(1, 3000) i;
	ALTER TABLE house ADD PRIMARY KEY (id), ADD price float8, ADD sold boolean, ADD band text;
	UPDATE house SET price = 1e5 * coalesce(area, 0.4) - 2e4 * age + 1e4 * length(coalesce(place, '')) + 1e3 * random(),
		sold = age + random() < 0.9, band = (ARRAY['low', 'middle', 'high'])[1 + floor(2.999 * (age + random()) / 2)::int];
	CREATE ROLE scorer;
	CREATE ROLE stranger;
	GRANT SELECT ON house TO scorer, stranger;
	SELECT version FROM ml.train('price', 'house', 'price', 'linear_regression', exclude => '{sold,band}');
	SELECT version FROM ml.train('sold', 'house', 'sold', 'logistic_regression', exclude => '{price,band}');
	SELECT version FROM ml.train('band', 'house', 'band', 'logistic_regression', exclude => '{price,sold}');
	SELECT version FROM ml.train('price trees', 'house', 'price', 'gradient_boosting', exclude => '{sold,band}');
	SELECT version FROM ml.train('sold trees', 'house', 'sold', 'gradient_boosting', exclude => '{price,band}');
	SELECT version FROM ml.train('band trees', 'house', 'band', 'gradient_boosting', exclude => '{price,sold}', params => '{"n_trees": 20}');
	-- Other versions, which differ in every prediction.
	SELECT version FROM ml.train('price', 'SELECT area, age, place, price + 1e6 AS price FROM house', 'price', 'linear_regression', deploy => 'never');
	SELECT ml.set_alias('price', 'challenger', 2);
	-- One with a canary and two shadows, of which one cannot be bound to the table.
	SELECT version FROM ml.train('staged', 'SELECT area, age, place, price FROM house', 'price', 'linear_regression');
	SELECT version FROM ml.train('staged', 'SELECT area, age, place, price + 1e6 AS price FROM house', 'price', 'linear_regression', deploy => 'never');
	SELECT version FROM ml.train('staged', 'SELECT area, age, price FROM house', 'price', 'gradient_boosting', deploy => 'never');
	SELECT version FROM ml.train('staged', 'SELECT area AS room, price FROM house', 'price', 'linear_regression', deploy => 'never');
	INSERT INTO ml.deployments (model, version, role, traffic) VALUES ('staged', 2, 'canary', 0.3), ('staged', 3, 'shadow', NULL), ('staged', 4, 'shadow', NULL);
	SELECT ml.grant(m, 'use', 'scorer') FROM unnest('{price,sold,band,price trees,sold trees,band trees,staged}'::text[]) m;
});

my $scores = q{
	SELECT id, encode(float8send(ml.predict('price', h)), 'hex'), encode(float8send(ml.predict('price@challenger', h)), 'hex'),
		encode(float8send(ml.probability('sold', h)), 'hex'), ml.predict('band', h, NULL::text), ml.probabilities('band', h),
		encode(float8send(ml.predict('price trees', h)), 'hex'), encode(float8send(ml.probability('sold trees', h)), 'hex'),
		ml.predict('band trees', h, NULL::text), ml.probabilities('band trees', h), encode(float8send(ml.predict('staged', h)), 'hex')
	FROM house h ORDER BY id;
};
my $counts = q{SET max_parallel_workers_per_gather = 0; SELECT count(ml.predict('staged', h)) FROM house h; SELECT * FROM ml.serving_counts()};
my $reports = q{
	SELECT r, c::text FROM unnest('{price/1,price/2,sold,band}'::text[]) r, ml.coefficients(r) c;
	SELECT r, s::text FROM unnest('{price/1,price/2,sold,band,price trees,sold trees,band trees}'::text[]) r, ml.summary(r) s;
	SELECT m, i::text FROM unnest('{price,sold,band}'::text[]) m, ml.importance(m, 'permutation') i;
	SELECT * FROM ml.evaluate('price', 'house', '{place}');
	SELECT * FROM ml.evaluate('sold', 'house');
	SELECT * FROM ml.confusion('sold', 'house');
	SELECT * FROM ml.roc('sold', 'house');
	SELECT * FROM ml.calibration('sold', 'house');
	SELECT * FROM ml.evaluate('price trees', 'house', '{place}');
	SELECT * FROM ml.evaluate('band trees', 'house');
	SELECT * FROM ml.evaluate('band', 'SELECT * FROM house WHERE age < 0.5');
};
# Evaluations are runs where they can be.
my $history = q{
	SELECT 'run', r::text FROM ml.runs r WHERE r.kind <> 'evaluate' UNION ALL SELECT 'version', v::text FROM ml.versions v
	UNION ALL SELECT 'deployment', d::text FROM ml.deployments d UNION ALL SELECT 'event', e::text FROM ml.events e
	UNION ALL SELECT 'alias', a::text FROM ml.aliases a UNION ALL SELECT 'head', h::text FROM ml.event_heads h
	UNION ALL SELECT 'problem', v::text FROM ml.verify_events() v ORDER BY 1, 2;
};
my $expected = $primary->safe_psql('postgres', $scores);
my $expected_reports = $primary->safe_psql('postgres', $reports);
my $expected_history = $primary->safe_psql('postgres', $history);
is(scalar(split(/\n/, $expected)), 3000, 'every row is scored');
unlike($expected, qr/\|\|/, 'no score is missing');
my $expected_counts = $primary->safe_psql('postgres', $counts);
like($expected_counts, qr/^3000\nstaged\|1\|production\|(\d+)\|0\|0\nstaged\|2\|canary\|(\d+)\|0\|0\nstaged\|3\|shadow\|3000\|0\|0\nstaged\|4\|shadow\|0\|3000\|0$/, 'a canary and shadows are counted');
ok($expected_counts =~ /canary\|(\d+)/ && $1 > 800 && $1 < 1000, 'the canary has about its share');
like($expected_reports, qr/price\/1\|\(intercept,/, 'there are coefficients');
like($expected_reports, qr/^band\|\(area,/m, 'there are importances');
like($expected_reports, qr/^place\|städtisch\|rmse\|/m, 'there are metrics by slice');

# Compares scores and reports in one place with those of the first session, and that nothing was written.
sub same
{
	my ($node, $name, $before) = @_;

	is($node->safe_psql('postgres', ($before // '') . $scores), $expected, "$name: the scores are the same to the last bit");
	is($node->safe_psql('postgres', $reports), $expected_reports, "$name: so are coefficients, summaries and metrics");
	is($node->safe_psql('postgres', $counts), $expected_counts, "$name: as many rows went to the canary and the shadows");
	is($node->safe_psql('postgres', $history), $expected_history, "$name: nothing was trained or written");
}

same($primary, 'another session');
same($primary, 'role', 'SET ROLE scorer; ');
same($primary, 'parallel workers',
	'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; ');
is((ml_sqlstate($primary, 'postgres', "SET ROLE stranger; $scores"))[0], '42501', 'a role without the right is refused');
$primary->restart;
same($primary, 'restart');

# Everything that writes, as one statement each.
my %writes = (
	'ml.train()' => q{SELECT version FROM ml.train('price', 'house', 'price')},
	'ml.train() of a new model' => q{SELECT version FROM ml.train('new', 'house', 'price')},
	'ml.deploy()' => q{SELECT ml.deploy('price', 2)},
	'ml.promote()' => q{SELECT ml.promote('price', 2)},
	'ml.require_approval()' => q{SELECT ml.require_approval('price', 'canary', 1)},
	'ml.approve()' => q{SELECT ml.approve('price', 2, 'canary')},
	'ml.withdraw_approval()' => q{SELECT ml.withdraw_approval('price', 2, 'canary')},
	'ml.set_owner()' => q{SELECT ml.set_owner('price', 'scorer')},
	'ml.rollback()' => q{SELECT ml.rollback('price')},
	'ml.undeploy()' => q{SELECT ml.undeploy('price', 'production')},
	'ml.set_alias()' => q{SELECT ml.set_alias('price', 'champion', 1)},
	'ml.drop_alias()' => q{SELECT ml.drop_alias('price', 'challenger')},
	'ml.describe()' => q{SELECT ml.describe('price', 'of houses')},
	'ml.tag()' => q{SELECT ml.tag('price', 'team', '"a"')},
	'ml.archive()' => q{SELECT ml.archive('price', 2)},
	'ml.drop_version()' => q{SELECT ml.drop_version('price', 2)},
	'ml.drop_model()' => q{SELECT ml.drop_model('price')},
	'ml.add_gate()' => q{SELECT ml.add_gate('price', 'rmse', 'rmse', max => 1)},
	'ml.drop_gate()' => q{SELECT ml.drop_gate('price', 'rmse')},
	'ml.run_gates()' => q{SELECT FROM ml.run_gates('price', 1)},
	'ml.raise_alert()' => q{SELECT ml.raise_alert('price', 'latency')},
	'ml.acknowledge_alert()' => q{SELECT ml.acknowledge_alert(1)},
	'ml.mute_alert()' => q{SELECT ml.mute_alert(1, '1 hour')},
	'ml.set_policy()' => q{SELECT ml.set_policy('price', 'drift', 'notify')},
	'ml.drop_policy()' => q{SELECT ml.drop_policy(1)},
	'ml.run_policies()' => q{SELECT ml.run_policies()},
	'ml.start_run()' => q{SELECT ml.start_run('house')},
	'ml.log_metric()' => q{SELECT ml.log_metric(1, 'loss', 1)},
	'ml.log_param()' => q{SELECT ml.log_param(1, 'rate', 1)},
	'ml.end_run()' => q{SELECT ml.end_run(1)},
	'ml.drop_run()' => q{SELECT ml.drop_run(1)},
	'ml.grant()' => q{SELECT ml.grant('price', 'read', 'scorer')},
	'ml.revoke()' => q{SELECT ml.revoke('price', 'use', 'scorer')});

sub refused
{
	my ($node, $name, $before) = @_;

	for my $verb (sort keys %writes)
	{
		my ($state, $message) = ml_sqlstate($node, 'postgres', $before . $writes{$verb});
		my $function = $verb =~ s/ .*//r;

		is($state, '25006', "$name: $verb is refused");
		like($message, qr/^cannot execute \Q$function\E (in a read-only transaction|during recovery)$/, "$name: $verb says why");
	}
}

refused($primary, 'read-only session', 'SET default_transaction_read_only = on; ');
same($primary, 'read-only session', 'SET default_transaction_read_only = on; ');

# A physical standby.
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
same($standby, 'standby');
same($standby, 'role on the standby', 'SET ROLE scorer; ');
refused($standby, 'standby', '');

# Sessions of the standby that have the model cached see a deployment once it is replayed; a snapshot that is older does not.
my $one = q{SELECT trunc(ml.predict('price', h) / 1e6) FROM house h WHERE id = 1};
my $session = $standby->background_psql('postgres', on_error_stop => 0);
my $reader = $standby->background_psql('postgres', on_error_stop => 0);
$session->query_safe("PREPARE p AS $one");
is($session->query_safe('EXECUTE p'), '0', 'a session of the standby scores with the first version');
is($session->query_safe($_), '0', 'and again') for ('EXECUTE p', $one);
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($reader->query_safe($one), '0', 'so does a transaction there');
$primary->safe_psql('postgres', q{SELECT ml.deploy('price', 2)});
$primary->wait_for_catchup($standby);
is($session->query_safe('EXECUTE p'), '1', 'the prepared statement of the cached session scores with the second version after replay');
is($session->query_safe($one), '1', 'and so does a new statement');
is($reader->query_safe($one), '0', 'the older transaction stays with its snapshot');
$reader->query_safe('COMMIT');
is($reader->query_safe($one), '1', 'until it ends');
$primary->safe_psql('postgres', q{SELECT ml.rollback('price')});
$primary->wait_for_catchup($standby);
is($session->query_safe('EXECUTE p'), '0', 'a rollback is seen after replay, too');
$primary->safe_psql('postgres', q{BEGIN; SELECT ml.deploy('price', 2); SELECT ml.revoke('price', 'use', 'scorer'); ROLLBACK});
$primary->wait_for_catchup($standby);
is($session->query_safe('SET ROLE scorer; EXECUTE p'), '0', 'what was rolled back on the primary is not seen');
$primary->safe_psql('postgres', q{SELECT ml.revoke('price', 'use', 'scorer')});
$primary->wait_for_catchup($standby);
$session->query('EXECUTE p');
like($session->{stderr}, qr/permission denied|privilege/, 'a right that was revoked is gone after replay');
$session->{stderr} = '';
$primary->safe_psql('postgres', q{SELECT ml.grant('price', 'use', 'scorer')});
$primary->wait_for_catchup($standby);
$session->quit;
$reader->quit;

# Dump and restore: the predictions, and the next training.
$expected_history = $primary->safe_psql('postgres', $history);
my $fresh = PostgreSQL::Test::Cluster->new('fresh');
my $dump = $primary->basedir . '/dump.sql';
$fresh->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$fresh->start;
$primary->command_ok([ 'pg_dumpall', '--roles-only', '--file', "$dump.roles", '--dbname', $primary->connstr('postgres') ], 'pg_dumpall --roles-only');
$primary->command_ok([ 'pg_dump', '--file', $dump, $primary->connstr('postgres') ], 'pg_dump');
# the role that initdb made is in the dump, too: its error is expected
IPC::Run::run([ 'psql', '-Xq', '-f', "$dump.roles", $fresh->connstr('postgres') ], '>', \my $out, '2>', \my $err);
$fresh->command_ok([ 'psql', '--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '--file', $dump, $fresh->connstr('postgres') ], 'restore');
same($fresh, 'restored');
same($fresh, 'role in the restored cluster', 'SET ROLE scorer; ');

my $next = q{SELECT version, deployed FROM ml.train('price', 'house', 'price', 'linear_regression', exclude => '{sold,band}')};
my $next_trees = q{SELECT version, deployed FROM ml.train('price trees', 'house', 'price', 'gradient_boosting', exclude => '{sold,band}')};
my $digests = q{SELECT version, artifact_sha256 FROM ml.versions WHERE model = 'price' ORDER BY 1};
my $digests_trees = q{SELECT count(*), count(DISTINCT artifact_sha256) FROM ml.versions WHERE model = 'price trees'};
is($fresh->safe_psql('postgres', $next), '3|f', 'restored: the next training makes the next version');
my @version = split(/\n/, $fresh->safe_psql('postgres', $digests));
is($version[2] =~ s/^3/1/r, $version[0], 'restored: the same data still gives the same artifact');
is($fresh->safe_psql('postgres', $next_trees), '2|f', 'restored: so it does of trees');
is($fresh->safe_psql('postgres', $digests_trees), '2|1', 'restored: the same data gives the same trees');
$fresh->safe_psql('postgres', q{SELECT ml.deploy('price', 2); SELECT ml.rollback('price')});
is($fresh->safe_psql('postgres', q{SELECT version FROM ml.train('new', 'house', 'price')}), '1', 'restored: a new model trains');
is(ml_orphans($fresh), '', 'restored: the catalog is sound');
is($fresh->safe_psql('postgres', 'SELECT * FROM ml.verify_events()'), '', 'restored: new events go on with the chains');
$fresh->stop;

# Promotion: the numbers go on, and the new primary trains and deploys.
$primary->stop;
$standby->promote;
same($standby, 'promoted');
is($standby->safe_psql('postgres', $next), '3|f', 'promoted: the next training makes the next version');
is($standby->safe_psql('postgres', $digests), join("\n", @version), 'promoted: the same data gives the same artifact');
is($standby->safe_psql('postgres', $next_trees), '2|f', 'promoted: a training of trees makes the next version');
is($standby->safe_psql('postgres', $digests_trees), '2|1', 'promoted: the same data gives the same trees');
$standby->safe_psql('postgres', q{SELECT ml.deploy('price', 2)});
is($standby->safe_psql('postgres', $one), '1', 'promoted: a deployment takes effect');
is(ml_orphans($standby), '', 'promoted: the catalog is sound');
is($standby->safe_psql('postgres', 'SELECT * FROM ml.verify_events()'), '', 'promoted: new events go on with the chains');
$standby->stop;
done_testing();
