/*
 * profile.c - frozen bins, and counts of rows in them.
 *
 * Everything is palloc'd in the current context. Bytes are trusted by nobody:
 * a table's column may hold anything after a restore.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/bytes.h"
#include "base/text.h"
#include "drift/profile.h"
#include "math/count_bins.h"
#include "utils/builtins.h"

#define ML_COUNTS_FORMAT	1
#define ML_BASELINE_FORMAT	1

/* Bins behind those of the levels: other, unseen, NULL; and behind the ordered ones: NULL, NaN. */
#define ML_BINS_BEHIND_LEVELS	3
#define ML_BINS_BEHIND_ORDER	2

/* Words of a column before its bins. */
#define ML_COLUMN_MOMENTS	5

#define ML_COUNTS_WORDS_MAX	(64 * 1024 * 1024)

/* Rows of a bin at most, so that no sum of bins overflows. */
#define ML_COUNTS_ROWS_MAX	(INT64CONST(1) << 44)

static ML_NORETURN void
ml_profile_damaged(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a profile is damaged: %s", what),
			 errhint("Restore the row from a backup, or train the model anew.")));
}

/* ---- bins ---- */

int
ml_bins_null(const MlBins *bins)
{
	return bins->ordered ? bins->nedges + 1 : bins->nlevels + 2;
}

int
ml_bins_nan(const MlBins *bins)
{
	return bins->ordered ? bins->nedges + 2 : -1;
}

int
ml_bins_unseen(const MlBins *bins)
{
	return bins->ordered ? -1 : bins->nlevels + 1;
}

int
ml_bins_find(const MlBins *bins, double cell)
{
	int			at = 0;

	if (isnan(cell))
		return ml_bins_unseen(bins) >= 0 && ml_cell_bits(cell) == ML_UNSEEN_BITS ? ml_bins_unseen(bins) :
			bins->ordered && !ml_cell_is_null(cell) ? ml_bins_nan(bins) : ml_bins_null(bins);
	if (bins->ordered)
	{
		while (at < bins->nedges && cell >= bins->edges[at])
			at++;
		return at;
	}
	while (at < bins->nlevels && bins->codes[at] != cell)
		at++;
	return at;
}

char *
ml_bins_label(const MlBins *bins, int bin)
{
	const double *e = bins->edges;
	int			last = bins->nedges;

	if (bin == ml_bins_null(bins))
		return pstrdup("NULL");
	if (!bins->ordered)
		return pstrdup(bin < bins->nlevels ? bins->levels[bin] : bin == bins->nlevels ? "other" : "unseen");
	if (bin == ml_bins_nan(bins))
		return pstrdup("NaN");
	if (last == 0)
		return pstrdup("any");
	if (bin == 0)
		return psprintf("below %s", ml_text_number(e[0]));
	/* the last edge is the number just above the greatest */
	if (bin == last)
		return psprintf("above %s", ml_text_number(nextafter(e[last - 1], -INFINITY)));
	if (bins->own)
		return ml_text_number(e[bin - 1]);
	if (bin == last - 1)
		return psprintf("[%s, %s]", ml_text_number(e[bin - 1]), ml_text_number(nextafter(e[bin], -INFINITY)));
	return psprintf("[%s, %s)", ml_text_number(e[bin - 1]), ml_text_number(e[bin]));
}

/*
 * Chooses edges between bins of a histogram so that about as many values lie
 * between any two; returns how many there are. A value that holds much stays
 * whole, so there may be fewer bins.
 */
static int
ml_bins_equal_mass(const MlHistogramBin *sorted, int used, int64 n, double *edges)
{
	int			nedges = 0;
	int			at = 0;
	int64		before = 0;		/* values in the bins before at */

	edges[nedges++] = sorted[0].low;
	for (int d = 1; d < ML_BINS_INNER; d++)
	{
		int64		target = (n * d + ML_BINS_INNER / 2) / ML_BINS_INNER;

		/* as long as the next boundary is no farther from the target */
		while (at + 1 < used && before + sorted[at].n - target <= target - before)
			before += sorted[at++].n;
		if (at > 0 && sorted[at].low > edges[nedges - 1])
			edges[nedges++] = sorted[at].low;
	}
	return nedges;
}

