/*
 * collect.c - asking for collectors while a scan is planned, and for what they found when it is judged.
 */
#include "postgres.h"

#include <math.h>

#include "base/bytes.h"
#include "base/compat.h"
#include "check/scan.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* ---- planning ---- */

static bool
ml_collector_is(const MlCollector *collector, MlCollectKind kind, int where, int ncolumns, const MlCheckColumn *columns)
{
	if (collector->kind != kind || collector->where != where || collector->ncolumns != ncolumns)
		return false;
	for (int i = 0; i < ncolumns; i++)
		if (collector->columns[i].index != columns[i].index)
			return false;
	return true;
}

static MlCollector *
ml_collecting_add(MlCollecting *scan, MlCollectKind kind, int ncolumns, const MlCheckColumn *columns)
{
	MlCollector *collector;

	if (scan->n == scan->capacity)
	{
		scan->capacity = Max(16, scan->capacity * 2);
		scan->collectors = scan->collectors ? repalloc(scan->collectors, sizeof(MlCollector) * scan->capacity) :
			palloc(sizeof(MlCollector) * scan->capacity);
	}
	collector = &scan->collectors[scan->n++];
	memset(collector, 0, sizeof *collector);
	collector->kind = kind;
	collector->where = scan->where;
	collector->ncolumns = ncolumns;
	collector->columns = palloc(sizeof(MlCheckColumn) * Max(ncolumns, 1));
	memcpy(collector->columns, columns, sizeof(MlCheckColumn) * ncolumns);
	return collector;
}

/* Refuses a type that no number, or no text, can be had of. */
static void
ml_collect_check_type(const MlCollecting *scan, MlCollectKind kind, bool numbers, const MlCheckColumn *column)
{
	MlTypeClass class = column->convert.class;
	bool		number = class == ML_TYPE_NUMBER || class == ML_TYPE_TIME || class == ML_TYPE_TIMETZ ||
		class == ML_TYPE_INTERVAL;

	if (numbers && !number)
		ml_check_refuse_type(scan->check, column, "a number, a date or a time");
	if (!numbers && (class == ML_TYPE_UNSUPPORTED || class == ML_TYPE_ARRAY))
		ml_check_refuse_type(scan->check, column, "a text, a number or a time");
}

void
ml_collect(MlCollecting *scan, MlCollectKind kind, int ncolumns, const MlCheckColumn *columns)
{
	for (int i = 0; i < scan->n; i++)
		if (ml_collector_is(&scan->collectors[i], kind, scan->where, ncolumns, columns))
			return;
	if (kind == ML_COLLECT_MOMENTS || kind == ML_COLLECT_SHAPE || kind == ML_COLLECT_PRODUCTS || kind == ML_COLLECT_HISTOGRAM)
		for (int i = 0; i < ncolumns; i++)
			ml_collect_check_type(scan, kind, true, &columns[i]);
	if (kind == ML_COLLECT_LEVELS)
		ml_collect_check_type(scan, kind, false, &columns[0]);
	/* hash functions are looked up here once, so that a type without one is refused before the scan */
	ml_collector_prepare(ml_collecting_add(scan, kind, ncolumns, columns));
}

void
ml_collect_bins(MlCollecting *scan, const MlCheckColumn *column, int nedges, const double *edges,
				int nlevels, char *const *levels)
{
	MlCollector *collector;

	ml_collect_check_type(scan, ML_COLLECT_BINS, nedges > 0, column);
	collector = ml_collecting_add(scan, ML_COLLECT_BINS, 1, column);
	collector->nedges = nedges;
	collector->edges = palloc(sizeof(double) * Max(nedges, 1));
	if (nedges > 0)
		memcpy(collector->edges, edges, sizeof(double) * nedges);
	collector->nlevels = nlevels;
	collector->levels = palloc(sizeof(char *) * Max(nlevels, 1));
	for (int i = 0; i < nlevels; i++)
		collector->levels[i] = pstrdup(levels[i]);
	ml_collector_prepare(collector);
	scan->bins = scan->n - 1;
}

/* ---- reading ---- */

/* The collector of a kind over columns of those names, under the check's condition. */
static int
ml_collected_find(const MlCollected *scan, MlCollectKind kind, int ncolumns, char *const *columns)
{
	const MlScanProgram *program = scan->program;

	for (int i = 0; i < program->ncollectors; i++)
	{
		const MlCollector *collector = &program->collectors[i];
		bool		same = collector->kind == kind && collector->where == scan->where && collector->ncolumns == ncolumns;

		for (int k = 0; same && k < ncolumns; k++)
			same = strcmp(collector->columns[k].name, columns[k]) == 0;
		if (same)
			return i;
	}
	elog(ERROR, "a check asks for what was not collected");
}

