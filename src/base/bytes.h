/*
 * bytes.h - writing and reading the bytes of an artifact.
 *
 * Fixed widths, big-endian, no padding. The reader trusts nothing: every read
 * is checked against the end and raises ERRCODE_DATA_CORRUPTED.
 */
#ifndef ML_BYTES_H
#define ML_BYTES_H

#include "base/compat.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

typedef struct MlReader
{
	const uint8 *at;
	const uint8 *end;
	void		(*damaged) (const char *what);	/* raises the error; NULL: it is a model artifact */
} MlReader;

static inline void
ml_write_u8(StringInfo out, uint8 v)
{
	pq_sendint8(out, v);
}

static inline void
ml_write_u16(StringInfo out, uint16 v)
{
	pq_sendint16(out, v);
}

static inline void
ml_write_u32(StringInfo out, uint32 v)
{
	pq_sendint32(out, v);
}

static inline void
ml_write_f64(StringInfo out, double v)
{
	pq_sendfloat8(out, v);
}

/*
 * u32 length, then the bytes in UTF-8, so that a version survives a restore into a database of another encoding; in
 * SQL_ASCII the bytes as they are. NULL is length 0xFFFFFFFF.
 */
extern void ml_write_text(StringInfo out, const char *s);

extern uint8 ml_read_u8(MlReader *in);
extern uint16 ml_read_u16(MlReader *in);
extern uint32 ml_read_u32(MlReader *in);
extern double ml_read_f64(MlReader *in);
extern double ml_read_finite(MlReader *in);
/* Raises ERRCODE_UNTRANSLATABLE_CHARACTER for what the database's encoding cannot write. */
extern char *ml_read_text(MlReader *in);

/* A count of items that each take at least item_bytes more bytes of input, so that no allocation outgrows the input. */
extern int	ml_read_count(MlReader *in, int item_bytes);

/* An index below bound. */
extern int	ml_read_index(MlReader *in, int bound);

extern ML_NORETURN void ml_read_corrupted(const char *what);

#endif							/* ML_BYTES_H */
