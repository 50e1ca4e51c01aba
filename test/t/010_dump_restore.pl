# The catalog survives pg_dump and psql: rows, constraints, sequences, immutability, and guards of attached relations.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => ['--encoding', 'UTF8', '--locale', 'C']);
$node->start;

# Row contents of every table, with the sequences' next values.
my $contents = q{
	SELECT 'models', m::text FROM ml.models m
	UNION ALL SELECT 'grants', g::text FROM ml.grants g
	UNION ALL SELECT 'runs', r::text FROM ml.runs r
	UNION ALL SELECT 'run_metrics', r::text FROM ml.run_metrics r
	UNION ALL SELECT 'snapshots', s::text FROM ml.snapshots s
	UNION ALL SELECT 'versions', v::text FROM ml.versions v
	UNION ALL SELECT 'source_columns', c::text FROM ml.source_columns c
	UNION ALL SELECT 'attachments', a::text FROM ml.attachments a
	UNION ALL SELECT 'attached_columns', a::text FROM ml.attached_columns a
	UNION ALL SELECT 'aliases', a::text FROM ml.aliases a
	UNION ALL SELECT 'deployments', d::text FROM ml.deployments d
	UNION ALL SELECT 'events', e::text FROM ml.events e
	UNION ALL SELECT 'event_heads', h::text FROM ml.event_heads h
	UNION ALL SELECT 'suites', s::text FROM ml.suites s
	UNION ALL SELECT 'checks', c::text FROM ml.checks c
	UNION ALL SELECT 'check_results', r::text FROM ml.check_results r
	UNION ALL SELECT sequencename, last_value::text FROM pg_sequences WHERE schemaname = 'ml'
	ORDER BY 1, 2;
};

# Everything about the schema that a fresh installation has.
my $shape = q{
	SELECT c.relname, c.relkind, c.relrowsecurity, c.relacl::text, pg_get_viewdef(c.oid) FROM pg_class c
	WHERE c.relnamespace = 'ml'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'i')
	UNION ALL SELECT t.tgname, 't', t.tgenabled = 'O', NULL, pg_get_triggerdef(t.oid) FROM pg_trigger t
	WHERE NOT t.tgisinternal
	UNION ALL SELECT p.polname, 'p', true, NULL, pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p
	UNION ALL SELECT o.conname, o.contype, o.convalidated, NULL, pg_get_constraintdef(o.oid) FROM pg_constraint o
	WHERE o.connamespace = 'ml'::regnamespace
	UNION ALL SELECT f.proname, 'f', f.prosecdef, NULL, coalesce(pg_get_function_sqlbody(f.oid), f.prosrc) ||
		coalesce(obj_description(f.oid, 'pg_proc'), '') || (SELECT string_agg(d.deptype::text, '' ORDER BY d.deptype) FROM pg_depend d
			WHERE d.objid = f.oid AND d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass)
	FROM pg_proc f WHERE f.pronamespace = 'ml'::regnamespace AND f.prokind = 'f'
	UNION ALL SELECT p.proname, 'f', true, a::text, NULL FROM pg_proc p LEFT JOIN LATERAL aclexplode(p.proacl) a ON true
	WHERE p.pronamespace = 'ml'::regnamespace AND p.proacl IS NOT NULL
	ORDER BY 1, 2, 4, 5;
};

