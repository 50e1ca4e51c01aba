/*
 * date_parts.c - a date or timestamp becomes its year, month, weekday, hour and so on.
 *
 * A timestamp with time zone is taken apart in a time zone that is part of the
 * version, the others as they are. Weekdays are those of ISO 8601: Monday is
 * 1. Cyclic parts have a sine and a cosine in the place of their number, so
 * that December is as near to January as to November: of (part - first) over
 * the number of them, which for the day is the length of its month.
 *
 * Cells are days since 2000-01-01. A missing value has missing parts.
 *
 * Payload: u32 columns; text time zone; u8 cyclic; u8 keep; per column u16 parts (0: not treated), a bit each.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "math/circle.h"
#include "pgtime.h"
#include "transform/transform.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef enum MlDatePart
{
	ML_PART_YEAR,
	ML_PART_QUARTER,
	ML_PART_MONTH,
	ML_PART_DAY,
	ML_PART_WEEKDAY,
	ML_PART_HOUR,
	ML_PART_IS_WEEKEND,
	ML_PARTS
} MlDatePart;

typedef struct MlDateCycle
{
	const char *name;
	int			first;
	int			count;			/* of a cycle; 0: no cycle; -1: the length of the month */
} MlDateCycle;

static const MlDateCycle ml_date_part[ML_PARTS] = {
	{"year", 0, 0}, {"quarter", 1, 4}, {"month", 1, 12}, {"day", 1, -1}, {"weekday", 1, 7}, {"hour", 0, 24}, {"is_weekend", 0, 0}
};

typedef struct MlDateParts
{
	int			ncols;
	char	   *zone_name;
	pg_tz	   *zone;
	bool		cyclic;
	bool		keep;
	uint16	   *parts;			/* per column */
	bool	   *zoned;			/* per column: taken apart in the time zone */
} MlDateParts;

enum
{
	ML_DATE_PARTS_PARTS,
	ML_DATE_PARTS_CYCLIC,
	ML_DATE_PARTS_TIMEZONE,
	ML_DATE_PARTS_KEEP
};

static const MlParam ml_date_parts_params[] = {
	{"parts", ML_PARAM_VALUE, NULL, 0, 0, NULL,
	"An array of year, quarter, month, day, weekday, hour and is_weekend; all by default, the hour where training rows "
	"have a time of day."},
	{"cyclic", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether quarter, month, day, weekday and hour become a sine and a cosine."},
	{"timezone", ML_PARAM_TEXT, "UTC", 0, 0, NULL,
	"The time zone in which a timestamp with time zone is taken apart."},
	{"keep", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether the column itself stays, before its parts."},
};

static pg_tz *
ml_date_zone(const char *name)
{
	pg_tz	   *zone = strlen(name) <= TZ_STRLEN_MAX ? pg_tzset(name) : NULL;

	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" of step \"date_parts\" is not known", name),
				 errdetail("This server has no such time zone, or it has leap seconds."),
				 errhint("pg_timezone_names lists the time zones.")));
	return zone;
}

/* ---- taking apart ---- */

/* The microseconds that a cell of days stands for: the whole second, where more than one number fits. */
static int64
ml_date_microseconds(double days)
{
	int64		nearest = (int64) rint(days * USECS_PER_DAY);

	for (int64 t = nearest - 2; t <= nearest + 2; t++)
		if (t % USECS_PER_SEC == 0 && (double) t / USECS_PER_DAY == days)
			return t;
	return nearest;
}

