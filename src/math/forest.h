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

/* Trees that are walked abreast. */
#define ML_FOREST_ABREAST		16

/* Node flags. */
#define ML_FOREST_MISSING_LEFT	1
#define ML_FOREST_CATEGORY		2

/* Words of the set of levels that go left: 256 bits, of which the last is for what is missing or was never seen. */
#define ML_FOREST_SET_WORDS		4

/*
 * A split: x <= threshold goes left; a category goes left if its code is in
 * its set, which begins at the word set of the forest's sets. A leaf's
 * threshold is infinity, what is missing goes left, and child is itself.
 */
typedef struct MlForestNode
{
	union
	{
		double		threshold;
		uint64_t	set;
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
	uint32_t   *steps;			/* per ML_FOREST_ABREAST trees: so many are taken by all of them at once */
	MlForestNode *nodes;
	double	   *values;		/* per node: a leaf's value */
	uint64_t   *sets;			/* one at least */
	double	   *base;			/* per group */
	int			categories;		/* columns that some node splits as a category */
	uint32_t   *category;		/* these columns */
	uint8_t    *codes;			/* per column: scratch for a row's codes, 0 for numbers */
} MlForest;

/* The scores of a row, one a group: the base and the values of the leaves it comes to. NaN is missing. */
extern void ml_forest_score(const MlForest *forest, const double *row, double *out);

#endif							/* ML_FOREST_H */
