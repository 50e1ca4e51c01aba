/*
 * json_text.h - JSON read from a text, without an error for one that is none.
 *
 * The server's own parsers raise errors (before 16 always, for depth on every
 * release); a check has to answer. This one has no recursion, takes what the
 * type json takes, and can keep the tree.
 */
#ifndef ML_JSON_TEXT_H
#define ML_JSON_TEXT_H

typedef enum MlJsonType
{
	ML_JSON_NULL,
	ML_JSON_BOOLEAN,
	ML_JSON_NUMBER,
	ML_JSON_STRING,
	ML_JSON_ARRAY,
	ML_JSON_OBJECT
} MlJsonType;

/*
 * A value. Values stand in the order of the text: the first element of a
 * container is the next node, and the sibling of a node is the one at end.
 */
typedef struct MlJsonNode
{
	MlJsonType	type;
	int			n;				/* elements of a container; 1 for true */
	int			end;			/* the first node behind this one and all in it */
	int			length;
	const char *s;				/* bytes of a string, decoded, or of a number, as written */
	int			key_length;
	const char *key;			/* of a member of an object */
} MlJsonNode;

/* Whether a text is JSON, as the type json has it. */
extern bool ml_json_valid(const char *s, int length);

/*
 * The tree of a text, or NULL if it is no JSON or holds what jsonb cannot:
 * a \u0000, half a surrogate pair, a character that the database's encoding
 * lacks. Points into the text.
 */
extern MlJsonNode *ml_json_tree(const char *s, int length);

#endif							/* ML_JSON_TEXT_H */
