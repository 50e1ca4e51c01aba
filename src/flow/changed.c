/*
 * changed.c - how the source of a version differs today from what its training read.
 *
 * The rows are loaded as the training loaded them, so that fingerprints are of
 * the same columns and the same rows are training rows; then the snapshot's
 * profile is compared member by member. A column whose fingerprint is the same
 * has not changed: the statistics of its training rows are passed over, which
 * differ too where another column's changes have dealt the rows anew. Columns
 * that are gone are passed over and told. Frames are freed here, and after an
 * error by the resource owner and the context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/changed.h"
#include "flow/design.h"
#include "flow/load_profile.h"
#include "flow/recorded.h"
#include "flow/stored.h"
#include "store/access.h"
#include "store/cache.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* The statistics of a column, as its entry in a profile names them. */
typedef enum MlChangedMember
{
	ML_CHANGED_TYPE,
	ML_CHANGED_FINGERPRINT,		/* the one that is of all rows, not of the training rows */
	ML_CHANGED_VALUES,
	ML_CHANGED_NULLS,
	ML_CHANGED_NANS,
	ML_CHANGED_MIN,
	ML_CHANGED_MAX,
	ML_CHANGED_MEAN,
	ML_CHANGED_STDDEV,
	ML_CHANGED_LEVELS,
	ML_CHANGED_MODE,
	ML_CHANGED_PLACE,			/* not compared: where the cell lay in the row hash */
	ML_CHANGED_MEMBERS
} MlChangedMember;

static const char *const ml_changed_members[] = {
	[ML_CHANGED_TYPE] = "type",
	[ML_CHANGED_FINGERPRINT] = "fingerprint",
	[ML_CHANGED_VALUES] = "values",
	[ML_CHANGED_NULLS] = "nulls",
	[ML_CHANGED_NANS] = "nans",
	[ML_CHANGED_MIN] = "min",
	[ML_CHANGED_MAX] = "max",
	[ML_CHANGED_MEAN] = "mean",
	[ML_CHANGED_STDDEV] = "stddev",
	[ML_CHANGED_LEVELS] = "levels",
	[ML_CHANGED_MODE] = "most_frequent",
	[ML_CHANGED_PLACE] = "place",
};

/* Means and deviations of rows that come in another order may differ by this share of both. */
#define ML_CHANGED_ROUNDING	1e-9

/* One column, of the snapshot or of today; members that it does not have are NULL. */
typedef struct MlChangedColumn
{
	char	   *name;
	bool		input;			/* it has all statistics */
	char	   *members[ML_CHANGED_MEMBERS];
} MlChangedColumn;

/* ---- what was recorded ---- */

/* A member of an object of the profile as text, or NULL. */
static char *
ml_changed_member(JsonbContainer *object, const char *key)
{
	static const char *const floats[] = {"min", "max", "mean", "stddev"};
	JsonbValue	buffer;
	JsonbValue *v = getKeyJsonValueFromContainer(object, key, strlen(key), &buffer);

	if (v == NULL)
		return NULL;
	if (v->type == jbvString)
		return pnstrdup(v->val.string.val, v->val.string.len);
	if (v->type != jbvNumeric)
		return NULL;
	/* limits are written as floats, and numeric would spell great ones out */
	for (int i = 0; i < (int) lengthof(floats); i++)
		if (strcmp(key, floats[i]) == 0)
			return ml_text_number(DatumGetFloat8(DirectFunctionCall1(numeric_float8,
																	 NumericGetDatum(v->val.numeric))));
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
}

