/*
 * drift.c - ml.drift_statistic, ml.list_drift_methods.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "api/arguments.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "drift/drift.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* The arguments of ml.drift_statistic, in order. */
enum
{
	ML_DRIFT_METHOD,
	ML_DRIFT_REFERENCE,
	ML_DRIFT_CURRENT,
	ML_DRIFT_EDGES,
	ML_DRIFT_ALPHA,
	ML_DRIFT_LOW,
	ML_DRIFT_HIGH,
	ML_DRIFT_REFERENCE_MOMENTS,
	ML_DRIFT_CURRENT_MOMENTS,
	ML_DRIFT_NULL_BIN,
	ML_DRIFT_FLOOR
};

/* ml.list_drift_methods(): the rows of view ml.drift_methods. */
ML_FUNCTION(ml_list_drift_methods)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; ml_drift_methods[i]; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};

		values[0] = CStringGetTextDatum(ml_drift_methods[i]->name);
		values[1] = CStringGetTextDatum(ml_drift_methods[i]->summary);
		values[2] = BoolGetDatum(ml_drift_methods[i]->needs_order);
		values[3] = BoolGetDatum(ml_drift_methods[i]->needs_moments);
		values[4] = Float8GetDatum(ml_drift_methods[i]->floor);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static const MlDriftMethod *
ml_drift_arg_method(FunctionCallInfo fcinfo)
{
	char	   *name = ml_arg_required(fcinfo, ML_DRIFT_METHOD, "method");
	const MlDriftMethod *method = ml_drift_method_find(name);
	List	   *names;

	if (method)
		return method;
	names = ml_drift_methods_list();
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("drift method \"%s\" does not exist", name),
			 errdetail("The methods are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "See ml.drift_methods."))));
}

/* The elements of an array of one dimension that holds no NULL; a NULL array is NULL here if it may be. */
static Datum *
ml_drift_arg_array(FunctionCallInfo fcinfo, int n, const char *name, Oid type, int *count)
{
	ArrayType  *array;
	Datum	   *values;
	bool	   *nulls;

	*count = 0;
	if (PG_ARGISNULL(n))
		return NULL;
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be an array of one dimension", name),
				 errdetail("It has %d dimensions.", ARR_NDIM(array)),
				 errhint("Pass one number for each bin.")));
	deconstruct_array(array, type, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, count);
	for (int i = 0; i < *count; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", name),
					 errdetail("Element %d of %d is NULL.", i + 1, *count),
					 errhint("An empty bin has a count of 0.")));
	return values;
}

static void
ml_drift_arg_counts(FunctionCallInfo fcinfo, int n, const char *name, MlDriftSide *side, int *nbins)
{
	Datum	   *values = ml_drift_arg_array(fcinfo, n, name, INT8OID, nbins);
	int64	   *counts;

	if (values == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name),
				 errhint("Pass the number of rows in each bin.")));
	if (*nbins == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" has no bins", name),
				 errhint("Pass the number of rows in each bin.")));
	counts = palloc_extended(sizeof(int64) * *nbins, MCXT_ALLOC_HUGE);
	side->n = 0;
	for (int i = 0; i < *nbins; i++)
	{
		counts[i] = DatumGetInt64(values[i]);
		if (counts[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain a negative count", name),
					 errdetail("Element %d of %d is " INT64_FORMAT ".", i + 1, *nbins, counts[i]),
					 errhint("Pass the number of rows in each bin.")));
		if (pg_add_s64_overflow(side->n, counts[i], &side->n))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the counts of argument \"%s\" add up to more than a bigint holds", name),
					 errdetail("The first %d of %d do so.", i + 1, *nbins),
					 errhint("Pass the number of rows in each bin.")));
	}
	side->counts = counts;
}

