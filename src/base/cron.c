/*
 * cron.c - the five fields of cron, parsed into bits, and the next moment that matches them.
 *
 * As Paul Vixie's cron has them: lists (1,15), ranges (1-5), steps (0-30/10,
 * or 5/15 from a value to the end), names of months and weekdays, Sunday as 0
 * and as 7. Where neither the day of the month nor that of the week begins
 * with a star, a day that matches either is due.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/cron.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define ML_CRON_FIELDS	5
#define ML_CRON_YEARS	60

typedef struct MlCronField
{
	const char *name;
	int			min;
	int			max;
	const char *const *names;	/* of the values from min on, or NULL */
} MlCronField;

static const char *const ml_cron_months[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL
};
static const char *const ml_cron_weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const MlCronField ml_cron_fields[ML_CRON_FIELDS] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of the month", 1, 31, NULL},
	{"month", 1, 12, ml_cron_months},
	{"day of the week", 0, 7, ml_cron_weekdays}
};

static const char *const ml_cron_shorthands[][2] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"}
};

/* ---- parsing ---- */

static ML_NORETURN void
ml_cron_wrong(const char *text, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid cron expression \"%s\"", text),
			 errdetail("%s", problem),
			 errhint("Write minute, hour, day of the month, month and day of the week, such as '30 3 * * mon-fri', "
					 "or @hourly, @daily, @weekly, @monthly or @yearly.")));
}

/* Reads a number or a name and moves behind it. */
static int
ml_cron_value(const char *text, const MlCronField *field, const char **p)
{
	const char *start = *p;
	int			value = 0;

	while (isalnum((unsigned char) **p))
		(*p)++;
	if (*p == start)
		ml_cron_wrong(text, psprintf("The field for the %s has \"%s\" where a value is due.", field->name, start));
	if (isdigit((unsigned char) *start))
	{
		for (const char *d = start; d < *p; d++)
		{
			if (!isdigit((unsigned char) *d) || *p - start > 4)
				ml_cron_wrong(text, psprintf("\"%.*s\" is no %s.", (int) (*p - start), start, field->name));
			value = value * 10 + (*d - '0');
		}
		if (value < field->min || value > field->max)
			ml_cron_wrong(text, psprintf("The %s is %d; it must be between %d and %d.", field->name, value,
										 field->min, field->max));
		return value;
	}
	for (int i = 0; field->names != NULL && field->names[i] != NULL; i++)
		if (*p - start == 3 && pg_strncasecmp(field->names[i], start, 3) == 0)
			return field->min + i;
	ml_cron_wrong(text, psprintf("\"%.*s\" is no %s.", (int) (*p - start), start, field->name));
}

/* Reads the step behind a range. */
static int
ml_cron_step(const char *text, const MlCronField *field, const char **p)
{
	const char *start = *p;
	int			step = 0;

	while (isdigit((unsigned char) **p) && *p - start < 4)
		step = step * 10 + (*(*p)++ - '0');
	if (*p == start || step < 1 || step > field->max)
		ml_cron_wrong(text, psprintf("The step of the %s must be between 1 and %d.", field->name, field->max));
	return step;
}

/* Parses one field, which ends at a space or at the end of the text. */
static uint64
ml_cron_field(const char *text, const MlCronField *field, const char **p)
{
	uint64		bits = 0;

	for (;;)
	{
		int			low = field->min;
		int			high = field->max;
		int			step = 1;
		bool		open = true;

		if (**p == '*')
			(*p)++;
		else
		{
			low = ml_cron_value(text, field, p);
			open = **p != '-';
			if (!open)
			{
				(*p)++;
				high = ml_cron_value(text, field, p);
				if (high < low)
					ml_cron_wrong(text, psprintf("The range %d-%d of the %s ends before it begins.", low, high, field->name));
			}
			else if (**p != '/')
				high = low;
		}
		if (**p == '/')
		{
			(*p)++;
			step = ml_cron_step(text, field, p);
			/* seven is Sunday's second number, not an eighth day */
			if (open && field->max == 7)
				high = Min(high, 6);
		}
		for (int v = low; v <= high; v += step)
			bits |= UINT64CONST(1) << v;
		if (**p != ',')
			break;
		(*p)++;
	}
	if (**p != '\0' && !isspace((unsigned char) **p))
		ml_cron_wrong(text, psprintf("The field for the %s has \"%s\" behind a value.", field->name, *p));
	while (isspace((unsigned char) **p))
		(*p)++;
	return bits;
}

