/*
 * schedule.h - retraining by pg_cron.
 */
#ifndef ML_SCHEDULE_H
#define ML_SCHEDULE_H

/*
 * Has pg_cron retrain a model, as the current user and by a schedule of
 * pg_cron's, in place of what there was; NULL ends that. Raises
 * ERRCODE_FEATURE_NOT_SUPPORTED where this database does not have pg_cron.
 */
extern void ml_schedule_retrain_run(const char *model, const char *schedule);

#endif							/* ML_SCHEDULE_H */
