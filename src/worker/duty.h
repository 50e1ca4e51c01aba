/*
 * duty.h - what a database's worker does, one duty at a time.
 *
 * Duties are run in the order of their table (duties.c) whenever one of them
 * is due: at the flush interval, when its own next moment has come, or when
 * somebody has called for the worker (ml_worker_wake). The loop begins no
 * transaction for them; ml_duty_begin and ml_duty_commit do, with an active
 * snapshot in between and what is being done in pg_stat_activity. A duty works
 * off what is there in transactions that are short, and may be interrupted
 * between any two. An error ends the duty's transaction, is logged, and the
 * duty is tried again at the next round: it must leave nothing half done.
 */
#ifndef ML_DUTY_H
#define ML_DUTY_H

#include "datatype/timestamp.h"

typedef struct MlDuty
{
	const char *name;			/* as pg_stat_activity shows it: "pg_mlops: " and this */

	/*
	 * Does what is due. Returns when it wants to be called again at the
	 * latest: DT_NOEND for the next flush interval.
	 */
	TimestampTz (*run) (void);

	/* Once more before the worker ends, as when the server is stopped: for what only shared memory holds. Brief. */
	bool		at_end;
} MlDuty;

/* All duties, NULL behind the last. */
extern const MlDuty *const ml_duties[];

/* Begins a transaction with a snapshot, as the bootstrap superuser in schema pg_catalog, and says what it is for. */
extern void ml_duty_begin(const char *doing);

/* Ends it. What is allocated outside of transactions lasts until the end of the round. */
extern void ml_duty_commit(void);

/* Whether somebody waits for this round by ml.flush_monitor. */
extern bool ml_duty_asked(void);

/* The members. */
extern const MlDuty ml_duty_drain;
extern const MlDuty ml_duty_jobs;
extern const MlDuty ml_duty_log;
extern const MlDuty ml_duty_judge;
extern const MlDuty ml_duty_drain;
extern const MlDuty ml_duty_log;
extern const MlDuty ml_duty_quality;

#endif							/* ML_DUTY_H */