/* The columns (MlChangedColumn *) of a snapshot's profile. */
static List *
ml_changed_recorded(Jsonb *profile)
{
	List	   *columns = NIL;

	if (profile == NULL || !JB_ROOT_IS_ARRAY(profile) || JB_ROOT_IS_SCALAR(profile))
		return NIL;
	for (uint32 i = 0; i < JB_ROOT_COUNT(profile); i++)
	{
		JsonbValue *entry = getIthJsonbValueFromContainer(&profile->root, i);
		JsonbContainer *object = entry->type == jbvBinary ? entry->val.binary.data : NULL;
		MlChangedColumn *column = palloc0(sizeof(MlChangedColumn));

		if (object == NULL || !JsonContainerIsObject(object))
			continue;
		column->name = ml_changed_member(object, "column");
		if (column->name == NULL)
			continue;
		column->input = ml_changed_member(object, "role") == NULL;
		for (int m = 0; m < ML_CHANGED_MEMBERS; m++)
			column->members[m] = ml_changed_member(object, ml_changed_members[m]);
		columns = lappend(columns, column);
	}
	return columns;
}

/* Where the cells lay: MlLoadPlace *. */
static List *
ml_changed_places(List *columns)
{
	List	   *places = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		const MlChangedColumn *column = lfirst(lc);
		MlLoadPlace *place = palloc(sizeof(MlLoadPlace));

		if (column->members[ML_CHANGED_PLACE] == NULL)
			continue;
		place->name = column->name;
		place->place = pg_strtoint32(column->members[ML_CHANGED_PLACE]);
		places = lappend(places, place);
	}
	return places;
}

/* ---- what there is today ---- */

/* How many categories the training kept of a column at most. */
static int
ml_changed_categories(const MlModel *model, const MlTrainingRecord *record)
{
	JsonbValue	buffer;
	JsonbValue *v = getKeyJsonValueFromContainer(&record->params->root, "pipeline", 8, &buffer);

	if ((model->learner->flags & ML_LEARNER_CATEGORIES) && (v == NULL || v->type == jbvNull))
		return ML_LEARNER_LEVELS_MAX;
	v = getKeyJsonValueFromContainer(&record->environment->root, "max_categories", 14, &buffer);
	return v && v->type == jbvNumeric ?
		DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(v->val.numeric))) : ml_max_categories;
}

/* The same of one column: a step of the pipeline may have asked for all of them, or for their texts. */
static int
ml_changed_kept(const MlModel *model, const MlLoadColumn *column, int kept_max)
{
	for (int i = 0; i < model->pipeline->ninputs; i++)
	{
		const MlInput *input = &model->pipeline->inputs[i];

		if (strcmp(input->name, column->name) == 0 && input->class == ML_TYPE_TEXT)
			return input->encoding != ML_ENCODING_LEVELS ? PG_INT32_MAX :
				input->unseen == ML_LEVEL_UNSEEN ? ML_LEVELS_ALL_MAX : kept_max;
	}
	return kept_max;
}

/* Fills in the number of levels and the most frequent one, the first bytewise among equals. */
static void
ml_changed_levels(MlChangedColumn *out, const MlLoadColumn *column, const MlColumnStats *stats, int kept_max)
{
	MlDict	   *dict = column->dict;
	int			seen = 0;
	int			mode = -1;

	for (int c = 0; c < dict->count; c++)
	{
		if (stats->level_counts[c] == 0)
			continue;
		seen++;
		if (mode < 0 || stats->level_counts[c] > stats->level_counts[mode] ||
			(stats->level_counts[c] == stats->level_counts[mode] &&
			 ml_text_compare(dict->texts[c].bytes, dict->texts[c].length,
							 dict->texts[mode].bytes, dict->texts[mode].length) < 0))
			mode = c;
	}
	out->members[ML_CHANGED_LEVELS] = psprintf("%d", Min(seen, kept_max) + (seen > kept_max && kept_max < ML_LEVELS_ALL_MAX));
	if (mode >= 0)
		out->members[ML_CHANGED_MODE] = pstrdup(dict->texts[mode].bytes);
}

static MlChangedColumn *
ml_changed_column(const char *name, const char *type)
{
	MlChangedColumn *out = palloc0(sizeof(MlChangedColumn));

	out->name = pstrdup(name);
	out->members[ML_CHANGED_TYPE] = pstrdup(type);
	return out;
}

