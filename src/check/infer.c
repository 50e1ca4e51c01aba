/*
 * infer.c - from what was seen of columns to checks that a fresh sample of the same source passes.
 *
 * Two samples of one source: each row is as likely on either side. So the
 * k rows beyond the extremes that were seen are all on the other side with a
 * probability of 2^-k, and the share of rows whose text was not seen is about
 * that of the texts that were seen once (Good, Biometrika 40, 1953). Checks of
 * rows allow for both: bounds have a margin, and mostly lets a few rows
 * through. Checks of distributions know what chance makes of the rows of both
 * sides (drift/drift.h); their alpha is shared out among the columns.
 */
#include "postgres.h"

#include <math.h>

#include "access/transam.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "check/formats.h"
#include "check/instant.h"
#include "check/profile.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* How often chance alone may fail the distributions of a suite. */
#define ML_INFER_ALPHA			1e-3
/* Columns among which it is shared out at least. */
#define ML_INFER_COLUMNS_MIN	10
/* With fewer rows a bound says nothing. */
#define ML_INFER_ROWS_MIN		8
/* Rows that may fall outside what was seen: more of them come with a probability below 2^-8. */
#define ML_INFER_STRAY_ROWS		8
/* Bins of equal mass. */
#define ML_INFER_BINS			10
/* A share of rows by which a level, or NULL, must differ however many rows there are. */
#define ML_INFER_SHARE_FLOOR	0.04
/* A stability index that must be exceeded however many rows there are: half of what banks call a small shift. */
#define ML_INFER_FLOOR			0.05
/* Rows of a time between whose extremes and the next of its rows bounds leave room. */
#define ML_INFER_TIME_ROWS		13

/* Formats that nothing has by accident. */
static const char *const ml_infer_formats[] = {
	"email", "url", "uuid", "ipv4", "ipv6", "iban", "credit_card", "date", "timestamp", "mac_address", "us_ssn"
};

/* ---- texts ---- */

static void
ml_profile_forget_levels(MlColumnProfile *p)
{
	for (int i = 0; i < p->nlevels; i++)
		pfree(p->levels[i].text);
	p->nlevels = 0;
	p->open = true;
}

void
ml_profile_text(MlColumnProfile *p, const char *text, int64 count)
{
	int			bytes = strlen(text);
	int			length = pg_mbstrlen_with_len(text, bytes);

	if (p->distinct == 0)
	{
		p->min_length = length;
		p->max_length = length;
		p->formats = (1u << lengthof(ml_infer_formats)) - 1;
		p->levels = palloc(sizeof(MlProfileLevel) * ML_PROFILE_LEVELS_MAX);
	}
	p->distinct++;
	p->values += count;
	p->once += count == 1;
	p->twice += count == 2;
	p->commonest = Max(p->commonest, count);
	p->min_length = Min(p->min_length, length);
	p->max_length = Max(p->max_length, length);
	for (int i = 0; i < (int) lengthof(ml_infer_formats) && p->formats != 0; i++)
		if ((p->formats & (1u << i)) != 0 && !ml_format(ml_infer_formats[i])->holds(text, bytes))
			p->formats &= ~(1u << i);
	if (p->open)
		return;
	p->level_bytes += bytes;
	if (p->nlevels == ML_PROFILE_LEVELS_MAX || p->level_bytes > ML_PROFILE_LEVEL_BYTES_MAX)
	{
		ml_profile_forget_levels(p);
		return;
	}
	p->levels[p->nlevels].text = pnstrdup(text, bytes);
	p->levels[p->nlevels++].n = count;
}

/* ---- writing ---- */

void
ml_infer_add(MlInference *infer, const char *name, const char *kind, List *columns, const char *params,
			 MlSeverity severity, MlEnvironment environment)
{
	MlCheck    *check = ml_check_make(name, kind, columns,
									  DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(params))),
									  severity, environment);

	check->learned = true;
	infer->checks = lappend(infer->checks, check);
}

