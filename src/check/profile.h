/*
 * profile.h - what was seen of a column, and the checks that come of it.
 *
 * A profile is filled by whoever sees the rows: a scan (flow/infer.c) or a
 * training (flow/load_profile.c). Memory is the current context's.
 */
#ifndef ML_PROFILE_H
#define ML_PROFILE_H

#include "base/histogram.h"
#include "check/check.h"

/* So many different texts are kept, of so many bytes together; of more only figures are. */
#define ML_PROFILE_LEVELS_MAX		200
#define ML_PROFILE_LEVEL_BYTES_MAX	8192

typedef struct MlProfileLevel
{
	char	   *text;
	int64		n;
} MlProfileLevel;

typedef struct MlColumnProfile
{
	MlCheckColumn column;
	bool		target;			/* its checks are for trainings */
	bool		addressed;		/* it is a column of rows; an element of an array is not */
	bool		unique;			/* whole numbers that are all different, and not by accident */
	int64		rows;
	int64		nulls;
	MlHistogram *histogram;		/* of numbers and times, else NULL */

	/* of texts, else distinct is 0 */
	int64		values;
	int64		distinct;
	int64		once;			/* texts that occur once */
	int64		twice;
	int64		commonest;		/* rows of the commonest */
	int64		min_length;		/* in characters */
	int64		max_length;
	uint32		formats;		/* those that all texts have, as bits */
	bool		open;			/* there are too many texts to keep them */
	int			nlevels;
	Size		level_bytes;
	MlProfileLevel *levels;
} MlColumnProfile;

/* How often all rows, as far as values can be compared, occur. */
typedef struct MlRowsProfile
{
	int			ncolumns;
	char	  **columns;		/* those that can be */
	bool		all;			/* they are all columns of the source */
	int64		rows;
	int64		distinct;
	int64		once;
	int64		twice;
} MlRowsProfile;

/* Adds a text that occurs count times; each text once. */
extern void ml_profile_text(MlColumnProfile *profile, const char *text, int64 count);

/* A suite that is being inferred. */
typedef struct MlInference
{
	List	   *checks;			/* MlCheck * */
	int			ncolumns;		/* false alarms are shared out among them */
	bool		version;		/* of a version: rows to be scored come in tables of other shapes */
} MlInference;

/* Adds a check; name NULL: that by default. */
extern void ml_infer_add(MlInference *infer, const char *name, const char *kind, List *columns, const char *params,
						 MlSeverity severity, MlEnvironment environment);

/* Adds the checks of one column. */
extern void ml_infer_column(MlInference *infer, const MlColumnProfile *profile);

/* Adds the checks of the columns of a source, or of the features of a version, as a whole. */
extern void ml_infer_columns(MlInference *infer, int n, const MlColumnProfile *profiles);

/* Adds the check of rows that repeat others. */
extern void ml_infer_rows(MlInference *infer, const MlRowsProfile *rows);

/* Whether a column of whole numbers may be a key: no bin holds more rows than numbers, and chance would have repeated some. */
extern bool ml_infer_may_be_key(const MlColumnProfile *profile);

/* Whether a may never exceed b though their ranges overlap: worth a look at the rows. */
extern bool ml_infer_may_be_below(const MlColumnProfile *a, const MlColumnProfile *b);

/* The least share of rows for mostly that a few rows among so many do not hurt, as JSON members ", "mostly": x", or nothing. */
extern char *ml_infer_mostly(int64 rows);

#endif							/* ML_PROFILE_H */
