/*
 * murmur.h - MurmurHash3 of 32 bits (Austin Appleby, public domain): the same number on every machine.
 */
#ifndef ML_MURMUR_H
#define ML_MURMUR_H

/* The hash with seed 0, as a signed number. */
extern int32 ml_murmur32(const char *bytes, int length);

/* The hash of a text of the database's encoding, over its bytes in UTF-8. */
extern int32 ml_murmur32_text(const char *text, int length);

#endif							/* ML_MURMUR_H */