static void
ml_infer_add_one(MlInference *infer, const char *kind, const MlColumnProfile *p, const char *params, bool training)
{
	ml_infer_add(infer, NULL, kind, list_make1(unconstify(char *, p->column.name)), params, ML_SEVERITY_ERROR,
				 training || p->target ? ML_ENVIRONMENT_TRAINING : ML_ENVIRONMENT_BOTH);
}

char *
ml_infer_mostly(int64 rows)
{
	int64		stray = Min(ML_INFER_STRAY_ROWS, Max(rows / 50, 1));

	/* of so few rows one is much */
	if (rows < ML_INFER_ROWS_MIN)
		return "";
	/* of a sample a third smaller too; down, so that the rows really get through */
	return psprintf(", \"mostly\": %.7g", floor((1 - stray / (0.65 * rows)) * 1e7) / 1e7);
}

static double
ml_infer_alpha(const MlInference *infer)
{
	return ML_INFER_ALPHA / Max(infer->ncolumns, ML_INFER_COLUMNS_MIN);
}

/* Appends a value of a column, as its type reads it. */
static void
ml_infer_value(const MlColumnProfile *p, double x, StringInfo out)
{
	char		shown[MAXDATELEN + 1];
	int			utc = 0;

	if (p->column.convert.class == ML_TYPE_INTERVAL)
		appendStringInfo(out, "\"%s seconds\"", ml_text_number(x));
	else if (ml_instant_is(&p->column))
	{
		Timestamp	at = ml_instant_of(x);

		/* in UTC, whatever the session's zone */
		if (p->column.convert.type == DATEOID)
			JsonEncodeDateTime(shown, DateADTGetDatum((DateADT) rint(x)), DATEOID, NULL);
		else
			JsonEncodeDateTime(shown, TimestampGetDatum(at), p->column.convert.type, &utc);
		ml_json_text(out, shown);
	}
	else if (p->column.convert.kind == ML_CONVERT_BOOL)
		appendStringInfoString(out, x != 0 ? "true" : "false");
	else if (x == rint(x) && fabs(x) < 9e18)
		appendStringInfo(out, "%.0f", x);
	else
		ml_json_number(out, x);
}

/* Whether values lie on whole numbers, or whole days. */
static bool
ml_infer_is_whole(const MlColumnProfile *p)
{
	switch (p->column.convert.kind)
	{
		case ML_CONVERT_INT2:
		case ML_CONVERT_INT4:
		case ML_CONVERT_INT8:
		case ML_CONVERT_BOOL:
		case ML_CONVERT_DATE:
			return true;
		default:
			return p->column.convert.class == ML_TYPE_NUMBER && p->histogram->whole;
	}
}

/* ---- numbers and times ---- */

/* Bins in order, and where a share of the rows lies. */
typedef struct MlInferBins
{
	int			n;
	MlHistogramBin *bin;
	int64		rows;
} MlInferBins;

static MlInferBins
ml_infer_bins(const MlHistogram *h)
{
	MlInferBins bins = {h->used, ml_histogram_sorted(h), h->n};

	return bins;
}

/* The value of the row of a rank, from 0 on, as far as its bin tells. */
static double
ml_infer_rank(const MlInferBins *bins, int64 rank)
{
	for (int i = 0; i < bins->n; i++)
	{
		if (rank < bins->bin[i].n)
			return bins->bin[i].low;
		rank -= bins->bin[i].n;
	}
	return bins->bin[bins->n - 1].low;
}

/* Outwards to a number of few digits, in steps of a tenth of the margin or less. */
static double
ml_infer_outwards(double x, double margin, bool up)
{
	double		step = pow(10, floor(log10(margin)) - 1);
	double		steps = x / step;

	if (!isfinite(steps) || fabs(steps) > 1e15)
		return x;
	steps = up ? ceil(steps) : floor(steps);
	/* a power of ten below 1 is no double: dividing by its inverse gives the nearest one */
	return step < 1 ? steps / rint(1 / step) : steps * step;
}

