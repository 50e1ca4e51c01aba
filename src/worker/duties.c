/*
 * duties.c - the table of what a database's worker does.
 */
#include "postgres.h"

#include "base/compat.h"
#include "worker/duty.h"
#include "worker/policies.h"

const MlDuty *const ml_duties[] = {
	&ml_duty_drain,
	&ml_duty_log,
	&ml_duty_quality,
	&ml_duty_judge,
	&ml_duty_policies,
	&ml_duty_jobs,
	&ml_duty_retention,
	NULL
};
