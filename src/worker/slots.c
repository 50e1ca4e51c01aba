/*
 * slots.c - what the launcher, the workers and sessions tell each other, in shared memory.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared.h"
#include "worker/slots.h"

MlWorkers  *ml_workers = NULL;
LWLock	   *ml_workers_lock = NULL;

static Size
ml_slots_size(void)
{
	return sizeof(MlWorkers);
}

static void
ml_slots_init(void *place)
{
	MlWorkers  *workers = place;

	memset(workers, 0, sizeof(MlWorkers));
	ConditionVariableInit(&workers->changed);
}

static void ml_slots_attach(void *place);

static const MlSharedPart ml_slots_part = {
	.name = "pg_mlops workers",
	.size = ml_slots_size,
	.init = ml_slots_init,
	.attach = ml_slots_attach,
	.nlocks = 1
};

static void
ml_slots_attach(void *place)
{
	ml_workers = place;
	ml_workers_lock = &ml_shared_locks(&ml_slots_part)->lock;
}

void
ml_slots_announce(void)
{
	ml_shared_add(&ml_slots_part);
}

MlWorkerSlot *
ml_slot_find(Oid database, bool make)
{
	MlWorkerSlot *vacant = NULL;

	for (int i = 0; i < ML_WORKER_SLOTS; i++)
	{
		MlWorkerSlot *slot = &ml_workers->slots[i];

		if (slot->database == database)
			return slot;
		if (!OidIsValid(slot->database) && vacant == NULL)
			vacant = slot;
	}
	if (!make || vacant == NULL)
		return NULL;
	memset(vacant, 0, sizeof(MlWorkerSlot));
	vacant->database = database;
	return vacant;
}

void
ml_slots_call_launcher(void)
{
	if (ml_workers->launcher)
		SetLatch(ml_workers->launcher);
}

void
ml_slot_call(const MlWorkerSlot *slot)
{
	if (slot->latch)
		SetLatch(slot->latch);
	else
		ml_slots_call_launcher();
}