static void
ml_drift_arg_edges(FunctionCallInfo fcinfo, const MlDriftMethod *method, MlDriftPair *pair)
{
	int			count;
	Datum	   *values = ml_drift_arg_array(fcinfo, ML_DRIFT_EDGES, "edges", FLOAT8OID, &count);
	double	   *edges;

	pair->nordered = 0;
	pair->edges = NULL;
	if (values == NULL)
	{
		if (method->needs_order)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("drift method \"%s\" needs ordered bins", method->name),
					 errhint("Pass the edges between them as argument edges, or see ml.drift_methods for one that does not.")));
		return;
	}
	if (count >= pair->nbins)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are too many edges for the bins"),
				 errdetail("%d edges have %d ordered bins between and around them, but there are %d bins.",
						   count, count + 1, pair->nbins),
				 errhint("The first bin is below the first edge, and one lies above the last.")));
	edges = palloc_extended(sizeof(double) * Max(count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		edges[i] = DatumGetFloat8(values[i]);
		if (!isfinite(edges[i]) || (i > 0 && !(edges[i] > edges[i - 1])))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"edges\" must be finite numbers in ascending order"),
					 errdetail("Element %d of %d is %s.", i + 1, count, ml_text_number(edges[i])),
					 errhint("Values below the first edge and above the last have bins of their own.")));
	}
	pair->nordered = count + 1;
	pair->edges = edges;
}

/* {mean, variance, values} of one side. */
static void
ml_drift_arg_moments(FunctionCallInfo fcinfo, int n, const char *name, const MlDriftMethod *method, MlDriftSide *side)
{
	int			count;
	Datum	   *values = ml_drift_arg_array(fcinfo, n, name, FLOAT8OID, &count);
	double		rows;

	side->mean = side->variance = NAN;
	side->values = 0;
	if (values == NULL)
	{
		if (method->needs_moments)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("drift method \"%s\" needs argument \"%s\"", method->name, name),
					 errhint("Pass ARRAY[mean, variance, number of values].")));
		return;
	}
	if (count != 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must have three elements", name),
				 errdetail("It has %d.", count),
				 errhint("Pass ARRAY[mean, variance, number of values].")));
	side->mean = DatumGetFloat8(values[0]);
	side->variance = DatumGetFloat8(values[1]);
	rows = DatumGetFloat8(values[2]);
	if (!(rows >= 0 && rows <= (double) side->n) || rows != floor(rows) ||
		(rows > 0 && !isfinite(side->mean)) || (rows > 1 && !(isfinite(side->variance) && side->variance >= 0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is not a mean, a variance and a number of values", name),
				 errdetail("It is %s, %s and %s; the bins hold " INT64_FORMAT " rows.", ml_text_number(side->mean),
						   ml_text_number(side->variance), ml_text_number(rows), side->n),
				 errhint("Mean and variance are finite, the variance is 0 or more, and there are no more values than rows.")));
	/* a double that is not above the rows may still be the next one above what a bigint holds */
	side->values = rows < (double) side->n ? (int64) rows : side->n;
	if (side->values == 0)
		side->mean = NAN;
	if (side->values < 2)
		side->variance = NAN;
}

/* A number that has to be there and lie in a range. */
static double
ml_drift_arg_number(FunctionCallInfo fcinfo, int n, const char *name, double above, double below, const char *hint)
{
	double		x = PG_ARGISNULL(n) ? NAN : PG_GETARG_FLOAT8(n);

	if (!(x > above && x < below))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is out of range", name),
				 errdetail("It is %s.", PG_ARGISNULL(n) ? "NULL" : ml_text_number(x)),
				 errhint("%s", hint)));
	return x;
}

