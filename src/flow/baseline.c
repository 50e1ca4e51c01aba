/*
 * baseline.c - what a version was trained on, in bins that stay.
 *
 * Features are taken from what the load has counted of the training rows, the
 * prediction from the held-out rows: what a model says of rows that it has
 * learned is not what it says of others. Without held-out rows there is no
 * baseline of the prediction. Counts are exact; a mean may differ in its last
 * digits between trainings on the same rows in another order.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/murmur.h"
#include "flow/baseline.h"
#include "flow/load_profile.h"
#include "flow/quality.h"

struct MlHeldOut
{
	const MlModel *model;
	int64		rows;
	MlHistogram *histogram;		/* of numbers and probabilities */
	double		center;
	double		sum;
	double		squares;
	int64	   *classes;		/* of more than two classes: rows of each that is chosen */
	int64		scores[ML_SCORE_BINS];
	double		score_sums[ML_SCORE_BINS];
	int64		positives[ML_SCORE_BINS];
};

MlHeldOut *
ml_held_out_begin(const MlModel *model, MemoryContext context)
{
	MlHeldOut  *h = MemoryContextAllocZero(context, sizeof(MlHeldOut));

	h->model = model;
	h->histogram = ml_histogram_create(context);
	h->classes = MemoryContextAllocZero(context, sizeof(int64) * Max(model->nclasses, 1));
	return h;
}

double
ml_baseline_output(const MlModel *model, const double *out, int *score_bin, double *score)
{
	int			chosen;
	int			bin;

	*score_bin = -1;
	*score = 0;
	if (model->task != ML_TASK_CLASSIFICATION)
		return out[0];
	chosen = ml_quality_choice(model, out);
	*score = model->nclasses == 2 ? out[model->positive] : out[chosen];
	bin = (int) (*score * ML_SCORE_BINS);
	bin = Min(Max(bin, 0), ML_SCORE_BINS - 1);
	/* a probability of one half is on the side that was chosen */
	if (model->nclasses == 2)
		bin = chosen == model->positive ? Max(bin, ML_SCORE_BINS / 2) : Min(bin, ML_SCORE_BINS / 2 - 1);
	*score_bin = bin;
	return model->nclasses == 2 ? *score : chosen;
}

void
ml_held_out_add(MlHeldOut *h, double truth, const double *out)
{
	int			bin;
	double		score;
	double		x = ml_baseline_output(h->model, out, &bin, &score);

	h->rows++;
	if (bin >= 0)
	{
		h->scores[bin]++;
		h->score_sums[bin] += score;
		h->positives[bin] += h->model->nclasses == 2 ? (int) truth == h->model->positive : truth == x;
	}
	if (h->model->nclasses > 2)
	{
		h->classes[(int) x]++;
		return;
	}
	if (h->histogram->n == 0)
		h->center = x;
	ml_histogram_add(h->histogram, x);
	h->sum += x - h->center;
	h->squares += (x - h->center) * (x - h->center);
}

/* A column while its baseline is made. */
typedef struct MlColumnMade
{
	MlBins		bins;
	int64	   *counts;
	int64		values;
	double		sum;
	double		squares;
	double		min;
	double		max;
	double		distinct;
} MlColumnMade;

/* A level with its rows. */
typedef struct MlLevelCount
{
	const char *text;
	int			code;
	int64		n;
} MlLevelCount;

/* The commonest first, equal ones by their bytes. */
static int
ml_level_compare(const void *a, const void *b)
{
	const MlLevelCount *x = a;
	const MlLevelCount *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->text, y->text);
}

/* Gives the commonest levels bins of their own; others are rows of levels beyond. */
static void
ml_baseline_levels(MlColumnMade *made, int n, MlLevelCount *levels, int64 others, int64 nulls)
{
	MlBins	   *bins = &made->bins;

	qsort(levels, n, sizeof(MlLevelCount), ml_level_compare);
	bins->nlevels = Min(n, ML_BINS_LEVELS_MAX);
	bins->levels = palloc(sizeof(char *) * Max(bins->nlevels, 1));
	bins->codes = palloc(sizeof(int) * Max(bins->nlevels, 1));
	bins->nbins = bins->nlevels + 3;
	made->counts = palloc0(sizeof(int64) * bins->nbins);
	for (int i = 0; i < n; i++)
	{
		if (i < bins->nlevels)
		{
			bins->levels[i] = pstrdup(levels[i].text);
			bins->codes[i] = levels[i].code;
		}
		made->counts[Min(i, bins->nlevels)] += levels[i].n;
	}
	made->counts[bins->nlevels] += others;
	made->counts[ml_bins_null(bins)] += nulls;
	made->min = INFINITY;
	made->max = -INFINITY;
}

