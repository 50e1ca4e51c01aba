/*
 * gates.h - what the catalog keeps of gates: their definitions, their verdicts, and what these rest on.
 */
#ifndef ML_GATES_H
#define ML_GATES_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* One gate: a rule on a metric. */
typedef struct MlGate
{
	int64		id;
	char	   *name;
	char	   *metric;
	bool		has_min;
	bool		has_max;
	double		min;
	double		max;
	char	   *versus;			/* "production", "baseline", "trivial", or NULL */
	double		margin;			/* how much worse than that the version may be */
	List	   *slices;			/* columns: char * */
	int64		min_rows;
	char	   *role;			/* the role it guards */
} MlGate;

typedef enum MlVerdict
{
	ML_VERDICT_PASS,
	ML_VERDICT_FAIL,
	ML_VERDICT_INCONCLUSIVE
} MlVerdict;

/* What a gate found, for all rows (slice_key NULL) or a slice of them. NaN stands for not known. */
typedef struct MlGateResult
{
	const MlGate *gate;
	char	   *slice_key;
	char	   *slice_value;
	double		value;
	double		low;			/* 95 % interval of the value */
	double		high;
	double		limit;
	MlVerdict	verdict;
	int64		n;
	char	   *reason;
} MlGateResult;

/* What all results of one judgement rest on. */
typedef struct MlGateJudgement
{
	int32		version;
	int32		versus_version; /* production when it was judged; 0: none */
	char	   *source;			/* NULL: the rows that training held out */
	char	   *reader;			/* the role whose rights the source was read with */
	char	   *search_path;	/* by which its names resolve */
	char	   *source_digest;	/* of the source's text and of the relations it reads */
	char	   *fingerprint;	/* of its rows */
	char	   *params;			/* json, for the run */
	char	   *environment;	/* json, likewise */
	TimestampTz started_at;
} MlGateJudgement;

/* A result as it was recorded. */
typedef struct MlGateRecord
{
	char	   *slice_key;
	char	   *slice_value;
	char	   *verdict;
	char	   *reason;
	char	   *source;
	char	   *source_digest;
	char	   *fingerprint;
	int32		versus_version;
	char	   *reader;
	char	   *search_path;
} MlGateRecord;

/* What a deployment was found to be allowed by. */
typedef struct MlGatePass
{
	List	   *gate_ids;		/* int64 * */
	bool		compared;		/* some gate compared with production */
	int32		versus_version; /* which was this version, or none (0) */
	char	   *overruled;		/* json array: the gates that do not pass, where forced; NULL for none */
} MlGatePass;

extern const char *ml_verdict_name(MlVerdict verdict);

extern void ml_catalog_add_gate(const char *model, const MlGate *gate);
extern void ml_catalog_drop_gate(const char *model, const char *name);

/* The gates (MlGate *) of a model, by name; of one role or of all (NULL). */
extern List *ml_catalog_gates(const char *model, const char *role);

/* Writes a run with its results (MlGateResult *) and an event. */
extern void ml_catalog_gate_results(const char *model, const MlGateJudgement *judgement, const List *results);

/*
 * What the run that judged a version last by a gate found (MlGateRecord *):
 * its first result, and all that are no pass. NIL when there is none.
 */
extern List *ml_catalog_gate_records(const char *model, int32 version, int64 gate_id);

/* A result of the run that judged a version last by any gate; NULL when there is none. */
extern MlGateRecord *ml_catalog_gate_record(const char *model, int32 version);

#endif							/* ML_GATES_H */