/* Bounds with a margin: of numbers a generous one, of times what the outermost rows span. */
static void
ml_infer_bounds(const MlColumnProfile *p, const MlInferBins *bins, double bound[2])
{
	const MlHistogram *h = p->histogram;
	bool		instant = ml_instant_is(&p->column);
	int64		n = bins->rows;
	int64		k = Min(instant ? ML_INFER_TIME_ROWS : ML_INFER_STRAY_ROWS, n / 4);
	double		width = h->max - h->min;
	double		spread = 0.5 * (ml_infer_rank(bins, n * 3 / 4) - ml_infer_rank(bins, n / 4));
	double		least = instant ? 0 : Max(spread, n < 100 ? width : 0.25 * width);
	double		span[2];

	span[0] = ml_infer_rank(bins, k) - h->min;
	span[1] = h->max - ml_infer_rank(bins, n - 1 - k);
	for (int side = 0; side < 2; side++)
	{
		double		margin = Max(span[side], least);
		double		x;

		if (width == 0 && !instant)
			margin = Max(0.5 * fabs(h->max), 1);
		if (instant)
			margin = Max(margin, p->column.convert.type == DATEOID ? 1 : 1.0 / 24);
		x = side == 0 ? h->min - margin : h->max + margin;
		if (!instant)
			x = ml_infer_outwards(x, margin, side == 1);
		if (ml_infer_is_whole(p))
			x = side == 0 ? floor(x) : ceil(x);
		bound[side] = x;
	}
	/* numbers that reach 0 and do not cross it count or measure something */
	if (!instant && h->min >= 0 && bound[0] < 0 && (h->min == 0 || ml_infer_is_whole(p)))
		bound[0] = 0;
	if (!instant && h->max <= 0 && bound[1] > 0 && (h->max == 0 || ml_infer_is_whole(p)))
		bound[1] = 0;
}

static void
ml_infer_range(MlInference *infer, const MlColumnProfile *p, const double bound[2])
{
	StringInfoData params;

	if (p->column.convert.kind == ML_CONVERT_BOOL)
		return;
	initStringInfo(&params);
	appendStringInfoString(&params, "{\"min\": ");
	ml_infer_value(p, bound[0], &params);
	appendStringInfoString(&params, ", \"max\": ");
	ml_infer_value(p, bound[1], &params);
	appendStringInfoString(&params, ml_infer_mostly(p->histogram->n));
	if (p->histogram->nans > 0)
	{
		appendStringInfoString(&params, ", \"where\": ");
		ml_json_text(&params, psprintf("%s <> 'NaN'", quote_identifier(p->column.name)));
	}
	appendStringInfoChar(&params, '}');
	/* time goes on, and keys are counted on: rows to be scored lie behind those that were seen */
	ml_infer_add_one(infer, "range", p, params.data, ml_instant_is(&p->column) || p->unique || (infer->version && ml_infer_may_be_key(p)));
}

/* The members edges, counts, nulls and nans of a distribution: bins of equal mass within the bounds, if there are any. */
static char *
ml_infer_edges(const MlColumnProfile *p, const MlInferBins *bins, const double *bound)
{
	StringInfoData edges;
	StringInfoData counts;
	int64		since = 0;
	int64		rest = bins->rows;
	int64		mass = bins->rows / ML_INFER_BINS;
	double		last = 0;
	int			n = 0;

	initStringInfo(&edges);
	initStringInfo(&counts);
	for (int i = -1; i <= bins->n; i++)
	{
		double		x = i < 0 ? bound[0] : i == bins->n ? bound[1] : bins->bin[i].low;
		bool		outer = i < 0 || i == bins->n;

		if (i == bins->n && ml_infer_is_whole(p))
			x += 1;
		if (!outer && ml_infer_is_whole(p))
			x = ceil(x);
		if ((outer ? p->column.convert.kind != ML_CONVERT_BOOL : i > 0 && since > 0 && since >= mass) &&
			(n == 0 || x > last))
		{
			appendStringInfoString(&edges, n > 0 ? ", " : "");
			ml_infer_value(p, x, &edges);
			appendStringInfo(&counts, "%s" INT64_FORMAT, n > 0 ? ", " : "", since);
			/* what a value that fills several bins leaves is divided among the others */
			rest -= since;
			mass = Max(rest / Max(ML_INFER_BINS + 1 - n, 1), bins->rows / 50);
			since = 0;
			last = x;
			n++;
		}
		if (!outer)
			since += bins->bin[i].n;
	}
	/* a boolean that is constant */
	if (n == 0)
	{
		appendStringInfoString(&edges, "true");
		appendStringInfo(&counts, INT64_FORMAT, p->histogram->max != 0 ? (int64) 0 : since);
		since = p->histogram->max != 0 ? since : 0;
	}
	return psprintf("\"edges\": [%s], \"counts\": [%s, " INT64_FORMAT "], \"nulls\": " INT64_FORMAT
					", \"nans\": " INT64_FORMAT, edges.data, counts.data, since + p->histogram->infinities, p->nulls,
					p->histogram->nans);
}