/* The place of a text among levels in bytewise order, or -1. */
static int
ml_baseline_level(const MlInput *input, int kept, const char *bytes, int length)
{
	int			low = 0;
	int			high = kept - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			size = strlen(input->levels[middle]);
		int			order = memcmp(bytes, input->levels[middle], Min(length, size));

		if (order == 0)
			order = length - size;
		if (order == 0)
			return middle;
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return -1;
}

/* A column of texts. */
static void
ml_baseline_text(MlColumnMade *made, const MlInput *input, const MlLoadColumn *column, const MlCellProfile *cell)
{
	int			kept = input->nlevels - (input->has_other ? 1 : 0);
	MlLevelCount *levels = palloc(sizeof(MlLevelCount) * Max(kept, 1));
	int64		others = 0;

	for (int k = 0; k < kept; k++)
	{
		levels[k].text = input->levels[k];
		levels[k].code = k;
		levels[k].n = 0;
	}
	made->distinct = 0;
	for (int c = 0; c < cell->capacity; c++)
		if (cell->codes[c] > 0)
		{
			int			code = ml_baseline_level(input, kept, column->dict->texts[c].bytes,
												 column->dict->texts[c].length);

			made->distinct++;
			if (code >= 0)
				levels[code].n += cell->codes[c];
			else
				others += cell->codes[c];
		}
	ml_baseline_levels(made, kept, levels, others, cell->nulls);
}

/* By hash, then the commonest first. */
static int
ml_level_by_hash(const void *a, const void *b)
{
	const MlLevelCount *x = a;
	const MlLevelCount *y = b;

	return x->code != y->code ? (x->code > y->code) - (x->code < y->code) : ml_level_compare(a, b);
}

/*
 * A column of texts that are hashed: the commonest have a bin each, found by
 * their hash; which others training saw, nobody knows any more.
 */
static void
ml_baseline_hashed(MlColumnMade *made, const MlLoadColumn *column, const MlCellProfile *cell)
{
	MlLevelCount *levels = palloc_extended(sizeof(MlLevelCount) * Max(column->dict->count, 1), MCXT_ALLOC_HUGE);
	int			n = 0;
	int			kept = 0;

	for (int c = 0; c < cell->capacity; c++)
		if (cell->codes[c] > 0)
		{
			levels[n].text = column->dict->texts[c].bytes;
			levels[n].code = ml_murmur32_text(column->dict->texts[c].bytes, column->dict->texts[c].length);
			levels[n++].n = cell->codes[c];
		}
	made->distinct = n;
	/* texts of one hash are one to the counter: they go by the name of the commonest */
	qsort(levels, n, sizeof(MlLevelCount), ml_level_by_hash);
	for (int i = 0; i < n; i++)
	{
		if (kept > 0 && levels[kept - 1].code == levels[i].code)
			levels[kept - 1].n += levels[i].n;
		else
			levels[kept++] = levels[i];
	}
	ml_baseline_levels(made, kept, levels, 0, cell->nulls);
	pfree(levels);
}

/* A column of texts of terms: those that have one of them are "other", those that have none "unseen". */
static void
ml_baseline_terms(MlColumnMade *made, const MlInput *input, const MlCellProfile *cell)
{
	int64		known = 0;
	int64		unknown = 0;

	made->distinct = 0;
	for (int c = 0; c < cell->capacity; c++)
	{
		if (cell->codes[c] == 0)
			continue;
		made->distinct++;
		if (input->known[c])
			known += cell->codes[c];
		else
			unknown += cell->codes[c];
	}
	ml_baseline_levels(made, 0, palloc0(sizeof(MlLevelCount)), known, cell->nulls);
	made->counts[ml_bins_unseen(&made->bins)] += unknown;
}

/* A column of numbers. */
static void
ml_baseline_numbers(MlColumnMade *made, const MlCellProfile *cell)
{
	ml_bins_of_numbers(&made->bins, cell->histogram, cell->nulls, &made->counts);
	made->values = cell->histogram->n;
	made->bins.center = isnan(cell->center) ? 0 : cell->center;
	made->sum = cell->sum;
	made->squares = cell->squares;
	made->min = cell->histogram->min;
	made->max = cell->histogram->max;
	made->distinct = ml_distinct_estimate(cell->distinct);
}

