/*
 * windows.h - what was counted of scored rows, in the catalog.
 */
#ifndef ML_WINDOWS_H
#define ML_WINDOWS_H

#include "drift/profile.h"
#include "store/catalog.h"

/* Counts of one window that are to be added to what is there. */
typedef struct MlWindowWrite
{
	const char *model;
	int32		version;
	const char *role;
	const uint8 *digest;		/* of the version: another of the same number is not meant */
	TimestampTz start;
	TimestampTz end;
	List	   *slices;			/* char * */
	MlCounts	counts;
} MlWindowWrite;

/*
 * Adds counts to a window of ml.windows, which begins with them if need be.
 * Where rows were cut otherwise before, those of all rows are added and the
 * cuts begin anew. False when there is no such version any more.
 */
extern bool ml_catalog_window_write(const MlWindowWrite *window);

#endif							/* ML_WINDOWS_H */
