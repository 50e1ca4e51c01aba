/*
 * tally.c - counting rows that are read, not scored in service, in the bins of a baseline.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "monitor/tally.h"

/* The words of a column before its bins, as profile.h says. */
enum
{
	ML_TALLY_VALUES,
	ML_TALLY_SUM,
	ML_TALLY_SQUARES,
	ML_TALLY_MIN,
	ML_TALLY_MAX,
	ML_TALLY_BINS
};

void
ml_tally_begin(MlTally *tally, const MlBaseline *baseline, int nslices, const int *slices)
{
	MlCountsShape *shape = &tally->counts.shape;

	memset(tally, 0, sizeof *tally);
	tally->baseline = baseline;
	tally->nslices = nslices;
	tally->slices = slices;
	ml_counts_shape(shape, baseline, nslices, slices);
	tally->counts.words = palloc_extended(sizeof(int64) * shape->words, MCXT_ALLOC_HUGE);
	ml_counts_clear(shape, tally->counts.words);
	tally->sums = palloc_extended(sizeof(MlTallySum) * shape->nsets * Max(shape->ncolumns, 1),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	tally->sets = palloc(sizeof(int) * (nslices + 1));
}

static inline double
ml_tally_double(int64 word)
{
	return ml_cell_from_bits((uint64) word);
}

static void
ml_tally_value(MlTally *tally, int set, int column, int bin, double x)
{
	const MlBins *bins = &tally->baseline->bins[column];
	int64	   *words = ml_counts_column(&tally->counts, set, column);
	MlTallySum *sum = &tally->sums[(Size) set * tally->counts.shape.ncolumns + column];

	words[ML_TALLY_BINS + bin]++;
	if (!bins->ordered || !isfinite(x))
		return;
	words[ML_TALLY_VALUES]++;
	ml_exact_add(&sum->sum, x - bins->center);
	ml_exact_products_add(&sum->squares, x - bins->center, x - bins->center);
	if (x < ml_tally_double(words[ML_TALLY_MIN]))
		words[ML_TALLY_MIN] = (int64) ml_cell_bits(x);
	if (x > ml_tally_double(words[ML_TALLY_MAX]))
		words[ML_TALLY_MAX] = (int64) ml_cell_bits(x);
}

/* The sets that the row belongs to. */
static int
ml_tally_sets(MlTally *tally, const double *cells)
{
	int			first = 1;
	int			n = 0;

	tally->sets[n++] = 0;
	for (int s = 0; s < tally->nslices; s++)
	{
		const MlBins *bins = &tally->baseline->bins[tally->slices[s]];

		tally->sets[n++] = first + ml_bins_find(bins, cells[bins->cell]);
		first += bins->nbins;
	}
	return n;
}

void
ml_tally_row(MlTally *tally, const double *cells, bool features, const double *prediction)
{
	const MlBaseline *baseline = tally->baseline;
	int			nsets = ml_tally_sets(tally, cells);

	for (int column = 0; column < baseline->ncolumns; column++)
	{
		const MlBins *bins = &baseline->bins[column];
		double		x;
		int			bin;

		if (bins->cell >= 0 ? !features : prediction == NULL)
			continue;
		x = bins->cell >= 0 ? cells[bins->cell] : *prediction;
		bin = ml_bins_find(bins, x);
		for (int i = 0; i < nsets; i++)
			ml_tally_value(tally, tally->sets[i], column, bin, x);
	}
	if (!features)
		return;
	for (int i = 0; i < nsets; i++)
		tally->counts.words[ML_SERVICE_WORDS + tally->sets[i] * tally->counts.shape.set_words]++;
	tally->counts.words[ML_SERVICE_ROWS]++;
}

void
ml_tally_end(MlTally *tally)
{
	const MlCountsShape *shape = &tally->counts.shape;

	for (int set = 0; set < shape->nsets; set++)
		for (int column = 0; column < shape->ncolumns; column++)
		{
			int64	   *words = ml_counts_column(&tally->counts, set, column);
			const MlTallySum *sum = &tally->sums[(Size) set * shape->ncolumns + column];
			double		fraction;
			int			exponent;

			ml_exact_products_parts(&sum->squares, &fraction, &exponent);
			words[ML_TALLY_SUM] = (int64) ml_cell_bits(ml_exact_value(&sum->sum));
			words[ML_TALLY_SQUARES] = (int64) ml_cell_bits(ldexp(fraction, exponent));
		}
	pfree(tally->sums);
	tally->sums = NULL;
}
