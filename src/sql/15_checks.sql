-- 15_checks.sql - suites of checks, and what they found.
--
-- A suite is somebody's (owner) or a version's (model and version): then it is
-- the model's owner's. Its revision is new with every change, and never comes
-- again.

CREATE SEQUENCE ml.suite_revision;

CREATE TABLE ml.suites (
	suite			text COLLATE "C" NOT NULL,
	owner			name,
	model			text COLLATE "C",
	version			integer,
	revision		bigint NOT NULL DEFAULT pg_catalog.nextval('ml.suite_revision'),
	source			text,
	created_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT suites_pkey PRIMARY KEY (suite),
	CONSTRAINT suites_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT suites_version_check CHECK ((model IS NULL) = (version IS NULL)),
	CONSTRAINT suites_owner_check CHECK ((model IS NULL) = (owner IS NOT NULL)),
	CONSTRAINT suites_suite_check
		CHECK (CASE WHEN model IS NULL
					THEN pg_catalog.octet_length(suite) BETWEEN 1 AND 63 AND suite !~ '[/@\u0001-\u001f\u007f]'
					ELSE suite = model || '/' || version END)
);
CREATE INDEX suites_version_idx ON ml.suites (model, version) WHERE model IS NOT NULL;
COMMENT ON TABLE ml.suites IS 'ordered sets of checks: of a role, or of a version, learned from its training data';
COMMENT ON COLUMN ml.suites.owner IS 'NULL for a suite of a version, which is the owner''s of the model';
COMMENT ON COLUMN ml.suites.source IS 'what the suite was learned from, if it was';

CREATE TABLE ml.checks (
	suite			text COLLATE "C" NOT NULL,
	name			text COLLATE "C" NOT NULL,
	kind			text COLLATE "C" NOT NULL,
	columns			text[] NOT NULL DEFAULT '{}',
	params			jsonb NOT NULL DEFAULT '{}',
	severity		text COLLATE "C" NOT NULL DEFAULT 'error',
	environment		text COLLATE "C" NOT NULL DEFAULT 'both',
	learned			boolean NOT NULL DEFAULT false,
	created_by		name NOT NULL DEFAULT CURRENT_USER,
	created_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	check_id		bigint GENERATED ALWAYS AS IDENTITY,
	CONSTRAINT checks_pkey PRIMARY KEY (suite, name),
	CONSTRAINT checks_suite_fkey FOREIGN KEY (suite) REFERENCES ml.suites (suite),
	CONSTRAINT checks_name_check CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 255),
	CONSTRAINT checks_params_check CHECK (pg_catalog.jsonb_typeof(params) = 'object'),
	CONSTRAINT checks_severity_check CHECK (severity IN ('warn', 'error')),
	CONSTRAINT checks_environment_check CHECK (environment IN ('training', 'serving', 'both'))
);
CREATE INDEX checks_suite_idx ON ml.checks (suite, check_id);
COMMENT ON TABLE ml.checks IS 'assertions about data; ml.check_kinds lists the kinds with their parameters';

-- Not a foreign key to ml.checks: what was found outlives the check.
CREATE TABLE ml.check_results (
	result_id		bigint GENERATED ALWAYS AS IDENTITY,
	suite			text COLLATE "C" NOT NULL,
	name			text COLLATE "C" NOT NULL,
	kind			text COLLATE "C" NOT NULL,
	column_name		text,
	severity		text COLLATE "C" NOT NULL,
	environment		text COLLATE "C" NOT NULL,
	source			text NOT NULL,
	success			boolean NOT NULL,
	status			text COLLATE "C" NOT NULL,
	observed		jsonb,
	expected		jsonb,
	n				bigint,
	n_failed		bigint,
	-- The results of one call have it in common; drawn from the sequence of result_id, before theirs.
	run				bigint NOT NULL,
	at				timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	actor			name NOT NULL DEFAULT CURRENT_USER,
	CONSTRAINT check_results_pkey PRIMARY KEY (result_id),
	CONSTRAINT check_results_status_check
		CHECK (status IN ('pass', 'warn', 'fail', 'insufficient_data', 'error', 'skipped'))
);
CREATE INDEX check_results_past_idx ON ml.check_results (suite, name, result_id);
COMMENT ON TABLE ml.check_results IS 'what checks found in data: each call of ml.check_data adds one row a check';

-- Suites and results are changed through the functions alone, as the tables of 10_catalog.sql.

CREATE TRIGGER suites_immutable BEFORE UPDATE OR DELETE ON ml.suites
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Use ml.drop_suite or ml.set_suite_owner.');
CREATE TRIGGER suites_no_truncate BEFORE TRUNCATE ON ml.suites
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.drop_suite.');
CREATE TRIGGER checks_immutable BEFORE UPDATE OR DELETE ON ml.checks
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Use ml.drop_check and ml.add_check.');
CREATE TRIGGER checks_no_truncate BEFORE TRUNCATE ON ml.checks
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.drop_check.');
CREATE TRIGGER check_results_immutable BEFORE UPDATE OR DELETE ON ml.check_results
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Check the data again with ml.check_data.');
CREATE TRIGGER check_results_no_truncate BEFORE TRUNCATE ON ml.check_results
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Check the data again with ml.check_data.');

-- Members of the owner see a suite, and readers of the model that of a version.

ALTER TABLE ml.suites ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.checks ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.check_results ENABLE ROW LEVEL SECURITY;

CREATE POLICY suites_seen ON ml.suites FOR SELECT
	USING (CASE WHEN model IS NULL THEN ml.is_member(owner) ELSE ml.has_privilege(model, 'read') END);
-- The subqueries are themselves under suites_seen.
CREATE POLICY checks_seen ON ml.checks FOR SELECT
	USING (EXISTS (SELECT FROM ml.suites s WHERE s.suite = checks.suite));
-- What was found is about the rows that the actor could read: the owner of the suite may not be allowed to.
CREATE POLICY check_results_seen ON ml.check_results FOR SELECT
	USING (actor = CURRENT_USER OR ml.is_member(actor));

GRANT SELECT ON ml.suites, ml.checks, ml.check_results TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('ml.suite_revision', '');
SELECT pg_catalog.pg_extension_config_dump('ml.suites', '');
SELECT pg_catalog.pg_extension_config_dump('ml.checks', '');
SELECT pg_catalog.pg_extension_config_dump('ml.checks_check_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.check_results', '');
SELECT pg_catalog.pg_extension_config_dump('ml.check_results_result_id_seq', '');