/* What the held-out rows are predicted. */
static void
ml_baseline_prediction(MlColumnMade *made, const MlHeldOut *h)
{
	const MlModel *model = h->model;
	MlLevelCount *levels;

	made->bins.name = ":prediction";
	made->bins.cell = -1;
	made->distinct = NAN;
	if (model->nclasses > 2)
	{
		levels = palloc(sizeof(MlLevelCount) * model->nclasses);
		for (int k = 0; k < model->nclasses; k++)
		{
			levels[k].text = model->classes[k];
			levels[k].code = k;
			levels[k].n = h->classes[k];
		}
		ml_baseline_levels(made, model->nclasses, levels, 0, 0);
		return;
	}
	ml_bins_of_numbers(&made->bins, h->histogram, 0, &made->counts);
	made->values = h->histogram->n;
	made->bins.center = h->center;
	made->sum = h->sum;
	made->squares = h->squares;
	made->min = h->histogram->min;
	made->max = h->histogram->max;
}

/* Turns a made column into words of the baseline's counts. */
static void
ml_baseline_words(const MlColumnMade *made, int64 *words)
{
	words[0] = made->values;
	words[1] = (int64) ml_cell_bits(made->sum);
	words[2] = (int64) ml_cell_bits(made->squares);
	words[3] = (int64) ml_cell_bits(made->min);
	words[4] = (int64) ml_cell_bits(made->max);
	memcpy(words + 5, made->counts, sizeof(int64) * made->bins.nbins);
}

/* Puts the columns together. */
static MlBaseline *
ml_baseline_assemble(int n, const MlColumnMade *made, int64 rows, const MlHeldOut *h)
{
	MlBaseline *b = palloc0(sizeof(MlBaseline));
	uint16	   *nbins = palloc(sizeof(uint16) * Max(n, 1));
	int64	   *scores;

	b->ncolumns = n;
	b->bins = palloc(sizeof(MlBins) * Max(n, 1));
	b->distinct = palloc(sizeof(double) * Max(n, 1));
	b->nscores = h->model->task == ML_TASK_CLASSIFICATION ? ML_SCORE_BINS : 0;
	b->positives = palloc0(sizeof(int64) * ML_SCORE_BINS);
	memcpy(b->positives, h->positives, sizeof h->positives);
	for (int j = 0; j < n; j++)
	{
		b->bins[j] = made[j].bins;
		b->distinct[j] = made[j].distinct;
		nbins[j] = (uint16) made[j].bins.nbins;
	}
	b->counts.shape.nsets = 1;
	b->counts.shape.ncolumns = n;
	b->counts.shape.nscores = b->nscores;
	b->counts.shape.nbins = nbins;
	ml_counts_measure(&b->counts.shape);
	b->counts.words = palloc_extended(sizeof(int64) * b->counts.shape.words, MCXT_ALLOC_HUGE);
	ml_counts_clear(&b->counts.shape, b->counts.words);
	b->counts.words[ML_SERVICE_WORDS] = rows;
	for (int j = 0; j < n; j++)
		ml_baseline_words(&made[j], ml_counts_column(&b->counts, 0, j));
	scores = ml_counts_scores(&b->counts, 0);
	for (int s = 0; s < b->nscores; s++)
	{
		scores[2 * s] = h->scores[s];
		scores[2 * s + 1] = (int64) ml_cell_bits(h->score_sums[s]);
	}
	return b;
}

MlBaseline *
ml_baseline_make(const MlLoad *load, const MlModel *model, const MlHeldOut *held_out)
{
	const MlPipeline *pipeline = model->pipeline;
	MlColumnMade *made = palloc0(sizeof(MlColumnMade) * (pipeline->ninputs + 1));
	int			n = 0;

	for (int i = 0; i < pipeline->ninputs; i++)
	{
		const MlInput *input = &pipeline->inputs[i];
		const MlLoadColumn *column = NULL;
		const MlCellProfile *cell;

		for (int c = 0; c < load->nfeatures && column == NULL; c++)
			if (strcmp(load->columns[c].name, input->name) == 0)
				column = &load->columns[c];
		if (column == NULL || input->class == ML_TYPE_ARRAY)
			continue;
		cell = ml_load_profile_cell(load->profile, column->first_cell);
		made[n].bins.name = input->name;
		made[n].bins.cell = input->first_cell;
		if (input->encoding == ML_ENCODING_HASHED)
			ml_baseline_hashed(&made[n], column, cell);
		else if (input->encoding == ML_ENCODING_TERMS)
			ml_baseline_terms(&made[n], input, cell);
		else if (input->class == ML_TYPE_TEXT)
			ml_baseline_text(&made[n], input, column, cell);
		else
			ml_baseline_numbers(&made[n], cell);
		n++;
	}
	if (held_out->rows > 0)
		ml_baseline_prediction(&made[n++], held_out);
	return ml_baseline_assemble(n, made, ml_load_profile_rows(load->profile), held_out);
}
