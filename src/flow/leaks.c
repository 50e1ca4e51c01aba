/*
 * leaks.c - features that give the target away, or that name the row instead of describing it.
 *
 * A feature alone gives the target away where rows can be predicted by others
 * with the same value or, of numbers, by their neighbours: each row is judged
 * by the others and never by itself. Of classes that is the share predicted
 * right, or the area under the curve of the feature itself; of numbers the
 * share of the variance, by such rows or by a straight line.
 *
 * Rows that were held out are looked at, or training rows where these are
 * few. Hardly any feature gets past the first ML_LEAK_LOOK of them, so the
 * cost is small whatever the number of rows. Columns are only noted. Memory is
 * in a context of its own.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/leaks.h"
#include "flow/load_profile.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define ML_LEAK_LOOK		512
#define ML_LEAK_ROWS_MAX	100000
#define ML_LEAK_ROWS_MIN	20
#define ML_LEAK_RARE_MIN	5		/* rows that are not of the commonest class */
#define ML_LEAK_TEST_ROWS	1000	/* held-out rows that are enough */

/* What is near perfect: of classes, of what is left to predict beside the commonest; the area; of the variance. */
#define ML_LEAK_ACCURACY	0.999
#define ML_LEAK_AUC			0.999
#define ML_LEAK_R2			0.9999

/* How much farther from perfect the first rows may be: they are few. */
#define ML_LEAK_LOOK_SLACK	20

/* So many of the first rows must have a value that others have, or what values that come back say is not known from them. */
#define ML_LEAK_LOOK_REPEATED	32

typedef struct MlLeakItem
{
	double		x;
	double		y;
} MlLeakItem;

/* What one feature says of the target. */
typedef struct MlLeak
{
	int64		rows;
	bool		equal;			/* the feature is the target */
	const char *metric;			/* of the best figure; NULL: none is defined */
	double		value;
	double		trivial;		/* the same without the feature */
	double		missing;		/* how far it is from perfect, in what is near perfect */
	int64		repeated;		/* rows with a value that others have */
	double		repeated_missing;	/* the same of these alone */
} MlLeak;

/* The rows that are looked at. */
typedef struct MlLeakRows
{
	const MlLoad *load;
	MlFrame    *frame;
	bool		classes;
	double	   *column;			/* of a frame of columns: a whole one */
	double	   *y;
	int64		y_known;
	MlLeakItem *items;
} MlLeakRows;

