/*
 * realised.c - the metrics of windows by labels that came, and detectors of concept drift over them.
 *
 * Rows come in the order of predictions, once for each version that answered
 * in the time: by the history of deployments, and where there was a canary by
 * the hash that sent rows to it. One window is in memory at a time. Figures
 * are only worked out for windows whose rows are others than before.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "drift/detector.h"
#include "flow/evaluate.h"
#include "flow/route.h"
#include "flow/truth.h"
#include "metric/fairness.h"
#include "metric/sample.h"
#include "store/alerts.h"
#include "store/cache.h"
#include "store/catalog.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* A regression's error of so many times the held-out mean error counts in full. */
#define ML_REALISED_FULL_ERROR	4.0

/* The rows of one value of a slice. */
typedef struct MlRealisedGroup
{
	MlSample   *sample;
	MlFairnessGroup decisions;
} MlRealisedGroup;

/* The rows of a version in one role in the window. */
typedef struct MlRealisedRole
{
	int64		rows;
	int64		before;			/* of them, at times that detectors have gone beyond */
	uint64		digest;
	MlSample   *all;
	MlRealisedGroup **groups;	/* by slice, and code + 1 */
	int		   *ngroups;
} MlRealisedRole;

/* A version in production whose cells say which rows its canary had. */
typedef struct MlRouted
{
	int32		version;
	MlBinding  *binding;
	MlRoute    *route;
	double	   *cells;
} MlRouted;

/* A detector that takes in what is new. */
typedef struct MlWatching
{
	MlDetectorRow row;
	MlDetection *detection;
	int64		found;			/* changes for the worse, now */
	double		before;			/* the level before the last of them */
	double		after;
} MlWatching;

typedef struct MlRealised
{
	const MlTruth *truth;
	int32		version;
	List	   *answering;		/* MlAnswering * */
	List	   *routed;			/* MlRouted * */
	MlEvaluation *e;
	AttrNumber	at_attribute;	/* from 0 */
	AttrNumber	version_attribute;	/* of the log, or -1 */
	AttrNumber	role_attribute;
	double		scale;			/* of errors */

	/* the row under way */
	TimestampTz at;
	bool		canary;

	/* the window */
	bool		open;
	TimestampTz start;
	MemoryContext context;
	MlRealisedRole roles[2];	/* production, canary */

	List	   *watching;		/* MlWatching * */
	TimestampTz consumed;		/* by the detectors, before this reading */
	int			written;
	int64		labelled;
	int64		unanswered;
} MlRealised;

/* ---- who answered ---- */

static const MlAnswering *
ml_realised_answering(const MlRealised *r, bool canary)
{
	const MlAnswering *found = NULL;
	ListCell   *lc;

	foreach(lc, r->answering)
	{
		const MlAnswering *a = lfirst(lc);

		if (a->canary == canary && a->from <= r->at && r->at < a->until)
			found = a;
	}
	return found;
}

static MlRouted *
ml_realised_routed(const MlRealised *r, int32 version)
{
	ListCell   *lc;

	foreach(lc, r->routed)
		if (((MlRouted *) lfirst(lc))->version == version)
			return lfirst(lc);
	return NULL;
}

/* Whether the version under way answered a row. */
static bool
ml_realised_wants(void *ctx, TupleTableSlot *slot)
{
	MlRealised *r = ctx;
	const MlAnswering *production;
	const MlAnswering *canary;
	MlRouted   *routed;

	if (slot->tts_isnull[r->at_attribute] || slot->tts_isnull[r->e->target_attribute])
		return false;
	r->at = DatumGetTimestampTz(slot->tts_values[r->at_attribute]);
	if (r->version_attribute >= 0)
	{
		r->canary = strcmp(TextDatumGetCString(slot->tts_values[r->role_attribute]), "canary") == 0;
		return DatumGetInt32(slot->tts_values[r->version_attribute]) == r->version;
	}
	production = ml_realised_answering(r, false);
	canary = ml_realised_answering(r, true);
	r->canary = false;
	if (production == NULL)
	{
		r->unanswered++;
		return false;
	}
	routed = canary == NULL ? NULL : ml_realised_routed(r, production->version);
	if (routed != NULL)
	{
		ml_bind_values(routed->binding, slot->tts_values, slot->tts_isnull, routed->cells);
		r->canary = ml_route_share(routed->route, routed->cells) < canary->traffic;
	}
	return (r->canary ? canary->version : production->version) == r->version;
}

