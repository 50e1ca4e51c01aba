/*
 * judge.c - whether rows that were counted have drifted: every column, slice and method of a window together.
 *
 * Pure arithmetic on counts; results live in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "miscadmin.h"
#include "monitor/judge.h"

/* Fewer training rows than this make no reference, whatever the window has. */
#define ML_JUDGE_REFERENCE_ROWS	50

/* The rows a window needs for each bin that training rows fill, and at least. */
#define ML_JUDGE_ROWS_PER_BIN	20
#define ML_JUDGE_ROWS_MIN		100
#define ML_JUDGE_ROWS_DISTANCE	500

/* What looks spend of a window's alpha: this share at its end, and of the rest the look-th 1 / (look + 1)^2. */
#define ML_JUDGE_LOOK_SHARE		0.6

/* ---- rules ---- */

bool
ml_judge_cyclic(const MlMonitor *monitor, const MlBins *bins)
{
	return bins->ordered && (bins->cyclic || ml_text_listed(monitor->cyclic, bins->name));
}

List *
ml_judge_methods(const MlMonitor *monitor, const MlBins *bins)
{
	List	   *methods = NIL;
	ListCell   *lc;

	foreach(lc, monitor->methods)
	{
		const MlDriftMethod *method = ml_drift_method_find(lfirst(lc));

		if (method != NULL && (bins->ordered || !(method->needs_order || method->needs_moments)))
			methods = lappend(methods, unconstify(MlDriftMethod *, method));
	}
	if (monitor->methods != NIL)
		return methods;
	if (ml_judge_cyclic(monitor, bins))
		return list_make1(unconstify(MlDriftMethod *, &ml_drift_kuiper));
	if (bins->ordered)
		return list_make1(unconstify(MlDriftMethod *, &ml_drift_psi));
	return list_make2(unconstify(MlDriftMethod *, &ml_drift_jensen_shannon_distance),
					  unconstify(MlDriftMethod *, &ml_drift_l_infinity));
}

int64
ml_judge_min_rows(const MlMonitor *monitor, const MlBins *bins, const MlDriftMethod *method)
{
	int			filled = bins->ordered ? bins->nedges - 1 : bins->nlevels;

	if (monitor->min_rows > 0)
		return monitor->min_rows;
	return Max(method == &ml_drift_wasserstein ? ML_JUDGE_ROWS_DISTANCE : ML_JUDGE_ROWS_MIN,
			   ML_JUDGE_ROWS_PER_BIN * filled);
}

double
ml_judge_look_alpha(double alpha, int look, bool over)
{
	return over ? ML_JUDGE_LOOK_SHARE * alpha : ML_JUDGE_LOOK_SHARE * alpha / ((look + 1.0) * (look + 1.0));
}

/* P(X >= k) of a binomial number. */
static double
ml_judge_at_least(int k, int n, double p)
{
	double		sum = 0;

	for (int i = k; i <= n; i++)
		sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) + (n - i) * log1p(-p));
	return Min(sum, 1.0);
}

double
ml_judge_false_alarms(const MlMonitor *monitor, int columns)
{
	if (columns == 0)
		return 0;
	if (monitor->alert_of == 1)
		return monitor->alpha;
	return Min(columns * ml_judge_at_least(monitor->alert_after, monitor->alert_of, monitor->alpha / columns), 1.0);
}

int
ml_judge_slices(const MlBaseline *baseline, List *names, int **slices)
{
	ListCell   *lc;
	int			n = 0;

	*slices = palloc(sizeof(int) * Max(list_length(names), 1));
	foreach(lc, names)
	{
		int			column = ml_baseline_find(baseline, lfirst(lc));

		if (column >= 0 && baseline->bins[column].cell >= 0)
			(*slices)[n++] = column;
	}
	return n;
}

/* ---- comparisons ---- */

typedef struct MlJudgedColumn
{
	const MlBins *bins;
	MlColumnCounts reference;
	MlColumnCounts current;
	MlDriftPair pair;
} MlJudgedColumn;

static void
ml_judge_read(const MlJudgement *j, const MlCounts *reference, int set, int column, MlJudgedColumn *out)
{
	out->bins = &j->baseline->bins[column];
	ml_counts_read(reference, set, column, out->bins, &out->reference);
	ml_counts_read(j->current, set, column, out->bins, &out->current);
	ml_profile_pair(out->bins, &out->reference, &out->current, &out->pair);
	out->pair.cyclic = ml_judge_cyclic(j->monitor, out->bins);
}

