/*
 * aside.h - reading in a job: what is needed for it is let go of before the computing begins.
 *
 * A job that held its locks and its snapshot while it computes would keep
 * others from changing the source, and VACUUM from removing rows, for as long.
 * So it reads in a subtransaction that is rolled back when the rows are in
 * memory. What was allocated and opened meanwhile stays if it belongs to a
 * context and a resource owner from before.
 */
#ifndef ML_ASIDE_H
#define ML_ASIDE_H

#include "utils/palloc.h"
#include "utils/resowner.h"

typedef struct MlAside
{
	bool		on;
	MemoryContext context;
	ResourceOwner owner;
} MlAside;

/* Begins, with an active snapshot; nothing happens unless on. The memory context stays the current one. */
extern void ml_aside_begin(MlAside *aside, bool on);

/* Ends, and leaves neither locks nor a snapshot. */
extern void ml_aside_end(const MlAside *aside);

#endif							/* ML_ASIDE_H */
