/*
 * drift_between.c - drift of the rows of a source against those of another, which make the bins.
 *
 * The reference is read once: how its numbers are spread, and how often each
 * text occurs, make the bins and the counts in them. Then the current side is
 * counted in these. Columns are matched by name; their types have to be of one
 * class. Sums are exact, so the order of rows does not show.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/convert.h"
#include "base/dict.h"
#include "base/settings.h"
#include "base/text.h"
#include "flow/drift_source.h"
#include "flow/source.h"
#include "math/exact_sum.h"
#include "monitor/judge.h"
#include "monitor/tally.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* A column of both sources. */
typedef struct MlBetweenColumn
{
	char	   *name;
	char	   *type_name;		/* of the reference */
	MlConvert	convert;
	int			attribute;
	/* the reference: numbers */
	MlHistogram *histogram;
	MlExactSum	sum;
	MlExactProducts squares;
	/* texts */
	MlDict	   *dict;
	int64	   *levels;			/* rows by code */
	int			capacity;
	int64		nulls;
	/* the current side */
	MlConvert	current;
	int			current_attribute;
} MlBetweenColumn;

typedef struct MlBetween
{
	MemoryContext context;
	int			ncolumns;
	MlBetweenColumn *columns;
	List	   *unused;			/* names (char *) of columns of types that cannot be compared */
	int64		rows;
	MlBaseline	baseline;
	double	   *cells;
	MlTally		tally;
} MlBetween;

static bool
ml_between_usable(MlTypeClass class)
{
	return class != ML_TYPE_UNSUPPORTED && class != ML_TYPE_ARRAY;
}

void
ml_drift_check_methods(List *methods)
{
	List	   *names = ml_drift_methods_list();
	ListCell   *lc;

	foreach(lc, methods)
		if (ml_drift_method_find(lfirst(lc)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("drift method \"%s\" does not exist", (char *) lfirst(lc)),
					 errdetail("The methods are: %s.", ml_text_list(names, 50)),
					 errhint("%s", ml_text_hint(lfirst(lc), names, "See ml.drift_methods."))));
}

/* ---- the reference ---- */

static void
ml_between_describe(void *ctx, TupleDesc desc)
{
	MlBetween  *b = ctx;
	MemoryContext old = MemoryContextSwitchTo(b->context);

	b->columns = palloc0(sizeof(MlBetweenColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		MlBetweenColumn *column = &b->columns[b->ncolumns];

		for (int k = 0; k < b->ncolumns; k++)
			if (strcmp(b->columns[k].name, NameStr(att->attname)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_AMBIGUOUS_COLUMN),
						 errmsg("reference has more than one column \"%s\"", NameStr(att->attname)),
						 errhint("Give the columns of the query different names.")));
		ml_convert_init(&column->convert, att->atttypid);
		if (!ml_between_usable(column->convert.class))
		{
			b->unused = lappend(b->unused, pstrdup(NameStr(att->attname)));
			continue;
		}
		column->name = pstrdup(NameStr(att->attname));
		column->type_name = format_type_be(att->atttypid);
		column->attribute = i;
		if (column->convert.class == ML_TYPE_TEXT)
			column->dict = ml_dict_create();
		else
			column->histogram = ml_histogram_create(b->context);
		b->ncolumns++;
	}
	MemoryContextSwitchTo(old);
}

/* Counts a text; texts that do not fit into memory are refused, not left out. */
static void
ml_between_text(MlBetween *b, MlBetweenColumn *column, Datum value)
{
	int			length;
	const char *text = ml_convert_text(&column->convert, value, &length);
	int			code = ml_dict_add(column->dict, text, length);
	Size		used = column->dict->text_bytes + sizeof(MlDictText) * column->dict->count;

	if (code >= column->capacity)
	{
		int			capacity = Max(2 * column->capacity, 64);
		int64	   *levels = MemoryContextAllocExtended(b->context, sizeof(int64) * capacity, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

		if (column->levels != NULL)
		{
			memcpy(levels, column->levels, sizeof(int64) * column->capacity);
			pfree(column->levels);
		}
		column->levels = levels;
		column->capacity = capacity;
	}
	column->levels[code]++;
	if (used > ML_TRAIN_MEMORY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column \"%s\" has too many different texts", column->name),
				 errdetail("%d of them take %s, and pg_mlops.train_memory is %s.", column->dict->count,
						   ml_text_bytes((double) used), ml_text_bytes((double) ML_TRAIN_MEMORY_BYTES)),
				 errhint("Leave it out of both queries: what is different in every row cannot drift.")));
}

