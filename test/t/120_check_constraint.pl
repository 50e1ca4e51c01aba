# CHECK constraints with ml.is_valid: what a dump restores, and changes of a suite in another session. Policies
# for invalid rows come through a dump as well.
use strict;
use warnings;
use Test::More;
use MlTest;

my $node = ml_cluster('constraint');
my $dump = $node->basedir . '/dump';

# Schema app sorts before schema ml, so the rows of its tables are restored before the suites.
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE EXTENSION pg_mlops;
	CREATE SCHEMA app;
	SELECT ml.add_check('people', 'range', '{age}', '{"max": 120}');
	CREATE TABLE app.people (name text, age int);
	INSERT INTO app.people VALUES ('a', 1), ('b', 2);
	SELECT version FROM ml.train('age', 'SELECT g AS x, 2.0 * g AS age FROM generate_series(1, 100) g', 'age', 'linear_regression', deploy => 'first');
	SELECT ml.add_check('age', 'range', '{x}', '{"max": 50}'), ml.set_invalid_policy('age', 'null');
});

# Restores into a new database: what psql returned and wrote.
sub restore
{
	my ($stdout, $stderr);

	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS target');
	$node->safe_psql('postgres', 'CREATE DATABASE target');
	IPC::Run::run(['psql', '--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1', '--file', $dump, $node->connstr('target')], '>', \$stdout, '2>', \$stderr);
	return ($? >> 8, $stderr);
}

$node->safe_psql('source', q{ALTER TABLE app.people ADD CONSTRAINT valid CHECK (ml.is_valid('people', people))});
$node->command_ok(['pg_dump', '--file', $dump, $node->connstr('source')], 'a table with a valid constraint is dumped');
my ($ret, $err) = restore();
isnt($ret, 0, 'and not restored: the constraint comes with the table, and its suite after the rows');
like($err, qr/there is no suite "people"/, 'for want of the suite');

$node->safe_psql('source', q{ALTER TABLE app.people DROP CONSTRAINT valid, ADD CONSTRAINT valid CHECK (ml.is_valid('people', people)) NOT VALID});
for my $options ([], ['--inserts'], ['--format=custom'])
{
	my $name = join(' ', 'pg_dump', @$options);

	$node->command_ok(['pg_dump', @$options, '--file', $dump, $node->connstr('source')], "$name: a table with a constraint NOT VALID");
	if (@$options && $options->[0] eq '--format=custom')
	{
		$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS target');
		$node->safe_psql('postgres', 'CREATE DATABASE target');
		$node->command_ok(['pg_restore', '--exit-on-error', '--single-transaction', '--dbname', $node->connstr('target'), $dump], "$name: is restored");
	}
	else
	{
		($ret, $err) = restore();
		is("$ret$err", '0', "$name: is restored");
	}
	is($node->safe_psql('target', 'SELECT count(*) FROM app.people'), '2', "$name: with its rows");
	(undef, undef, $err) = $node->psql('target', q{INSERT INTO app.people VALUES ('c', 121)});
	like($err, qr/new row for relation "people" violates check constraint "valid"\nDETAIL:  age_range: age is 121, above 120\./, "$name: new rows are checked");
	is($node->safe_psql('target', q{SELECT invalid_policy FROM ml.models}), 'null', "$name: the policy of the model is the same");
	is($node->safe_psql('target', q{SELECT ml.predict('age', '{"x": 51}'::jsonb) IS NULL, ml.predict('age', '{"x": 50}'::jsonb) IS NULL}), 't|f', "$name: and holds");
}

# A suite changes while another session goes on with the same prepared statement, and in its transaction.
my $session = ml_session($node, 'source');
$session->value(q{PREPARE add(text, int) AS INSERT INTO app.people VALUES ($1, $2)});
$session->value(q{EXECUTE add('c', 100)});
$session->value('BEGIN');
$session->value(q{EXECUTE add('d', 101)});

$node->safe_psql('source', q{SELECT ml.drop_check('people', 'age_range'), ml.add_check('people', 'range', '{age}', '{"max": 60}')});
is(scalar($session->run(q{EXECUTE add('e', 102)})), '23514', 'the next statement of an open transaction sees the change');
$session->value('ROLLBACK');
$session->value(q{EXECUTE add('f', 50)});
is(scalar($session->run(q{EXECUTE add('g', 61)})), '23514', 'so do those after it');
is($node->safe_psql('source', q{SELECT string_agg(name, '' ORDER BY name) FROM app.people}), 'abcf', 'and rows that pass are written');

# A policy that another session sets reaches plans that leave out columns.
$node->safe_psql('source', q{
	CREATE TABLE inputs AS SELECT g AS x, CASE WHEN g > 1 THEN '{}'::jsonb END AS doc FROM generate_series(1, 10) g;
	SELECT ml.set_invalid_policy('age', NULL), ml.add_check('age', 'not_null', '{doc}');
});
$session->value(q{SET plan_cache_mode = force_generic_plan});
$session->value(q{PREPARE scored AS SELECT count(ml.predict('age', i)) FROM inputs i});
is($session->value('EXECUTE scored'), '10', 'without a policy every row is scored');
$node->safe_psql('source', q{SELECT ml.set_invalid_policy('age', 'null')});
is($session->value('EXECUTE scored'), '9', 'with one that another session set, those that pass');
$session->quit;

$node->stop;
done_testing();
