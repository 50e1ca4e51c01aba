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
