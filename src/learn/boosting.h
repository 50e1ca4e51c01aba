/*
 * boosting.h - what the files of gradient boosting share: a fit under way, and a grown model.
 */
#ifndef ML_BOOSTING_H
#define ML_BOOSTING_H

#include "base/team.h"
#include "learn/learner.h"
#include "math/boost.h"
#include "math/forest.h"

#define ML_BOOSTING_FIGURES		6

/* The parameters, in the order of their table. */
enum
{
	ML_BOOSTING_TREES,
	ML_BOOSTING_RATE,
	ML_BOOSTING_LEAVES,
	ML_BOOSTING_DEPTH,
	ML_BOOSTING_ROWS,
	ML_BOOSTING_HESSIAN,
	ML_BOOSTING_L2,
	ML_BOOSTING_BINS,
	ML_BOOSTING_ROW_FRACTION,
	ML_BOOSTING_COLUMN_FRACTION,
	ML_BOOSTING_NODE_FRACTION,
	ML_BOOSTING_SMOOTHING,
	ML_BOOSTING_STOPPING,
	ML_BOOSTING_HELD_BACK,
	ML_BOOSTING_LOSS,
	ML_BOOSTING_CLASS_WEIGHT,
	ML_BOOSTING_MONOTONE
};

extern const MlParam ml_boosting_parameters[];

/* One fit under way. */
typedef struct MlBoostingFit
{
	const MlLearnInput *in;
	MlBoostSpec spec;
	MlBinColumn *columns;
	double	   *target;			/* in the scratch room, until boosting begins */
	double	   *weight;			/* in its place; NULL without; class weights are in it */
	double		y_scale;		/* targets are divided by it, a power of two */
	MlTeam	   *team;
	MlBoostTeam members;
	MlBoost    *boost;

	/* the trees so far */
	MlBoostNode **trees;
	int		   *nodes;
	int			ntrees;
	int			trees_capacity;
} MlBoostingFit;

static inline double
ml_boosting_number(const MlLearnInput *in, int param)
{
	return in->params[param].number;
}

/* ---- boosting_rows.c: the rows ---- */

/* Directions of columns. */
extern void ml_boosting_directions(MlBoostingFit *fit);

/* Reads the targets, and brings extreme ones to a moderate range. */
extern void ml_boosting_read_target(MlBoostingFit *fit);

/* Reads the weights, multiplied by those of the classes. */
extern void ml_boosting_read_weights(MlBoostingFit *fit);

/*
 * Bins the columns of numbers, as many at a time as there are members, and
 * lays all columns out row by row: called by every member. The leader reads
 * the columns, the others have no source.
 */
extern void ml_boosting_bin(MlBoost *boost, const MlBoostTeam *team, int64 rows, int cols, const MlColumns *source);

/* Puts every column into the team's memory, as bins. */
extern void ml_boosting_fill(MlBoostingFit *fit);

/* Puts targets and constants into the team's memory, and lets go of the rows. */
extern void ml_boosting_settle(MlBoostingFit *fit);

/* ---- boosting_model.c: the model ---- */

/* A boosted model: a forest, and what there is to tell about it. */
typedef struct MlBoosting
{
	MlBoostLoss loss;
	int			nclasses;
	int			ncols;
	int		   *nlevels;		/* per column; 0: a number */
	MlForest	forest;
	uint32	   *tree_nodes;		/* per tree: their number */
	uint32		depth;			/* splits on the longest path of any tree */
	double	   *gain;			/* per node: of a split */
	uint32	   *rows;			/* per node: training rows in it */
	double		figures[ML_BOOSTING_FIGURES];
} MlBoosting;

/* Room for so many trees and nodes in the current context. */
extern MlBoosting *ml_boosting_create(int ncols, int groups, int trees, int64 nodes, int64 sets);

/* Makes a node split the category of its column, by the set of that number with these levels. */
extern void ml_boosting_set(MlBoosting *m, uint32 node, int set, const uint64 *levels);

/* Fills in what follows from the nodes: depth, steps, and whether categories are split. */
extern void ml_boosting_complete(MlBoosting *m);

extern void ml_boosting_predict(const void *model, const double *row, double *out);
extern double ml_boosting_cost(const void *model);
extern void ml_boosting_write(const void *model, StringInfo out);
extern void *ml_boosting_read(MlReader *in, MlTask task, int ncols, int nclasses);
extern int	ml_boosting_tell(const void *model, MlFigure **out);
extern void ml_boosting_importance(const void *model, bool splits, double *out);

#endif							/* ML_BOOSTING_H */
