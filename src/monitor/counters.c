/*
 * counters.c - the rows that this backend scores, counted.
 *
 * A counter lives in a memory context of its own below one of the session's.
 * Those that no call site refers to go when together they take more than
 * ML_COUNTERS_BYTES_MAX.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "common/hashfn.h"
#include "math/count_bins.h"
#include "monitor/counters_internal.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* What counters that nobody uses may take. */
#define ML_COUNTERS_BYTES_MAX	(16 * 1024 * 1024)

/* The block of a counter of many columns has fewer rows. */
#define ML_BLOCK_BYTES_MAX		(256 * 1024)

/* Rows that take longer than this are counted at once. */
#define ML_SLOW_NS				1000000

/* How long counts may stay with the backend while a statement runs. */
#define ML_HAND_OVER_NS			(INT64CONST(1000) * 1000 * 1000)

/* The session's counters, by version and role. */
typedef struct MlHeldEntry
{
	MlServingKey key;			/* the digest left out */
	MlHeldCounter *held;
} MlHeldEntry;

static HTAB *ml_held_table = NULL;
static MemoryContext ml_held_context = NULL;
static Size ml_held_bytes = 0;
static MlHeldCounter *ml_held_active = NULL;
static instr_time ml_handed_over;
static bool ml_hand_over_due = false;

MlServingCount *ml_counters_scoring = NULL;

bool
ml_counters_on(void)
{
	return ml_monitor_on && ml_shared_ready();
}

/* Deletes a counter, whose counts have been handed over. */
static void
ml_counter_delete(MlHeldCounter *held)
{
	ml_held_bytes -= held->bytes;
	MemoryContextDelete(held->context);
}

/* ---- handing over ---- */

void
ml_counters_hand_over(void)
{
	for (MlHeldCounter *held = ml_held_active; held != NULL; held = held->next)
		ml_counters_give(held);
	INSTR_TIME_SET_CURRENT(ml_handed_over);
	ml_hand_over_due = false;
}

/* Hands over, and empties the list: of the counters that call sites still refer to as well if all is set. */
static void
ml_counters_quit(bool all)
{
	MlHeldCounter *left = NULL;
	MlHeldCounter *next;

	ml_counters_hand_over();
	for (MlHeldCounter *held = ml_held_active; held != NULL; held = next)
	{
		next = held->next;
		if (!all && held->refs > 0)
		{
			held->next = left;
			left = held;
			continue;
		}
		held->active = false;
		if (held->retired && held->refs == 0)
			ml_counter_delete(held);
	}
	ml_held_active = left;
}

/* A row that was not finished has ended in an error. */
static void
ml_counters_failed(void)
{
	if (ml_counters_scoring != NULL)
		ml_counters_scoring->errors++;
	ml_counters_scoring = NULL;
}

/* However a transaction ends, its rows were scored. */
static void
ml_counters_xact(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
			ml_counters_failed();
			/* FALLTHROUGH */
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PREPARE:
			ml_counters_scoring = NULL;
			ml_counters_quit(true);
			break;
		default:
			break;
	}
}

static void
ml_counters_subxact(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ml_counters_failed();
}

/* ---- opening ---- */

static void
ml_counters_init(void)
{
	HASHCTL		ctl;

	ml_counters_attach();
	ml_held_context = AllocSetContextCreate(TopMemoryContext, "pg_mlops counters", ALLOCSET_DEFAULT_SIZES);
	memset(&ctl, 0, sizeof ctl);
	ctl.keysize = sizeof(MlServingKey);
	ctl.entrysize = sizeof(MlHeldEntry);
	ctl.hcxt = ml_held_context;
	ml_held_table = hash_create("pg_mlops counters", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	RegisterXactCallback(ml_counters_xact, NULL);
	RegisterSubXactCallback(ml_counters_subxact, NULL);
	INSTR_TIME_SET_CURRENT(ml_handed_over);
}

/* Drops the counters that no call site refers to; what they have is handed over. */
static void
ml_counters_shrink(void)
{
	HASH_SEQ_STATUS status;
	MlHeldEntry *entry;

	ml_counters_quit(false);
	hash_seq_init(&status, ml_held_table);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->held->refs == 0)
		{
			ml_counter_delete(entry->held);
			(void) hash_search(ml_held_table, &entry->key, HASH_REMOVE, NULL);
		}
}

