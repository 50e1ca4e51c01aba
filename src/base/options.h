/*
 * options.h - parameters declared once, as data: parsing, errors and listing come from one table.
 */
#ifndef ML_OPTIONS_H
#define ML_OPTIONS_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef enum MlParamType
{
	ML_PARAM_BOOLEAN,
	ML_PARAM_INTEGER,
	ML_PARAM_NUMBER,
	ML_PARAM_TEXT,
	ML_PARAM_JSON,				/* an object or a string; value.json and, as text, value.text */
	ML_PARAM_VALUE				/* whatever JSON can be but null; the same members */
} MlParamType;

/* A parameter; default_value is its text form, NULL when the default is decided from the data. */
typedef struct MlParam
{
	const char *name;
	MlParamType type;
	const char *default_value;
	double		min;
	double		max;
	const char *choices;		/* "a|b|c" for texts with a fixed set, else NULL */
	const char *description;
} MlParam;

/* A parameter's value; isnull means: decide from the data. */
typedef struct MlParamValue
{
	bool		isnull;
	double		number;			/* booleans are 0 and 1 */
	char	   *text;
	Jsonb	   *json;
} MlParamValue;

/*
 * Reads a JSON object against a table of parameters. owner names it in
 * errors ("learner \"x\""). given may be NULL. The keys listed in ignored
 * (char *) are skipped. Raises ERRCODE_INVALID_PARAMETER_VALUE with the known
 * names in DETAIL and a suggestion in HINT. Returns one value per parameter.
 */
extern MlParamValue *ml_options_parse(const char *owner, const MlParam *params, int nparams,
									  Jsonb *given, List *ignored);

/* Appends the values as a JSON object. */
extern void ml_options_json(StringInfo out, const MlParam *params, int nparams, const MlParamValue *values);

/*
 * The numbers of a parameter that is an array of least to most finite
 * numbers; raises ERRCODE_INVALID_PARAMETER_VALUE for everything else.
 */
extern double *ml_option_numbers(const char *owner, const MlParam *param, const MlParamValue *value,
								 int least, int most, int *n);

/* The value of a parameter by name; the name must be in the table. */
extern const MlParamValue *ml_option(const MlParam *params, int nparams, const MlParamValue *values,
									 const char *name);

/* "boolean", "integer", "number", "text", "json", "value". */
extern const char *ml_param_type_name(MlParamType type);

#endif							/* ML_OPTIONS_H */
