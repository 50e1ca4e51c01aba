/*
 * route.c - which rows a canary scores: a number in [0, 1) that depends on the features alone.
 *
 * A row is a set of cells at the entrance of the pipeline of the version in
 * production, and each cell has a key and 64 bits:
 *
 *	   text(s)	= mix64(FNV-1a(s) ^ SALT)		FNV-1a of 64 bits over the bytes of s
 *	   key		= mix64(text(name of the input) + GOLDEN * e)		e: 0, or an array's element from 1 on
 *	   bits		= NULL: ML_NULL_BITS. NaN: ML_NAN_BITS. A number: its IEEE 754 double, -0 as 0.
 *				  A category: text(level), or OTHER for the levels that training put together.
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
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "flow/route.h"

#define ML_ROUTE_SALT	UINT64CONST(0x6d6c2e63616e6172) /* "ml.canar" */
#define ML_ROUTE_GOLDEN UINT64CONST(0x9e3779b97f4a7c15)
#define ML_ROUTE_OTHER	UINT64CONST(0x2545f4914f6cdd1d)

/* The hash of a text: byte by byte, so that no machine has another one. */
static uint64
ml_route_text(const char *text)
{
	uint64		hash = UINT64CONST(0xcbf29ce484222325);

	for (const unsigned char *p = (const unsigned char *) text; *p != '\0'; p++)
		hash = (hash ^ *p) * UINT64CONST(0x100000001b3);
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
		levels[k] = ml_route_text(input->levels[k]);
	if (input->has_other)
		levels[kept] = ML_ROUTE_OTHER;
	return levels;
}

MlRoute *
ml_route_create(const MlPipeline *pipeline)
{
	MlRoute    *route = palloc(sizeof(MlRoute));

	route->ncells = pipeline->ncells;
	route->keys = palloc_extended(sizeof(uint64) * Max(route->ncells, 1), MCXT_ALLOC_HUGE);
	route->levels = palloc_extended(sizeof(uint64 *) * Max(route->ncells, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < pipeline->ninputs; i++)
	{
		const MlInput *input = &pipeline->inputs[i];
		uint64		name = ml_route_text(input->name);
		bool		elements = input->class == ML_TYPE_ARRAY;

		for (int e = 0; e < input->ncells; e++)
			route->keys[input->first_cell + e] = ml_mix64(name + ML_ROUTE_GOLDEN * (elements ? e + 1 : 0));
		if (input->class == ML_TYPE_TEXT)
			route->levels[input->first_cell] = ml_route_levels(input);
	}
	return route;
}

double
ml_route_share(const MlRoute *route, const double *cells)
{
	uint64		row = 0;

	for (int c = 0; c < route->ncells; c++)
	{
		double		x = cells[c];
		uint64		bits;

		if (unlikely(isnan(x)))
			bits = ml_cell_is_null(x) ? ML_NULL_BITS : ML_NAN_BITS;
		else if (route->levels[c] != NULL)
			bits = route->levels[c][(int) x];
		else
			bits = ml_cell_bits(x + 0.0);	/* -0 becomes 0 */
		row += ml_cell_hash(bits, route->keys[c]);
	}
	return (double) (ml_mix64(row ^ ML_ROUTE_SALT) >> 11) * 0x1p-53;
}