/* The share of NULLs, where there are some. */
static void
ml_infer_nulls(MlInference *infer, const MlColumnProfile *p, const char *bins)
{
	if (p->nulls > 0)
		ml_infer_add(infer, psprintf("%s_null_share", p->column.name), "distribution",
					 list_make1(unconstify(char *, p->column.name)),
					 psprintf("{%s, \"method\": \"null_share\", \"alpha\": %.2g, \"floor\": %g}", bins,
							  10 * ml_infer_alpha(infer), ML_INFER_SHARE_FLOOR),
					 ML_SEVERITY_ERROR, p->target ? ML_ENVIRONMENT_TRAINING : ML_ENVIRONMENT_BOTH);
}

static void
ml_infer_numbers(MlInference *infer, const MlColumnProfile *p)
{
	MlInferBins bins = ml_infer_bins(p->histogram);
	double		bound[2];
	char	   *members;

	if (bins.rows < ML_INFER_ROWS_MIN || p->histogram->infinities > 0)
		return;
	ml_infer_bounds(p, &bins, bound);
	if (!isfinite(bound[0]) || !isfinite(bound[1]))
		return;
	ml_infer_range(infer, p, bound);
	/* an interval has bounds, but no bins */
	if (p->column.convert.class == ML_TYPE_INTERVAL)
		return;
	members = ml_infer_edges(p, &bins, bound);
	ml_infer_add_one(infer, "distribution", p,
					 psprintf("{%s, \"alpha\": %.2g, \"floor\": %g}", members, ml_infer_alpha(infer), ML_INFER_FLOOR), false);
	ml_infer_nulls(infer, p, members);
}

/* ---- texts ---- */

