--
-- Drift statistics of two profiles
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET extra_float_digits = 0;
CREATE SCHEMA drift_test;
SET search_path = drift_test, pg_catalog;

-- what there is
SELECT name, summary, needs_order, needs_moments, floor FROM ml.drift_methods;
SELECT proname, provolatile, proparallel, obj_description(oid, 'pg_proc') IS NOT NULL AS described
FROM pg_proc WHERE pronamespace = 'ml'::regnamespace AND proname IN ('drift_statistic', 'list_drift_methods') ORDER BY 1;

-- every method on the same profiles: three ordered bins, a bin of NULLs
CREATE FUNCTION all_methods(reference bigint[], "current" bigint[], a float8[], b float8[],
							edges float8[] DEFAULT '{1,2}', low float8 DEFAULT 0, high float8 DEFAULT 3, floor float8 DEFAULT NULL)
RETURNS TABLE (method text, statistic numeric, p_value numeric, limit_value numeric, drift boolean)
BEGIN ATOMIC
	SELECT m.name, CASE WHEN d.statistic < 'inf' THEN round(d.statistic::numeric, 6) ELSE d.statistic::numeric END,
		   round(d.p_value::numeric, 6), round(d.limit_value::numeric, 6), d.drift
	FROM ml.drift_methods m,
		 ml.drift_statistic(m.name, $1, $2, $5, 0.01, $6, $7, $3, $4, cardinality($1), $8) d;
END;

\echo # the same shares
SELECT * FROM all_methods('{100,200,100,0}', '{50,100,50,0}', '{1.5,0.5,400}', '{1.5,0.5,200}');
\echo # a shift
SELECT * FROM all_methods('{100,200,100,0}', '{20,90,90,0}', '{1.5,0.5,400}', '{1.85,0.43,200}');
\echo # a shift without floors
SELECT * FROM all_methods('{1000,2000,1000,10}', '{940,2000,1060,10}', '{1.5,0.5,4000}', '{1.53,0.5,4000}', floor => 0);
\echo # the same with them: real, and too small to matter
SELECT * FROM all_methods('{1000,2000,1000,10}', '{940,2000,1060,10}', '{1.5,0.5,4000}', '{1.53,0.5,4000}');
\echo # nothing in common
SELECT * FROM all_methods('{100,0,0,0}', '{0,0,100,0}', '{0.5,0.1,100}', '{2.5,0.1,100}');

--
-- Sides that are hardly there
--
\echo # an empty side
SELECT * FROM all_methods('{100,200,100,0}', '{0,0,0,0}', '{1.5,0.5,400}', '{0,0,0}') WHERE statistic IS NOT NULL OR drift IS NOT NULL;
SELECT count(*) FROM all_methods('{0,0,0,0}', '{0,0,0,0}', '{0,0,0}', '{0,0,0}') WHERE statistic IS NOT NULL OR drift IS NOT NULL;
\echo # both constant and the same
SELECT * FROM all_methods('{0,100,0,0}', '{0,50,0,0}', '{1.5,0,100}', '{1.5,0,50}');
\echo # both constant and different
SELECT * FROM all_methods('{100,0,0,0}', '{0,0,50,0}', '{0.5,0,100}', '{2.5,0,50}');
\echo # a constant reference
SELECT * FROM all_methods('{0,100,0,0}', '{10,80,10,0}', '{1.5,0,100}', '{1.5,0.2,100}');
\echo # a side that is all NULL
SELECT * FROM all_methods('{100,200,100,0}', '{0,0,0,300}', '{1.5,0.5,400}', '{0,0,0}');
\echo # both sides all NULL
SELECT * FROM all_methods('{0,0,0,100}', '{0,0,0,300}', '{0,0,0}', '{0,0,0}');
\echo # one row a side
SELECT * FROM all_methods('{1,0,0,0}', '{0,0,1,0}', '{0.5,0,1}', '{2.5,0,1}');
\echo # one bin
SELECT m.name, d.* FROM ml.drift_methods m,
	ml.drift_statistic(m.name, '{10}', '{20}', CASE WHEN m.needs_order THEN '{}'::float8[] END,
		reference_moments => '{1,1,10}', current_moments => '{1,1,20}') d
WHERE m.name NOT IN ('null_share', 'welch_t');

-- bins that one side has never seen: one row is chance but to those that divide by what is expected, many are to none
SELECT m.name, round(a.statistic::numeric, 4) AS few, a.drift, round(b.statistic::numeric, 4) AS many, b.drift
FROM ml.drift_methods m,
	 ml.drift_statistic(m.name, '{12000,8000,0}', '{241,158,1}') a,
	 ml.drift_statistic(m.name, '{12000,8000,0}', '{180,120,100}') b
WHERE NOT m.needs_order AND NOT m.needs_moments AND m.name <> 'null_share';
-- bins that are empty on both sides do not count
SELECT m.name FROM ml.drift_methods m,
	 ml.drift_statistic(m.name, '{120,80,5}', '{70,90,1}') a,
	 ml.drift_statistic(m.name, '{120,0,80,0,5}', '{70,0,90,0,1}') b
WHERE NOT m.needs_order AND NOT m.needs_moments AND m.name <> 'null_share' AND a IS DISTINCT FROM b;

-- huge counts
SELECT * FROM all_methods('{2000000000000000000,4000000000000000000,2000000000000000000,0}',
						  '{2000000000000000000,4000000000000000000,2000000001000000000,5}',
						  '{1.5,0.5,8e18}', '{1.5,0.5,8e18}');
