# pgvector's types as features: vector and halfvec are read through their casts, and scored in every form.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $config = $ENV{PG_CONFIG} // 'pg_config';
chomp(my $dir = `$config --pkglibdir`);
plan skip_all => 'needs pgvector in the installation' if !-e "$dir/vector.so";

my $node = ml_cluster('main');

$node->safe_psql('postgres', q{
	CREATE SCHEMA "Of vectors";
	CREATE EXTENSION vector SCHEMA "Of vectors";
	SET search_path = public, "Of vectors";
	CREATE TABLE items AS SELECT i AS id, ARRAY[i % 5, i % 7 / 8.0, sqrt(i)]::real[] AS plain, ARRAY[i % 5, i % 7 / 8.0, sqrt(i)]::real[]::vector(3) AS v,
		i % 3 * 1.5 + i % 7 AS y FROM generate_series(1, 300) AS i;
});
my $halves = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_type WHERE typname = 'halfvec'});
$node->safe_psql('postgres', q{SET search_path = public, "Of vectors"; ALTER TABLE items ADD h } . ($halves ? 'halfvec(3)' : 'vector(3)')
	  . q{; UPDATE items SET h = v::text::} . ($halves ? 'halfvec' : 'vector'));
$node->safe_psql('postgres', q{
	SELECT version FROM ml.train('plain', 'SELECT plain AS v, y FROM items', 'y', 'linear_regression', split => '{"method": "none"}');
	SELECT version FROM ml.train('v', 'SELECT v, y FROM items', 'y', 'linear_regression', split => '{"method": "none"}');
	SELECT version FROM ml.train('both', 'SELECT v, h, y FROM items', 'y', 'gradient_boosting', split => '{"method": "none"}', pipeline => '[]')});
is($node->safe_psql('postgres', q{SELECT signature -> 'inputs' -> 0 ->> 'type', signature -> 'inputs' -> 0 ->> 'length' FROM ml.versions WHERE model = 'v'}),
	'"Of vectors".vector|3', 'a vector is an input of its length');
is($node->safe_psql('postgres', q{SELECT count(*) FROM ml.coefficients('plain') p JOIN ml.coefficients('v') v USING (term, estimate)}), '4',
	'and the same to the learner as real[]');
is($node->safe_psql('postgres', q{SELECT count(*), bool_and(ml.predict('v', i) = ml.predict('v', to_jsonb(i))), bool_and(ml.predict('v', i) = ml.predict('v', ROW(v))),
	bool_and(ml.predict('v', i) = ml.predict('plain', i)), bool_and(ml.predict('v', i) = ml.predict('v', plain)) FROM items i}), '300|t|t|t|t',
	'scored alike as a column, as the string in jsonb, by position and as real[]');
is($node->safe_psql('postgres', q{SELECT count(*), bool_and(ml.predict('both', i) = ml.predict('both', to_jsonb(i))),
	bool_and(ml.predict('both', i) = ml.predict('both', jsonb_build_object('v', plain, 'h', (h::text)::jsonb))) FROM items i}), '300|t|t', 'and so is halfvec');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT ml.predict('v', jsonb_build_object('v', s))) FROM unnest(ARRAY['[1,2,3]', ' [ 1, 2 , 3 ]']) s}), '1',
	'spaces mean nothing');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.predict('v', '{"v": "[1,2]"}'::jsonb)}), '2202E', 'a vector of another length is an error');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.predict('v', '{"v": "1,2,3"}'::jsonb)}), '42804', 'and so is what is no vector');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.predict('v', x) FROM (SELECT '[1,2]'::"Of vectors".vector AS v) x}), '2202E', 'in a column too');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.train('bad', 'SELECT ''[1]''::"Of vectors".vector AS v, 1 AS y UNION ALL SELECT ''[1,2]'', 2', 'y')}), '2202E',
	'vectors of different lengths cannot be learned from');

# a type that is only called vector is none
$node->safe_psql('postgres', q{CREATE DOMAIN public.embedding AS "Of vectors".vector; CREATE TYPE public.vector AS (x int)});
is($node->safe_psql('postgres', q{SELECT (ml.train('domain', 'SELECT v::public.embedding AS v, y FROM items', 'y', 'linear_regression', split => '{"method": "none"}')).features}), '1',
	'a domain over vector is one');
is(ml_sqlstate($node, 'postgres', q{SELECT ml.train('other', 'SELECT ROW(1)::public.vector AS v, y FROM items', 'y', 'linear_regression', features => '{v}')}), '42804',
	'another type of the name is not');
$node->stop;

done_testing();