$node->safe_psql('postgres', 'CREATE ROLE analyst; CREATE ROLE gone');
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE EXTENSION pg_mlops;
	-- Names that sort before and after the models they depend on, and a history of a dropped version.
	INSERT INTO ml.models (model, task, target, owner, tags, last_version) VALUES
		('zeta', 'regression', 'y', 'gone', '{"team": "a\\b"}', 3),
		(E'\u00e9t\u00e9 ''26', 'classification', NULL, 'analyst', '{}', 3);
	INSERT INTO ml.runs (kind, model, version, status, finished_at)
		SELECT 'train', m.model, v, 'succeeded', 'infinity' FROM ml.models m, generate_series(1, 3) v;
	INSERT INTO ml.runs (kind, model, status, parent_run_id, finished_at, error)
		VALUES ('trial', 'zeta', 'failed', 1, 'infinity', E'a\nb\tc');
	INSERT INTO ml.run_metrics (run_id, name, step, value)
		SELECT run_id, 'rmse', NULL, 'NaN' FROM ml.runs UNION ALL SELECT run_id, 'rmse', 1, 0.1 FROM ml.runs;
	INSERT INTO ml.snapshots (model, source, relations, rows, wal_lsn)
		SELECT model, 'SELECT 1', '{public.a,"public.\"B\""}', 10, '0/1' FROM ml.models;
	INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256, snapshot_id, parent_version)
		SELECT r.model, r.version, r.run_id, 'ridge', m.task, a, encode(sha256(a), 'hex'), s.snapshot_id, nullif(r.version - 1, 0)
		FROM ml.runs r JOIN ml.models m USING (model) JOIN ml.snapshots s USING (model),
			LATERAL (SELECT decode(repeat(lpad(to_hex(r.run_id), 2, '0') || '00ff5c0a', 20000), 'hex') AS a) x
		WHERE r.kind = 'train';
	SELECT ml.set_owner(model, owner::regrole) FROM (SELECT model, owner FROM ml.models) m;
	SELECT ml.grant('zeta', 'read', 'analyst');
	SELECT ml.grant('zeta', 'use', 'gone');
	SELECT ml.deploy('zeta', 1), ml.deploy('zeta', 2, reason => 'better'), ml.deploy('zeta', 3);
	SELECT ml.set_alias('zeta', 'champion', 1), ml.set_alias('zeta', 'champion', 2);
	SELECT ml.rollback('zeta');
	SELECT ml.drop_version('zeta', 3);
	SELECT ml.archive('zeta', 1);
	SELECT ml.tag(E'\u00e9t\u00e9 ''26', 'a', '{"b": 1.50}');
	-- A table that sorts after schema ml, with columns that were renamed since.
	CREATE TABLE zoo AS SELECT i AS x, i % 3 AS z, i % 4 AS free, i * 2.0 AS y FROM generate_series(1, 50) i;
	SELECT version FROM ml.train('zoo', 'zoo', 'y', 'linear_regression', exclude => '{free}', deploy => 'never');
	SELECT ml.attach('zoo', 'zoo');
	-- Suites of roles, and results. The training above wrote the suite of its version.
	SET ROLE analyst;
	SELECT ml.add_check('animals', 'range', '{x}', '{"min": 0, "max": 100}'), ml.add_check('animals', 'not_null', '{x,y}', name => E'it''s "\u00e9"\\\\');
	SELECT ml.add_check('alone', 'not_null', '{y}', severity => 'warn');
	SELECT ml.drop_check('alone', 'y_not_null');
	-- Runs of outside code, one of them under way, about a model and about none.
	SELECT ml.log_metric(r, 'loss', 'NaN', 1), ml.log_param(r, E'it''s \u00e9', E'a\tb') FROM ml.start_run('outside', E'na\\me', '{"a": 1.50}', seed => 5) r;
	SELECT ml.end_run(r, 'failed') FROM ml.start_run('outside', model => E'\u00e9t\u00e9 ''26') r;
	SET ROLE gone;
	SELECT ml.add_check('left', 'not_null', '{y}');
	SELECT ml.start_run('outside');
	RESET ROLE;
	INSERT INTO ml.check_results (suite, name, kind, column_name, severity, environment, source, success, status, observed, n, n_failed, run, at, actor)
		SELECT 'animals', 'x_range', 'range', 'x', 'error', 'both', 'zoo', false, 'fail', '{"value": 1.50}', 50, 2, nextval('ml.check_results_result_id_seq'), 'infinity', a
		FROM unnest('{gone,analyst}'::text[]) a;
	ALTER TABLE zoo RENAME COLUMN z TO zz;
});
is($node->safe_psql('source', q{SELECT s.model, s.version, s.owner, count(*) > 0, bool_and(c.learned) FROM ml.suites s JOIN ml.checks c USING (suite)
	WHERE suite = 'zoo/1' GROUP BY 1, 2, 3}), 'zoo|1||t|t', 'the training wrote the suite of its version');
my $before = $node->safe_psql('source', $contents);
is(($node->psql('postgres', 'DROP ROLE gone'))[0], 3, 'a role with rights on models cannot be dropped');
$node->safe_psql('source', 'DROP OWNED BY gone; DROP ROLE gone');

