/*
 * rights.c - whether the current user holds a privilege, for whoever asks it of every row.
 *
 * Row security asks for each row of a table. The answers are kept for one
 * moment of one statement, in a table that the backend owns and that begins
 * anew when it has grown large: a new statement, SET ROLE, ml.grant and
 * ml.revoke find nothing in it that holds.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/moment.h"
#include "flow/rights.h"
#include "store/catalog.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* More answers are not kept. */
#define ML_RIGHTS_MAX	65536

typedef struct MlRightKey
{
	char		model[ML_MODEL_NAME_BYTES_MAX + 1];
	int32		privilege;
} MlRightKey;

typedef struct MlRight
{
	MlRightKey	key;
	uint64		age;			/* of the moment it was found in */
	bool		held;
} MlRight;

static HTAB *ml_rights;
static MlMoment ml_rights_moment;
static TimestampTz ml_rights_statement;
static uint64 ml_rights_age;

/* Tells answers of this moment from older ones. */
static void
ml_rights_begin(void)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	MlMoment	now;
	HASHCTL		control;

	ml_moment_now(&now);
	if (statement != ml_rights_statement || !ml_moment_equal(&now, &ml_rights_moment))
	{
		ml_rights_moment = now;
		ml_rights_statement = statement;
		ml_rights_age++;
	}
	if (ml_rights != NULL && hash_get_num_entries(ml_rights) >= ML_RIGHTS_MAX)
	{
		hash_destroy(ml_rights);
		ml_rights = NULL;
	}
	if (ml_rights == NULL)
	{
		memset(&control, 0, sizeof control);
		control.keysize = sizeof(MlRightKey);
		control.entrysize = sizeof(MlRight);
		control.hcxt = TopMemoryContext;
		ml_rights = hash_create("pg_mlops rights", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
}

bool
ml_rights_held(const char *model, MlPrivilege privilege)
{
	MlRightKey	key;
	MlRight    *right;
	char	   *owner;
	bool		held;

	if (strlen(model) > ML_MODEL_NAME_BYTES_MAX)
		return false;
	ml_rights_begin();
	memset(&key, 0, sizeof key);
	strlcpy(key.model, model, sizeof key.model);
	key.privilege = privilege;
	right = hash_search(ml_rights, &key, HASH_FIND, NULL);
	if (right != NULL && right->age == ml_rights_age)
		return right->held;
	held = ml_catalog_model_exists(model, &owner) && ml_access_allowed(model, owner, privilege);
	right = hash_search(ml_rights, &key, HASH_ENTER, NULL);
	right->age = ml_rights_age;
	right->held = held;
	return held;
}
