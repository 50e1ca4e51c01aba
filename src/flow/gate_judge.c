/*
 * gate_judge.c - verdicts: what a figure, with its interval, means for a gate.
 *
 * Results are palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "flow/gate_judge.h"

static MlGateResult *
ml_gate_result_make(const MlGate *gate, const char *key, const char *value, int64 n)
{
	MlGateResult *result = palloc0(sizeof(MlGateResult));

	result->gate = gate;
	result->slice_key = key ? pstrdup(key) : NULL;
	result->slice_value = value ? pstrdup(value) : NULL;
	result->n = n;
	result->value = result->low = result->high = result->limit = NAN;
	return result;
}

MlGateResult *
ml_gate_undecided(const MlGate *gate, const char *key, const char *value, int64 n, const char *reason)
{
	MlGateResult *result = ml_gate_result_make(gate, key, value, n);

	result->verdict = ML_VERDICT_INCONCLUSIVE;
	result->reason = pstrdup(reason);
	return result;
}

/* "0.81 (95 % interval 0.79 to 0.83, DeLong)" */
static char *
ml_gate_figure_text(const MlInterval *figure)
{
	if (isnan(figure->low) || isnan(figure->high))
		return psprintf("%.6g", figure->value);
	return psprintf("%.6g (95 %% interval %.6g to %.6g, %s)", figure->value, figure->low, figure->high, figure->how);
}

/* The limits of the gate itself. */
static void
ml_gate_judge_absolute(MlGateResult *result, const MlInterval *figure)
{
	const MlGate *gate = result->gate;
	char	   *text = ml_gate_figure_text(figure);

	if (gate->has_min && figure->value < gate->min)
	{
		result->verdict = ML_VERDICT_FAIL;
		result->limit = gate->min;
		result->reason = psprintf("%s is %s, below %.6g", gate->metric, text, gate->min);
	}
	else if (gate->has_max && figure->value > gate->max)
	{
		result->verdict = ML_VERDICT_FAIL;
		result->limit = gate->max;
		result->reason = psprintf("%s is %s, above %.6g", gate->metric, text, gate->max);
	}
	else
	{
		bool		lower = gate->has_min &&
			(!gate->has_max || figure->value - gate->min < gate->max - figure->value);

		result->verdict = ML_VERDICT_PASS;
		result->limit = lower ? gate->min : gate->max;
		result->reason = psprintf("%s is %s, %s %.6g", gate->metric, text, lower ? "at least" : "at most",
								  result->limit);
	}
}

/* How much better the version is than the reference, and the interval of that. */
static void
ml_gate_better_by(const MlGateMetric *metric, const MlInterval *figure, const MlGateReference *reference,
				  double *by, double *low, double *high)
{
	double		sign = metric->larger_is_better ? 1 : -1;
	double		a;
	double		b;

	if (reference->paired)
	{
		*by = sign * reference->difference.value;
		a = sign * reference->difference.low;
		b = sign * reference->difference.high;
	}
	else
	{
		*by = sign * (figure->value - reference->value);
		a = sign * (figure->low - reference->value);
		b = sign * (figure->high - reference->value);
	}
	/* adding zero turns -0, which texts would show, into 0 */
	*by += 0.0;
	*low = (sign > 0 ? a : b) + 0.0;
	*high = (sign > 0 ? b : a) + 0.0;
}

/* The verdict on a difference: against a model the whole interval counts, against a recorded figure the value. */
static MlVerdict
ml_gate_compare(const MlGateReference *reference, double margin, double by, double low, double high)
{
	if (isnan(low) || isnan(high))
		return reference->paired ? ML_VERDICT_INCONCLUSIVE : by >= -margin ? ML_VERDICT_PASS : ML_VERDICT_FAIL;
	if ((reference->paired ? low : by) >= -margin)
		return ML_VERDICT_PASS;
	return high < -margin ? ML_VERDICT_FAIL : ML_VERDICT_INCONCLUSIVE;
}

/* What a verdict says of a difference. */
static const char *
ml_gate_margin_text(MlVerdict verdict, double margin)
{
	static const char *const plain[] = {"not worse", "worse", "the interval reaches below 0"};
	static const char *const with[] = {"within the margin of", "beyond the margin of", "the interval reaches beyond the margin of"};

	return margin == 0 ? plain[verdict] : psprintf("%s %.6g", with[verdict], margin);
}

static void
ml_gate_judge_versus(MlGateResult *result, const MlGateMetric *metric, const MlInterval *figure,
					 const MlGateReference *reference)
{
	const MlGate *gate = result->gate;
	const char *interval = "";
	double		by;
	double		low;
	double		high;

	ml_gate_better_by(metric, figure, reference, &by, &low, &high);
	result->verdict = ml_gate_compare(reference, gate->margin, by, low, high);
	result->limit = metric->larger_is_better ? reference->value - gate->margin : reference->value + gate->margin;
	if (!isnan(low) && !isnan(high))
		interval = psprintf(" (95 %% interval %.6g to %.6g, %s)", low, high,
							reference->paired ? reference->difference.how : figure->how);
	else if (result->verdict == ML_VERDICT_INCONCLUSIVE)
		interval = " (the rows allow no interval)";
	result->reason = psprintf("%s is %.6g and that of %s %.6g, a gain of %.6g%s: %s", gate->metric, figure->value,
							  reference->name, reference->value, by, interval,
							  ml_gate_margin_text(result->verdict, gate->margin));
}

/* Adds what a comparison found to what the limits did: the worse verdict stands. */
static void
ml_gate_combine(MlGateResult *result, const MlGateResult *other)
{
	bool		worse = other->verdict == ML_VERDICT_FAIL ||
		(other->verdict == ML_VERDICT_INCONCLUSIVE && result->verdict == ML_VERDICT_PASS);

	result->reason = psprintf("%s; %s", worse ? other->reason : result->reason,
							  worse ? result->reason : other->reason);
	if (worse)
	{
		result->verdict = other->verdict;
		result->limit = other->limit;
	}
}

/* The comparison a gate asks for. */
static void
ml_gate_judge_reference(MlGateResult *result, const MlGateMetric *metric, const MlInterval *figure,
						const MlGateReference *reference)
{
	if (reference->none)
	{
		result->verdict = ML_VERDICT_PASS;
		result->reason = psprintf("%s is %.6g, and %s", result->gate->metric, figure->value, reference->missing);
	}
	else if (!reference->known)
	{
		result->verdict = ML_VERDICT_INCONCLUSIVE;
		result->reason = psprintf("%s is %.6g, and %s", result->gate->metric, figure->value, reference->missing);
	}
	else
		ml_gate_judge_versus(result, metric, figure, reference);
}

MlGateResult *
ml_gate_judge(const MlGate *gate, const MlGateMetric *metric, const char *key, const char *value, int64 n,
			  const MlInterval *figure, const MlGateReference *reference)
{
	MlGateResult *result = ml_gate_result_make(gate, key, value, n);
	bool		absolute = gate->has_min || gate->has_max;

	if (isnan(figure->value))
		return ml_gate_undecided(gate, key, value, n, psprintf("%s is not a number for these rows", gate->metric));
	result->value = figure->value;
	result->low = figure->low;
	result->high = figure->high;
	if (absolute)
		ml_gate_judge_absolute(result, figure);
	if (reference != NULL)
	{
		MlGateResult other = *result;

		ml_gate_judge_reference(&other, metric, figure, reference);
		if (absolute)
			ml_gate_combine(result, &other);
		else
			*result = other;
	}
	return result;
}
