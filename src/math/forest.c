/*
 * forest.c - scoring rows by trees.
 *
 * Trees are walked sixteen at a time, all a step down at once, so that one
 * waits for memory while the others go on; none of it branches on a value.
 * Once few of them are still on their way these go down by themselves.
 */
#include <string.h>

#include "math/forest.h"

/* What may occur in a row or a forest; each case has a loop of its own. */
typedef enum MlForestCase
{
	ML_FOREST_NUMBERS,
	ML_FOREST_MISSING,
	ML_FOREST_ANY
} MlForestCase;

/* The bit of a set that a level's code has; that of what is missing is the last one. */
static inline __attribute__((always_inline)) uint32_t
ml_forest_code(double x)
{
	double		shifted = x + 0x1p52;
	uint64_t	bits;

	/* a whole number stands in the low bits now */
	memcpy(&bits, &shifted, sizeof bits);
	return (uint32_t) (bits | -(uint64_t) (x != x)) & 255;
}

/*
 * Whether a row goes to the right at a node that may split a category, without
 * a branch; the codes of the row's categories are at hand.
 */
static inline __attribute__((always_inline)) uint32_t
ml_forest_turn_any(const MlForest *f, const MlForestNode *node, double x)
{
	uint32_t	category = (node->flags >> 1) & 1;
	uint32_t	code = f->codes[node->column];
	uint64_t	set = f->sets[(node->at.set & -(uint64_t) category) + (code >> 6)];
	uint32_t	listed = (uint32_t) (set >> (code & 63)) & category;
	uint32_t	below = (x <= node->at.threshold) | ((x != x) & node->flags);

	return 1 ^ (listed | (below & (category ^ 1)));
}

static inline __attribute__((always_inline)) uint32_t
ml_forest_turn(const MlForest *f, const MlForestNode *node, double x, MlForestCase what)
{
	if (what == ML_FOREST_NUMBERS)
		return !(x <= node->at.threshold);
	if (what == ML_FOREST_MISSING)
		return !((x <= node->at.threshold) | ((x != x) & node->flags));
	return ml_forest_turn_any(f, node, x);
}

/* Walks n trees from the first on; at[] gets the leaves. */
static inline __attribute__((always_inline)) void
ml_forest_walk(const MlForest *f, int tree, int n, uint32_t steps, const double *row, uint32_t *at, MlForestCase what)
{
	const MlForestNode *nodes = f->nodes;

	for (int t = 0; t < n; t++)
		at[t] = f->root[tree + t];
	for (; steps > 0; steps--)
		for (int t = 0; t < n; t++)
		{
			const MlForestNode *node = &nodes[at[t]];

			at[t] = node->child + ml_forest_turn(f, node, row[node->column], what);
		}
	for (int t = 0; t < n; t++)
	{
		const MlForestNode *node = &nodes[at[t]];

		while (node->child != at[t])
		{
			at[t] = node->child + ml_forest_turn(f, node, row[node->column], what);
			node = &nodes[at[t]];
		}
	}
}

static inline __attribute__((always_inline)) void
ml_forest_score_case(const MlForest *f, const double *row, double *out, MlForestCase what)
{
	uint32_t	at[ML_FOREST_ABREAST];
	int			groups = f->groups;
	int			group = 0;
	double		single = f->base[0];

	for (int k = 0; k < groups; k++)
		out[k] = f->base[k];
	for (int tree = 0; tree < f->trees; tree += ML_FOREST_ABREAST)
	{
		uint32_t	steps = f->steps[tree / ML_FOREST_ABREAST];
		int			n = f->trees - tree;

		/* the number of trees is a constant in the first call */
		if (n >= ML_FOREST_ABREAST)
			ml_forest_walk(f, tree, n = ML_FOREST_ABREAST, steps, row, at, what);
		else
			ml_forest_walk(f, tree, n, steps, row, at, what);
		if (groups == 1)
			for (int t = 0; t < n; t++)
				single += f->values[at[t]];
		else
			for (int t = 0; t < n; t++)
			{
				out[group] += f->values[at[t]];
				group = group + 1 == groups ? 0 : group + 1;
			}
	}
	if (groups == 1)
		out[0] = single;
}

void
ml_forest_score(const MlForest *f, const double *row, double *out)
{
	bool		missing = false;

	for (int c = 0; c < f->cols; c++)
		missing |= row[c] != row[c];
	for (int i = 0; i < f->categories; i++)
		f->codes[f->category[i]] = (uint8_t) ml_forest_code(row[f->category[i]]);
	if (f->categories > 0)
		ml_forest_score_case(f, row, out, ML_FOREST_ANY);
	else if (missing)
		ml_forest_score_case(f, row, out, ML_FOREST_MISSING);
	else
		ml_forest_score_case(f, row, out, ML_FOREST_NUMBERS);
}
