/*
 * environment.c - where a run takes place: what ml.runs.environment has of every run.
 *
 * The level of vector instructions is not among it: the kernels of src/math/
 * give the same bits at every level. The version of the server is that of the
 * one that runs, not of the one that the library was built for.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/platform.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "flow/environment.h"
#include "miscadmin.h"
#include "utils/guc.h"

/* No library of linear algebra is called. */
#define ML_BLAS		"none: own kernels"

static void
ml_environment_put(StringInfo out, const char *name, const char *value)
{
	appendStringInfoString(out, out->data[out->len - 1] == '{' ? "" : ", ");
	ml_json_text(out, name);
	appendStringInfoString(out, ": ");
	ml_json_text(out, value);
}

void
ml_environment_begin(StringInfo out, const char *login, const char *search_path)
{
	appendStringInfoChar(out, '{');
	ml_environment_put(out, "extension_version", ML_VERSION);
	ml_environment_put(out, "server_version", GetConfigOption("server_version", false, false));
	ml_environment_put(out, "platform", ml_platform_name());
	ml_environment_put(out, "compiler", ml_platform_compiler());
	ml_environment_put(out, "c_library", ml_platform_c_library());
	ml_environment_put(out, "blas", ML_BLAS);
	ml_environment_put(out, "application_name", application_name ? application_name : "");
	ml_environment_put(out, "session_user", login ? login : GetUserNameFromId(GetSessionUserId(), false));
	/* the names in a source resolve by it */
	ml_environment_put(out, "search_path", search_path ? search_path : namespace_search_path);
}

char *
ml_environment_of_session(void)
{
	StringInfoData out;

	initStringInfo(&out);
	ml_environment_begin(&out, NULL, NULL);
	appendStringInfoChar(&out, '}');
	return out.data;
}
