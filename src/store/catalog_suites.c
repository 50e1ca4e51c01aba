/*
 * catalog_suites.c - suites and their checks.
 *
 * Reads are index scans. A change locks the suite's row first, so that two
 * sessions queue, and ends with a new revision, by which sessions know that
 * what they have compiled is old. A version's suite has no owner of its own: it
 * is the model's owner's, is written once, with the version, and goes with it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/access.h"
#include "store/catalog_internal.h"
#include "store/suites.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* A check's name is at most so long, as the table says. */
#define ML_CHECK_NAME_BYTES_MAX	255

/* So many names are listed in a message. */
#define ML_SUITES_LISTED	20

/* ---- reading ---- */

/* Reads the current row of a scan of suites; false for a suite of a model that the snapshot does not show. */
static bool
ml_suite_read(MlScan *scan, HeapTuple tuple, MlSuite *suite)
{
	bool		isnull;
	Datum		value;

	memset(suite, 0, sizeof *suite);
	suite->name = TextDatumGetCString(ml_scan_get(scan, tuple, ML_SUITES_SUITE, NULL));
	suite->catalog = RelationGetRelid(scan->rel);
	suite->revision = DatumGetInt64(ml_scan_get(scan, tuple, ML_SUITES_REVISION, NULL));
	value = ml_scan_get(scan, tuple, ML_SUITES_MODEL, &isnull);
	if (!isnull)
	{
		suite->model = TextDatumGetCString(value);
		suite->version = DatumGetInt32(ml_scan_get(scan, tuple, ML_SUITES_VERSION, NULL));
		return ml_catalog_model_exists(suite->model, &suite->owner);
	}
	suite->owner = pstrdup(NameStr(*DatumGetName(ml_scan_get(scan, tuple, ML_SUITES_OWNER, NULL))));
	return true;
}

/* Finds a suite by its very name. */
bool
ml_catalog_suite(const char *name, MlSuite *suite)
{
	MlScan		scan;
	HeapTuple	tuple;
	bool		found;

	ml_scan_begin(&scan, ML_SCAN_SUITES, name, 0, NULL);
	tuple = ml_scan_next(&scan);
	found = tuple != NULL && ml_suite_read(&scan, tuple, suite);
	ml_scan_end(&scan);
	return found;
}

/* The names of the suites that the current user may see. */
List *
ml_catalog_suite_names(void)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *names = NIL;

	ml_scan_begin(&scan, ML_SCAN_SUITES, NULL, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
	{
		MlSuite		suite;

		if (ml_suite_read(&scan, tuple, &suite) &&
			(suite.model != NULL ? ml_access_allowed(suite.model, suite.owner, ML_PRIV_READ) :
			 ml_access_is_member(suite.owner)))
			names = lappend(names, suite.name);
	}
	ml_scan_end(&scan);
	return names;
}

/* A word of a check that a later release may know and this one does not. */
static ML_NORETURN void
ml_check_refuse_word(const char *suite, const char *name, const char *column, const char *word)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("check \"%s\" of suite \"%s\" is not known to this release", name, suite),
			 errdetail("Its %s is \"%s\".", column, word),
			 errhint("Load the release of the extension that wrote it, or drop the check with ml.drop_check.")));
}

