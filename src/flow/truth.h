/*
 * truth.h - where the truth of predictions is found, and what it says of the versions that answered.
 *
 * A truth source is one SELECT or a relation whose rows have a label and
 * either all inputs of the model by name and the time of the prediction, or
 * the row_key of a row of ml.prediction_log. It is read with the rights of the
 * model's owner. A row whose label is NULL is not there yet.
 */
#ifndef ML_TRUTH_H
#define ML_TRUTH_H

#include "flow/identity.h"
#include "store/catalog.h"
#include "store/quality.h"

typedef struct MlTruth
{
	MlTruthSource at;
	MlIdentity	identity;
	char	   *label;			/* the column with the truth */
	char	   *time;			/* the column with the time; NULL: the log has it */
} MlTruth;

/*
 * Checks a truth source of a model for the current user, who may act as its
 * owner, and writes it, with the search_path of now; NULL: there is none any
 * more. Raises an error that names the column that is missing.
 */
extern void ml_truth_check(const char *model, const char *source);

/* The same with how long labels may take and with detectors; NULL: as it was, or the defaults. */
extern void ml_truth_set(const char *model, const char *source, const Interval *wait, Jsonb *detectors);

/* The query that gives a version's rows, in the order of time, with columns ":at", and ":version" and ":role" of the log. */
extern char *ml_truth_query(const MlTruth *truth, const MlVersionRef *version, TimestampTz since);

/* Learns the source's shape; raises an error for one that does not have what it needs. */
extern void ml_truth_open(MlTruth *truth);

/* The realised metrics of windows whose rows have changed; how many they are. */
extern int	ml_realised_judge(MlTruth *truth, int64 *labelled, int64 *unanswered);

/* The estimated metrics of windows whose counts have changed; how many they are. */
extern int	ml_estimated_judge(const char *model);

/* Raises and clears the alerts on quality and concept drift of the version in production. */
extern void ml_quality_alerts(const MlTruthSource *at);

/*
 * All of it for one model; whether an error of the truth source is raised, or
 * noted in ml.truth_sources and logged when it is new.
 */
extern int	ml_quality_run(const char *model, bool raise);

#endif							/* ML_TRUTH_H */