SELECT * FROM all_methods('{2000000000000000000,4000000000000000000,2000000000000000000,0}', '{20,40,20,0}',
						  '{1.5,0.5,8e18}', '{1.5,0.5,80}');

-- a cyclic axis: Kuiper's V does not ask where it begins, Smirnov's D does
SELECT m, count(DISTINCT round(d.statistic::numeric, 9)) AS values
FROM unnest('{kuiper,kolmogorov_smirnov}'::text[]) m,
	 (VALUES ('{50,30,20,10}'::bigint[], '{30,20,40,20}'::bigint[]), ('{10,50,30,20}', '{20,30,20,40}'),
			 ('{20,10,50,30}', '{40,20,30,20}')) v(p, q),
	 ml.drift_statistic(m, p, q, '{6,12,18}') d
GROUP BY 1 ORDER BY 1;

-- the order of the sides matters to these only
SELECT m.name FROM ml.drift_methods m,
	 ml.drift_statistic(m.name, '{120,80,60,5}', '{70,90,10,1}', '{1,2}', 0.01, 0, 3, '{1,1,260}', '{2,2,170}', 4) a,
	 ml.drift_statistic(m.name, '{70,90,10,1}', '{120,80,60,5}', '{1,2}', 0.01, 0, 3, '{2,2,170}', '{1,1,260}', 4) b
WHERE m.name <> 'z_share' AND abs(a.statistic - b.statistic) > 1e-12 * a.statistic;
-- a smaller alpha asks for more
SELECT m.name FROM ml.drift_methods m,
	 ml.drift_statistic(m.name, '{120,80,60,5}', '{70,90,10,1}', '{1,2}', 0.01, 0, 3, '{1,1,260}', '{2,2,170}', 4, 0) a,
	 ml.drift_statistic(m.name, '{120,80,60,5}', '{70,90,10,1}', '{1,2}', 0.001, 0, 3, '{1,1,260}', '{2,2,170}', 4, 0) b
WHERE m.name <> 'z_share' AND NOT b.limit_value > a.limit_value;
-- drift is what exceeds the limit
SELECT count(*) FROM ml.drift_methods m, generate_series(0, 60, 3) n,
	 ml.drift_statistic(m.name, '{100,100,0}', ARRAY[100 + n, 100 - n, 0], '{1}', 0.01, 0, 3, '{1,1,200}',
		ARRAY[1 + n / 100.0, 1, 200], 3, 0) d
WHERE d.drift <> (d.statistic > d.limit_value) OR d.drift <> (d.p_value < 0.01) OR d.drift IS NULL;
-- outer bins whose ends are not known lie at their edges
SELECT round(statistic::numeric, 6) FROM ml.drift_statistic('wasserstein', '{10,0,0}', '{0,0,10}', '{1,2}',
	reference_moments => '{0,4,10}', current_moments => '{3,4,10}');

--
-- What is refused
--
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT ml.drift_statistic('psy', '{1}', '{1}');
SELECT ml.drift_statistic('nothing like it', '{1}', '{1}');
SELECT ml.drift_statistic(NULL, '{1}', '{1}');
SELECT ml.drift_statistic('psi', NULL, '{1}');
SELECT ml.drift_statistic('psi', '{}', '{}');
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2,3}');
SELECT ml.drift_statistic('psi', '{1,2}', '{1,-2}');
SELECT ml.drift_statistic('psi', '{1,2}', '{1,NULL}');
SELECT ml.drift_statistic('psi', '{{1,2}}', '{1,2}');
SELECT ml.drift_statistic('psi', '{9223372036854775807,1}', '{1,2}');
SELECT ml.drift_statistic('kuiper', '{1,2}', '{1,2}');
SELECT ml.drift_statistic('kuiper', '{1,2}', '{1,2}', '{1,2}');
SELECT ml.drift_statistic('kuiper', '{1,2,3}', '{1,2,3}', '{1,1}');
SELECT ml.drift_statistic('kuiper', '{1,2,3}', '{1,2,3}', '{1,NaN}');
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', alpha => 0);
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', alpha => NULL);
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', alpha => 'NaN');
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', floor => -0.1);
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', low => '-Infinity');
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', low => 2, high => 1);
SELECT ml.drift_statistic('psi', '{1,2}', '{1,2}', '{1}', low => 2, high => 3);
SELECT ml.drift_statistic('welch_t', '{1,2}', '{1,2}');
SELECT ml.drift_statistic('welch_t', '{1,2}', '{1,2}', reference_moments => '{1,2}');
SELECT ml.drift_statistic('welch_t', '{1,2}', '{1,2}', reference_moments => '{1,1,4}');
SELECT ml.drift_statistic('welch_t', '{1,2}', '{1,2}', reference_moments => '{1,-1,2}');
SELECT ml.drift_statistic('welch_t', '{1,2}', '{1,2}', reference_moments => '{NaN,1,2}');
SELECT ml.drift_statistic('null_share', '{1,2}', '{1,2}');
SELECT ml.drift_statistic('null_share', '{1,2}', '{1,2}', '{1}', null_bin => 2);
SELECT ml.drift_statistic('null_share', '{1,2}', '{1,2}', null_bin => 3);
\set VERBOSITY default

DROP SCHEMA drift_test CASCADE;
