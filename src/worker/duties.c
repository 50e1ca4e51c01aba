/*
 * duties.c - the table of what a database's worker does.
 */
#include "postgres.h"

#include "base/compat.h"
#include "worker/duty.h"

const MlDuty *const ml_duties[] = {
	&ml_duty_drain,
	&ml_duty_jobs,
	NULL
};
