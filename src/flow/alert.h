/*
 * alert.h - the verbs on alerts, with their rights.
 *
 * Who may see that a model exists sees its alerts. To acknowledge, mute, close
 * and reopen needs the owner, or the privilege to deploy or to train. To raise
 * and clear needs the owner: policies answer alerts with his rights.
 */
#ifndef ML_ALERT_FLOW_H
#define ML_ALERT_FLOW_H

#include "datatype/timestamp.h"
#include "store/alerts.h"

/* Raises an alert on the version that a reference names, and which serves; returns the number of the open alert. */
extern int64 ml_alert_report(const char *ref, const char *rule, const char *severity, const char *slice,
							 const char *detail);

/* Clears it; whether there was one. */
extern bool ml_alert_withdraw(const char *ref, const char *rule, const char *slice);

extern void ml_alert_acknowledge(int64 id, const char *comment);
/* Until a moment, which must lie ahead. */
extern void ml_alert_mute(int64 id, TimestampTz until, const char *comment);
extern void ml_alert_unmute(int64 id);
extern void ml_alert_close(int64 id, const char *comment);
extern void ml_alert_reopen(int64 id, const char *comment);

#endif							/* ML_ALERT_FLOW_H */
