/*
 * json_text.c - JSON read from a text, without an error for one that is none.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "catalog/namespace.h"
#include "check/json_text.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

typedef enum MlJsonWant
{
	ML_JSON_WANT_VALUE,
	ML_JSON_WANT_VALUE_OR_END,
	ML_JSON_WANT_KEY,
	ML_JSON_WANT_KEY_OR_END,
	ML_JSON_WANT_COMMA_OR_END
} MlJsonWant;

typedef struct MlJsonReader
{
	const char *s;
	int			length;
	int			at;
	bool		keep;			/* the tree is wanted */
	MlJsonNode *nodes;
	int			n;
	int			room;
	int		   *open;			/* open containers: their node, or, without a tree, their type */
	int			depth;
	int			open_room;
	const char *key;			/* of the member whose value comes */
	int			key_length;
} MlJsonReader;

static void
ml_json_space(MlJsonReader *r)
{
	while (r->at < r->length &&
		   (r->s[r->at] == ' ' || r->s[r->at] == '\t' || r->s[r->at] == '\n' || r->s[r->at] == '\r'))
		r->at++;
}

/* ---- strings ---- */

/* Four hexadecimal digits, or -1. */
static int
ml_json_hex4(const char *s, const char *end)
{
	int			code = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		if (!isxdigit((unsigned char) s[i]))
			return -1;
		code = code * 16 + (s[i] <= '9' ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	}
	return code;
}

/* A character in the encoding of the database: its length, or 0 where it has none. */
static int
ml_json_encode(pg_wchar code, char *out)
{
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN + 1];
	int			length;
	Oid			proc;
	unsigned char converted[MAX_UNICODE_EQUIVALENT_STRING + 1];

	if (code < 0x80)
	{
		out[0] = (char) code;
		return code != 0;
	}
	unicode_to_utf8(code, utf8);
	length = pg_utf_mblen(utf8);
	if (GetDatabaseEncoding() == PG_UTF8)
	{
		memcpy(out, utf8, length);
		return length;
	}
	proc = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, PG_UTF8, GetDatabaseEncoding(), utf8, length, converted, sizeof converted,
									  true) != length)
		return 0;
	length = strlen((char *) converted);
	memcpy(out, converted, length);
	return length;
}

/* The character of a \u at s, which stands behind the u; moves s. False for half a pair and what cannot be encoded. */
static bool
ml_json_unicode(const char **s, const char *end, char **out)
{
	int			code = ml_json_hex4(*s, end);
	pg_wchar	character = code;
	int			length;

	*s += 4;
	if (code >= 0xdc00 && code <= 0xdfff)
		return false;
	if (code >= 0xd800 && code <= 0xdbff)
	{
		int			low = end - *s >= 6 && (*s)[0] == '\\' && (*s)[1] == 'u' ? ml_json_hex4(*s + 2, end) : -1;

		if (low < 0xdc00 || low > 0xdfff)
			return false;
		*s += 6;
		character = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	length = ml_json_encode(character, *out);
	*out += length;
	return length > 0;
}

/* Decodes the escapes of a string that has been read. */
static bool
ml_json_decode(const char *s, int length, const char **result, int *result_length)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *end = s + length;
	/* six bytes of an escape become at most as many as a character of Unicode can */
	char	   *out = palloc_extended((Size) length * 3 + MAX_UNICODE_EQUIVALENT_STRING + 1, MCXT_ALLOC_HUGE);

	*result = out;
	while (s < end)
	{
		if (*s != '\\')
			*out++ = *s++;
		else if (s[1] == 'u')
		{
			s += 2;
			if (!ml_json_unicode(&s, end, &out))
				return false;
		}
		else
		{
			*out++ = to[strchr(from, s[1]) - from];
			s += 2;
		}
	}
	*result_length = out - *result;
	return true;
}

/* A string in quotes. */
static bool
ml_json_string(MlJsonReader *r, const char **result, int *length)
{
	int			start;
	bool		escaped = false;

	if (r->at >= r->length || r->s[r->at] != '"')
		return false;
	start = ++r->at;
	for (; r->at < r->length && r->s[r->at] != '"'; r->at++)
	{
		if ((unsigned char) r->s[r->at] < ' ')
			return false;
		if (r->s[r->at] != '\\')
			continue;
		escaped = true;
		if (++r->at >= r->length)
			return false;
		if (r->s[r->at] == 'u')
		{
			if (ml_json_hex4(r->s + r->at + 1, r->s + r->length) < 0)
				return false;
			r->at += 4;
		}
		else if (r->s[r->at] == '\0' || strchr("\"\\/bfnrt", r->s[r->at]) == NULL)
			return false;
	}
	if (r->at >= r->length)
		return false;
	*result = r->s + start;
	*length = r->at++ - start;
	return !escaped || !r->keep || ml_json_decode(*result, *length, result, length);
}

/* ---- values ---- */

static int
ml_json_digits(MlJsonReader *r)
{
	int			start = r->at;

	while (r->at < r->length && isdigit((unsigned char) r->s[r->at]))
		r->at++;
	return r->at - start;
}

static bool
ml_json_number_text(MlJsonReader *r)
{
	int			first;

	if (r->s[r->at] == '-')
		r->at++;
	first = r->at;
	if (ml_json_digits(r) == 0 || (r->s[first] == '0' && r->at - first > 1))
		return false;
	if (r->at < r->length && r->s[r->at] == '.')
	{
		r->at++;
		if (ml_json_digits(r) == 0)
			return false;
	}
	if (r->at < r->length && (r->s[r->at] == 'e' || r->s[r->at] == 'E'))
	{
		r->at++;
		if (r->at < r->length && (r->s[r->at] == '+' || r->s[r->at] == '-'))
			r->at++;
		if (ml_json_digits(r) == 0)
			return false;
	}
	return true;
}

