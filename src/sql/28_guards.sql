-- 28_guards.sql - guards of tables, and the rows that they set aside.
--
-- A guard is a trigger of the table's, so it is dumped, renamed and dropped
-- with it. Its number, the trigger's third argument, tells which rows of
-- ml.quarantine are its, also after a dump is restored.

CREATE SEQUENCE ml.guard_id;
SELECT pg_catalog.pg_extension_config_dump('ml.guard_id', '');

CREATE FUNCTION ml.guard_row() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_guard_row';
COMMENT ON FUNCTION ml.guard_row() IS 'trigger: judges a row by a suite of checks; ml.guard makes it';

CREATE FUNCTION ml.may_mend(guard_id bigint, relation text, owner name) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'ml_may_mend';
COMMENT ON FUNCTION ml.may_mend(bigint, text, name) IS
	'internal: whether the current user may see and mend rows that a guard has set aside';

CREATE FUNCTION ml.keep_quarantined() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_keep_quarantined';
COMMENT ON FUNCTION ml.keep_quarantined() IS 'trigger: keeps a row as it was set aside when somebody mends it';

CREATE TABLE ml.quarantine (
	quarantine_id	bigint GENERATED ALWAYS AS IDENTITY,
	relation		text NOT NULL,
	guard_id		bigint NOT NULL,
	suite			text COLLATE "C" NOT NULL,
	action			text COLLATE "C" NOT NULL,
	operation		text COLLATE "C" NOT NULL,
	"row"			jsonb NOT NULL,
	key				jsonb,
	failed_checks	jsonb NOT NULL,
	at				timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	actor			name NOT NULL DEFAULT CURRENT_USER,
	owner			name NOT NULL,
	reason			text,
	was				jsonb,
	CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id),
	CONSTRAINT quarantine_action_check CHECK (action IN ('quarantine', 'flag')),
	CONSTRAINT quarantine_operation_check CHECK (operation IN ('INSERT', 'UPDATE')),
	CONSTRAINT quarantine_row_check CHECK (pg_catalog.jsonb_typeof("row") = 'object')
);
CREATE INDEX quarantine_guard_idx ON ml.quarantine (guard_id, quarantine_id);
COMMENT ON TABLE ml.quarantine IS 'rows that failed the checks of a guarded table, whole; ml.release stores a mended one';
COMMENT ON COLUMN ml.quarantine.action IS 'quarantine: the row is only here; flag: it is in its table as well';
COMMENT ON COLUMN ml.quarantine.key IS 'of an UPDATE: the primary key of the row before it, or all of that row';
COMMENT ON COLUMN ml.quarantine.owner IS 'who owned the table';
COMMENT ON COLUMN ml.quarantine.reason IS 'why the row is in its table although the guard sets rows aside';
COMMENT ON COLUMN ml.quarantine.was IS 'the row as it was set aside, once it has been mended';

CREATE TRIGGER quarantine_keep BEFORE UPDATE ON ml.quarantine
	FOR EACH ROW EXECUTE FUNCTION ml.keep_quarantined();

CREATE TABLE ml.releases (
	quarantine_id	bigint NOT NULL,
	relation		text NOT NULL,
	"row"			jsonb NOT NULL,
	was				jsonb,
	failed_checks	jsonb NOT NULL,
	quarantined_at	timestamptz NOT NULL,
	quarantined_by	name NOT NULL,
	released_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	released_by		name NOT NULL,
	guard_id		bigint NOT NULL,
	suite			text COLLATE "C" NOT NULL,
	operation		text COLLATE "C" NOT NULL,
	key				jsonb,
	owner			name NOT NULL,
	CONSTRAINT releases_pkey PRIMARY KEY (quarantine_id)
);
COMMENT ON TABLE ml.releases IS 'rows that left the quarantine for their table';
COMMENT ON COLUMN ml.releases.was IS 'the row as it was set aside, if it was mended';

CREATE TRIGGER releases_immutable BEFORE UPDATE OR DELETE ON ml.releases
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('They record what was done.');
CREATE TRIGGER releases_no_truncate BEFORE TRUNCATE ON ml.releases
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('They record what was done.');

-- What is set aside is the table's data: its owner's.
ALTER TABLE ml.quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.releases ENABLE ROW LEVEL SECURITY;
CREATE POLICY quarantine_see ON ml.quarantine FOR SELECT USING (ml.may_mend(guard_id, relation, owner));
CREATE POLICY quarantine_mend ON ml.quarantine FOR UPDATE USING (ml.may_mend(guard_id, relation, owner));
CREATE POLICY quarantine_forget ON ml.quarantine FOR DELETE USING (ml.may_mend(guard_id, relation, owner));
CREATE POLICY releases_see ON ml.releases FOR SELECT USING (ml.may_mend(guard_id, relation, owner));
GRANT SELECT, DELETE ON ml.quarantine TO PUBLIC;
GRANT UPDATE ("row") ON ml.quarantine TO PUBLIC;
GRANT SELECT ON ml.releases TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('ml.quarantine', '');
SELECT pg_catalog.pg_extension_config_dump('ml.quarantine_quarantine_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.releases', '');

CREATE FUNCTION ml.guard(target regclass, suite text, action text DEFAULT 'reject') RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_guard';
COMMENT ON FUNCTION ml.guard(regclass, text, text) IS
	'makes every row that is written to a table pass a suite of checks: reject, quarantine or flag those that do not';

CREATE FUNCTION ml.unguard(target regclass) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_unguard';
COMMENT ON FUNCTION ml.unguard(regclass) IS 'removes the guard of a table; rows that it set aside stay there';

CREATE FUNCTION ml.release(quarantine_id bigint) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_release';
COMMENT ON FUNCTION ml.release(bigint) IS 'writes a row that was set aside, mended or not, to its table if it passes now';

CREATE FUNCTION ml.list_guards()
	RETURNS TABLE (relation regclass, suite text, action text, guard_id bigint, enabled boolean, may_mend boolean)
	LANGUAGE c STABLE PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'ml_list_guards';
COMMENT ON FUNCTION ml.list_guards() IS 'internal: the guards that ml.guards shows';

CREATE VIEW ml.guards WITH (security_invoker = true) AS
	SELECT g.relation, g.suite, g.action, g.guard_id, g.enabled,
		   CASE WHEN g.may_mend THEN q.quarantined END AS quarantined,
		   CASE WHEN g.may_mend THEN q.flagged END AS flagged
	FROM ml.list_guards() g
		 CROSS JOIN LATERAL (
			SELECT pg_catalog.count(*) FILTER (WHERE r.action = 'quarantine') AS quarantined,
				   pg_catalog.count(*) FILTER (WHERE r.action = 'flag') AS flagged
			FROM ml.quarantine r WHERE g.may_mend AND r.guard_id = g.guard_id) q;
COMMENT ON VIEW ml.guards IS 'guarded tables, and how many rows of theirs are set aside; NULL for those of others';
GRANT SELECT ON ml.guards TO PUBLIC;