/* Missing values first. */
static inline int
ml_leak_compare(const MlLeakItem *a, const MlLeakItem *b)
{
	bool		a_misses = isnan(a->x);
	bool		b_misses = isnan(b->x);

	if (a_misses != b_misses)
		return a_misses ? -1 : 1;
	if (!a_misses && a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return a->y < b->y ? -1 : a->y > b->y;
}

#define ST_SORT ml_leak_sort
#define ST_ELEMENT_TYPE MlLeakItem
#define ST_COMPARE(a, b) ml_leak_compare(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* The end of the rows with the value of row i. */
static int64
ml_leak_group(const MlLeakItem *items, int64 n, int64 i)
{
	int64		end = i + 1;

	while (end < n && (items[end].x == items[i].x || (isnan(items[end].x) && isnan(items[i].x))))
		end++;
	return end;
}

/* Takes a figure in if it is nearer to perfect than what there was. */
static void
ml_leak_figure(MlLeak *leak, const char *metric, double value, double trivial, double limit)
{
	double		missing = (1 - value) / ((1 - trivial) * (1 - limit));

	if (leak->metric != NULL && !(missing < leak->missing))
		return;
	leak->metric = metric;
	leak->value = value;
	leak->trivial = trivial;
	leak->missing = missing;
}

/* ---- classes ---- */

/* The commonest class of rows of one value, and how many rows it and the next have. */
static double
ml_leak_commonest(const MlLeakItem *items, int64 from, int64 to, int64 *first, int64 *second)
{
	double		label = items[from].y;

	*first = *second = 0;
	for (int64 i = from, end; i < to; i = end)
	{
		for (end = i + 1; end < to && items[end].y == items[i].y;)
			end++;
		if (end - i > *first)
		{
			*second = *first;
			*first = end - i;
			label = items[i].y;
		}
		else
			*second = Max(*second, end - i);
	}
	return label;
}

/* Whether the nearest other value has the class of a row that is alone with its own. */
static bool
ml_leak_neighbour(const MlLeakItem *items, int64 n, int64 i)
{
	bool		before = i > 0 && !isnan(items[i - 1].x);
	bool		after = i + 1 < n;

	if (isnan(items[i].x) || (!before && !after))
		return false;
	if (before && after)
		before = items[i].x - items[i - 1].x <= items[i + 1].x - items[i].x;
	return items[before ? i - 1 : i + 1].y == items[i].y;
}

/* Twice the distance of the area under the feature's curve from one half, of two classes. */
static void
ml_leak_area(const MlLeakItem *items, int64 n, double positive, int64 positives, MlLeak *leak)
{
	double		ranks = 0;
	double		area;

	for (int64 i = 0, end; i < n; i = end)
	{
		int64		here = 0;

		end = ml_leak_group(items, n, i);
		for (int64 k = i; k < end; k++)
			here += items[k].y == positive;
		ranks += (double) here * (0.5 * (double) (i + 1 + end));
	}
	area = (ranks - 0.5 * (double) positives * (double) (positives + 1)) /
		((double) positives * (double) (n - positives));
	ml_leak_figure(leak, "auc", Max(area, 1 - area), 0, ML_LEAK_AUC);
}

/* labels has the same rows, of which only y is in order. */
static void
ml_leak_classes(const MlLeakItem *items, int64 n, bool ordered, const MlLeakItem *labels, MlLeak *leak)
{
	int64		first;
	int64		second;
	int64		right = 0;
	int64		repeated_right = 0;
	int64		positives = 0;
	double		common = ml_leak_commonest(labels, 0, n, &first, &second);

	if (n - first < ML_LEAK_RARE_MIN)
		return;
	for (int64 i = 0, end; i < n; i = end)
	{
		int64		here;
		int64		next;

		end = ml_leak_group(items, n, i);
		(void) ml_leak_commonest(items, i, end, &here, &next);
		if (end - i > 1)
		{
			leak->repeated += end - i;
			repeated_right += here - 1 > next ? here : 0;
		}
		else if (ordered)
			right += ml_leak_neighbour(items, n, i);
	}
	right += repeated_right;
	leak->repeated_missing = (double) (leak->repeated - repeated_right) / (double) Max(leak->repeated, 1) /
		((1 - (double) first / (double) n) * (1 - ML_LEAK_ACCURACY));
	ml_leak_figure(leak, "accuracy", (double) right / (double) n, (double) first / (double) n, ML_LEAK_ACCURACY);
	if (!ordered || first + second < n)
		return;
	for (int64 i = 0; i < n; i++)
		positives += items[i].y == common;
	ml_leak_area(items, n, common, positives, leak);
}

/* ---- numbers ---- */

/* The mean of the target over rows of one value. */
static double
ml_leak_mean(const MlLeakItem *items, int64 from, int64 to)
{
	double		sum = 0;

	for (int64 i = from; i < to; i++)
		sum += items[i].y;
	return sum / (double) (to - from);
}

/* What the values on both sides say of a row that is alone with its own; mean is that of all rows. */
static double
ml_leak_between(const MlLeakItem *items, int64 n, int64 i, double mean)
{
	bool		before = i > 0 && !isnan(items[i - 1].x);
	bool		after = i + 1 < n;
	double		share;

	if (isnan(items[i].x) || (!before && !after))
		return mean;
	if (!before || !after)
		return items[before ? i - 1 : i + 1].y;
	share = (items[i].x - items[i - 1].x) / (items[i + 1].x - items[i - 1].x);
	return items[i - 1].y + share * (items[i + 1].y - items[i - 1].y);
}

/* The square of the correlation, where no value is missing. */
static void
ml_leak_line(const MlLeakItem *items, int64 n, double mean_y, double total, MlLeak *leak)
{
	double		mean_x = 0;
	double		xx = 0;
	double		xy = 0;

	for (int64 i = 0; i < n; i++)
		mean_x += items[i].x / (double) n;
	for (int64 i = 0; i < n; i++)
	{
		xx += (items[i].x - mean_x) * (items[i].x - mean_x);
		xy += (items[i].x - mean_x) * (items[i].y - mean_y);
	}
	if (xx > 0 && isfinite(xx) && isfinite(xy))
		ml_leak_figure(leak, "r2", Min(xy / xx * (xy / total), 1), 0, ML_LEAK_R2);
}

static void
ml_leak_numbers(const MlLeakItem *items, int64 n, bool ordered, MlLeak *leak)
{
	double		mean = ml_leak_mean(items, 0, n);
	double		total = 0;
	double		rest = 0;
	double		repeated_rest = 0;

	for (int64 i = 0; i < n; i++)
		total += (items[i].y - mean) * (items[i].y - mean);
	if (!(total > 0) || !isfinite(total))
		return;
	for (int64 i = 0, end; i < n; i = end)
	{
		double		here;

		end = ml_leak_group(items, n, i);
		here = ml_leak_mean(items, i, end);
		for (int64 k = i; k < end; k++)
		{
			double		error = end - i > 1 ? (items[k].y - here) * (double) (end - i) / (double) (end - i - 1) :
				items[k].y - (ordered ? ml_leak_between(items, n, k, mean) : mean);

			rest += error * error;
			if (end - i > 1)
			{
				leak->repeated++;
				repeated_rest += error * error;
			}
		}
	}
	leak->repeated_missing = repeated_rest / (total * (double) Max(leak->repeated, 1) / (double) n) / (1 - ML_LEAK_R2);
	ml_leak_figure(leak, "r2", 1 - rest / total, 0, ML_LEAK_R2);
	if (ordered && !isnan(items[0].x))
		ml_leak_line(items, n, mean, total, leak);
}

/* ---- a feature ---- */

/* The first n values of a cell in canonical order. */
static void
ml_leak_gather(MlLeakRows *r, int cell, int64 n, double *out)
{
	const double *rows[ML_BLOCK_ROWS];
	int64		i = 0;
	int			got;

	if (r->load->filed)
	{
		ml_frame_column(r->frame, cell, r->column);
		memcpy(out, r->column, sizeof(double) * n);
		return;
	}
	ml_frame_rewind(r->frame);
	while (i < n && (got = ml_frame_read(r->frame, rows)) > 0)
		for (int k = 0; k < got && i < n; k++)
			out[i++] = rows[k][cell];
}

/* What a feature says of the target on the first n rows; ordered: it is a number. */
static void
ml_leak_look(MlLeakRows *r, int cell, bool ordered, int64 n, MlLeak *leak)
{
	double	   *x = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * n);
	MlLeakItem *labels = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MlLeakItem) * n);

	memset(leak, 0, sizeof *leak);
	leak->rows = n;
	leak->equal = ordered;
	if (n > r->y_known)
		ml_leak_gather(r, r->load->target_cell, n, r->y);
	r->y_known = Max(r->y_known, n);
	ml_leak_gather(r, cell, n, x);
	for (int64 i = 0; i < n; i++)
	{
		r->items[i].x = x[i];
		r->items[i].y = labels[i].y = r->y[i];
		labels[i].x = 0;
		leak->equal &= x[i] == r->y[i];
	}
	ml_leak_sort(r->items, n);
	if (r->classes)
	{
		ml_leak_sort(labels, n);
		ml_leak_classes(r->items, n, ordered, labels, leak);
	}
	else
		ml_leak_numbers(r->items, n, ordered, leak);
	pfree(x);
	pfree(labels);
}

