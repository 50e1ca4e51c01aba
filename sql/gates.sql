-- Gates: rules that a version must pass before it enters a role.
CREATE DATABASE regress_ml_gates TEMPLATE template0;
\c regress_ml_gates
CREATE EXTENSION pg_mlops;
SET client_min_messages = warning;

CREATE TABLE loans AS
SELECT i AS id, (i * 7919 % 1000) / 10.0 AS income, (i * 104729 % 50)::int AS age,
	   (ARRAY['f', 'm'])[1 + (i * 31 % 97) % 2] AS gender,
	   ((i * 7919 % 1000) / 10.0 + (i * 15485863::bigint % 60) - 30 + 8 * ((i * 31 % 97) % 2) > 52) AS repaid
FROM generate_series(1, 2000) i;
ALTER TABLE loans ADD PRIMARY KEY (id);
CREATE TABLE later AS SELECT * FROM loans WHERE id % 3 = 0;

SELECT version, deployed FROM ml.train('loan', 'loans', target => 'repaid', algorithm => 'logistic_regression',
									   features => '{age,gender}');
SELECT version, deployed FROM ml.train('loan', 'loans', target => 'repaid', algorithm => 'logistic_regression',
									   deploy => 'never');

-- What a gate can judge by.
SELECT metric, tasks, larger_is_better FROM ml.gate_metrics ORDER BY metric COLLATE "C";

-- Definitions that cannot be judged.
SELECT ml.add_gate('loan', 'g', 'aucc', min => 0.5);
SELECT ml.add_gate('loan', 'g', 'rmse', max => 0.5);
SELECT ml.add_gate('loan', 'g', 'auc');
SELECT ml.add_gate('loan', 'g', 'auc', min => 'NaN');
SELECT ml.add_gate('loan', 'g', 'auc', min => 0.9, max => 0.5);
SELECT ml.add_gate('loan', 'g', 'auc', versus => 'champion');
SELECT ml.add_gate('loan', 'g', 'auc', min => 0.5, margin => 0.1);
SELECT ml.add_gate('loan', 'g', 'auc', min => 0.5, role => 'retired');
SELECT ml.add_gate('loan', 'g', 'auc', min => 0.5, min_rows => 0);
SELECT ml.add_gate('loan', '', 'auc', min => 0.5);
SELECT ml.add_gate('loan', NULL, 'auc', min => 0.5);
SELECT ml.add_gate('nothing', 'g', 'auc', min => 0.5);
SELECT ml.add_gate('loan', 'g', 'demographic_parity_difference', max => 0.1);
SELECT ml.add_gate('loan', 'g', 'invariance:gender', max => 0.1, slices => '{age}');
SELECT ml.add_gate('loan', 'g', 'invariance:', max => 0.1);
SELECT ml.add_gate('loan', 'g', 'invariance:gender', versus => 'production');
SELECT ml.add_gate('loan', 'g', 'latency_us', versus => 'trivial');
SELECT ml.drop_gate('loan', 'g');
SELECT count(*) FROM ml.gates;

-- Absolute limits, overall and by slice.
SELECT ml.add_gate('loan', 'auc', 'auc', min => 0.7, slices => '{gender}');
SELECT ml.add_gate('loan', 'auc', 'auc', min => 0.8);
SELECT gate, slice_key, slice_value, round(value::numeric, 3) AS value, limit_value, verdict, n FROM ml.run_gates('loan', 2);
SELECT gate, slice_key, slice_value, round(value::numeric, 3) AS value, limit_value, verdict, n FROM ml.run_gates('loan', 1);

-- A version that fails does not get in; one that passes does.
SELECT ml.undeploy('loan', 'production');
SELECT ml.deploy('loan', 1);
SELECT ml.deploy('loan', 1, force => true);
SELECT ml.deploy('loan', 2);
SELECT version, role FROM ml.deployments WHERE model = 'loan' AND ended_at IS NULL;
SELECT ml.deploy('loan', 1, force => true, reason => 'to see what happens');
SELECT kind, version, detail - 'from_version' AS detail FROM ml.events WHERE model = 'loan' AND kind IN ('force', 'deploy')
ORDER BY event_id DESC LIMIT 2;
SELECT ml.rollback('loan');
SELECT version, role FROM ml.deployments WHERE model = 'loan' AND ended_at IS NULL;

-- A comparison with production, on the same rows.
SELECT ml.drop_gate('loan', 'auc');
SELECT ml.add_gate('loan', 'no worse', 'auc', versus => 'production', margin => 0.01);
SELECT ml.add_gate('loan', 'no worse accuracy', 'accuracy', versus => 'production', margin => 0.02);
SELECT gate, verdict, regexp_replace(reason, '[0-9.]{6,}', '#', 'g') AS reason FROM ml.run_gates('loan', 1);
SELECT gate, verdict, n, regexp_replace(reason, '[0-9.]{6,}', '#', 'g') AS reason FROM ml.run_gates('loan', 2, 'later');
SELECT version FROM ml.train('loan', 'loans', target => 'repaid', algorithm => 'logistic_regression', deploy => 'never',
							 params => '{"l2": 0.001}');
