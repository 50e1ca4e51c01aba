-- Events: the chain of hashes of each model, what a check of it finds, and its anchor.
CREATE ROLE regress_ml_reader;
CREATE ROLE regress_ml_auditor IN ROLE pg_read_all_data;
CREATE DATABASE regress_ml_events TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_events
SET client_min_messages = 'warning';
CREATE EXTENSION pg_mlops;
SELECT * FROM ml.verify_events();
SELECT ml.event_anchor() = encode(sha256(''), 'hex') AS nothing;

-- Two models that take turns, one with letters beyond ASCII.
CREATE TABLE regress_rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 10) i;
SELECT version FROM ml.train(E'\u00e9t\u00e9 ''26', 'regress_rows', 'y', 'linear_regression');
SELECT version FROM ml.train('churn', 'regress_rows', 'y', 'linear_regression');
SELECT version FROM ml.train('churn', 'regress_rows', 'y', 'linear_regression');
SELECT ml.describe(E'\u00e9t\u00e9 ''26', E'\u20ac "quoted" \\ back');
SELECT ml.set_alias('churn', 'champion', 2);
SELECT ml.tag('churn', E'\u00fc', '{"b": [1.50, null, true], "a": {"x": "\u00e9"}}');
SELECT ml.deploy('churn', 2, reason => 'better');
BEGIN;
SELECT ml.describe('churn', 'never');
SAVEPOINT a;
SELECT ml.describe('churn', 'never');
ROLLBACK TO a;
SELECT ml.describe('churn', 'never');
ROLLBACK;
SELECT ml.rollback('churn');
SELECT event_id, kind, model, version FROM ml.events ORDER BY event_id;
SELECT model, events, event_id FROM ml.event_heads ORDER BY model;
SELECT * FROM ml.verify_events();

-- Anybody can compute the hashes, from the rows alone.
CREATE VIEW regress_chain AS
	SELECT e.*, sha256(decode(lag(e.hash, 1, repeat('0', 64)) OVER (PARTITION BY e.model ORDER BY e.event_id), 'hex')
			|| int4send(8) || int8send(e.event_id)
			|| int4send(8) || timestamptz_send(e.at)
			|| int4send(octet_length(convert_to(e.actor, 'UTF8'))) || convert_to(e.actor, 'UTF8')
			|| int4send(octet_length(convert_to(e.kind, 'UTF8'))) || convert_to(e.kind, 'UTF8')
			|| coalesce(int4send(octet_length(convert_to(e.model, 'UTF8'))) || convert_to(e.model, 'UTF8'), int4send(-1))
			|| coalesce(int4send(4) || int4send(e.version), int4send(-1))
			|| int4send(octet_length(convert_to(e.detail::text, 'UTF8'))) || convert_to(e.detail::text, 'UTF8')) AS computed
	FROM ml.events e;
SELECT model, count(*), bool_and(hash = encode(computed, 'hex')) AS equal, count(DISTINCT hash) FROM regress_chain GROUP BY 1 ORDER BY 1;
SELECT h.model, h.hash = (SELECT hash FROM ml.events e WHERE e.model = h.model ORDER BY e.event_id DESC LIMIT 1) AS end_of_chain
FROM ml.event_heads h ORDER BY h.model;
CREATE VIEW regress_anchor AS
	SELECT encode(sha256(string_agg(int4send(octet_length(convert_to(model, 'UTF8'))) || convert_to(model, 'UTF8')
		|| int8send(events) || int8send(event_id) || decode(hash, 'hex'), '' ORDER BY model COLLATE "C")), 'hex') AS anchor
	FROM ml.event_heads;
SELECT ml.event_anchor() = anchor AS equal FROM regress_anchor;

-- No plain statement changes anything.
\set VERBOSITY terse
UPDATE ml.events SET detail = '{}' WHERE event_id = 3;
DELETE FROM ml.events WHERE event_id = 3;
UPDATE ml.event_heads SET events = 1;
DELETE FROM ml.event_heads;
TRUNCATE ml.event_heads;
INSERT INTO ml.events (kind, model, hash) VALUES ('deploy', 'churn', 'ff');
INSERT INTO ml.event_heads VALUES ('new', 1, 1, repeat('g', 64));
\set VERBOSITY default