static MlCollectorState *
ml_collected_state(const MlCollected *scan, MlCollectKind kind, const char *column)
{
	char	   *names[1];

	names[0] = unconstify(char *, column);
	return &scan->state->collectors[ml_collected_find(scan, kind, column ? 1 : 0, names)];
}

int64
ml_collected_rows(const MlCollected *scan)
{
	if (scan->counted)
		return scan->counted_rows;
	if (scan->check >= 0)
		return scan->state->looked_at[scan->check];
	return scan->where < 0 ? scan->state->rows : ml_collected_state(scan, ML_COLLECT_ROWS, NULL)->counts.rows;
}

int64
ml_collected_failed(const MlCollected *scan)
{
	if (scan->counted)
		return scan->counted_failed;
	return scan->check >= 0 ? scan->state->failed[scan->check] : 0;
}

const MlCheckColumn *
ml_collected_columns(const MlCollected *scan)
{
	return scan->columns;
}

MlRowCounts
ml_collected_counts(const MlCollected *scan, const char *column)
{
	return ml_collected_state(scan, ML_COLLECT_ROWS, column)->counts;
}

MlMomentFigures
ml_collected_moments(const MlCollected *scan, const char *column)
{
	const MlCollectorState *c = ml_collected_state(scan, ML_COLLECT_MOMENTS, column);
	MlMomentFigures figures;
	double		fraction;
	int			exponent;

	figures.n = c->counts.rows;
	figures.finite = c->finite;
	figures.sum = figures.mean = figures.stddev = figures.min = figures.max = get_float8_nan();
	if (figures.n == 0)
		return figures;
	figures.min = c->min;
	figures.max = c->max;
	if (!c->finite)
		return figures;
	figures.sum = ml_exact_value(&c->sums[0]);
	figures.mean = ml_exact_mean(&c->sums[0], figures.n);
	if (figures.n > 1)
	{
		ml_exact_variation(&c->sums[0], &c->products[0], figures.n, &fraction, &exponent);
		figures.stddev = sqrt(ldexp(fraction / ((double) figures.n * (double) (figures.n - 1)), exponent));
	}
	return figures;
}

MlShapeFigures
ml_collected_shape(const MlCollected *scan, const char *column)
{
	const MlCollectorState *c = ml_collected_state(scan, ML_COLLECT_SHAPE, column);
	MlShapeFigures figures = {c->counts.rows, get_float8_nan(), get_float8_nan()};
	MlDd		n = ml_dd((double) figures.n);
	MlDd		mean;
	MlDd		square;
	MlDd		m[5];

	if (figures.n == 0)
		return figures;
	for (int k = 0; k < 4; k++)
		m[k + 1] = ml_dd_div(c->powers[k], n);
	/* central moments from those about the shift */
	mean = m[1];
	square = ml_dd_mul(mean, mean);
	m[4] = ml_dd_add(ml_dd_sub(m[4], ml_dd_mul(ml_dd_mul(ml_dd(4), mean), m[3])),
					 ml_dd_sub(ml_dd_mul(ml_dd_mul(ml_dd(6), square), m[2]), ml_dd_mul(ml_dd(3), ml_dd_mul(square, square))));
	m[3] = ml_dd_add(ml_dd_sub(m[3], ml_dd_mul(ml_dd_mul(ml_dd(3), mean), m[2])),
					 ml_dd_mul(ml_dd_mul(ml_dd(2), mean), square));
	m[2] = ml_dd_sub(m[2], square);
	if (m[2].hi > 0)
	{
		figures.skewness = m[3].hi / (m[2].hi * sqrt(m[2].hi));
		figures.kurtosis = m[4].hi / (m[2].hi * m[2].hi) - 3;
	}
	return figures;
}

MlProductFigures
ml_collected_products(const MlCollected *scan, const char *a, const char *b)
{
	char	   *names[2];
	const MlCollectorState *c;
	MlProductFigures figures = {0, get_float8_nan()};
	MlDd		n;
	double		fx;
	double		fy;
	int			ex;
	int			ey;

	names[0] = unconstify(char *, a);
	names[1] = unconstify(char *, b);
	c = &scan->state->collectors[ml_collected_find(scan, ML_COLLECT_PRODUCTS, 2, names)];
	figures.n = c->counts.rows;
	if (figures.n < 2)
		return figures;
	n = ml_dd((double) figures.n);
	ml_exact_variation(&c->sums[0], &c->products[0], figures.n, &fx, &ex);
	ml_exact_variation(&c->sums[1], &c->products[1], figures.n, &fy, &ey);
	if (fx > 0 && fy > 0)
	{
		double		fxy;
		int			exy;
		double		mx = ml_exact_mean(&c->sums[0], figures.n);
		double		my = ml_exact_mean(&c->sums[1], figures.n);
		MlDd		centred;

		ml_exact_products_parts(&c->products[2], &fxy, &exy);
		/* n * sum(xy) - sum(x) * sum(y) = n * (sum(xy) - n mx my) */
		centred = ml_dd_sub(ml_dd(ldexp(fxy, exy)), ml_dd_mul(n, ml_dd_two_prod(mx, my)));
		figures.correlation = centred.hi * (double) figures.n / sqrt(ldexp(fx, ex)) / sqrt(ldexp(fy, ey));
		figures.correlation = Max(-1.0, Min(1.0, figures.correlation));
	}
	return figures;
}

