/*
 * dict.h - a dictionary of texts: each distinct text gets the next code.
 *
 * Lives in one memory context of its own, a child of the one that was current.
 */
#ifndef ML_DICT_H
#define ML_DICT_H

typedef struct MlDictText
{
	const char *bytes;			/* terminated */
	int			length;
	uint64		hash;
} MlDictText;

typedef struct MlDict
{
	MemoryContext context;
	struct ml_dicthash_hash *table;
	MlDictText *texts;			/* by code */
	int			count;
	int			capacity;
	Size		text_bytes;		/* held by the texts themselves */
} MlDict;

extern MlDict *ml_dict_create(void);

/* The code of a text, added if it is new. */
extern int	ml_dict_add(MlDict *dict, const char *bytes, int length);

/* The code of a text, or -1. */
extern int	ml_dict_find(const MlDict *dict, const char *bytes, int length);

extern void ml_dict_free(MlDict *dict);

/* Order of texts everywhere: bytewise, shorter first among equals. */
extern int	ml_text_compare(const char *a, int na, const char *b, int nb);

#endif							/* ML_DICT_H */
