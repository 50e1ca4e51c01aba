/*
 * team.c - this backend and parallel workers computing on the same memory.
 *
 * The parallel context belongs to the transaction: an error destroys it,
 * which ends the workers and removes the memory. The server wants a snapshot
 * to start workers with, and gives it to them. A leader that has none borrows
 * one until all of them have come, and they let go of theirs meanwhile: then
 * nobody of the team keeps rows from VACUUM while it computes.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/pages.h"
#include "base/team.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/paths.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "storage/condition_variable.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#define ML_TEAM_KEY_HEADER	UINT64CONST(0x4D4C000000000001)
#define ML_TEAM_KEY_MEMORY	UINT64CONST(0x4D4C000000000002)

/* What the members share beside the task's memory. */
typedef struct MlTeamHeader
{
	pg_atomic_uint32 members;	/* 0 until all have come */
	pg_atomic_uint32 joined;	/* workers that have let go of their snapshots */
	bool		bare;			/* no member holds a snapshot */
	ConditionVariable complete;
	Barrier		barrier;
} MlTeamHeader;

struct MlTeam
{
	ParallelContext *context;	/* NULL without workers, and in a worker */
	bool		bare;			/* the leader holds no snapshot of its own */
	MlTeamHeader *header;
	void	   *memory;
};

/* Of this backend, for whoever records the training. */
static int	ml_team_most = 0;

void
ml_team_forget_helpers(void)
{
	ml_team_most = 0;
}

int
ml_team_helped(void)
{
	return ml_team_most;
}

int
ml_team_workers(Size bytes)
{
	Size		unit = (Size) min_parallel_table_scan_size * BLCKSZ;
	Size		most = max_parallel_workers_per_gather;

	return (int) (unit == 0 ? most : Min(most, bytes / unit));
}

void *
ml_team_own(Size bytes)
{
	char	   *memory = MemoryContextAllocHuge(CurrentMemoryContext, bytes + PG_CACHE_LINE_SIZE);

	ml_pages_advise(memory, bytes);
	return (void *) TYPEALIGN(PG_CACHE_LINE_SIZE, memory);
}

void
ml_team_breathe(void *ctx)
{
	CHECK_FOR_INTERRUPTS();
}

MlTeam *
ml_team_begin(int workers, Size bytes, const char *function)
{
	MlTeam	   *team = palloc0(sizeof(MlTeam));
	ParallelContext *context;

	if (workers > 0)
	{
		team->bare = !ActiveSnapshotSet();
		if (team->bare)
			PushActiveSnapshot(GetTransactionSnapshot());
		EnterParallelMode();
		context = CreateParallelContext("pg_mlops", function, workers);
		shm_toc_estimate_chunk(&context->estimator, sizeof(MlTeamHeader));
		shm_toc_estimate_chunk(&context->estimator, bytes);
		shm_toc_estimate_keys(&context->estimator, 2);
		InitializeParallelDSM(context);
		team->context = context;
		/* no segment was to be had: it goes on alone */
		if (context->seg != NULL)
		{
			team->header = shm_toc_allocate(context->toc, sizeof(MlTeamHeader));
			pg_atomic_init_u32(&team->header->members, 0);
			pg_atomic_init_u32(&team->header->joined, 0);
			team->header->bare = team->bare;
			ConditionVariableInit(&team->header->complete);
			team->memory = shm_toc_allocate(context->toc, bytes);
			ml_pages_advise(team->memory, bytes);
			shm_toc_insert(context->toc, ML_TEAM_KEY_HEADER, team->header);
			shm_toc_insert(context->toc, ML_TEAM_KEY_MEMORY, team->memory);
		}
	}
	if (team->memory == NULL)
		team->memory = ml_team_own(bytes);
	return team;
}

void *
ml_team_memory(MlTeam *team)
{
	return team->memory;
}

/* Lets go of the borrowed snapshot once every worker has begun with it and let go of its own. */
static void
ml_team_bare(MlTeam *team, int workers)
{
	if (!team->bare)
		return;
	if (workers > 0)
	{
		ConditionVariablePrepareToSleep(&team->header->complete);
		while ((int) pg_atomic_read_u32(&team->header->joined) < workers)
			ConditionVariableSleep(&team->header->complete, PG_WAIT_EXTENSION);
		ConditionVariableCancelSleep();
	}
	PopActiveSnapshot();
	InvalidateCatalogSnapshotConditionally();
}

int
ml_team_launch(MlTeam *team)
{
	int			members = 1;

	if (team->header == NULL)
	{
		ml_team_bare(team, 0);
		return 1;
	}
	LaunchParallelWorkers(team->context);
	WaitForParallelWorkersToAttach(team->context);
	members += team->context->nworkers_launched;
	ml_team_most = Max(ml_team_most, team->context->nworkers_launched);
	BarrierInit(&team->header->barrier, members);
	pg_atomic_write_u32(&team->header->members, members);
	ConditionVariableBroadcast(&team->header->complete);
	ml_team_bare(team, members - 1);
	return members;
}

MlTeam *
ml_team_join(dsm_segment *segment, shm_toc *toc, int *me, int *members)
{
	MlTeam	   *team = palloc0(sizeof(MlTeam));

	team->header = shm_toc_lookup(toc, ML_TEAM_KEY_HEADER, false);
	team->memory = shm_toc_lookup(toc, ML_TEAM_KEY_MEMORY, false);
	ConditionVariablePrepareToSleep(&team->header->complete);
	while ((*members = (int) pg_atomic_read_u32(&team->header->members)) == 0)
		ConditionVariableSleep(&team->header->complete, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	if (team->header->bare)
	{
		PopActiveSnapshot();
		InvalidateCatalogSnapshotConditionally();
		pg_atomic_fetch_add_u32(&team->header->joined, 1);
		ConditionVariableBroadcast(&team->header->complete);
	}
	*me = ParallelWorkerNumber + 1;
	return team;
}

void
ml_team_leave(MlTeam *team)
{
	/* the server takes back the snapshot that it gave */
	if (team->header->bare)
		PushActiveSnapshot(GetTransactionSnapshot());
}

void
ml_team_meet(void *team)
{
	BarrierArriveAndWait(&((MlTeam *) team)->header->barrier, PG_WAIT_EXTENSION);
}

void
ml_team_end(MlTeam *team)
{
	if (team->context == NULL)
		return;
	WaitForParallelWorkersToFinish(team->context);
	DestroyParallelContext(team->context);
	ExitParallelMode();
}
