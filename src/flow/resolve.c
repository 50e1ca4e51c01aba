/*
 * resolve.c - the versions that a reference means to the current user at a moment.
 *
 * A statement asks for its model when it is planned, and again at each place
 * where it scores. The answer given last is kept whole, for its moment alone;
 * one of more versions than there is room for, or with slices, is not kept.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/resolve.h"
#include "store/access.h"

#define ML_RESOLVE_REF_MAX	(2 * ML_MODEL_NAME_BYTES_MAX + 1)
#define ML_RESOLVE_VERSIONS_MAX 8

typedef struct MlResolveAnswer
{
	bool		valid;
	MlMoment	moment;
	char		ref[ML_RESOLVE_REF_MAX + 1];
	char		model[ML_MODEL_NAME_BYTES_MAX + 1];
	char		owner[NAMEDATALEN];
	bool		deployed;
	MlInvalidPolicy invalid;
	int64		window_us;
	double		log_fraction;
	int			count;
	MlServed	versions[ML_RESOLVE_VERSIONS_MAX];	/* model and owner stand above */
} MlResolveAnswer;

static MlResolveAnswer ml_resolve_last;

static void
ml_resolve_keep(const char *ref, const MlMoment *moment, const MlServing *serving)
{
	MlResolveAnswer *last = &ml_resolve_last;

	/* names of slices would need room of their own */
	last->valid = strlen(ref) <= ML_RESOLVE_REF_MAX && serving->count <= ML_RESOLVE_VERSIONS_MAX &&
		serving->slices == NIL;
	if (!last->valid)
		return;
	last->moment = *moment;
	strlcpy(last->ref, ref, sizeof last->ref);
	strlcpy(last->model, serving->versions[0].version.model, sizeof last->model);
	strlcpy(last->owner, serving->versions[0].version.owner, sizeof last->owner);
	last->deployed = serving->deployed;
	last->invalid = serving->invalid;
	last->window_us = serving->window_us;
	last->log_fraction = serving->log_fraction;
	last->count = serving->count;
	memcpy(last->versions, serving->versions, sizeof(MlServed) * serving->count);
}

/* The answer that is kept, as a copy of its own. */
static void
ml_resolve_recall(MlServing *serving)
{
	const MlResolveAnswer *last = &ml_resolve_last;
	char	   *model = pstrdup(last->model);
	char	   *owner = pstrdup(last->owner);

	serving->deployed = last->deployed;
	serving->invalid = last->invalid;
	serving->window_us = last->window_us;
	serving->log_fraction = last->log_fraction;
	serving->slices = NIL;
	serving->count = last->count;
	serving->versions = palloc(sizeof(MlServed) * last->count);
	memcpy(serving->versions, last->versions, sizeof(MlServed) * last->count);
	for (int i = 0; i < last->count; i++)
	{
		serving->versions[i].version.model = model;
		serving->versions[i].version.owner = owner;
	}
}

bool
ml_resolve(const char *ref, const MlMoment *moment, bool missing_ok, MlServing *serving)
{
	const MlVersionRef *answers;

	if (ml_resolve_last.valid && ml_moment_equal(moment, &ml_resolve_last.moment) &&
		strcmp(ref, ml_resolve_last.ref) == 0)
	{
		ml_resolve_recall(serving);
		return true;
	}
	if (!ml_catalog_serving(ref, missing_ok, serving))
		return false;
	answers = &serving->versions[0].version;
	if (!missing_ok)
		ml_access_require(answers->model, answers->owner, ML_PRIV_USE);
	else if (!ml_access_allowed(answers->model, answers->owner, ML_PRIV_USE))
		return false;
	ml_resolve_keep(ref, moment, serving);
	return true;
}
