/*
 * design.c - from loaded rows to what a learner sees: task, classes and inputs are chosen.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/design.h"
#include "math/moments.h"
#include "utils/memutils.h"

/* A numeric target with at most this many different whole numbers is taken for classes. */
#define ML_INFER_CLASSES_MAX	20

static int
ml_double_compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

int
ml_design_find(const double *values, int n, double y)
{
	const double *found;

	if (n <= 8)
	{
		for (int i = 0; i < n; i++)
			if (values[i] == y)
				return i;
		return -1;
	}
	found = bsearch(&y, values, n, sizeof(double), ml_double_compare);
	return found ? (int) (found - values) : -1;
}

MlTask
ml_design_infer_task(const MlLoad *load, MlNotes *notes)
{
	const MlLoadColumn *target = ml_load_target(load);
	bool		integral;

	if (target->convert.class == ML_TYPE_TEXT || target->convert.kind == ML_CONVERT_BOOL)
		return ML_TASK_CLASSIFICATION;
	integral = target->convert.kind == ML_CONVERT_INT2 || target->convert.kind == ML_CONVERT_INT4 ||
		target->convert.kind == ML_CONVERT_INT8;
	if (load->ntargets == 2 && load->targets[0] == 0 && load->targets[1] == 1)
	{
		ml_note(notes, "target \"%s\" has the values 0 and 1: taken as two classes", target->name);
		return ML_TASK_CLASSIFICATION;
	}
	if (integral && load->ntargets >= 2 && load->ntargets <= ML_INFER_CLASSES_MAX &&
		load->rows_read >= 5 * load->ntargets)
	{
		ml_note(notes, "target \"%s\" has %d different whole numbers: taken as classes; "
				"task => 'regression' takes them as quantities", target->name, load->ntargets);
		return ML_TASK_CLASSIFICATION;
	}
	return ML_TASK_REGRESSION;
}

/* Tells NULL from NaN and counts levels, for the rows of a block; the sums are done. */
static void
ml_design_survey_block(MlDesign *design, const double *const *rows, int n, bool missing, const int *category,
					   int ncategories)
{
	const MlLoad *load = design->load;
	MlColumnStats *stats = design->stats;
	bool		labels = load->target_cell >= 0 && ml_load_target(load)->dict != NULL;

	for (int i = 0; i < n && missing; i++)
		for (int j = 0; j < load->feature_cells; j++)
			if (ml_cell_is_missing(rows[i][j]))
			{
				if (ml_cell_is_null(rows[i][j]))
					stats[j].nulls++;
				else
					stats[j].nans++;
			}
	for (int c = 0; c < ncategories; c++)
		for (int i = 0; i < n; i++)
			if (!ml_cell_is_missing(rows[i][category[c]]))
				stats[category[c]].level_counts[(int) rows[i][category[c]]]++;
	/* the values of a number are kept up to that many; texts all have a code */
	if (design->model->task != ML_TASK_CLASSIFICATION || (!labels && load->ntargets > ML_CLASSES_MAX))
		return;
	for (int i = 0; i < n; i++)
	{
		double		y = rows[i][load->target_cell];

		if (labels)
			design->target_counts[(int) y]++;
		else
			design->target_counts[ml_design_find(load->targets, load->ntargets, y)]++;
	}
}

