/*
 * predict.h - scoring one row at one place of a query.
 *
 * A call site resolves the versions, the rights and the bindings once per
 * statement; after that a row costs its conversion and the arithmetic.
 */
#ifndef ML_PREDICT_H
#define ML_PREDICT_H

#include "flow/lane.h"

typedef struct MlCallSite MlCallSite;

/*
 * The call site of a call with a model and its features, made in fn_mcxt at the first call and
 * renewed when the statement, the user or the reference has changed since.
 */
extern MlCallSite *ml_predict_site(FunctionCallInfo fcinfo);

/*
 * The same for a call that has the row's columns as arguments from number
 * first on, and a constant array of their names just before; raises
 * ERRCODE_INVALID_PARAMETER_VALUE for any other call.
 */
extern MlCallSite *ml_predict_columns_site(FunctionCallInfo fcinfo, int first);

/*
 * Scores a features argument: the lane that answers, with the value or the
 * probabilities in its out, valid until the next call; NULL where the model's
 * policy for invalid rows leaves the row without an answer.
 */
extern MlLane *ml_predict_score(MlCallSite *site, Datum value);

/* Scores the columns of a row. */
extern MlLane *ml_predict_score_columns(MlCallSite *site, const NullableDatum *columns);

/*
 * The features argument after the pipeline, as the learner of the reference's
 * production version sees it; the row is not scored, and not counted. Needs
 * the privilege to read the model.
 */
extern const double *ml_predict_transform(MlCallSite *site, Datum value, const MlModel **model);

/* The key that the features argument has in the prediction log. */
extern uint64 ml_predict_row_key(MlCallSite *site, Datum value);

/* A number or the chosen class as a value of the call's result type. */
extern Datum ml_predict_result(MlCallSite *site, MlLane *lane, FmgrInfo *flinfo);

#endif							/* ML_PREDICT_H */