static void
ml_leak_note(MlNotes *notes, const char *name, const MlLeak *leak)
{
	if (leak->equal)
		ml_note(notes, "column \"%s\" equals the target in all %lld rows looked at: leave it out with exclude, unless it is "
				"known before the target is", name, (long long) leak->rows);
	else
		ml_note(notes, "column \"%s\" alone predicts the target: %s %.5g%s on %lld rows; leave it out with exclude, unless it "
				"is known before the target is", name, leak->metric, leak->value,
				leak->trivial > 0 ? psprintf(", %.5g without it,", leak->trivial) : "", (long long) leak->rows);
}

/* Whether the values of a column come back: on all rows they may say what they do not on the first. */
static bool
ml_leak_comes_back(const MlLoad *load, const MlLoadColumn *column)
{
	const MlCellProfile *cell = ml_load_profile_cell(load->profile, column->first_cell);
	double		different = column->dict ? column->dict->count : cell->distinct ? ml_distinct_estimate(cell->distinct) : INFINITY;

	return 2 * different < (double) ml_load_profile_rows(load->profile);
}

/* The first rows, and what is nearly perfect on them once more on all. */
static void
ml_leak_feature(MlLeakRows *r, const MlLoadColumn *column, int element, MlNotes *notes)
{
	int64		n = Min(ml_frame_count(r->frame), ML_LEAK_ROWS_MAX);
	int			cell = column->first_cell + element;
	bool		ordered = column->dict == NULL;
	const char *name = column->name;
	MlLeak		leak;

	if (n > ML_LEAK_LOOK)
	{
		ml_leak_look(r, cell, ordered, ML_LEAK_LOOK, &leak);
		if (leak.metric != NULL && leak.missing > ML_LEAK_LOOK_SLACK &&
			(leak.repeated >= ML_LEAK_LOOK_REPEATED ? leak.repeated_missing > ML_LEAK_LOOK_SLACK :
			 !ml_leak_comes_back(r->load, column)))
			return;
	}
	ml_leak_look(r, cell, ordered, n, &leak);
	if (column->convert.class == ML_TYPE_ARRAY)
		name = psprintf("%s[%d]", column->name, element + 1);
	if (leak.metric != NULL && leak.missing <= 1)
		ml_leak_note(notes, name, &leak);
}

