/*
 * readers.h - whether a text can be read as a value of a type, without an error where it cannot.
 *
 * The same on every release: whole numbers are decimal digits with a sign.
 * White space around a value is skipped, as the server does.
 */
#ifndef ML_READERS_H
#define ML_READERS_H

typedef struct MlReader
{
	const char *name;
	bool		(*reads) (const char *s, int length);
} MlReader;

/* The reader of a type's name, or NULL. */
extern const MlReader *ml_reader(const char *name);

#define ML_READER_NAMES \
	"smallint|integer|bigint|number|double precision|boolean|date|timestamp|timestamptz|interval|uuid|json"

/* Whether a text is a number that the type numeric can hold; neither NaN nor infinity. */
extern bool ml_reads_number(const char *s, int length);

#endif							/* ML_READERS_H */
