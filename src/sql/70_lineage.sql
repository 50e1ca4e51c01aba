-- 70_lineage.sql - which versions read a relation or column, and what each thing comes from and leads to.
--
-- Functions and views read with the rights of whoever asks, so that row security
-- on the tables decides.

CREATE FUNCTION ml.relation_names(relation regclass, column_name text) RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_relation_names';
COMMENT ON FUNCTION ml.relation_names(regclass, text) IS
	'internal: the names under which ml.source_columns may have a relation; checks that the column exists';

CREATE FUNCTION ml.impact(relation regclass, column_name text DEFAULT NULL)
	RETURNS TABLE (model text, version integer, column_name text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT DISTINCT c.model, c.version, c.column_name
	FROM ml.source_columns c
	WHERE c.relation = ANY (ml.relation_names($1, $2)) AND ($2 IS NULL OR c.column_name = $2)
	ORDER BY c.model, c.version, c.column_name;
END;
COMMENT ON FUNCTION ml.impact(regclass, text) IS
	'the versions whose source reads a relation or one of its columns, through views and partitioned tables too';

CREATE FUNCTION ml.attached_name(guard name, relation text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_attached_name';
COMMENT ON FUNCTION ml.attached_name(name, text) IS 'internal: what an attached relation is called now';

CREATE FUNCTION ml.attached_type(guard name, relation text, column_name text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_attached_type';
COMMENT ON FUNCTION ml.attached_type(name, text, text) IS 'internal: the type that a recorded column has now';

-- A type is compared with what the newest version that reads the column was trained on.
CREATE VIEW ml.attached_columns WITH (security_invoker = true) AS
	SELECT a.model, a.relation, c.column_name, c.recorded_type, t.current_type,
		   CASE WHEN t.current_type IS NULL THEN 'dropped'
				WHEN t.current_type = c.recorded_type THEN 'unchanged'
				ELSE 'retyped' END AS status,
		   CASE WHEN a.guard IS NOT NULL AND NOT EXISTS (
					SELECT FROM pg_catalog.pg_proc p
					WHERE p.proname = a.guard AND p.pronamespace = 'ml'::pg_catalog.regnamespace)
				THEN 'lost' ELSE a.mode END AS mode
	FROM ml.attachments a
		 CROSS JOIN LATERAL (SELECT ml.attached_name(a.guard, a.relation) AS name) n
		 CROSS JOIN LATERAL (
			SELECT DISTINCT ON (s.column_name) s.column_name, s.type AS recorded_type
			FROM ml.source_columns s
				 JOIN ml.versions v ON v.model = s.model AND v.version = s.version
			WHERE s.model = a.model AND s.relation IN (a.relation, n.name)
				  AND s.column_name IS NOT NULL AND v.archived_at IS NULL
			ORDER BY s.column_name, s.version DESC
		 ) c
		 CROSS JOIN LATERAL (SELECT ml.attached_type(a.guard, a.relation, c.column_name) AS current_type) t;
COMMENT ON VIEW ml.attached_columns IS
	'the columns of attached relations that models read, as they were and as they are; mode is lost when a DROP ... CASCADE took the guard along';
GRANT SELECT ON ml.attached_columns TO PUBLIC;
