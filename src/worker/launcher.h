/*
 * launcher.h - the launcher and the workers of databases, as the rest of the library sees them.
 *
 * Without shared_preload_libraries, and on a standby, there are none, and all
 * but ml_worker_round do nothing.
 */
#ifndef ML_LAUNCHER_H
#define ML_LAUNCHER_H

/* Announces the launcher, its shared memory and the hook that makes way for statements on databases. */
extern void ml_launcher_announce(void);

/* Makes the database's worker run its duties now. A database that has none is looked at. */
extern void ml_worker_wake(Oid database);

/* The same for the current database, once the current transaction has committed. */
extern void ml_worker_wake_at_commit(void);

/*
 * Waits until a round of duties that began after the call has ended. Raises
 * an error when one of them failed, or when the database was without a worker
 * for the time given.
 */
extern void ml_worker_round(int timeout_ms);

#endif							/* ML_LAUNCHER_H */
