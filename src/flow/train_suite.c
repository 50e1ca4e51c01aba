/*
 * train_suite.c - a training is judged by the suite of its model's name before it begins.
 *
 * It reads the source once, before the training does. The suite may be another
 * role's: conditions in it run under the rules for conditions, and SQL of its
 * own only where its owner could act as the one who trains.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/check_data.h"
#include "flow/suite.h"
#include "flow/train_suite.h"
#include "utils/builtins.h"

/* So many failed checks are told of. */
#define ML_TRAIN_FAILED_MAX		10

/* What a check found, in words. */
static char *
ml_train_suite_finding(const MlCheckResult *result)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "check \"%s\"", result->check->name);
	if (result->outcome.observed)
		appendStringInfo(&out, " observed %s", result->outcome.observed);
	if (result->outcome.expected)
		appendStringInfo(&out, "%s expected %s", result->outcome.observed ? " and" : "", result->outcome.expected);
	if (result->outcome.n_failed > 0)
		appendStringInfo(&out, ", %lld of %lld rows fail", (long long) result->outcome.n_failed,
						 (long long) result->outcome.n);
	return out.data;
}

static ML_NORETURN void
ml_train_suite_refuse(const char *model, const char *source, List *failed)
{
	const MlCheckResult *first = linitial(failed);
	StringInfoData detail;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&detail);
	foreach(lc, failed)
	{
		if (n++ == ML_TRAIN_FAILED_MAX)
		{
			appendStringInfo(&detail, "; and %d more", list_length(failed) - ML_TRAIN_FAILED_MAX);
			break;
		}
		appendStringInfo(&detail, "%s%s", n > 1 ? "; " : "", ml_train_suite_finding(lfirst(lc)));
	}
	detail.data[0] = pg_toupper(detail.data[0]);
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg_plural("training data fail %d check of suite \"%s\"", "training data fail %d checks of suite \"%s\"",
						   list_length(failed), list_length(failed), model),
			 errdetail("%s.", detail.data),
			 errhint("See the rows: SELECT * FROM ml.failing_rows(%s, %s, %s); or change the suite.",
					 quote_literal_cstr(model), quote_literal_cstr(first->check->name), quote_literal_cstr(source))));
}

List *
ml_train_suite_judge(const char *model, const char *source, MlNotes *notes)
{
	MlSuites	suites;
	List	   *results;
	List	   *failed = NIL;
	ListCell   *lc;

	if (!ml_suites_find_own(model, &suites))
		return NIL;
	results = ml_check_data_training(&suites, source);
	foreach(lc, results)
	{
		MlCheckResult *result = lfirst(lc);
		MlCheckStatus status = result->outcome.status;

		if (status == ML_CHECK_PASS)
			continue;
		if (status == ML_CHECK_INSUFFICIENT || status == ML_CHECK_SKIPPED)
			ml_note(notes, "check \"%s\" of the suite could not be judged: %s", result->check->name,
					status == ML_CHECK_SKIPPED ? "the source lacks a column of it" : "there are too few rows or values");
		else if (result->check->severity == ML_SEVERITY_WARN)
			ml_note(notes, "the suite warns: %s", ml_train_suite_finding(result));
		else
			failed = lappend(failed, result);
	}
	if (failed != NIL)
		ml_train_suite_refuse(model, source, failed);
	return results;
}
