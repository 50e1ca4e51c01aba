/*
 * instant.h - dates and times among the figures of a scan, which counts them in days.
 */
#ifndef ML_INSTANT_H
#define ML_INSTANT_H

#include "check/check.h"

/* Whether a column holds dates or times. */
extern bool ml_instant_is(const MlCheckColumn *column);

/* Days as a timestamp (with time zone, where the column's are): the microsecond that was counted. */
extern Timestamp ml_instant_of(double days);

/* Appends days as the column's type, as JSON shows it; a number as a number. NaN is null. */
extern void ml_instant_json(const MlCheckColumn *column, double days, StringInfo out);

/* A parameter that is a number, or a date or time as a text, as the scan counts the column's values; NaN: not given. */
extern double ml_instant_param(const MlCheck *check, const MlCheckColumn *column, const char *param);

/* The interval that a text says; raises an error unless it is one, longer than no time. param names it in errors. */
extern Interval *ml_instant_parse(const MlCheck *check, const char *param, char *text);

#endif							/* ML_INSTANT_H */
