/*
 * scan_bytes.c - the state of a scan on its way from one process to another.
 *
 *     u32 checks, u32 collectors; each collector: u8 kind, u32 bins
 *     i64 rows; each check: i64 looked at, i64 failed
 *     each collector: its counts, finite, least and greatest, then what its
 *         kind holds
 *
 * Sums and counts are copied as they lie in memory: only a process of the same
 * server reads them. The reader trusts no byte all the same.
 */
#include "postgres.h"

#include "base/bytes.h"
#include "base/compat.h"
#include "check/scan.h"
#include "miscadmin.h"

static void
ml_write_i64(StringInfo out, int64 x)
{
	pq_sendint64(out, x);
}

static int64
ml_read_i64(MlReader *in)
{
	uint64		high = ml_read_u32(in);

	return (int64) (high << 32 | ml_read_u32(in));
}

static void
ml_write_words(StringInfo out, const void *words, Size bytes)
{
	appendBinaryStringInfo(out, words, bytes);
}

static void
ml_read_words(MlReader *in, void *words, Size bytes)
{
	if ((Size) (in->end - in->at) < bytes)
		ml_read_corrupted("the state of a scan ends too early");
	memcpy(words, in->at, bytes);
	in->at += bytes;
}

static void
ml_write_counts(StringInfo out, const MlCounts *counts)
{
	ml_write_u8(out, counts->lost);
	ml_write_i64(out, counts->used);
	for (uint64 i = 0; i < counts->capacity; i++)
		if (counts->entries[i].n > 0)
			ml_write_words(out, &counts->entries[i], sizeof(MlCount));
}

static void
ml_merge_counts(MlReader *in, MlCounts *into)
{
	bool		lost = ml_read_u8(in) != 0;
	int64		n = ml_read_i64(in);

	if (lost && !into->lost)
		ml_counts_lose(into);
	if (n < 0 || n > (in->end - in->at) / (int64) sizeof(MlCount))
		ml_read_corrupted("the state of a scan holds more counts than bytes");
	/* they come in the order of their hashes: put into a table that is too small, they would pile up */
	if (!into->lost)
		ml_counts_reserve(into, n);
	for (int64 i = 0; i < n; i++)
	{
		MlCount		count;

		ml_read_words(in, &count, sizeof count);
		if (count.n == 0)
			ml_read_corrupted("the state of a scan holds an empty count");
		if (!into->lost)
			ml_counts_add(into, count.a, count.b, count.n);
	}
}

static void
ml_write_levels(StringInfo out, const MlCollectorState *c)
{
	ml_write_u8(out, c->lost);
	ml_write_u32(out, c->lost ? 0 : c->texts->count);
	for (int i = 0; !c->lost && i < c->texts->count; i++)
	{
		ml_write_u32(out, c->texts->texts[i].length);
		appendBinaryStringInfo(out, c->texts->texts[i].bytes, c->texts->texts[i].length);
		ml_write_i64(out, c->text_counts[2 * i]);
		ml_write_i64(out, c->text_counts[2 * i + 1]);
	}
}

static void
ml_merge_levels(MlReader *in, MlScanState *state, MlCollectorState *into)
{
	bool		lost = ml_read_u8(in) != 0;
	int			n = ml_read_count(in, 20);

	if (lost && !into->lost)
		ml_levels_lose(state, into);
	for (int i = 0; i < n; i++)
	{
		int			length = ml_read_count(in, 1);
		const char *bytes = (const char *) in->at;
		int64		count;

		in->at += length;
		count = ml_read_i64(in);
		ml_levels_add(state, into, bytes, length, count, ml_read_i64(in));
	}
}

static void
ml_write_histogram(StringInfo out, const MlHistogram *h)
{
	ml_write_words(out, h, sizeof *h);
	for (uint32 i = 0; i < h->capacity; i++)
		if (h->bins[i].n > 0)
			ml_write_words(out, &h->bins[i], sizeof(MlBin));
}

/* Adds a histogram that was written; of its head only figures are used. */
static void
ml_merge_histogram(MlReader *in, MlHistogram *into)
{
	MlHistogram *from = ml_histogram_create(into->context);
	MlHistogram head;

	ml_read_words(in, &head, sizeof head);
	if (head.shift < 0 || head.shift > 63 || head.used > ML_HISTOGRAM_BINS_MAX)
		ml_read_corrupted("the state of a scan holds a histogram that is none");
	from->shift = head.shift;
	for (uint32 i = 0; i < head.used; i++)
	{
		MlBin		bin;

		ml_read_words(in, &bin, sizeof bin);
		if (bin.n <= 0)
			ml_read_corrupted("the state of a scan holds an empty bin");
		ml_histogram_count(from, bin.key, bin.n);
	}
	from->n = head.n;
	from->nans = head.nans;
	from->infinities = head.infinities;
	from->min = head.min;
	from->max = head.max;
	from->whole = head.whole;
	ml_histogram_merge(into, from);
	pfree(from->bins);
	pfree(from);
}