/* Binds what decides on canaries, where there were any. */
static void
ml_realised_route(MlRealised *r, TupleDesc desc)
{
	ListCell   *c;
	ListCell   *p;

	foreach(c, r->answering)
	{
		foreach(p, r->answering)
		{
			const MlAnswering *canary = lfirst(c);
			const MlAnswering *production = lfirst(p);
			MlVersionRef version;
			MlRouted   *routed;
			const MlModel *model;

			if (!canary->canary || production->canary || production->from >= canary->until ||
				canary->from >= production->until || ml_realised_routed(r, production->version) != NULL)
				continue;
			ml_catalog_resolve(psprintf("%s/%d", r->truth->at.model, production->version), &version);
			routed = palloc0(sizeof(MlRouted));
			model = ml_cache_pin(&version, r->e->context);
			routed->version = production->version;
			routed->binding = ml_bind_create(model, r->truth->at.model, false, r->e->context);
			routed->route = ml_route_create(model->pipeline);
			routed->cells = palloc_extended(sizeof(double) * Max(model->pipeline->ncells, 1), MCXT_ALLOC_HUGE);
			ml_bind_desc(routed->binding, desc);
			r->routed = lappend(r->routed, routed);
		}
	}
}

static void
ml_realised_describe(void *ctx, TupleDesc desc)
{
	MlRealised *r = ctx;

	r->at_attribute = r->version_attribute = r->role_attribute = -1;
	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		if (strcmp(name, ":at") == 0)
			r->at_attribute = i;
		else if (strcmp(name, ":version") == 0)
			r->version_attribute = i;
		else if (strcmp(name, ":role") == 0)
			r->role_attribute = i;
	}
	if (r->version_attribute < 0)
		ml_realised_route(r, desc);
}

/* ---- one window ---- */

static MlSample *
ml_realised_sample(const MlRealised *r)
{
	return ml_sample_begin(r->e->task, r->e->nclasses, r->e->positive, 1, r->context);
}

/* The group of a slice's code, begun when it is first seen; code + 1 is its place. */
static MlRealisedGroup *
ml_realised_group(MlRealised *r, MlRealisedRole *role, int slice, int code)
{
	int			place = code + 1;
	int			n = role->ngroups[slice];
	MlRealisedGroup *group;

	if (place >= n)
	{
		int			more = Max(place + 1, 2 * n);

		role->groups[slice] = n == 0 ?
			MemoryContextAllocExtended(r->context, sizeof(MlRealisedGroup) * more, MCXT_ALLOC_HUGE) :
			repalloc_huge(role->groups[slice], sizeof(MlRealisedGroup) * more);
		memset(role->groups[slice] + n, 0, sizeof(MlRealisedGroup) * (more - n));
		role->ngroups[slice] = more;
	}
	group = &role->groups[slice][place];
	if (group->sample == NULL)
		group->sample = ml_realised_sample(r);
	return group;
}

static void
ml_realised_figures(MlRealised *r, MlSample *sample, const char *key, const char *value, List **out)
{
	int			count;
	const MlMetric *const *metrics = ml_metrics_for(r->e->task, &count);
	MlInterval *figures = palloc(sizeof(MlInterval) * count);
	bool	   *defined = palloc(sizeof(bool) * count);

	ml_sample_close(sample);
	ml_sample_intervals(sample, metrics, count, 0, figures, defined);
	for (int m = 0; m < count; m++)
	{
		MlQualityRow *row;

		if (!defined[m])
			continue;
		row = palloc(sizeof(MlQualityRow));
		*row = (MlQualityRow) {key, value, metrics[m]->name, figures[m].value, figures[m].low, figures[m].high,
		ml_sample_rows(sample), NULL};
		*out = lappend(*out, row);
	}
}