static MlCheck *
ml_check_read(MlScan *scan, HeapTuple tuple, const char *suite)
{
	char	   *name = TextDatumGetCString(ml_scan_get(scan, tuple, ML_CHECKS_NAME, NULL));
	char	   *kind = TextDatumGetCString(ml_scan_get(scan, tuple, ML_CHECKS_KIND, NULL));
	char	   *severity_name = TextDatumGetCString(ml_scan_get(scan, tuple, ML_CHECKS_SEVERITY, NULL));
	char	   *environment_name = TextDatumGetCString(ml_scan_get(scan, tuple, ML_CHECKS_ENVIRONMENT, NULL));
	MlSeverity	severity;
	MlEnvironment environment;
	List	   *columns = NIL;
	MlCheck    *check;
	Datum	   *values;
	int			n;

	if (ml_check_kind(kind) == NULL)
		ml_check_refuse_word(suite, name, "kind", kind);
	if (!ml_severity_parse(severity_name, &severity))
		ml_check_refuse_word(suite, name, "severity", severity_name);
	if (!ml_environment_parse(environment_name, &environment))
		ml_check_refuse_word(suite, name, "environment", environment_name);
	deconstruct_array(DatumGetArrayTypePCopy(ml_scan_get(scan, tuple, ML_CHECKS_COLUMNS, NULL)),
					  TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (int i = 0; i < n; i++)
		columns = lappend(columns, TextDatumGetCString(values[i]));
	check = ml_check_make(name, kind, columns, DatumGetJsonbPCopy(ml_scan_get(scan, tuple, ML_CHECKS_PARAMS, NULL)),
						  severity, environment);
	check->learned = DatumGetBool(ml_scan_get(scan, tuple, ML_CHECKS_LEARNED, NULL));
	return check;
}

/* The checks of a suite in the order in which they were added. */
List *
ml_catalog_checks(const MlSuite *suite)
{
	MlScan		scan;
	HeapTuple	tuple;
	List	   *checks = NIL;

	ml_scan_begin(&scan, ML_SCAN_CHECKS, suite->name, 0, NULL);
	while ((tuple = ml_scan_next(&scan)) != NULL)
		checks = lappend(checks, ml_check_read(&scan, tuple, suite->name));
	ml_scan_end(&scan);
	return checks;
}

/* ---- who may ---- */

/* Raises ERRCODE_INVALID_NAME unless the text can name a suite of somebody's. */
void
ml_catalog_check_suite_name(const char *suite)
{
	const char *problem = ml_name_problem(suite);
	const char *slash = strchr(suite, '/');

	if (problem == NULL)
		return;
	if (slash != NULL && slash > suite && slash[1] != '\0' && strspn(slash + 1, "0123456789") == strlen(slash + 1))
	{
		char	   *model = pnstrdup(suite, slash - suite);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("suite \"%s\" is a version's and cannot be changed", suite),
				 errdetail("It was learned from the data of that training, and goes away with the version."),
				 errhint("In a suite named %s, a check of the same name takes the place of the learned one.",
						 quote_literal_cstr(model))));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_NAME),
			 errmsg("invalid name of a suite \"%s\"", pnstrdup(suite, pg_mbcliplen(suite, strlen(suite),
																				 2 * ML_MODEL_NAME_BYTES_MAX))),
			 errdetail("%s", problem),
			 errhint("A suite's name has 1 to 63 bytes without \"/\", \"@\" or control characters.")));
}

/* Raises ERRCODE_INSUFFICIENT_PRIVILEGE unless the suite, by its owner, is the current user's. */
static void
ml_suite_require(const char *suite, const char *owner)
{
	Oid			role = get_role_oid(owner, true);

	if (ml_access_is_member(owner))
		return;
	if (OidIsValid(role) && has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for suite \"%s\"", suite),
				 errdetail("Role \"%s\" lacks EXECUTE on ml.my_rights(): another role of that name owned the suite, "
						   "or it was revoked.", owner),
				 errhint("Ask a superuser to run: SELECT ml.set_suite_owner(%s, %s);", quote_literal_cstr(suite),
						 quote_literal_cstr(quote_identifier(owner)))));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of suite \"%s\"", suite),
			 errdetail("The suite belongs to role \"%s\"; the current user is \"%s\".", owner,
					   GetUserNameFromId(GetUserId(), false)),
			 errhint("Ask a member of role \"%s\" to do it, or choose another name.", owner)));
}

/*
 * A suite of a model's name takes part in the model's trainings: raises
 * ERRCODE_INSUFFICIENT_PRIVILEGE where there is such a model that the current
 * user may not train.
 */
