/*
 * gate_rows.c - evidence: the rows that gates judge on, scored by a version and by what it is compared with.
 *
 * The rows that a training held out are told by a load that only asks where a
 * row went. The callbacks run with the rights of the source's identity.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "flow/gate_rows.h"
#include "utils/memutils.h"

/* Samples of a slice while rows come in. */
typedef struct MlGateGather
{
	int			capacity;
	MlSample  **samples;		/* by code of the slice's value plus one; 0 is NULL */
} MlGateGather;

typedef struct MlGateReading
{
	MemoryContext context;
	MlGateRows *rows;
	const MlGateSource *source;
	MlRowDigest *digest;
	MlGateGather *gather;
	MlBudget	budget;
} MlGateReading;

static MlSample *
ml_gate_sample(const MlGateReading *r)
{
	const MlEvaluation *e = r->rows->evaluation;

	return ml_sample_begin(e->task, e->nclasses, e->positive, e->nmodels, r->context);
}

static void
ml_gate_rows_describe(void *ctx, TupleDesc desc)
{
	MlGateReading *r = ctx;
	MemoryContext old = MemoryContextSwitchTo(r->context);

	if (r->source->training != NULL)
		ml_load_probe_describe(r->source->training, desc);
	r->digest = ml_row_digest_begin(desc);
	MemoryContextSwitchTo(old);
}

/* Whether a row counts; every row is part of the fingerprint. */
static bool
ml_gate_rows_wants(void *ctx, TupleTableSlot *slot)
{
	MlGateReading *r = ctx;
	MlLoad	   *training = r->source->training;
	MlSide		side;

	if (training != NULL && training->first_pass)
	{
		r->rows->evaluation->enough = !ml_load_probe_first(training, slot);
		return false;
	}
	ml_row_digest_add(r->digest, slot);
	if (training == NULL)
		return true;
	side = ml_load_probe_side(training, slot);
	return side == ML_SIDE_TEST || (side == ML_SIDE_TRAIN && training->split == ML_SPLIT_NONE);
}

/* The sample of a slice's value, begun when it is first seen. */
static MlSample *
ml_gate_rows_group(MlGateReading *r, MlGateGather *gather, int code)
{
	int			place = code == ML_SLICE_NULL ? 0 : code + 1;

	if (place >= gather->capacity)
	{
		int			wanted = Max(2 * gather->capacity, place + 1);

		gather->samples = repalloc_huge(gather->samples, sizeof(MlSample *) * wanted);
		memset(gather->samples + gather->capacity, 0, sizeof(MlSample *) * (wanted - gather->capacity));
		gather->capacity = wanted;
	}
	if (gather->samples[place] == NULL)
		gather->samples[place] = ml_gate_sample(r);
	return gather->samples[place];
}

static bool
ml_gate_rows_row(void *ctx, MlEvaluation *e, const MlMetricRow *rows, const int *codes, TupleTableSlot *slot)
{
	MlGateReading *r = ctx;

	ml_sample_add(r->rows->all, rows);
	for (int s = 0; s < e->nslices; s++)
		ml_sample_add(ml_gate_rows_group(r, &r->gather[s], codes[s]), rows);
	if (r->rows->cells != NULL)
	{
		int			ncells = r->rows->model->pipeline->ncells;

		memcpy(ml_frame_row(r->rows->cells), e->models[0]->cells, sizeof(double) * ncells);
		ml_frame_commit(r->rows->cells, (uint64) e->nrows);
	}
	return true;
}

static int
ml_gate_group_by_value(const void *a, const void *b)
{
	const char *x = ((const MlGateGroup *) a)->value;
	const char *y = ((const MlGateGroup *) b)->value;

	if (x == NULL || y == NULL)
		return (x == NULL) - (y == NULL);
	return strcmp(x, y);
}