void
ml_bins_of_numbers(MlBins *bins, const MlHistogram *h, int64 nulls, int64 **counts)
{
	int			used = (int) h->used;
	MlHistogramBin *sorted = ml_histogram_sorted(h);

	bins->ordered = true;
	bins->own = h->shift == 0 && used <= ML_BINS_OWN_MAX;
	bins->edges = palloc(sizeof(double) * (Max(ML_BINS_INNER, ML_BINS_OWN_MAX) + 1));
	bins->nedges = 0;
	if (bins->own)
		for (int i = 0; i < used; i++)
			bins->edges[bins->nedges++] = sorted[i].low;
	else
		bins->nedges = ml_bins_equal_mass(sorted, used, h->n, bins->edges);
	if (used > 0)
		bins->edges[bins->nedges++] = nextafter(h->max, INFINITY);
	bins->nbins = bins->nedges + 1 + ML_BINS_BEHIND_ORDER;
	*counts = palloc0(sizeof(int64) * bins->nbins);
	for (int i = 0; i < used; i++)
		(*counts)[ml_bins_find(bins, sorted[i].low)] += sorted[i].n;
	/* the histogram has not kept their sign */
	(*counts)[bins->nedges] += h->infinities;
	(*counts)[ml_bins_null(bins)] += nulls;
	(*counts)[ml_bins_nan(bins)] += h->nans;
	pfree(sorted);
}

/* ---- counts ---- */

void
ml_counts_measure(MlCountsShape *shape)
{
	Size		words = 1 + 2 * shape->nscores;

	for (int j = 0; j < shape->ncolumns; j++)
		words += ML_COLUMN_MOMENTS + shape->nbins[j];
	shape->set_words = words;
	shape->words = ML_SERVICE_WORDS + words * shape->nsets;
}

void
ml_counts_shape(MlCountsShape *shape, const MlBaseline *baseline, int nslices, const int *slices)
{
	*shape = baseline->counts.shape;
	shape->nsets = 1;
	for (int i = 0; i < nslices; i++)
		shape->nsets += baseline->bins[slices[i]].nbins;
	ml_counts_measure(shape);
}

static inline double
ml_word_double(int64 word)
{
	return ml_cell_from_bits((uint64) word);
}

static inline int64
ml_double_word(double x)
{
	return (int64) ml_cell_bits(x);
}

void
ml_counts_clear(const MlCountsShape *shape, int64 *words)
{
	MlCounts	counts = {*shape, words};

	memset(words, 0, sizeof(int64) * shape->words);
	for (int s = 0; s < shape->nsets; s++)
		for (int j = 0; j < shape->ncolumns; j++)
		{
			int64	   *column = ml_counts_column(&counts, s, j);

			column[3] = ml_double_word(INFINITY);
			column[4] = ml_double_word(-INFINITY);
		}
}

static inline void
ml_word_add_double(int64 *into, int64 from)
{
	*into = ml_double_word(ml_word_double(*into) + ml_word_double(from));
}

void
ml_counts_add(const MlCountsShape *shape, int64 *into, const int64 *from)
{
	for (int i = 0; i < ML_SERVICE_WORDS; i++)
		into[i] += from[i];
	into += ML_SERVICE_WORDS;
	from += ML_SERVICE_WORDS;
	for (int s = 0; s < shape->nsets; s++)
	{
		/* most sets of rows that are cut have none */
		if (from[0] == 0)
		{
			into += shape->set_words;
			from += shape->set_words;
			continue;
		}
		*into++ += *from++;
		for (int j = 0; j < shape->ncolumns; j++)
		{
			into[0] += from[0];
			ml_word_add_double(&into[1], from[1]);
			ml_word_add_double(&into[2], from[2]);
			into[3] = ml_double_word(fmin(ml_word_double(into[3]), ml_word_double(from[3])));
			into[4] = ml_double_word(fmax(ml_word_double(into[4]), ml_word_double(from[4])));
			into += ML_COLUMN_MOMENTS;
			from += ML_COLUMN_MOMENTS;
			for (int b = 0; b < shape->nbins[j]; b++)
				into[b] += from[b];
			into += shape->nbins[j];
			from += shape->nbins[j];
		}
		for (int b = 0; b < shape->nscores; b++, into += 2, from += 2)
		{
			into[0] += from[0];
			ml_word_add_double(&into[1], from[1]);
		}
	}
}

int64 *
ml_counts_column(const MlCounts *counts, int set, int column)
{
	int64	   *at = counts->words + ML_SERVICE_WORDS + counts->shape.set_words * set + 1;

	for (int j = 0; j < column; j++)
		at += ML_COLUMN_MOMENTS + counts->shape.nbins[j];
	return at;
}

int64 *
ml_counts_scores(const MlCounts *counts, int set)
{
	return counts->words + ML_SERVICE_WORDS + counts->shape.set_words * (set + 1) - 2 * counts->shape.nscores;
}

