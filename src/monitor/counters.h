/*
 * counters.h - the rows that this backend scores, counted and handed over to shared memory.
 *
 * A counter belongs to the session: one for each version in a role. Rows are
 * gathered in a block, column by column, and counted when it is full. At the
 * end of every transaction, however it ends, and about once a second in
 * between, what was counted is added to shared memory, where the database's
 * worker takes it from. Nothing here raises an error once a counter is open:
 * what finds no room is counted as dropped.
 */
#ifndef ML_COUNTERS_H
#define ML_COUNTERS_H

#include "base/cell.h"
#include "drift/profile.h"
#include "portability/instr_time.h"
#include "store/catalog.h"

/* What a session has scored with one version in one role. */
typedef struct MlServingCount
{
	uint64		rows;			/* scored */
	uint64		errors;			/* that could not be: of a shadow, or the statement's error */
	uint64		invalid;		/* that failed the model's checks, scored or not */
	uint64		rejected;		/* not scored: the model's policy for invalid rows */
} MlServingCount;

typedef struct MlCounter
{
	MlServingCount count;		/* since the last handing over */
	MlServingCount *session;	/* what they are added to then */
	MlBaseline *baseline;		/* NULL: rows alone are counted */
	MlCounts	counts;			/* since the last handing over */

	/* rows that are not counted yet, a column behind the other */
	int			capacity;		/* rows of the block */
	int			limit;			/* rows after which they are counted */
	int			pending;
	int			ncells;			/* columns that come from cells; the prediction, if it has bins, is behind them */
	int		   *cells;
	bool		straight;		/* column j is cell j */
	double	   *block;
	double	   *scores;			/* NULL without */
	int8	   *score_bins;

	/* the time of the block's first row */
	instr_time	started;
} MlCounter;

/* What is counted of a version: how it serves and by what its model is watched. */
typedef struct MlCounterSpec
{
	const MlServed *served;
	int			ncells;			/* of the version's entrance */
	bool		scored;			/* it is a classifier */
	int64		window_us;
	List	   *slices;			/* char * */
} MlCounterSpec;

/* Whether rows are counted: there is shared memory, and the session has not turned it off. */
extern bool ml_counters_on(void);

/* The session's counter of a version in a role, which stays until the given context is reset or deleted. */
extern MlCounter *ml_counter_open(const MlCounterSpec *spec, MlServingCount *session, MemoryContext until);

/* Counts the block, and hands over what the session has counted if it is time. */
extern void ml_counter_block(MlCounter *counter);

/* The time of the block's first row is taken. */
static inline void
ml_counter_begin(MlCounter *counter)
{
	if (counter->pending == 0)
		INSTR_TIME_SET_CURRENT(counter->started);
}

/* Notes that it took until now. */
extern void ml_counter_timed(MlCounter *counter);

/* Puts a row that was scored into the block; unseen cells are marked before it is finished. */
static inline void
ml_counter_put(MlCounter *c, const double *cells, double output, int score_bin, double score)
{
	double	   *at = c->block + c->pending;

	if (c->pending == 0)
		ml_counter_timed(c);
	if (c->straight)
		for (int j = 0; j < c->ncells; j++, at += c->capacity)
			*at = cells[j];
	else
		for (int j = 0; j < c->ncells; j++, at += c->capacity)
			*at = cells[c->cells[j]];
	*at = output;
	if (c->scores)
	{
		c->scores[c->pending] = score;
		c->score_bins[c->pending] = (int8) score_bin;
	}
}

/* Marks a cell of that row as a category that training did not see. */
extern void ml_counter_unseen(MlCounter *counter, int cell);

/* Finishes the row. */
static inline void
ml_counter_finish(MlCounter *c)
{
	if (unlikely(++c->pending >= c->limit))
		ml_counter_block(c);
}

/* Hands over what the session has counted. */
extern void ml_counters_hand_over(void);

/* The row that is being scored, so that an error on the way counts; NULL when it is done. */
extern MlServingCount *ml_counters_scoring;

/* ---- shared memory ---- */

/* Announces the part. */
extern void ml_counters_announce(void);

/* Which version in which role. */
typedef struct MlServingKey
{
	Oid			database;
	int32		version;
	int32		role;			/* MlServingRole */
	uint8		digest[ML_DIGEST_BYTES];
	char		model[ML_MODEL_NAME_BYTES_MAX + 1]; /* with zeros behind it */
} MlServingKey;

/* The service of a version since the server started. */
typedef struct MlServingTotals
{
	MlServingCount count;
	uint64		dropped;		/* rows for whose counts there was no room */
	uint64		samples;		/* rows whose time was taken */
	uint64		ns;				/* of these */
	uint64		latency[ML_LATENCY_BINS];
	TimestampTz since;
	TimestampTz last;
} MlServingTotals;

typedef struct MlServingLine
{
	MlServingKey key;
	MlServingTotals totals;
} MlServingLine;

/* The nanoseconds where a latency bin begins. */
extern double ml_latency_bin_ns(int bin);

/* The service (MlServingLine *) of the versions of this database. */
extern List *ml_counters_serving(void);

/* Rows of this server that found no room at all: not even to be named. */
extern uint64 ml_counters_lost(void);

/* What was counted in one window. */
typedef struct MlWindowCounts
{
	MlServingKey key;
	TimestampTz start;
	TimestampTz end;
	List	   *slices;			/* char * */
	MlCounts	counts;
	uint64		config;			/* of the shape and the slices; counts of another are kept apart */
} MlWindowCounts;

/* What is counted of this database and not written yet (MlWindowCounts *), of one model or of all (NULL). */
extern List *ml_counters_windows(const char *model);

/*
 * For the database's worker, of which there is one at a time. begin puts back
 * what was moved aside and not written, and returns the number of a pass; take
 * moves counts aside, each window once in a pass and at most so many of them,
 * and returns them; written forgets them once the transaction that wrote them
 * is certain. more says that others are left.
 */
extern uint64 ml_counters_begin(void);
extern List *ml_counters_take(uint64 pass, int max, bool *more);
extern void ml_counters_written(List *windows);

/* Forgets all of a database. */
extern void ml_counters_forget(Oid database);

#endif							/* ML_COUNTERS_H */
