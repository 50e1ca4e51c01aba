/*
 * regex.h - regular expressions by the server's own engine, which ends when the statement is cancelled.
 */
#ifndef ML_REGEX_H
#define ML_REGEX_H

#include "base/compat.h"
#include "check/check.h"

/* The pattern of a check, compiled once to see that it can be; raises ERRCODE_INVALID_REGULAR_EXPRESSION. */
extern text *ml_regex_check(const MlCheck *check, const char *pattern, bool case_insensitive);

/* Whether a text contains a match; one too long for the engine does not. */
extern bool ml_regex_matches(text *pattern, bool case_insensitive, Oid collation, const char *s, int length);

#endif							/* ML_REGEX_H */