-- What a superuser who turns the triggers off changes shows. Each change is undone.
CREATE FUNCTION tampered(change text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	SET LOCAL session_replication_role = replica;
	EXECUTE change;
	SELECT string_agg(concat_ws(' ', event_id, problem), E'\n' ORDER BY event_id, problem) INTO found FROM ml.verify_events();
	RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = coalesce(found, 'nothing found');
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN QUERY SELECT string_to_table(SQLERRM, E'\n');
END
$$;
\pset format unaligned
\pset tuples_only on
-- Every column of a row in the middle, of the first and of the last row.
SELECT tampered($$UPDATE ml.events SET at = at + interval '1 microsecond' WHERE event_id = 3$$);
SELECT tampered($$UPDATE ml.events SET actor = 'somebody' WHERE event_id = 3$$);
SELECT tampered($$UPDATE ml.events SET kind = 'deplox' WHERE event_id = 4$$);
SELECT tampered($$UPDATE ml.events SET version = 1 WHERE event_id = 7$$);
SELECT tampered($$UPDATE ml.events SET version = NULL WHERE event_id = 7$$);
SELECT tampered($$UPDATE ml.events SET version = 0 WHERE event_id = 6$$);
SELECT tampered($$UPDATE ml.events SET detail = detail || '{"alias": "champiom"}' WHERE event_id = 7$$);
SELECT tampered($$UPDATE ml.events SET detail = detail - 'reason' WHERE event_id = 9$$);
SELECT tampered($$UPDATE ml.events SET hash = repeat('0', 64) WHERE event_id = 7$$);
SELECT tampered($$UPDATE ml.events SET hash = repeat('0', 64) WHERE event_id = 3$$);
SELECT tampered($$UPDATE ml.events SET detail = '{}' WHERE event_id = 1$$);
SELECT tampered($$UPDATE ml.events SET detail = '{}' WHERE model = 'churn' AND event_id = (SELECT max(event_id) FROM ml.events)$$);
SELECT tampered($$UPDATE ml.events SET model = 'other' WHERE event_id = 7$$);
SELECT tampered($$UPDATE ml.events SET model = NULL WHERE event_id = 7$$);
SELECT tampered($$UPDATE ml.events SET model = (SELECT min(model) FROM ml.models) WHERE model <> 'churn'$$);
SELECT tampered($$ALTER TABLE ml.events ALTER event_id SET GENERATED BY DEFAULT; UPDATE ml.events SET event_id = 1000 WHERE event_id = 7$$);
-- Rows that are gone, moved or added.
SELECT tampered($$DELETE FROM ml.events WHERE event_id = 7$$);
SELECT tampered($$DELETE FROM ml.events WHERE event_id IN (7, 8)$$);
SELECT tampered($$DELETE FROM ml.events WHERE event_id = 3$$);
SELECT tampered($$DELETE FROM ml.events WHERE model = 'churn' AND event_id > 8$$);
SELECT tampered($$DELETE FROM ml.events WHERE event_id IN (7, (SELECT max(event_id) FROM ml.events))$$);
SELECT tampered($$DELETE FROM ml.events WHERE model = 'churn'$$);
SELECT tampered($$DELETE FROM ml.events; DELETE FROM ml.event_heads$$);
SELECT tampered($$DELETE FROM ml.event_heads WHERE model = 'churn'; DELETE FROM ml.events WHERE model = 'churn'$$);
SELECT tampered($$ALTER TABLE ml.events ALTER event_id SET GENERATED BY DEFAULT; UPDATE ml.events SET event_id = CASE event_id WHEN 7 THEN -8 ELSE -7 END WHERE event_id IN (7, 8); UPDATE ml.events SET event_id = -event_id WHERE event_id < 0$$);
SELECT tampered($$INSERT INTO ml.events (event_id, kind, model, hash) OVERRIDING SYSTEM VALUE SELECT -5, 'deploy', model, hash FROM ml.events WHERE event_id = 3$$);
SELECT tampered($$INSERT INTO ml.events (kind, model, hash) SELECT 'deploy', model, hash FROM ml.event_heads WHERE model = 'churn'$$);
SELECT tampered($$INSERT INTO ml.events (kind, model, hash) VALUES ('deploy', 'nowhere', repeat('a', 64)), ('deploy', 'nowhere', repeat('a', 64)), ('deploy', NULL, repeat('a', 64))$$);
-- A row that is added at the end with the right hash is behind the head.
SELECT tampered($$INSERT INTO ml.events (event_id, kind, model, hash) OVERRIDING SYSTEM VALUE VALUES (999, 'deploy', 'churn', repeat('0', 64));
	UPDATE ml.events e SET hash = encode(c.computed, 'hex') FROM regress_chain c WHERE c.event_id = 999 AND e.event_id = 999$$);
-- The heads themselves.
SELECT tampered($$UPDATE ml.event_heads SET events = events - 1 WHERE model = 'churn'$$);
SELECT tampered($$UPDATE ml.event_heads SET event_id = event_id - 1 WHERE model = 'churn'$$);
SELECT tampered($$UPDATE ml.event_heads SET event_id = event_id + 1 WHERE model = 'churn'$$);
SELECT tampered($$UPDATE ml.event_heads SET hash = repeat('0', 64) WHERE model = 'churn'$$);
SELECT tampered($$DELETE FROM ml.event_heads WHERE model = 'churn'$$);
SELECT tampered($$ALTER TABLE ml.events DROP CONSTRAINT events_hash_check; UPDATE ml.events SET hash = 'zz' WHERE event_id = 7$$);
SELECT tampered($$INSERT INTO ml.models (model, task) VALUES ('by hand', 'regression')$$);
SELECT tampered('SELECT 1');
-- What was tampered with and left so: later events go on, and the fault stays where it is.
SELECT tampered($$UPDATE ml.events SET actor = 'somebody' WHERE event_id = 4; SET LOCAL session_replication_role = origin;
	SELECT ml.describe('churn', 'later')$$);
-- Who can recompute every later hash and the head leaves no trace in them; an anchor kept elsewhere shows it.
SELECT tampered($$UPDATE ml.events SET actor = 'somebody' WHERE event_id = (SELECT max(event_id) FROM ml.events);
	UPDATE ml.events e SET hash = encode(c.computed, 'hex') FROM regress_chain c WHERE c.event_id = e.event_id AND c.actor = 'somebody';
	UPDATE ml.event_heads h SET hash = e.hash FROM ml.events e WHERE e.event_id = h.event_id$$);
\pset tuples_only off
\pset format aligned
SELECT ml.event_anchor() AS anchor \gset
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE ml.events SET actor = 'somebody' WHERE event_id = (SELECT max(event_id) FROM ml.events);
UPDATE ml.events e SET hash = encode(c.computed, 'hex') FROM regress_chain c WHERE c.event_id = e.event_id AND c.actor = 'somebody';
UPDATE ml.event_heads h SET hash = e.hash FROM ml.events e WHERE e.event_id = h.event_id;
SELECT ml.event_anchor() = :'anchor' AS same;
ROLLBACK;
SELECT ml.event_anchor() = :'anchor' AS same;

-- Who sees what: readers the chains of their models, auditors all, those of dropped models too.
SELECT ml.undeploy('churn', 'production');
SELECT ml.drop_alias('churn', 'champion');
SELECT ml.drop_model('churn');
SELECT model, events FROM ml.event_heads ORDER BY 1;
ALTER TABLE ml.events DISABLE TRIGGER ALL;
UPDATE ml.events SET actor = 'somebody' WHERE event_id IN (1, 7);
ALTER TABLE ml.events ENABLE TRIGGER ALL;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
SET ROLE regress_ml_auditor;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
SELECT length(ml.event_anchor());
SELECT count(*) FROM ml.event_heads;
SET ROLE regress_ml_reader;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
SELECT ml.event_anchor();
SELECT count(*) FROM ml.event_heads;
RESET ROLE;
SELECT ml.grant(E'\u00e9t\u00e9 ''26', 'use', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
RESET ROLE;
SELECT ml.grant(E'\u00e9t\u00e9 ''26', 'read', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
RESET ROLE;
-- A model of a dropped one's name goes on with its chain.
SELECT version FROM ml.train('churn', 'regress_rows', 'y', 'linear_regression');
SELECT model, events FROM ml.event_heads ORDER BY 1;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
BEGIN READ ONLY;
SELECT event_id FROM ml.verify_events() ORDER BY 1;
ROLLBACK;
-- A sequence that was set back.
SELECT setval('ml.events_event_id_seq', 1);
SELECT ml.describe('churn', 'again');

\c contrib_regression
DROP DATABASE regress_ml_events;

-- The same bytes in another encoding.
CREATE DATABASE regress_ml_events TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_events
SET client_min_messages = 'warning';
CREATE EXTENSION pg_mlops;
SET client_encoding = 'UTF8';
CREATE TABLE regress_rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 10) i;
SELECT version FROM ml.train(U&'\00e9t\00e9', 'regress_rows', 'y', 'linear_regression');
SELECT ml.describe(U&'\00e9t\00e9', U&'\00fc');
SELECT * FROM ml.verify_events();
SELECT e.kind, octet_length(e.model) AS bytes, octet_length(convert_to(e.model, 'UTF8')) AS utf8, e.hash = encode(sha256(
		decode(lag(e.hash, 1, repeat('0', 64)) OVER (ORDER BY e.event_id), 'hex')
		|| int4send(8) || int8send(e.event_id) || int4send(8) || timestamptz_send(e.at)
		|| int4send(octet_length(convert_to(e.actor, 'UTF8'))) || convert_to(e.actor, 'UTF8')
		|| int4send(octet_length(convert_to(e.kind, 'UTF8'))) || convert_to(e.kind, 'UTF8')
		|| int4send(octet_length(convert_to(e.model, 'UTF8'))) || convert_to(e.model, 'UTF8')
		|| coalesce(int4send(4) || int4send(e.version), int4send(-1))
		|| int4send(octet_length(convert_to(e.detail::text, 'UTF8'))) || convert_to(e.detail::text, 'UTF8')), 'hex') AS equal
FROM ml.events e ORDER BY e.event_id;
\c contrib_regression
DROP DATABASE regress_ml_events;
DROP ROLE regress_ml_reader, regress_ml_auditor;
