/*
 * cron.h - the five fields of cron: minute, hour, day of the month, month, day of the week.
 */
#ifndef ML_CRON_H
#define ML_CRON_H

#include "datatype/timestamp.h"
#include "pgtime.h"

/* Which values of each field match, as bits. */
typedef struct MlCron
{
	uint64		minutes;
	uint32		hours;
	uint32		days;			/* 1 to 31 */
	uint32		months;			/* 1 to 12 */
	uint32		weekdays;		/* 0 is Sunday */
	bool		day_star;		/* the field begins with a star */
	bool		weekday_star;
} MlCron;

/* Parses an expression or a name such as @daily; raises ERRCODE_INVALID_PARAMETER_VALUE with what is wrong. */
extern void ml_cron_parse(const char *text, MlCron *cron);

/*
 * The first moment behind another one at which the clock of a time zone shows
 * what matches; false when there is none in the next sixty years. A time that
 * the change to summer time leaves out is due as much later; of an hour that
 * comes twice the second one counts.
 */
extern bool ml_cron_next(const MlCron *cron, TimestampTz after, pg_tz *zone, TimestampTz *next);

/* A time zone by its name; raises ERRCODE_INVALID_PARAMETER_VALUE when there is none. */
extern pg_tz *ml_cron_zone(const char *name);

#endif							/* ML_CRON_H */
