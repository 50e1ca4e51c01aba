/*
 * gate_judge.h - verdicts: what a figure, with its interval, means for a gate.
 */
#ifndef ML_GATE_JUDGE_H
#define ML_GATE_JUDGE_H

#include "flow/gate_metric.h"
#include "metric/sample.h"

/* What a gate compares with, where it does. */
typedef struct MlGateReference
{
	bool		known;
	const char *missing;		/* when it is not: what to say */
	bool		none;			/* there is nothing to be compared with, and nothing to be worse than */
	double		value;
	bool		paired;			/* difference is set: candidate minus reference on the same rows */
	MlInterval	difference;
	const char *name;			/* "version 2 in production", "its training", "the trivial model" */
} MlGateReference;

/* A result without a figure. */
extern MlGateResult *ml_gate_undecided(const MlGate *gate, const char *key, const char *value, int64 n,
									   const char *reason);

/*
 * Judges a figure: absolute limits by the figure itself; a comparison passes
 * when the whole interval of the difference is within the margin, fails when
 * none of it is, and is inconclusive in between. reference is NULL for a
 * gate that does not compare.
 */
extern MlGateResult *ml_gate_judge(const MlGate *gate, const MlGateMetric *metric, const char *key,
								   const char *value, int64 n, const MlInterval *figure,
								   const MlGateReference *reference);

#endif							/* ML_GATE_JUDGE_H */
