/*
 * check_scan.c - the aggregate that scans rows for checks of data.
 *
 * The program is decoded once per process, in fn_mcxt. The state belongs to
 * the aggregate's context. What a row leaves behind is in the executor's
 * per-tuple context.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "base/bytes.h"
#include "base/compat.h"
#include "flow/check_scan.h"
#include "flow/condition.h"
#include "flow/expression.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

/* A datum's flat form ends at 1 GB, and keys are half of what their table takes. */
#define ML_CHECK_SCAN_BYTES_MAX		((Size) 512 * 1024 * 1024)

typedef struct MlScanObject
{
	ExpandedObjectHeader header;
	MlScanState *state;
	StringInfo	flat;			/* made when the size is asked for */
} MlScanObject;

/* What a call keeps. */
typedef struct MlScanCall
{
	MlScanProgram *program;
	bool	   *conditions;		/* of the row at hand */
	ExprState **compiled;		/* those that are SQL, else NULL */
	bool	   *null_means;		/* kinds: true, where: false */
	MlConditionRoom room;

	/* rows as one value */
	TupleDesc	desc;
	Datum	   *datums;
	bool	   *nulls;
	NullableDatum *values;
} MlScanCall;

Size
ml_check_scan_memory(void)
{
	Size		bytes = (Size) maintenance_work_mem * 1024;

	/* the leader holds in the end what all have found; workers share as much again */
	if (IsParallelWorker())
		bytes /= Max(max_parallel_workers_per_gather, 1);
	return Min(bytes, ML_CHECK_SCAN_BYTES_MAX);
}

/* ---- the object ---- */

static Size
ml_scan_flat_size(ExpandedObjectHeader *header)
{
	MlScanObject *object = (MlScanObject *) header;
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);

	if (object->flat == NULL)
		object->flat = makeStringInfo();
	resetStringInfo(object->flat);
	ml_scan_state_write(object->flat, object->state);
	MemoryContextSwitchTo(old);
	return VARHDRSZ + object->flat->len;
}

static void
ml_scan_flatten(ExpandedObjectHeader *header, void *result, Size allocated)
{
	MlScanObject *object = (MlScanObject *) header;

	Assert(allocated == VARHDRSZ + object->flat->len);
	SET_VARSIZE(result, allocated);
	memcpy(VARDATA(result), object->flat->data, object->flat->len);
	pfree(object->flat->data);
	pfree(object->flat);
	object->flat = NULL;
}

static const ExpandedObjectMethods ml_scan_methods = {
	.get_flat_size = ml_scan_flat_size,
	.flatten_into = ml_scan_flatten
};

static MlScanObject *
ml_scan_object_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "pg_mlops check scan", ALLOCSET_SMALL_SIZES);
	MlScanObject *object = MemoryContextAllocZero(context, sizeof(MlScanObject));

	EOH_init_header(&object->header, &ml_scan_methods, context);
	return object;
}

/* The object behind a state, or NULL if the state is flat. */
static MlScanObject *
ml_scan_object(Datum state)
{
	ExpandedObjectHeader *header;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(state)))
		return NULL;
	header = DatumGetEOHP(state);
	if (header->eoh_methods != &ml_scan_methods)
		ml_read_corrupted("the state of a scan is another object");
	return (MlScanObject *) header;
}

/* Adds a state of either form. */
static void
ml_scan_object_merge(MlScanObject *into, Datum state)
{
	MlScanObject *from = ml_scan_object(state);

	if (from)
	{
		StringInfoData flat;

		initStringInfo(&flat);
		ml_scan_state_write(&flat, from->state);
		if (into->state == NULL)
			into->state = ml_scan_state_like(flat.data, flat.len, into->header.eoh_context, ml_check_scan_memory());
		ml_scan_state_merge(into->state, flat.data, flat.len);
		pfree(flat.data);
	}
	else
	{
		bytea	   *bytes = DatumGetByteaPP(state);

		if (into->state == NULL)
			into->state = ml_scan_state_like(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), into->header.eoh_context,
											 ml_check_scan_memory());
		ml_scan_state_merge(into->state, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
}

/* A state that can be changed in place. */
static MlScanObject *
ml_scan_object_writable(Datum state, MemoryContext context)
{
	MlScanObject *object = ml_scan_object(state);

	if (object == NULL || !VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state)))
	{
		object = ml_scan_object_create(context);
		ml_scan_object_merge(object, state);
	}
	return object;
}