/* The place of a feature that rows can be cut by, or -1. */
static int
ml_counter_slice_column(const MlBaseline *baseline, const char *name)
{
	int			column = baseline ? ml_baseline_find(baseline, name) : -1;

	return column >= 0 && baseline->bins[column].cell >= 0 ? column : -1;
}

/* The columns of the slices that have bins; others cannot cut. */
static void
ml_counter_slices(MlHeldCounter *held, List *slices)
{
	MlBaseline *baseline = held->counter.baseline;
	ListCell   *lc;
	Size		bytes = 0;

	held->slices = palloc(sizeof(int) * Max(list_length(slices), 1));
	foreach(lc, slices)
		bytes += strlen(lfirst(lc)) + 1;
	held->slice_names = palloc(Max(bytes, 1));
	foreach(lc, slices)
	{
		const char *name = lfirst(lc);
		int			column = ml_counter_slice_column(baseline, name);

		if (column < 0)
			continue;
		held->slices[held->nslices++] = column;
		memcpy(held->slice_names + held->slice_bytes, name, strlen(name) + 1);
		held->slice_bytes += strlen(name) + 1;
	}
}

/* Room for the rows that are not counted yet. */
static void
ml_counter_block_create(MlCounter *c)
{
	const MlBaseline *b = c->baseline;
	int			columns = b ? b->ncolumns : 0;

	c->capacity = Min(Max(ML_BLOCK_BYTES_MAX / 8 / (columns + 1) / 8 * 8, 8), ML_COUNT_BLOCK);
	c->limit = c->capacity;
	c->cells = palloc(sizeof(int) * Max(columns, 1));
	c->straight = true;
	/* the prediction is the last column, if it has bins */
	for (int j = 0; j < columns && b->bins[j].cell >= 0; j++)
	{
		c->cells[c->ncells++] = b->bins[j].cell;
		c->straight &= b->bins[j].cell == j;
	}
	c->block = palloc_extended(sizeof(double) * c->capacity * (c->ncells + 1), MCXT_ALLOC_HUGE);
	if (b && b->nscores > 0)
	{
		c->scores = palloc(sizeof(double) * c->capacity);
		c->score_bins = palloc(sizeof(int8) * c->capacity);
	}
}

/* Makes a counter in a context of its own. */
static MlHeldCounter *
ml_counter_create(const MlCounterSpec *spec, const MlServingKey *key, MlServingCount *session)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops counter", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MlHeldCounter *held = palloc0(sizeof(MlHeldCounter));
	MlCounter  *c = &held->counter;
	bytea	   *bytes = ml_catalog_baseline(spec->served->version.model, spec->served->version.version);

	held->context = context;
	held->key = *key;
	held->window_us = spec->window_us;
	c->session = session;
	c->baseline = bytes ? ml_baseline_decode(bytes) : NULL;
	if (c->baseline)
		ml_baseline_require(c->baseline, spec->ncells, spec->scored);
	ml_counter_slices(held, spec->slices);
	if (c->baseline)
		ml_counts_shape(&c->counts.shape, c->baseline, held->nslices, held->slices);
	else
	{
		c->counts.shape.nsets = 1;
		ml_counts_measure(&c->counts.shape);
	}
	c->counts.words = palloc_extended(sizeof(int64) * c->counts.shape.words, MCXT_ALLOC_HUGE);
	ml_counts_clear(&c->counts.shape, c->counts.words);
	held->config = hash_bytes_extended((const unsigned char *) held->slice_names, (int) held->slice_bytes,
									   (uint64) c->counts.shape.words);
	ml_counter_block_create(c);
	MemoryContextSwitchTo(old);
	/* complete: it may stay */
	MemoryContextSetParent(context, ml_held_context);
	held->bytes = MemoryContextMemAllocated(context, true);
	ml_held_bytes += held->bytes;
	return held;
}

/* Whether a counter counts what is asked for. */
static bool
ml_counter_fits(const MlHeldCounter *held, const MlCounterSpec *spec)
{
	const char *name = held->slice_names;
	ListCell   *lc;

	if (memcmp(held->key.digest, spec->served->version.digest, ML_DIGEST_BYTES) != 0 ||
		held->window_us != spec->window_us)
		return false;
	foreach(lc, spec->slices)
	{
		if (ml_counter_slice_column(held->counter.baseline, lfirst(lc)) < 0)
			continue;
		if (name >= held->slice_names + held->slice_bytes || strcmp(name, lfirst(lc)) != 0)
			return false;
		name += strlen(name) + 1;
	}
	return name == held->slice_names + held->slice_bytes;
}

