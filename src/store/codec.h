/*
 * codec.h - a version as bytes.
 *
 * The envelope, all numbers big-endian:
 *
 *   offset  bytes  what
 *        0      4  magic "MLOP"
 *        4      2  format, 1
 *        6      2  tag of the learner
 *        8      2  version of the learner's payload
 *       10      2  flags, 0
 *       12      8  length of the payload in bytes
 *       20      4  CRC-32C of the payload
 *       24     32  SHA-256 of the payload
 *       56      .  payload
 *
 * The payload: u8 task; text target; text target type; u32 classes, per class
 * text label; u32 positive class; the pipeline (pipeline.c); the learner's
 * state (its file says). What is decoded has been checked: predict need not.
 */
#ifndef ML_CODEC_H
#define ML_CODEC_H

#include "learn/learner.h"
#include "transform/pipeline.h"

#define ML_ARTIFACT_BYTES_MAX	((Size) 500 * 1024 * 1024)

typedef struct MlModel
{
	MlTask		task;
	char	   *target;
	char	   *target_type;
	int			nclasses;
	char	  **classes;		/* labels in class order */
	int			positive;		/* two classes: the positive one */
	const MlLearner *learner;
	MlPipeline *pipeline;
	void	   *state;			/* the learner's */
} MlModel;

/* The bytes of a version; raises ERRCODE_PROGRAM_LIMIT_EXCEEDED beyond ML_ARTIFACT_BYTES_MAX. */
extern bytea *ml_codec_encode(const MlModel *model);

/* The inverse, in the current memory context; raises ERRCODE_DATA_CORRUPTED. */
extern MlModel *ml_codec_decode(bytea *artifact);

/* SHA-256 of a whole artifact. */
extern void ml_codec_digest(bytea *artifact, uint8 *digest);

#endif							/* ML_CODEC_H */
