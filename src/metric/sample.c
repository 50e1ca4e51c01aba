/*
 * sample.c - rows of truth and predictions, and what they say about a metric.
 *
 * A row is a few words of 64 bits, so that rows can be sorted, compared and
 * copied without knowing the task:
 *
 *   regression     the bits of y; then of y_hat, for each predictor
 *   two classes    for each predictor (bits of p) << 2 | label << 1 | predicted
 *   more classes   for each predictor actual << 32 | chosen, bits of p_actual
 *
 * p is from 0 to 1, and the two highest bits of such a number are 0. So rows
 * of two classes ascend with the p of the first predictor.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/sample.h"
#include "metric/tally.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define ML_SAMPLE_CAPACITY_MIN	16

struct MlSample
{
	MemoryContext context;
	MlMetricTask task;
	int			nclasses;
	int			positive;
	int			npredictors;
	int			nwords;			/* of a row */
	int64		rows;
	int64		capacity;
	uint64	   *words;
	bool		closed;
};

/* Rows of one word, as most are. */
#define ST_SORT ml_sample_sort_words
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

static inline int
ml_sample_compare(const void *a, const void *b, int nwords)
{
	const uint64 *x = a;
	const uint64 *y = b;

	for (int k = 0; k < nwords; k++)
	{
		if (x[k] != y[k])
			return x[k] < y[k] ? -1 : 1;
	}
	return 0;
}

/* Rows of any number of words. */
#define ST_SORT ml_sample_sort_rows
#define ST_ELEMENT_TYPE_VOID
#define ST_COMPARE_ARG_TYPE int
#define ST_COMPARE(a, b, nwords) ml_sample_compare(a, b, *(nwords))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

static inline uint64
ml_sample_bits(double x)
{
	uint64		bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static inline double
ml_sample_number(uint64 bits)
{
	double		x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

MlSample *
ml_sample_begin(MlMetricTask task, int nclasses, int positive, int npredictors, MemoryContext context)
{
	MlSample   *sample = MemoryContextAllocZero(context, sizeof(MlSample));

	sample->context = context;
	sample->task = task;
	sample->nclasses = nclasses;
	sample->positive = positive;
	sample->npredictors = npredictors;
	sample->nwords = task == ML_METRIC_TASK_REGRESSION ? 1 + npredictors :
		task == ML_METRIC_TASK_TWO_CLASS ? npredictors : 2 * npredictors;
	sample->capacity = ML_SAMPLE_CAPACITY_MIN;
	sample->words = MemoryContextAlloc(context, sizeof(uint64) * sample->nwords * sample->capacity);
	return sample;
}

static void
ml_sample_grow(MlSample *sample)
{
	int64		capacity = Min(sample->capacity * 2, ML_SAMPLE_ROWS_MAX);

	if (sample->rows >= ML_SAMPLE_ROWS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows to evaluate at once"),
				 errdetail("The limit is %d rows.", ML_SAMPLE_ROWS_MAX),
				 errhint("Evaluate a part of the rows, for example with TABLESAMPLE.")));
	sample->words = repalloc_huge(sample->words, sizeof(uint64) * sample->nwords * capacity);
	sample->capacity = capacity;
}

void
ml_sample_add(MlSample *sample, const MlMetricRow *rows)
{
	uint64	   *word;

	Assert(!sample->closed);
	if (sample->rows == sample->capacity)
		ml_sample_grow(sample);
	word = sample->words + sample->rows * sample->nwords;
	if (sample->task == ML_METRIC_TASK_REGRESSION)
		*word++ = ml_sample_bits(rows[0].y);
	for (int k = 0; k < sample->npredictors; k++)
	{
		const MlMetricRow *row = &rows[k];

		switch (sample->task)
		{
			case ML_METRIC_TASK_REGRESSION:
				*word++ = ml_sample_bits(row->y_hat);
				break;
			case ML_METRIC_TASK_TWO_CLASS:
				*word++ = ml_sample_bits(ml_check_probability(row->p)) << 2 | row->label << 1 | row->predicted;
				break;
			case ML_METRIC_TASK_MULTI_CLASS:
				*word++ = (uint64) row->actual << 32 | (uint32) row->chosen;
				*word++ = ml_sample_bits(row->p_actual);
				break;
		}
	}
	sample->rows++;
}

void
ml_sample_close(MlSample *sample)
{
	if (sample->closed)
		return;
	if (sample->nwords == 1)
		ml_sample_sort_words(sample->words, sample->rows);
	else
		ml_sample_sort_rows(sample->words, sample->rows, sizeof(uint64) * sample->nwords, &sample->nwords);
	sample->closed = true;
}

int64
ml_sample_rows(const MlSample *sample)
{
	return sample->rows;
}

void
ml_sample_row(const MlSample *sample, int64 i, int predictor, MlMetricRow *row)
{
	const uint64 *word = sample->words + i * sample->nwords;

	switch (sample->task)
	{
		case ML_METRIC_TASK_REGRESSION:
			row->y = ml_sample_number(word[0]);
			row->y_hat = ml_sample_number(word[1 + predictor]);
			break;
		case ML_METRIC_TASK_TWO_CLASS:
			row->p = row->score = ml_sample_number(word[predictor] >> 2);
			row->label = (word[predictor] & 2) != 0;
			row->predicted = (word[predictor] & 1) != 0;
			row->actual = row->label ? sample->positive : !sample->positive;
			row->chosen = row->predicted ? sample->positive : !sample->positive;
			break;
		case ML_METRIC_TASK_MULTI_CLASS:
			row->actual = (int) (word[2 * predictor] >> 32);
			row->chosen = (int) (uint32) word[2 * predictor];
			row->p_actual = ml_sample_number(word[2 * predictor + 1]);
			break;
	}
}

int
ml_sample_classes(const MlSample *sample)
{
	return sample->nclasses;
}

bool
ml_sample_same(const MlSample *sample, int a, int b)
{
	int			shared = sample->task == ML_METRIC_TASK_REGRESSION ? 1 : 0;
	int			width = (sample->nwords - shared) / sample->npredictors;

	for (int64 i = 0; i < sample->rows; i++)
	{
		const uint64 *word = sample->words + i * sample->nwords + shared;

		if (i % ML_SAMPLE_BREATH == 0)
			CHECK_FOR_INTERRUPTS();
		if (ml_sample_compare(word + a * width, word + b * width, width) != 0)
			return false;
	}
	return true;
}
