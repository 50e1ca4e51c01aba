/*
 * scan.h - one scan for all checks of data: what it is to do, and the state of one process that does it.
 *
 * The leader plans: checks ask for collectors (collect.h), and become a spec
 * that goes to all processes as bytes. Each decodes it into a program, bound to
 * the types of the columns, and runs every row through it into a state. States
 * travel as bytes and are merged, and at the end each check is judged by its
 * part of the merged one.
 */
#ifndef ML_SCAN_H
#define ML_SCAN_H

#include "base/counts.h"
#include "base/dict.h"
#include "base/histogram.h"
#include "check/collect.h"
#include "math/dd.h"
#include "math/exact_sum.h"

/* A collector that was asked for. where: the number of a condition, or -1. */
typedef struct MlCollector
{
	MlCollectKind kind;
	int			where;
	int			ncolumns;
	MlCheckColumn *columns;
	FmgrInfo   *hashes;			/* for values that are counted by the hash of their type */
	int			nedges;
	double	   *edges;
	int			nlevels;
	char	  **levels;
	MlDict	   *level_codes;	/* of levels, when the program runs */
} MlCollector;

struct MlCollecting
{
	const MlCheck *check;		/* the one that is asking */
	int			where;			/* its condition */
	int			bins;			/* the collector of the bins that it asked for, or -1 */
	int			n;
	int			capacity;
	MlCollector *collectors;
};

/* A check that counts rows. */
typedef struct MlScanCheck
{
	MlRowCheck	row;
	int			where;			/* the number of a condition, or -1 */
	int			condition;		/* of the kind's expression, or -1 */
} MlScanCheck;

typedef struct MlScanProgram
{
	int			ncolumns;
	int			nconditions;
	char	  **conditions;		/* SQL over the columns, or NULL for one that comes as a boolean behind them */
	char	  **whose;			/* of each, for messages */
	int			nchecks;
	MlScanCheck *checks;
	int			ncollectors;
	MlCollector *collectors;
} MlScanProgram;

/* What one collector holds. */
typedef struct MlCollectorState
{
	MlRowCounts counts;			/* rows: of ML_COLLECT_ROWS; n of the rest stands in counts.rows */
	bool		finite;
	double		min;
	double		max;
	MlExactSum *sums;			/* of x, y */
	MlExactProducts *products;	/* of xx, yy, xy */
	double		shift;
	MlDd		powers[4];		/* sums of the powers of x - shift */
	MlCounts	values;
	MlDict	   *texts;
	int64	   *text_counts;	/* two for each text: rows, NULLs of the second column */
	int			text_capacity;
	bool		lost;
	int64	   *bins;
	int			nbins;
	MlHistogram *histogram;
} MlCollectorState;

typedef struct MlScanState
{
	MemoryContext context;
	MlCountsBudget budget;
	int64		rows;
	int			nchecks;
	int64	   *looked_at;		/* per check */
	int64	   *failed;
	int			ncollectors;
	uint8	   *kinds;
	MlCollectorState *collectors;
} MlScanState;

/* ---- the spec: scan_spec.c ---- */

/* The columns of a scan: name, typmod and collation travel, the types are those of the values. */
typedef struct MlScanColumn
{
	const char *name;
	int32		typmod;
	Oid			collation;
} MlScanColumn;

extern void ml_scan_spec_write(StringInfo out, int ncolumns, const MlScanColumn *columns, const MlScanProgram *program);

/*
 * Decodes a spec and binds it to the types of the columns, which are followed
 * by booleans: the conditions that are no SQL. In the current context.
 */
extern MlScanProgram *ml_scan_spec_read(const char *bytes, int length, int ntypes, const Oid *types,
										MlScanColumn **columns);

/* Prepares a collector for its columns: hash functions, codes of levels. */
extern void ml_collector_prepare(MlCollector *collector);

/* ---- the state: scan_state.c ---- */

extern MlScanState *ml_scan_state_create(const MlScanProgram *program, MemoryContext context, Size bytes_max);

/* Runs a row through; conditions: which are true of it, of those of kinds which are not false. What is left in the current context is to be reset with each row. */
extern void ml_scan_state_row(const MlScanProgram *program, MlScanState *state, const NullableDatum *values,
							  const bool *conditions);

/* The room of a state; its collectors are still to be made. */
extern MlScanState *ml_scan_state_room(MemoryContext parent, Size bytes_max, int nchecks, int ncollectors);

/* Makes a collector's room, in the state's context, which is current. */
extern void ml_collector_state_init(MlScanState *state, MlCollectorState *c, MlCollectKind kind, int nbins);

/* Counts a text, and how often there is a NULL beside it; beyond the budget nothing is kept. */
extern void ml_levels_add(MlScanState *state, MlCollectorState *c, const char *bytes, int length, int64 count,
						  int64 nulls);

/* Gives up counting texts. */
extern void ml_levels_lose(MlScanState *state, MlCollectorState *c);

/* ---- its bytes: scan_bytes.c ---- */

extern void ml_scan_state_write(StringInfo out, const MlScanState *state);

/* Adds a state that was written; raises ERRCODE_DATA_CORRUPTED for bytes that are none, or of another spec. */
extern void ml_scan_state_merge(MlScanState *into, const char *bytes, int length);

/* An empty state of the same spec as the bytes. */
extern MlScanState *ml_scan_state_like(const char *bytes, int length, MemoryContext context, Size bytes_max);

/* ---- what was collected: collect.c ---- */

/* Gives the groups, levels or pairs of a collector that ran out of memory, from a query of its own. */
typedef void (*MlCollectAgain) (void *ctx, const MlCollector *collector, MlGroupSink groups, MlLevelSink levels,
								MlPairSink pairs, void *sink_ctx);

struct MlCollected
{
	const MlScanProgram *program;
	MlScanState *state;
	int			check;			/* its number among those that count rows, or -1 */
	int			where;
	int			bins;			/* the collector of the bins that it asked for, or -1 */
	bool		counted;		/* by a query: the two below */
	int64		counted_rows;
	int64		counted_failed;
	const MlCheckPast *(*past) (void *ctx);
	void	   *past_ctx;
	MlCollectAgain again;
	void	   *again_ctx;
	const MlCheckColumn *columns;	/* the check's, as they were bound */
};

/* The value of a key that one column's values are counted under. */
extern double ml_key_value(const MlCheckColumn *column, uint64 a);

/* The key of a row's columns; false where one of them is NULL and NULL is no value for the collector. */
extern bool ml_key_of(const MlCollector *collector, int ncolumns, const NullableDatum *values, uint64 *a, uint32 *b);

#endif							/* ML_SCAN_H */
