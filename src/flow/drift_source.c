/*
 * drift_source.c - drift of the rows of a source against what a version was trained on.
 *
 * The source is read once, with the caller's rights; rows are bound by name and
 * scored as ml.predict does it, and counted in the bins of the baseline. It
 * writes nothing, so it works on a standby and without the background worker.
 */
#include "postgres.h"

#include "base/cell.h"
#include "base/compat.h"
#include "flow/baseline.h"
#include "flow/bind.h"
#include "flow/drift_source.h"
#include "flow/source.h"
#include "flow/watch.h"
#include "monitor/judge.h"
#include "monitor/tally.h"
#include "store/access.h"
#include "store/cache.h"
#include "store/catalog.h"
#include "utils/memutils.h"

typedef struct MlDriftReading
{
	MemoryContext context;
	const MlModel *model;
	MlBinding  *binding;
	double	   *cells;			/* as the model takes them */
	double	   *counted;		/* as they are counted: categories that training did not see are told from NULL */
	double	   *work;
	double	   *out;
	bool		predicts;		/* the prediction has bins */
	MlTally		tally;
} MlDriftReading;

static void
ml_drift_describe(void *ctx, TupleDesc desc)
{
	MlDriftReading *r = ctx;
	MemoryContext old = MemoryContextSwitchTo(r->context);

	ml_bind_desc(r->binding, desc);
	MemoryContextSwitchTo(old);
}

static bool
ml_drift_row(void *ctx, TupleTableSlot *slot)
{
	MlDriftReading *r = ctx;
	double		prediction;
	double		score;
	int			bin;

	slot_getallattrs(slot);
	r->binding->nunseen = 0;
	ml_bind_values(r->binding, slot->tts_values, slot->tts_isnull, r->cells);
	memcpy(r->counted, r->cells, sizeof(double) * r->model->pipeline->ncells);
	for (int i = 0; i < r->binding->nunseen; i++)
		r->counted[r->binding->unseen[i]] = ml_cell_from_bits(ML_UNSEEN_BITS);
	if (r->predicts)
	{
		r->model->learner->predict(r->model->state, ml_pipeline_apply(r->model->pipeline, r->cells, r->work), r->out);
		prediction = ml_baseline_output(r->model, r->out, &bin, &score);
	}
	ml_tally_row(&r->tally, r->counted, true, r->predicts ? &prediction : NULL);
	return true;
}

/* Reads the source into counts. */
static void
ml_drift_read(MlDriftReading *r, const char *ref, const MlVersionRef *version, const char *source)
{
	const MlPipeline *pipeline;
	MlSourceReader reader = {0};

	r->context = CurrentMemoryContext;
	r->model = ml_cache_pin(version, r->context);
	pipeline = r->model->pipeline;
	ml_baseline_require(r->tally.baseline, pipeline->ncells, r->model->task == ML_TASK_CLASSIFICATION);
	r->binding = ml_bind_create(r->model, ref, false, r->context);
	r->binding->unseen = palloc_extended(sizeof(int) * Max(pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	r->cells = palloc_extended(sizeof(double) * Max(pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	r->counted = palloc_extended(sizeof(double) * Max(pipeline->ncells, 1), MCXT_ALLOC_HUGE);
	r->work = palloc_extended(sizeof(double) * Max(pipeline->work_cells, 1), MCXT_ALLOC_HUGE);
	r->out = palloc(sizeof(double) * Max(r->model->nclasses, 1));
	for (int i = 0; i < pipeline->ninputs; i++)
		reader.columns = lappend(reader.columns, pipeline->inputs[i].name);
	reader.describe = ml_drift_describe;
	reader.row = ml_drift_row;
	reader.ctx = r;
	(void) ml_source_read(source, &reader, NULL);
	ml_tally_end(&r->tally);
}

void
ml_drift_of_source(const char *ref, const char *source, MlDriftSink sink, void *ctx)
{
	MlDriftReading r = {0};
	MlJudgement judgement = {0};
	MlCounts	sliced;
	MlVersionRef version;
	MlMonitor	monitor;
	MlBaseline *baseline;
	bytea	   *bytes;
	int		   *slices;
	ListCell   *lc;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_USE);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	bytes = ml_catalog_baseline(version.model, version.version);
	if (bytes == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("version %d of model \"%s\" has no baseline", version.version, version.model),
				 errdetail("It was trained before versions had one, or was imported."),
				 errhint("Train a new version, or compare two sources by ml.drift_between.")));
	baseline = ml_baseline_decode(bytes);
	ml_catalog_monitor(version.model, &monitor);
	judgement.nslices = ml_judge_slices(baseline, monitor.slices, &slices);
	bytes = ml_catalog_slice_baseline(version.model, version.version, monitor.slices, NULL);
	/* without training rows by slice there is nothing that slices could be judged against */
	if (bytes == NULL)
		judgement.nslices = 0;
	judgement.slices = slices;
	ml_tally_begin(&r.tally, baseline, judgement.nslices, slices);
	r.predicts = ml_baseline_find(baseline, ":prediction") >= 0;
	ml_drift_read(&r, ref, &version, source);
	if (bytes != NULL)
		ml_counts_decode(bytes, &sliced);
	if (bytes != NULL && !ml_counts_same_shape(&sliced.shape, &r.tally.counts.shape))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the slices of version %d of model \"%s\" do not fit its baseline", version.version, version.model),
				 errhint("Call ml.set_monitor again to have them counted anew.")));

	judgement.monitor = &monitor;
	judgement.baseline = baseline;
	judgement.current = &r.tally.counts;
	judgement.alpha = monitor.alpha;
	foreach(lc, ml_judge_drift(&judgement, ML_DRIFT_BASELINE, &baseline->counts, bytes != NULL ? &sliced : NULL))
		sink(ctx, version.model, version.version, lfirst(lc));
}
