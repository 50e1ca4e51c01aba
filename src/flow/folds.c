/*
 * folds.c - the training rows of a load in folds, and the rows of one fold for training and for judging.
 *
 * Rows are looked at in canonical order, which is that of a hash of their
 * content and the seed: so what is dealt out in turn is dealt out at random.
 * Of the column that groups or orders rows, the load keeps a key in a cell
 * behind the others (split_cell): a hash of the group, or bits that are
 * ordered as the times are. Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/folds.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Where nothing is cross-validated and rows are held out for a while, it is one of so many. */
#define ML_FOLDS_ONCE	5

#define ST_SORT ml_folds_sort_keys
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A group, or a fold that a column names. */
typedef struct MlFoldGroup
{
	uint64		key;
	int64		rows;
	uint16		fold;
} MlFoldGroup;

static ML_NORETURN void
ml_folds_too_few(const char *what, int64 have, int64 needed)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there are too few %s for the folds", what),
			 errdetail("The training rows have %lld; %lld are needed.", (long long) have, (long long) needed),
			 errhint("Ask for fewer \"folds\".")));
}

/* ---- plain and stratified: rows are dealt out ---- */

/* Where rows of one class have gone so far, and all rows. */
typedef struct MlFoldDeal
{
	int			count;
	int64	   *of_class;		/* [class * count + fold] */
	int64	   *total;			/* [fold] */
} MlFoldDeal;

/* The fold with the fewest rows of the class, of these the one with the fewest rows, of these the first. */
static int
ml_folds_deal(const MlFoldDeal *deal, int class)
{
	const int64 *of_class = deal->of_class + (Size) class * deal->count;
	int			best = 0;

	for (int f = 1; f < deal->count; f++)
		if (of_class[f] < of_class[best] || (of_class[f] == of_class[best] && deal->total[f] < deal->total[best]))
			best = f;
	return best;
}

/* The class of a row among all that its target may have. */
static int
ml_folds_class(const MlLoad *load, const double *row)
{
	double		y = row[load->target_cell];

	return ml_load_target(load)->dict ? (int) y : ml_design_find(load->targets, load->ntargets, y);
}

static void
ml_folds_dealt(const MlLoad *load, MlFolds *folds, bool stratified)
{
	const MlDict *labels = ml_load_target(load)->dict;
	int			nclasses = !stratified ? 1 : labels ? labels->count : load->ntargets;
	Size		width = sizeof(double) * (load->split_cell >= 0 ? load->split_cell : load->ncells);
	double	   *before = MemoryContextAllocHuge(CurrentMemoryContext, Max(width, 1));
	MlFoldDeal	deal;
	const double *rows[ML_BLOCK_ROWS];
	int64		place = 0;
	int			n;

	deal.count = folds->count;
	deal.of_class = palloc_extended(sizeof(int64) * Max(nclasses, 1) * folds->count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	deal.total = palloc0(sizeof(int64) * folds->count);
	ml_frame_rewind(load->train);
	while ((n = ml_frame_read(load->train, rows)) > 0)
		for (int i = 0; i < n; i++, place++)
		{
			int			class = stratified ? ml_folds_class(load, rows[i]) : 0;
			int			fold;

			/* equal rows are neighbours */
			if (place > 0 && memcmp(before, rows[i], width) == 0)
				fold = folds->fold[place - 1];
			else
			{
				fold = ml_folds_deal(&deal, class);
				memcpy(before, rows[i], width);
			}
			folds->fold[place] = fold;
			deal.of_class[(Size) class * folds->count + fold]++;
			deal.total[fold]++;
		}
	for (int f = 0; f < folds->count; f++)
		if (deal.total[f] == 0)
			ml_folds_too_few("different rows", f, folds->count);
	pfree(deal.of_class);
	pfree(deal.total);
	pfree(before);
}

/* ---- by a column ---- */

static inline uint64
ml_folds_key(const MlLoad *load, const double *row)
{
	return ml_cell_bits(row[load->split_cell]);
}

/* The keys of all rows, ascending. */
static uint64 *
ml_folds_keys(const MlLoad *load)
{
	int64		nrows = ml_frame_count(load->train);
	uint64	   *keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * Max(nrows, 1));
	const double *rows[ML_BLOCK_ROWS];
	int64		place = 0;
	int			n;

	ml_frame_rewind(load->train);
	while ((n = ml_frame_read(load->train, rows)) > 0)
		for (int i = 0; i < n; i++)
			keys[place++] = ml_folds_key(load, rows[i]);
	ml_folds_sort_keys(keys, nrows);
	return keys;
}