/* The local day since 2000-01-01 and the hour of a cell; false where there is none. */
static bool
ml_date_local(const MlDateParts *d, bool zoned, double cell, int *day, int *hour)
{
	int64		t;
	int64		days;

	/* dates go further than timestamps do, and are whole */
	if (ml_cell_is_missing(cell) || fabs(cell) > 2.1e9)
		return false;
	if (cell == floor(cell) && !zoned)
	{
		*day = (int) cell;
		*hour = 0;
		return true;
	}
	if (fabs(cell) > 1e8)
		return false;
	t = ml_date_microseconds(cell);
	if (zoned)
	{
		/* whole seconds, rounded down, since 1970 */
		int64		seconds = t / USECS_PER_SEC - (t % USECS_PER_SEC < 0);
		pg_time_t	unix_time = seconds + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
		struct pg_tm *tm = pg_localtime(&unix_time, d->zone);

		if (tm == NULL)
			return false;
		t += (int64) tm->tm_gmtoff * USECS_PER_SEC;
	}
	days = t / USECS_PER_DAY - (t % USECS_PER_DAY < 0);
	*day = (int) days;
	*hour = (int) ((t - days * USECS_PER_DAY) / USECS_PER_HOUR);
	return true;
}

/* All parts of a cell, or false. */
static bool
ml_date_take_apart(const MlDateParts *d, bool zoned, double cell, int *part, int *month_days)
{
	int			day;
	int			year;
	int			month;
	int			sunday_based;

	if (!ml_date_local(d, zoned, cell, &day, &part[ML_PART_HOUR]))
		return false;
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &part[ML_PART_DAY]);
	sunday_based = j2day(day + POSTGRES_EPOCH_JDATE);
	/* there is no year 0 */
	part[ML_PART_YEAR] = year > 0 ? year : year - 1;
	part[ML_PART_QUARTER] = (month - 1) / 3 + 1;
	part[ML_PART_MONTH] = month;
	part[ML_PART_WEEKDAY] = sunday_based == 0 ? 7 : sunday_based;
	part[ML_PART_IS_WEEKEND] = part[ML_PART_WEEKDAY] >= 6;
	*month_days = day_tab[isleap(year)][month - 1];
	return true;
}

static void
ml_date_parts_apply(const void *state, const double *in, double *out)
{
	const MlDateParts *d = state;

	for (int j = 0; j < d->ncols; j++)
	{
		int			part[ML_PARTS];
		int			month_days = 0;
		bool		known;

		if (d->parts[j] == 0 || d->keep)
			*out++ = in[j];
		if (d->parts[j] == 0)
			continue;
		known = ml_date_take_apart(d, d->zoned[j], in[j], part, &month_days);
		for (int k = 0; k < ML_PARTS; k++)
		{
			int			count = ml_date_part[k].count < 0 ? month_days : ml_date_part[k].count;
			int			numbers = d->cyclic && ml_date_part[k].count != 0 ? 2 : 1;

			if ((d->parts[j] & (1 << k)) == 0)
				continue;
			if (!known)
				out[0] = out[numbers - 1] = ml_cell_null();
			else if (numbers == 2)
				ml_circle(part[k] - ml_date_part[k].first, count, &out[0], &out[1]);
			else
				out[0] = part[k];
			out += numbers;
		}
	}
}

/* ---- fitting ---- */

static void
ml_date_parts_shape(const MlDateParts *d, const MlShape *in, MlShape *out)
{
	out->cols = palloc_extended(sizeof(MlColumn) * Max((Size) in->ncols * (2 * ML_PARTS + 1), 1), MCXT_ALLOC_HUGE);
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
	{
		if (d->parts[j] == 0 || d->keep)
			out->cols[out->ncols++] = ml_column_copy(&in->cols[j]);
		for (int k = 0; k < ML_PARTS; k++)
		{
			int			numbers = d->cyclic && ml_date_part[k].count != 0 ? 2 : 1;

			for (int i = 0; i < numbers && (d->parts[j] & (1 << k)) != 0; i++)
			{
				MlColumn   *column = &out->cols[out->ncols++];

				*column = ml_column_number("%s.%s%s", in->cols[j].name, ml_date_part[k].name,
										   numbers == 1 ? "" : i == 0 ? "_sin" : "_cos");
				column->misses = in->cols[j].misses;
			}
		}
	}
}

