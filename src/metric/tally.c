/*
 * tally.c - tallies of fixed size: open, check, merge; the kinds that several metrics share.
 *
 * See tally.h for who owns them and what is trusted.
 */
#include "postgres.h"

#include "base/compat.h"
#include "metric/tally.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* Every kind that can be the state of an aggregate and has a fixed size. */
static const MlTallyKind *const ml_tally_kinds[] = {
	&ml_tally_mean,
	&ml_tally_squares,
	&ml_tally_matches,
	&ml_tally_decisions,
	&ml_tally_r2,
	&ml_tally_calibration
};

MlTally *
ml_tally_open(const MlTallyKind *kind, MemoryContext context)
{
	MlTally    *tally = MemoryContextAllocZero(context, kind->bytes);

	SET_VARSIZE(tally, kind->bytes);
	tally->tag = kind->tag;
	return tally;
}

void
ml_tally_reject(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid state of a metric aggregate"),
			 errdetail("The value was not made by the transition function of this metric."),
			 errhint("Call the aggregate itself, such as ml.rmse, and not its support functions.")));
}

MlTally *
ml_tally_in_place(Datum state, const MlTallyKind *kind)
{
	MlTally    *tally = (MlTally *) DatumGetPointer(state);

	if (!VARATT_IS_4B_U(tally) || (uintptr_t) tally != MAXALIGN(tally) ||
		VARSIZE(tally) != kind->bytes || tally->tag != kind->tag)
		ml_tally_reject();
	return tally;
}

MlTally *
ml_tally_fetch(Datum state, const MlTallyKind *kind, const MlTallyKind **found)
{
	struct varlena *bytes = PG_DETOAST_DATUM(state);
	MlTally    *tally = (MlTally *) bytes;
	int			i;

	if ((uintptr_t) bytes != MAXALIGN(bytes))
	{
		tally = palloc(VARSIZE(bytes));
		memcpy(tally, bytes, VARSIZE(bytes));
	}
	if (VARSIZE(tally) < sizeof(MlTally))
		ml_tally_reject();
	for (i = 0; i < lengthof(ml_tally_kinds) && !kind; i++)
	{
		if (ml_tally_kinds[i]->tag == tally->tag)
			kind = ml_tally_kinds[i];
	}
	if (!kind || tally->tag != kind->tag || VARSIZE(tally) != kind->bytes ||
		tally->rows <= 0 || !kind->valid(tally))
		ml_tally_reject();
	if (found)
		*found = kind;
	return tally;
}

void
ml_tally_merge(const MlTallyKind *kind, MlTally *into, const MlTally *from)
{
	/* No count exceeds the rows, so none overflows when the rows do not. */
	if (pg_add_s64_overflow(into->rows, from->rows, &into->rows))
		ml_tally_reject();
	kind->merge(into, from);
}

double
ml_check_probability(double p)
{
	/* Written so that NaN fails too. */
	if (!(p >= 0 && p <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("probability is outside the range from 0 to 1"),
				 errdetail("The value is %s.", float8out_internal(p)),
				 errhint("A score that is no probability can be measured with ml.auc or ml.average_precision.")));
	return p;
}

bool
ml_tally_ratio(int64 numerator, int64 denominator, double *value)
{
	if (denominator == 0)
		return false;
	*value = (double) numerator / (double) denominator;
	return true;
}

/* The mean of a number a row. */

void
ml_tally_add_number(MlTally *tally, double x)
{
	tally->rows++;
	ml_exact_add(&((MlMeanTally *) tally)->sum, x);
}

static void
ml_tally_mean_merge(MlTally *into, const MlTally *from)
{
	ml_exact_merge(&((MlMeanTally *) into)->sum, &((const MlMeanTally *) from)->sum);
}

/* Every pattern of bits is an exact sum. */
static bool
ml_tally_sums_valid(const MlTally *tally)
{
	return true;
}

