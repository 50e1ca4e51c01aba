/*
 * rights.h - whether the current user holds a privilege, for whoever asks it of every row.
 */
#ifndef ML_RIGHTS_H
#define ML_RIGHTS_H

#include "store/access.h"

/* False for a model that does not exist. What is found is kept while the statement lasts. */
extern bool ml_rights_held(const char *model, MlPrivilege privilege);

/* Whether the current user may see and mend rows that a guard has set aside; kept alike. */
extern bool ml_rights_mend(int64 guard, const char *relation, const char *owner);

#endif							/* ML_RIGHTS_H */
