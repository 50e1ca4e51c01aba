/*
 * kinds.h - every kind of check, each in a file of its name.
 */
#ifndef ML_KINDS_H
#define ML_KINDS_H

#include "check/check.h"

extern const MlCheckKind ml_check_not_null;
extern const MlCheckKind ml_check_range;
extern const MlCheckKind ml_check_point_in_time;

/* those that judge data */
extern const MlCheckKind ml_check_unique;
extern const MlCheckKind ml_check_primary_key;
extern const MlCheckKind ml_check_distinct_count;
extern const MlCheckKind ml_check_uniqueness;
extern const MlCheckKind ml_check_distinctness;
extern const MlCheckKind ml_check_duplicate_rows;
extern const MlCheckKind ml_check_conflicting_labels;
extern const MlCheckKind ml_check_row_count;
extern const MlCheckKind ml_check_row_count_change;
extern const MlCheckKind ml_check_row_count_match;
extern const MlCheckKind ml_check_null_fraction;
extern const MlCheckKind ml_check_completeness;
extern const MlCheckKind ml_check_nan_fraction;
extern const MlCheckKind ml_check_zero_fraction;
extern const MlCheckKind ml_check_mean;
extern const MlCheckKind ml_check_median;
extern const MlCheckKind ml_check_stddev;
extern const MlCheckKind ml_check_variance;
extern const MlCheckKind ml_check_min;
extern const MlCheckKind ml_check_max;
extern const MlCheckKind ml_check_sum;
extern const MlCheckKind ml_check_quantile;
extern const MlCheckKind ml_check_interquartile_range;
extern const MlCheckKind ml_check_skewness;
extern const MlCheckKind ml_check_kurtosis;
extern const MlCheckKind ml_check_entropy;
extern const MlCheckKind ml_check_correlation;
extern const MlCheckKind ml_check_mutual_information;
extern const MlCheckKind ml_check_most_common;
extern const MlCheckKind ml_check_most_common_share;
extern const MlCheckKind ml_check_distinct_in_set;
extern const MlCheckKind ml_check_constant_column;
extern const MlCheckKind ml_check_columns;
extern const MlCheckKind ml_check_missing_column;
extern const MlCheckKind ml_check_column_exists;
extern const MlCheckKind ml_check_new_column;
extern const MlCheckKind ml_check_banned_column;
extern const MlCheckKind ml_check_column_count;
extern const MlCheckKind ml_check_column_types;
extern const MlCheckKind ml_check_monotonic;
extern const MlCheckKind ml_check_no_gaps;
extern const MlCheckKind ml_check_freshness;
extern const MlCheckKind ml_check_distribution;
extern const MlCheckKind ml_check_metric_history;
extern const MlCheckKind ml_check_label_leakage;
extern const MlCheckKind ml_check_group_coverage;
extern const MlCheckKind ml_check_group_missingness;
extern const MlCheckKind ml_check_custom_sql;
extern const MlCheckKind ml_check_matches_dataset;
extern const MlCheckKind ml_check_aggregate_match;

#endif							/* ML_KINDS_H */
