/*
 * data_scan.h - checks of data over a source: bound to its columns, collected in one scan, judged.
 */
#ifndef ML_DATA_SCAN_H
#define ML_DATA_SCAN_H

#include "check/scan.h"
#include "flow/program.h"
#include "flow/source.h"

/* One pass over the source: what it reads, what it is to collect, and what it has collected. */
typedef struct MlDataPass
{
	MlScanProgram program;		/* the leader's: columns[i] of the scan is attribute attnos[i] of the source */
	int		   *attnos;
	int		   *scan_of;		/* the scan's column of an attribute, or -1 */
	MlCollecting collecting;
	List	   *arguments;		/* SQL (char *) of the conditions that come as booleans, in order */
	MlScanState *state;
} MlDataPass;

/* A check on its way from binding to its outcome. */
typedef struct MlDataCheck
{
	const MlCheck *check;		/* with ML_CHECK_ALL_COLUMNS one that names all the source's */
	const char *suite;			/* whose it is, for messages */
	bool		trusted;		/* SQL of its own may run with the rights of the current user */
	MlDataPass *pass;			/* the one that it takes part in */
	MlCheckColumn *columns;
	int			row;			/* its number among those that count rows, or -1 */
	int			where;			/* its condition, or -1 */
	int			bins;			/* its collector of bins, or -1 */
	bool		scanned;		/* the scan collects for it */
	bool		done;			/* it has its outcome */
	MlCheckOutcome outcome;
} MlDataCheck;

/* What a check's scan needs again. */
typedef struct MlDataAgainContext
{
	struct MlDataScan *scan;
	const MlDataCheck *data;
} MlDataAgainContext;

typedef struct MlDataScan
{
	const char *source;			/* as it was given */
	MlSourceInfo info;
	char	   *from;			/* as it stands in FROM, without an alias */
	TupleDesc	desc;
	MlRowType	type;
	int			nchecks;
	MlDataCheck *checks;
	MlDataPass *pass;			/* to which checks are being bound */
	const MlCheckPast *(*past) (void *ctx, const MlCheck *check);	/* earlier results, newest first */
	void	   *past_ctx;
	int			scans;			/* how often the source was gone through for what is collected */
	List	   *broken;			/* names (char *) of checks that stopped a scan by an error */
	List	   *lost;			/* of checks whose values did not fit into memory */
} MlDataScan;

/* Describes the source. Everything of the scan is palloc'd in the current context. */
extern void ml_data_scan_begin(MlDataScan *scan, const char *source);

/* Adds a check, to be judged. Nothing is bound yet. */
extern MlDataCheck *ml_data_scan_add(MlDataScan *scan, const MlCheck *check, const char *suite, bool trusted);

/*
 * Binds every check to the columns. One that cannot be bound has the outcome
 * ML_CHECK_ERROR then, or ML_CHECK_SKIPPED where it is about the training
 * alone and its column is not there.
 */
extern void ml_data_scan_bind(MlDataScan *scan);

/*
 * Asks for a collector that no check asks for; attnos are those of the source,
 * and columns, as they were bound, are filled for asking what was found.
 */
extern void ml_data_scan_collect(MlDataScan *scan, MlCollectKind kind, int ncolumns, const int *attnos,
								 MlCheckColumn *columns);

/* Sees what was collected for no check. */
extern void ml_data_scan_seen(MlDataScan *scan, MlCollected *out, MlDataAgainContext *again);

/*
 * Scans the source once, if there is anything to collect. When a check raises
 * an error while rows go by, that is its outcome, and the source is scanned
 * again for the others. An error of the source's own is raised.
 */
extern void ml_data_scan_run(MlDataScan *scan);

/* Judges every check that has no outcome yet. */
extern void ml_data_scan_judge(MlDataScan *scan);

/* Does something for a check in a subtransaction; an error becomes its outcome. */
extern void ml_data_try(MlDataScan *scan, MlDataCheck *data, void (*what) (MlDataScan *scan, MlDataCheck *data));

/* Tells of scans beyond the first, and why they were needed. */
extern void ml_data_scan_tell(const MlDataScan *scan);

/* What was collected, seen by a check. */
extern void ml_data_scan_collected(const MlDataCheck *check, MlCollected *out);

/* The check with all columns of the source in place of none. */
extern const MlCheck *ml_data_all_columns(const MlDataScan *scan, const MlCheck *check);

/* "WHERE ..." for a query over the rows "s" of the source, by a check's condition; nothing without one. */
extern void ml_data_where(StringInfo out, const MlCheck *check, const char *suite);

#endif							/* ML_DATA_SCAN_H */