int64
ml_counts_rows(const MlCounts *counts, int set)
{
	return counts->words[ML_SERVICE_WORDS + counts->shape.set_words * set];
}

void
ml_counts_read(const MlCounts *counts, int set, int column, const MlBins *bins, MlColumnCounts *out)
{
	const int64 *words = ml_counts_column(counts, set, column);
	double		n = (double) words[0];
	double		sum = ml_word_double(words[1]);

	out->values = words[0];
	out->bins = words + ML_COLUMN_MOMENTS;
	out->rows = 0;
	for (int b = 0; b < counts->shape.nbins[column]; b++)
		out->rows += out->bins[b];
	out->mean = n > 0 ? bins->center + sum / n : NAN;
	out->variance = n > 1 ? fmax(ml_word_double(words[2]) - sum / n * sum, 0) / (n - 1) : NAN;
	/* sums that overflow say nothing */
	if (!isfinite(out->mean) || !isfinite(out->variance))
		out->variance = NAN;
	if (!isfinite(out->mean))
		out->mean = NAN;
	out->min = n > 0 ? ml_word_double(words[3]) : NAN;
	out->max = n > 0 ? ml_word_double(words[4]) : NAN;
}

bool
ml_counts_same_shape(const MlCountsShape *a, const MlCountsShape *b)
{
	return a->nsets == b->nsets && a->ncolumns == b->ncolumns && a->nscores == b->nscores &&
		memcmp(a->nbins, b->nbins, sizeof(uint16) * a->ncolumns) == 0;
}

/* ---- counts as bytes ---- */

static void
ml_counts_write(StringInfo out, const MlCounts *counts)
{
	const MlCountsShape *shape = &counts->shape;

	ml_write_u8(out, ML_COUNTS_FORMAT);
	ml_write_u32(out, shape->nsets);
	ml_write_u32(out, shape->ncolumns);
	ml_write_u32(out, shape->nscores);
	for (int j = 0; j < shape->ncolumns; j++)
		ml_write_u16(out, shape->nbins[j]);
	enlargeStringInfo(out, (int) (sizeof(int64) * shape->words));
	for (Size w = 0; w < shape->words; w++)
		pq_writeint64(out, (uint64) counts->words[w]);
}

static void
ml_counts_check_rows(int64 rows)
{
	if (rows < 0 || rows > ML_COUNTS_ROWS_MAX)
		ml_profile_damaged("there are impossible numbers of rows");
}

/* What is counted is no less than nothing, and adds up. */
static void
ml_counts_check(const MlCounts *counts)
{
	const MlCountsShape *shape = &counts->shape;

	for (int i = 0; i < ML_SERVICE_WORDS; i++)
		if (counts->words[i] < 0)
			ml_profile_damaged("there are impossible numbers of rows");
	for (int s = 0; s < shape->nsets; s++)
	{
		const int64 *at = ml_counts_column(counts, s, 0);

		ml_counts_check_rows(at[-1]);
		for (int j = 0; j < shape->ncolumns; at += ML_COLUMN_MOMENTS + shape->nbins[j], j++)
		{
			int64		rows = 0;

			for (int b = 0; b < shape->nbins[j]; b++)
			{
				ml_counts_check_rows(at[ML_COLUMN_MOMENTS + b]);
				rows += at[ML_COLUMN_MOMENTS + b];
			}
			/* those without a number are in bins all the same */
			if (at[0] < 0 || at[0] > rows)
				ml_profile_damaged("a column has more values than rows");
		}
		for (int b = 0; b < shape->nscores; b++)
			ml_counts_check_rows(at[2 * b]);
	}
}

static void
ml_counts_parse(MlReader *in, MlCounts *out)
{
	uint16	   *nbins;
	uint64		sets;
	uint64		columns;

	if (ml_read_u8(in) != ML_COUNTS_FORMAT)
		ml_profile_damaged("the format of its counts is not known to this release");
	sets = ml_read_u32(in);
	columns = ml_read_u32(in);
	out->shape.nscores = (int) ml_read_u32(in);
	if (sets == 0 || columns > (uint64) (in->end - in->at) / 2 ||
		(out->shape.nscores != 0 && out->shape.nscores != ML_SCORE_BINS))
		ml_profile_damaged("the shape of its counts is impossible");
	nbins = palloc(sizeof(uint16) * Max(columns, 1));
	for (uint64 j = 0; j < columns; j++)
		nbins[j] = ml_read_u16(in);
	out->shape.ncolumns = (int) columns;
	out->shape.nbins = nbins;
	out->shape.nsets = 1;
	ml_counts_measure(&out->shape);
	if (sets > ML_COUNTS_WORDS_MAX / out->shape.set_words)
		ml_profile_damaged("it has more counts than there can be");
	out->shape.nsets = (int) sets;
	ml_counts_measure(&out->shape);
	if ((uint64) (in->end - in->at) / sizeof(int64) < out->shape.words)
		ml_profile_damaged("its counts end too early");
	out->words = palloc_extended(sizeof(int64) * out->shape.words, MCXT_ALLOC_HUGE);
	for (Size w = 0; w < out->shape.words; w++, in->at += sizeof(int64))
	{
		uint64		word;

		memcpy(&word, in->at, sizeof word);
		out->words[w] = (int64) pg_ntoh64(word);
	}
	ml_counts_check(out);
}

