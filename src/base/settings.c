/*
 * settings.c - defines the pg_mlops.* settings, once, at load.
 */
#include "postgres.h"

#include <limits.h>

#include "base/compat.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "utils/guc.h"

const char *const ml_source_settings[ML_SOURCE_SETTINGS] = {
	"TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "default_text_search_config"
};

int			ml_train_memory_kb = 512 * 1024;
int			ml_cache_memory_kb = 64 * 1024;
int			ml_max_categories = 100;
int			ml_attach_mode = ML_ATTACH_REFUSE;
bool		ml_monitor_on = true;
int			ml_monitor_memory_kb = 32 * 1024;
int			ml_log_memory_kb = 4 * 1024;
int			ml_flush_interval_ms = 10 * 1000;
int			ml_max_job_workers = 2;
int			ml_monitor_retention_min = 400 * 24 * 60;
int			ml_log_retention_min = 30 * 24 * 60;

static const struct config_enum_entry ml_attach_modes[] = {
	{"refuse", ML_ATTACH_REFUSE, false},
	{"report", ML_ATTACH_REPORT, false},
	{NULL, 0, false}
};

/* The settings of the monitor and of background workers. */
static void
ml_settings_define_monitor(void)
{
	DefineCustomBoolVariable("pg_mlops.monitor",
							 "Counts the rows that deployed versions score.",
							 "Off, the session scores without counting: neither drift nor ml.stat_serving sees its rows.",
							 &ml_monitor_on,
							 true,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.flush_interval",
							"How often the workers write what was counted.",
							"At most so much is lost when the server crashes.",
							&ml_flush_interval_ms,
							10 * 1000, 100, 3600 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.max_job_workers",
							"Jobs of one database that run at a time.",
							"Each takes a background worker of max_worker_processes. 0: jobs wait.",
							&ml_max_job_workers,
							2, 0, 64,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.monitor_retention",
							"How long windows, drift and quality are kept.",
							"0 keeps them for ever.",
							&ml_monitor_retention_min,
							400 * 24 * 60, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.log_retention",
							"How long the prediction log is kept.",
							"Partitions that are older are dropped. 0 keeps them for ever.",
							&ml_log_retention_min,
							30 * 24 * 60, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* The sizes of shared memory, which cannot change while the server runs; without preload there is none. */
static void
ml_settings_define_shared(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	DefineCustomIntVariable("pg_mlops.monitor_memory",
							"Shared memory for what is counted and not written yet.",
							"Rows that find no room are counted as dropped.",
							&ml_monitor_memory_kb,
							32 * 1024, 1024, MAX_KILOBYTES,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.log_memory",
							"Shared memory for rows of the prediction log that are not written yet.",
							"Rows that find no room are counted as dropped.",
							&ml_log_memory_kb,
							4 * 1024, 64, MAX_KILOBYTES,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
}

void
ml_settings_define(void)
{
	DefineCustomIntVariable("pg_mlops.train_memory",
							"Memory one training may hold before it spills to temporary files.",
							"Rows beyond it go to temporary files and training continues from there. "
							"What cannot work within it at all is refused with both numbers.",
							&ml_train_memory_kb,
							512 * 1024, 1024, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.cache_memory",
							"Memory for decoded models in each backend.",
							"The least recently used models that no statement is using are dropped beyond it.",
							&ml_cache_memory_kb,
							64 * 1024, 64, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_mlops.max_categories",
							"Most levels of one category column that a one-hot encoding keeps.",
							"The most frequent levels keep a column of their own; the rest share the bucket \"other\", "
							"and the training's notes say so.",
							&ml_max_categories,
							100, 2, 10000,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("pg_mlops.attach_mode",
							 "What ml.attach does about changes of columns that a model reads.",
							 "refuse: they cannot be dropped or retyped. report: view ml.attached_columns tells.",
							 &ml_attach_mode,
							 ML_ATTACH_REFUSE, ml_attach_modes,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	ml_settings_define_monitor();
	ml_settings_define_shared();
	MarkGUCPrefixReserved("pg_mlops");
}
