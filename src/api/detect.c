/*
 * detect.c - detectors of change as aggregates: ml.adwin, ml.hddm_w, ml.page_hinkley, ml.ddm, ml.eddm, ml.kswin.
 *
 * The state is a stream in progress and the places it has found, in the
 * aggregate's memory context. Nothing but the transition function changes it,
 * so that as a window function an aggregate says at every row what was found
 * up to it.
 */
#include "postgres.h"

#include "base/compat.h"

#include "api/arguments.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "drift/detector.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* Places in a stream, counted from 1. */
typedef struct MlPlaces
{
	int64	   *items;
	int			count;
	int			capacity;
} MlPlaces;

typedef struct MlDetectState
{
	MlDetection *detection;
	int64		n;
	int			flags;			/* of the last number */
	MlPlaces	drifts;
	MlPlaces	warnings;		/* where they begin */
} MlDetectState;

static MemoryContext
ml_detect_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("support function of a detector was called outside an aggregate"),
				 errhint("Call the aggregate itself, such as ml.adwin.")));
	return context;
}

static void
ml_places_add(MlPlaces *places, int64 place, MemoryContext context)
{
	if (places->count == places->capacity)
	{
		places->capacity = Max(2 * places->capacity, 8);
		if (places->items == NULL)
			places->items = MemoryContextAlloc(context, sizeof(int64) * places->capacity);
		else
			places->items = repalloc_huge(places->items, sizeof(int64) * places->capacity);
	}
	places->items[places->count++] = place;
}

/* NAME_accum(state internal, x float8 [, params jsonb]) -> internal */
static Datum
ml_detect_accum(FunctionCallInfo fcinfo, const char *name)
{
	MemoryContext context = ml_detect_context(fcinfo);
	MlDetectState *state = PG_ARGISNULL(0) ? NULL : (MlDetectState *) PG_GETARG_POINTER(0);
	int			flags;

	if (state == NULL)
	{
		/* parameters are those of the first row, even if its value is passed over */
		state = MemoryContextAllocZero(context, sizeof(MlDetectState));
		state->detection = ml_detection_begin(ml_detector_find(name), PG_NARGS() > 2 ? ml_arg_jsonb(fcinfo, 2) : NULL,
											  context);
	}
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	flags = ml_detection_add(state->detection, PG_GETARG_FLOAT8(1));
	state->n++;
	if ((flags & ML_DETECT_DRIFT) != 0)
		ml_places_add(&state->drifts, state->n, context);
	if ((flags & ML_DETECT_WARNING) != 0 && (state->flags & ML_DETECT_WARNING) == 0)
		ml_places_add(&state->warnings, state->n, context);
	state->flags = flags;
	PG_RETURN_POINTER(state);
}

ML_FUNCTION(ml_adwin_accum)
{
	return ml_detect_accum(fcinfo, "adwin");
}

ML_FUNCTION(ml_hddm_w_accum)
{
	return ml_detect_accum(fcinfo, "hddm_w");
}

ML_FUNCTION(ml_page_hinkley_accum)
{
	return ml_detect_accum(fcinfo, "page_hinkley");
}

ML_FUNCTION(ml_ddm_accum)
{
	return ml_detect_accum(fcinfo, "ddm");
}

ML_FUNCTION(ml_eddm_accum)
{
	return ml_detect_accum(fcinfo, "eddm");
}

ML_FUNCTION(ml_kswin_accum)
{
	return ml_detect_accum(fcinfo, "kswin");
}

static Datum
ml_places_array(const MlPlaces *places)
{
	Datum	   *items = palloc_extended(sizeof(Datum) * Max(places->count, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < places->count; i++)
		items[i] = Int64GetDatum(places->items[i]);
	return PointerGetDatum(construct_array(items, places->count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

/* ml.detection_final(state internal) -> ml.detection */
ML_FUNCTION(ml_detection_final)
{
	MlDetectState *state;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};

	(void) ml_detect_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (MlDetectState *) PG_GETARG_POINTER(0);
	if (state->n == 0)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(values))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type ml.detection does not match this library"),
				 errhint("Run ALTER EXTENSION pg_mlops UPDATE.")));
	values[0] = Int64GetDatum(state->n);
	values[1] = ml_places_array(&state->drifts);
	values[2] = ml_places_array(&state->warnings);
	ml_put_number(values, nulls, 3, ml_detection_level(state->detection));
	values[4] = BoolGetDatum((state->flags & ML_DETECT_WARNING) != 0);
	values[5] = BoolGetDatum((state->flags & ML_DETECT_DRIFT) != 0);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ml.list_detectors(): the rows of view ml.detectors. */
ML_FUNCTION(ml_list_detectors)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int d = 0; ml_detectors[d]; d++)
	{
		const MlDetector *detector = ml_detectors[d];

		for (int p = 0; p < detector->nparams; p++)
		{
			const MlParam *param = &detector->params[p];
			Datum		values[6];
			bool		nulls[6] = {false};

			values[0] = CStringGetTextDatum(detector->name);
			values[1] = CStringGetTextDatum(detector->summary);
			values[2] = CStringGetTextDatum(param->name);
			values[3] = CStringGetTextDatum(ml_param_type_name(param->type));
			values[4] = CStringGetTextDatum(param->default_value);
			values[5] = CStringGetTextDatum(param->description);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
