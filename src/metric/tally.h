/*
 * tally.h - what metrics count in.
 *
 * A tally of fixed size is the bytea of its aggregate: four bytes of varlena
 * header, the tag of its kind, the number of rows, then the kind's own
 * counts, all in the server's byte order. It lives in the aggregate's memory
 * context and is changed in place. The executor copies and frees a state
 * whose address changes, so such a tally never moves or grows.
 *
 * The two kinds that grow are not flat: a ranking is an expanded object that
 * flattens into a bytea when it is handed to another process (ranking.h),
 * and the table of macro_f1 is never an aggregate's state.
 *
 * Any user may call the support functions or declare an aggregate with them:
 * whatever comes from outside goes through ml_tally_in_place or
 * ml_tally_fetch, which trust no byte.
 */
#ifndef ML_TALLY_H
#define ML_TALLY_H

#include "base/compat.h"
#include "fmgr.h"
#include "access/htup_details.h"	/* brings the varlena macros in every version */

#include "math/exact_sum.h"
#include "metric/metric.h"

/* Tags: "ML" and a number that is never given to another layout. */
#define ML_TALLY_TAG(n)		(0x4d4c0000 | (n))

struct MlTally
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint32		tag;
	int64		rows;
};

struct MlTallyKind
{
	uint32		tag;
	Size		bytes;			/* of a tally */
	MlTally    *(*open) (const MlTallyKind *kind, MemoryContext context);
	/* Only for the kinds of fixed size: */
	void		(*merge) (MlTally *into, const MlTally *from);	/* all but the rows */
	bool		(*valid) (const MlTally *tally);	/* whether the counts agree with the rows */
};

/* The mean of a number a row: mae, mape, log_loss. */
typedef struct MlMeanTally
{
	MlTally		head;
	MlExactSum	sum;
} MlMeanTally;

/* The mean of squares: rmse, brier. */
typedef struct MlSquaresTally
{
	MlTally		head;
	MlExactProducts squares;
} MlSquaresTally;

/* How often a condition held: accuracy. */
typedef struct MlMatchTally
{
	MlTally		head;
	int64		matches;
} MlMatchTally;

/* The four outcomes of a decision: f1, precision, recall, mcc. */
typedef struct MlDecisionTally
{
	MlTally		head;
	int64		true_positives;
	int64		false_positives;
	int64		false_negatives;
	int64		true_negatives;
} MlDecisionTally;

extern const MlTallyKind ml_tally_mean;
extern const MlTallyKind ml_tally_squares;
extern const MlTallyKind ml_tally_matches;
extern const MlTallyKind ml_tally_decisions;
extern const MlTallyKind ml_tally_r2;
extern const MlTallyKind ml_tally_calibration;

/* Each of these counts one row. */
extern void ml_tally_add_number(MlTally *tally, double x);	/* into an MlMeanTally */
extern void ml_tally_add_square(MlTally *tally, double x);	/* into an MlSquaresTally */
extern void ml_tally_add_match(MlTally *tally, bool match);	/* into an MlMatchTally */
extern void ml_tally_add_decision(MlTally *tally, const MlMetricRow *row);	/* into an MlDecisionTally */

/* Makes an empty tally of fixed size in the context. */
extern MlTally *ml_tally_open(const MlTallyKind *kind, MemoryContext context);

/* The state of an aggregate that is to be changed in place; an error unless it is of the kind. */
extern MlTally *ml_tally_in_place(Datum state, const MlTallyKind *kind);

/*
 * A state to read, copied when it is packed or not aligned, with every count
 * checked. Kind NULL takes any of fixed size; *found says which it is.
 */
extern MlTally *ml_tally_fetch(Datum state, const MlTallyKind *kind, const MlTallyKind **found);

/* Adds one tally of fixed size to another of the same kind. */
extern void ml_tally_merge(const MlTallyKind *kind, MlTally *into, const MlTally *from);

/* Raises the error for bytes that are no state of the wanted kind. */
extern ML_NORETURN void ml_tally_reject(void);

/* Returns p; an error unless it is a probability. */
extern double ml_check_probability(double p);

/* The value of a metric that is the mean of its MlMeanTally. */
extern bool ml_tally_mean_value(MlTally *tally, double *value);

/* The value of a metric that is the share of its MlMatchTally. */
extern bool ml_tally_match_value(MlTally *tally, double *value);

/* numerator / denominator; false when the denominator is 0. */
extern bool ml_tally_ratio(int64 numerator, int64 denominator, double *value);

#endif							/* ML_TALLY_H */
