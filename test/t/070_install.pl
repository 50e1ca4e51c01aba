# Installing and removing: who may, what is left, several databases and encodings, with and without preloading, and
# sessions that have a model cached when the extension goes away and comes back.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $node = ml_cluster('main', conf => "shared_buffers = 16MB\n");
$node->safe_psql('postgres', q{
	DROP EXTENSION pg_mlops;
	CREATE ROLE ordinary LOGIN;
	CREATE DATABASE theirs OWNER ordinary;
});

# Every row of the catalogs about objects made by users, but for addresses that are never the same twice.
my $objects = q{
	SELECT 'class', c.oid::regclass::text FROM pg_class c WHERE c.oid >= 16384
	UNION ALL SELECT 'namespace', nspname FROM pg_namespace WHERE oid >= 16384
	UNION ALL SELECT 'function', p.oid::regprocedure::text FROM pg_proc p WHERE p.oid >= 16384
	UNION ALL SELECT 'type', t.oid::regtype::text FROM pg_type t WHERE t.oid >= 16384
	UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE oid >= 16384
	UNION ALL SELECT 'trigger', tgname FROM pg_trigger UNION ALL SELECT 'policy', polname FROM pg_policy
	UNION ALL SELECT 'event trigger', evtname FROM pg_event_trigger
	UNION ALL SELECT 'aggregate', aggfnoid::text FROM pg_aggregate WHERE aggfnoid >= 16384
	UNION ALL SELECT 'operator', oprname FROM pg_operator WHERE oid >= 16384
	UNION ALL SELECT 'cast', oid::text FROM pg_cast WHERE oid >= 16384
	UNION ALL SELECT 'extension', extname FROM pg_extension
	UNION ALL SELECT 'default rights', d::text FROM pg_default_acl d
	UNION ALL SELECT 'first rights', i.objoid::text FROM pg_init_privs i WHERE i.objoid >= 16384
	UNION ALL SELECT 'comment', d.description FROM pg_description d WHERE d.objoid >= 16384
	UNION ALL SELECT 'dependency', d::text FROM pg_depend d WHERE d.objid >= 16384
	UNION ALL SELECT 'role dependency', d::text FROM pg_shdepend d WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	UNION ALL SELECT 'large object', m.oid::text FROM pg_largeobject_metadata m
	UNION ALL SELECT 'setting', s::text FROM pg_db_role_setting s
	ORDER BY 1, 2;
};
my $empty = $node->safe_psql('postgres', $objects);
my $data = q{
	CREATE TABLE points AS SELECT i / 100.0::float8 AS x, (ARRAY['one', 'two', 'three'])[1 + i % 3] AS word,
		i / 100.0::float8 + (i % 3) * 10 AS y, (ARRAY['low', 'high'])[1 + (i > 250 + 17 * (i % 7))::int] AS level
		FROM generate_series(1, 500) i;
};
my $train = q{SELECT version FROM ml.train('m', 'points', 'y', exclude => '{level}')};
my $score = q{SELECT floor(sum(ml.predict('m', p))) FROM points p};

# Who may, and where.
my ($state, $message) = ml_sqlstate($node, 'theirs', 'CREATE EXTENSION pg_mlops', extra_params => [ '-U', 'ordinary' ]);
is($state, '42501', 'an ordinary user, even the owner of the database, cannot create the extension');
is($node->safe_psql('theirs', $objects), $empty, 'and leaves nothing');
$node->safe_psql('theirs', 'CREATE SCHEMA ml AUTHORIZATION ordinary');
is(scalar(ml_sqlstate($node, 'theirs', 'CREATE EXTENSION pg_mlops')), '42P06', 'a schema ml that somebody made before is refused');
is($node->safe_psql('theirs', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'ml'::regnamespace}), '0', 'and left as it was');
$node->safe_psql('theirs', 'DROP SCHEMA ml; CREATE SCHEMA other');
is(scalar(ml_sqlstate($node, 'theirs', 'CREATE EXTENSION pg_mlops VERSION "0.0.0"')), '22023', 'a version that does not exist is refused');
is(scalar(ml_sqlstate($node, 'theirs', 'SET default_transaction_read_only = on; CREATE EXTENSION pg_mlops')), '25006', 'nothing is created in a read-only session');
$node->safe_psql('theirs', 'DROP SCHEMA other');
is($node->safe_psql('theirs', $objects), $empty, 'after all these there is nothing');

