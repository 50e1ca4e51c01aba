/*
 * moment.h - what identifies a statement to something that outlives it, as expressions of PL/pgSQL do.
 *
 * Equal moments mean that the same rows are visible to the same user.
 */
#ifndef ML_MOMENT_H
#define ML_MOMENT_H

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/snapmgr.h"

typedef struct MlMoment
{
	LocalTransactionId transaction;
	SubTransactionId savepoint; /* one that is rolled back takes its deployments along, at the same command */
	CommandId	command;
	TransactionId xmin;
	TransactionId xmax;
	uint64		completed;
	Oid			user;
} MlMoment;

static inline void
ml_moment_now(MlMoment *moment)
{
	Snapshot	snapshot = ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot();

	moment->transaction = ml_compat_lxid(MyProc);
	moment->savepoint = GetCurrentSubTransactionId();
	moment->command = snapshot->curcid;
	moment->xmin = snapshot->xmin;
	moment->xmax = snapshot->xmax;
	moment->completed = snapshot->snapXactCompletionCount;
	moment->user = GetUserId();
}

static inline bool
ml_moment_equal(const MlMoment *a, const MlMoment *b)
{
	return a->transaction == b->transaction && a->savepoint == b->savepoint && a->command == b->command &&
		a->xmin == b->xmin && a->xmax == b->xmax && a->completed == b->completed && a->user == b->user;
}

#endif							/* ML_MOMENT_H */
