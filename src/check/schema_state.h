/*
 * schema_state.h - what a compiled JSON Schema holds, between its compiler and its judge.
 */
#ifndef ML_SCHEMA_STATE_H
#define ML_SCHEMA_STATE_H

#include "check/formats.h"
#include "check/schema.h"
#include "utils/numeric.h"

/* A value of const or enum, as a tree. */
typedef struct MlSchemaValue
{
	MlJsonNode *nodes;
} MlSchemaValue;

typedef struct MlSchemaProperty
{
	const char *name;
	int			length;
	MlSchema   *schema;			/* NULL where it is only required */
	int			required;		/* its number among the required ones, or -1 */
} MlSchemaProperty;

typedef enum MlSchemaLimit
{
	ML_SCHEMA_MINIMUM,
	ML_SCHEMA_MAXIMUM,
	ML_SCHEMA_EXCLUSIVE_MINIMUM,
	ML_SCHEMA_EXCLUSIVE_MAXIMUM,
	ML_SCHEMA_MULTIPLE_OF,
	ML_SCHEMA_LIMITS
} MlSchemaLimit;

typedef enum MlSchemaCount
{
	ML_SCHEMA_MIN_LENGTH,
	ML_SCHEMA_MAX_LENGTH,
	ML_SCHEMA_MIN_ITEMS,
	ML_SCHEMA_MAX_ITEMS,
	ML_SCHEMA_COUNTS
} MlSchemaCount;

typedef enum MlSchemaGroup
{
	ML_SCHEMA_ANY_OF,
	ML_SCHEMA_ALL_OF,
	ML_SCHEMA_ONE_OF,
	ML_SCHEMA_GROUPS
} MlSchemaGroup;

/* Types of JSON Schema are bits: those of MlJsonType, and integer. */
#define ML_SCHEMA_INTEGER	6

struct MlSchema
{
	bool		never;			/* the schema false */
	int			types;			/* bits; 0: any */
	int			nvalues;		/* const and enum; 0: any */
	MlSchemaValue *values;
	Numeric		limit[ML_SCHEMA_LIMITS];	/* or NULL */
	int64		count[ML_SCHEMA_COUNTS];	/* or -1 */
	text	   *pattern;
	const MlFormat *format;
	int			nproperties;	/* by name, as memcmp and length order them */
	MlSchemaProperty *properties;
	int			nrequired;
	MlSchema   *additional;		/* of properties that are not named, or NULL */
	MlSchema   *items;
	int			ngroup[ML_SCHEMA_GROUPS];
	MlSchema  **group[ML_SCHEMA_GROUPS];
	MlSchema   *not;
};

/* Orders names, for the search. */
static inline int
ml_schema_order(const char *a, int a_length, const char *b, int b_length)
{
	int			order = memcmp(a, b, Min(a_length, b_length));

	return order != 0 ? order : a_length - b_length;
}

extern const char *const ml_schema_limits[ML_SCHEMA_LIMITS];
extern const char *const ml_schema_counts[ML_SCHEMA_COUNTS];
extern const char *const ml_schema_groups[ML_SCHEMA_GROUPS];

#endif							/* ML_SCHEMA_STATE_H */