void
ml_cron_parse(const char *text, MlCron *cron)
{
	uint64		bits[ML_CRON_FIELDS];
	bool		star[ML_CRON_FIELDS];
	const char *p = text;

	while (isspace((unsigned char) *p))
		p++;
	if (*p == '@')
	{
		int			i;

		for (i = 0; i < (int) lengthof(ml_cron_shorthands); i++)
			if (pg_strcasecmp(ml_cron_shorthands[i][0], p) == 0)
				break;
		if (i == (int) lengthof(ml_cron_shorthands))
			ml_cron_wrong(text, psprintf("\"%s\" is not known.", p));
		p = ml_cron_shorthands[i][1];
	}
	for (int f = 0; f < ML_CRON_FIELDS; f++)
	{
		if (*p == '\0')
			ml_cron_wrong(text, psprintf("It has %d of %d fields.", f, ML_CRON_FIELDS));
		star[f] = *p == '*';
		bits[f] = ml_cron_field(text, &ml_cron_fields[f], &p);
	}
	if (*p != '\0')
		ml_cron_wrong(text, psprintf("\"%s\" stands behind its %d fields.", p, ML_CRON_FIELDS));
	cron->minutes = bits[0];
	cron->hours = (uint32) bits[1];
	cron->days = (uint32) bits[2];
	cron->months = (uint32) bits[3];
	cron->weekdays = (uint32) (bits[4] | bits[4] >> 7) & 0x7f;
	cron->day_star = star[2];
	cron->weekday_star = star[4];
}

/* ---- the next moment ---- */

static bool
ml_cron_day_matches(const MlCron *cron, const struct pg_tm *tm)
{
	bool		day = (cron->days >> tm->tm_mday & 1) != 0;
	bool		weekday = (cron->weekdays >> j2day(date2j(tm->tm_year, tm->tm_mon, tm->tm_mday)) & 1) != 0;

	return cron->day_star || cron->weekday_star ? day && weekday : day || weekday;
}

/* Moves to the first minute of the next day. */
static void
ml_cron_next_day(struct pg_tm *tm)
{
	j2date(date2j(tm->tm_year, tm->tm_mon, tm->tm_mday) + 1, &tm->tm_year, &tm->tm_mon, &tm->tm_mday);
	tm->tm_hour = tm->tm_min = 0;
}

/* Moves to the first time of the day, from the one it shows on, that matches; false when there is none. */
static bool
ml_cron_time(const MlCron *cron, struct pg_tm *tm)
{
	for (; tm->tm_hour < HOURS_PER_DAY; tm->tm_hour++, tm->tm_min = 0)
		if (cron->hours >> tm->tm_hour & 1)
			for (; tm->tm_min < MINS_PER_HOUR; tm->tm_min++)
				if (cron->minutes >> tm->tm_min & 1)
					return true;
	return false;
}

bool
ml_cron_next(const MlCron *cron, TimestampTz after, pg_tz *zone, TimestampTz *next)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;
	int			last;

	if (TIMESTAMP_NOT_FINITE(after) || timestamp2tm(after, &tz, &tm, &fsec, NULL, zone) != 0)
		return false;
	last = tm.tm_year + ML_CRON_YEARS;
	tm.tm_sec = 0;
	tm.tm_min++;
	while (tm.tm_year <= last)
	{
		if ((cron->months >> tm.tm_mon & 1) && ml_cron_day_matches(cron, &tm) && ml_cron_time(cron, &tm))
		{
			tz = DetermineTimeZoneOffset(&tm, zone);
			if (tm2timestamp(&tm, 0, &tz, next) != 0)
				return false;
			if (*next > after)
				return true;
			tm.tm_min++;
			continue;
		}
		ml_cron_next_day(&tm);
	}
	return false;
}

pg_tz *
ml_cron_zone(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown time zone \"%s\"", name),
				 errhint("View pg_timezone_names lists the names, such as 'UTC' and 'Europe/Berlin'.")));
	return zone;
}
