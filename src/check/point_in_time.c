/*
 * point_in_time.c - checks that no feature is newer than its label.
 *
 * The first column says when the features were known, the second when the
 * label was. A row fails in which the first is later. In SQL: a <= b. Both must
 * have a time zone, or neither, since else it depends on the session which is
 * later.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "check/instant.h"
#include "check/kinds.h"
#include "utils/date.h"
#include "utils/timestamp.h"

static Timestamp
ml_point_in_time_of(const MlCheckColumn *column, Datum value)
{
	DateADT		date;

	if (column->convert.type != DATEOID)
		return DatumGetTimestamp(value);
	date = DatumGetDateADT(value);
	/* dates end later than timestamps do, so all later ones are the last moment */
	if (DATE_IS_NOBEGIN(date))
		return DT_NOBEGIN;
	return DATE_IS_NOEND(date) || date >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE ? DT_NOEND : date * USECS_PER_DAY;
}

static bool
ml_point_in_time_passes(const MlRowCheck *row, const NullableDatum *values)
{
	const NullableDatum *feature = &values[row->columns[0].index];
	const NullableDatum *label = &values[row->columns[1].index];

	return feature->isnull || label->isnull ||
		ml_point_in_time_of(&row->columns[0], feature->value) <= ml_point_in_time_of(&row->columns[1], label->value);
}

static void
ml_point_in_time_prepare(MlRowCheck *row)
{
	for (int i = 0; i < 2; i++)
		if (!ml_instant_is(&row->columns[i]))
			ml_check_refuse_type(row->check, &row->columns[i], "a date or a time");
	if (row->columns[0].convert.class != row->columns[1].convert.class)
		ml_check_refuse_type(row->check, &row->columns[1],
							 psprintf("%s, as column \"%s\" is", ml_type_class_name(row->columns[0].convert.class),
									  row->columns[0].name));
	row->passes = ml_point_in_time_passes;
}

static void
ml_point_in_time_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	appendStringInfoString(out, "is ");
	ml_check_show(&row->columns[0], values[row->columns[0].index].value, out);
	appendStringInfo(out, ", later than %s, which is ", row->columns[1].name);
	ml_check_show(&row->columns[1], values[row->columns[1].index].value, out);
}

const MlCheckKind ml_check_point_in_time = {
	.name = "point_in_time",
	.summary = "the time of the features (the first column) is not later than that of the label (the second)",
	.flags = ML_CHECK_ROWS,
	.min_columns = 2,
	.max_columns = 2,
	.prepare = ml_point_in_time_prepare,
	.explain = ml_point_in_time_explain
};
