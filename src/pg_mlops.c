/*
 * pg_mlops.c - the magic block, the settings and nothing else.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	ml_settings_define();
}
