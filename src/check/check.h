/*
 * check.h - the family of checks: one file per kind, one table of them all.
 *
 * A check is a kind with columns and parameters. A kind that judges rows
 * (prepare) binds to the types of a row once and then says of each row whether
 * it passes. A kind that judges data (plan, judge) asks for what it needs to be
 * collected while all rows are scanned once (collect.h), and judges that. A
 * kind of rows judges data too: by the share of rows that fail.
 *
 * Every kind knows two parameters without declaring them: mostly, the least
 * share of rows that must pass, where it judges rows (or declares that it fails
 * rows), and where, a condition that rows must meet to be looked at at all.
 *
 * Memory is the current context's, except what is said to be the check's.
 */
#ifndef ML_CHECK_H
#define ML_CHECK_H

#include "base/convert.h"
#include "base/options.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef enum MlSeverity
{
	ML_SEVERITY_ERROR,
	ML_SEVERITY_WARN
} MlSeverity;

typedef enum MlEnvironment
{
	ML_ENVIRONMENT_BOTH,
	ML_ENVIRONMENT_TRAINING,
	ML_ENVIRONMENT_SERVING
} MlEnvironment;

struct MlCheckKind;

/* A check as it is defined. */
typedef struct MlCheck
{
	char	   *name;
	const struct MlCheckKind *kind;
	int			ncolumns;
	char	  **columns;
	Jsonb	   *given;			/* the parameters as they were given; never NULL */
	MlParamValue *params;		/* those of the kind's own table */
	double		mostly;			/* 1 unless given */
	char	   *where;			/* SQL, or NULL */
	MlSeverity	severity;
	MlEnvironment environment;
	bool		learned;		/* inferred from data */
} MlCheck;

/* A column that a check names, in the rows at hand. */
typedef struct MlCheckColumn
{
	const char *name;
	int			index;			/* its place among the row's values */
	Oid			declared;		/* its type; domains not looked through */
	int32		typmod;
	Oid			collation;
	MlConvert	convert;		/* its base type, and what it converts to */
} MlCheckColumn;

/* A check of rows, bound to the types of its columns. */
typedef struct MlRowCheck
{
	const MlCheck *check;
	int			ncolumns;
	MlCheckColumn *columns;		/* those the check names, in its order */
	MemoryContext context;		/* of state; lives as long as the binding */
	void	   *state;			/* the kind's own, made by prepare */

	/*
	 * Whether a row passes; set by prepare. values are those of the whole row
	 * (column i is values[columns[i].index]). A NULL passes, unless the kind is
	 * about NULLs. May leave garbage in the current context, which is reset
	 * after each row or so, and must not raise an error for what a value is.
	 */
	bool		(*passes) (const struct MlRowCheck *row, const NullableDatum *values);

	/* A condition or a look-up that only the server can evaluate (kinds with ->expression), or NULL. */
	void	   *expression;
} MlRowCheck;

/* What a check of data found. */
typedef enum MlCheckStatus
{
	ML_CHECK_PASS,
	ML_CHECK_FAIL,				/* reported as warn where that is the severity */
	ML_CHECK_INSUFFICIENT,		/* too little to judge by */
	ML_CHECK_ERROR,				/* it could not be judged: observed says why */
	ML_CHECK_SKIPPED			/* it is about a column of the training only */
} MlCheckStatus;

typedef struct MlCheckOutcome
{
	MlCheckStatus status;
	char	   *observed;		/* JSON, or NULL */
	char	   *expected;		/* JSON, or NULL */
	int64		n;				/* rows looked at */
	int64		n_failed;		/* rows that fail; 0 where only the whole can */
} MlCheckOutcome;

struct MlCollecting;			/* collect.h: a scan that is being planned */
struct MlCollected;				/* collect.h: what a scan has collected */