/* What holds of a cell of any loaded column. */
static MlChangedColumn *
ml_changed_cell(const MlLoad *load, const MlLoadColumn *column, int element)
{
	MlChangedColumn *out = ml_changed_column(ml_load_cell_name(column, element), ml_convert_type_name(&column->convert));

	out->members[ML_CHANGED_FINGERPRINT] = ml_load_fingerprint(load, column, element);
	if (column->first_cell >= 0)
		(void) ml_load_profile_moments(load->profile, column->first_cell + element, &out->members[ML_CHANGED_MEAN],
									   &out->members[ML_CHANGED_STDDEV]);
	return out;
}

/* One cell of a feature, with what the training rows hold in it. */
static MlChangedColumn *
ml_changed_feature(const MlLoad *load, const MlLoadColumn *column, int element, const MlColumnStats *stats, int kept_max)
{
	MlChangedColumn *out = ml_changed_cell(load, column, element);

	out->input = true;
	out->members[ML_CHANGED_VALUES] = psprintf("%lld", (long long) stats->n);
	out->members[ML_CHANGED_NULLS] = psprintf("%lld", (long long) stats->nulls);
	out->members[ML_CHANGED_NANS] = psprintf("%lld", (long long) stats->nans);
	if (column->dict)
		ml_changed_levels(out, column, stats, kept_max);
	else
	{
		out->members[ML_CHANGED_MIN] = ml_text_number(stats->n > 0 ? stats->min : NAN);
		out->members[ML_CHANGED_MAX] = ml_text_number(stats->n > 0 ? stats->max : NAN);
	}
	return out;
}

/* The columns (MlChangedColumn *) of the source that was just loaded. */
static List *
ml_changed_today(MlLoad *load, const MlModel *model, const MlTrainingRecord *record)
{
	MlDesign	design = {0};
	MlModel		task = {0};
	int			kept_max = ml_changed_categories(model, record);
	List	   *columns = NIL;
	ListCell   *lc;

	design.load = load;
	/* of the target nothing is counted */
	task.task = ML_TASK_REGRESSION;
	design.model = &task;
	ml_design_survey(&design);
	for (int i = 0; i < load->ncolumns; i++)
	{
		const MlLoadColumn *column = &load->columns[i];

		if (column->role != ML_ROLE_FEATURE)
			columns = lappend(columns, ml_changed_cell(load, column, 0));
		for (int e = 0; e < column->ncells && column->role == ML_ROLE_FEATURE; e++)
			columns = lappend(columns, ml_changed_feature(load, column, e, &design.stats[column->first_cell + e],
														  ml_changed_kept(model, column, kept_max)));
	}
	foreach(lc, load->others)
	{
		const MlLoadOther *other = lfirst(lc);

		columns = lappend(columns, ml_changed_column(other->name, other->type_name));
	}
	return columns;
}

/* ---- the difference ---- */

