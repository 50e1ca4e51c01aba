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
#include "flow/guard.h"
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

/* The longest qualified name of a relation, both parts quoted, every byte of them a quote. */
#define ML_RIGHTS_RELATION_MAX	(4 * NAMEDATALEN + 4)

/* Whether rows that a guard has set aside are the current user's. */
typedef struct MlMendKey
{
	int64		guard;
	NameData	owner;
	char		relation[ML_RIGHTS_RELATION_MAX];
} MlMendKey;

typedef struct MlMend
{
	MlMendKey	key;
	uint64		age;
	bool		held;
} MlMend;

static HTAB *ml_rights;
static HTAB *ml_mends;
static MlMoment ml_rights_moment;
static TimestampTz ml_rights_statement;
static uint64 ml_rights_age;

/* Tells answers of this moment from older ones. */
static void
ml_rights_begin(void)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	MlMoment	now;

	ml_moment_now(&now);
	if (statement != ml_rights_statement || !ml_moment_equal(&now, &ml_rights_moment))
	{
		ml_rights_moment = now;
		ml_rights_statement = statement;
		ml_rights_age++;
	}
}

/* Makes a table of answers, anew when it has grown large. */
static void
ml_rights_table(HTAB **table, const char *name, Size key, Size entry)
{
	HASHCTL		control;

	ml_rights_begin();
	if (*table != NULL && hash_get_num_entries(*table) >= ML_RIGHTS_MAX)
	{
		hash_destroy(*table);
		*table = NULL;
	}
	if (*table == NULL)
	{
		memset(&control, 0, sizeof control);
		control.keysize = key;
		control.entrysize = entry;
		control.hcxt = TopMemoryContext;
		*table = hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
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
	ml_rights_table(&ml_rights, "pg_mlops rights", sizeof(MlRightKey), sizeof(MlRight));
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

bool
ml_rights_mend(int64 guard, const char *relation, const char *owner)
{
	MlMendKey	key;
	MlMend	   *mend;
	bool		held;

	if (strlen(relation) >= sizeof key.relation)
		return ml_guard_may_mend(guard, relation, owner);
	ml_rights_table(&ml_mends, "pg_mlops rights on quarantined rows", sizeof(MlMendKey), sizeof(MlMend));
	memset(&key, 0, sizeof key);
	key.guard = guard;
	strlcpy(NameStr(key.owner), owner, NAMEDATALEN);
	strlcpy(key.relation, relation, sizeof key.relation);
	mend = hash_search(ml_mends, &key, HASH_FIND, NULL);
	if (mend != NULL && mend->age == ml_rights_age)
		return mend->held;
	held = ml_guard_may_mend(guard, relation, owner);
	mend = hash_search(ml_mends, &key, HASH_ENTER, NULL);
	mend->age = ml_rights_age;
	mend->held = held;
	return held;
}