/* One pass over the training rows: what each loaded feature cell and the target hold. */
void
ml_design_survey(MlDesign *design)
{
	const MlLoad *load = design->load;
	MlDict	   *target = load->target_cell >= 0 ? ml_load_target(load)->dict : NULL;
	int			cells = load->feature_cells;
	int		   *category = palloc(sizeof(int) * Max(load->nfeatures, 1));
	int			ncategories = 0;
	const double *rows[ML_BLOCK_ROWS];
	double	   *shift = palloc_extended(sizeof(double) * Max(cells, 1), MCXT_ALLOC_HUGE);
	MlMoments	m;
	int64		seen = 0;
	double		known = 0;
	int			n;

	design->stats = palloc_extended(sizeof(MlColumnStats) * Max(cells, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	design->target_counts = palloc_extended(sizeof(int64) * Max(target ? target->count : load->ntargets, 1),
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < load->nfeatures; i++)
		if (load->columns[i].dict)
		{
			category[ncategories++] = load->columns[i].first_cell;
			design->stats[load->columns[i].first_cell].level_counts =
				palloc_extended(sizeof(int64) * Max(load->columns[i].dict->count, 1),
								MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		}
	ml_moments_init(&m, MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(double) * ML_MOMENTS_ARRAYS * Max(cells, 1)), cells);
	ml_frame_rewind(load->train);
	while ((n = ml_frame_read(load->train, rows)) > 0)
	{
		double		total = 0;

		/* the first row is likely near the means */
		for (int j = 0; seen == 0 && j < cells; j++)
			shift[j] = ml_cell_is_missing(rows[0][j]) ? 0 : rows[0][j];
		ml_moments_add(&m, rows, n, cells, shift);
		for (int j = 0; j < cells; j++)
			total += m.count[j];
		seen += n;
		ml_design_survey_block(design, rows, n, total - known < (double) n * cells, category, ncategories);
		known = total;
	}
	for (int j = 0; j < cells; j++)
	{
		design->stats[j].n = (int64) m.count[j];
		design->stats[j].min = m.min[j];
		design->stats[j].max = m.max[j];
		design->stats[j].mean = m.count[j] > 0 ? ml_moments_mean(&m, j, shift[j]) : NAN;
		design->stats[j].stddev = m.count[j] > 0 && !ml_moments_far(&m, j) ? ml_moments_stddev(&m, j) : NAN;
	}
	pfree(m.count);
	pfree(shift);
	pfree(category);
}

/* What streaming knows of each loaded feature cell: no row missed a value. */
static void
ml_design_streamed(MlDesign *design)
{
	const MlLoad *load = design->load;

	design->stats = palloc_extended(sizeof(MlColumnStats) * Max(load->feature_cells, 1),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int j = 0; j < load->feature_cells; j++)
	{
		design->stats[j].n = load->rows_train;
		design->stats[j].min = load->min[j];
		design->stats[j].max = load->max[j];
		design->stats[j].mean = design->stats[j].stddev = NAN;
	}
}

int
ml_label_compare(const void *a, const void *b)
{
	const MlLabel *x = a;
	const MlLabel *y = b;

	return ml_text_compare(x->text, x->length, y->text, y->length);
}

static void
ml_design_too_many_classes(const MlLoadColumn *target)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("target column \"%s\" has too many classes", target->name),
			 errdetail("It has more than %d different values.", ML_CLASSES_MAX),
			 errhint("Pass task => 'regression', or group the rare values in the source query.")));
}

/* The classes of a text target: the texts of the training rows, bytewise. */
static void
ml_design_text_classes(MlDesign *design, const MlLoadColumn *target)
{
	MlDict	   *dict = target->dict;
	const int64 *count = design->target_counts;
	MlLabel    *labels = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MlLabel) * Max(dict->count, 1));
	MlModel    *model = design->model;
	int			n = 0;

	design->class_code = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(dict->count, 1));
	for (int i = 0; i < dict->count; i++)
	{
		design->class_code[i] = -1;
		if (count[i] == 0)
			continue;
		labels[n].text = dict->texts[i].bytes;
		labels[n].length = dict->texts[i].length;
		labels[n++].code = i;
	}
	if (n > ML_CLASSES_MAX)
		ml_design_too_many_classes(target);
	qsort(labels, n, sizeof(MlLabel), ml_label_compare);
	model->nclasses = n;
	model->classes = palloc(sizeof(char *) * Max(n, 1));
	for (int k = 0; k < n; k++)
	{
		model->classes[k] = pstrdup(labels[k].text);
		design->class_code[labels[k].code] = k;
	}
}

/* The classes of a numeric or boolean target: the values of the training rows, ascending. */
static void
ml_design_number_classes(MlDesign *design, const MlLoadColumn *target)
{
	const MlLoad *load = design->load;
	MlModel    *model = design->model;
	const int64 *count = design->target_counts;
	int			n = 0;

	if (load->ntargets > ML_CLASSES_MAX)
		ml_design_too_many_classes(target);
	design->class_value = palloc(sizeof(double) * Max(load->ntargets, 1));
	model->classes = palloc(sizeof(char *) * Max(load->ntargets, 1));
	for (int i = 0; i < load->ntargets; i++)
	{
		if (count[i] == 0)
			continue;
		design->class_value[n] = load->targets[i];
		if (target->convert.kind == ML_CONVERT_BOOL)
			model->classes[n] = pstrdup(load->targets[i] != 0 ? "true" : "false");
		else
			model->classes[n] = ml_text_number(load->targets[i]);
		n++;
	}
	model->nclasses = n;
}