/* The parts asked for as bits; 0 where none were named. */
static uint16
ml_date_parts_wanted(const MlParamValue *value)
{
	List	   *names = NIL;
	bool		good;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	uint16		wanted = 0;

	if (value->isnull)
		return 0;
	for (int k = 0; k < ML_PARTS; k++)
		names = lappend(names, unconstify(char *, ml_date_part[k].name));
	good = JB_ROOT_IS_ARRAY(value->json) && !JB_ROOT_IS_SCALAR(value->json);
	it = JsonbIteratorInit(&value->json->root);
	while (good && (token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		int			k = 0;
		char	   *name;

		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvString)
			break;
		name = pnstrdup(v.val.string.val, v.val.string.len);
		while (k < ML_PARTS && strcmp(ml_date_part[k].name, name) != 0)
			k++;
		if (k == ML_PARTS)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("step \"date_parts\" has no part \"%s\"", name),
					 errdetail("The parts are: %s.", ml_text_list(names, ML_PARTS)),
					 errhint("%s", ml_text_hint(name, names, "Name some of these."))));
		wanted |= 1 << k;
	}
	if (!good || wanted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"parts\" of step \"date_parts\" must be an array of parts"),
				 errdetail("It is %s; the parts are: %s.", value->text, ml_text_list(names, ML_PARTS)),
				 errhint("Write it as [\"month\", \"weekday\"], or leave it out.")));
	return wanted;
}

static void
ml_date_parts_check(const MlParamValue *params)
{
	(void) ml_date_parts_wanted(&params[ML_DATE_PARTS_PARTS]);
	(void) ml_date_zone(params[ML_DATE_PARTS_TIMEZONE].text);
}

/* Takes the hour off columns of which no training row has a time of day. */
static void
ml_date_parts_hours(const MlFitContext *ctx, MlDateParts *d)
{
	const double *rows[ML_BLOCK_ROWS];
	bool	   *timed = palloc0(sizeof(bool) * Max(d->ncols, 1));
	int			n;

	ctx->rows->rewind(ctx->rows->ctx);
	while ((n = ctx->rows->read(ctx->rows->ctx, rows)) > 0)
		for (int i = 0; i < n; i++)
			for (int j = 0; j < d->ncols; j++)
			{
				int			day;
				int			hour;

				if (d->parts[j] != 0 && !timed[j] && ml_date_local(d, d->zoned[j], rows[i][j], &day, &hour))
					timed[j] = d->zoned[j] ? hour != 0 : rows[i][j] != floor(rows[i][j]);
			}
	for (int j = 0; j < d->ncols; j++)
		if (!timed[j])
			d->parts[j] &= ~(1 << ML_PART_HOUR);
	pfree(timed);
}

static void *
ml_date_parts_fit(const MlFitContext *ctx, MlShape *out)
{
	MlDateParts *d = palloc0(sizeof(MlDateParts));
	uint16		wanted = ml_date_parts_wanted(&ctx->params[ML_DATE_PARTS_PARTS]);

	d->ncols = ctx->in->ncols;
	d->cyclic = ctx->params[ML_DATE_PARTS_CYCLIC].number != 0;
	d->keep = ctx->params[ML_DATE_PARTS_KEEP].number != 0;
	d->zone_name = ctx->params[ML_DATE_PARTS_TIMEZONE].text;
	d->zone = ml_date_zone(d->zone_name);
	d->parts = palloc0(sizeof(uint16) * Max(d->ncols, 1));
	d->zoned = palloc0(sizeof(bool) * Max(d->ncols, 1));
	for (int j = 0; j < d->ncols; j++)
	{
		if (ctx->selected[j])
			d->parts[j] = wanted ? wanted : (1 << ML_PARTS) - 1;
		d->zoned[j] = ctx->in->cols[j].class == ML_TYPE_TIMETZ;
	}
	if (wanted == 0)
		ml_date_parts_hours(ctx, d);
	ml_date_parts_shape(d, ctx->in, out);
	return d;
}

