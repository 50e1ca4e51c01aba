/*
 * bytes.c - writing and reading the bytes of an artifact.
 *
 * What is read is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/bytes.h"
#include "base/compat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"

#define ML_NO_TEXT	0xFFFFFFFFU

void
ml_write_text(StringInfo out, const char *s)
{
	if (s == NULL)
	{
		ml_write_u32(out, ML_NO_TEXT);
		return;
	}
	/* nobody knows what the bytes of SQL_ASCII mean: like pg_dump, leave them as they are */
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		s = pg_server_to_any(s, strlen(s), PG_UTF8);
	ml_write_u32(out, (uint32) strlen(s));
	appendBinaryStringInfo(out, s, strlen(s));
}

void
ml_read_corrupted(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("model artifact is damaged: %s", what),
			 errhint("Restore the row of ml.versions from a backup, or train the version again.")));
}

static ML_NORETURN void
ml_read_damaged(const MlReader *in, const char *what)
{
	if (in->damaged != NULL)
		in->damaged(what);
	ml_read_corrupted(what);
}

static const uint8 *
ml_read_bytes(MlReader *in, Size n)
{
	const uint8 *at = in->at;

	if ((Size) (in->end - in->at) < n)
		ml_read_damaged(in, "it ends too early");
	in->at += n;
	return at;
}

uint8
ml_read_u8(MlReader *in)
{
	return *ml_read_bytes(in, 1);
}

uint16
ml_read_u16(MlReader *in)
{
	uint16		v;

	memcpy(&v, ml_read_bytes(in, 2), 2);
	return pg_ntoh16(v);
}

uint32
ml_read_u32(MlReader *in)
{
	uint32		v;

	memcpy(&v, ml_read_bytes(in, 4), 4);
	return pg_ntoh32(v);
}

double
ml_read_f64(MlReader *in)
{
	uint64		v;
	double		x;

	memcpy(&v, ml_read_bytes(in, 8), 8);
	v = pg_ntoh64(v);
	memcpy(&x, &v, 8);
	return x;
}

double
ml_read_finite(MlReader *in)
{
	double		x = ml_read_f64(in);

	if (!isfinite(x))
		ml_read_damaged(in, "a number is not finite");
	return x;
}

char *
ml_read_text(MlReader *in)
{
	uint32		n = ml_read_u32(in);
	char	   *s;

	if (n == ML_NO_TEXT)
		return NULL;
	s = pnstrdup((const char *) ml_read_bytes(in, n), n);
	if (strlen(s) != n)
		ml_read_damaged(in, "a text has a zero byte");
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return s;
	if (!pg_verify_mbstr(PG_UTF8, s, n, true))
		ml_read_damaged(in, "a text is not UTF-8");
	return pg_any_to_server(s, n, PG_UTF8);
}

int
ml_read_count(MlReader *in, int item_bytes)
{
	uint32		n = ml_read_u32(in);

	if (n > PG_INT32_MAX || (uint64) n * item_bytes > (uint64) (in->end - in->at))
		ml_read_damaged(in, "a count exceeds its bytes");
	return (int) n;
}

int
ml_read_index(MlReader *in, int bound)
{
	uint32		i = ml_read_u32(in);

	if (i >= (uint32) Max(bound, 0))
		ml_read_damaged(in, "an index is out of range");
	return (int) i;
}
