/*
 * boost_state.h - a member's view of a team's memory, and what only the member holds.
 *
 * Whoever writes what, between two meetings: rows (scores, gradients, indexes)
 * the member they belong to; a shared histogram's columns the member that has
 * these columns; best[], leaf sums and the like each member its own entry.
 */
#ifndef ML_BOOST_STATE_H
#define ML_BOOST_STATE_H

#include "math/boost_internal.h"

/* Loss on rows, by member. */
typedef struct MlBoostJudgement
{
	MlExactSum	loss;
	MlExactSum	weight;
} MlBoostJudgement;

/* A leaf while its tree grows. Rows of list 0 are learned from, those of list 1 only go along. */
typedef struct MlBoostLeaf
{
	int			node;
	int			slot;			/* of its histogram, or -1 */
	int			depth;
	bool		closed;			/* can't be split */
	double		above;			/* its parent's value, before shrinkage */
	double		low;
	double		high;
	int64_t		rows;			/* of list 0, of all members */
	MlBoostSplit split;
	size_t		begin[2];		/* in this member's part of index[] */
	size_t		count[2];
} MlBoostLeaf;

struct MlBoost
{
	const MlBoostSpec *spec;
	MlBinColumn *columns;
	MlBoostTeam team;
	const MlTick *tick;
	bool		plain;			/* every hessian is 1 */
	bool		whole;			/* the rows of list 0 are all the member's, in order */

	/* shared */
	const size_t *offset;		/* per column: where it begins in a histogram; offset[cols] is the length */
	uint8_t    *bins;			/* row by row */
	uint8_t    *by_column;		/* the same column by column, for parting rows */
	double	   *targets;
	uint16_t   *classes;
	double	   *weights;
	double	   *base;
	double	   *edges;			/* columns x ML_BINS_MAX */
	double	   *score;			/* groups x rows */
	float	   *probability;	/* groups x rows */
	int32_t    *g;
	uint32_t   *h;
	uint64_t   *inc;
	uint32_t   *index;
	uint32_t   *spare;
	int64_t    *histograms;		/* slots; each member's own where they search apart */
	int64_t    *partial;		/* 2 x members: while one is read the other is written */
	MlBoostSplit *best;			/* members x 2 */
	MlBoostTotals *leaf_sums;	/* members x leaves */
	double	   *bound;			/* members */
	MlBoostJudgement *judgement;	/* members */

	/* this member's */
	int64_t		fit_from;		/* rows */
	int64_t		fit_to;
	int64_t		later_from;
	int64_t		later_to;
	size_t		part;			/* of index[] and spare[] begins here */
	uint64_t   *narrow;
	MlBoostLeaf *leaves;
	int			nleaves;
	MlBoostNode *nodes;			/* groups x (2 leaves - 1) */
	int		   *nnodes;			/* per group */
	int		   *active;			/* columns of this tree */
	int			nactive;
	uint64_t	tree_key;		/* chance of the tree's columns */
	int		   *slot_leaf;		/* which leaf has the slot, or -1 */
	double		g_scale;		/* a fraction's worth: g = fraction * g_scale */
	double		h_scale;
	double		g_unit;			/* a step's worth */
	double		h_unit;
	int			turn;			/* which partial histograms are written */
	int			round;
	int			best_round;
	double		loss;			/* of the later rows after the last round */
	double		fit_loss;		/* of those that are learned from */
	double		best_loss;
};

/*
 * With few columns a meeting costs more than looking for splits: then each
 * member has all histograms and finds every split by itself, and they meet
 * once a split instead of twice. With many they divide the columns.
 */
static inline bool
ml_boost_apart(const MlBoostSpec *spec)
{
	return spec->members > 1 && spec->cols <= ML_BOOST_TILE;
}

static inline int
ml_boost_nodes_max(const MlBoostSpec *spec)
{
	return 2 * spec->max_leaves - 1;
}

/* Gradients of a tree's rows; false when all are zero. */
extern bool ml_boost_gradients(MlBoost *b, int group);

/* Class probabilities of this member's rows, before the trees of a round with several groups. */
extern void ml_boost_probabilities(MlBoost *b);

/* Starts the scores of this member's rows. */
extern void ml_boost_start_scores(MlBoost *b);

/* The mean loss of this member's rows from first to last - 1 and the other members' of that kind: the same for all. */
extern double ml_boost_mean_loss(MlBoost *b, int64_t first, int64_t last);

/* Grows the tree of a group and adds it to the scores; false when the root was not split. */
extern bool ml_boost_grow(MlBoost *b, int group);

static inline void
ml_boost_meet(MlBoost *b)
{
	if (b->team.members > 1)
		b->team.meet(b->team.ctx);
}

#endif							/* ML_BOOST_STATE_H */
