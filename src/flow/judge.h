/*
 * judge.h - whether rows that are to be scored pass the checks of the model.
 *
 * A call site whose model has a policy for invalid rows has a judge, made when
 * the site is resolved. The checks are bound to the features in the form in
 * which they come: columns, a row, an array, jsonb. Arrays and rows without
 * names have those of the model's inputs, in order.
 */
#ifndef ML_JUDGE_H
#define ML_JUDGE_H

#include "flow/bind.h"
#include "flow/program.h"
#include "store/catalog.h"

typedef struct MlJudge MlJudge;

/*
 * A judge for the rows of a reference, in a context that is reset when the
 * reference is resolved anew; NULL where its model has no policy, or no suite
 * to judge by. binding is that of the version that answers.
 */
extern MlJudge *ml_judge_create(const MlServing *serving, MlBinding *binding, MemoryContext context);

/*
 * Each tells whether a row passes. What cannot be features of the model at all,
 * by their number, passes: binding them raises the error.
 */
extern bool ml_judge_columns(MlJudge *judge, const MlRowType *type, const NullableDatum *columns);
extern bool ml_judge_row(MlJudge *judge, HeapTupleHeader row);
extern bool ml_judge_array(MlJudge *judge, ArrayType *array);
extern bool ml_judge_jsonb(MlJudge *judge, Jsonb *json);

/* Raises ERRCODE_CHECK_VIOLATION with all that is wrong with the row judged last, which did not pass. */
extern ML_NORETURN void ml_judge_refuse(MlJudge *judge);

#endif							/* ML_JUDGE_H */