MlScanState *
ml_check_scan_take(Datum state)
{
	MlScanObject *object = ml_scan_object(state);

	if (object != NULL)
		MemoryContextSetParent(object->header.eoh_context, CurrentMemoryContext);
	else
	{
		object = ml_scan_object_create(CurrentMemoryContext);
		ml_scan_object_merge(object, state);
	}
	return object->state;
}

/* ---- transitions ---- */

static MemoryContext
ml_scan_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the functions of ml.check_scan can only be called by an aggregate"),
				 errhint("Use ml.check_data.")));
	if (PG_NARGS() > 1 && PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the spec of a scan cannot be NULL"),
				 errhint("Use ml.check_data.")));
	return context;
}

/* The state to change, made with the first row. */
static MlScanObject *
ml_scan_argument(FunctionCallInfo fcinfo, const MlScanProgram *program, MemoryContext context)
{
	MlScanObject *object;

	if (!PG_ARGISNULL(0))
		return ml_scan_object_writable(PG_GETARG_DATUM(0), context);
	object = ml_scan_object_create(context);
	object->state = ml_scan_state_create(program, object->header.eoh_context, ml_check_scan_memory());
	return object;
}

/* The columns of a program as a descriptor. */
static TupleDesc
ml_scan_desc(const MlScanProgram *program, const MlScanColumn *columns, const Oid *types)
{
	TupleDesc	desc = CreateTemplateTupleDesc(program->ncolumns);

	for (int i = 0; i < program->ncolumns; i++)
	{
		TupleDescInitEntry(desc, i + 1, columns[i].name, types[i], columns[i].typmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, columns[i].collation);
	}
	return desc;
}

/* Decodes the spec and compiles its conditions; the context is fn_mcxt. */
static void
ml_scan_decode(MlScanCall *call, FunctionCallInfo fcinfo, int ntypes, const Oid *types)
{
	bytea	   *spec = PG_GETARG_BYTEA_PP(1);
	MlScanColumn *columns;
	MlScanProgram *program = ml_scan_spec_read(VARDATA_ANY(spec), VARSIZE_ANY_EXHDR(spec), ntypes, types, &columns);

	call->program = program;
	call->conditions = palloc0(sizeof(bool) * Max(program->nconditions, 1));
	call->compiled = palloc0(sizeof(ExprState *) * Max(program->nconditions, 1));
	call->null_means = palloc0(sizeof(bool) * Max(program->nconditions, 1));
	for (int i = 0; i < program->nchecks; i++)
		if (program->checks[i].condition >= 0)
			call->null_means[program->checks[i].condition] = true;
	for (int i = 0; i < program->nconditions; i++)
	{
		if (program->conditions[i] == NULL)
			continue;
		if (call->room.desc == NULL)
			ml_condition_room(&call->room, ml_scan_desc(program, columns, types));
		call->compiled[i] = ml_expression_compile(program->whose[i], program->conditions[i], call->room.desc);
	}
}

/* Runs one row through. */
static void
ml_scan_run(MlScanCall *call, MlScanState *state, const NullableDatum *values)
{
	const MlScanProgram *program = call->program;
	const NullableDatum *argument = values + program->ncolumns;

	if (call->room.desc != NULL)
		ml_condition_fill(&call->room, values);
	for (int i = 0; i < program->nconditions; i++)
	{
		if (call->compiled[i] != NULL)
			call->conditions[i] = ml_condition_holds(&call->room, call->compiled[i], call->null_means[i], program->whose[i]);
		else
		{
			call->conditions[i] = argument->isnull ? call->null_means[i] : DatumGetBool(argument->value);
			argument++;
		}
	}
	ml_scan_state_row(program, state, values, call->conditions);
}

