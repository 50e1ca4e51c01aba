/*
 * progress.c - how far the trainings of this server are, and which processes run jobs.
 *
 * Slots are taken, given back and searched under the part's lock; the figures
 * in them are single words that their process writes without it. A process
 * gives its slot back before it leaves shared memory, so under the lock the
 * pid of a slot is alive.
 */
#include "postgres.h"

#include <signal.h>

#include "base/compat.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "monitor/progress.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define ML_PROGRESS_NAME_MAX	64

typedef struct MlProgressSlot
{
	int32		pid;			/* 0: free */
	Oid			database;
	Oid			role;
	int64		job;			/* 0: none */
	bool		training;
	bool		cancelled;
	char		model[ML_PROGRESS_NAME_MAX];
	char		cancelled_by[NAMEDATALEN];
	pg_atomic_uint32 phase;
	pg_atomic_uint64 rows_done;
	pg_atomic_uint64 rows_total;
	pg_atomic_uint64 iterations_done;
	pg_atomic_uint64 iterations_total;
	pg_atomic_uint64 memory_bytes;
} MlProgressSlot;

typedef struct MlProgressShared
{
	TimestampTz life;
	int			nslots;
	MlProgressSlot slots[FLEXIBLE_ARRAY_MEMBER];
} MlProgressShared;

static MlProgressShared *ml_progress_shared = NULL;
static MlProgressSlot *ml_progress_mine = NULL;

static Size
ml_progress_size(void)
{
	return offsetof(MlProgressShared, slots) + sizeof(MlProgressSlot) * (Size) MaxBackends;
}

static void
ml_progress_clear(MlProgressSlot *slot)
{
	slot->pid = 0;
	slot->job = 0;
	slot->training = slot->cancelled = false;
	pg_atomic_write_u32(&slot->phase, ML_PHASE_STARTING);
	pg_atomic_write_u64(&slot->rows_done, 0);
	pg_atomic_write_u64(&slot->rows_total, (uint64) ML_PROGRESS_UNKNOWN);
	pg_atomic_write_u64(&slot->iterations_done, (uint64) ML_PROGRESS_UNKNOWN);
	pg_atomic_write_u64(&slot->iterations_total, (uint64) ML_PROGRESS_UNKNOWN);
	pg_atomic_write_u64(&slot->memory_bytes, 0);
}

static void
ml_progress_init(void *place)
{
	MlProgressShared *shared = place;

	shared->life = GetCurrentTimestamp();
	shared->nslots = MaxBackends;
	for (int i = 0; i < shared->nslots; i++)
	{
		MlProgressSlot *slot = &shared->slots[i];

		memset(slot, 0, sizeof *slot);
		pg_atomic_init_u32(&slot->phase, 0);
		pg_atomic_init_u64(&slot->rows_done, 0);
		pg_atomic_init_u64(&slot->rows_total, 0);
		pg_atomic_init_u64(&slot->iterations_done, 0);
		pg_atomic_init_u64(&slot->iterations_total, 0);
		pg_atomic_init_u64(&slot->memory_bytes, 0);
		ml_progress_clear(slot);
	}
}

static void
ml_progress_attach(void *place)
{
	ml_progress_shared = place;
	ml_progress_mine = NULL;
}

static const MlSharedPart ml_progress_part = {
	"pg_mlops progress", ml_progress_size, ml_progress_init, ml_progress_attach, 1
};

void
ml_progress_announce(void)
{
	ml_shared_add(&ml_progress_part);
}

static LWLock *
ml_progress_lock(void)
{
	return &ml_shared_locks(&ml_progress_part)->lock;
}

TimestampTz
ml_progress_life(void)
{
	return ml_progress_shared ? ml_progress_shared->life : 0;
}

/* ---- this process ---- */

static void
ml_progress_give_back(void)
{
	if (ml_progress_mine == NULL)
		return;
	LWLockAcquire(ml_progress_lock(), LW_EXCLUSIVE);
	ml_progress_clear(ml_progress_mine);
	LWLockRelease(ml_progress_lock());
	ml_progress_mine = NULL;
}

static void
ml_progress_exit(int code, Datum arg)
{
	ml_progress_give_back();
}

/* Takes a slot unless this process has one; there is one for every process that can be. */
static void
ml_progress_take(int64 job)
{
	static int	registered_for = 0;

	if (ml_progress_shared == NULL || ml_progress_mine != NULL)
		return;
	if (registered_for != MyProcPid)
	{
		before_shmem_exit(ml_progress_exit, 0);
		registered_for = MyProcPid;
	}
	LWLockAcquire(ml_progress_lock(), LW_EXCLUSIVE);
	for (int i = 0; i < ml_progress_shared->nslots && ml_progress_mine == NULL; i++)
		if (ml_progress_shared->slots[i].pid == 0)
			ml_progress_mine = &ml_progress_shared->slots[i];
	if (ml_progress_mine)
	{
		ml_progress_mine->pid = MyProcPid;
		ml_progress_mine->database = MyDatabaseId;
		ml_progress_mine->role = GetUserId();
		ml_progress_mine->job = job;
	}
	LWLockRelease(ml_progress_lock());
}

