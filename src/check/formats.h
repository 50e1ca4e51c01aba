/*
 * formats.h - formats of texts, each told by one pass over the bytes: no regular expressions, no errors.
 */
#ifndef ML_FORMATS_H
#define ML_FORMATS_H

#include "check/check.h"

typedef struct MlFormat
{
	const char *name;
	const char *noun;			/* "an email address", for messages */
	bool		(*holds) (const char *s, int length);
} MlFormat;

/* The format of a name, or NULL. */
extern const MlFormat *ml_format(const char *name);

/* The names, as an option's choices: "email|url|..." */
#define ML_FORMAT_NAMES \
	"email|url|uuid|json|date|timestamp|time|ipv4|ipv6|iban|credit_card|country|phone|isbn|mac_address|us_ssn|base64|hex"

/* ---- parts (formats_net.c, formats_code.c) ---- */

extern bool ml_format_email(const char *s, int length);
extern bool ml_format_url(const char *s, int length);
extern bool ml_format_ipv4(const char *s, int length);
extern bool ml_format_ipv6(const char *s, int length);
extern bool ml_format_mac(const char *s, int length);
extern bool ml_format_iban(const char *s, int length);
extern bool ml_format_card(const char *s, int length);
extern bool ml_format_country(const char *s, int length);
extern bool ml_format_phone(const char *s, int length);
extern bool ml_format_isbn(const char *s, int length);
extern bool ml_format_ssn(const char *s, int length);

/* What <ctype.h> says of ASCII, in every locale. */
static inline bool
ml_format_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ml_format_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ml_format_is_hex(char c)
{
	return ml_format_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

#endif							/* ML_FORMATS_H */