/* The least and greatest value, which bound the outer bins; they lie on the outer side of the edges if those hold rows. */
static void
ml_drift_arg_range(FunctionCallInfo fcinfo, MlDriftPair *pair)
{
	int			last = pair->nordered - 1;

	pair->low = PG_ARGISNULL(ML_DRIFT_LOW) ? NAN :
		ml_drift_arg_number(fcinfo, ML_DRIFT_LOW, "low", -INFINITY, INFINITY, "Pass the least value of both sides.");
	pair->high = PG_ARGISNULL(ML_DRIFT_HIGH) ? NAN :
		ml_drift_arg_number(fcinfo, ML_DRIFT_HIGH, "high", -INFINITY, INFINITY, "Pass the greatest value of both sides.");
	if (pair->low > pair->high)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"low\" is greater than \"high\""),
				 errdetail("They are %s and %s.", ml_text_number(pair->low), ml_text_number(pair->high)),
				 errhint("Pass the least and the greatest value of both sides.")));
	if (last < 1)
		return;
	if (((pair->reference.counts[0] > 0 || pair->current.counts[0] > 0) && pair->low > pair->edges[0]) ||
		((pair->reference.counts[last] > 0 || pair->current.counts[last] > 0) && pair->high < pair->edges[last - 1]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an outer bin holds rows, but no value lies beyond its edge"),
				 errdetail("Values are said to lie between %s and %s, the edges between %s and %s.",
						   ml_text_number(pair->low), ml_text_number(pair->high),
						   ml_text_number(pair->edges[0]), ml_text_number(pair->edges[last - 1])),
				 errhint("Pass the least and the greatest value of both sides, or neither.")));
}

/* Which bin holds NULLs, counted from 1 in SQL. */
static int
ml_drift_arg_null_bin(FunctionCallInfo fcinfo, const MlDriftMethod *method, const MlDriftPair *pair)
{
	int			bin = PG_ARGISNULL(ML_DRIFT_NULL_BIN) ? 0 : PG_GETARG_INT32(ML_DRIFT_NULL_BIN);

	if (bin == 0 && PG_ARGISNULL(ML_DRIFT_NULL_BIN) && method != &ml_drift_null_share)
		return -1;
	if (bin <= pair->nordered || bin > pair->nbins)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"null_bin\" must be one of the bins without order"),
				 errdetail("It is %s; of %d bins the first %d are ordered.",
						   PG_ARGISNULL(ML_DRIFT_NULL_BIN) ? "NULL" : psprintf("%d", bin), pair->nbins, pair->nordered),
				 errhint("Pass the number of the bin that holds the NULLs; the first is 1.")));
	return bin - 1;
}

/* ml.drift_statistic(method, reference, current, ...): one statistic of two profiles. */
ML_FUNCTION(ml_drift_statistic)
{
	const MlDriftMethod *method = ml_drift_arg_method(fcinfo);
	MlDriftPair pair = {0};
	MlDriftResult result;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4];
	double		alpha;
	double		floor = method->floor;
	int			bins;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	ml_drift_arg_counts(fcinfo, ML_DRIFT_REFERENCE, "reference", &pair.reference, &pair.nbins);
	ml_drift_arg_counts(fcinfo, ML_DRIFT_CURRENT, "current", &pair.current, &bins);
	if (bins != pair.nbins)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("reference and current must have the same bins"),
				 errdetail("The reference has %d, the current side %d.", pair.nbins, bins),
				 errhint("An empty bin has a count of 0.")));
	ml_drift_arg_edges(fcinfo, method, &pair);
	alpha = ml_drift_arg_number(fcinfo, ML_DRIFT_ALPHA, "alpha", 0, 1,
								"Pass the probability of a false alarm, between 0 and 1: 0.01 is the default.");
	ml_drift_arg_range(fcinfo, &pair);
	ml_drift_arg_moments(fcinfo, ML_DRIFT_REFERENCE_MOMENTS, "reference_moments", method, &pair.reference);
	ml_drift_arg_moments(fcinfo, ML_DRIFT_CURRENT_MOMENTS, "current_moments", method, &pair.current);
	pair.null_bin = ml_drift_arg_null_bin(fcinfo, method, &pair);
	if (!PG_ARGISNULL(ML_DRIFT_FLOOR))
		floor = ml_drift_arg_number(fcinfo, ML_DRIFT_FLOOR, "floor", -DBL_TRUE_MIN, INFINITY,
									"Pass a number that is 0 or more, or NULL for the method's own.");

	method->compute(&pair, alpha, floor, &result);
	ml_put_number(values, nulls, 0, result.statistic);
	ml_put_number(values, nulls, 1, result.p_value);
	ml_put_number(values, nulls, 2, result.limit);
	nulls[3] = !result.defined;
	values[3] = BoolGetDatum(result.statistic > result.limit);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