/* What the call keeps, with the program for its columns. */
static MlScanCall *
ml_scan_call_columns(FunctionCallInfo fcinfo)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	MlScanCall *call = palloc0(sizeof(MlScanCall));
	int			n = PG_NARGS() - 2;
	Oid		   *types = palloc(sizeof(Oid) * Max(n, 1));

	for (int i = 0; i < n; i++)
		types[i] = get_fn_expr_argtype(fcinfo->flinfo, i + 2);
	ml_scan_decode(call, fcinfo, n, types);
	MemoryContextSwitchTo(old);
	return call;
}

Datum
ml_check_scan_columns(FunctionCallInfo fcinfo)
{
	MemoryContext context = ml_scan_context(fcinfo);
	MlScanCall *call = fcinfo->flinfo->fn_extra;
	MlScanObject *object;

	if (unlikely(call == NULL))
		fcinfo->flinfo->fn_extra = call = ml_scan_call_columns(fcinfo);
	object = ml_scan_argument(fcinfo, call->program, context);
	ml_scan_run(call, object->state, fcinfo->args + 2);
	return EOHPGetRWDatum(&object->header);
}

static MlScanCall *
ml_scan_call_row(FunctionCallInfo fcinfo, HeapTupleHeader row)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	MlScanCall *call = palloc0(sizeof(MlScanCall));
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	Oid		   *types = palloc(sizeof(Oid) * Max(desc->natts, 1));

	call->desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	for (int i = 0; i < call->desc->natts; i++)
		types[i] = TupleDescAttr(call->desc, i)->atttypid;
	call->datums = palloc(sizeof(Datum) * Max(call->desc->natts, 1));
	call->nulls = palloc(sizeof(bool) * Max(call->desc->natts, 1));
	call->values = palloc(sizeof(NullableDatum) * Max(call->desc->natts, 1));
	ml_scan_decode(call, fcinfo, call->desc->natts, types);
	MemoryContextSwitchTo(old);
	return call;
}

Datum
ml_check_scan_row(FunctionCallInfo fcinfo)
{
	MemoryContext context = ml_scan_context(fcinfo);
	MlScanCall *call = fcinfo->flinfo->fn_extra;
	MlScanObject *object;
	HeapTupleHeader row;
	HeapTupleData tuple;

	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the row of a scan cannot be NULL"),
				 errhint("Use ml.check_data.")));
	row = PG_GETARG_HEAPTUPLEHEADER(2);
	if (unlikely(call == NULL))
		fcinfo->flinfo->fn_extra = call = ml_scan_call_row(fcinfo, row);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, call->desc, call->datums, call->nulls);
	for (int i = 0; i < call->desc->natts; i++)
	{
		call->values[i].value = call->datums[i];
		call->values[i].isnull = call->nulls[i];
	}
	object = ml_scan_argument(fcinfo, call->program, context);
	ml_scan_run(call, object->state, call->values);
	return EOHPGetRWDatum(&object->header);
}

Datum
ml_check_scan_merge(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	MlScanObject *object;

	if (!AggCheckCallContext(fcinfo, &context))
		(void) ml_scan_context(fcinfo);
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(0))
	{
		object = ml_scan_object_create(context);
		ml_scan_object_merge(object, PG_GETARG_DATUM(1));
		return EOHPGetRWDatum(&object->header);
	}
	object = ml_scan_object_writable(PG_GETARG_DATUM(0), context);
	if (!PG_ARGISNULL(1))
		ml_scan_object_merge(object, PG_GETARG_DATUM(1));
	return EOHPGetRWDatum(&object->header);
}