/* Closes the samples, and puts those of each slice in the order of their values. */
static void
ml_gate_rows_close(MlGateReading *r)
{
	MlGateRows *rows = r->rows;

	ml_sample_close(rows->all);
	for (int s = 0; s < rows->nslices; s++)
	{
		MlGateSlice *slice = &rows->slices[s];
		MlGateGather *gather = &r->gather[s];

		slice->column = rows->evaluation->slices[s].name;
		slice->groups = palloc_extended(sizeof(MlGateGroup) * Max(gather->capacity, 1), MCXT_ALLOC_HUGE);
		for (int place = 0; place < gather->capacity; place++)
		{
			if (gather->samples[place] == NULL)
				continue;
			ml_sample_close(gather->samples[place]);
			slice->groups[slice->ngroups].value =
				ml_evaluation_slice_text(rows->evaluation, s, place == 0 ? ML_SLICE_NULL : place - 1);
			slice->groups[slice->ngroups++].sample = gather->samples[place];
		}
		qsort(slice->groups, slice->ngroups, sizeof(MlGateGroup), ml_gate_group_by_value);
	}
	if (rows->cells != NULL)
		ml_frame_finish(rows->cells);
}

static void
ml_gate_rows_begin(MlGateReading *r, const MlGateWish *wish)
{
	MlGateRows *rows = r->rows;
	MlEvaluation *e = ml_evaluation_begin(wish->slices, NULL);

	rows->evaluation = e;
	ml_evaluation_add(e, psprintf("%s/%d", wish->version->model, wish->version->version), wish->version);
	if (wish->production != NULL)
		ml_evaluation_add(e, psprintf("%s/%d", wish->production->model, wish->production->version), wish->production);
	rows->model = e->models[0]->model;
	rows->nslices = e->nslices;
	rows->slices = palloc0(sizeof(MlGateSlice) * Max(e->nslices, 1));
	r->gather = palloc0(sizeof(MlGateGather) * Max(e->nslices, 1));
	for (int s = 0; s < e->nslices; s++)
	{
		r->gather[s].capacity = 16;
		r->gather[s].samples = palloc0(sizeof(MlSample *) * r->gather[s].capacity);
	}
	r->budget.limit = ML_TRAIN_MEMORY_BYTES;
	if (wish->cells)
		rows->cells = ml_frame_create(rows->model->pipeline->ncells, &r->budget);
	rows->all = ml_gate_sample(r);
	e->identity = r->source->identity;
	e->columns = r->source->columns;
	e->exclude = r->source->exclude;
	e->describe = ml_gate_rows_describe;
	e->wants = ml_gate_rows_wants;
	e->timed = wish->timed;
}

MlGateRows *
ml_gate_rows_read(const MlGateWish *wish, const MlGateSource *source)
{
	MlGateReading *r = palloc0(sizeof(MlGateReading));
	MlGateRows *rows = palloc0(sizeof(MlGateRows));
	MlSourceInfo other;
	/* a training leaves the primary key out, and needs to be told it */
	MlSourceInfo *info = source->training != NULL ? &source->training->info : &other;

	r->context = CurrentMemoryContext;
	r->rows = rows;
	r->source = source;
	ml_gate_rows_begin(r, wish);
	if (source->training != NULL)
		ml_load_probe_begin(source->training);
	ml_evaluation_scan(rows->evaluation, source->text, ml_gate_rows_row, r, info);
	if (source->training != NULL && source->training->first_pass)
	{
		ml_load_end_first(source->training);
		ml_evaluation_scan(rows->evaluation, source->text, ml_gate_rows_row, r, info);
	}
	ml_gate_rows_close(r);
	rows->source_digest = ml_gate_source_digest(source->text, info->relations);
	rows->fingerprint = ml_row_digest_text(r->digest);
	for (int m = 0; m < rows->evaluation->nmodels; m++)
		rows->microseconds[m] = rows->evaluation->nrows > 0
			? INSTR_TIME_GET_DOUBLE(rows->evaluation->models[m]->elapsed) * 1e6 / rows->evaluation->nrows : 0;
	return rows;
}

bool
ml_gate_rows_have(const MlGateRows *rows, const char *column)
{
	const MlEvaluated *candidate = rows->evaluation->models[0];

	for (int i = 0; i < candidate->binding->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(candidate->binding->desc, i)->attname), column) == 0)
			return true;
	return false;
}

void
ml_gate_rows_end(MlGateRows *rows)
{
	if (rows->cells != NULL)
		ml_frame_free(rows->cells);
	ml_evaluation_end(rows->evaluation);
}
