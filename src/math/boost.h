/*
 * boost.h - gradient-boosted histogram trees, grown by one process or by several that share memory.
 *
 * Every member of a team runs the same code on the same shared memory and
 * comes to the same decisions: rows are divided among the members while
 * histograms are added up, columns while splits are looked for. All sums are
 * of integers, so the trees do not depend on the number of members. Chance is
 * a hash of a row's number: the caller numbers rows by their content.
 *
 * Gradients g and hessians h of the loss are taken as 32-bit fractions of
 * their bounds. A histogram is added up in coarser steps, which fit into one
 * 64-bit word together with a count:
 *
 *   bits 37..63  g in 2^-13 of its bound, rounded up or down by chance
 *   bits 13..36  h in 2^-11 of its bound, likewise
 *   bits  0..12  rows
 *
 * where the chance is a hash of row and tree, so that sums have no bias. Leaf
 * values come from the sums of the fractions of 32 bits. Where every hessian
 * is 1 (squared error without weights) it needs no bits of its own and g
 * takes 30 bits: nothing is rounded by chance.
 *
 * Sources: Friedman, "Greedy function approximation", Annals of Statistics 29
 * (2001); Chen and Guestrin, "XGBoost", KDD 2016, section 2.2 (gain, second
 * order); Ke and others, "LightGBM", NIPS 2017 (histograms, leaf-wise
 * growth); Shi and others, "Quantized Training of Gradient Boosting Decision
 * Trees", NeurIPS 2022 (stochastic rounding); Fisher, "On grouping for
 * maximum homogeneity", JASA 53 (1958) (sets of levels).
 */
#ifndef ML_BOOST_H
#define ML_BOOST_H

#include "math/bins.h"
#include "math/exact_sum.h"

#define ML_BOOST_LEAVES_MAX		32768
#define ML_BOOST_SET_WORDS		4	/* 256 bits: a set of levels */

typedef enum MlBoostLoss
{
	ML_BOOST_SQUARED = 1,
	ML_BOOST_LOGISTIC,
	ML_BOOST_SOFTMAX
} MlBoostLoss;

/* What is asked for; plain data that members read in shared memory. */
typedef struct MlBoostSpec
{
	int64_t		rows;			/* rows to learn from come first, then those that tell when to stop */
	int64_t		rows_fit;
	int			cols;
	MlBoostLoss loss;
	int			groups;			/* trees a round: 1, with softmax one a class */
	bool		weighted;
	double		weight_max;		/* greatest weight of a row */
	int			n_trees;		/* rounds, at most */
	int			early_stopping; /* rounds without gain on the later rows; 0: off */
	int			max_leaves;
	int			max_depth;		/* 0: no limit */
	int64_t		min_rows;
	double		min_hessian;
	double		learning_rate;
	double		l2;
	double		row_fraction;
	double		column_fraction;
	double		node_fraction;	/* of a tree's columns, looked at in each node */
	double		level_smoothing;	/* rows' worth of hessian that draw a level's place to the middle */
	double		level_l2;		/* added to l2 when one of more than four levels is split into sets */
	double		level_l2_each;	/* and this for each of them, since so many were chosen among */
	double		level_rows;		/* rows that either side of such a split has at least */
	double		path_smoothing; /* rows' worth of its parent's value in a leaf */
	bool		monotone;		/* some column is bound to a direction */
	uint64_t	seed;
	int			bins_max;		/* of a column of numbers */
	int			members;		/* of the team, at most */
	int			slots;			/* histograms kept at once, 2 or more */
} MlBoostSpec;

/* A split, or a leaf where column is -1. Children are left and left + 1. */
typedef struct MlBoostNode
{
	int			column;
	int			left;
	int			bin;			/* numbers: left holds the bins up to this one */
	bool		missing_left;
	bool		category;
	uint64_t	set[ML_BOOST_SET_WORDS];	/* categories: the levels on the left */
	double		value;			/* leaves */
	double		gain;
	int64_t		rows;			/* training rows in it */
} MlBoostNode;

typedef struct MlBoostTree
{
	int			nodes;
	int			first;			/* index of the root in the nodes of all trees */
} MlBoostTree;

/* The members of a team meet here; may jump out. */
typedef struct MlBoostTeam
{
	int			members;
	int			me;
	void		(*meet) (void *ctx);
	void	   *ctx;
} MlBoostTeam;

typedef struct MlBoost MlBoost;

/* Bytes of the memory that a team shares, and of each member's own. */
extern MlStatus ml_boost_sizes(const MlBoostSpec *spec, const MlBinColumn *columns, size_t *shared, size_t *own);

/*
 * Lays out shared memory, before anyone attaches. It may be laid out anew with
 * fewer bins a column than before: rows that were put in their places stay
 * there.
 */
extern void ml_boost_init(void *shared, const MlBoostSpec *spec, const MlBinColumn *columns);

/* Bytes of a member's own, once shared memory is laid out. */
extern size_t ml_boost_own_bytes(const void *shared);

/* A member's view of the shared memory; own is aligned to 64 bytes. */
extern MlBoost *ml_boost_attach(void *shared, void *own, const MlBoostTeam *team, const MlTick *tick);

extern const MlBoostSpec *ml_boost_spec(const MlBoost *b);

/*
 * Where the caller puts the rows before anyone grows: bins row by row and
 * once more column by column, the targets (numbers for squared error, class indexes else), the weights (NULL
 * if there are none), and the constants that boosting starts from, one a
 * group.
 */
extern uint8_t *ml_boost_bins(MlBoost *b);
extern uint8_t *ml_boost_bins_by_column(MlBoost *b);
extern MlBinColumn *ml_boost_columns(MlBoost *b);

/* Edges of a column of numbers: room for ML_BINS_MAX. */
extern double *ml_boost_edges(MlBoost *b, int column);

/*
 * Bins a column of numbers from the values of all rows: finds edges, writes
 * codes by column, and says in the column how many bins there are. values,
 * spare and count have room for as many numbers as there are rows.
 */
extern void ml_boost_bin_column(MlBoost *b, int column, const double *x, double *values, double *spare,
								uint32_t *count);

/* Copies this member's share of the codes by column to those row by row. */
extern void ml_boost_lay_rows(MlBoost *b);
extern double *ml_boost_targets(MlBoost *b);
extern uint16_t *ml_boost_classes(MlBoost *b);
extern double *ml_boost_weights(MlBoost *b);
extern double *ml_boost_base(MlBoost *b);

/* Room for four numbers a row, which the caller may use until the targets are in their place. */
extern double *ml_boost_scratch(MlBoost *b);

/*
 * Grows one round of trees: called by every member of the team. Returns false
 * when no tree could be split any more, or when the later rows have not
 * gained for early_stopping rounds: then nothing was added.
 */
extern bool ml_boost_round(MlBoost *b);

/* Trees of the last round, groups of them; valid until the next one. */
extern const MlBoostNode *ml_boost_tree(const MlBoost *b, int group, int *nodes);

/* Mean losses after the last round, of the rows to learn from and of the later ones; false without later rows. */
extern bool ml_boost_round_loss(const MlBoost *b, double *training, double *later);

/* Mean loss on the later rows after the best round; NaN without such rows. */
extern double ml_boost_best_loss(const MlBoost *b);

/* Rounds to keep: fewer than were grown when early stopping went on past the best. */
extern int	ml_boost_best_round(const MlBoost *b);

#endif							/* ML_BOOST_H */