typedef enum MlCheckFlags
{
	ML_CHECK_ROWS = 1,			/* judges a row alone: ml.is_valid, guards */
	ML_CHECK_MOSTLY = 2,		/* takes mostly (every kind with ML_CHECK_ROWS does) */
	ML_CHECK_EXPRESSION = 4,	/* the row is judged by an SQL expression (expression) */
	ML_CHECK_SCHEMA = 8,		/* judges the columns of the source: needs no row (schema) */
	ML_CHECK_QUERY = 16,		/* judged by a query of its own (query, answer) */
	ML_CHECK_LOOKUP = 32,		/* with ML_CHECK_EXPRESSION: the expression looks into other tables, and is ours, not a user's */
	ML_CHECK_NULLS = 64,		/* judges whether there is a value, whatever its type */
	ML_CHECK_ALL_COLUMNS = 128	/* named no columns: the check is bound as if it named all of the source's */
} MlCheckFlags;

/* The columns of a source, for kinds that judge those. */
typedef struct MlSourceColumns
{
	int			n;
	const char *const *names;
	const Oid  *types;
	const int32 *typmods;
} MlSourceColumns;

/* The first row of a kind's own query, and how many rows it returned. */
typedef struct MlCheckAnswer
{
	int64		rows;
	int			ncolumns;
	const Oid  *types;
	const NullableDatum *values;	/* NULL where there is no row */
} MlCheckAnswer;

/* Earlier results of a check on the same source, newest first: all, or at least the last thousand. */
typedef struct MlCheckPast
{
	int			n;
	const double *value;		/* NaN where it observed no number */
	const TimestampTz *at;
} MlCheckPast;

typedef struct MlCheckKind
{
	const char *name;
	const char *summary;		/* one line */
	int			flags;
	int			min_columns;
	int			max_columns;	/* ML_CHECK_COLUMNS_ANY: no limit */
	const MlParam *params;
	int			nparams;

	/* Refuses parameters that the table cannot: raises an error (ml_check_refuse). May be NULL. */
	void		(*validate) (const MlCheck *check);

	/*
	 * Binds to rows: sets passes and state. Raises ERRCODE_DATATYPE_MISMATCH
	 * for a type it cannot judge (ml_check_refuse_type). Needed with
	 * ML_CHECK_ROWS unless there is an expression; a kind without that flag
	 * may have it too, to count the rows that fail.
	 */
	void		(*prepare) (MlRowCheck *row);

	/* Says what is wrong with a row that fails, as in "is 150, above 120", behind the column's name. NULL: the value alone. */
	void		(*explain) (const MlRowCheck *row, const NullableDatum *values, StringInfo out);

	/*
	 * The SQL expression, over the columns of the row by name, that is not
	 * false of a row that passes. What users wrote is looked at before it runs,
	 * and names columns alone; with ML_CHECK_LOOKUP columns are qualified by
	 * rows, the alias of the rows in a query (NULL without the flag).
	 */
	void		(*expression) (const MlCheck *check, const char *rows, StringInfo out);

	/* What is expected, as JSON; NULL: the parameters as given. */
	void		(*expect) (const MlCheck *check, StringInfo out);

	/* Asks for what the check needs; raises an error for types it cannot judge. */
	void		(*plan) (const MlCheck *check, const MlCheckColumn *columns, struct MlCollecting *scan);

	/*
	 * Judges what was collected: fills everything but n where it is the number
	 * of rows looked at. A kind without plan is judged after its failing rows
	 * were counted by a query: ml_collected_rows and ml_collected_failed say
	 * how many there are.
	 */
	void		(*judge) (const MlCheck *check, const struct MlCollected *scan, MlCheckOutcome *out);

	/* Judges the columns of the source (ML_CHECK_SCHEMA). */
	void		(*schema) (const MlCheck *check, const MlSourceColumns *source, MlCheckOutcome *out);

	/*
	 * For kinds that fail rows but not one by one: the SQL expression over the
	 * rows s of a query, window functions allowed, that is true of those that
	 * fail. ml.failing_rows and a scan that ran out of memory use it.
	 */
	void		(*failing) (const MlCheck *check, StringInfo out);

	/* The number that the check observes, NaN where there is none; kinds that judge one number have it. */
	double		(*number) (const MlCheck *check, const struct MlCollected *scan);

	/*
	 * The query of its own (ML_CHECK_QUERY): one SELECT. source is what can
	 * stand in FROM, without an alias: a relation's name, or a query in
	 * parentheses.
	 */
	void		(*query) (const MlCheck *check, const char *source, StringInfo out);

	/* Judges what the query answered. */
	void		(*answer) (const MlCheck *check, const MlCheckAnswer *answer, MlCheckOutcome *out);
} MlCheckKind;

