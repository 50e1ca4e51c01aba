/*
 * aside.c - reading in a job: what is needed for it is let go of before the computing begins.
 *
 * After an error the transaction ends as a whole, and the subtransaction with
 * it: only job workers read like this.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "flow/aside.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

void
ml_aside_begin(MlAside *aside, bool on)
{
	aside->on = on;
	if (!on)
		return;
	aside->context = CurrentMemoryContext;
	aside->owner = CurrentResourceOwner;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(aside->context);
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
ml_aside_end(const MlAside *aside)
{
	if (!aside->on)
		return;
	PopActiveSnapshot();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(aside->context);
	CurrentResourceOwner = aside->owner;
	InvalidateCatalogSnapshotConditionally();
}