/* The different keys, ascending, with the rows of each. */
static MlFoldGroup *
ml_folds_groups(const MlLoad *load, int64 *ngroups)
{
	int64		nrows = ml_frame_count(load->train);
	uint64	   *keys = ml_folds_keys(load);
	MlFoldGroup *groups;
	int64		n = 0;

	for (int64 i = 0; i < nrows; i++)
		n += i == 0 || keys[i] != keys[i - 1];
	groups = palloc_extended(sizeof(MlFoldGroup) * Max(n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	n = 0;
	for (int64 i = 0; i < nrows; i++)
	{
		if (i == 0 || keys[i] != keys[i - 1])
			groups[n++].key = keys[i];
		groups[n - 1].rows++;
	}
	pfree(keys);
	*ngroups = n;
	return groups;
}

/* Puts each row into the fold of its group; groups are ordered by their keys. */
static void
ml_folds_by_group(const MlLoad *load, MlFolds *folds, const MlFoldGroup *groups, int64 ngroups)
{
	const double *rows[ML_BLOCK_ROWS];
	int64		place = 0;
	int			n;

	ml_frame_rewind(load->train);
	while ((n = ml_frame_read(load->train, rows)) > 0)
		for (int i = 0; i < n; i++)
		{
			uint64		key = ml_folds_key(load, rows[i]);
			int64		low = 0;
			int64		high = ngroups - 1;

			while (low < high)
			{
				int64		middle = (low + high) / 2;

				if (groups[middle].key < key)
					low = middle + 1;
				else
					high = middle;
			}
			folds->fold[place++] = groups[low].fold;
		}
}

/* The largest group first; equal ones by their keys, which are hashes. */
static int
ml_folds_larger(const void *a, const void *b)
{
	const MlFoldGroup *x = *(MlFoldGroup *const *) a;
	const MlFoldGroup *y = *(MlFoldGroup *const *) b;

	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

/* As scikit-learn's GroupKFold: the largest group that is left goes to the fold with the fewest rows. */
static void
ml_folds_grouped(const MlLoad *load, MlFolds *folds)
{
	int64		ngroups;
	MlFoldGroup *groups = ml_folds_groups(load, &ngroups);
	MlFoldGroup **order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MlFoldGroup *) * Max(ngroups, 1));
	int64	   *total = palloc0(sizeof(int64) * folds->count);

	if (ngroups < folds->count)
		ml_folds_too_few(psprintf("groups of column \"%s\"", load->split_column), ngroups, folds->count);
	for (int64 g = 0; g < ngroups; g++)
		order[g] = &groups[g];
	qsort(order, ngroups, sizeof(MlFoldGroup *), ml_folds_larger);
	for (int64 g = 0; g < ngroups; g++)
	{
		int			best = 0;

		for (int f = 1; f < folds->count; f++)
			if (total[f] < total[best])
				best = f;
		order[g]->fold = best;
		total[best] += order[g]->rows;
	}
	ml_folds_by_group(load, folds, groups, ngroups);
	pfree(order);
	pfree(groups);
	pfree(total);
}

/* The values of the column, ascending, are the folds. */
static void
ml_folds_given(const MlLoad *load, MlFolds *folds)
{
	int64		ngroups;
	MlFoldGroup *groups = ml_folds_groups(load, &ngroups);

	if (ngroups != folds->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" does not name %d folds", load->split_column, folds->count),
				 errdetail("It has %lld different values in the training rows.", (long long) ngroups),
				 errhint("\"folds\" is the number of different values of the column.")));
	for (int64 g = 0; g < ngroups; g++)
		groups[g].fold = g;
	ml_folds_by_group(load, folds, groups, ngroups);
	pfree(groups);
}

/*
 * As scikit-learn's TimeSeriesSplit: the last k * (n / (k + 1)) rows are k
 * folds of equal size, one after the other, and the rows before them are only
 * learned from. Rows of one time are all in the fold of the first of them.
 */
static void
ml_folds_chained(const MlLoad *load, MlFolds *folds, int k)
{
	int64		nrows = ml_frame_count(load->train);
	int64		size = k == 1 ? nrows / ML_FOLDS_ONCE : nrows / (k + 1);
	int64		from = nrows - (int64) k * size;
	int64		ngroups;
	MlFoldGroup *groups = ml_folds_groups(load, &ngroups);
	int64		at = 0;
	int			fold = 0;

	if (size == 0)
		ml_folds_too_few("rows", nrows, k + 1);
	for (int64 g = 0; g <= ngroups; g++)
	{
		/* at is the place of the time's first row */
		int			next = g == ngroups ? k + 1 : at < from ? 0 : (int) ((at - from) / size) + 1;

		if (next > fold + 1)
			ml_folds_too_few(psprintf("different times in column \"%s\"", load->split_column), ngroups, k + 1);
		fold = next;
		if (g < ngroups)
		{
			groups[g].fold = fold;
			at += groups[g].rows;
		}
	}
	ml_folds_by_group(load, folds, groups, ngroups);
	pfree(groups);
}

/* ---- making and using them ---- */

