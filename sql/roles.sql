-- Roles behave towards models as they do towards tables: they are not dropped while they have rights, and a role
-- that is made again under a name has none of the old one's.
CREATE ROLE regress_ml_ann;
CREATE ROLE regress_ml_bob;
CREATE ROLE "regress ml ""Odd"" 'one'";
CREATE ROLE regress_ml_group;
CREATE ROLE regress_ml_member IN ROLE regress_ml_group;
CREATE DATABASE regress_ml_roles TEMPLATE template0;
\c regress_ml_roles
CREATE EXTENSION pg_mlops;
SET client_min_messages = 'warning';
CREATE TABLE regress_rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 10) i;
GRANT SELECT ON regress_rows TO PUBLIC;
CREATE FUNCTION regress_train(model text) RETURNS int LANGUAGE sql
	AS $$SELECT version FROM ml.train(model, 'regress_rows', 'y', 'linear_regression', split => '{"method": "none"}')$$;
CREATE VIEW regress_items AS
	SELECT a.grantee::regrole AS role FROM pg_proc p, aclexplode(p.proacl) a
	WHERE p.oid = 'ml.my_rights'::regproc AND a.grantee <> p.proowner ORDER BY a.grantee::regrole::text COLLATE "C";

-- Without a right there is nothing to see, and nobody may ask.
SET ROLE regress_ml_ann;
SELECT * FROM ml.my_rights();
-- The first right brings it, the last takes it away.
SELECT regress_train('a'), regress_train('b');
SELECT * FROM ml.my_rights() ORDER BY model, privilege;
SELECT ml.grant('a', 'use', 'regress_ml_bob'), ml.grant('a', 'read', 'regress_ml_bob'), ml.grant('b', 'use', 'regress_ml_group'),
	ml.grant('b', 'use', quote_ident('regress ml "Odd" ''one''')::regrole);
SET ROLE regress_ml_bob;
SELECT * FROM ml.my_rights() ORDER BY model, privilege;
SET ROLE regress_ml_member;
SELECT * FROM ml.my_rights();
RESET ROLE;
TABLE regress_items;
SELECT count(*), count(DISTINCT model) FROM ml.my_rights();
SELECT ml.revoke('a', 'use', 'regress_ml_bob');
TABLE regress_items;
SELECT ml.revoke('a', 'read', 'regress_ml_bob');
TABLE regress_items;
BEGIN;
SELECT ml.grant('a', 'use', 'regress_ml_bob');
TABLE regress_items;
ROLLBACK;
TABLE regress_items;
-- The server refuses to drop who has rights.
DROP ROLE regress_ml_ann;
DROP ROLE regress_ml_group;
DROP ROLE "regress ml ""Odd"" 'one'";
DROP ROLE regress_ml_bob;
CREATE ROLE regress_ml_bob;
SELECT ml.grant('a', 'deploy', 'regress_ml_bob'), ml.grant('b', 'use', 'regress_ml_bob');
DROP ROLE regress_ml_bob;

-- DROP OWNED BY frees the name; what it was granted does not pass to the next role of that name.
DROP OWNED BY regress_ml_bob;
DROP ROLE regress_ml_bob;
SELECT model, privilege FROM ml.grants WHERE grantee = 'regress_ml_bob' ORDER BY 1;
CREATE ROLE regress_ml_bob;
SET ROLE regress_ml_bob;
SELECT ml.deploy('a', 1);
SELECT ml.predict('b', r) FROM regress_rows r LIMIT 1;
SELECT ml.has_privilege('a', 'any'), ml.has_privilege('b', 'use');
SELECT * FROM ml.my_rights();
SELECT count(*) FROM ml.models;
RESET ROLE;
-- Nor when the new one gets rights of his own.
SELECT ml.grant('b', 'read', 'regress_ml_bob');
SET ROLE regress_ml_bob;
SELECT * FROM ml.my_rights() ORDER BY model, privilege;
SELECT ml.predict('b', r) FROM regress_rows r LIMIT 1;
RESET ROLE;
SELECT model, grantee, privilege FROM ml.grants WHERE grantee = 'regress_ml_bob';
SELECT model, kind, detail FROM ml.events WHERE detail ->> 'reason' ~ 'earlier' ORDER BY event_id;
-- Models of a role that is gone stay, and are a superuser's to give; they do not pass to a new role of the name either.
DROP OWNED BY regress_ml_ann;
DROP ROLE regress_ml_ann;
CREATE ROLE regress_ml_ann;
SET ROLE regress_ml_ann;
SELECT ml.describe('a', 'mine');
SELECT ml.deploy('a', 1);
SELECT ml.set_owner('a', 'regress_ml_ann');
SELECT regress_train('a');
SELECT regress_train('mine');
SELECT * FROM ml.my_rights() ORDER BY model, privilege;
SELECT ml.has_privilege('a', 'any');
SELECT model, owner FROM ml.models ORDER BY model;
RESET ROLE;
SELECT model, owner = current_user AS of_the_catalog, owner = 'regress_ml_ann' AS of_ann FROM ml.models ORDER BY model;
SELECT model, kind, detail - 'owner' AS detail FROM ml.events WHERE kind = 'set_owner' ORDER BY event_id;