bool
ml_tally_mean_value(MlTally *tally, double *value)
{
	*value = ml_exact_mean(&((MlMeanTally *) tally)->sum, tally->rows);
	return true;
}

const MlTallyKind ml_tally_mean = {
	.tag = ML_TALLY_TAG(1),
	.bytes = sizeof(MlMeanTally),
	.open = ml_tally_open,
	.merge = ml_tally_mean_merge,
	.valid = ml_tally_sums_valid
};

/* The mean of squares. */

void
ml_tally_add_square(MlTally *tally, double x)
{
	tally->rows++;
	ml_exact_products_add(&((MlSquaresTally *) tally)->squares, x, x);
}

static void
ml_tally_squares_merge(MlTally *into, const MlTally *from)
{
	ml_exact_products_merge(&((MlSquaresTally *) into)->squares, &((const MlSquaresTally *) from)->squares);
}

const MlTallyKind ml_tally_squares = {
	.tag = ML_TALLY_TAG(2),
	.bytes = sizeof(MlSquaresTally),
	.open = ml_tally_open,
	.merge = ml_tally_squares_merge,
	.valid = ml_tally_sums_valid
};

/* How often a condition held. */

void
ml_tally_add_match(MlTally *tally, bool match)
{
	tally->rows++;
	((MlMatchTally *) tally)->matches += match;
}

bool
ml_tally_match_value(MlTally *tally, double *value)
{
	return ml_tally_ratio(((MlMatchTally *) tally)->matches, tally->rows, value);
}

static void
ml_tally_matches_merge(MlTally *into, const MlTally *from)
{
	((MlMatchTally *) into)->matches += ((const MlMatchTally *) from)->matches;
}

static bool
ml_tally_matches_valid(const MlTally *tally)
{
	const MlMatchTally *t = (const MlMatchTally *) tally;

	return t->matches >= 0 && t->matches <= tally->rows;
}

const MlTallyKind ml_tally_matches = {
	.tag = ML_TALLY_TAG(3),
	.bytes = sizeof(MlMatchTally),
	.open = ml_tally_open,
	.merge = ml_tally_matches_merge,
	.valid = ml_tally_matches_valid
};

/* The four outcomes of a decision. */

void
ml_tally_add_decision(MlTally *tally, const MlMetricRow *row)
{
	MlDecisionTally *t = (MlDecisionTally *) tally;

	tally->rows++;
	if (row->label)
	{
		t->true_positives += row->predicted;
		t->false_negatives += !row->predicted;
	}
	else
	{
		t->false_positives += row->predicted;
		t->true_negatives += !row->predicted;
	}
}

static void
ml_tally_decisions_merge(MlTally *into, const MlTally *from)
{
	MlDecisionTally *t = (MlDecisionTally *) into;
	const MlDecisionTally *f = (const MlDecisionTally *) from;

	t->true_positives += f->true_positives;
	t->false_positives += f->false_positives;
	t->false_negatives += f->false_negatives;
	t->true_negatives += f->true_negatives;
}

static bool
ml_tally_decisions_valid(const MlTally *tally)
{
	const MlDecisionTally *t = (const MlDecisionTally *) tally;
	int64		rows;

	return t->true_positives >= 0 && t->false_positives >= 0 &&
		t->false_negatives >= 0 && t->true_negatives >= 0 &&
		!pg_add_s64_overflow(t->true_positives, t->false_positives, &rows) &&
		!pg_add_s64_overflow(rows, t->false_negatives, &rows) &&
		!pg_add_s64_overflow(rows, t->true_negatives, &rows) &&
		rows == tally->rows;
}

const MlTallyKind ml_tally_decisions = {
	.tag = ML_TALLY_TAG(4),
	.bytes = sizeof(MlDecisionTally),
	.open = ml_tally_open,
	.merge = ml_tally_decisions_merge,
	.valid = ml_tally_decisions_valid
};
