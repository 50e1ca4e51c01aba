/*
 * regex.c - regular expressions by the server's own engine, which ends when the statement is cancelled.
 *
 * The server keeps the last 32 compiled expressions of a session, so a pattern
 * is compiled once and not for every row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "check/regex.h"
#include "mb/pg_wchar.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static int
ml_regex_flags(bool case_insensitive)
{
	return REG_ADVANCED | REG_NOSUB | (case_insensitive ? REG_ICASE : 0);
}

text *
ml_regex_check(const MlCheck *check, const char *pattern, bool case_insensitive)
{
	text	   *result = cstring_to_text(pattern);
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		(void) RE_compile_and_cache(result, ml_regex_flags(case_insensitive), DEFAULT_COLLATION_OID);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_INVALID_REGULAR_EXPRESSION)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_REGULAR_EXPRESSION),
				 errmsg("check of kind %s: the pattern is no regular expression", check->kind->name),
				 errdetail("It is \"%s\": %s.", pattern, error->message),
				 errhint("Try it with the operator ~ first.")));
	}
	PG_END_TRY();
	return result;
}

bool
ml_regex_matches(text *pattern, bool case_insensitive, Oid collation, const char *s, int length)
{
	if (length >= (int) (MaxAllocSize / sizeof(pg_wchar)))
		return false;
	return RE_compile_and_execute(pattern, unconstify(char *, s), length, ml_regex_flags(case_insensitive), collation,
								  0, NULL);
}