/* A node for the value that begins, as a member of the innermost open container. */
static MlJsonNode *
ml_json_node(MlJsonReader *r, MlJsonType type)
{
	MlJsonNode *node;

	if (r->n == r->room)
	{
		r->room = Max(16, r->room * 2);
		r->nodes = r->nodes ? repalloc_huge(r->nodes, sizeof(MlJsonNode) * (Size) r->room) :
			palloc(sizeof(MlJsonNode) * r->room);
	}
	if (r->depth > 0)
		r->nodes[r->open[r->depth - 1]].n++;
	node = &r->nodes[r->n++];
	memset(node, 0, sizeof *node);
	node->type = type;
	node->end = r->n;
	node->key = r->key;
	node->key_length = r->key_length;
	r->key = NULL;
	r->key_length = 0;
	return node;
}

static void
ml_json_open(MlJsonReader *r, MlJsonType type)
{
	if (r->keep)
		(void) ml_json_node(r, type);
	if (r->depth == r->open_room)
	{
		r->open_room = Max(32, r->open_room * 2);
		r->open = r->open ? repalloc_huge(r->open, sizeof(int) * (Size) r->open_room) :
			palloc(sizeof(int) * r->open_room);
	}
	r->open[r->depth++] = r->keep ? r->n - 1 : (int) type;
	r->at++;
}

static MlJsonType
ml_json_innermost(const MlJsonReader *r)
{
	int			open = r->open[r->depth - 1];

	return r->keep ? r->nodes[open].type : (MlJsonType) open;
}

static MlJsonWant
ml_json_close(MlJsonReader *r)
{
	r->depth--;
	if (r->keep)
		r->nodes[r->open[r->depth]].end = r->n;
	r->at++;
	return ML_JSON_WANT_COMMA_OR_END;
}

static bool
ml_json_scalar(MlJsonReader *r)
{
	static const char *const words[] = {"null", "false", "true"};
	const char *s = r->s + r->at;
	int			length = 0;

	if (*s == '"')
	{
		if (!ml_json_string(r, &s, &length))
			return false;
		if (r->keep)
		{
			MlJsonNode *node = ml_json_node(r, ML_JSON_STRING);

			node->s = s;
			node->length = length;
		}
		return true;
	}
	for (int i = 0; i < 3; i++)
	{
		length = strlen(words[i]);
		if (r->length - r->at < length || memcmp(s, words[i], length) != 0)
			continue;
		r->at += length;
		if (r->keep)
			ml_json_node(r, i == 0 ? ML_JSON_NULL : ML_JSON_BOOLEAN)->n = i == 2;
		return true;
	}
	if (!ml_json_number_text(r))
		return false;
	if (r->keep)
	{
		MlJsonNode *node = ml_json_node(r, ML_JSON_NUMBER);

		node->s = s;
		node->length = r->s + r->at - s;
	}
	return true;
}

/* One step: a token or two. False where the text is no JSON. */
static bool
ml_json_step(MlJsonReader *r, MlJsonWant *want)
{
	char		c = r->s[r->at];

	switch (*want)
	{
		case ML_JSON_WANT_COMMA_OR_END:
			if (c == (ml_json_innermost(r) == ML_JSON_OBJECT ? '}' : ']'))
				*want = ml_json_close(r);
			else if (c == ',')
			{
				r->at++;
				*want = ml_json_innermost(r) == ML_JSON_OBJECT ? ML_JSON_WANT_KEY : ML_JSON_WANT_VALUE;
			}
			else
				return false;
			return true;
		case ML_JSON_WANT_KEY_OR_END:
			if (c == '}')
			{
				*want = ml_json_close(r);
				return true;
			}
			/* FALLTHROUGH */
		case ML_JSON_WANT_KEY:
			if (!ml_json_string(r, &r->key, &r->key_length))
				return false;
			ml_json_space(r);
			if (r->at >= r->length || r->s[r->at++] != ':')
				return false;
			*want = ML_JSON_WANT_VALUE;
			return true;
		case ML_JSON_WANT_VALUE_OR_END:
			if (c == ']')
			{
				*want = ml_json_close(r);
				return true;
			}
			/* FALLTHROUGH */
		case ML_JSON_WANT_VALUE:
			break;
	}
	if (c == '{' || c == '[')
	{
		ml_json_open(r, c == '{' ? ML_JSON_OBJECT : ML_JSON_ARRAY);
		*want = c == '{' ? ML_JSON_WANT_KEY_OR_END : ML_JSON_WANT_VALUE_OR_END;
		return true;
	}
	*want = ML_JSON_WANT_COMMA_OR_END;
	return ml_json_scalar(r);
}

static bool
ml_json_read(MlJsonReader *r)
{
	MlJsonWant	want = ML_JSON_WANT_VALUE;

	do
	{
		CHECK_FOR_INTERRUPTS();
		ml_json_space(r);
		if (r->at >= r->length || !ml_json_step(r, &want))
			return false;
	} while (r->depth > 0 || want != ML_JSON_WANT_COMMA_OR_END);
	ml_json_space(r);
	return r->at == r->length;
}

bool
ml_json_valid(const char *s, int length)
{
	MlJsonReader r = {.s = s, .length = length};
	bool		valid = ml_json_read(&r);

	if (r.open)
		pfree(r.open);
	return valid;
}

MlJsonNode *
ml_json_tree(const char *s, int length)
{
	MlJsonReader r = {.s = s, .length = length, .keep = true};

	return ml_json_read(&r) ? r.nodes : NULL;
}