# Creating, using, removing, twice.
for my $time ('first', 'second')
{
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_mlops');
	is(scalar(ml_sqlstate($node, 'postgres', 'CREATE EXTENSION pg_mlops')), '42710', "$time time: creating it once more is refused");
	is(scalar(ml_sqlstate($node, 'postgres', 'CREATE SCHEMA s; ALTER EXTENSION pg_mlops SET SCHEMA s')), '0A000', "$time time: it cannot be moved to another schema");
	is(scalar(ml_sqlstate($node, 'postgres', 'ALTER EXTENSION pg_mlops UPDATE')), '00000', "$time time: an update to the same version is nothing to do");
	$node->safe_psql('postgres', "$data $train; SELECT ml.grant('m', 'use', 'ordinary'); DROP TABLE points; DROP SCHEMA s; CREATE VIEW mine AS SELECT model FROM ml.models");
	is(scalar(ml_sqlstate($node, 'postgres', 'DROP EXTENSION pg_mlops')), '2BP01', "$time time: it is not removed below a user's view");
	$node->safe_psql('postgres', 'DROP VIEW mine; DROP EXTENSION pg_mlops');
	is($node->safe_psql('postgres', $objects), $empty, "$time time: DROP EXTENSION leaves nothing");
}
$node->safe_psql('postgres', 'BEGIN; CREATE EXTENSION pg_mlops; ROLLBACK');
is($node->safe_psql('postgres', $objects), $empty, 'nor does a creation that is rolled back');
is(scalar(ml_sqlstate($node, 'postgres', q{SET ROLE ordinary; SELECT ml.predict('m', ARRAY[1.0])})), '3F000', 'without it there is no schema ml');

# Databases and encodings: the same ASCII data gives the same artifact everywhere, and each database has its own models.
$node->safe_psql('postgres', qq{CREATE DATABASE "in_$_" ENCODING '$_' TEMPLATE template0}) for ('UTF8', 'LATIN1', 'SQL_ASCII');
my @digests;
for my $encoding ('UTF8', 'LATIN1', 'SQL_ASCII')
{
	my $db = "in_$encoding";

	$node->safe_psql($db, "CREATE EXTENSION pg_mlops; $data");
	is($node->safe_psql($db, $train), '1', "$encoding: it trains with text categories");
	push @digests, $node->safe_psql($db, q{SELECT artifact_sha256 FROM ml.versions});
	is($node->safe_psql($db, $score), '6262', "$encoding: and scores");
}
is($digests[$_], $digests[0], 'the artifact does not depend on the encoding') for (1, 2);
# "zoë" and "Ärger", as bytes of each encoding; SQL_ASCII holds bytes that are no UTF-8.
my %bytes = (
	UTF8 => [ 'zo\303\253', '\303\204rger' ],
	LATIN1 => [ 'zo\353', '\304rger' ],
	SQL_ASCII => [ 'zo\353', '\304rger' ]);
for my $encoding (sort keys %bytes)
{
	my ($word, $label) = map { "convert_from('$_'::bytea, getdatabaseencoding())" } @{ $bytes{$encoding} };
	my $db = "in_$encoding";

	$node->safe_psql($db, "UPDATE points SET word = $word WHERE word = 'one'; UPDATE points SET level = $label WHERE level = 'high'");
	is($node->safe_psql($db, q{SELECT version FROM ml.train('bytes', 'points', 'level', exclude => '{y}')}), '1',
		"$encoding: letters beyond ASCII train as categories and labels");
	is($node->safe_psql($db, qq{
			SELECT count(*) > 400 FROM points p WHERE ml.predict('bytes', p, NULL::text) = level;
			SELECT count(*) > 0 FROM points p WHERE ml.predict('bytes', p, NULL::text) = $label;
			SELECT count(*) FROM points p WHERE ml.probability('bytes', p, $label) <> ml.probability('bytes', to_jsonb(p), $label);
			SELECT count(*) FROM ml.coefficients('bytes') WHERE term = 'word=' || $word;
			SELECT count(*) FROM ml.versions WHERE model = 'bytes' AND signature -> 'output' -> 'classes' ? $label;
			SELECT count(*) > 0 FROM ml.evaluate('bytes', 'points', '{word}') WHERE slice_value = $word;
		}), "t\nt\n0\n1\n1\nt", "$encoding: and come back as they were");
	is($node->safe_psql($db, qq{
			SELECT version FROM ml.train('bytes' || $word, 'points', 'level', exclude => '{y}');
			SELECT count(DISTINCT ml.predict('bytes' || $word, p, NULL::text)) FROM points p;
		}), "1\n2", "$encoding: so does the name of a model");
}