static void
ml_collected_values(const MlCollected *scan, MlCollectKind kind, int ncolumns, char *const *columns, MlGroupSink sink,
					void *ctx)
{
	int			at = ml_collected_find(scan, kind, ncolumns, columns);
	bool		valued = kind == ML_COLLECT_GROUPS && ncolumns == 1;
	const MlCollector *collector = &scan->program->collectors[at];
	MlCounts   *counts = &scan->state->collectors[at].values;
	MlCount    *entries;

	if (counts->lost)
	{
		scan->again(scan->again_ctx, collector, sink, NULL, NULL, ctx);
		return;
	}
	entries = ml_counts_sorted(counts);
	for (uint64 i = 0; i < counts->used; i++)
		sink(ctx, valued ? ml_key_value(&collector->columns[0], entries[i].a) : get_float8_nan(), entries[i].n);
}

void
ml_collected_groups(const MlCollected *scan, int ncolumns, char *const *columns, MlGroupSink sink, void *ctx)
{
	ml_collected_values(scan, ML_COLLECT_GROUPS, ncolumns, columns, sink, ctx);
}

void
ml_collected_copies(const MlCollected *scan, int ncolumns, char *const *columns, MlGroupSink sink, void *ctx)
{
	ml_collected_values(scan, ML_COLLECT_COPIES, ncolumns, columns, sink, ctx);
}

void
ml_collected_pairs(const MlCollected *scan, int ncolumns, char *const *columns, MlPairSink sink, void *ctx)
{
	int			at = ml_collected_find(scan, ML_COLLECT_PAIRS, ncolumns, columns);
	MlCounts   *counts = &scan->state->collectors[at].values;
	MlCount    *entries;

	if (counts->lost)
	{
		scan->again(scan->again_ctx, &scan->program->collectors[at], NULL, NULL, sink, ctx);
		return;
	}
	entries = ml_counts_sorted(counts);
	for (uint64 i = 0, next; i < counts->used; i = next)
	{
		MlPairCounts pair = {0};

		for (next = i; next < counts->used && entries[next].a == entries[i].a; next++)
			ml_pair_counts_add(&pair, entries[next].n);
		sink(ctx, &pair);
	}
}

/* Order of a dictionary's texts, for qsort_arg. */
static int
ml_levels_compare(const void *a, const void *b, void *arg)
{
	const MlDict *dict = arg;
	const MlDictText *x = &dict->texts[*(const int *) a];
	const MlDictText *y = &dict->texts[*(const int *) b];

	return ml_text_compare(x->bytes, x->length, y->bytes, y->length);
}

void
ml_collected_levels(const MlCollected *scan, int ncolumns, char *const *columns, MlLevelSink sink, void *ctx)
{
	int			at = ml_collected_find(scan, ML_COLLECT_LEVELS, ncolumns, columns);
	MlCollectorState *c = &scan->state->collectors[at];
	int		   *order;

	if (c->lost)
	{
		scan->again(scan->again_ctx, &scan->program->collectors[at], NULL, sink, NULL, ctx);
		return;
	}
	order = palloc_extended(sizeof(int) * Max(c->texts->count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < c->texts->count; i++)
		order[i] = i;
	qsort_arg(order, c->texts->count, sizeof(int), ml_levels_compare, c->texts);
	for (int i = 0; i < c->texts->count; i++)
	{
		const MlDictText *text = &c->texts->texts[order[i]];
		char	   *terminated = pnstrdup(text->bytes, text->length);

		sink(ctx, terminated, c->text_counts[2 * order[i]], c->text_counts[2 * order[i] + 1]);
		pfree(terminated);
	}
	pfree(order);
}

int
ml_collected_bins(const MlCollected *scan, const int64 **counts)
{
	if (scan->bins < 0)
		elog(ERROR, "a check asks for bins that were not collected");
	*counts = scan->state->collectors[scan->bins].bins;
	return scan->state->collectors[scan->bins].nbins;
}

const MlHistogram *
ml_collected_histogram(const MlCollected *scan, const char *column)
{
	return ml_collected_state(scan, ML_COLLECT_HISTOGRAM, column)->histogram;
}

const MlCheckPast *
ml_collected_past(const MlCollected *scan)
{
	return scan->past(scan->past_ctx);
}
