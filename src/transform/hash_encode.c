/*
 * hash_encode.c - a text becomes a mark in one of a fixed number of columns, which a hash of it chooses.
 *
 * Nothing is learned, so no text is unknown and nothing grows with the number
 * of different ones; texts may share a column. The entrance gives MurmurHash3
 * of 32 bits with its sign: its absolute value modulo the number of buckets is
 * the column, and where marks are signed, a negative hash marks by -1, so that
 * collisions cancel out on average (Weinberger et al., "Feature Hashing for
 * Large Scale Multitask Learning", 2009). The same as scikit-learn's
 * FeatureHasher with input_type "string". A missing value gives zeros.
 *
 * Payload: u32 columns; u32 buckets; u8 signed; per column u8 treated.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "transform/transform.h"
#include "utils/memutils.h"

#define ML_HASH_BUCKETS_MAX 65536

typedef struct MlHashEncode
{
	int			ncols;
	int			buckets;
	bool		marked;			/* marks have signs */
	bool	   *treated;
} MlHashEncode;

enum
{
	ML_HASH_ENCODE_BUCKETS,
	ML_HASH_ENCODE_SIGNED
};

static const MlParam ml_hash_encode_params[] = {
	{"buckets", ML_PARAM_INTEGER, "64", 1, ML_HASH_BUCKETS_MAX, NULL,
	"How many columns the texts of a column share."},
	{"signed", ML_PARAM_BOOLEAN, "true", 0, 1, NULL,
	"Whether half of the texts mark their column by -1, so that those that share one do not add up."},
};

static void
ml_hash_encode_shape(const MlHashEncode *h, const MlShape *in, MlShape *out)
{
	int64		n = 0;

	for (int j = 0; j < in->ncols; j++)
		n += h->treated[j] ? h->buckets : 1;
	out->cols = palloc_extended(sizeof(MlColumn) * Max(n, 1), MCXT_ALLOC_HUGE);
	out->ncols = 0;
	for (int j = 0; j < in->ncols; j++)
	{
		if (!h->treated[j])
			out->cols[out->ncols++] = ml_column_copy(&in->cols[j]);
		else
			for (int k = 0; k < h->buckets; k++)
			{
				MlColumn   *column = &out->cols[out->ncols++];

				*column = ml_column_number("%s#%d", in->cols[j].name, k);
				column->filled = true;
				column->of = in->cols[j].name;
			}
	}
}

static void *
ml_hash_encode_fit(const MlFitContext *ctx, MlShape *out)
{
	MlHashEncode *h = palloc0(sizeof(MlHashEncode));

	h->ncols = ctx->in->ncols;
	h->buckets = (int) ctx->params[ML_HASH_ENCODE_BUCKETS].number;
	h->marked = ctx->params[ML_HASH_ENCODE_SIGNED].number != 0;
	h->treated = palloc0(sizeof(bool) * Max(h->ncols, 1));
	memcpy(h->treated, ctx->selected, sizeof(bool) * h->ncols);
	ml_hash_encode_shape(h, ctx->in, out);
	return h;
}

static void
ml_hash_encode_apply(const void *state, const double *in, double *out)
{
	const MlHashEncode *h = state;

	for (int j = 0; j < h->ncols; j++)
	{
		if (!h->treated[j])
		{
			*out++ = in[j];
			continue;
		}
		memset(out, 0, sizeof(double) * h->buckets);
		if (!ml_cell_is_missing(in[j]))
			out[(int64) fabs(in[j]) % h->buckets] = h->marked && in[j] < 0 ? -1 : 1;
		out += h->buckets;
	}
}

static void
ml_hash_encode_write(const void *state, StringInfo out)
{
	const MlHashEncode *h = state;

	ml_write_u32(out, h->ncols);
	ml_write_u32(out, h->buckets);
	ml_write_u8(out, h->marked);
	for (int j = 0; j < h->ncols; j++)
		ml_write_u8(out, h->treated[j]);
}

static void *
ml_hash_encode_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlHashEncode *h = palloc0(sizeof(MlHashEncode));

	h->ncols = ml_read_count(r, 1);
	h->buckets = (int) ml_read_u32(r);
	if (h->ncols != in->ncols || h->buckets < 1 || h->buckets > ML_HASH_BUCKETS_MAX)
		ml_read_corrupted("hash_encode does not fit its columns");
	h->marked = ml_read_u8(r) != 0;
	h->treated = palloc0(sizeof(bool) * Max(in->ncols, 1));
	for (int j = 0; j < in->ncols; j++)
	{
		h->treated[j] = ml_read_u8(r) != 0;
		if (h->treated[j] && in->cols[j].encoding != ML_ENCODING_HASHED)
			ml_read_corrupted("hash_encode treats a column that is not hashed");
	}
	ml_hash_encode_shape(h, in, out);
	return h;
}

static void
ml_hash_encode_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlHashEncode *h = state;
	bool		first = true;

	appendStringInfo(out, "{\"buckets\": %d, \"signed\": %s, \"columns\": [", h->buckets, h->marked ? "true" : "false");
	for (int j = 0; j < h->ncols; j++)
		if (h->treated[j])
		{
			appendStringInfoString(out, first ? "" : ", ");
			ml_json_text(out, in->cols[j].name);
			first = false;
		}
	appendStringInfoString(out, "]}");
}

static void
ml_hash_encode_claim(const MlParamValue *params, MlTextClaim *claim)
{
	claim->encoding = ML_ENCODING_HASHED;
}

const MlTransform ml_transform_hash_encode = {
	.name = "hash_encode",
	.summary = "marks one of a fixed number of columns for a text, chosen by a hash of it",
	.tag = 12,
	.version = 1,
	.params = ml_hash_encode_params,
	.nparams = lengthof(ml_hash_encode_params),
	.fit = ml_hash_encode_fit,
	.apply = ml_hash_encode_apply,
	.write = ml_hash_encode_write,
	.read = ml_hash_encode_read,
	.describe = ml_hash_encode_describe,
	.claim = ml_hash_encode_claim,
};