/* Lets a counter go as soon as nobody refers to it. */
static void
ml_counter_retire(MlHeldCounter *held)
{
	held->retired = true;
	if (held->refs == 0 && !held->active)
		ml_counter_delete(held);
}

static void
ml_counter_release(void *arg)
{
	MlHeldCounter *held = arg;

	held->refs--;
	if (held->retired)
		ml_counter_retire(held);
}

MlCounter *
ml_counter_open(const MlCounterSpec *spec, MlServingCount *session, MemoryContext until)
{
	const MlVersionRef *version = &spec->served->version;
	MlServingKey key;
	MlHeldEntry *entry;
	MlHeldCounter *held;
	MemoryContextCallback *callback = MemoryContextAllocZero(until, sizeof(MemoryContextCallback));
	bool		found;

	if (ml_held_table == NULL)
		ml_counters_init();
	if (ml_held_bytes > ML_COUNTERS_BYTES_MAX)
		ml_counters_shrink();
	memset(&key, 0, sizeof key);
	strlcpy(key.model, version->model, sizeof key.model);
	key.version = version->version;
	key.role = spec->served->role;
	entry = hash_search(ml_held_table, &key, HASH_FIND, NULL);
	if (entry == NULL || !ml_counter_fits(entry->held, spec))
	{
		MlServingKey full = key;

		memcpy(full.digest, version->digest, ML_DIGEST_BYTES);
		held = ml_counter_create(spec, &full, session);
		entry = hash_search(ml_held_table, &key, HASH_ENTER, &found);
		if (found)
			ml_counter_retire(entry->held);
		entry->held = held;
	}
	held = entry->held;
	if (!held->active)
	{
		held->active = true;
		held->next = ml_held_active;
		ml_held_active = held;
	}
	held->refs++;
	callback->func = ml_counter_release;
	callback->arg = held;
	MemoryContextRegisterResetCallback(until, callback);
	return &held->counter;
}

/* ---- counting ---- */

double
ml_latency_bin_ns(int bin)
{
	return ldexp(bin % 2 == 0 ? 64 : 96, bin / 2);
}

void
ml_counter_timed(MlCounter *c)
{
	instr_time	now;
	instr_time	since;
	int64		ns;
	int			bin = 0;

	INSTR_TIME_SET_CURRENT(now);
	since = now;
	INSTR_TIME_SUBTRACT(since, c->started);
	ns = (int64) (INSTR_TIME_GET_DOUBLE(since) * 1e9);
	while (bin < ML_LATENCY_BINS - 1 && ns >= (bin % 2 == 0 ? INT64CONST(96) : INT64CONST(128)) << bin / 2)
		bin++;
	c->counts.words[ML_SERVICE_SAMPLES]++;
	c->counts.words[ML_SERVICE_NS] += ns;
	c->counts.words[ML_SERVICE_LATENCY + bin]++;
	c->limit = ns > ML_SLOW_NS ? 1 : c->capacity;
	since = now;
	INSTR_TIME_SUBTRACT(since, ml_handed_over);
	if (INSTR_TIME_GET_DOUBLE(since) * 1e9 > ML_HAND_OVER_NS)
		ml_hand_over_due = true;
}

void
ml_counter_unseen(MlCounter *c, int cell)
{
	for (int j = 0; j < c->ncells; j++)
		if (c->cells[j] == cell)
			c->block[j * c->capacity + c->pending] = ml_cell_from_bits(ML_UNSEEN_BITS);
}

static inline void
ml_word_plus(int64 *word, double x)
{
	*word = (int64) ml_cell_bits(ml_cell_from_bits((uint64) *word) + x);
}

