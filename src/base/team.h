/*
 * team.h - this backend and parallel workers computing on the same memory.
 *
 * begin gives the memory, launch starts the workers, who wait there until all
 * have come; from then on the members meet where they have to wait for each
 * other, asleep. Without workers the memory is this backend's own. An error
 * in a member ends the others: workers are children of the transaction.
 * Between launch and end, a team whose leader holds no snapshot holds none.
 */
#ifndef ML_TEAM_H
#define ML_TEAM_H

#include "storage/dsm.h"
#include "storage/shm_toc.h"

typedef struct MlTeam MlTeam;

/*
 * How many workers suit a task that reads so many bytes again and again:
 * max_parallel_workers_per_gather at most, one for every
 * min_parallel_table_scan_size.
 */
extern int	ml_team_workers(Size bytes);

/* Shared memory for a task and up to so many workers, which will run the function of this library named. */
extern MlTeam *ml_team_begin(int workers, Size bytes, const char *function);

extern void *ml_team_memory(MlTeam *team);

/* Starts the workers there are and waits for them; returns the number of members. */
extern int	ml_team_launch(MlTeam *team);

/* Counts helpers anew: a training begins. */
extern void ml_team_forget_helpers(void);

/* The most workers that helped in a team of this backend since then. */
extern int	ml_team_helped(void);

/* Waits until every member has come here. */
extern void ml_team_meet(void *team);

/* Lets the workers finish, and the memory go. */
extern void ml_team_end(MlTeam *team);

/* In a worker: joins the team. */
extern MlTeam *ml_team_join(dsm_segment *segment, shm_toc *toc, int *me, int *members);

/* In a worker: the last thing that it does. */
extern void ml_team_leave(MlTeam *team);

/* Memory of a member's own, aligned for vectors. */
extern void *ml_team_own(Size bytes);

/* The breathing of a worker's long loops. */
extern void ml_team_breathe(void *ctx);

#endif							/* ML_TEAM_H */
