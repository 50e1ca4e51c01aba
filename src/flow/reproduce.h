/*
 * reproduce.h - a version's training once more, and whether the same comes of it.
 */
#ifndef ML_REPRODUCE_H
#define ML_REPRODUCE_H

#include "nodes/pg_list.h"

typedef struct MlReproduction
{
	bool		identical;
	char	   *expected;		/* SHA-256 in hex */
	char	   *actual;			/* NULL: the training could not be repeated */
	bool		source_known;	/* whether today's source was compared */
	bool		source_unchanged;
	List	   *notes;			/* char * */
} MlReproduction;

/*
 * Repeats the training of a version by its recorded call, from the copy of
 * its rows where there is one and else from the source, with the rights of
 * who trained. Registers nothing but a run, and not that in a read-only
 * transaction. Needs the privilege to read the model. Palloc'd in the current
 * context.
 */
extern void ml_reproduce_run(const char *ref, MlReproduction *out);

#endif							/* ML_REPRODUCE_H */