for my $options ([], ['--inserts'], ['--format=custom'])
{
	my $name = join(' ', 'pg_dump', @$options);
	my $file = $node->basedir . '/dump';
	my ($stdout, $stderr);

	$node->safe_psql('postgres', 'CREATE DATABASE target');
	my $run = IPC::Run::run(['pg_dump', @$options, '--file', $file, $node->connstr('source')], '>', \$stdout, '2>', \$stderr);
	ok($run, "$name runs");
	is($stderr, '', "$name has no warning, such as of circular foreign keys");
	if (@$options && $options->[0] eq '--format=custom')
	{
		$node->command_ok(['pg_restore', '--exit-on-error', '--single-transaction', '--dbname', $node->connstr('target'), $file], "$name: restore");
	}
	else
	{
		$node->command_ok(['psql', '--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '--file', $file, $node->connstr('target')], "$name: restore");
	}
	is($node->safe_psql('target', $contents), $before, "$name: the rows and the sequences are the same");
	is($node->safe_psql('target', $shape), $node->safe_psql('source', $shape), "$name: the schema is the same");

	is($node->safe_psql('target', 'SELECT * FROM ml.verify_events()'), '', "$name: the chains of events are whole");
	is($node->safe_psql('target', 'SELECT ml.event_anchor()'), $node->safe_psql('source', 'SELECT ml.event_anchor()'), "$name: and end where they ended");

	# The restored catalog works: sequences go on, history goes on, changes are refused.
	$node->safe_psql('target', q{SELECT ml.deploy('zeta', 2, 'retired'); SELECT ml.set_alias('zeta', 'new', 2)});
	is($node->safe_psql('target', q{SELECT count(*) FROM ml.deployments WHERE ended_at IS NULL}), '1', "$name: deploying goes on");
	is($node->safe_psql('target', q{SELECT count(*), count(DISTINCT e.hash) FROM ml.events e JOIN ml.event_heads h USING (model) WHERE model = 'zeta' GROUP BY h.events HAVING h.events = count(*)}),
		join('|', ($node->safe_psql('source', q{SELECT count(*) + 2 FROM ml.events WHERE model = 'zeta'})) x 2), "$name: so do the chains of events");
	is($node->safe_psql('target', 'SELECT * FROM ml.verify_events()'), '', "$name: which stay whole");
	my ($ret, $out, $err) = $node->psql('target', 'UPDATE ml.versions SET notes = NULL');
	like($err, qr/cannot be changed directly/, "$name: versions are immutable");
	is($node->safe_psql('target', q{SET ROLE analyst; SELECT count(*) FROM ml.versions}), '5', "$name: rights are the same");
	is($node->safe_psql('target', q{SET ROLE analyst; SELECT count(*) FROM ml.my_rights()}), '6', "$name: those of an owner, too");
	isnt(($node->psql('target', 'DROP ROLE analyst'))[0], 0, "$name: and the role cannot be dropped");
	$node->safe_psql('target', 'CREATE ROLE gone');
	is($node->safe_psql('target', q{SET ROLE gone; SELECT count(*) FROM ml.models}), '0', "$name: a new role of an old name has no rights");
	$node->safe_psql('target', 'DROP ROLE gone');

	# Runs of outside code go on: their actor writes to them, and a new role of an old name sees none.
	is($node->safe_psql('target', q{SET ROLE analyst; SELECT status, count(*) FROM ml.runs WHERE kind = 'external' GROUP BY 1 ORDER BY 1}), "failed|1\nrunning|1", "$name: a role sees its runs");
	is($node->safe_psql('target', q{SET ROLE analyst; SELECT ml.log_metric(run_id, 'loss', 0.5, 2), ml.end_run(run_id) FROM ml.runs WHERE kind = 'external' AND status = 'running';
		SELECT count(*) FROM ml.run_metrics m JOIN ml.runs r USING (run_id) WHERE r.status = 'succeeded' AND r.kind = 'external'}), "|\n2", "$name: and writes to them");
	$node->safe_psql('target', 'CREATE ROLE gone');
	is($node->safe_psql('target', q{SET ROLE gone; SELECT count(*) FROM ml.runs}), '0', "$name: a new role of an old name sees no run");
	$node->safe_psql('target', 'DROP ROLE gone');
	ok($node->safe_psql('target', q{SELECT ml.start_run('more') > max(run_id) FROM ml.runs}), "$name: numbers of runs go on");

	# Suites go on too: the same owner, new revisions, and the checks of a version go with it.
	$node->safe_psql('target', q{SET ROLE analyst; SELECT ml.add_check('animals', 'range', '{x}', '{"min": 1}')});
	is($node->safe_psql('target', q{SELECT c.name, s.revision > (SELECT max(o.revision) FROM ml.suites o WHERE o.suite <> s.suite)
		FROM ml.suites s JOIN ml.checks c USING (suite) WHERE suite = 'animals' ORDER BY check_id DESC LIMIT 1}), 'x_range_1|t', "$name: adding checks goes on");
	is($node->safe_psql('target', q{SET ROLE analyst; SELECT count(*), (SELECT count(*) FROM ml.check_results) FROM ml.suites}), '2|1', "$name: a role sees its suites, and what it found itself");
	($ret, $out, $err) = $node->psql('target', 'DELETE FROM ml.checks');
	like($err, qr/cannot be changed directly/, "$name: checks change through functions only");

	# The guards hold, and go with the extension.
	($ret, $out, $err) = $node->psql('target', 'ALTER TABLE zoo DROP COLUMN zz');
	like($err, qr/function ml\."model zoo reads public\.zoo"\(\) depends on column zz/, "$name: a used column is kept");
	$node->safe_psql('target', 'ALTER TABLE zoo DROP COLUMN free');
	$node->safe_psql('target', q{SELECT version FROM ml.train('zoo', 'zoo', 'y', 'linear_regression')});
	is($node->safe_psql('target', q{SELECT column_name, status, mode FROM ml.attached_columns}),
		"x|unchanged|refuse\ny|unchanged|refuse\nz|unchanged|refuse\nzz|unchanged|refuse", "$name: training goes on with the guard");
	$node->safe_psql('target', 'DROP EXTENSION pg_mlops; ALTER TABLE zoo DROP COLUMN zz');
	is($node->safe_psql('target', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'ml'}), '0', "$name: the extension goes without CASCADE");
	$node->safe_psql('postgres', 'DROP DATABASE target');
}

$node->stop;
done_testing();
