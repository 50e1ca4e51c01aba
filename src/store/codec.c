/*
 * codec.c - a version as bytes.
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "port/pg_crc32c.h"
#include "store/codec.h"

#define ML_MAGIC			0x4D4C4F50	/* "MLOP" */
#define ML_FORMAT			1
#define ML_HEADER_BYTES		56

static void
ml_codec_sha256(const uint8 *data, Size length, uint8 *digest)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL || pg_cryptohash_init(ctx) < 0 || pg_cryptohash_update(ctx, data, length) < 0 ||
		pg_cryptohash_final(ctx, digest, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		pg_cryptohash_free(ctx);
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute SHA-256 of a model artifact")));
	}
	pg_cryptohash_free(ctx);
}

void
ml_codec_digest(bytea *artifact, uint8 *digest)
{
	ml_codec_sha256((const uint8 *) VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact), digest);
}

bytea *
ml_codec_encode(const MlModel *model)
{
	StringInfoData payload;
	StringInfoData out;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_crc32c	crc;

	initStringInfo(&payload);
	ml_write_u8(&payload, model->task);
	ml_write_text(&payload, model->target);
	ml_write_text(&payload, model->target_type);
	ml_write_u32(&payload, model->nclasses);
	for (int k = 0; k < model->nclasses; k++)
		ml_write_text(&payload, model->classes[k]);
	ml_write_u32(&payload, model->positive);
	ml_pipeline_write(model->pipeline, &payload);
	model->learner->write(model->state, &payload);
	if ((Size) payload.len + ML_HEADER_BYTES > ML_ARTIFACT_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("model artifact is too large"),
				 errdetail("It takes %s; at most %s can be stored and dumped.",
						   ml_text_bytes(payload.len), ml_text_bytes(ML_ARTIFACT_BYTES_MAX)),
				 errhint("Train on fewer columns or categories.")));

	ml_codec_sha256((const uint8 *) payload.data, payload.len, digest);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, payload.data, payload.len);
	FIN_CRC32C(crc);

	initStringInfo(&out);
	enlargeStringInfo(&out, VARHDRSZ + ML_HEADER_BYTES + payload.len);
	out.len = VARHDRSZ;
	ml_write_u32(&out, ML_MAGIC);
	ml_write_u16(&out, ML_FORMAT);
	ml_write_u16(&out, model->learner->tag);
	ml_write_u16(&out, model->learner->version);
	ml_write_u16(&out, 0);
	pq_sendint64(&out, payload.len);
	ml_write_u32(&out, crc);
	appendBinaryStringInfo(&out, (char *) digest, sizeof digest);
	appendBinaryStringInfo(&out, payload.data, payload.len);
	pfree(payload.data);
	SET_VARSIZE(out.data, out.len);
	return (bytea *) out.data;
}

/* Checks the envelope and leaves the reader at the payload. */
static const MlLearner *
ml_codec_open(bytea *artifact, MlReader *in)
{
	const MlLearner *learner;
	uint16		format;
	uint16		tag;
	uint16		version;
	uint16		reserved;
	uint32		expected;
	uint64		length;
	const uint8 *expected_digest;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_crc32c	crc;

	in->at = (const uint8 *) VARDATA_ANY(artifact);
	in->end = in->at + VARSIZE_ANY_EXHDR(artifact);
	in->damaged = NULL;
	if (in->end - in->at < ML_HEADER_BYTES)
		ml_read_corrupted("it is shorter than its envelope");
	if (ml_read_u32(in) != ML_MAGIC)
		ml_read_corrupted("it does not begin as an artifact");
	format = ml_read_u16(in);
	tag = ml_read_u16(in);
	version = ml_read_u16(in);
	reserved = ml_read_u16(in);
	length = (uint64) ml_read_u32(in) << 32;
	length |= ml_read_u32(in);
	expected = ml_read_u32(in);
	expected_digest = in->at;
	in->at += PG_SHA256_DIGEST_LENGTH;
	if (reserved != 0)
		ml_read_corrupted("a field that is not in use is not zero");
	if (length != (uint64) (in->end - in->at))
		ml_read_corrupted("its length is not the one it says");
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, in->at, length);
	FIN_CRC32C(crc);
	if (crc != expected)
		ml_read_corrupted("its CRC-32C does not match");
	ml_codec_sha256(in->at, length, digest);
	if (memcmp(digest, expected_digest, sizeof digest) != 0)
		ml_read_corrupted("its SHA-256 does not match");
	learner = ml_learner_by_tag(tag);
	if (format != ML_FORMAT || learner == NULL || version == 0 || version > learner->version)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("model artifact was written by a newer release of pg_mlops"),
				 errdetail("It has format %d, learner %d, payload version %d.", format, tag, version),
				 errhint("Install the newer library.")));
	return learner;
}

MlModel *
ml_codec_decode(bytea *artifact)
{
	MlModel    *model = palloc0(sizeof(MlModel));
	MlReader	in;

	model->learner = ml_codec_open(artifact, &in);
	model->task = ml_read_u8(&in);
	model->target = ml_read_text(&in);
	model->target_type = ml_read_text(&in);
	model->nclasses = ml_read_count(&in, 4);
	if ((model->task != ML_TASK_REGRESSION && model->task != ML_TASK_CLASSIFICATION) ||
		(model->task == ML_TASK_CLASSIFICATION) != (model->nclasses >= 2))
		ml_read_corrupted("its task makes no sense");
	model->classes = palloc(sizeof(char *) * Max(model->nclasses, 1));
	for (int k = 0; k < model->nclasses; k++)
		if ((model->classes[k] = ml_read_text(&in)) == NULL)
			ml_read_corrupted("a class has no label");
	model->positive = ml_read_index(&in, Max(model->nclasses, 1));
	model->pipeline = ml_pipeline_read(&in);
	model->state = model->learner->read(&in, model->task, model->pipeline->design->ncols, model->nclasses);
	if (in.at != in.end)
		ml_read_corrupted("bytes are left over");
	return model;
}
