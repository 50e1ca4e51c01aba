/*
 * kinds.h - every kind of check, each in a file of its name.
 */
#ifndef ML_KINDS_H
#define ML_KINDS_H

#include "check/check.h"

extern const MlCheckKind ml_check_not_null;
extern const MlCheckKind ml_check_any_not_null;
extern const MlCheckKind ml_check_not_empty;
extern const MlCheckKind ml_check_not_nan;
extern const MlCheckKind ml_check_finite;
extern const MlCheckKind ml_check_range;
extern const MlCheckKind ml_check_in_set;
extern const MlCheckKind ml_check_not_in_set;
extern const MlCheckKind ml_check_pair_in_set;
extern const MlCheckKind ml_check_type;
extern const MlCheckKind ml_check_length;
extern const MlCheckKind ml_check_like;
extern const MlCheckKind ml_check_matches;
extern const MlCheckKind ml_check_format;
extern const MlCheckKind ml_check_json_schema;
extern const MlCheckKind ml_check_encoding_valid;
extern const MlCheckKind ml_check_not_in_future;
extern const MlCheckKind ml_check_compare;
extern const MlCheckKind ml_check_sum_of_columns;
extern const MlCheckKind ml_check_unique_within_row;
extern const MlCheckKind ml_check_z_score;
extern const MlCheckKind ml_check_predicate;
extern const MlCheckKind ml_check_foreign_key;
extern const MlCheckKind ml_check_completeness;
extern const MlCheckKind ml_check_domain_mass;

#endif							/* ML_KINDS_H */