static void
ml_suite_require_model(const char *suite)
{
	char	   *owner;

	if (!ml_catalog_model_exists(suite, &owner) || ml_access_allowed(suite, owner, ML_PRIV_TRAIN))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("suite \"%s\" has the name of a model that you may not train", suite),
			 errdetail("Its checks would be applied in trainings of the model."),
			 errhint("Choose another name, or ask a member of role \"%s\" to run: SELECT ml.grant(%s, 'train', %s);",
					 owner, quote_literal_cstr(suite),
					 quote_literal_cstr(quote_identifier(GetUserNameFromId(GetUserId(), false))))));
}

static ML_NORETURN void
ml_report_no_suite(const char *suite)
{
	List	   *names = ml_catalog_suite_names();

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("suite \"%s\" does not exist", suite),
			 names != NIL ? errdetail("The suites you may see are: %s.", ml_text_list(names, ML_SUITES_LISTED)) :
			 errdetail("There is no suite that you may see."),
			 errhint("%s", ml_text_hint(suite, names, "Make it by adding a check: SELECT ml.add_check(...);"))));
}

/* ---- locking ---- */

/* Locks the row of a suite and returns its owner; NULL when there is none. */
static char *
ml_suite_lock(const char *suite)
{
	MlArgs		args = {0};
	MlRow		row;

	ml_bind_arg_text(&args, suite);
	ml_catalog_execute("SELECT s.owner FROM ml.suites s WHERE s.suite = $1 FOR UPDATE", &args, &row);
	return row.column[0];
}

/* Refuses those without rights before they make others wait. */
static void
ml_suite_look(const char *suite)
{
	MlSuite		found;

	ml_catalog_check_suite_name(suite);
	if (ml_catalog_suite(suite, &found))
		ml_suite_require(suite, found.owner);
}

/* Locks a suite of the current user's, and returns its owner; raises an error when there is no such suite. */
static char *
ml_suite_own(const char *suite)
{
	char	   *owner;

	ml_suite_look(suite);
	owner = ml_suite_lock(suite);
	if (owner == NULL)
	{
		ml_report_as_of_now();
		ml_report_no_suite(suite);
	}
	ml_suite_require(suite, owner);
	return owner;
}

/* The same, but makes the suite when there is none. */
static void
ml_suite_own_or_make(const char *suite)
{
	char	   *user = GetUserNameFromId(GetUserId(), false);
	char	   *owner = NULL;
	bool		made = false;

	ml_suite_look(suite);
	ml_suite_require_model(suite);
	/* again where another session drops the suite between the two statements */
	while (owner == NULL)
	{
		MlArgs		args = {0};

		CHECK_FOR_INTERRUPTS();
		ml_bind_arg_text(&args, suite);
		ml_bind_arg_text(&args, user);
		made = ml_catalog_execute("INSERT INTO ml.suites (suite, owner) VALUES ($1, $2) ON CONFLICT (suite) DO NOTHING",
								  &args, NULL) > 0;
		owner = ml_suite_lock(suite);
	}
	if (made)
		ml_rights_own_suite(suite, owner);
	else
		ml_suite_require(suite, owner);
}

/* Gives a suite that was changed its new revision. */
static void
ml_suite_revise(const char *suite)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, suite);
	ml_catalog_execute("UPDATE ml.suites SET revision = pg_catalog.nextval('ml.suite_revision') WHERE suite = $1",
					   &args, NULL);
}

/* ---- adding ---- */

/* The names of the checks of a suite whose row is locked; learned ones or the others. */
static List *
ml_suite_check_names(const char *suite, bool learned)
{
	MlArgs		args = {0};
	List	   *names = NIL;
	ListCell   *lc;

	ml_bind_arg_text(&args, suite);
	ml_arg(&args, BOOLOID, BoolGetDatum(learned), false);
	foreach(lc, ml_catalog_rows("SELECT c.name FROM ml.checks c WHERE c.suite = $1 AND c.learned = $2", &args))
		names = lappend(names, ((const MlRow *) lfirst(lc))->column[0]);
	return names;
}