static void
ml_write_collector(StringInfo out, MlCollectKind kind, const MlCollectorState *c)
{
	ml_write_words(out, &c->counts, sizeof c->counts);
	ml_write_u8(out, c->finite);
	ml_write_f64(out, c->min);
	ml_write_f64(out, c->max);
	switch (kind)
	{
		case ML_COLLECT_MOMENTS:
			ml_write_words(out, c->sums, sizeof(MlExactSum));
			ml_write_words(out, c->products, sizeof(MlExactProducts));
			break;
		case ML_COLLECT_PRODUCTS:
			ml_write_words(out, c->sums, sizeof(MlExactSum) * 2);
			ml_write_words(out, c->products, sizeof(MlExactProducts) * 3);
			break;
		case ML_COLLECT_SHAPE:
			ml_write_f64(out, c->shift);
			ml_write_words(out, c->powers, sizeof c->powers);
			break;
		case ML_COLLECT_GROUPS:
		case ML_COLLECT_COPIES:
		case ML_COLLECT_PAIRS:
			ml_write_counts(out, &c->values);
			break;
		case ML_COLLECT_LEVELS:
			ml_write_levels(out, c);
			break;
		case ML_COLLECT_BINS:
			ml_write_words(out, c->bins, sizeof(int64) * c->nbins);
			break;
		case ML_COLLECT_HISTOGRAM:
			ml_write_histogram(out, c->histogram);
			break;
		default:
			break;
	}
}

void
ml_scan_state_write(StringInfo out, const MlScanState *state)
{
	ml_write_u32(out, state->nchecks);
	ml_write_u32(out, state->ncollectors);
	for (int i = 0; i < state->ncollectors; i++)
	{
		ml_write_u8(out, state->kinds[i]);
		ml_write_u32(out, state->collectors[i].nbins);
	}
	ml_write_i64(out, state->rows);
	for (int i = 0; i < state->nchecks; i++)
	{
		ml_write_i64(out, state->looked_at[i]);
		ml_write_i64(out, state->failed[i]);
	}
	for (int i = 0; i < state->ncollectors; i++)
		ml_write_collector(out, state->kinds[i], &state->collectors[i]);
}

/* Sums of powers about another shift. */
static void
ml_merge_shape(MlReader *in, MlCollectorState *into, int64 n, int64 n_into)
{
	double		shift = ml_read_f64(in);
	MlDd		p[4];
	MlDd		d;
	MlDd		d2;
	MlDd		count = ml_dd((double) n);

	ml_read_words(in, p, sizeof p);
	if (n == 0)
		return;
	if (n_into == 0)
		into->shift = shift;
	d = ml_dd_two_sum(shift, -into->shift);
	d2 = ml_dd_mul(d, d);
	/* (x + d)^k by the binomial theorem */
	into->powers[0] = ml_dd_add(into->powers[0], ml_dd_add(p[0], ml_dd_mul(count, d)));
	into->powers[1] = ml_dd_add(into->powers[1], ml_dd_add(p[1], ml_dd_add(ml_dd_mul(ml_dd_mul(ml_dd(2), d), p[0]),
																		 ml_dd_mul(count, d2))));
	into->powers[2] = ml_dd_add(into->powers[2],
								ml_dd_add(ml_dd_add(p[2], ml_dd_mul(ml_dd_mul(ml_dd(3), d), p[1])),
										  ml_dd_add(ml_dd_mul(ml_dd_mul(ml_dd(3), d2), p[0]),
													ml_dd_mul(count, ml_dd_mul(d2, d)))));
	into->powers[3] = ml_dd_add(into->powers[3],
								ml_dd_add(ml_dd_add(ml_dd_add(p[3], ml_dd_mul(ml_dd_mul(ml_dd(4), d), p[2])),
													ml_dd_mul(ml_dd_mul(ml_dd(6), d2), p[1])),
										  ml_dd_add(ml_dd_mul(ml_dd_mul(ml_dd(4), ml_dd_mul(d2, d)), p[0]),
													ml_dd_mul(count, ml_dd_mul(d2, d2)))));
}