void
ml_progress_job(int64 job)
{
	ml_progress_take(job);
}

void
ml_progress_begin(const char *model)
{
	ml_progress_take(0);
	if (ml_progress_mine == NULL)
		return;
	LWLockAcquire(ml_progress_lock(), LW_EXCLUSIVE);
	ml_progress_mine->role = GetUserId();
	strlcpy(ml_progress_mine->model, model, ML_PROGRESS_NAME_MAX);
	ml_progress_mine->training = true;
	LWLockRelease(ml_progress_lock());
}

void
ml_progress_end(void)
{
	/* a job is its process's, which ends with it */
	if (ml_progress_mine == NULL || ml_progress_mine->job != 0)
		return;
	ml_progress_give_back();
}

void
ml_progress_phase(MlPhase phase)
{
	if (ml_progress_mine)
		pg_atomic_write_u32(&ml_progress_mine->phase, phase);
}

void
ml_progress_rows(int64 done, int64 total)
{
	if (ml_progress_mine == NULL)
		return;
	pg_atomic_write_u64(&ml_progress_mine->rows_done, (uint64) done);
	pg_atomic_write_u64(&ml_progress_mine->rows_total, (uint64) total);
}

void
ml_progress_iterations(int64 done, int64 total)
{
	if (ml_progress_mine == NULL)
		return;
	pg_atomic_write_u64(&ml_progress_mine->iterations_done, (uint64) done);
	pg_atomic_write_u64(&ml_progress_mine->iterations_total, (uint64) total);
}

void
ml_progress_memory(int64 bytes)
{
	if (ml_progress_mine)
		pg_atomic_write_u64(&ml_progress_mine->memory_bytes, (uint64) bytes);
}

const char *
ml_progress_cancelled(void)
{
	return ml_progress_mine && ml_progress_mine->cancelled ? ml_progress_mine->cancelled_by : NULL;
}

/* ---- others ---- */

List *
ml_progress_list(void)
{
	List	   *list = NIL;
	MlProgress *all;
	int			n = 0;

	if (ml_progress_shared == NULL)
		return NIL;
	all = palloc0(sizeof(MlProgress) * ml_progress_shared->nslots);
	for (int i = 0; i < ml_progress_shared->nslots; i++)
		all[i].model = palloc0(ML_PROGRESS_NAME_MAX);
	LWLockAcquire(ml_progress_lock(), LW_SHARED);
	for (int i = 0; i < ml_progress_shared->nslots; i++)
	{
		MlProgressSlot *slot = &ml_progress_shared->slots[i];
		MlProgress *out = &all[n];

		if (slot->pid == 0 || !slot->training || slot->database != MyDatabaseId)
			continue;
		out->pid = slot->pid;
		out->role = slot->role;
		out->job = slot->job;
		strlcpy(out->model, slot->model, ML_PROGRESS_NAME_MAX);
		out->phase = (MlPhase) pg_atomic_read_u32(&slot->phase);
		out->rows_done = (int64) pg_atomic_read_u64(&slot->rows_done);
		out->rows_total = (int64) pg_atomic_read_u64(&slot->rows_total);
		out->iterations_done = (int64) pg_atomic_read_u64(&slot->iterations_done);
		out->iterations_total = (int64) pg_atomic_read_u64(&slot->iterations_total);
		out->memory_bytes = (int64) pg_atomic_read_u64(&slot->memory_bytes);
		n++;
	}
	LWLockRelease(ml_progress_lock());
	for (int i = 0; i < n; i++)
		list = lappend(list, &all[i]);
	return list;
}

const char *
ml_progress_phase_name(MlPhase phase)
{
	static const char *const names[] = {
		[ML_PHASE_STARTING] = "starting",
		[ML_PHASE_CHECKING] = "checking",
		[ML_PHASE_LOADING] = "loading",
		[ML_PHASE_SEARCHING] = "searching",
		[ML_PHASE_FITTING] = "fitting",
		[ML_PHASE_JUDGING] = "judging",
		[ML_PHASE_REGISTERING] = "registering",
	};

	return names[phase];
}

bool
ml_progress_cancel(int64 job, const char *by)
{
	bool		found = false;

	if (ml_progress_shared == NULL)
		return false;
	LWLockAcquire(ml_progress_lock(), LW_EXCLUSIVE);
	for (int i = 0; i < ml_progress_shared->nslots && !found; i++)
	{
		MlProgressSlot *slot = &ml_progress_shared->slots[i];

		if (slot->pid == 0 || slot->job != job || slot->database != MyDatabaseId)
			continue;
		found = true;
		slot->cancelled = true;
		strlcpy(slot->cancelled_by, by, NAMEDATALEN);
		(void) kill(slot->pid, SIGINT);
	}
	LWLockRelease(ml_progress_lock());
	return found;
}