static int
ml_infer_level_compare(const void *a, const void *b)
{
	const MlProfileLevel *x = a;
	const MlProfileLevel *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* The texts as a JSON array, the commonest first, and how often each occurs. */
static void
ml_infer_level_lists(const MlColumnProfile *p, StringInfo texts, StringInfo counts)
{
	qsort(p->levels, p->nlevels, sizeof(MlProfileLevel), ml_infer_level_compare);
	initStringInfo(texts);
	initStringInfo(counts);
	for (int i = 0; i < p->nlevels; i++)
	{
		appendStringInfoString(texts, i > 0 ? ", " : "");
		ml_json_text(texts, p->levels[i].text);
		appendStringInfo(counts, "%s" INT64_FORMAT, i > 0 ? ", " : "", p->levels[i].n);
	}
}

/* Few texts: which there are, and how they are spread. Texts that were not seen are as many as those that were seen once. */
static void
ml_infer_levels(MlInference *infer, const MlColumnProfile *p)
{
	double		unseen = (double) p->once + 4 * sqrt((double) (p->once + p->twice)) + (p->once + p->twice > 0 ? 3 : 0);
	StringInfoData texts;
	StringInfoData counts;
	char	   *members;

	ml_infer_level_lists(p, &texts, &counts);
	if (p->once == 0 && p->nlevels * 5 <= p->values)
		ml_infer_add_one(infer, "in_set", p,
						 psprintf("{\"values\": [%s]%s}", texts.data, ml_infer_mostly(p->values)), false);
	else if (unseen < ML_INFER_SHARE_FLOOR * p->values)
		ml_infer_add_one(infer, "domain_mass", p,
						 psprintf("{\"values\": [%s], \"min\": %.4g}", texts.data,
								  floor((1 - unseen / p->values) * 1e4) / 1e4), false);
	members = psprintf("\"levels\": [%s], \"counts\": [%s], \"other\": " INT64_FORMAT ", \"nulls\": " INT64_FORMAT,
					   texts.data, counts.data, p->once, p->nulls);
	ml_infer_add_one(infer, "distribution", p,
					 psprintf("{%s, \"method\": \"l_infinity\", \"alpha\": %.2g, \"floor\": %g}", members,
							  ml_infer_alpha(infer), ML_INFER_SHARE_FLOOR), false);
	ml_infer_nulls(infer, p, members);
}

/* Many texts: what they look like, and that none is too common. */
static void
ml_infer_open(MlInference *infer, const MlColumnProfile *p)
{
	double		share = (double) p->commonest / p->values;
	bool		fixed = p->min_length == p->max_length;

	ml_infer_add_one(infer, "length", p,
					 psprintf("{\"min\": " INT64_FORMAT ", \"max\": " INT64_FORMAT "%s}",
							  fixed ? p->min_length : p->min_length / 2, fixed ? p->max_length : 2 * p->max_length,
							  ml_infer_mostly(p->values)), false);
	for (int i = 0; i < (int) lengthof(ml_infer_formats); i++)
		if ((p->formats & (1u << i)) != 0)
		{
			ml_infer_add_one(infer, "format", p,
							 psprintf("{\"format\": \"%s\"%s}", ml_infer_formats[i], ml_infer_mostly(p->values)), false);
			break;
		}
	if (p->distinct == p->values && !infer->version)
		ml_infer_add_one(infer, "unique", p, psprintf("{\"mostly\": 0.98}"), p->target);
	else if (p->distinct < p->values)
		ml_infer_add_one(infer, "most_common_share", p,
						 psprintf("{\"max\": %.4g}", Min(1, ceil((share + 4 * sqrt(share * (1 - share) / p->values) + 0.01) *
																 1e4) / 1e4)), false);
	if (p->nulls > 0)
		ml_infer_nulls(infer, p, psprintf("\"levels\": [\"\"], \"counts\": [0], \"other\": " INT64_FORMAT
										  ", \"nulls\": " INT64_FORMAT, p->values, p->nulls));
}

/* ---- columns ---- */

void
ml_infer_column(MlInference *infer, const MlColumnProfile *p)
{
	/* of no rows, or of NULLs alone, nothing is known */
	if (!p->addressed || p->nulls == p->rows)
		return;
	if (p->nulls == 0)
		ml_infer_add_one(infer, "not_null", p, psprintf("{%s}", *ml_infer_mostly(p->rows) ? ml_infer_mostly(p->rows) + 2 : ""),
						 false);
	if (p->histogram)
		ml_infer_numbers(infer, p);
	else if (p->distinct > 0 && p->values >= ML_INFER_ROWS_MIN)
	{
		if (p->open || p->distinct == p->values)
			ml_infer_open(infer, p);
		else
			ml_infer_levels(infer, p);
	}
	if (p->unique)
		ml_infer_add_one(infer, "unique", p, "{}", p->target);
}

void
ml_infer_columns(MlInference *infer, int n, const MlColumnProfile *profiles)
{
	StringInfoData types;
	List	   *names = NIL;

	initStringInfo(&types);
	for (int i = 0; i < n; i++)
	{
		const MlCheckColumn *column = &profiles[i].column;

		if (profiles[i].target)
			continue;
		names = lappend(names, unconstify(char *, column->name));
		appendStringInfoString(&types, types.len > 0 ? ", " : "");
		ml_json_text(&types, column->name);
		appendStringInfoString(&types, ": ");
		/* the server's own types mean the same under every search_path */
		ml_json_text(&types, column->declared < FirstGenbkiObjectId ?
					 format_type_with_typemod(column->declared, column->typmod) :
					 format_type_extended(column->declared, column->typmod,
										  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	}
	if (names == NIL)
		return;
	if (infer->version)
		ml_infer_add(infer, "features", "missing_column", names, "{}", ML_SEVERITY_ERROR, ML_ENVIRONMENT_BOTH);
	else
		ml_infer_add(infer, "columns", "columns", names, "{\"match\": \"ordered\"}", ML_SEVERITY_ERROR, ML_ENVIRONMENT_BOTH);
	ml_infer_add(infer, NULL, "column_types", NIL, psprintf("{\"types\": {%s}}", types.data),
				 infer->version ? ML_SEVERITY_WARN : ML_SEVERITY_ERROR, ML_ENVIRONMENT_BOTH);
}

void
ml_infer_rows(MlInference *infer, const MlRowsProfile *rows)
{
	double		share;
	double		limit;
	List	   *names = NIL;

	if (rows->rows < 2 * ML_INFER_ROWS_MIN || rows->ncolumns == 0)
		return;
	share = (double) (rows->rows - rows->distinct) / rows->rows;
	limit = share + 4 * sqrt(2 * share * (1 - share) / rows->rows) + Max(0.01, Min(0.04, 3.0 / rows->rows));
	if (limit >= 1)
		return;
	for (int i = 0; !rows->all && i < rows->ncolumns; i++)
		names = lappend(names, rows->columns[i]);
	ml_infer_add(infer, "duplicate_rows", "duplicate_rows", names,
				 psprintf("{\"max_share\": %.4g, \"rows\": " INT64_FORMAT ", \"growth\": %.3g}",
						  ceil(limit * 1e4) / 1e4, rows->rows,
						  0.5 * Max(0, (double) (rows->once - rows->twice) / rows->rows)),
				 ML_SEVERITY_ERROR, ML_ENVIRONMENT_BOTH);
}

bool
ml_infer_may_be_key(const MlColumnProfile *p)
{
	MlInferBins bins;
	double		room;

	if (p->histogram == NULL || p->column.convert.class != ML_TYPE_NUMBER || !ml_infer_is_whole(p) ||
		p->histogram->n < ML_INFER_ROWS_MIN || p->histogram->n < p->rows)
		return false;
	room = p->histogram->max - p->histogram->min + 1;
	/* numbers drawn by chance would hold n^2 / 2 room pairs */
	if (room < p->histogram->n || (double) p->histogram->n * p->histogram->n / (2 * room) < 10)
		return false;
	bins = ml_infer_bins(p->histogram);
	for (int i = 0; i < bins.n; i++)
	{
		double		end = i + 1 < bins.n ? bins.bin[i + 1].low : p->histogram->max + 1;

		if (bins.bin[i].n > ceil(end) - ceil(bins.bin[i].low))
			return false;
	}
	return true;
}

bool
ml_infer_may_be_below(const MlColumnProfile *a, const MlColumnProfile *b)
{
	MlInferBins x;
	MlInferBins y;

	if (a->histogram == NULL || b->histogram == NULL || a->column.convert.type != b->column.convert.type ||
		a->column.convert.kind == ML_CONVERT_BOOL || a->unique || b->unique ||
		a->histogram->n < 10 * ML_INFER_ROWS_MIN || b->histogram->n < 10 * ML_INFER_ROWS_MIN ||
		a->histogram->infinities + a->histogram->nans + b->histogram->infinities + b->histogram->nans > 0)
		return false;
	/* of ranges that do not overlap it says nothing, nor where one of both is rare */
	if (a->histogram->min > b->histogram->min || a->histogram->max > b->histogram->max ||
		a->histogram->used < 3 || b->histogram->used < 3)
		return false;
	x = ml_infer_bins(a->histogram);
	y = ml_infer_bins(b->histogram);
	for (int q = 1; q < 4; q++)
		if (ml_infer_rank(&x, x.rows * q / 4) > ml_infer_rank(&y, y.rows * q / 4))
			return false;
	return ml_infer_rank(&x, x.rows * 3 / 4) > ml_infer_rank(&y, y.rows / 4);
}