bytea *
ml_counts_encode(const MlCounts *counts)
{
	StringInfoData out;

	pq_begintypsend(&out);
	ml_counts_write(&out, counts);
	return pq_endtypsend(&out);
}

static MlReader
ml_profile_reader(bytea *bytes)
{
	MlReader	in;

	in.at = (const uint8 *) VARDATA_ANY(bytes);
	in.end = in.at + VARSIZE_ANY_EXHDR(bytes);
	in.damaged = ml_profile_damaged;
	return in;
}

void
ml_counts_decode(bytea *bytes, MlCounts *out)
{
	MlReader	in = ml_profile_reader(bytes);

	ml_counts_parse(&in, out);
	if (in.at != in.end)
		ml_profile_damaged("there are bytes behind its counts");
}

/* ---- the two sides of a comparison ---- */

static void
ml_profile_side(const MlColumnCounts *counts, MlDriftSide *side)
{
	side->n = counts->rows;
	side->counts = counts->bins;
	side->mean = counts->mean;
	side->variance = counts->variance;
	side->values = counts->values;
}

void
ml_profile_pair(const MlBins *bins, const MlColumnCounts *reference, const MlColumnCounts *current, MlDriftPair *pair)
{
	memset(pair, 0, sizeof *pair);
	pair->nbins = bins->nbins;
	pair->nordered = bins->ordered ? bins->nedges + 1 : 0;
	pair->null_bin = ml_bins_null(bins);
	pair->edges = bins->edges;
	pair->low = fmin(reference->min, current->min);
	pair->high = fmax(reference->max, current->max);
	pair->cyclic = bins->cyclic;
	pair->own = bins->own;
	ml_profile_side(reference, &pair->reference);
	ml_profile_side(current, &pair->current);
}

/* ---- baselines ---- */

void
ml_baseline_require(const MlBaseline *baseline, int ncells, bool scored)
{
	for (int j = 0; j < baseline->ncolumns; j++)
		if (baseline->bins[j].cell >= ncells)
			ml_profile_damaged("a column is none of the model's");
	if (baseline->nscores > 0 && !scored)
		ml_profile_damaged("it has scores, and the model gives none");
}

int
ml_baseline_find(const MlBaseline *baseline, const char *name)
{
	for (int j = 0; j < baseline->ncolumns; j++)
		if (strcmp(baseline->bins[j].name, name) == 0)
			return j;
	return -1;
}

void
ml_slice_of(const MlBaseline *baseline, int nslices, const int *slices, int set, int *column, int *bin)
{
	int			at = set - 1;

	for (int i = 0; i < nslices; i++)
	{
		*column = slices[i];
		*bin = at;
		if (at < baseline->bins[slices[i]].nbins)
			return;
		at -= baseline->bins[slices[i]].nbins;
	}
	elog(ERROR, "counts have no set %d", set);
}

static void
ml_bins_write(StringInfo out, const MlBins *bins)
{
	ml_write_text(out, bins->name);
	ml_write_u32(out, bins->cell);
	ml_write_u8(out, (bins->ordered ? 1 : 0) | (bins->own ? 2 : 0) | (bins->cyclic ? 4 : 0));
	ml_write_f64(out, bins->center);
	ml_write_u32(out, bins->nedges);
	for (int i = 0; i < bins->nedges; i++)
		ml_write_f64(out, bins->edges[i]);
	ml_write_u32(out, bins->nlevels);
	for (int i = 0; i < bins->nlevels; i++)
	{
		ml_write_text(out, bins->levels[i]);
		ml_write_u32(out, bins->codes[i]);
	}
}

