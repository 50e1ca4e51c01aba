/*
 * forest.h - trees laid out for scoring rows of numbers.
 *
 * A node is 16 bytes, its children stand side by side, and a leaf points to
 * itself, so that several trees can be walked in step without a branch. What
 * a tree says is the same as during its training, to the bit: thresholds are
 * the edges of bins, values are added in the order of the trees.
 */
#ifndef ML_FOREST_H
#define ML_FOREST_H

#include "math/math.h"

/* Node flags. */
#define ML_FOREST_MISSING_LEFT	1
#define ML_FOREST_CATEGORY		2

/*
 * A split: x <= threshold goes left; a category goes left if its code is in
 * its set, which begins at the word set of the forest's sets. A leaf's
 * threshold is infinity, and child is itself.
 */
typedef struct MlForestNode
{
	union
	{
		double		threshold;
		struct
		{
			uint32_t	set;
			uint32_t	codes;	/* those below this have a bit */
		}			levels;
	}			at;
	uint32_t	child;			/* the left one; the right one follows */
	uint16_t	column;
	uint16_t	flags;
} MlForestNode;

typedef struct MlForest
{
	int			cols;
	int			groups;			/* outputs; trees of a round come in the order of the groups */
	int			trees;
	uint32_t   *root;		/* per tree */
	uint32_t   *depth;		/* per tree: splits on the longest path */
	MlForestNode *nodes;
	double	   *values;		/* per node: a leaf's value */
	uint64_t   *sets;
	double	   *base;			/* per group */
	bool		categories;		/* some node splits a category */
} MlForest;

/* The scores of a row, one a group: the base and the values of the leaves it comes to. NaN is missing. */
extern void ml_forest_score(const MlForest *forest, const double *row, double *out);

/* The leaf a row comes to in one tree, as a node. */
extern uint32_t ml_forest_leaf(const MlForest *forest, int tree, const double *row);

#endif							/* ML_FOREST_H */
