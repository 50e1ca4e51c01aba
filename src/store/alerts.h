/*
 * alerts.h - alerts: raised and cleared by who judges, acknowledged, muted, closed and reopened by people.
 *
 * A signal is named by model, version, rule and slice, and has at most one
 * open alert. One that comes back shortly after it went away reopens that
 * alert: within an hour, or two windows of the model where those are longer,
 * and for as long as it is muted. What a person closed is not reopened by a
 * signal: that opens a new one.
 *
 * Raising and clearing lock nothing but the alert's row: who judges does not
 * wait for who deploys or drops. The verbs lock the model's row first, write
 * an event, and check no rights.
 */
#ifndef ML_ALERTS_H
#define ML_ALERTS_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#define ML_ALERT_RULE_BYTES_MAX	256

typedef struct MlAlertSignal
{
	const char *model;
	int32		version;
	const char *rule;			/* "drift:age": the kind of signal, and behind a colon the column or metric */
	const char *slice;			/* NULL or "key=value"; a long one is kept as its beginning and a hash */
	const char *severity;		/* "warning", "error" */
	const char *detail;			/* a JSON object, or NULL */
} MlAlertSignal;

/*
 * Opens an alert, or touches the one that is open, or reopens the last one;
 * sends NOTIFY ml_alert when it opens or reopens. The detail's members replace
 * those of their names. A touch is left out while another transaction changes
 * the alert.
 */
extern void ml_alert_raise(const MlAlertSignal *signal);

/* Closes the open alert of a signal, if there is one. */
extern void ml_alert_clear(const char *model, int32 version, const char *rule, const char *slice);

/* The open alert of a signal under the active snapshot; 0 when there is none. */
extern int64 ml_alert_find(const char *model, int32 version, const char *rule, const char *slice);

/*
 * Brings alerts up to date with the time and with what serves: ends mutes
 * whose time is over, with a NOTIFY, and closes alerts of versions that neither
 * are in production nor canary nor shadow. Alerts that others are changing are
 * left for the next time.
 */
extern void ml_alerts_sweep(void);

/* What names an alert to a verb. */
typedef struct MlAlertName
{
	char	   *model;
	int32		version;
	char	   *rule;
	char	   *slice;
} MlAlertName;

/* Finds an alert by its number; raises ERRCODE_UNDEFINED_OBJECT when there is none. */
extern void ml_catalog_alert(int64 id, MlAlertName *out);

/* The verbs; comment may be NULL. What is so already is left with a NOTICE. */
extern void ml_catalog_acknowledge_alert(int64 id, const char *comment);
extern void ml_catalog_mute_alert(int64 id, TimestampTz until, const char *comment);
extern void ml_catalog_unmute_alert(int64 id);
extern void ml_catalog_close_alert(int64 id, const char *comment);
extern void ml_catalog_reopen_alert(int64 id, const char *comment);

/* Sends NOTIFY ml_alert for something that is no alert: payload is a JSON object of less than 8000 bytes. */
extern void ml_alert_notify_text(const char *payload);

#endif							/* ML_ALERTS_H */
