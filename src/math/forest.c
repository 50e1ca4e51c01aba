/*
 * forest.c - scoring rows by trees.
 */
#include "math/forest.h"

/* Trees walked in step: enough that one waits for memory while others go on. */
#define ML_FOREST_STEP	8

/* Whether a row goes to the right, for any node and any value. */
static inline uint32_t
ml_forest_turn(const MlForest *f, const MlForestNode *node, double x)
{
	bool		missing = x != x;

	if (node->flags & ML_FOREST_CATEGORY)
	{
		uint32_t	code;

		if (missing || !(x >= 0 && x < node->at.levels.codes))
			return !(node->flags & ML_FOREST_MISSING_LEFT);
		code = (uint32_t) x;
		return !((f->sets[node->at.levels.set + (code >> 6)] >> (code & 63)) & 1);
	}
	return !((x <= node->at.threshold) | (missing & (node->flags & ML_FOREST_MISSING_LEFT)));
}

uint32_t
ml_forest_leaf(const MlForest *f, int tree, const double *row)
{
	uint32_t	at = f->root[tree];

	for (uint32_t d = 0; d < f->depth[tree]; d++)
	{
		const MlForestNode *node = &f->nodes[at];

		/* what is missing must not leave a leaf */
		if (node->child == at)
			break;
		at = node->child + ml_forest_turn(f, node, row[node->column]);
	}
	return at;
}

/* Walks ML_FOREST_STEP trees whose rows have no missing value and which split no category. */
static inline __attribute__((always_inline)) void
ml_forest_walk(const MlForest *f, int tree, const double *row, uint32_t *at)
{
	const MlForestNode *nodes = f->nodes;
	uint32_t	depth = 0;

	for (int t = 0; t < ML_FOREST_STEP; t++)
	{
		at[t] = f->root[tree + t];
		depth = f->depth[tree + t] > depth ? f->depth[tree + t] : depth;
	}
	for (; depth > 0; depth--)
		for (int t = 0; t < ML_FOREST_STEP; t++)
		{
			const MlForestNode *node = &nodes[at[t]];

			at[t] = node->child + !(row[node->column] <= node->at.threshold);
		}
}

void
ml_forest_score(const MlForest *f, const double *row, double *out)
{
	bool		missing = f->categories;
	int			tree = 0;
	int			group = 0;
	double		single = f->base[0];

	for (int c = 0; c < f->cols; c++)
		missing |= row[c] != row[c];
	if (f->groups == 1)
	{
		for (; !missing && tree + ML_FOREST_STEP <= f->trees; tree += ML_FOREST_STEP)
		{
			uint32_t	at[ML_FOREST_STEP];

			ml_forest_walk(f, tree, row, at);
			for (int t = 0; t < ML_FOREST_STEP; t++)
				single += f->values[at[t]];
		}
		for (; tree < f->trees; tree++)
			single += f->values[ml_forest_leaf(f, tree, row)];
		out[0] = single;
		return;
	}
	for (int k = 0; k < f->groups; k++)
		out[k] = f->base[k];
	for (; !missing && tree + ML_FOREST_STEP <= f->trees; tree += ML_FOREST_STEP)
	{
		uint32_t	at[ML_FOREST_STEP];

		ml_forest_walk(f, tree, row, at);
		for (int t = 0; t < ML_FOREST_STEP; t++)
		{
			out[group] += f->values[at[t]];
			group = group + 1 == f->groups ? 0 : group + 1;
		}
	}
	for (; tree < f->trees; tree++)
	{
		out[group] += f->values[ml_forest_leaf(f, tree, row)];
		group = group + 1 == f->groups ? 0 : group + 1;
	}
}
