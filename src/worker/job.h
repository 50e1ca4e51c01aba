/*
 * job.h - what a job's process is told when it is started.
 */
#ifndef ML_JOB_H
#define ML_JOB_H

/* In bgw_extra. */
typedef struct MlJobStart
{
	Oid			database;
	int32		attempt;
	int64		job;
} MlJobStart;

/* Sets what settings of the database are not for a process that works for others; job.c. */
extern void ml_job_override_settings(void);

#endif							/* ML_JOB_H */
