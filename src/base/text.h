/*
 * text.h - small helpers on names and JSON text: suggestions, lists, notes.
 */
#ifndef ML_TEXT_H
#define ML_TEXT_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/*
 * The candidate closest to name, or NULL when none is close. candidates is
 * a List of char *.
 */
extern const char *ml_text_closest(const char *name, List *candidates);

/* "a, b, c" of at most max names, then "and N more", long ones cut; "none" when there are none; palloc'd. */
extern char *ml_text_list(List *names, int max);

/* Whether two texts are equal, where NULL equals NULL only. */
extern bool ml_text_same(const char *a, const char *b);

/* Whether two lists have the same texts (char *) in the same order. */
extern bool ml_text_same_list(List *a, List *b);

/* Whether a text is one of a List of char *. */
extern bool ml_text_listed(List *names, const char *name);

/* HINT text: the closest candidate when there is one, else fallback; palloc'd. */
extern char *ml_text_hint(const char *name, List *candidates, const char *fallback);

/* Appends a JSON string literal; one that is NULL becomes null. */
extern void ml_json_text(StringInfo out, const char *s);

/* Appends a number as JSON: shortest round-trip digits; one that is not finite becomes a string. */
extern void ml_json_number(StringInfo out, double x);

/* Shortest round-trip decimal of a number, palloc'd. */
extern char *ml_text_number(double x);

/* Bytes for people: "12 MB". */
extern char *ml_text_bytes(double bytes);

/* What was decided for the user, in order: a List of char *. */
typedef struct MlNotes
{
	List	   *items;
} MlNotes;

extern void ml_note(MlNotes *notes, const char *fmt,...) pg_attribute_printf(2, 3);

#endif							/* ML_TEXT_H */
