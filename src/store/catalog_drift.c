/*
 * catalog_drift.c - windows that are to be judged, and what was found of them.
 *
 * Only the database's worker comes here. A look at a window is written in one
 * transaction with the mark that it was taken, so that a look that fails is
 * taken again.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/catalog_internal.h"
#include "store/drift.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* So many comparisons are written by one statement. */
#define ML_DRIFT_PART	1000

/* What the catalog's statements give for a moment: microseconds since 1970. */
#define ML_DRIFT_EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

const char *
ml_drift_type_name(MlDriftType type)
{
	return type == ML_DRIFT_BASELINE ? "baseline" : "consecutive";
}

const char *
ml_drift_verdict_name(MlDriftVerdict verdict)
{
	static const char *const names[] = {"none", "drift", "insufficient_data"};

	return names[verdict];
}

/* ---- windows ---- */

List *
ml_catalog_windows_due(bool called)
{
	MlArgs		args = {0};
	List	   *windows = NIL;
	ListCell   *lc;

	/* rows that were scored before a window's end are handed over within a flush interval */
	ml_bind_arg_int4(&args, 2 * ml_flush_interval_ms);
	ml_bind_arg_int4(&args, ML_MONITOR_MIN_ROWS);
	ml_arg(&args, BOOLOID, BoolGetDatum(called), false);
	foreach(lc, ml_catalog_rows("SELECT w.model, w.version, w.role, (EXTRACT(epoch FROM w.window_start) * 1000000)::bigint, "
								"(EXTRACT(epoch FROM w.window_end) * 1000000)::bigint, w.rows, w.looks, x.over "
								"FROM ml.windows w LEFT JOIN ml.monitor_options o USING (model), LATERAL (SELECT w.window_end <= "
								"pg_catalog.clock_timestamp() - $1 * interval '1 millisecond' AS over, "
								"coalesce(o.min_rows, $2)::double precision AS min_rows) x "
								"WHERE NOT w.closed AND (x.over OR (w.rows > w.judged_rows AND w.rows >= x.min_rows "
								"AND ($3 OR w.rows >= x.min_rows * 2.0 ^ w.looks))) ORDER BY w.window_start, w.model, w.version, w.role",
								&args))
	{
		const MlRow *row = lfirst(lc);
		MlWindow   *window = palloc0(sizeof(MlWindow));

		window->model = row->column[0];
		window->version = (int32) ml_row_int64(row, 1);
		window->role = row->column[2];
		window->start = ml_row_int64(row, 3) - ML_DRIFT_EPOCH_US;
		window->end = ml_row_int64(row, 4) - ML_DRIFT_EPOCH_US;
		window->rows = ml_row_int64(row, 5);
		window->looks = (int) ml_row_int64(row, 6);
		window->over = strcmp(row->column[7], "t") == 0;
		windows = lappend(windows, window);
	}
	return windows;
}

/* Adds what names a window, as $1 to $4. */
static void
ml_drift_arg_window(MlArgs *args, const MlWindow *window)
{
	ml_bind_arg_text(args, window->model);
	ml_bind_arg_int4(args, window->version);
	ml_bind_arg_text(args, window->role);
	ml_arg(args, TIMESTAMPTZOID, TimestampTzGetDatum(window->start), false);
}

static bool
ml_drift_read_counts(MlRow *row, bytea **counts, List **slices)
{
	Datum	   *names;
	bool	   *nulls;
	int			n;

	*slices = NIL;
	if (row->nrows == 0)
		return false;
	*counts = DatumGetByteaP(DirectFunctionCall1(byteain, CStringGetDatum(row->column[0])));
	deconstruct_array(DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, row->column[1], TEXTOID, -1)),
					  TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			*slices = lappend(*slices, TextDatumGetCString(names[i]));
	return true;
}

bool
ml_catalog_window_counts(const MlWindow *window, bytea **counts, List **slices)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_drift_arg_window(&args, window);
	ml_catalog_execute("SELECT w.counts, w.slices FROM ml.windows w WHERE w.model = $1 AND w.version = $2 "
					   "AND w.role = $3 AND w.window_start = $4", &args, &row);
	return ml_drift_read_counts(&row, counts, slices);
}

