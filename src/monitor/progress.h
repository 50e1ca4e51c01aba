/*
 * progress.h - how far the trainings of this server are, and which processes run jobs.
 *
 * A slot of shared memory for every process that trains. Without
 * shared_preload_libraries there is none, and everything here does nothing.
 * A process has one slot at most; trainings never nest.
 */
#ifndef ML_PROGRESS_H
#define ML_PROGRESS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef enum MlPhase
{
	ML_PHASE_STARTING,
	ML_PHASE_CHECKING,			/* by the suite of the model's name */
	ML_PHASE_LOADING,
	ML_PHASE_SEARCHING,			/* judging trials */
	ML_PHASE_FITTING,
	ML_PHASE_JUDGING,			/* on the rows that were held out */
	ML_PHASE_REGISTERING
} MlPhase;

/* Of a figure that is not known. */
#define ML_PROGRESS_UNKNOWN		(-1)

/* A training under way. */
typedef struct MlProgress
{
	int32		pid;
	Oid			role;			/* whose rights it has */
	int64		job;			/* 0: it was called directly */
	char	   *model;
	MlPhase		phase;
	int64		rows_done;
	int64		rows_total;
	int64		iterations_done;
	int64		iterations_total;
	int64		memory_bytes;
} MlProgress;

/* Asks for the shared memory, while shared_preload_libraries are loaded. */
extern void ml_progress_announce(void);

/* When this life of the server began: a crash of any process begins another. 0 without shared memory. */
extern TimestampTz ml_progress_life(void);

/* This process runs a job, until it ends. */
extern void ml_progress_job(int64 job);

/* A training begins, and ends. */
extern void ml_progress_begin(const char *model);
extern void ml_progress_end(void);

extern void ml_progress_phase(MlPhase phase);
extern void ml_progress_rows(int64 done, int64 total);
extern void ml_progress_iterations(int64 done, int64 total);
extern void ml_progress_memory(int64 bytes);

/* The trainings (MlProgress *) of this database. */
extern List *ml_progress_list(void);

extern const char *ml_progress_phase_name(MlPhase phase);

/* Has the process that runs a job of this database cancel it; false when there is none. */
extern bool ml_progress_cancel(int64 job, const char *by);

/* Who has cancelled the job of this process, or NULL. */
extern const char *ml_progress_cancelled(void);

#endif							/* ML_PROGRESS_H */
