/*
 * text.c - small helpers on names and JSON text: suggestions, lists, notes.
 *
 * Everything is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/text.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/json.h"
#include "utils/varlena.h"

/* More of a text is not shown in a list: names are shorter, labels may be of any length. */
#define ML_LISTED_BYTES_MAX	100

/* Whether two names have the same letters in another order. */
static bool
ml_text_anagram(const char *a, const char *b)
{
	int			count[256] = {0};

	for (; *a; a++)
		count[(unsigned char) *a]++;
	for (; *b; b++)
		count[(unsigned char) *b]--;
	for (int i = 0; i < (int) lengthof(count); i++)
		if (count[i] != 0)
			return false;
	return true;
}

const char *
ml_text_closest(const char *name, List *candidates)
{
	const char *best = NULL;
	int			best_distance = 4;
	int			length = strlen(name);
	ListCell   *lc;

	/* the server's routine refuses longer strings */
	if (length > NAMEDATALEN * 2)
		return NULL;
	foreach(lc, candidates)
	{
		const char *candidate = lfirst(lc);
		int			candidate_length = strlen(candidate);
		int			distance;

		if (candidate_length > NAMEDATALEN * 2)
			continue;
		distance = varstr_levenshtein_less_equal(name, length, candidate, candidate_length,
												 1, 1, 1, best_distance, true);
		/* swapped letters are one slip, which the server's routine counts as two */
		if (distance == 2 && ml_text_anagram(name, candidate))
			distance = 1;
		if (distance < best_distance && distance <= Max(length, candidate_length) / 2)
		{
			best = candidate;
			best_distance = distance;
		}
	}
	return best;
}

char *
ml_text_list(List *names, int max)
{
	StringInfoData out;
	int			shown = 0;
	ListCell   *lc;

	initStringInfo(&out);
	foreach(lc, names)
	{
		const char *name;
		int			length;
		int			clipped;

		if (shown == max)
		{
			appendStringInfo(&out, " and %d more", list_length(names) - shown);
			break;
		}
		name = lfirst(lc);
		length = strlen(name);
		clipped = pg_mbcliplen(name, length, ML_LISTED_BYTES_MAX);
		appendStringInfo(&out, "%s%.*s%s", shown > 0 ? ", " : "", clipped, name, clipped < length ? "..." : "");
		shown++;
	}
	if (shown == 0)
		appendStringInfoString(&out, "none");
	return out.data;
}

bool
ml_text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
ml_text_same_list(List *a, List *b)
{
	ListCell   *x;
	ListCell   *y;

	if (list_length(a) != list_length(b))
		return false;
	forboth(x, a, y, b)
		if (strcmp(lfirst(x), lfirst(y)) != 0)
			return false;
	return true;
}

bool
ml_text_listed(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

char *
ml_text_hint(const char *name, List *candidates, const char *fallback)
{
	const char *closest = ml_text_closest(name, candidates);

	if (closest)
		return psprintf("Perhaps you meant \"%s\".", closest);
	return pstrdup(fallback);
}

void
ml_json_text(StringInfo out, const char *s)
{
	if (s)
		escape_json(out, s);
	else
		appendStringInfoString(out, "null");
}

char *
ml_text_number(double x)
{
	int			saved = extra_float_digits;
	char	   *text;

	extra_float_digits = 1;
	text = float8out_internal(x);
	extra_float_digits = saved;
	return text;
}

void
ml_json_number(StringInfo out, double x)
{
	if (isfinite(x))
		appendStringInfoString(out, ml_text_number(x));
	else
		ml_json_text(out, isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
}

char *
ml_text_bytes(double bytes)
{
	static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
	int			i = 0;

	while (bytes >= 10 * 1024.0 && i < (int) lengthof(unit) - 1)
	{
		bytes /= 1024;
		i++;
	}
	return psprintf("%.0f %s", ceil(bytes), unit[i]);
}

void
ml_note(MlNotes *notes, const char *fmt,...)
{
	StringInfoData out;

	if (notes == NULL)
		return;
	initStringInfo(&out);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&out, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&out, needed);
	}
	notes->items = lappend(notes->items, out.data);
}
