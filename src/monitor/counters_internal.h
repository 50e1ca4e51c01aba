/*
 * counters_internal.h - what the session's counters and the shared ones know of each other.
 */
#ifndef ML_COUNTERS_INTERNAL_H
#define ML_COUNTERS_INTERNAL_H

#include "monitor/counters.h"

/* A counter with what its counts are added to. */
typedef struct MlHeldCounter
{
	MlCounter	counter;
	MlServingKey key;
	int64		window_us;
	uint64		config;
	int			nslices;
	int		   *slices;			/* columns of the baseline */
	char	   *slice_names;	/* their names, each with its zero behind it */
	Size		slice_bytes;
	int			refs;			/* call sites */
	bool		active;			/* in the list of those that may have something to hand over */
	bool		retired;		/* another has taken its place */
	MemoryContext context;
	Size		bytes;			/* of the context */
	struct MlHeldCounter *next; /* of the active ones */
} MlHeldCounter;

/* Counts the rows of the block into words of the counter's shape, and empties it. */
extern void ml_counter_count(MlHeldCounter *held, int64 *words);

/* Attaches to shared memory; may raise an error. */
extern void ml_counters_attach(void);

/* Adds what a counter has to shared memory, and clears it. Raises no error. */
extern void ml_counters_give(MlHeldCounter *held);

#endif							/* ML_COUNTERS_INTERNAL_H */
