-- 48_files.sql - what a file on the server holds, before COPY reads it.
--
-- Everybody may execute the function; it asks for the privileges of
-- pg_read_server_files itself, as COPY does.

CREATE FUNCTION ml.check_file(path text, format text DEFAULT NULL, min_bytes bigint DEFAULT NULL,
		max_bytes bigint DEFAULT NULL, columns text[] DEFAULT NULL, encoding text DEFAULT NULL,
		min_lines bigint DEFAULT NULL, max_lines bigint DEFAULT NULL, delimiter text DEFAULT NULL,
		header boolean DEFAULT NULL, target regclass DEFAULT NULL, quote text DEFAULT NULL, escape text DEFAULT NULL)
	RETURNS TABLE (name text, kind text, column_name text, severity text, success boolean, status text,
		observed jsonb, expected jsonb, n bigint, n_failed bigint)
	LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 100000 ROWS 14 AS 'MODULE_PATHNAME', 'ml_check_file';
COMMENT ON FUNCTION ml.check_file(text, text, bigint, bigint, text[], text, bigint, bigint, text, boolean, regclass, text, text) IS
	'what a file on the server holds and whether COPY could read it: size, compression, format, encoding, header, number of fields, lines';
