/*
 * predict.h - scoring one row at one place of a query.
 *
 * A call site resolves the model, the rights and the binding once per
 * statement; after that a row costs its conversion and the arithmetic.
 */
#ifndef ML_PREDICT_H
#define ML_PREDICT_H

#include "flow/bind.h"
#include "store/cache.h"

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

/* Scores a features argument: out[0], or one probability per class. Valid until the next call. */
extern const double *ml_predict_score(MlCallSite *site, Datum features);

/* Scores the columns of a row. */
extern const double *ml_predict_score_columns(MlCallSite *site, const NullableDatum *columns);

extern const MlModel *ml_predict_model(const MlCallSite *site);
extern const char *ml_predict_ref(const MlCallSite *site);

/* A number or the chosen class as a value of the call's result type. */
extern Datum ml_predict_result(MlCallSite *site, const double *out, FmgrInfo *flinfo);

/* The class of a label; raises ERRCODE_INVALID_PARAMETER_VALUE. NULL is the positive class of two. */
extern int	ml_predict_class(MlCallSite *site, text *label);

#endif							/* ML_PREDICT_H */
