/*
 * request.h - what a session wants of the workers when its transaction ends, and the hook on statements.
 */
#ifndef ML_REQUEST_H
#define ML_REQUEST_H

/* Makes the launcher look for databases that have come or gone, once the transaction has ended. */
extern void ml_request_rescan(void);

/* Keeps workers out of the database until the transaction ends, and waits until there is none, for some seconds at most. */
extern void ml_request_hold(Oid database);

/* Sets the hook that makes way for statements which need a database for themselves. */
extern void ml_make_way_install(void);

#endif							/* ML_REQUEST_H */
