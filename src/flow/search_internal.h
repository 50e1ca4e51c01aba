/*
 * search_internal.h - what the files of a search share: the space, trials, and what a process is told of one.
 */
#ifndef ML_SEARCH_INTERNAL_H
#define ML_SEARCH_INTERNAL_H

#include "flow/folds.h"
#include "flow/search.h"

typedef enum MlSearchMethod
{
	ML_SEARCH_GRID,
	ML_SEARCH_RANDOM,
	ML_SEARCH_HALVING,
	ML_SEARCH_TPE
} MlSearchMethod;

/* What a dimension of the space sets. */
typedef enum MlSearchPart
{
	ML_SEARCH_PARAM,			/* a parameter of a learner */
	ML_SEARCH_PIPELINE,			/* the whole pipeline */
	ML_SEARCH_STEP				/* a parameter of one step of the pipeline that was given */
} MlSearchPart;

typedef struct MlSearchDim
{
	char	   *key;			/* as it was written */
	MlSearchPart part;
	int			learner;		/* of PARAM: whose, by its place among the search's */
	const MlParam *param;		/* of PARAM and STEP */
	int			step;			/* of STEP: its place in the pipeline, from 0 */
	int			nvalues;		/* of a list; 0: a range */
	JsonbValue *values;
	double		min;
	double		max;
	bool		log;
	bool		whole;			/* whole numbers alone */
} MlSearchDim;

/* A learner that takes part. */
typedef struct MlSearchLearner
{
	const MlLearner *learner;
	Jsonb	   *given;			/* what the caller's params say to it */
} MlSearchLearner;

#define ML_SEARCH_LEARNERS_MAX	4

typedef struct MlSearch
{
	/* what is asked for */
	MlSearchMethod method;
	const char *method_name;
	bool		automatic;		/* over learners */
	int			trials;			/* at most */
	int			folds;			/* 0: not said */
	double		seconds;		/* 0: no limit */
	bool		early_stopping;
	int			eta;
	int			workers;		/* at most; -1: not said */
	const char *metric_name;	/* NULL: the task's */
	bool		given;			/* the space was written by the caller */
	int			nlearners;
	MlSearchLearner learners[ML_SEARCH_LEARNERS_MAX];
	int			ndims;
	MlSearchDim *dims;
	Jsonb	   *pipeline;		/* the one that was given, or NULL */
	uint64		seed;

	/* what came of it */
	const struct MlMetric *metric;
	int			ntrials;
	struct MlTrial **done;		/* in the order of their numbers */
	int			capacity;
	int			winner;			/* place in done */
	int			rounds;
	bool		exhausted;		/* the space has no other trial */
	int			judged_folds;	/* folds of a trial */
	int			processes;		/* workers that judged; 0: this process did */
} MlSearch;

typedef enum MlTrialStatus
{
	ML_TRIAL_SUCCEEDED,
	ML_TRIAL_FAILED,
	ML_TRIAL_CANCELLED
} MlTrialStatus;

/* A figure of one fold. */
typedef struct MlTrialFigure
{
	const char *name;
	int			fold;			/* from 1 */
	double		value;
} MlTrialFigure;

/* How the judging of a trial ended; everything is palloc'd in one context. */
typedef struct MlTrialOutcome
{
	MlTrialStatus status;
	char	   *error;			/* why it did not succeed */
	int64		started_at;		/* TimestampTz */
	int64		finished_at;
	int			folds;			/* judged */
	int			nfigures;
	MlTrialFigure *figures;
} MlTrialOutcome;

typedef struct MlTrial
{
	int			number;			/* from 1 */
	int			learner;		/* its place among the search's */
	double	   *point;			/* per dimension: a place in the list, or a number; NaN: as given, or none of this learner's */
	Jsonb	   *params;
	Jsonb	   *pipeline;		/* NULL: the learner's own */
	char	   *identity;		/* the same for trials that are the same */
	bool		kept;			/* halving: goes on whatever its figures */
	double		share;			/* of the rows that it learned from, the last time it was judged */
	MlTrialOutcome outcome;
	double		value;			/* mean of the metric searched over folds; NaN: none */
} MlTrial;

/* What is to be judged. */
typedef struct MlTrialTask
{
	int			number;
	const char *learner;
	Jsonb	   *params;
	Jsonb	   *pipeline;
	double		share;			/* of the training rows of each fold that it learns from */
	int			folds;			/* at most so many are judged */
	int			ntolerated;
	double	   *tolerated;		/* after so many folds: the mean of the metric that is not to be missed; NaN: none */
} MlTrialTask;

/* ---- search_judge.c ---- */

/* Judges a trial on the folds of a training's rows; errors are raised. Everything is palloc'd in the current context. */
extern void ml_trial_judge(const MlTraining *t, const MlFolds *folds, const struct MlMetric *metric,
						   const MlTrialTask *task, MlTrialOutcome *out);

/* The outcome of a trial that ended by an error. */
extern void ml_trial_end_by_error(const ErrorData *error, MlTrialOutcome *out);

/* ---- search_crew.c ---- */

typedef struct MlCrew MlCrew;

/* Starts processes that judge trials, of which there may be none. */
extern MlCrew *ml_crew_begin(MlTraining *t, MlSearch *search, int folds, MlFoldMethod method);

extern int	ml_crew_size(const MlCrew *crew);

/* Has trials judged: tasks are MlTrialTask *, and each has its outcome when this returns. */
extern void ml_crew_judge(MlCrew *crew, List *tasks, MlTrialOutcome **outcomes,
						  void (*told) (void *ctx, int judged), void *ctx);

extern void ml_crew_end(MlCrew *crew);

/* ---- search_space.c ---- */

/* Reads the argument. The task may be 0 where it is not known yet. */
extern MlSearch *ml_search_parse(const MlTraining *t);

/* Whether a dimension is part of the trials of a learner. */
extern bool ml_search_active(const MlSearchDim *dim, int learner);

/* ---- search_trial.c ---- */

/* Parameters and pipeline of a trial whose learner and point are set. */
extern void ml_search_fill(const MlSearch *search, MlTrial *trial);

/* The text of a key of JSON; and a key as the next thing of an object that is being built. */
extern char *ml_search_key(const JsonbValue *v);
extern void ml_search_push_key(JsonbParseState **state, const char *key);

extern void ml_search_number(JsonbValue *out, double x);

/* A copy of an object where some members have other values; object may be NULL. */
extern Jsonb *ml_search_changed(Jsonb *object, int n, const char *const *keys, JsonbValue *const *values);

/* ---- search_propose.c ---- */

/* The trials (MlTrial *) of the next round; NIL at the end. */
extern List *ml_search_propose(MlSearch *search);

/* The trial's place in the order of merit: less than 0 where a is the better one. */
extern int	ml_search_compare(const MlSearch *search, const MlTrial *a, const MlTrial *b);

#endif							/* ML_SEARCH_INTERNAL_H */