/* How differently the values of a slice are treated. */
static void
ml_realised_fairness(const MlRealised *r, const MlRealisedRole *role, int slice, List **out)
{
	int			count;
	const MlFairness *all = ml_fairness_all(&count);
	MlFairnessGroup *groups = palloc0(sizeof(MlFairnessGroup) * Max(role->ngroups[slice], 1));

	for (int g = 0; g < role->ngroups[slice]; g++)
		groups[g] = role->groups[slice][g].decisions;
	for (int f = 0; f < count; f++)
	{
		MlInterval	figure;
		MlQualityRow *row;

		if (ml_fairness_interval(&all[f], groups, role->ngroups[slice], &figure, NULL) != ML_FAIRNESS_DEFINED)
			continue;
		row = palloc(sizeof(MlQualityRow));
		*row = (MlQualityRow) {r->e->slices[slice].name, NULL, all[f].name, figure.value, figure.low, figure.high,
		role->rows, "between the values of the column"};
		*out = lappend(*out, row);
	}
}

/* Writes the figures of one role, unless its rows are those of the last time. */
static void
ml_realised_write(MlRealised *r, MlRealisedRole *role, const char *name)
{
	MlQualityWindow window = {r->truth->at.model, r->version, name, r->start, r->start + r->truth->at.window_length};
	List	   *list = NIL;
	ListCell   *lc;
	MlQualityRow *rows;
	int64		known = 0;
	int64		digest;
	int			n = 0;

	if (ml_catalog_truth_window(&window, &known, &digest) && known == role->rows && digest == (int64) role->digest)
		return;
	ml_realised_figures(r, role->all, NULL, NULL, &list);
	for (int s = 0; s < r->e->nslices; s++)
	{
		for (int g = 0; g < role->ngroups[s]; g++)
			if (role->groups[s][g].sample != NULL)
				ml_realised_figures(r, role->groups[s][g].sample, r->e->slices[s].name,
									ml_evaluation_slice_text(r->e, s, g - 1), &list);
		if (r->e->task == ML_METRIC_TASK_TWO_CLASS)
			ml_realised_fairness(r, role, s, &list);
	}
	rows = palloc(sizeof(MlQualityRow) * Max(list_length(list), 1));
	foreach(lc, list)
		rows[n++] = *(MlQualityRow *) lfirst(lc);
	ml_catalog_quality_write(&window, "realised", n, rows);
	ml_catalog_truth_window_write(&window, role->rows, (int64) role->digest, Max(role->before - known, 0));
	r->written++;
}

static void
ml_realised_close_window(MlRealised *r)
{
	MemoryContext old;

	if (!r->open)
		return;
	old = MemoryContextSwitchTo(r->context);
	for (int k = 0; k < 2; k++)
		if (r->roles[k].rows > 0)
			ml_realised_write(r, &r->roles[k], k == 0 ? "production" : "canary");
	MemoryContextSwitchTo(old);
	MemoryContextReset(r->context);
	r->open = false;
}

static void
ml_realised_open_window(MlRealised *r, TimestampTz start)
{
	MemoryContext old;

	ml_realised_close_window(r);
	r->start = start;
	r->open = true;
	old = MemoryContextSwitchTo(r->context);
	memset(r->roles, 0, sizeof r->roles);
	for (int k = 0; k < 2; k++)
	{
		r->roles[k].all = ml_realised_sample(r);
		r->roles[k].groups = palloc0(sizeof(MlRealisedGroup *) * Max(r->e->nslices, 1));
		r->roles[k].ngroups = palloc0(sizeof(int) * Max(r->e->nslices, 1));
	}
	MemoryContextSwitchTo(old);
}

