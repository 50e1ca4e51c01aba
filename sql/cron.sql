-- Cron expressions: what they name, and what is refused.
CREATE DATABASE regress_ml_cron TEMPLATE template0;
\c regress_ml_cron
SET timezone = 'UTC';
CREATE EXTENSION pg_mlops;

-- Each expression with a moment, and the first moments behind it.
CREATE FUNCTION due(cron text, after timestamptz, times int DEFAULT 3, zone text DEFAULT 'UTC') RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text[];
BEGIN
	FOR i IN 1 .. times LOOP
		after := ml.next_due(cron, after, zone);
		found := found || coalesce(to_char(after, 'Dy YYYY-MM-DD HH24:MI') || CASE WHEN to_char(after, 'SS.US') <> '00.000000' THEN ' and seconds' ELSE '' END, 'never');
	END LOOP;
	RETURN array_to_string(found, ', ');
END
$$;
SELECT cron, due(cron, '2026-11-26 05:32:42.5') FROM unnest(ARRAY[
	'* * * * *', '*/15 * * * *', '0 * * * *', '59 23 * * *', '30 3 * * mon-fri', '30 3 * * 1-5', '0 0 * * 0', '0 0 * * 7', '0 0 * * Sun',
	'5,20,50 6 * * *', '0-10/5 9-17/4 * * *', '10-12,40 5 * * *', '7/20 * * * *', '0 0 1 * *', '0 0 31 * *', '0 0 30 2,4 *', '0 12 15 jan,JUL *',
	'0 0 1 */3 *', '0 0 29 feb *', '0 0 13 * fri', '0 0 */10 * fri', '0 0 13 * */5', '  1   2  3 4 *  ', E'1\t2 3 4 *', '32 5 26 11 *', '33 5 26 11 *',
	'@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually', '@Daily']) WITH ORDINALITY AS c (cron, i) ORDER BY i;

-- The 29th of February, also over a century that has none; a moment is not its own successor; seconds do not count.
SELECT due('0 0 29 2 *', '2023-12-31', 3), due('0 0 29 2 *', '2096-02-29', 2), due('0 0 29 2 */7', '2026-01-01', 2);
SELECT due('0 0 * * *', '2026-11-26 00:00:00', 1), due('0 0 * * *', '2026-11-25 23:59:59.999999', 1), due('59 23 31 12 *', '2026-12-31 23:59', 1);
SELECT due('0 0 31 2 *', '2026-01-01', 1), due('0 0 30 2 *', '2026-01-01', 1), ml.next_due('* * * * *', 'infinity') IS NULL AS infinity, ml.next_due(NULL) IS NULL AS nothing;
-- Every minute of a leap year is due once, and in order.
SELECT count(*), bool_and(ml.next_due('* * * * *', m) = m + interval '1 minute') FROM generate_series(timestamptz '2028-02-28', '2028-03-02', '1 minute') m;
-- The same by the rules: both days given is either, a star in one is both.
SELECT cron, count(*), bool_and(ml.next_due(cron, day - interval '1 second') = day) AS agrees FROM (VALUES ('0 0 13 * 5', 0), ('0 0 13 * *', 1), ('0 0 * * 5', 2), ('0 0 */2 * 5', 3)) c (cron, kind),
	generate_series(timestamptz '2024-01-01', '2028-12-31', '1 day') day
	WHERE CASE kind WHEN 0 THEN extract(day FROM day) = 13 OR extract(dow FROM day) = 5 WHEN 1 THEN extract(day FROM day) = 13 WHEN 2 THEN extract(dow FROM day) = 5
		ELSE extract(day FROM day)::int % 2 = 1 AND extract(dow FROM day) = 5 END GROUP BY 1 ORDER BY 1;

-- In UTC no hour is longer than another, whatever the session's time zone; other zones have theirs.
SET timezone = 'America/New_York';
SELECT count(*), bool_and(ml.next_due('30 * * * *', h - interval '1 minute') = h) AS agrees FROM generate_series(timestamptz '2026-01-01 00:30+00', '2026-12-31 23:30+00', '1 hour') h;
SET timezone = 'UTC';
SELECT due('30 2 * * *', '2026-03-28', 3, 'Europe/Berlin') AS spring, due('30 2 * * *', '2026-10-24', 3, 'Europe/Berlin') AS autumn, due('0 9 * * mon', '2026-06-01', 2, 'Asia/Kolkata') AS half;

\set VERBOSITY default
DO $$
DECLARE cron text;
BEGIN
	FOREACH cron IN ARRAY ARRAY['', '   ', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * 32 * *', '* * * 13 *', '* * * 0 *', '* * * * 8', '-1 * * * *',
		'5-1 * * * *', '*/0 * * * *', '*/60 * * * *', '1/ * * * *', '1- * * * *', '1, * * * *', ',1 * * * *', '1,,2 * * * *', 'a * * * *', '1a * * * *', '* * * foo *', '* * * january *',
		'mon * * * *', '* * * * mo', '*5 * * * *', '1 2 3 4 5x', '1.5 * * * *', '99999999999 * * * *', '*/99999999999 * * * *', '? * * * *', '@reboot', '@', '@daily *', 'L * * * *', '0 0 1W * *'] LOOP
		DECLARE detail text;
		BEGIN
			RAISE NOTICE '%: %', cron, ml.next_due(cron);
		EXCEPTION WHEN invalid_parameter_value THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			RAISE NOTICE '"%": %', cron, detail;
		END;
	END LOOP;
END
$$;
SELECT ml.next_due('0 0 * *');
SELECT ml.next_due('0 0 * * *', now(), 'Mars/Olympus');
\c postgres
DROP DATABASE regress_ml_cron;