/* ---- bytes and words ---- */

static void
ml_date_parts_write(const void *state, StringInfo out)
{
	const MlDateParts *d = state;

	ml_write_u32(out, d->ncols);
	ml_write_text(out, d->zone_name);
	ml_write_u8(out, d->cyclic);
	ml_write_u8(out, d->keep);
	for (int j = 0; j < d->ncols; j++)
		ml_write_u16(out, d->parts[j]);
}

static void *
ml_date_parts_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlDateParts *d = palloc0(sizeof(MlDateParts));

	d->ncols = ml_read_count(r, 2);
	d->zone_name = ml_read_text(r);
	d->cyclic = ml_read_u8(r) != 0;
	d->keep = ml_read_u8(r) != 0;
	if (d->ncols != in->ncols || d->zone_name == NULL)
		ml_read_corrupted("date_parts does not fit its columns");
	d->parts = palloc0(sizeof(uint16) * Max(d->ncols, 1));
	d->zoned = palloc0(sizeof(bool) * Max(d->ncols, 1));
	for (int j = 0; j < d->ncols; j++)
	{
		MlTypeClass class = in->cols[j].class;

		d->parts[j] = ml_read_u16(r);
		d->zoned[j] = class == ML_TYPE_TIMETZ;
		if (d->parts[j] >= 1 << ML_PARTS || (d->parts[j] != 0 && class != ML_TYPE_TIME && class != ML_TYPE_TIMETZ))
			ml_read_corrupted("date_parts treats a column that is no time");
	}
	d->zone = ml_date_zone(d->zone_name);
	ml_date_parts_shape(d, in, out);
	return d;
}

/* The parts of a column, each in the quotes given. */
static void
ml_date_parts_list(uint16 parts, const char *quote, StringInfo out)
{
	bool		first = true;

	for (int k = 0; k < ML_PARTS; k++)
	{
		if ((parts & (1 << k)) == 0)
			continue;
		appendStringInfo(out, "%s%s%s%s", first ? "" : ", ", quote, ml_date_part[k].name, quote);
		first = false;
	}
}

static void
ml_date_parts_words(const void *state, const MlShape *in, int column, StringInfo out)
{
	ml_date_parts_list(((const MlDateParts *) state)->parts[column], "", out);
}

static void
ml_date_parts_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlDateParts *d = state;
	bool		first = true;

	appendStringInfo(out, "{\"cyclic\": %s, \"keep\": %s, \"timezone\": ", d->cyclic ? "true" : "false",
					 d->keep ? "true" : "false");
	ml_json_text(out, d->zone_name);
	appendStringInfoString(out, ", \"columns\": {");
	for (int j = 0; j < d->ncols; j++)
	{
		if (d->parts[j] == 0)
			continue;
		appendStringInfoString(out, first ? "" : ", ");
		first = false;
		ml_json_text(out, in->cols[j].name);
		appendStringInfoString(out, ": [");
		ml_date_parts_list(d->parts[j], "\"", out);
		appendStringInfoChar(out, ']');
	}
	appendStringInfoString(out, "}}");
}

const MlTransform ml_transform_date_parts = {
	.name = "date_parts",
	.summary = "takes dates and timestamps apart into year, month, weekday, hour and so on",
	.tag = 15,
	.version = 1,
	.params = ml_date_parts_params,
	.nparams = lengthof(ml_date_parts_params),
	.takes = ML_TAKES_TIMES,
	.check = ml_date_parts_check,
	.fit = ml_date_parts_fit,
	.apply = ml_date_parts_apply,
	.write = ml_date_parts_write,
	.read = ml_date_parts_read,
	.describe = ml_date_parts_describe,
	.words = ml_date_parts_words,
};