SELECT gate, verdict FROM ml.run_gates('loan', 3);
SELECT gate, verdict, regexp_replace(reason, '-?[0-9.]{6,}(e-[0-9]+)?', '#', 'g') AS reason
FROM ml.run_gates('loan', 1, 'SELECT * FROM later WHERE id < 60');
SELECT ml.drop_gate('loan', 'no worse accuracy');

-- Against the trivial model, and against what training recorded.
SELECT ml.add_gate('loan', 'beats trivial', 'log_loss', versus => 'trivial', margin => -0.05);
SELECT ml.add_gate('loan', 'as trained', 'brier', versus => 'baseline');
SELECT gate, verdict FROM ml.run_gates('loan', 2) ORDER BY 1;
SELECT gate, verdict FROM ml.run_gates('loan', 1) ORDER BY 1;
SELECT gate, verdict FROM ml.run_gates('loan', 2, 'SELECT id, income, age, gender, NOT repaid AS repaid FROM later') ORDER BY 1;
SELECT ml.drop_gate('loan', 'beats trivial');
SELECT ml.drop_gate('loan', 'as trained');
SELECT ml.drop_gate('loan', 'no worse');

-- Too few rows decide nothing.
SELECT ml.add_gate('loan', 'enough', 'accuracy', min => 0.5, min_rows => 100000);
SELECT gate, value, limit_value, verdict, n, reason FROM ml.run_gates('loan', 2);
SELECT ml.deploy('loan', 3);
SELECT ml.drop_gate('loan', 'enough');
SELECT ml.add_gate('loan', 'undefined', 'auc', min => 0.5);
SELECT gate, value, verdict, n, reason FROM ml.run_gates('loan', 2, 'SELECT * FROM later WHERE repaid');
SELECT ml.drop_gate('loan', 'undefined');

-- Fairness between the groups of a column.
SELECT ml.add_gate('loan', 'parity', 'demographic_parity_difference', max => 0.02, slices => '{gender}');
SELECT ml.add_gate('loan', 'ratio', 'demographic_parity_ratio', min => 0.8, slices => '{gender}');
SELECT ml.add_gate('loan', 'odds', 'equalised_odds_difference', max => 0.5, slices => '{gender}');
SELECT ml.add_gate('loan', 'opportunity', 'equal_opportunity_difference', max => 0.5, slices => '{gender}');
SELECT gate, slice_key, slice_value, round(value::numeric, 4) AS value, limit_value, verdict, n FROM ml.run_gates('loan', 2, 'later') ORDER BY 1;
WITH p AS (SELECT gender, repaid, ml.predict('loan/2', l, NULL::boolean) AS yes FROM later l),
	 g AS (SELECT gender, avg(yes::int) AS selected, avg(yes::int) FILTER (WHERE repaid) AS tpr,
				  avg(yes::int) FILTER (WHERE NOT repaid) AS fpr FROM p GROUP BY gender)
SELECT round(max(selected) - min(selected), 4) AS parity, round(min(selected) / max(selected), 4) AS ratio,
	   round(greatest(max(tpr) - min(tpr), max(fpr) - min(fpr)), 4) AS odds, round(max(tpr) - min(tpr), 4) AS opportunity FROM g;
SELECT gate, verdict, reason FROM ml.run_gates('loan', 2, $$SELECT * FROM later WHERE gender = 'm'$$) ORDER BY 1;
SELECT ml.drop_gate('loan', g) FROM unnest('{parity,ratio,odds,opportunity}'::text[]) g;

-- How it behaves, how large and how fast it is.
SELECT ml.add_gate('loan', 'gender moves little', 'invariance:gender', max => 0.01);
SELECT ml.add_gate('loan', 'unused', 'invariance:id', max => 0);
SELECT ml.add_gate('loan', 'unknown', 'invariance:shoe_size', max => 0);
SELECT ml.add_gate('loan', 'income helps', 'increasing:income');
SELECT ml.add_gate('loan', 'income hurts', 'decreasing:income');
SELECT ml.add_gate('loan', 'text', 'increasing:gender');
SELECT ml.add_gate('loan', 'small', 'artifact_bytes', max => 100000);
SELECT ml.add_gate('loan', 'fast', 'latency_us', max => 1e6);
SELECT gate, round(value::numeric, 3) AS value, limit_value, verdict FROM ml.run_gates('loan', 2)
WHERE gate NOT IN ('fast', 'small') ORDER BY 1;
SELECT gate, value > 0 AS measured, verdict FROM ml.run_gates('loan', 2) WHERE gate IN ('fast', 'small') ORDER BY 1;
SELECT count(*) FROM ml.gate_results WHERE reason ~ 'is not a number';
SELECT ml.drop_gate('loan', g) FROM unnest('{gender moves little,unused,unknown,income helps,income hurts,text,small,fast}'::text[]) g;