/* ---- identifiers ---- */

/* Whether no two of the rows looked at have the same value of a cell. */
static bool
ml_leak_all_differ(MlLeakRows *r, int cell)
{
	int64		n = Min(ml_frame_count(r->frame), ML_LEAK_ROWS_MAX);
	double	   *x = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * n);
	bool		differ = true;

	ml_leak_gather(r, cell, n, x);
	for (int64 i = 0; i < n; i++)
	{
		r->items[i].x = x[i];
		r->items[i].y = 0;
	}
	ml_leak_sort(r->items, n);
	for (int64 i = 1; i < n && differ; i++)
		differ = r->items[i].x != r->items[i - 1].x;
	pfree(x);
	return differ;
}

/*
 * Whether a number names the row: whole numbers, different in every row, that
 * are dense as those of a sequence, or greater than quantities are.
 */
static bool
ml_leak_identifies(MlLeakRows *r, const MlLoadColumn *column)
{
	const MlCellProfile *cell = ml_load_profile_cell(r->load->profile, column->first_cell);
	double		rows = (double) ml_load_profile_rows(r->load->profile);
	double		range;

	if (column->convert.kind != ML_CONVERT_INT2 && column->convert.kind != ML_CONVERT_INT4 &&
		column->convert.kind != ML_CONVERT_INT8 && column->convert.kind != ML_CONVERT_NUMERIC)
		return false;
	if (cell->histogram == NULL || !cell->histogram->whole || cell->nulls > 0 || rows < ML_LEAK_ROWS_MIN)
		return false;
	range = cell->histogram->max - cell->histogram->min + 1;
	if (range < rows || (range > 2 * rows && cell->histogram->max < PG_INT32_MAX))
		return false;
	/* beyond so many, how many there are is known to some 6 percent */
	if (ml_distinct_estimate(cell->distinct) < (rows <= ML_DISTINCT_MAX ? rows : 0.8 * rows))
		return false;
	return ml_leak_all_differ(r, column->first_cell);
}

void
ml_leaks_note(MlTraining *t)
{
	MlLoad	   *load = t->load;
	MemoryContext context;
	MlLeakRows	r = {load};
	int64		n;

	r.frame = load->train == NULL || ml_frame_count(load->test) >= ML_LEAK_TEST_ROWS ? load->test : load->train;
	r.classes = t->model->task == ML_TASK_CLASSIFICATION;
	n = ml_frame_count(r.frame);
	if (n < ML_LEAK_ROWS_MIN)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops leaks", ALLOCSET_DEFAULT_SIZES);
	if (load->filed)
		r.column = MemoryContextAllocHuge(context, sizeof(double) * n);
	n = Min(n, ML_LEAK_ROWS_MAX);
	r.y = MemoryContextAllocHuge(context, sizeof(double) * n);
	r.items = MemoryContextAllocHuge(context, sizeof(MlLeakItem) * n);
	for (int i = 0; i < load->nfeatures; i++)
	{
		const MlLoadColumn *column = &load->columns[i];

		for (int e = 0; e < column->ncells; e++)
		{
			CHECK_FOR_INTERRUPTS();
			ml_leak_feature(&r, column, e, &t->notes);
		}
		if (ml_leak_identifies(&r, column))
			ml_note(&t->notes, "column \"%s\" has a different whole number in every row: leave it out with exclude if it is "
					"an identifier, which says nothing of rows to come", column->name);
	}
	MemoryContextDelete(context);
}