#define ML_CHECK_COLUMNS_ANY	(-1)

/* All kinds, in the order of ml.check_kinds; NULL behind the last. */
extern const MlCheckKind *const ml_check_kinds[];

/* The kind of a name, or NULL. */
extern const MlCheckKind *ml_check_kind(const char *name);

/*
 * Makes a check of its definition, which is checked: unknown kind or parameter,
 * columns too few or too many, values out of bounds raise
 * ERRCODE_INVALID_PARAMETER_VALUE. name NULL: kind and columns, as in
 * "age_range".
 */
extern MlCheck *ml_check_make(const char *name, const char *kind, List *columns, Jsonb *params, MlSeverity severity,
							  MlEnvironment environment);

/*
 * A check of another kind about the same columns, made for its number alone:
 * raises the same errors, but asks for no bounds. The parameter that names the
 * kind is the check's param.
 */
extern MlCheck *ml_check_measure(const MlCheck *check, const char *param, Jsonb *params);

/* The parameters (const MlParam *) that a kind takes: its own, then those of all kinds that have a meaning for it. */
extern List *ml_check_kind_params(const MlCheckKind *kind);

/* The value of one of the kind's own parameters. */
extern const MlParamValue *ml_check_param(const MlCheck *check, const char *name);

/* A number parameter; NaN when it is not given and has no default. */
extern double ml_check_number(const MlCheck *check, const char *name);

extern const char *ml_severity_name(MlSeverity severity);
extern const char *ml_environment_name(MlEnvironment environment);
extern bool ml_severity_parse(const char *name, MlSeverity *severity);
extern bool ml_environment_parse(const char *name, MlEnvironment *environment);
extern const char *ml_check_status_name(MlCheckStatus status, MlSeverity severity);

/* ---- for the kinds ---- */

/* Raises ERRCODE_INVALID_PARAMETER_VALUE: the message begins with the check's kind; detail and hint may be NULL. */
extern ML_NORETURN void ml_check_refuse(const MlCheck *check, const char *problem, const char *detail, const char *hint);

/* Raises ERRCODE_DATATYPE_MISMATCH: the kind cannot judge a column of that type; wants says what it can, as in "a number". */
extern ML_NORETURN void ml_check_refuse_type(const MlCheck *check, const MlCheckColumn *column, const char *wants);

/* Appends a value of a column as people read it, cut when it is long. */
extern void ml_check_show(const MlCheckColumn *column, Datum value, StringInfo out);

/* {"min": ..., "max": ...} of the parameters min and max that are given. */
extern void ml_check_expect_range(const MlCheck *check, StringInfo out);

/* Whether a number lies within the parameters min and max, as far as they are given; NaN does not. */
extern bool ml_check_in_range(const MlCheck *check, double x);

/* Judges one number by min and max: observed is the number under "value", NaN is insufficient data. */
extern void ml_check_judge_number(const MlCheck *check, double x, MlCheckOutcome *out);

/* A JSON scalar as a value of a column's type, by the type's input function, which raises an error where it cannot be. */
extern Datum ml_check_datum(const MlCheck *check, const MlCheckColumn *column, const JsonbValue *json);

/* The one value of a JSON parameter that is a scalar; raises an error for arrays and objects. */
extern JsonbValue ml_check_scalar(const MlCheck *check, const char *param);

#endif							/* ML_CHECK_H */