static void
ml_design_positive(MlDesign *design, const char *positive)
{
	MlModel    *model = design->model;
	List	   *names = NIL;

	/* true, the greater number or the text that sorts last: always the last class */
	model->positive = Max(model->nclasses - 1, 0);
	if (positive == NULL)
		return;
	for (int k = 0; k < model->nclasses; k++)
	{
		if (strcmp(model->classes[k], positive) == 0)
		{
			/* of two classes the positive one is made the last, so that coefficients speak of it */
			if (model->nclasses == 2 && k == 0)
			{
				char	   *first = model->classes[0];

				model->classes[0] = model->classes[1];
				model->classes[1] = first;
				design->swapped = true;
			}
			else
				model->positive = k;
			return;
		}
		names = lappend(names, model->classes[k]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("positive_class \"%s\" is not a class of target column \"%s\"", positive, model->target),
			 errdetail("The classes are: %s.", ml_text_list(names, 20)),
			 errhint("%s", ml_text_hint(positive, names, "Name one of these classes."))));
}

void
ml_design_target(MlDesign *design, const char *positive)
{
	if (design->load->train)
		ml_design_survey(design);
	else
		ml_design_streamed(design);
	ml_design_labels(design, positive);
}

void
ml_design_labels(MlDesign *design, const char *positive)
{
	const MlLoadColumn *target = ml_load_target(design->load);
	MlModel    *model = design->model;

	model->target = target->name;
	model->target_type = ml_convert_type_name(&target->convert);
	if (model->task == ML_TASK_REGRESSION)
	{
		if (target->convert.class != ML_TYPE_NUMBER)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("target column \"%s\" of type %s cannot be predicted by regression",
							target->name, target->type_name),
					 errdetail("Regression needs a number."),
					 errhint("Pass task => 'classification', or cast the target in the source query.")));
		if (design->load->ntargets < 2)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("target column \"%s\" is constant", target->name),
					 errdetail("Its only value is %s, so there is nothing to learn.",
							   ml_text_number(design->load->targets[0])),
					 errhint("Check the source query and the target's name.")));
		return;
	}
	if (target->convert.class == ML_TYPE_TEXT)
		ml_design_text_classes(design, target);
	else
		ml_design_number_classes(design, target);
	if (model->nclasses < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target column \"%s\" has only one class in the training rows", target->name),
				 errdetail("Its only value is \"%s\", so there is nothing to learn.", model->classes[0]),
				 errhint("Check the source query and the split.")));
	ml_design_positive(design, positive);
}

/* Why a column is of no use, or NULL. A number that is always the same serves as the constant term that a model lacks. */
static const char *
ml_design_useless(const MlLoadColumn *column, const MlColumnStats *stats, bool intercept, const MlTextClaim *claim)
{
	int			seen = 0;

	if (column->convert.class == ML_TYPE_ARRAY)
	{
		for (int e = 0; e < column->ncells; e++)
			if (stats[e].n > 0 && (stats[e].min < stats[e].max || stats[e].nulls + stats[e].nans > 0))
				return NULL;
		return stats[0].n > 0 ? "it is constant" : "it has no value";
	}
	if (stats->n == 0)
		return "it has no value";
	if (column->dict == NULL)
		return stats->min == stats->max && stats->nulls + stats->nans == 0 && (intercept || stats->min == 0) ?
			"it is constant" : NULL;
	for (int c = 0; c < column->dict->count; c++)
		seen += stats->level_counts[c] > 0;
	if (seen == 1 && stats->nulls == 0)
		return "it is constant";
	/* of free texts that is no surprise */
	if (seen == stats->n && seen > 2 && claim->encoding == ML_ENCODING_LEVELS && !(claim->all_levels && claim->named))
		return "it has a different text in every row";
	return NULL;
}

