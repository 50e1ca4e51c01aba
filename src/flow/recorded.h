/*
 * recorded.h - reading again the rows that a version was trained on.
 */
#ifndef ML_RECORDED_H
#define ML_RECORDED_H

#include "flow/load.h"
#include "store/catalog.h"

/*
 * Makes ready to load the rows of a version's training as it loaded them: the
 * same columns, split and seed, with the rights of who trained and by the
 * search_path of then. target is the model's. Raises
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE with the hint when no source was
 * recorded. Everything is palloc'd in the current context.
 */
extern MlLoad *ml_recorded_load(const MlVersionRef *version, const char *target, const char *hint,
								MlTrainingRecord *record);

/*
 * The settings of the session by which a source may read differently, as
 * members of the object that is being written; and taking on those that were
 * recorded, with the limit of categories, until AtEOXact_GUC(false, level).
 */
extern void ml_recorded_settings_write(StringInfo out);
extern int	ml_recorded_settings_enter(Jsonb *environment);

#endif							/* ML_RECORDED_H */
