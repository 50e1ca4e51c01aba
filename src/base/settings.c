/*
 * settings.c - defines the pg_mlops.* settings, once, at load.
 */
#include "postgres.h"

#include <limits.h>

#include "base/compat.h"
#include "base/settings.h"
#include "utils/guc.h"

int			ml_train_memory_kb = 512 * 1024;
int			ml_cache_memory_kb = 64 * 1024;
int			ml_max_categories = 100;
int			ml_attach_mode = ML_ATTACH_REFUSE;

static const struct config_enum_entry ml_attach_modes[] = {
	{"refuse", ML_ATTACH_REFUSE, false},
	{"report", ML_ATTACH_REPORT, false},
	{NULL, 0, false}
};

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
	MarkGUCPrefixReserved("pg_mlops");
}
