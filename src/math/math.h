/*
 * math.h - what every file of the maths room shares: status codes, breathing, blocks of rows.
 *
 * The room holds numbers only: no server header, no allocation, no printing.
 * Workspace belongs to the caller, so an error raised inside a callback may
 * jump across any function here. All code is compiled without contraction
 * into fused multiply-add and sums in a fixed order, so that the same input
 * gives the same bits on every processor.
 */
#ifndef ML_MATH_H
#define ML_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum MlStatus
{
	ML_OK = 0,
	ML_NEED_SPACE,				/* the workspace is too small: ask for the size again */
	ML_SINGULAR,				/* a matrix has no inverse */
	ML_NOT_CONVERGED,			/* the iteration limit came first */
	ML_NOT_FINITE,				/* NaN or infinity where a number is needed */
	ML_TOO_LARGE				/* a dimension exceeds what the routine can address */
} MlStatus;

/* Called now and then in long work; may jump out and never return. */
typedef struct MlTick
{
	void		(*breathe) (void *ctx);
	void	   *ctx;
} MlTick;

static inline void
ml_breathe(const MlTick *tick)
{
	if (tick && tick->breathe)
		tick->breathe(tick->ctx);
}

/* Rows are handed to the kernels in blocks of at most this many. */
#define ML_BLOCK_ROWS	256

/*
 * A block of design rows: x is rows x cols, row-major, a row beginning stride
 * numbers after the one before it, every value finite; y has one value a row (the target, or the class index as a number); w is
 * NULL or one non-negative weight a row.
 */
typedef struct MlBlock
{
	int			rows;
	const double *x;
	size_t		stride;
	const double *y;
	const double *w;
} MlBlock;

/*
 * A source of blocks that can be read any number of times and gives the same
 * blocks in the same order each time. next() returns false at the end; what
 * it points at stays valid until the following call of next() or rewind().
 * Both may jump out.
 */
typedef struct MlBlocks
{
	int			cols;
	int64_t		rows;
	bool		weighted;		/* blocks carry w */
	void		(*rewind) (void *ctx);
	bool		(*next) (void *ctx, MlBlock *out);
	void	   *ctx;
} MlBlocks;

/* Generic vectors: eight lanes in every build, whatever the processor has. */
typedef double MlVec __attribute__((vector_size(64)));
typedef int64_t MlVecInt __attribute__((vector_size(64)));

#define ML_LANES	8

/*
 * Hot loops are compiled once per instruction set and picked at load; with
 * contraction off the results are the same bits.
 */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(ML_NO_CLONES)
#define ML_CLONES	__attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ML_CLONES
#endif

#endif							/* ML_MATH_H */