/* A number that stands for a row and what was said of it. */
static uint64
ml_realised_digest(const MlRealised *r, const MlMetricRow *row, const int *codes)
{
	uint64		h = ml_mix64((uint64) r->at);

	if (r->e->task == ML_METRIC_TASK_REGRESSION)
		h = ml_mix64(ml_mix64(h ^ ml_cell_bits(row->y)) ^ ml_cell_bits(row->y_hat));
	else
		h = ml_mix64(ml_mix64(h ^ (uint64) row->actual) ^ ml_cell_bits(row->p_actual) ^ (uint64) row->chosen << 32);
	for (int s = 0; s < r->e->nslices; s++)
	{
		const char *text = ml_evaluation_slice_text(r->e, s, codes[s]);

		h = ml_mix64(h ^ (text == NULL ? 1 : hash_bytes_extended((const unsigned char *) text, strlen(text), 0)));
	}
	return h;
}

/* ---- detectors ---- */

static void
ml_realised_watch(MlRealised *r, const MlMetricRow *row)
{
	double		error = r->e->task != ML_METRIC_TASK_REGRESSION ? row->actual != row->chosen :
		Min(fabs(row->y - row->y_hat) / (ML_REALISED_FULL_ERROR * r->scale), 1);
	ListCell   *lc;

	foreach(lc, r->watching)
	{
		MlWatching *w = lfirst(lc);
		double		before;

		if (r->at <= w->row.consumed_until && w->row.consumed_until <= r->consumed)
			continue;
		before = ml_detection_level(w->detection);
		w->row.n++;
		w->row.consumed_until = r->at;
		if ((ml_detection_add(w->detection, error) & ML_DETECT_DRIFT) == 0)
			continue;
		w->row.drifts++;
		w->row.last_drift_at = r->at;
		/* a window that shrinks says which way it went; the others look for what gets worse */
		if (strcmp(w->row.detector, "adwin") == 0 && !(ml_detection_level(w->detection) > before))
			continue;
		w->found++;
		w->before = before;
		w->after = ml_detection_level(w->detection);
	}
}

/* Takes up the detectors of a version; one whose parameters are others begins anew with what comes. */
static void
ml_realised_take_up(MlRealised *r)
{
	List	   *kept = ml_catalog_detectors(r->truth->at.model, r->version);
	JsonbIterator *it = JsonbIteratorInit(&r->truth->at.detectors->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	ListCell   *lc;

	r->consumed = DT_NOBEGIN;
	foreach(lc, kept)
		r->consumed = Max(r->consumed, ((MlDetectorRow *) lfirst(lc))->consumed_until);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		MlWatching *w;
		char	   *name;
		Jsonb	   *params;

		if (token != WJB_KEY)
			continue;
		w = palloc0(sizeof(MlWatching));
		name = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		params = JsonbValueToJsonb(&v);
		foreach(lc, kept)
		{
			MlDetectorRow *row = lfirst(lc);

			if (strcmp(row->detector, name) != 0 || compareJsonbContainers(&row->params->root, &params->root) != 0)
				continue;
			w->row = *row;
			w->detection = ml_detection_decode(ml_detector_find(name), row->state, CurrentMemoryContext);
		}
		if (w->detection == NULL)
		{
			w->row.detector = name;
			w->row.params = params;
			w->row.consumed_until = r->consumed;
			w->row.last_drift_at = DT_NOBEGIN;
			w->detection = ml_detection_begin(ml_detector_find(name), params, CurrentMemoryContext);
		}
		r->watching = lappend(r->watching, w);
	}
}

static void
ml_realised_alert(const MlRealised *r, const MlWatching *w)
{
	MlAlertSignal signal = {0};
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"detector\": ");
	ml_json_text(&detail, w->row.detector);
	appendStringInfoString(&detail, ", \"at\": ");
	ml_json_text(&detail, timestamptz_to_str(w->row.last_drift_at));
	appendStringInfoString(&detail, ", \"error_before\": ");
	ml_json_number(&detail, w->before);
	appendStringInfoString(&detail, ", \"error_after\": ");
	ml_json_number(&detail, w->after);
	appendStringInfo(&detail, ", \"labelled_rows\": " INT64_FORMAT "}", w->row.n);
	signal.model = r->truth->at.model;
	signal.version = r->version;
	signal.rule = psprintf("concept_drift:%s", w->row.detector);
	signal.severity = "warning";
	signal.detail = detail.data;
	ml_alert_raise(&signal);
}

