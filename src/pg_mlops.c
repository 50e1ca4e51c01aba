/*
 * pg_mlops.c - the magic block, the settings, and what is started with the server.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "miscadmin.h"
#include "monitor/counters.h"
#include "monitor/log_ring.h"
#include "monitor/progress.h"
#include "worker/launcher.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	ml_settings_define();
	if (process_shared_preload_libraries_in_progress)
	{
		ml_counters_announce();
		ml_progress_announce();
		ml_launcher_announce();
		ml_log_ring_announce();
		ml_shared_install();
	}
}
