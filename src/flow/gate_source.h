/*
 * gate_source.h - the rows that gates judge on, and what identifies them.
 *
 * A verdict stands while the rows and what they come from are the same: the
 * fingerprint is of every row of the source, the digest of its text and of
 * the relations it reads (their columns, the definitions of views).
 */
#ifndef ML_GATE_SOURCE_H
#define ML_GATE_SOURCE_H

#include "flow/load.h"
#include "store/catalog.h"
#include "store/codec.h"

/* Rows of a source, and whose they are. */
typedef struct MlGateSource
{
	const char *text;
	const MlIdentity *identity; /* NULL: the current user's, here and now */
	MlLoad	   *training;		/* only the rows this training held out, or else all; NULL: all rows */
	List	   *columns;		/* what a relation is asked for (char *); NIL: all but exclude */
	List	   *exclude;
} MlGateSource;

/* Sums up rows. */
typedef struct MlRowDigest MlRowDigest;

extern MlRowDigest *ml_row_digest_begin(TupleDesc desc);
extern void ml_row_digest_add(MlRowDigest *digest, TupleTableSlot *slot);

/* Hexadecimal text of what has been added so far. */
extern char *ml_row_digest_text(const MlRowDigest *digest);

/* The digest of a source's text and of the relations (char *, qualified) it reads. */
extern char *ml_gate_source_digest(const char *text, const List *relations);

/*
 * The rows that the training of a version held out. Raises
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE when they were not recorded.
 */
extern void ml_gate_source_recorded(const MlVersionRef *version, const MlModel *model, MlGateSource *out);

/* Reads a source only to see whether it is the same: its digest and its fingerprint. */
extern void ml_gate_source_look(const MlGateSource *source, char **digest, char **fingerprint);

#endif							/* ML_GATE_SOURCE_H */
