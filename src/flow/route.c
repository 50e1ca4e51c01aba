/*
 * route.c - numbers of rows that depend on the features alone: which ones a canary scores, which ones are logged.
 *
 * A row is a set of cells at the entrance of the pipeline of the version in
 * production, and each cell has a key and 64 bits:
 *
 *	   text(s)	= mix64(FNV-1a(s) ^ SALT)		FNV-1a of 64 bits over the bytes of s
 *	   key		= mix64(text(name of the input) + GOLDEN * e)		e: 0, an array's element from 1 on, a term from 0 on
 *	   bits		= NULL: ML_NULL_BITS. NaN: ML_NAN_BITS. A number: its IEEE 754 double, -0 as 0.
 *				  A category: text(level), or OTHER for the levels that training put together. A text
 *				  that is hashed: its hash as a number. A term: its count.
 *	   row		= the sum over the cells, modulo 2^64, of ml_cell_hash(bits, key)
 *	   share	= the upper 53 bits of mix64(row ^ SALT), over 2^53
 *
 * with mix64 and ml_cell_hash of base/cell.h. What counts is what the model
 * sees: a category that training did not see has the cell that the pipeline
 * gives it, the same for all of them. The sum has no order, and columns that
 * are no inputs have no part in it, so a row has the same number in every form
 * of features, statement, session and server. The salt is in no other hash:
 * the number says nothing about which rows were held out of the training. It
 * must never change, or rows would change sides with an update.
 *
 * Whether a row is logged is another number of the same sum, with a salt of
 * its own: what the canary scores is logged as often as what production does.
 * The key that a logged row has in the table is a third one, with text(value)
 * in the place of text(level).
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "flow/route.h"

#define ML_ROUTE_SALT	UINT64CONST(0x6d6c2e63616e6172) /* "ml.canar" */
#define ML_ROUTE_LOG_SALT	UINT64CONST(0x6d6c2e6c6f676765) /* "ml.logge" */
#define ML_ROUTE_KEY_SALT	UINT64CONST(0x6d6c2e726f776b65) /* "ml.rowke" */
#define ML_ROUTE_GOLDEN UINT64CONST(0x9e3779b97f4a7c15)
#define ML_ROUTE_OTHER	UINT64CONST(0x2545f4914f6cdd1d)

/* The hash of a text: byte by byte, so that no machine has another one. */
static uint64
ml_route_text(const char *text, int length)
{
	uint64		hash = UINT64CONST(0xcbf29ce484222325);

	for (int i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * UINT64CONST(0x100000001b3);
	return ml_mix64(hash ^ ML_ROUTE_SALT);
}

/* The hashes of the levels of a category, by code. */
static uint64 *
ml_route_levels(const MlInput *input)
{
	uint64	   *levels = palloc_extended(sizeof(uint64) * Max(input->nlevels, 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			kept = input->nlevels - input->has_other;

	for (int k = 0; k < kept; k++)
		levels[k] = ml_route_text(input->levels[k], strlen(input->levels[k]));
	if (input->has_other)
		levels[kept] = ML_ROUTE_OTHER;
	return levels;
}

MlRoute *
ml_route_create_keys(const MlPipeline *pipeline)
{
	MlRoute    *route = palloc0(sizeof(MlRoute));

	route->ncells = pipeline->ncells;
	route->keys = palloc_extended(sizeof(uint64) * Max(route->ncells, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		const MlInput *input = &pipeline->inputs[i];
		uint64		name = ml_route_text(input->name, strlen(input->name));
		bool		elements = input->class == ML_TYPE_ARRAY;

		for (int e = 0; e < input->ncells; e++)
			route->keys[input->first_cell + e] = ml_mix64(name + ML_ROUTE_GOLDEN * (elements ? e + 1 : e));
	}
	return route;
}

MlRoute *
ml_route_create(const MlPipeline *pipeline)
{
	MlRoute    *route = ml_route_create_keys(pipeline);

	route->levels = palloc_extended(sizeof(uint64 *) * Max(route->ncells, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < pipeline->ninputs; i++)
		if (pipeline->inputs[i].class == ML_TYPE_TEXT && pipeline->inputs[i].encoding == ML_ENCODING_LEVELS)
			route->levels[pipeline->inputs[i].first_cell] = ml_route_levels(&pipeline->inputs[i]);
	return route;
}

/* The bits of a number or of what is missing. */
static inline uint64
ml_route_bits(double x)
{
	if (unlikely(isnan(x)))
		return ml_cell_is_null(x) ? ML_NULL_BITS : ML_NAN_BITS;
	return ml_cell_bits(x + 0.0);	/* -0 becomes 0 */
}

/* The sum over the cells. */
static uint64
ml_route_sum(const MlRoute *route, const double *cells)
{
	uint64		row = 0;

	for (int c = 0; c < route->ncells; c++)
	{
		double		x = cells[c];

		row += ml_cell_hash(route->levels[c] != NULL && !isnan(x) ? route->levels[c][(int) x] : ml_route_bits(x),
							route->keys[c]);
	}
	return row;
}

static inline double
ml_route_fraction(uint64 hash)
{
	return (double) (hash >> 11) * 0x1p-53;
}

double
ml_route_share(const MlRoute *route, const double *cells)
{
	return ml_route_fraction(ml_mix64(ml_route_sum(route, cells) ^ ML_ROUTE_SALT));
}

double
ml_route_log_share(const MlRoute *route, const double *cells)
{
	return ml_route_fraction(ml_mix64(ml_route_sum(route, cells) ^ ML_ROUTE_LOG_SALT));
}

uint64
ml_route_cell(const MlRoute *route, int cell, double x)
{
	return ml_cell_hash(ml_route_bits(x), route->keys[cell]);
}

uint64
ml_route_text_cell(const MlRoute *route, int cell, const char *text, int length)
{
	return ml_cell_hash(ml_route_text(text, length), route->keys[cell]);
}

uint64
ml_route_row_key(uint64 sum)
{
	return ml_mix64(sum ^ ML_ROUTE_KEY_SALT);
}
