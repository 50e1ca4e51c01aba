/*
 * infer.c - ml.infer_checks: a suite that is learned from a source.
 *
 * One scan profiles the columns. What they leave open, whether numbers are
 * keys, one column stays below another or rises with it, is asked of the rows
 * by a second scan, as checks: those that no row fails are kept. Both run with
 * the rights of whoever asks.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "check/profile.h"
#include "flow/data_scan.h"
#include "flow/infer.h"
#include "store/suites.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* So many columns of numbers are compared with one another: each row is looked at for each pair. */
#define ML_INFER_COMPARED_MAX	40

typedef struct MlSourceProfile
{
	MlDataScan	scan;
	int			n;
	MlColumnProfile *columns;
	int		   *attnos;			/* of each, in the source */
	MlRowsProfile rows;
} MlSourceProfile;

static bool
ml_infer_is_number(const MlCheckColumn *column)
{
	MlTypeClass class = column->convert.class;

	return class == ML_TYPE_NUMBER || class == ML_TYPE_TIME || class == ML_TYPE_TIMETZ || class == ML_TYPE_INTERVAL;
}

/* Whether equal values have equal hashes: rows can be compared by them. */
static bool
ml_infer_comparable(Oid type)
{
	return OidIsValid(lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc);
}

/* ---- the first scan ---- */

static void
ml_infer_plan(MlSourceProfile *s)
{
	MlRowType  *type = &s->scan.type;
	MlCheckColumn *all = palloc(sizeof(MlCheckColumn) * Max(type->n, 1));
	int		   *comparable = palloc(sizeof(int) * Max(type->n, 1));

	s->columns = palloc0(sizeof(MlColumnProfile) * Max(type->n, 1));
	s->attnos = palloc(sizeof(int) * Max(type->n, 1));
	s->rows.columns = palloc(sizeof(char *) * Max(type->n, 1));
	for (int i = 0; i < type->n; i++)
	{
		MlColumnProfile *p;

		if (type->names[i] == NULL)
			continue;
		p = &s->columns[s->n];
		p->addressed = true;
		ml_data_scan_collect(&s->scan, ML_COLLECT_ROWS, 1, &i, &p->column);
		if (ml_infer_is_number(&p->column))
			ml_data_scan_collect(&s->scan, ML_COLLECT_HISTOGRAM, 1, &i, &p->column);
		else if (p->column.convert.class == ML_TYPE_TEXT)
			ml_data_scan_collect(&s->scan, ML_COLLECT_LEVELS, 1, &i, &p->column);
		if (ml_infer_comparable(type->types[i]))
		{
			s->rows.columns[s->rows.ncolumns] = unconstify(char *, type->names[i]);
			comparable[s->rows.ncolumns++] = i;
		}
		s->attnos[s->n++] = i;
	}
	s->rows.all = s->rows.ncolumns == s->n;
	if (s->rows.ncolumns > 0)
		ml_data_scan_collect(&s->scan, ML_COLLECT_COPIES, s->rows.ncolumns, comparable, all);
}

static void
ml_infer_level(void *ctx, const char *text, int64 count, int64 nulls)
{
	ml_profile_text(ctx, text, count);
}

static void
ml_infer_copies(void *ctx, double value, int64 count)
{
	MlRowsProfile *rows = ctx;

	rows->rows += count;
	rows->distinct++;
	rows->once += count == 1;
	rows->twice += count == 2;
}

/* Reads what the scan has collected. */
static void
ml_infer_fill(MlSourceProfile *s)
{
	MlDataAgainContext again;
	MlCollected seen;

	ml_data_scan_seen(&s->scan, &seen, &again);
	for (int i = 0; i < s->n; i++)
	{
		MlColumnProfile *p = &s->columns[i];
		MlRowCounts counts = ml_collected_counts(&seen, p->column.name);
		char	   *names[1];

		names[0] = unconstify(char *, p->column.name);
		p->rows = counts.rows;
		p->nulls = counts.nulls;
		if (ml_infer_is_number(&p->column))
			p->histogram = unconstify(MlHistogram *, ml_collected_histogram(&seen, p->column.name));
		else if (p->column.convert.class == ML_TYPE_TEXT)
			ml_collected_levels(&seen, 1, names, ml_infer_level, p);
	}
	if (s->rows.ncolumns > 0)
		ml_collected_copies(&seen, s->rows.ncolumns, s->rows.columns, ml_infer_copies, &s->rows);
}

/* ---- the second scan ---- */