static void
ml_bins_read(MlReader *in, MlBins *bins)
{
	int			flags;

	memset(bins, 0, sizeof *bins);
	bins->name = ml_read_text(in);
	bins->cell = (int) ml_read_u32(in);
	flags = ml_read_u8(in);
	bins->ordered = flags & 1;
	bins->own = flags & 2;
	bins->cyclic = flags & 4;
	bins->center = ml_read_finite(in);
	bins->nedges = ml_read_count(in, sizeof(double));
	if (bins->nedges > ML_COUNT_EDGES_MAX)
		ml_profile_damaged("a column has more edges than there can be");
	bins->edges = palloc(sizeof(double) * Max(bins->nedges, 1));
	for (int i = 0; i < bins->nedges; i++)
	{
		/* the number above the greatest there is may be infinity */
		bins->edges[i] = ml_read_f64(in);
		if (isnan(bins->edges[i]) || (i > 0 && !(bins->edges[i] > bins->edges[i - 1])))
			ml_profile_damaged("edges do not ascend");
	}
	bins->nlevels = ml_read_count(in, 2 * sizeof(uint32));
	bins->levels = palloc(sizeof(char *) * Max(bins->nlevels, 1));
	bins->codes = palloc(sizeof(int) * Max(bins->nlevels, 1));
	for (int i = 0; i < bins->nlevels; i++)
	{
		bins->levels[i] = ml_read_text(in);
		bins->codes[i] = (int) ml_read_u32(in);
		if (bins->levels[i] == NULL)
			ml_profile_damaged("a level has no name");
	}
	if (bins->name == NULL || (bins->ordered ? bins->nlevels > 0 : bins->nedges > 0))
		ml_profile_damaged("a column has bins of both kinds, or no name");
	bins->nbins = bins->ordered ? bins->nedges + 1 + ML_BINS_BEHIND_ORDER : bins->nlevels + ML_BINS_BEHIND_LEVELS;
	if (bins->nbins > PG_UINT16_MAX)
		ml_profile_damaged("a column has more bins than there can be");
}

bytea *
ml_baseline_encode(const MlBaseline *baseline)
{
	StringInfoData out;

	pq_begintypsend(&out);
	ml_write_u8(&out, ML_BASELINE_FORMAT);
	ml_write_u32(&out, baseline->ncolumns);
	for (int j = 0; j < baseline->ncolumns; j++)
	{
		ml_bins_write(&out, &baseline->bins[j]);
		ml_write_f64(&out, baseline->distinct[j]);
	}
	ml_write_u32(&out, baseline->nscores);
	for (int b = 0; b < baseline->nscores; b++)
		pq_sendint64(&out, (uint64) baseline->positives[b]);
	ml_counts_write(&out, &baseline->counts);
	return pq_endtypsend(&out);
}

MlBaseline *
ml_baseline_decode(bytea *bytes)
{
	MlReader	in = ml_profile_reader(bytes);
	MlBaseline *baseline = palloc0(sizeof(MlBaseline));

	if (ml_read_u8(&in) != ML_BASELINE_FORMAT)
		ml_profile_damaged("its format is not known to this release");
	baseline->ncolumns = ml_read_count(&in, 3 * sizeof(double));
	baseline->bins = palloc(sizeof(MlBins) * Max(baseline->ncolumns, 1));
	baseline->distinct = palloc(sizeof(double) * Max(baseline->ncolumns, 1));
	for (int j = 0; j < baseline->ncolumns; j++)
	{
		ml_bins_read(&in, &baseline->bins[j]);
		baseline->distinct[j] = ml_read_f64(&in);
	}
	baseline->nscores = ml_read_count(&in, sizeof(int64));
	baseline->positives = palloc(sizeof(int64) * Max(baseline->nscores, 1));
	for (int b = 0; b < baseline->nscores; b++)
	{
		uint64		high = ml_read_u32(&in);

		baseline->positives[b] = (int64) (high << 32 | ml_read_u32(&in));
	}
	ml_counts_parse(&in, &baseline->counts);
	if (in.at != in.end || baseline->counts.shape.nsets != 1 ||
		baseline->counts.shape.ncolumns != baseline->ncolumns || baseline->counts.shape.nscores != baseline->nscores)
		ml_profile_damaged("its counts do not fit its bins");
	for (int j = 0; j < baseline->ncolumns; j++)
	{
		if (baseline->counts.shape.nbins[j] != baseline->bins[j].nbins)
			ml_profile_damaged("its counts do not fit its bins");
		if (baseline->bins[j].cell < (j < baseline->ncolumns - 1 ? 0 : -1))
			ml_profile_damaged("a column has no cell");
	}
	for (int b = 0; b < baseline->nscores; b++)
		if (baseline->positives[b] < 0 || baseline->positives[b] > ml_counts_scores(&baseline->counts, 0)[2 * b])
			ml_profile_damaged("there are impossible numbers of rows");
	return baseline;
}
