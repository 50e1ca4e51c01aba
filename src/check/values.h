/*
 * values.h - what kinds that judge rows share: looping over columns, types, texts.
 */
#ifndef ML_VALUES_H
#define ML_VALUES_H

#include "base/compat.h"
#include "check/check.h"

/*
 * Defines the functions of a kind that judges each of its columns alone, from
 * holds(row, i, value): name_failing, the first column that fails or -1, and
 * name, which is what prepare sets.
 */
#define ML_EACH_COLUMN(name, holds) \
static int \
name##_failing(const MlRowCheck *row, const NullableDatum *values) \
{ \
	for (int i = 0; i < row->ncolumns; i++) \
	{ \
		const NullableDatum *v = &values[row->columns[i].index]; \
\
		if (!v->isnull && !holds(row, i, v->value)) \
			return i; \
	} \
	return -1; \
} \
\
static bool \
name(const MlRowCheck *row, const NullableDatum *values) \
{ \
	return name##_failing(row, values) < 0; \
}

/* Whether a column holds texts, or what reads as one: enums, uuids, types of the string category. */
extern bool ml_value_is_text(const MlCheckColumn *column);

/* Whether a column holds numbers; booleans are none. */
extern bool ml_value_is_number(const MlCheckColumn *column);

/* Raises an error unless every column holds texts. */
extern void ml_value_need_texts(const MlRowCheck *row);

/* Raises an error unless every column holds numbers. */
extern void ml_value_need_numbers(const MlRowCheck *row);

/* Under which collation to match a column's texts: its own, or the database's where that one knows no patterns. */
extern Oid	ml_value_collation(const MlCheckColumn *column);

/* The text of a value: see ml_convert_text. */
static inline const char *
ml_value_text(const MlRowCheck *row, int i, Datum value, int *length)
{
	return ml_convert_text(&row->columns[i].convert, value, length);
}

/* With several columns, appends which one fails: "fail at b, which ". The columns' names stand in front of it. */
extern void ml_value_at(const MlRowCheck *row, int i, StringInfo out);

/* Appends "is VALUE" of a column, behind which one it is. */
extern void ml_value_is(const MlRowCheck *row, int i, const NullableDatum *values, StringInfo out);

/* The elements of a parameter that is a JSON array; raises an error where it is none, or empty. */
extern JsonbValue *ml_value_list(const MlCheck *check, const char *param, int *n);

/* The elements of a JSON array. */
extern JsonbValue *ml_value_elements(JsonbContainer *array, int *n);

#endif							/* ML_VALUES_H */