# A dump restored into a database of another encoding: names, categories and labels go along.
my $labels = q{SELECT string_agg(encode(convert_to(ml.predict('bytes', p, NULL::text), 'UTF8'), 'hex') || ml.probability('bytes', p), ',' ORDER BY x) FROM points p};
for my $pair ([ 'LATIN1', 'UTF8' ], [ 'UTF8', 'LATIN1' ])
{
	my ($from, $to) = @$pair;
	my $dump = $node->basedir . "/$from.sql";

	$node->safe_psql('postgres', "CREATE DATABASE restored ENCODING '$to' TEMPLATE template0");
	$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr("in_$from") ], "$from: pg_dump");
	$node->command_ok([ 'psql', '--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '--file', $dump, $node->connstr('restored') ], "$from to $to: restore");
	is($node->safe_psql('restored', $labels), $node->safe_psql("in_$from", $labels), "$from to $to: labels and probabilities are the same");
	$node->safe_psql('postgres', 'DROP DATABASE restored');
}
# What an encoding cannot write is refused by name, and not taken for another text.
$node->safe_psql('in_UTF8', q{SELECT version FROM ml.train('sign', 'SELECT x, CASE word WHEN ''two'' THEN U&''\20AC'' ELSE word END AS word, y FROM points', 'y')});
my $artifact = $node->safe_psql('in_UTF8', q{SELECT encode(artifact, 'base64') FROM ml.versions WHERE model = 'sign'});
$node->safe_psql('in_LATIN1', qq{
	INSERT INTO ml.models (model, task, target) VALUES ('sign', 'regression', 'y');
	INSERT INTO ml.runs (run_id, kind, model, version, status, finished_at) OVERRIDING SYSTEM VALUE VALUES (-1, 'train', 'sign', 1, 'succeeded', 'infinity');
	INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
		SELECT 'sign', 1, -1, 'linear_regression', 'regression', a, encode(sha256(a), 'hex') FROM decode('$artifact', 'base64') a;
});
is(scalar(ml_sqlstate($node, 'in_LATIN1', q{SELECT ml.predict('sign/1', p) FROM points p})), '22P05', 'LATIN1 cannot write the sign of the euro');
$node->safe_psql('in_LATIN1', q{SELECT ml.drop_model('sign')});

$node->safe_psql('in_UTF8', q{SELECT ml.deploy('m', version) FROM ml.train('m', 'SELECT * FROM points WHERE x < 3', 'y', exclude => '{level}')});
is($node->safe_psql('in_LATIN1', q{SELECT max(version) FROM ml.versions WHERE model = 'm'}), '1', 'a database does not see the models of another');

# Sessions that have a model cached, also in prepared statements, when the extension goes away.
my $session = ml_session($node, 'in_LATIN1');
my $busy = ml_session($node, 'in_LATIN1');
my %calls = (
	'a statement' => $score,
	'a prepared statement' => 'EXECUTE p',
	'a function' => 'SELECT s()',
	'a training' => $train,
	'a registry verb' => q{SELECT ml.describe('m', 'of points')},
	'a view' => 'SELECT count(*) FROM ml.learners');
$node->safe_psql('in_LATIN1', qq{CREATE FUNCTION s() RETURNS numeric LANGUAGE plpgsql AS 'BEGIN RETURN ($score); END'} =~ s/'m'/''m''/r);
$session->value("PREPARE p AS $score");
for (1 .. 2)
{
	$session->value($calls{$_}) for sort keys %calls;
}
$session->value("SELECT version FROM ml.train('reference', 'points', 'y')");
is($session->value($score), $session->value('EXECUTE p'), 'a session has the model cached');
my $was = $session->value($score);

# Whoever scores at that moment comes first.
$busy->value('BEGIN');
$busy->value($score);
my $dropper = ml_session($node, 'in_LATIN1');
$dropper->start('DROP EXTENSION pg_mlops');
$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $dropper->{pid}")
  or die 'DROP EXTENSION does not wait';
is($busy->value($score), $was, 'DROP EXTENSION waits for a transaction that scores');
$busy->value('COMMIT');
is(scalar($dropper->finish), '00000', 'and goes on after it');
for my $name (sort keys %calls)
{
	like(scalar($session->run($calls{$name})), qr/^(3F000|42883|42P01)$/, "$name: a clean error after the extension was dropped");
}
is($session->value('SELECT 1'), '1', 'the session goes on');

# The extension comes back, with a model of the same name that is another one.
$dropper->value('CREATE EXTENSION pg_mlops');
is(scalar($session->run($score)), '42704', 'the cached model does not exist in the new extension');
$dropper->value('UPDATE points SET y = y + 1000');
is($dropper->value($train), '1', 'a model of the same name and version is trained');
my $new = $node->safe_psql('in_LATIN1', $score);
is($new, $was + 500 * 1000, 'it predicts other values');
for my $name ('a statement', 'a prepared statement', 'a function')
{
	is($session->value($calls{$name}), $new, "$name: the session that had the old one cached scores with the new one");
}
$_->quit for ($session, $busy, $dropper);
is($node->safe_psql('in_UTF8', $score), $node->safe_psql('in_UTF8', q{SELECT floor(sum(ml.predict('m/2', p))) FROM points p}), 'other databases are not concerned');
is(ml_warnings($node), '', 'no warning was logged');

# The library preloaded, with settings of the file, of a role and of a database.
unlike($node->safe_psql('in_UTF8', $score), qr/^$/, 'without preloading a session loads the library by itself');
is(scalar(ml_sqlstate($node, 'in_UTF8', q{SHOW pg_mlops.train_memory})), '42704', 'and does not know its settings before');
for my $where ('shared_preload_libraries', 'session_preload_libraries')
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nsession_preload_libraries = ''\n$where = 'pg_mlops'\npg_mlops.train_memory = '77MB'\n");
	$node->restart;
	$node->safe_psql('postgres', q{ALTER ROLE ordinary SET pg_mlops.cache_memory = '1MB'; ALTER DATABASE in_sql SET pg_mlops.max_categories = 7} =~ s/in_sql/"in_SQL_ASCII"/r);
	is($node->safe_psql('in_UTF8', 'SHOW pg_mlops.train_memory'), '77MB', "$where: the settings are known from the start");
	is($node->safe_psql('in_SQL_ASCII', 'SHOW pg_mlops.max_categories; SHOW pg_mlops.cache_memory', extra_params => [ '-U', 'ordinary' ]), "7\n1MB", "$where: and can be set by role and database");
	is(scalar(ml_sqlstate($node, 'in_UTF8', q{SET pg_mlops.no_such = 1})), '42602', "$where: a setting that does not exist is refused");
	is($node->safe_psql('in_UTF8', "$score; SELECT version FROM ml.train('reference', 'points', 'y')"), $node->safe_psql('in_UTF8', $score) . "\n" . ($where =~ /shared/ ? 1 : 2), "$where: scoring and training work");
	is(scalar(ml_sqlstate($node, 'theirs', q{SELECT ml.predict('m', ARRAY[1.0])})), '3F000', "$where: a database without the extension has no schema ml");
	is($node->safe_psql('theirs', 'BEGIN; CREATE EXTENSION pg_mlops; SELECT count(*) > 1 FROM ml.learners; ROLLBACK'), 't', "$where: it can be created there");
}
$node->stop;
done_testing();
