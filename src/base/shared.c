/*
 * shared.c - what the library keeps in the server's main shared memory.
 *
 * The hooks are set only while shared_preload_libraries are loaded, and call
 * those that were there before.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define ML_SHARED_PARTS_MAX	8

static const MlSharedPart *ml_shared_parts[ML_SHARED_PARTS_MAX];
static int	ml_shared_nparts = 0;
static bool ml_shared_made = false;
static shmem_request_hook_type ml_shared_before_request = NULL;
static shmem_startup_hook_type ml_shared_before_startup = NULL;

void
ml_shared_add(const MlSharedPart *part)
{
	Assert(process_shared_preload_libraries_in_progress && ml_shared_nparts < ML_SHARED_PARTS_MAX);
	ml_shared_parts[ml_shared_nparts++] = part;
}

bool
ml_shared_ready(void)
{
	return ml_shared_made;
}

LWLockPadded *
ml_shared_locks(const MlSharedPart *part)
{
	return GetNamedLWLockTranche(part->name);
}

static void
ml_shared_request(void)
{
	if (ml_shared_before_request)
		ml_shared_before_request();
	for (int i = 0; i < ml_shared_nparts; i++)
	{
		RequestAddinShmemSpace(MAXALIGN(ml_shared_parts[i]->size()));
		if (ml_shared_parts[i]->extra)
			RequestAddinShmemSpace(ml_shared_parts[i]->extra());
		if (ml_shared_parts[i]->nlocks > 0)
			RequestNamedLWLockTranche(ml_shared_parts[i]->name, ml_shared_parts[i]->nlocks);
	}
}

static void
ml_shared_startup(void)
{
	if (ml_shared_before_startup)
		ml_shared_before_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < ml_shared_nparts; i++)
	{
		bool		found;
		void	   *place = ShmemInitStruct(ml_shared_parts[i]->name, ml_shared_parts[i]->size(), &found);

		if (!found)
			ml_shared_parts[i]->init(place);
		ml_shared_parts[i]->attach(place);
	}
	ml_shared_made = true;
	LWLockRelease(AddinShmemInitLock);
}

void
ml_shared_install(void)
{
	ml_shared_before_request = shmem_request_hook;
	shmem_request_hook = ml_shared_request;
	ml_shared_before_startup = shmem_startup_hook;
	shmem_startup_hook = ml_shared_startup;
}
