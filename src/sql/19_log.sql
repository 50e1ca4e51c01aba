-- 19_log.sql - the prediction log: rows that deployed versions scored, with their features.
--
-- The worker makes one partition for each day of UTC, and drops it when it is
-- older than pg_mlops.log_retention. Partitions are no members of the extension
-- (store/catalog_log.c says why), so there is nothing here for pg_dump to be told
-- of: the table itself is always empty. Rows are not referred to and refer to
-- nothing, so that partitions come and go without a lock on other tables;
-- ml.drop_version and ml.drop_model delete what is theirs.

CREATE TABLE ml.prediction_log (
	predicted_at	timestamptz NOT NULL,
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	role			text COLLATE "C" NOT NULL,
	features		jsonb NOT NULL,
	prediction		text COLLATE "C" NOT NULL,
	probability		double precision,
	row_key			text COLLATE "C" NOT NULL,
	CONSTRAINT prediction_log_role_check CHECK (role IN ('shadow', 'canary', 'production'))
) PARTITION BY RANGE (predicted_at);
COMMENT ON TABLE ml.prediction_log IS 'rows that deployed versions scored: the share log_fraction of each model';
COMMENT ON COLUMN ml.prediction_log.predicted_at IS 'when the row was scored, by the clock';
COMMENT ON COLUMN ml.prediction_log.probability IS 'of the predicted class; NULL for a number';
COMMENT ON COLUMN ml.prediction_log.row_key IS 'ml.row_key of the row';

-- Features are data of the source: whoever reads the model sees them, and nobody else.
ALTER TABLE ml.prediction_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY prediction_log_read ON ml.prediction_log FOR SELECT USING (ml.has_privilege(model, 'read'));
GRANT SELECT ON ml.prediction_log TO PUBLIC;