static bool
ml_between_reference_row(void *ctx, TupleTableSlot *slot)
{
	MlBetween  *b = ctx;

	slot_getallattrs(slot);
	b->rows++;
	for (int i = 0; i < b->ncolumns; i++)
	{
		MlBetweenColumn *column = &b->columns[i];
		double		x;

		if (slot->tts_isnull[column->attribute])
		{
			column->nulls++;
			continue;
		}
		if (column->dict != NULL)
		{
			ml_between_text(b, column, slot->tts_values[column->attribute]);
			continue;
		}
		x = ml_convert_number(&column->convert, slot->tts_values[column->attribute]);
		ml_histogram_add(column->histogram, x);
		if (isfinite(x))
		{
			ml_exact_add(&column->sum, x);
			ml_exact_products_add(&column->squares, x, x);
		}
	}
	return true;
}

/* ---- bins ---- */

typedef struct MlBetweenLevel
{
	const char *text;
	int			code;
	int64		n;
} MlBetweenLevel;

static int
ml_between_compare(const void *a, const void *b)
{
	const MlBetweenLevel *x = a;
	const MlBetweenLevel *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->text, y->text);
}

/* Bins of a column of texts: the commonest ones, and the rest. */
static int64 *
ml_between_levels(MlBetweenColumn *column, MlBins *bins)
{
	int			n = column->dict->count;
	MlBetweenLevel *levels = palloc_extended(sizeof(MlBetweenLevel) * Max(n, 1), MCXT_ALLOC_HUGE);
	int64	   *counts;

	for (int c = 0; c < n; c++)
	{
		levels[c].text = column->dict->texts[c].bytes;
		levels[c].code = c;
		levels[c].n = column->levels[c];
	}
	qsort(levels, n, sizeof(MlBetweenLevel), ml_between_compare);
	bins->nlevels = Min(n, ML_BINS_LEVELS_MAX);
	bins->levels = palloc(sizeof(char *) * Max(bins->nlevels, 1));
	bins->codes = palloc(sizeof(int) * Max(bins->nlevels, 1));
	bins->nbins = bins->nlevels + 3;
	counts = palloc0(sizeof(int64) * bins->nbins);
	for (int i = 0; i < n; i++)
	{
		counts[Min(i, bins->nlevels)] += levels[i].n;
		if (i >= bins->nlevels)
			continue;
		bins->levels[i] = unconstify(char *, levels[i].text);
		bins->codes[i] = levels[i].code;
	}
	counts[ml_bins_null(bins)] = column->nulls;
	pfree(levels);
	return counts;
}

/* The counts of a column of the reference as words; its center is its mean. */
static void
ml_between_words(MlBetweenColumn *column, MlBins *bins, const int64 *counts, int64 *words)
{
	int64		n = column->histogram != NULL ? column->histogram->n : 0;
	double		fraction = 0;
	int			exponent = 0;

	if (n > 0)
	{
		double		mean = ml_exact_mean(&column->sum, n);

		bins->center = isfinite(mean) ? mean : 0;
		ml_exact_variation(&column->sum, &column->squares, n, &fraction, &exponent);
		words[0] = n;
		/* deviations from the mean add up to nothing */
		words[2] = (int64) ml_cell_bits(ldexp(fraction, exponent) / (double) n);
		words[3] = (int64) ml_cell_bits(column->histogram->min);
		words[4] = (int64) ml_cell_bits(column->histogram->max);
	}
	memcpy(words + 5, counts, sizeof(int64) * bins->nbins);
}

static void
ml_between_bins(MlBetween *b)
{
	MlBaseline *baseline = &b->baseline;
	uint16	   *nbins = palloc(sizeof(uint16) * Max(b->ncolumns, 1));
	int64	  **counts = palloc(sizeof(int64 *) * Max(b->ncolumns, 1));

	baseline->ncolumns = b->ncolumns;
	baseline->bins = palloc0(sizeof(MlBins) * Max(b->ncolumns, 1));
	for (int i = 0; i < b->ncolumns; i++)
	{
		MlBins	   *bins = &baseline->bins[i];

		bins->name = b->columns[i].name;
		bins->cell = i;
		if (b->columns[i].dict != NULL)
			counts[i] = ml_between_levels(&b->columns[i], bins);
		else
			ml_bins_of_numbers(bins, b->columns[i].histogram, b->columns[i].nulls, &counts[i]);
		nbins[i] = (uint16) bins->nbins;
	}
	baseline->counts.shape.nsets = 1;
	baseline->counts.shape.ncolumns = b->ncolumns;
	baseline->counts.shape.nbins = nbins;
	ml_counts_measure(&baseline->counts.shape);
	baseline->counts.words = palloc_extended(sizeof(int64) * baseline->counts.shape.words, MCXT_ALLOC_HUGE);
	ml_counts_clear(&baseline->counts.shape, baseline->counts.words);
	baseline->counts.words[ML_SERVICE_WORDS] = b->rows;
	for (int i = 0; i < b->ncolumns; i++)
		ml_between_words(&b->columns[i], &baseline->bins[i], counts[i], ml_counts_column(&baseline->counts, 0, i));
}

