/*
 * passing.h - errors that say nothing about what was being done, only about the moment.
 *
 * Who catches errors to write them down, and goes on with the next thing, does
 * not catch these: they end the whole work, which is tried again.
 */
#ifndef ML_PASSING_H
#define ML_PASSING_H

#include "utils/elog.h"

/* Cancelled or shut down, no room, trouble with the system. */
static inline bool
ml_error_of_server(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES ||
		category == ERRCODE_SYSTEM_ERROR;
}

/* The same, or another transaction was in the way: a deadlock, a serialization failure. */
static inline bool
ml_error_of_moment(int sqlerrcode)
{
	return ml_error_of_server(sqlerrcode) || ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK;
}

#endif							/* ML_PASSING_H */
