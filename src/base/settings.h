/*
 * settings.h - the pg_mlops.* settings.
 */
#ifndef ML_SETTINGS_H
#define ML_SETTINGS_H

extern int	ml_train_memory_kb;	/* pg_mlops.train_memory */
extern int	ml_cache_memory_kb;	/* pg_mlops.cache_memory */
extern int	ml_max_categories;	/* pg_mlops.max_categories */
extern int	ml_attach_mode;		/* pg_mlops.attach_mode: MlAttachMode */
extern bool ml_monitor_on;		/* pg_mlops.monitor */
extern int	ml_monitor_memory_kb;	/* pg_mlops.monitor_memory */
extern int	ml_log_memory_kb;	/* pg_mlops.log_memory */
extern int	ml_flush_interval_ms;	/* pg_mlops.flush_interval */
extern int	ml_max_job_workers; /* pg_mlops.max_job_workers */
extern int	ml_monitor_retention_min;	/* pg_mlops.monitor_retention */
extern int	ml_log_retention_min;	/* pg_mlops.log_retention */

/* What ml.attach does about changes of columns that a model reads. */
typedef enum MlAttachMode
{
	ML_ATTACH_REFUSE,
	ML_ATTACH_REPORT
} MlAttachMode;

extern void ml_settings_define(void);

/*
 * The settings of the server by which a source may read differently: it may
 * write times as texts, read texts as times, round numbers, or look for words
 * in texts.
 */
#define ML_SOURCE_SETTINGS	5

extern const char *const ml_source_settings[ML_SOURCE_SETTINGS];

/* The budget of one training, in bytes. */
#define ML_TRAIN_MEMORY_BYTES	((Size) ml_train_memory_kb * 1024)

#endif							/* ML_SETTINGS_H */
