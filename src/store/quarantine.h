/*
 * quarantine.h - what the catalog keeps of rows that a guard has set aside.
 */
#ifndef ML_QUARANTINE_H
#define ML_QUARANTINE_H

#include "utils/jsonb.h"

/* Columns of ml.quarantine, as 28_guards.sql creates them. */
#define ML_QUARANTINE_ROW		7
#define ML_QUARANTINE_WAS		14
#define ML_QUARANTINE_COLUMNS	14

/* A row as it is set aside. */
typedef struct MlSetAside
{
	const char *relation;		/* the guarded table, qualified */
	const char *owner;			/* who owns that */
	int64		guard_id;
	const char *suite;
	const char *action;			/* quarantine or flag */
	const char *operation;		/* INSERT or UPDATE */
	Jsonb	   *row;
	Jsonb	   *key;			/* NULL for an INSERT */
	const char *failed_checks;	/* JSON */
	const char *reason;			/* or NULL */
} MlSetAside;

/* A row of ml.quarantine that is to be released. */
typedef struct MlQuarantined
{
	char	   *relation;
	char	   *owner;
	int64		guard_id;
	char	   *action;
	char	   *operation;
	Jsonb	   *row;
	Jsonb	   *key;			/* NULL for an INSERT */
} MlQuarantined;

/* Sets a row aside. Nobody's rights are asked for: the guard does it. */
extern void ml_catalog_set_aside(const MlSetAside *aside);

/* Reads and locks a row; false when there is none (any more). */
extern bool ml_catalog_quarantined(int64 quarantine_id, MlQuarantined *out);

/* Moves a row, which is locked, to ml.releases. */
extern void ml_catalog_released(int64 quarantine_id);

/* The next number for a guard. */
extern int64 ml_catalog_guard_id(void);

#endif							/* ML_QUARANTINE_H */