/* ---- the current side ---- */

static void
ml_between_bind(void *ctx, TupleDesc desc)
{
	MlBetween  *b = ctx;
	MemoryContext old = MemoryContextSwitchTo(b->context);
	List	   *names = NIL;

	for (int k = 0; k < desc->natts; k++)
		names = lappend(names, pstrdup(NameStr(TupleDescAttr(desc, k)->attname)));
	for (int i = 0; i < b->ncolumns; i++)
	{
		MlBetweenColumn *column = &b->columns[i];
		Oid			type = InvalidOid;

		column->current_attribute = -1;
		for (int k = 0; k < desc->natts && column->current_attribute < 0; k++)
			if (strcmp(column->name, NameStr(TupleDescAttr(desc, k)->attname)) == 0)
			{
				column->current_attribute = k;
				type = TupleDescAttr(desc, k)->atttypid;
			}
		if (column->current_attribute < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of the reference is missing in the current rows", column->name),
					 errdetail("Their columns are: %s.", ml_text_list(names, 50)),
					 errhint("%s", ml_text_hint(column->name, names, "Give both queries the columns that are to be compared."))));
		ml_convert_init(&column->current, type);
		if (column->current.class != column->convert.class)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" has another type in the current rows", column->name),
					 errdetail("It is %s, and %s in the reference.", format_type_be(type), column->type_name),
					 errhint("Cast it in one of the queries.")));
	}
	MemoryContextSwitchTo(old);
}

static bool
ml_between_current_row(void *ctx, TupleTableSlot *slot)
{
	MlBetween  *b = ctx;

	slot_getallattrs(slot);
	for (int i = 0; i < b->ncolumns; i++)
	{
		MlBetweenColumn *column = &b->columns[i];
		Datum		value = slot->tts_values[column->current_attribute];

		if (slot->tts_isnull[column->current_attribute])
			b->cells[i] = ml_cell_null();
		else if (column->dict != NULL)
		{
			int			length;
			const char *text = ml_convert_text(&column->current, value, &length);
			int			code = ml_dict_find(column->dict, text, length);

			b->cells[i] = code >= 0 ? code : ml_cell_from_bits(ML_UNSEEN_BITS);
		}
		else
		{
			b->cells[i] = ml_convert_number(&column->current, value);
			if (isnan(b->cells[i]))
				b->cells[i] = ml_cell_from_bits(ML_NAN_BITS);
		}
	}
	ml_tally_row(&b->tally, b->cells, true, NULL);
	return true;
}

void
ml_drift_of_sources(const char *reference, const char *current, List *methods, MlDriftSink sink, void *ctx)
{
	MlBetween	b = {0};
	MlSourceReader reader = {0};
	MlMonitor	monitor = {0};
	MlJudgement judgement = {0};
	ListCell   *lc;

	ml_drift_check_methods(methods);
	b.context = CurrentMemoryContext;
	reader.describe = ml_between_describe;
	reader.row = ml_between_reference_row;
	reader.ctx = &b;
	(void) ml_source_read(reference, &reader, NULL);
	if (b.unused != NIL)
		ereport(NOTICE,
				(errmsg("columns of types that cannot be compared are left out: %s", ml_text_list(b.unused, 50)),
				 errhint("Cast them to text or a number in both queries.")));
	if (b.ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the reference has no column that can be compared"),
				 errhint("Columns of numbers, booleans, dates, times and texts can.")));
	ml_between_bins(&b);
	b.cells = palloc(sizeof(double) * b.ncolumns);
	ml_tally_begin(&b.tally, &b.baseline, 0, NULL);
	reader.describe = ml_between_bind;
	reader.row = ml_between_current_row;
	(void) ml_source_read(current, &reader, NULL);
	ml_tally_end(&b.tally);

	monitor.methods = methods;
	monitor.alpha = ML_MONITOR_ALPHA;
	judgement.monitor = &monitor;
	judgement.baseline = &b.baseline;
	judgement.current = &b.tally.counts;
	judgement.alpha = ML_MONITOR_ALPHA;
	foreach(lc, ml_judge_drift(&judgement, ML_DRIFT_BASELINE, &b.baseline.counts, NULL))
		sink(ctx, NULL, 0, lfirst(lc));
}