bool
ml_catalog_window_before(const MlWindow *window, bytea **counts, List **slices)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_drift_arg_window(&args, window);
	ml_catalog_execute("SELECT w.counts, w.slices FROM ml.windows w WHERE w.model = $1 AND w.version = $2 "
					   "AND w.role = $3 AND w.window_start < $4 ORDER BY w.window_start DESC LIMIT 1", &args, &row);
	return ml_drift_read_counts(&row, counts, slices);
}

/* ---- findings ---- */

/* Adds a column of numbers, in which NaN is NULL; field is its place in the struct. */
static void
ml_drift_arg_numbers(MlArgs *args, const MlDriftRow *const *rows, int n, Size field)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		double		x = *(const double *) ((const char *) rows[i] + field);

		values[i] = Float8GetDatum(x);
		nulls[i] = isnan(x);
	}
	ml_arg(args, FLOAT8ARRAYOID, PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, FLOAT8OID, sizeof(float8),
																	FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

static void
ml_drift_arg_counts(MlArgs *args, const MlDriftRow *const *rows, int n, Size field)
{
	Datum	   *values = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(*(const int64 *) ((const char *) rows[i] + field));
	ml_arg(args, INT8ARRAYOID,
		   PointerGetDatum(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

/* Adds the comparisons as columns, $7 to $18. */
static void
ml_drift_arg_rows(MlArgs *args, const MlDriftRow *const *rows, int n)
{
	enum
	{
		KEY, VALUE, COLUMN, TYPE, METHOD, VERDICT, COLUMNS
	};
	char	  **texts = palloc(sizeof(char *) * COLUMNS * n);

	for (int i = 0; i < n; i++)
	{
		texts[KEY * n + i] = unconstify(char *, rows[i]->slice_key);
		texts[VALUE * n + i] = unconstify(char *, rows[i]->slice_value);
		texts[COLUMN * n + i] = unconstify(char *, rows[i]->column_name);
		texts[TYPE * n + i] = unconstify(char *, ml_drift_type_name(rows[i]->type));
		texts[METHOD * n + i] = unconstify(char *, rows[i]->method->name);
		texts[VERDICT * n + i] = unconstify(char *, ml_drift_verdict_name(rows[i]->verdict));
	}
	for (int k = 0; k < COLUMNS; k++)
		ml_bind_arg_texts(args, n, texts + k * n);
	ml_drift_arg_numbers(args, rows, n, offsetof(MlDriftRow, result.statistic));
	ml_drift_arg_numbers(args, rows, n, offsetof(MlDriftRow, result.p_value));
	ml_drift_arg_numbers(args, rows, n, offsetof(MlDriftRow, result.limit));
	ml_drift_arg_numbers(args, rows, n, offsetof(MlDriftRow, alpha));
	ml_drift_arg_numbers(args, rows, n, offsetof(MlDriftRow, floor));
	ml_drift_arg_counts(args, rows, n, offsetof(MlDriftRow, n_reference));
	ml_drift_arg_counts(args, rows, n, offsetof(MlDriftRow, n));
}

/* Writes some comparisons of a look. */
static void
ml_drift_write_part(const MlWindow *window, const MlDriftRow *const *rows, int n)
{
	MlArgs		args = {0};

	ml_drift_arg_window(&args, window);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(window->end), false);
	ml_bind_arg_int4(&args, window->looks + 1);
	ml_drift_arg_rows(&args, rows, n);
	ml_catalog_execute("INSERT INTO ml.drift (model, version, role, window_start, window_end, look, slice_key, slice_value, "
					   "column_name, drift_type, method, verdict, statistic, p_value, limit_value, alpha, floor, n_reference, n) "
					   "SELECT $1, $2, $3, $4, $5, $6, u.* FROM ROWS FROM (pg_catalog.unnest($7), pg_catalog.unnest($8), "
					   "pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11), pg_catalog.unnest($12), "
					   "pg_catalog.unnest($13), pg_catalog.unnest($14), pg_catalog.unnest($15), pg_catalog.unnest($16), "
					   "pg_catalog.unnest($17), pg_catalog.unnest($18), pg_catalog.unnest($19)) AS u "
					   "ON CONFLICT ON CONSTRAINT drift_key DO UPDATE SET window_end = excluded.window_end, "
					   "look = excluded.look, verdict = excluded.verdict, statistic = excluded.statistic, "
					   "p_value = excluded.p_value, limit_value = excluded.limit_value, alpha = excluded.alpha, "
					   "floor = excluded.floor, n_reference = excluded.n_reference, n = excluded.n, "
					   "judged_at = pg_catalog.clock_timestamp()", &args, NULL);
}

void
ml_catalog_window_judged(const MlWindow *window, List *rows, const char *problem)
{
	const MlDriftRow **all = palloc(sizeof(MlDriftRow *) * Max(list_length(rows), 1));
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext part = AllocSetContextCreate(caller, "pg_mlops drift", ALLOCSET_DEFAULT_SIZES);
	MlArgs		args = {0};
	ListCell   *lc;
	int			n = 0;

	foreach(lc, rows)
		all[n++] = lfirst(lc);
	for (int from = 0; from < n; from += ML_DRIFT_PART)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(part);
		ml_drift_write_part(window, all + from, Min(n - from, ML_DRIFT_PART));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(part);
	}
	MemoryContextDelete(part);
	ml_drift_arg_window(&args, window);
	ml_bind_arg_int4(&args, window->looks + 1);
	/* what an earlier look compared and this one did not */
	ml_catalog_execute("DELETE FROM ml.drift WHERE model = $1 AND version = $2 AND role = $3 AND window_start = $4 "
					   "AND look < $5", &args, NULL);
	ml_bind_arg_int8(&args, window->rows);
	ml_arg(&args, BOOLOID, BoolGetDatum(window->over), false);
	ml_bind_arg_text(&args, problem);
	ml_catalog_execute("UPDATE ml.windows SET looks = $5, judged_rows = $6, closed = $7, problem = $8 WHERE model = $1 AND version = $2 "
					   "AND role = $3 AND window_start = $4", &args, NULL);
}

bool
ml_catalog_window_outdated(const MlWindow *window)
{
	MlArgs		args = {0};

	ml_drift_arg_window(&args, window);
	return ml_catalog_execute("SELECT FROM ml.windows w WHERE w.model = $1 AND w.version = $2 AND w.role = $3 "
							  "AND w.window_start > $4 AND w.looks > 0 LIMIT 1", &args, NULL) > 0;
}

List *
ml_catalog_drift_streaks(const MlWindow *window, int windows, bool slices_consecutive)
{
	MlArgs		args = {0};
	List	   *streaks = NIL;
	ListCell   *lc;

	ml_drift_arg_window(&args, window);
	ml_bind_arg_int4(&args, windows);
	ml_arg(&args, BOOLOID, BoolGetDatum(slices_consecutive), false);
	/* windows in which a column had too few rows count neither way, but not for ever */
	foreach(lc, ml_catalog_rows("SELECT p.column_name, p.slice_key, p.slice_value, "
								"pg_catalog.count(*) FILTER (WHERE p.drifted), pg_catalog.count(*) FROM ("
								"SELECT d.column_name, d.slice_key, d.slice_value, "
								"pg_catalog.bool_or(d.verdict = 'drift') AS drifted, pg_catalog.row_number() OVER ("
								"PARTITION BY d.column_name, d.slice_key, d.slice_value ORDER BY d.window_start DESC) AS place "
								"FROM ml.drift d WHERE d.model = $1 AND d.version = $2 AND d.role = $3 AND d.window_start IN ("
								"SELECT w.window_start FROM ml.windows w WHERE w.model = $1 AND w.version = $2 AND w.role = $3 "
								"AND w.window_start <= $4 ORDER BY w.window_start DESC LIMIT 10 * $5) "
								"AND d.verdict <> 'insufficient_data' AND d.drift_type = "
								"CASE WHEN $6 AND d.slice_key IS NOT NULL THEN 'consecutive' ELSE 'baseline' END "
								"GROUP BY 1, 2, 3, d.window_start) p WHERE p.place <= $5 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", &args))
	{
		const MlRow *row = lfirst(lc);
		MlDriftStreak *streak = palloc0(sizeof(MlDriftStreak));

		streak->column_name = row->column[0];
		streak->slice_key = row->column[1];
		streak->slice_value = row->column[2];
		streak->drifted = (int) ml_row_int64(row, 3);
		streak->windows = (int) ml_row_int64(row, 4);
		streaks = lappend(streaks, streak);
	}
	return streaks;
}