/* The name, or where it is taken, the first free one with a number behind it. */
static char *
ml_suite_free_name(const char *name, List *taken)
{
	char	   *free_name = pstrdup(name);

	for (int i = 1; ml_text_listed(taken, free_name); i++)
	{
		char	   *number = psprintf("_%d", i);

		free_name = psprintf("%.*s%s", pg_mbcliplen(name, strlen(name), ML_CHECK_NAME_BYTES_MAX - strlen(number)), name,
							 number);
	}
	return free_name;
}

/* Writes a check under a name; false when it is taken. */
static bool
ml_suite_insert(const char *suite, const MlCheck *check, const char *name, bool learned)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, suite);
	ml_bind_arg_text(&args, name);
	ml_bind_arg_text(&args, check->kind->name);
	ml_bind_arg_texts(&args, check->ncolumns, check->columns);
	ml_arg(&args, JSONBOID, JsonbPGetDatum(check->given), false);
	ml_bind_arg_text(&args, ml_severity_name(check->severity));
	ml_bind_arg_text(&args, ml_environment_name(check->environment));
	ml_arg(&args, BOOLOID, BoolGetDatum(learned), false);
	ml_bind_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	return ml_catalog_execute("INSERT INTO ml.checks (suite, name, kind, columns, params, severity, environment, learned, "
							  "created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
							  "ON CONFLICT (suite, name) DO NOTHING", &args, NULL) > 0;
}

/* Raises ERRCODE_INVALID_NAME unless the text can name a check. */
static void
ml_check_check_name(const char *name)
{
	int			length = strlen(name);

	if (length == 0 || length > ML_CHECK_NAME_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of a check"),
				 length == 0 ? errdetail("It is empty.") : errdetail("It has %d bytes.", length),
				 errhint("A check's name has 1 to %d bytes. Without one it is named after its columns and its kind.",
						 ML_CHECK_NAME_BYTES_MAX)));
}

/* Adds a check to a suite, which is made when there is none; returns the check's name. */
char *
ml_catalog_add_check(const char *suite, const MlCheck *check, bool named)
{
	char	   *name = check->name;

	ml_check_check_name(name);
	ml_suite_own_or_make(suite);
	if (!named)
		name = ml_suite_free_name(name, list_concat(ml_suite_check_names(suite, false),
													ml_suite_check_names(suite, true)));
	if (!ml_suite_insert(suite, check, name, false))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("suite \"%s\" already has a check \"%s\"", suite, name),
				 errhint("Drop it first: SELECT ml.drop_check(%s, %s);", quote_literal_cstr(suite),
						 quote_literal_cstr(name))));
	ml_suite_revise(suite);
	return name;
}

/* ---- dropping ---- */

/* Drops a check; what it found stays. */
void
ml_catalog_drop_check(const char *suite, const char *name)
{
	MlArgs		args = {0};

	(void) ml_suite_own(suite);
	ml_bind_arg_text(&args, suite);
	ml_bind_arg_text(&args, name);
	if (ml_catalog_execute("DELETE FROM ml.checks WHERE suite = $1 AND name = $2", &args, NULL) == 0)
	{
		List	   *names = list_concat(ml_suite_check_names(suite, false), ml_suite_check_names(suite, true));

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("suite \"%s\" has no check \"%s\"", suite, name),
				 names != NIL ? errdetail("Its checks are: %s.", ml_text_list(names, ML_SUITES_LISTED)) :
				 errdetail("It has no checks."),
				 errhint("%s", ml_text_hint(name, names, "Table ml.checks lists the checks of all suites."))));
	}
	ml_suite_revise(suite);
}