-- A result expires with its gate, its source, the source's rows, and production.
SELECT ml.add_gate('loan', 'auc', 'auc', min => 0.7);
SELECT gate, verdict FROM ml.run_gates('loan', 3, 'later');
CREATE FUNCTION runs() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM ml.runs WHERE kind = 'gate'$$;
SELECT runs() AS before \gset
SELECT ml.deploy('loan', 3), ml.rollback('loan');
SELECT runs() - :before AS judged_again;
UPDATE later SET income = income + 0.001 WHERE id = 3;
SELECT ml.deploy('loan', 3), ml.rollback('loan');
SELECT runs() - :before AS judged_again;
SELECT ml.drop_gate('loan', 'auc'), ml.add_gate('loan', 'auc', 'auc', min => 0.71);
SELECT ml.deploy('loan', 3), ml.rollback('loan');
SELECT runs() - :before AS judged_again;
UPDATE later SET repaid = NOT repaid;
SELECT ml.deploy('loan', 3);
SELECT source, held_out, gates FROM ml.runs, jsonb_to_record(params) AS p (source text, held_out boolean, gates jsonb)
WHERE kind = 'gate' ORDER BY run_id DESC LIMIT 1;
SELECT name, slice_key, slice_value FROM ml.run_metrics WHERE run_id = (SELECT max(run_id) FROM ml.runs WHERE kind = 'gate');

-- Training deploys what passes.
SELECT version, deployed, notes FROM ml.train('loan', 'loans', target => 'repaid', algorithm => 'logistic_regression',
									   features => '{age,gender}', deploy => 'if_gates_pass');
SELECT version, deployed FROM ml.train('loan', 'loans', target => 'repaid', algorithm => 'logistic_regression',
									   deploy => 'if_gates_pass', seed => 5);
SELECT version, deployed, notes FROM ml.train('loan', 'loans', target => 'repaid', algorithm => 'logistic_regression',
									   deploy => 'always', snapshot => 'none');

-- Numbers and many classes.
SELECT version FROM ml.train('income', 'loans', target => 'income', algorithm => 'linear_regression', exclude => '{id}');
SELECT ml.add_gate('income', 'rmse', 'rmse', max => 100);
SELECT ml.add_gate('income', 'trivial', 'rmse', versus => 'trivial');
SELECT ml.add_gate('income', 'r2', 'r2', min => 0.99);
SELECT gate, verdict FROM ml.run_gates('income', 1) ORDER BY 1;
CREATE TABLE kinds AS SELECT id, income, age, gender, CASE WHEN income < 30 THEN 'low' WHEN income < 70 THEN 'mid' ELSE 'high' END AS kind FROM loans;
SELECT version FROM ml.train('kind', 'kinds', target => 'kind', algorithm => 'logistic_regression', exclude => '{id}');
SELECT ml.add_gate('kind', 'accuracy', 'accuracy', min => 0.5, slices => '{gender}');
SELECT ml.add_gate('kind', 'trivial', 'log_loss', versus => 'trivial');
SELECT ml.add_gate('kind', 'auc', 'auc', min => 0.5);
SELECT ml.add_gate('kind', 'gender', 'invariance:gender', max => 0.5);
SELECT gate, slice_value, verdict FROM ml.run_gates('kind', 1) ORDER BY 1, 2;

-- Rights: the owner sets gates, whoever deploys runs them, and the source of a training is read as who trained.
CREATE ROLE regress_gate_trainer;
CREATE ROLE regress_gate_deployer;
GRANT CREATE ON SCHEMA public TO regress_gate_trainer;
CREATE SCHEMA private AUTHORIZATION regress_gate_trainer;
SET ROLE regress_gate_trainer;
SET search_path = private;
CREATE TABLE mine AS SELECT i AS x, i % 7 AS z, i * 2.0 + i % 5 AS y FROM generate_series(1, 300) i;
SELECT version FROM ml.train('own', 'mine', target => 'y', algorithm => 'linear_regression', deploy => 'never');
SELECT ml.add_gate('own', 'rmse', 'rmse', max => 100);
SELECT ml.grant('own', 'deploy', 'regress_gate_deployer');
SET ROLE regress_gate_deployer;
SELECT ml.add_gate('own', 'other', 'rmse', max => 1);
SELECT ml.drop_gate('own', 'rmse');
SELECT count(*) FROM mine;
RESET search_path;
SELECT gate, verdict FROM ml.run_gates('own', 1);
SELECT gate, verdict FROM ml.run_gates('own', 1, 'private.mine');
SELECT ml.deploy('own', 1);
SELECT * FROM ml.run_gates('loan', 1);
SET ROLE regress_gate_trainer;
SELECT actor, source IS NULL AS held_out, verdict FROM ml.gate_results WHERE model = 'own';
RESET ROLE;

-- Dropping takes them along.
SELECT ml.drop_version('loan', 4);
SELECT count(*) FROM ml.gate_results WHERE model = 'loan' AND version = 4;
SELECT ml.undeploy('loan', 'production'), ml.drop_model('loan');
SELECT count(*) FROM ml.gates WHERE model = 'loan';

\c contrib_regression
DROP DATABASE regress_ml_gates;
DROP ROLE regress_gate_trainer, regress_gate_deployer;