/* The task and classes of all rows that are in folds. */
static const MlDesign *
ml_folds_labels(const MlTraining *t)
{
	MlLoad	   *load = t->load;
	MlDesign   *labels = palloc0(sizeof(MlDesign));
	const MlDict *dict = ml_load_target(load)->dict;
	const double *rows[ML_BLOCK_ROWS];
	int			n;

	labels->load = load;
	labels->model = palloc0(sizeof(MlModel));
	labels->model->task = t->model->task;
	labels->target_counts = palloc_extended(sizeof(int64) * Max(dict ? dict->count : load->ntargets, 1),
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ml_frame_rewind(load->train);
	while (t->model->task == ML_TASK_CLASSIFICATION && load->ntargets <= ML_CLASSES_MAX &&
		   (n = ml_frame_read(load->train, rows)) > 0)
		for (int i = 0; i < n; i++)
			labels->target_counts[ml_folds_class(load, rows[i])]++;
	ml_design_labels(labels, t->positive);
	return labels;
}

MlFolds *
ml_folds_make(MlTraining *t, int k, MlFoldMethod method)
{
	MlLoad	   *load = t->load;
	MlFolds    *folds = palloc0(sizeof(MlFolds));

	Assert(load->folded && load->train != NULL);
	if (method == ML_FOLDS_STRATIFIED && t->model->task != ML_TASK_CLASSIFICATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("folds of numbers cannot be stratified"),
				 errdetail("Stratified folds have the classes in equal shares; the task is regression."),
				 errhint("Leave \"stratified\" out, or pass task => 'classification'.")));
	folds->labels = ml_folds_labels(t);
	folds->nrows = ml_frame_count(load->train);
	folds->fold = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint16) * Max(folds->nrows, 1));
	folds->chained = method == ML_FOLDS_TIME;
	/* a column that gives the folds gives all of them */
	folds->count = folds->chained ? k + 1 : method == ML_FOLDS_GIVEN ? load->folds : k == 1 ? ML_FOLDS_ONCE : k;
	folds->first = folds->chained ? 1 : k == 1 ? folds->count - 1 : 0;
	switch (method)
	{
		case ML_FOLDS_PLAIN:
		case ML_FOLDS_STRATIFIED:
			ml_folds_dealt(load, folds, method == ML_FOLDS_STRATIFIED);
			break;
		case ML_FOLDS_GROUPED:
			ml_folds_grouped(load, folds);
			break;
		case ML_FOLDS_TIME:
			ml_folds_chained(load, folds, k);
			break;
		case ML_FOLDS_GIVEN:
			ml_folds_given(load, folds);
			break;
	}
	return folds;
}

/* Whether a row is in a share of the rows, by its place among all of them. */
static bool
ml_folds_in_share(int64 place, double share)
{
	return share >= 1 ||
		(double) (ml_mix64((uint64) place + UINT64CONST(0x3c6ef372fe94f82b)) >> 11) * 0x1.0p-53 < share;
}

static void
ml_folds_take(MlFrame *frame, const double *row, int ncells, int64 place)
{
	memcpy(ml_frame_row(frame), row, sizeof(double) * ncells);
	/* they come in canonical order */
	ml_frame_commit(frame, (uint64) place);
}

MlLoad *
ml_folds_part(const MlLoad *load, const MlFolds *folds, int fold, double share)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops fold", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	MlLoad	   *part = palloc(sizeof(MlLoad));
	const double *rows[ML_BLOCK_ROWS];
	int64		place = 0;
	int			n;

	*part = *load;
	part->context = context;
	part->filed = part->folded = false;
	part->profile = NULL;
	part->labels = folds->labels;
	/* what the rows were put into folds by is not needed any more */
	part->ncells = load->split_cell >= 0 ? load->split_cell : load->ncells;
	part->split_cell = -1;
	part->rows_train = part->rows_null_target = 0;
	part->weight_sum = 0;
	part->train = ml_frame_create(part->ncells, &part->budget);
	part->test = ml_frame_create(part->ncells, &part->budget);
	ml_frame_rewind(load->train);
	while ((n = ml_frame_read(load->train, rows)) > 0)
		for (int i = 0; i < n; i++, place++)
		{
			int			f = folds->fold[place];

			if (f == fold)
				ml_folds_take(part->test, rows[i], part->ncells, place);
			else if ((!folds->chained || f < fold) && ml_folds_in_share(place, share))
			{
				ml_folds_take(part->train, rows[i], part->ncells, place);
				part->rows_train++;
				part->weight_sum += part->weight_cell >= 0 ? rows[i][part->weight_cell] : 0;
			}
		}
	part->rows_read = part->rows_train + ml_frame_count(part->test);
	ml_frame_finish(part->train);
	ml_frame_finish(part->test);
	MemoryContextSwitchTo(old);
	return part;
}

void
ml_folds_end_part(MlLoad *part)
{
	if (part->train)
		ml_frame_free(part->train);
	ml_frame_free(part->test);
	MemoryContextDelete(part->context);
}