static void
ml_merge_sums(MlReader *in, MlCollectorState *into, int nsums, int nproducts)
{
	for (int i = 0; i < nsums; i++)
	{
		MlExactSum	sum;

		ml_read_words(in, &sum, sizeof sum);
		ml_exact_merge(&into->sums[i], &sum);
	}
	for (int i = 0; i < nproducts; i++)
	{
		MlExactProducts products;

		ml_read_words(in, &products, sizeof products);
		ml_exact_products_merge(&into->products[i], &products);
	}
}

static void
ml_merge_collector(MlReader *in, MlScanState *state, MlCollectKind kind, MlCollectorState *into)
{
	MlRowCounts counts;
	int64		before = into->counts.rows;
	double		bound;

	ml_read_words(in, &counts, sizeof counts);
	into->counts.rows += counts.rows;
	into->counts.nulls += counts.nulls;
	into->counts.nans += counts.nans;
	into->counts.infinities += counts.infinities;
	into->counts.zeros += counts.zeros;
	if (ml_read_u8(in) == 0)
		into->finite = false;
	bound = ml_read_f64(in);
	if (bound < into->min)
		into->min = bound;
	bound = ml_read_f64(in);
	if (bound > into->max)
		into->max = bound;
	switch (kind)
	{
		case ML_COLLECT_MOMENTS:
			ml_merge_sums(in, into, 1, 1);
			break;
		case ML_COLLECT_PRODUCTS:
			ml_merge_sums(in, into, 2, 3);
			break;
		case ML_COLLECT_SHAPE:
			ml_merge_shape(in, into, counts.rows, before);
			break;
		case ML_COLLECT_GROUPS:
		case ML_COLLECT_COPIES:
		case ML_COLLECT_PAIRS:
			ml_merge_counts(in, &into->values);
			break;
		case ML_COLLECT_LEVELS:
			ml_merge_levels(in, state, into);
			break;
		case ML_COLLECT_BINS:
			for (int i = 0; i < into->nbins; i++)
			{
				int64		n;

				ml_read_words(in, &n, sizeof n);
				into->bins[i] += n;
			}
			break;
		case ML_COLLECT_HISTOGRAM:
			ml_merge_histogram(in, into->histogram);
			break;
		default:
			break;
	}
}

MlScanState *
ml_scan_state_like(const char *bytes, int length, MemoryContext context, Size bytes_max)
{
	MlReader	in = {(const uint8 *) bytes, (const uint8 *) bytes + length};
	int			nchecks = ml_read_count(&in, 16);
	int			ncollectors = ml_read_count(&in, 5 + sizeof(MlRowCounts) + 17);
	MlScanState *state = ml_scan_state_room(context, bytes_max, nchecks, ncollectors);
	MemoryContext old = MemoryContextSwitchTo(state->context);
	uint32		bins = 0;

	for (int i = 0; i < ncollectors; i++)
	{
		uint32		nbins;

		state->kinds[i] = ml_read_u8(&in);
		nbins = ml_read_u32(&in);
		/* all bins together: a state from an unknown hand takes no more memory than its bytes */
		if (nbins > (uint32) length / sizeof(int64) - bins)
			ml_read_corrupted("the state of a scan has more bins than bytes");
		bins += nbins;
		ml_collector_state_init(state, &state->collectors[i], state->kinds[i], nbins);
	}
	MemoryContextSwitchTo(old);
	return state;
}

void
ml_scan_state_merge(MlScanState *into, const char *bytes, int length)
{
	MlReader	in = {(const uint8 *) bytes, (const uint8 *) bytes + length};
	MemoryContext old = MemoryContextSwitchTo(into->context);
	bool		same = ml_read_u32(&in) == into->nchecks;

	same = ml_read_u32(&in) == into->ncollectors && same;
	for (int i = 0; same && i < into->ncollectors; i++)
	{
		same = ml_read_u8(&in) == into->kinds[i];
		same = ml_read_u32(&in) == into->collectors[i].nbins && same;
	}
	if (!same)
		ml_read_corrupted("the states of two scans do not belong together");
	into->rows += ml_read_i64(&in);
	for (int i = 0; i < into->nchecks; i++)
	{
		into->looked_at[i] += ml_read_i64(&in);
		into->failed[i] += ml_read_i64(&in);
	}
	for (int i = 0; i < into->ncollectors; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ml_merge_collector(&in, into, into->kinds[i], &into->collectors[i]);
	}
	MemoryContextSwitchTo(old);
}