static MlChangedColumn *
ml_changed_find(List *columns, const char *name)
{
	ListCell   *lc;

	foreach(lc, columns)
		if (strcmp(((MlChangedColumn *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	return NULL;
}

static void
ml_changed_put(MlChangedSink sink, void *ctx, const char *column, const char *statistic,
			   const char *recorded, const char *today)
{
	if ((recorded == NULL) != (today == NULL) || (recorded && strcmp(recorded, today) != 0))
		sink(ctx, column, statistic, recorded, today);
}

/* Whether a mean or deviation is the same but for the order in which its rows were added up. */
static bool
ml_changed_rounding(const MlChangedColumn *recorded, const MlChangedColumn *today, int member)
{
	double		scale = 0;
	double		x[2];

	for (int m = ML_CHANGED_MEAN; m <= ML_CHANGED_STDDEV; m++)
		scale += fabs(strtod(recorded->members[m], NULL));
	x[0] = strtod(recorded->members[member], NULL);
	x[1] = strtod(today->members[member], NULL);
	return fabs(x[0] - x[1]) <= ML_CHANGED_ROUNDING * scale;
}

/* Whether a member of two columns of one name is worth comparing. */
static bool
ml_changed_counts(const MlChangedColumn *recorded, const MlChangedColumn *today, int member)
{
	if (member == ML_CHANGED_TYPE)
		return true;
	if (member == ML_CHANGED_MEAN || member == ML_CHANGED_STDDEV)
		return recorded->members[member] && today->members[member] && !ml_changed_rounding(recorded, today, member);
	/* of a column that was of no use, and of one that is no feature, no more is recorded */
	return (recorded->input && today->input) || (recorded->members[member] && today->members[member]);
}

/* A column that is on one side only differs in its type alone, one of the same fingerprint at most. */
static void
ml_changed_compare(const MlChangedColumn *recorded, const MlChangedColumn *today, MlChangedSink sink, void *ctx)
{
	const MlChangedColumn *any = recorded ? recorded : today;
	bool		whole = recorded && today && (recorded->members[ML_CHANGED_FINGERPRINT] == NULL ||
											  !ml_text_same(recorded->members[ML_CHANGED_FINGERPRINT],
															today->members[ML_CHANGED_FINGERPRINT]));

	for (int m = 0; m < (whole ? ML_CHANGED_PLACE : 1); m++)
		if (!whole || ml_changed_counts(recorded, today, m))
			ml_changed_put(sink, ctx, any->name, ml_changed_members[m], recorded ? recorded->members[m] : NULL,
						   today ? today->members[m] : NULL);
}

/* Of a source that gives other rows, with a copy: how many of then and how many of today. */
static void
ml_changed_rows(const MlVersionRef *version, const MlLoad *load, MlChangedSink sink, void *ctx)
{
	MlStored	stored;
	int64		gone;
	int64		come;

	if (!ml_catalog_stored_of(version->model, version->version, &stored) || stored.table == NULL ||
		ml_stored_problem(&stored, load->identity->role) != NULL)
		return;
	if (ml_stored_unmatched(&stored, load, &gone, &come) && gone + come > 0)
		sink(ctx, NULL, "unmatched", psprintf("%lld", (long long) gone), psprintf("%lld", (long long) come));
}

void
ml_changed_run(const char *ref, MlChangedSink sink, void *ctx)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops comparison", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	MlTrainingRecord record;
	MlVersionRef version;
	const MlModel *model;
	MlLoad	   *load;
	List	   *recorded;
	List	   *today;
	ListCell   *lc;
	int			nest_level;

	ml_catalog_resolve(ref, &version);
	ml_access_require(version.model, version.owner, ML_PRIV_READ);
	model = ml_cache_pin(&version, context);
	load = ml_recorded_load(&version, model->target, "Train with snapshot => 'fingerprint'.", &record);
	recorded = ml_changed_recorded(record.profile);
	load->lenient = true;
	load->profiled = true;
	load->places = ml_changed_places(recorded);
	nest_level = ml_recorded_settings_enter(record.environment);
	ml_load_read(load);
	today = ml_changed_today(load, model, &record);

	ml_changed_put(sink, ctx, NULL, "rows", psprintf("%lld", (long long) record.rows),
				   psprintf("%lld", (long long) (load->rows_read - load->rows_null_target)));
	if (record.fingerprint)
		ml_changed_put(sink, ctx, NULL, "fingerprint", record.fingerprint, ml_fingerprint_text(&load->fingerprint));
	if (record.fingerprint && strcmp(record.fingerprint, ml_fingerprint_text(&load->fingerprint)) != 0)
		ml_changed_rows(&version, load, sink, ctx);
	foreach(lc, recorded)
	{
		const MlChangedColumn *column = lfirst(lc);

		ml_changed_compare(column, ml_changed_find(today, column->name), sink, ctx);
	}
	foreach(lc, today)
		if (record.profile && !ml_changed_find(recorded, ((MlChangedColumn *) lfirst(lc))->name))
			ml_changed_compare(NULL, lfirst(lc), sink, ctx);
	AtEOXact_GUC(false, nest_level);
	ml_frame_free(load->train);
	ml_frame_free(load->test);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