/* Room at the entrance for so many cells more. */
static void
ml_design_grow(MlDesign *design, int *capacity, int more)
{
	int			needed = design->ncells + more;

	if (needed <= *capacity)
		return;
	*capacity = Max(needed, 2 * *capacity);
	design->cell = repalloc_huge(design->cell, sizeof(int) * *capacity);
	design->level = repalloc_huge(design->level, sizeof(double *) * *capacity);
	design->terms = repalloc_huge(design->terms, sizeof(MlTermTable *) * *capacity);
	design->stats = repalloc_huge(design->stats, sizeof(MlColumnStats) * *capacity);
}

/* Adds a column as an input, with its cells behind those that the entrance has. */
static void
ml_design_input(MlDesign *design, MlInput *input, const MlLoadColumn *column, const MlColumnStats *loaded,
				const MlDesignWish *wish, const MlTextClaim *claim, int *capacity, MlNotes *notes)
{
	int			first = design->ncells;
	MlDesignTexts texts = {0};

	input->name = column->name;
	input->type_name = ml_convert_type_name(&column->convert);
	input->class = column->convert.class;
	input->ncells = column->ncells;
	if (column->dict)
		ml_design_texts(design->load, input, column, loaded, claim, wish->levels, &texts, notes);
	ml_design_grow(design, capacity, input->ncells);
	for (int e = 0; e < input->ncells; e++)
	{
		bool		terms = texts.terms != NULL;

		design->stats[first + e] = column->dict ? texts.stats : loaded[e];
		design->stats[first + e].documents = terms ? texts.documents[e] : 0;
		design->cell[first + e] = column->first_cell + (terms ? 0 : e);
		design->level[first + e] = texts.level;
		design->terms[first + e] = texts.terms;
		input->nullable |= design->stats[first + e].nulls + design->stats[first + e].nans > 0;
	}
	design->ncells += input->ncells;
}

void
ml_design_inputs(MlDesign *design, const MlDesignWish *wish, MlNotes *notes)
{
	const MlLoad *load = design->load;
	MlColumnStats *loaded = design->stats;
	MlPipeline *pipeline = palloc0(sizeof(MlPipeline));
	MlInput    *inputs = palloc0(sizeof(MlInput) * Max(load->nfeatures, 1));
	List	   *reasons = NIL;
	int			ninputs = 0;
	int			capacity = Max(load->feature_cells, 1);

	design->cell = palloc_extended(sizeof(int) * capacity, MCXT_ALLOC_HUGE);
	design->level = palloc_extended(sizeof(double *) * capacity, MCXT_ALLOC_HUGE);
	design->terms = palloc_extended(sizeof(MlTermTable *) * capacity, MCXT_ALLOC_HUGE);
	design->stats = palloc_extended(sizeof(MlColumnStats) * capacity, MCXT_ALLOC_HUGE);
	design->ncells = 0;
	for (int i = 0; i < load->nfeatures; i++)
	{
		const MlLoadColumn *column = &load->columns[i];
		const char *reason;
		MlTextClaim claim;

		ml_pipeline_claim(column->dict ? wish->steps : NIL, column->name, &claim);
		reason = ml_design_useless(column, loaded + column->first_cell, wish->intercept, &claim);
		if (reason)
		{
			ml_note(notes, "column \"%s\" was left out: %s", column->name, reason);
			reasons = lappend(reasons, psprintf("\"%s\": %s", column->name, reason));
			continue;
		}
		ml_design_input(design, &inputs[ninputs++], column, loaded + column->first_cell, wish, &claim, &capacity, notes);
	}
	if (ninputs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no feature column is of any use"),
				 errdetail("Why each was left out: %s.", ml_text_list(reasons, 10)),
				 errhint("Check the columns of the source, features and exclude.")));
	design->as_loaded = true;
	for (int j = 0; j < design->ncells; j++)
		design->as_loaded &= design->cell[j] == j && design->level[j] == NULL && design->terms[j] == NULL;
	ml_pipeline_enter(pipeline, ninputs, inputs);
	for (int j = 0; j < design->ncells; j++)
		pipeline->entrance.cols[j].misses = design->stats[j].nulls + design->stats[j].nans > 0;
	design->model->pipeline = pipeline;
}