/* Drops a suite with its checks; what they found stays. */
void
ml_catalog_drop_suite(const char *suite)
{
	char	   *owner = ml_suite_own(suite);
	MlArgs		args = {0};

	ml_bind_arg_text(&args, suite);
	ml_catalog_execute("DELETE FROM ml.checks WHERE suite = $1", &args, NULL);
	ml_catalog_execute("DELETE FROM ml.suites WHERE suite = $1", &args, NULL);
	ml_rights_lose(owner);
}

/* ---- owners ---- */

/* Writes a suite's new owner, with a new revision: checks may hold code that runs by who the owner is. */
void
ml_suite_change_owner(const char *suite, const char *owner)
{
	MlArgs		args = {0};

	ml_bind_arg_text(&args, suite);
	ml_bind_arg_text(&args, owner);
	ml_catalog_execute("UPDATE ml.suites SET owner = $2, revision = pg_catalog.nextval('ml.suite_revision') "
					   "WHERE suite = $1", &args, NULL);
}

/* Gives a suite to another role; one that has it already, with the item, is left with a NOTICE. */
void
ml_catalog_set_suite_owner(const char *suite, Oid owner)
{
	char	   *name = GetUserNameFromId(owner, false);
	char	   *before = ml_suite_own(suite);
	MlCarrier	carrier;

	if (!superuser() && !ml_compat_can_become(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be able to SET ROLE \"%s\"", name),
				 errdetail("A suite is given only to a role that \"%s\" is a member of.",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Ask a superuser to do it.")));
	if (strcmp(before, name) == 0 && ml_access_carried(owner, &carrier))
	{
		ereport(NOTICE,
				(errmsg("suite \"%s\" already belongs to role \"%s\"", suite, name)));
		return;
	}
	ml_rights_own_suite(suite, name);
	ml_suite_change_owner(suite, name);
	if (strcmp(before, name) != 0)
		ml_rights_lose(before);
}

/* ---- learning ---- */

/* Adds learned checks but those whose names users' checks have; returns how many. */
static int
ml_suite_insert_learned(const char *suite, List *checks, List *users)
{
	List	   *taken = NIL;
	ListCell   *lc;

	foreach(lc, checks)
	{
		const MlCheck *check = lfirst(lc);
		char	   *name = ml_suite_free_name(check->name, taken);

		CHECK_FOR_INTERRUPTS();
		if (ml_text_listed(users, name))
			continue;
		if (!ml_suite_insert(suite, check, name, true))
			elog(ERROR, "check \"%s\" of suite \"%s\" is there already", name, suite);
		taken = lappend(taken, name);
	}
	return list_length(taken);
}

/* Gives a suite learned checks in place of those learned before; returns how many were added. */
int
ml_catalog_learn(const char *suite, const char *source, List *checks)
{
	MlArgs		args = {0};
	int			added;

	ml_suite_own_or_make(suite);
	ml_bind_arg_text(&args, suite);
	ml_catalog_execute("DELETE FROM ml.checks WHERE suite = $1 AND learned", &args, NULL);
	added = ml_suite_insert_learned(suite, checks, ml_suite_check_names(suite, false));
	ml_bind_arg_text(&args, source);
	ml_catalog_execute("UPDATE ml.suites SET source = $2, revision = pg_catalog.nextval('ml.suite_revision') "
					   "WHERE suite = $1", &args, NULL);
	return added;
}

/* Makes the suite of a version that is being registered; without checks there is none. */
void
ml_catalog_learn_version(const char *model, int32 version, const char *source, List *checks)
{
	char	   *suite = psprintf("%s/%d", model, version);
	MlArgs		args = {0};

	if (checks == NIL)
		return;
	ml_bind_arg_text(&args, suite);
	ml_bind_arg_text(&args, model);
	ml_bind_arg_int4(&args, version);
	ml_bind_arg_text(&args, source);
	ml_catalog_execute("INSERT INTO ml.suites (suite, model, version, source) VALUES ($1, $2, $3, $4)", &args, NULL);
	(void) ml_suite_insert_learned(suite, checks, NIL);
}
