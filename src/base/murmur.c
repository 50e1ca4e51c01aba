/*
 * murmur.c - MurmurHash3 of 32 bits (Austin Appleby, public domain): the same number on every machine.
 *
 * Blocks are read as little-endian whatever the processor.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/murmur.h"
#include "mb/pg_wchar.h"

static inline uint32
ml_rotate_left(uint32 x, int bits)
{
	return (x << bits) | (x >> (32 - bits));
}

static inline uint32
ml_murmur_block(uint32 k)
{
	return ml_rotate_left(k * 0xcc9e2d51U, 15) * 0x1b873593U;
}

int32
ml_murmur32(const char *bytes, int length)
{
	const unsigned char *at = (const unsigned char *) bytes;
	uint32		h = 0;
	uint32		k = 0;
	int			blocks = length / 4;

	for (int i = 0; i < blocks; i++, at += 4)
	{
		h ^= ml_murmur_block(at[0] | (uint32) at[1] << 8 | (uint32) at[2] << 16 | (uint32) at[3] << 24);
		h = ml_rotate_left(h, 13) * 5 + 0xe6546b64U;
	}
	for (int i = length % 4 - 1; i >= 0; i--)
		k = k << 8 | at[i];
	h ^= ml_murmur_block(k);
	h ^= (uint32) length;
	h = (h ^ (h >> 16)) * 0x85ebca6bU;
	h = (h ^ (h >> 13)) * 0xc2b2ae35U;
	return (int32) (h ^ (h >> 16));
}

int32
ml_murmur32_text(const char *text, int length)
{
	char	   *converted;
	int32		hash;

	/* nobody knows what the bytes of SQL_ASCII mean */
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return ml_murmur32(text, length);
	converted = pg_server_to_any(text, length, PG_UTF8);
	hash = ml_murmur32(converted, converted == text ? length : (int) strlen(converted));
	if (converted != text)
		pfree(converted);
	return hash;
}
