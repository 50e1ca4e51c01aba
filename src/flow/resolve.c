/*
 * resolve.c - the version that a reference means to the current user at a moment.
 *
 * A statement asks for its model when it is planned, and again at each place
 * where it scores. The answer given last is kept, for its moment alone.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/resolve.h"
#include "store/access.h"

#define ML_RESOLVE_REF_MAX	(2 * ML_MODEL_NAME_BYTES_MAX + 1)

typedef struct MlResolveAnswer
{
	bool		valid;
	MlMoment	moment;
	char		ref[ML_RESOLVE_REF_MAX + 1];
	char		model[ML_MODEL_NAME_BYTES_MAX + 1];
	char		owner[NAMEDATALEN];
	int32		version;
	uint8		digest[ML_DIGEST_BYTES];
} MlResolveAnswer;

static MlResolveAnswer ml_resolve_last;

static void
ml_resolve_keep(const char *ref, const MlMoment *moment, const MlVersionRef *version)
{
	ml_resolve_last.valid = strlen(ref) <= ML_RESOLVE_REF_MAX;
	ml_resolve_last.moment = *moment;
	strlcpy(ml_resolve_last.ref, ref, sizeof ml_resolve_last.ref);
	strlcpy(ml_resolve_last.model, version->model, sizeof ml_resolve_last.model);
	strlcpy(ml_resolve_last.owner, version->owner, sizeof ml_resolve_last.owner);
	ml_resolve_last.version = version->version;
	memcpy(ml_resolve_last.digest, version->digest, ML_DIGEST_BYTES);
}

bool
ml_resolve(const char *ref, const MlMoment *moment, bool missing_ok, MlVersionRef *version)
{
	if (ml_resolve_last.valid && ml_moment_equal(moment, &ml_resolve_last.moment) &&
		strcmp(ref, ml_resolve_last.ref) == 0)
	{
		version->model = pstrdup(ml_resolve_last.model);
		version->owner = pstrdup(ml_resolve_last.owner);
		version->version = ml_resolve_last.version;
		memcpy(version->digest, ml_resolve_last.digest, ML_DIGEST_BYTES);
		return true;
	}
	if (missing_ok)
	{
		if (!ml_catalog_find(ref, version) || !ml_access_allowed(version->model, version->owner, ML_PRIV_USE))
			return false;
	}
	else
	{
		ml_catalog_resolve(ref, version);
		ml_access_require(version->model, version->owner, ML_PRIV_USE);
	}
	ml_resolve_keep(ref, moment, version);
	return true;
}