-- Giving a model away: the owner, to a role that he belongs to.
SET ROLE regress_ml_ann;
SELECT ml.set_owner('mine', 'regress_ml_group');
RESET ROLE;
GRANT regress_ml_group TO regress_ml_ann;
SET ROLE regress_ml_bob;
SELECT ml.set_owner('mine', 'regress_ml_bob');
SET ROLE regress_ml_ann;
SELECT ml.set_owner('mine', 'regress_ml_group');
SELECT ml.describe('mine', 'ours');
RESET ROLE;
REVOKE regress_ml_group FROM regress_ml_ann;
SET ROLE regress_ml_ann;
SELECT ml.describe('mine', 'still mine?');
SELECT * FROM ml.my_rights();
SET ROLE regress_ml_member;
SELECT ml.describe('mine', 'ours');
SELECT ml.set_owner('mine', 'regress_ml_nobody');
SELECT ml.set_owner('mine', NULL);
SELECT ml.set_owner('mine', '-');
SELECT ml.set_owner(NULL, 'regress_ml_group');
SELECT ml.set_owner('yours', 'regress_ml_group');
SET client_min_messages = 'notice';
SELECT ml.set_owner('mine', 'regress_ml_group');
SET client_min_messages = 'warning';
BEGIN READ ONLY;
SELECT ml.set_owner('mine', 'regress_ml_member');
ROLLBACK;
RESET ROLE;
TABLE regress_items;
DROP ROLE regress_ml_ann;
SELECT ml.set_owner('mine', quote_ident('regress ml "Odd" ''one''')::regrole);
SET ROLE "regress ml ""Odd"" 'one'";
SELECT * FROM ml.my_rights() ORDER BY model, privilege;
RESET ROLE;

-- An administrator who revokes the item suspends all rights; granting it gives them back.
SELECT ml.grant('mine', 'deploy', 'regress_ml_bob');
REVOKE EXECUTE ON FUNCTION ml.my_rights() FROM regress_ml_bob;
SET ROLE regress_ml_bob;
SELECT ml.set_alias('mine', 'x', 1);
RESET ROLE;
GRANT EXECUTE ON FUNCTION ml.my_rights() TO regress_ml_bob;
SET ROLE regress_ml_bob;
SELECT ml.set_alias('mine', 'x', 1);
RESET ROLE;
-- What is granted to everybody is no item of a role's own.
GRANT EXECUTE ON FUNCTION ml.my_rights() TO PUBLIC;
REVOKE EXECUTE ON FUNCTION ml.my_rights() FROM regress_ml_bob;
SET ROLE regress_ml_bob;
SELECT * FROM ml.my_rights();
SELECT ml.drop_alias('mine', 'x');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION ml.my_rights() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ml.my_rights() TO regress_ml_bob;

-- All that a model carried goes with it; what others carry stays.
SELECT ml.drop_alias('mine', 'x');
SELECT ml.undeploy('mine', 'production');
SELECT ml.drop_model('mine');
TABLE regress_items;
SELECT ml.drop_model(m) FROM (SELECT m, ml.undeploy(m, 'production') FROM unnest('{a,b}'::text[]) m OFFSET 0) s;
TABLE regress_items;
SELECT * FROM ml.verify_events();
DROP ROLE regress_ml_bob, "regress ml ""Odd"" 'one'", regress_ml_group, regress_ml_member;
\c contrib_regression
DROP DATABASE regress_ml_roles;