static void
ml_realised_put_down(MlRealised *r)
{
	ListCell   *lc;

	foreach(lc, r->watching)
	{
		MlWatching *w = lfirst(lc);

		if (w->row.n == 0 || w->row.consumed_until <= r->consumed)
			continue;
		w->row.level = ml_detection_level(w->detection);
		w->row.state = ml_detection_encode(w->detection);
		ml_catalog_detector_write(r->truth->at.model, r->version, &w->row);
		if (w->found > 0)
			ml_realised_alert(r, w);
	}
}

/* ---- all windows ---- */

static bool
ml_realised_row(void *ctx, MlEvaluation *e, const MlMetricRow *rows, const int *codes, TupleTableSlot *slot)
{
	MlRealised *r = ctx;
	int64		length = r->truth->at.window_length;
	TimestampTz start = r->at - r->at % length - (r->at % length < 0 ? length : 0);
	MlRealisedRole *role;

	if (!r->open || start != r->start)
		ml_realised_open_window(r, start);
	role = &r->roles[r->canary];
	role->rows++;
	role->before += r->at <= r->consumed;
	role->digest += ml_realised_digest(r, rows, codes);
	ml_sample_add(role->all, rows);
	for (int s = 0; s < e->nslices; s++)
	{
		MlRealisedGroup *group = ml_realised_group(r, role, s, codes[s]);

		ml_sample_add(group->sample, rows);
		if (e->task == ML_METRIC_TASK_TWO_CLASS)
			ml_fairness_add(&group->decisions, rows);
	}
	ml_realised_watch(r, rows);
	r->labelled++;
	return true;
}

/* One pass: the rows that one version answered. */
static void
ml_realised_version(MlRealised *r)
{
	char	   *ref = psprintf("%s/%d", r->truth->at.model, r->version);
	TimestampTz since = r->truth->at.since;
	int64		length = r->truth->at.window_length;
	MlVersionRef version;

	/* whole windows only */
	since += length - 1;
	since -= since % length + (since % length < 0 ? length : 0);
	ml_catalog_resolve(ref, &version);
	r->e = ml_evaluation_begin(r->truth->at.slices, r->truth->label);
	ml_evaluation_add(r->e, ref, &version);
	r->e->identity = &r->truth->identity;
	r->e->describe = ml_realised_describe;
	r->e->wants = ml_realised_wants;
	r->context = AllocSetContextCreate(r->e->context, "pg_mlops window", ALLOCSET_DEFAULT_SIZES);
	r->open = false;
	r->routed = NIL;
	r->watching = NIL;
	r->unanswered = 0;
	if (!ml_catalog_recorded_metric(r->truth->at.model, r->version, "mae", &r->scale) || !(r->scale > 0))
		r->scale = 1;
	ml_realised_take_up(r);
	ml_evaluation_scan(r->e, ml_truth_query(r->truth, &version, since), ml_realised_row, r, NULL);
	ml_realised_close_window(r);
	ml_realised_put_down(r);
	ml_evaluation_end(r->e);
}

int
ml_realised_judge(MlTruth *truth, int64 *labelled, int64 *unanswered)
{
	MlRealised	r;
	List	   *seen = NIL;
	ListCell   *lc;

	ml_truth_open(truth);
	memset(&r, 0, sizeof r);
	r.truth = truth;
	r.answering = ml_catalog_answering(truth->at.model, truth->at.since);
	foreach(lc, r.answering)
	{
		r.version = ((MlAnswering *) lfirst(lc))->version;
		if (list_member_int(seen, r.version))
			continue;
		seen = lappend_int(seen, r.version);
		ml_realised_version(&r);
	}
	*labelled = r.labelled;
	*unanswered = r.unanswered;
	return r.written;
}