/* Counts n numbers of a column. */
static void
ml_counter_numbers(const MlBins *bins, const double *x, int n, int64 *words)
{
	double		full[ML_COUNT_BLOCK];
	MlBinCounts counts;
	int64	   *count = words + 5;
	int			last = bins->nedges;

	if (n < ML_COUNT_BLOCK)
	{
		memcpy(full, x, sizeof(double) * n);
		for (int i = n; i < ML_COUNT_BLOCK; i++)
			full[i] = ml_cell_from_bits(ML_NAN_BITS);
		x = full;
	}
	ml_count_bins(x, bins->nedges, bins->edges, bins->center, (int64) ML_NULL_BITS, &counts);
	words[0] += counts.finite;
	ml_word_plus(&words[1], counts.sum);
	ml_word_plus(&words[2], counts.squares);
	words[3] = (int64) ml_cell_bits(fmin(ml_cell_from_bits((uint64) words[3]), counts.min));
	words[4] = (int64) ml_cell_bits(fmax(ml_cell_from_bits((uint64) words[4]), counts.max));
	count[0] += counts.numbers - (last > 0 ? counts.reached[0] : 0);
	for (int k = 1; k < last; k++)
		count[k] += counts.reached[k - 1] - counts.reached[k];
	if (last > 0)
		count[last] += counts.reached[last - 1];
	count[ml_bins_null(bins)] += counts.nulls;
	count[ml_bins_nan(bins)] += n - counts.numbers - counts.nulls;
}

/* Counts rows of the block, all of them or those given, into one set. */
static void
ml_counter_set(const MlHeldCounter *held, int64 *words, int set, int n, const uint8 *rows)
{
	const MlCounter *c = &held->counter;
	MlCounts	counts = {c->counts.shape, words};
	double		picked[ML_COUNT_BLOCK];
	int64	   *scores = ml_counts_scores(&counts, set);
	int64	   *column = ml_counts_column(&counts, set, 0);

	column[-1] += n;
	for (int j = 0; j < c->counts.shape.ncolumns; j++)
	{
		const MlBins *bins = &c->baseline->bins[j];
		const double *x = c->block + (Size) j * c->capacity;

		for (int i = 0; rows != NULL && i < n; i++)
			picked[i] = x[rows[i]];
		if (rows != NULL)
			x = picked;
		if (bins->ordered)
			ml_counter_numbers(bins, x, n, column);
		else
			for (int i = 0; i < n; i++)
				column[5 + ml_bins_find(bins, x[i])]++;
		column += 5 + bins->nbins;
	}
	for (int i = 0; c->scores != NULL && i < n; i++)
	{
		int			row = rows ? rows[i] : i;

		scores[2 * c->score_bins[row]]++;
		ml_word_plus(&scores[2 * c->score_bins[row] + 1], c->scores[row]);
	}
}

/* Counts the rows of the block into the sets of a slice column, of which first is the first. */
static void
ml_counter_slice(const MlHeldCounter *held, int64 *words, int first, int column)
{
	const MlCounter *c = &held->counter;
	const MlBins *bins = &c->baseline->bins[column];
	const double *x = c->block + (Size) column * c->capacity;
	int			bin[ML_COUNT_BLOCK];
	uint8		rows[ML_COUNT_BLOCK];

	for (int i = 0; i < c->pending; i++)
		bin[i] = ml_bins_find(bins, x[i]);
	for (int i = 0; i < c->pending; i++)
	{
		int			n = 0;

		/* each bin at its first row */
		for (int k = 0; k < i && n == 0; k++)
			n = bin[k] == bin[i];
		if (n != 0)
			continue;
		for (int k = i; k < c->pending; k++)
			if (bin[k] == bin[i])
				rows[n++] = (uint8) k;
		ml_counter_set(held, words, first + bin[i], n, rows);
	}
}

void
ml_counter_count(MlHeldCounter *held, int64 *words)
{
	MlCounter  *c = &held->counter;
	int			set = 1;

	if (c->pending == 0)
		return;
	if (c->baseline == NULL)
		words[ML_SERVICE_WORDS] += c->pending;
	else
	{
		ml_counter_set(held, words, 0, c->pending, NULL);
		for (int i = 0; i < held->nslices; i++)
		{
			ml_counter_slice(held, words, set, held->slices[i]);
			set += c->baseline->bins[held->slices[i]].nbins;
		}
	}
	c->pending = 0;
}

void
ml_counter_block(MlCounter *counter)
{
	ml_counter_count((MlHeldCounter *) counter, counter->counts.words);
	if (unlikely(ml_hand_over_due))
		ml_counters_hand_over();
}