/* The comparisons of a column, by methods that are not yet told what is left of alpha for them. */
static List *
ml_judge_column(const MlJudgement *j, MlDriftType type, const MlCounts *reference, int set, int column, List *rows)
{
	const MlBins *bins = &j->baseline->bins[column];
	MlJudgedColumn judged;
	const char *key = NULL;
	const char *value = NULL;
	ListCell   *lc;

	ml_judge_read(j, reference, set, column, &judged);
	if (set > 0)
	{
		int			slice;
		int			bin;

		ml_slice_of(j->baseline, j->nslices, j->slices, set, &slice, &bin);
		/* the rows of a slice differ from others in what they were chosen by, and nothing else can happen to it */
		if (slice == column)
			return rows;
		key = j->baseline->bins[slice].name;
		value = ml_bins_label(&j->baseline->bins[slice], bin);
	}
	foreach(lc, ml_judge_methods(j->monitor, bins))
	{
		const MlDriftMethod *method = lfirst(lc);
		MlDriftRow *row = palloc0(sizeof(MlDriftRow));
		int64		enough = ml_judge_min_rows(j->monitor, bins, method);

		row->set = set;
		row->column = column;
		row->slice_key = key;
		row->slice_value = value;
		row->column_name = bins->name;
		row->type = type;
		row->method = method;
		row->n_reference = judged.reference.rows;
		row->n = judged.current.rows;
		row->alpha = j->alpha;
		row->floor = method->floor;
		method->compute(&judged.pair, j->alpha, method->floor, &row->result);
		/* what has no statistic lacks values */
		row->verdict = row->result.defined && isfinite(row->result.statistic) && row->n >= enough &&
			row->n_reference >= Min(enough, ML_JUDGE_REFERENCE_ROWS) ? ML_DRIFT_NONE : ML_DRIFT_INSUFFICIENT;
		rows = lappend(rows, row);
	}
	return rows;
}

static int
ml_judge_compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* What is left of alpha for each comparison: k alpha / m, where k of m p-values are at most that, and the k is the greatest. */
static double
ml_judge_share_alpha(List *rows, double alpha)
{
	double	   *p = palloc(sizeof(double) * Max(list_length(rows), 1));
	ListCell   *lc;
	int			found = 1;
	int			known = 0;
	int			m = 0;

	foreach(lc, rows)
	{
		const MlDriftRow *row = lfirst(lc);

		if (row->verdict == ML_DRIFT_INSUFFICIENT)
			continue;
		m++;
		if (!isnan(row->result.p_value))
			p[known++] = row->result.p_value;
	}
	qsort(p, known, sizeof(double), ml_judge_compare);
	for (int k = 1; k <= known; k++)
		if (p[k - 1] <= k * alpha / m)
			found = k;
	pfree(p);
	return m > 0 ? found * alpha / m : alpha;
}

List *
ml_judge_drift(const MlJudgement *j, MlDriftType type, const MlCounts *reference, const MlCounts *slices)
{
	List	   *rows = NIL;
	ListCell   *lc;
	double		alpha;

	for (int set = 0; set < (slices != NULL ? j->current->shape.nsets : 1); set++)
	{
		CHECK_FOR_INTERRUPTS();
		/* most slices of a small window are empty, and there is nothing to say of them */
		if (set > 0 && ml_counts_rows(j->current, set) == 0)
			continue;
		for (int column = 0; column < j->baseline->ncolumns; column++)
			rows = ml_judge_column(j, type, set > 0 ? slices : reference, set, column, rows);
	}
	alpha = ml_judge_share_alpha(rows, j->alpha);
	foreach(lc, rows)
	{
		MlDriftRow *row = lfirst(lc);
		const MlCounts *side = row->set > 0 ? slices : reference;
		MlJudgedColumn judged;
		double		own = isnan(row->result.p_value) ? Min(alpha, j->alpha / list_length(rows)) : alpha;

		if (row->verdict == ML_DRIFT_INSUFFICIENT)
			continue;
		CHECK_FOR_INTERRUPTS();
		ml_judge_read(j, side, row->set, row->column, &judged);
		row->alpha = own;
		row->method->compute(&judged.pair, own, row->method->floor, &row->result);
		row->verdict = row->result.statistic > row->result.limit ? ML_DRIFT_FOUND : ML_DRIFT_NONE;
	}
	return rows;
}