/* Columns whose pairs may stand in an order. That of numbers may be an accident: a single row is not judged by it. */
static void
ml_infer_suppose_below(const MlSourceProfile *s, MlInference *suppose)
{
	int			numbers = 0;

	for (int i = 0; i < s->n; i++)
		numbers += s->columns[i].column.convert.class == ML_TYPE_NUMBER;
	for (int i = 0; i < s->n; i++)
		for (int j = 0; j < s->n; j++)
		{
			const MlColumnProfile *a = &s->columns[i];
			const MlColumnProfile *b = &s->columns[j];
			bool		number = a->column.convert.class == ML_TYPE_NUMBER;

			if (i == j || (number && numbers > ML_INFER_COMPARED_MAX) || !ml_infer_may_be_below(a, b))
				continue;
			ml_infer_add(suppose, NULL, "compare",
						 list_make2(unconstify(char *, a->column.name), unconstify(char *, b->column.name)),
						 psprintf("{\"op\": \"<=\"%s}", ml_infer_mostly(Min(a->histogram->n, b->histogram->n))),
						 ML_SEVERITY_ERROR, number ? ML_ENVIRONMENT_TRAINING : ML_ENVIRONMENT_BOTH);
		}
}

/* Times that may rise with the first key, and keys that may rise with the first time. */
static void
ml_infer_suppose_rising(const MlSourceProfile *s, MlInference *suppose)
{
	const MlColumnProfile *key = NULL;

	for (int i = 0; i < s->n && key == NULL; i++)
		if (s->columns[i].unique)
			key = &s->columns[i];
	for (int i = 0; i < s->n && key != NULL; i++)
	{
		const MlColumnProfile *p = &s->columns[i];
		StringInfoData params;

		if ((p->column.convert.class != ML_TYPE_TIME && p->column.convert.class != ML_TYPE_TIMETZ) ||
			p->histogram->n < p->rows)
			continue;
		initStringInfo(&params);
		appendStringInfoString(&params, "{\"order_by\": ");
		ml_json_text(&params, key->column.name);
		appendStringInfoChar(&params, '}');
		ml_infer_add(suppose, NULL, "monotonic", list_make1(unconstify(char *, p->column.name)), params.data,
					 ML_SEVERITY_WARN, ML_ENVIRONMENT_BOTH);
	}
}

/* Puts suppositions to the rows, and returns those (MlCheck *) that no row fails. */
static List *
ml_infer_confirm(const char *source, List *supposed)
{
	MlDataScan	scan;
	List	   *kept = NIL;
	ListCell   *lc;

	if (supposed == NIL)
		return NIL;
	ml_data_scan_begin(&scan, source);
	foreach(lc, supposed)
		(void) ml_data_scan_add(&scan, lfirst(lc), "inferred", true);
	ml_data_scan_bind(&scan);
	ml_data_scan_run(&scan);
	ml_data_scan_judge(&scan);
	for (int i = 0; i < scan.nchecks; i++)
		if (scan.checks[i].outcome.status == ML_CHECK_PASS && scan.checks[i].outcome.n_failed == 0)
			kept = lappend(kept, list_nth(supposed, i));
	return kept;
}

/* Finds keys among whole numbers; then what is below and what rises. Returns the checks of pairs that hold. */
static List *
ml_infer_look_again(MlSourceProfile *s, const char *source)
{
	MlInference keys = {NIL, s->n, false};
	MlInference pairs = {NIL, s->n, false};
	ListCell   *lc;

	for (int i = 0; i < s->n; i++)
		if (ml_infer_may_be_key(&s->columns[i]))
			ml_infer_add(&keys, NULL, "unique", list_make1(unconstify(char *, s->columns[i].column.name)), "{}",
						 ML_SEVERITY_ERROR, ML_ENVIRONMENT_BOTH);
	foreach(lc, ml_infer_confirm(source, keys.checks))
	{
		const MlCheck *check = lfirst(lc);

		for (int i = 0; i < s->n; i++)
			if (strcmp(s->columns[i].column.name, check->columns[0]) == 0)
				s->columns[i].unique = true;
	}
	ml_infer_suppose_below(s, &pairs);
	ml_infer_suppose_rising(s, &pairs);
	return ml_infer_confirm(source, pairs.checks);
}

int
ml_infer_run(const char *suite, const char *source)
{
	MlSourceProfile s = {{0}};
	MlInference infer = {0};
	List	   *pairs;

	ml_catalog_check_suite_name(suite);
	ml_data_scan_begin(&s.scan, source);
	ml_infer_plan(&s);
	ml_data_scan_run(&s.scan);
	ml_infer_fill(&s);
	pairs = ml_infer_look_again(&s, source);
	infer.ncolumns = s.n;
	ml_infer_columns(&infer, s.n, s.columns);
	ml_infer_rows(&infer, &s.rows);
	for (int i = 0; i < s.n; i++)
		ml_infer_column(&infer, &s.columns[i]);
	infer.checks = list_concat(infer.checks, pairs);
	return ml_catalog_learn(suite, source, infer.checks);
}
