/*
 * xerbla.c - what LAPACK and BLAS call when an argument is wrong.
 *
 * The reference library's own routine ends the process, and with it the
 * session and its transaction. This one raises an error. It is exported, so
 * it serves every caller of LAPACK in the backend.
 */
#include "postgres.h"

#include "base/compat.h"

extern PGDLLEXPORT void xerbla_(const char *name, const int *info, size_t name_length);

void
xerbla_(const char *name, const int *info, size_t name_length)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("argument %d of LAPACK routine %.*s is illegal", *info, (int) Min(name_length, 16), name)));
}
