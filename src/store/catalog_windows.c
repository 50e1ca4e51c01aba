/*
 * catalog_windows.c - what was counted of scored rows, in the catalog.
 *
 * A window is one row, so that writing it is one statement whatever the number
 * of columns. Only the database's worker writes, and it alone adds.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/catalog_internal.h"
#include "store/windows.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* The key of a window as $1 to $4. */
static void
ml_window_bind(MlArgs *args, const MlWindowWrite *w)
{
	ml_bind_arg_text(args, w->model);
	ml_bind_arg_int4(args, w->version);
	ml_bind_arg_text(args, w->role);
	ml_arg(args, TIMESTAMPTZOID, TimestampTzGetDatum(w->start), false);
}

static void
ml_window_bind_slices(MlArgs *args, List *slices)
{
	char	  **names = palloc(sizeof(char *) * Max(list_length(slices), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, slices)
		names[n++] = lfirst(lc);
	ml_bind_arg_texts(args, n, names);
}

/*
 * Adds what is there already, as hex digits, to the counts, which become a
 * copy: who gave them may have to write them again. same: it is cut by the
 * same columns.
 */
static void
ml_window_add(MlWindowWrite *w, const char *hex, bool same)
{
	MlCounts	old;
	MlCountsShape one;
	Size		bytes = sizeof(int64) * w->counts.shape.words;

	ml_counts_decode(DatumGetByteaPP(DirectFunctionCall1(byteain, CStringGetDatum(hex))), &old);
	w->counts.words = memcpy(palloc_extended(bytes, MCXT_ALLOC_HUGE), w->counts.words, bytes);
	if (same && ml_counts_same_shape(&old.shape, &w->counts.shape))
	{
		ml_counts_add(&w->counts.shape, w->counts.words, old.words);
		return;
	}
	/* cut otherwise: all rows are the first set of both */
	one = w->counts.shape;
	one.nsets = old.shape.nsets = 1;
	ml_counts_measure(&one);
	ml_counts_measure(&old.shape);
	if (!ml_counts_same_shape(&old.shape, &one))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a window of version %d of model \"%s\" has counts of other columns", w->version, w->model),
				 errdetail("They have %d columns, and what was counted has %d.", old.shape.ncolumns, one.ncolumns),
				 errhint("Delete the row of ml.windows.")));
	ml_counts_add(&one, w->counts.words, old.words);
}

bool
ml_catalog_window_write(const MlWindowWrite *window)
{
	MlWindowWrite w = *window;
	MlArgs		args = {0};
	MlRow		row;
	char		digest[2 * ML_DIGEST_BYTES + 1];

	digest[hex_encode((const char *) w.digest, ML_DIGEST_BYTES, digest)] = '\0';
	ml_bind_arg_text(&args, w.model);
	ml_bind_arg_int4(&args, w.version);
	ml_bind_arg_text(&args, digest);
	/* a drop waits until the window is written, and takes it along */
	if (ml_catalog_execute("SELECT FROM ml.versions v WHERE v.model = $1 AND v.version = $2 AND v.artifact_sha256 = $3 "
						   "FOR KEY SHARE", &args, NULL) == 0)
		return false;
	args.n = 0;
	ml_window_bind(&args, &w);
	ml_window_bind_slices(&args, w.slices);
	if (ml_catalog_execute("SELECT w.counts::pg_catalog.text, (w.slices = $5)::pg_catalog.text FROM ml.windows w "
						   "WHERE w.model = $1 AND w.version = $2 AND w.role = $3 AND w.window_start = $4 FOR UPDATE",
						   &args, &row) > 0)
	{
		ml_window_add(&w, row.column[0], strcmp(row.column[1], "true") == 0);
		ml_bind_arg_int8(&args, w.counts.words[ML_SERVICE_ROWS]);
		ml_arg(&args, BYTEAOID, PointerGetDatum(ml_counts_encode(&w.counts)), false);
		ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(w.end), false);
		/* the length of windows may have changed in the middle of this one */
		ml_catalog_execute("UPDATE ml.windows w SET slices = $5, rows = $6, counts = $7, "
						   "window_end = GREATEST(w.window_end, $8), written_at = pg_catalog.clock_timestamp(), closed = false "
						   "WHERE w.model = $1 AND w.version = $2 AND w.role = $3 AND w.window_start = $4", &args, NULL);
		return true;
	}
	ml_bind_arg_int8(&args, w.counts.words[ML_SERVICE_ROWS]);
	ml_arg(&args, BYTEAOID, PointerGetDatum(ml_counts_encode(&w.counts)), false);
	ml_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(w.end), false);
	ml_catalog_execute("INSERT INTO ml.windows (model, version, role, window_start, window_end, rows, slices, counts) "
					   "VALUES ($1, $2, $3, $4, $8, $6, $5, $7)", &args, NULL);
	return true;
}
