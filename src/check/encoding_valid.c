/*
 * encoding_valid.c - checks that texts can be written in an encoding.
 *
 * A text in the database is valid in the database's encoding; what matters is
 * whether a system behind it can take it. SQL_ASCII means the 128 characters of
 * ASCII. A text is converted in pieces, and nothing of it is kept.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/namespace.h"
#include "check/kinds.h"
#include "check/values.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Bytes converted at a time. */
#define ML_ENCODING_PIECE	2048

typedef struct MlEncoding
{
	int			encoding;
	Oid			proc;			/* converts to it; none is needed for ASCII and the database's own */
} MlEncoding;

static bool
ml_encoding_ascii(const char *s, int length)
{
	for (int i = 0; i < length; i++)
		if (IS_HIGHBIT_SET(s[i]))
			return false;
	return true;
}

static bool
ml_encoding_holds(const MlRowCheck *row, int i, Datum value)
{
	const MlEncoding *state = row->state;
	unsigned char out[ML_ENCODING_PIECE * MAX_CONVERSION_GROWTH + 1];
	int			length;
	const char *s = ml_value_text(row, i, value, &length);

	if (ml_encoding_ascii(s, length))
		return true;
	if (state->encoding == PG_SQL_ASCII)
		return false;
	if (!OidIsValid(state->proc))
		return pg_verify_mbstr(state->encoding, s, length, true);
	while (length > 0)
	{
		int			piece = pg_mbcliplen(s, length, ML_ENCODING_PIECE);

		CHECK_FOR_INTERRUPTS();
		if (pg_do_encoding_conversion_buf(state->proc, GetDatabaseEncoding(), state->encoding,
										  (unsigned char *) unconstify(char *, s), piece, out, sizeof out, true) != piece)
			return false;
		s += piece;
		length -= piece;
	}
	return true;
}

ML_EACH_COLUMN(ml_encoding_passes, ml_encoding_holds)

/* The encoding, and what converts to it. */
static MlEncoding
ml_encoding_find(const MlCheck *check)
{
	const MlParamValue *name = ml_check_param(check, "encoding");
	MlEncoding	result = {0, InvalidOid};

	if (name->isnull)
		ml_check_refuse(check, "it needs parameter \"encoding\"", NULL, "Pass params => '{\"encoding\": \"LATIN1\"}'.");
	result.encoding = pg_char_to_encoding(name->text);
	if (result.encoding < 0)
		ml_check_refuse(check, psprintf("there is no encoding \"%s\"", name->text), NULL,
						"Names are those of the server, as UTF8, LATIN1, WIN1252 or SQL_ASCII.");
	if (result.encoding == GetDatabaseEncoding() || result.encoding == PG_SQL_ASCII ||
		GetDatabaseEncoding() == PG_SQL_ASCII)
		return result;
	result.proc = FindDefaultConversionProc(GetDatabaseEncoding(), result.encoding);
	if (!OidIsValid(result.proc))
		ml_check_refuse(check, psprintf("there is no conversion from %s to %s", GetDatabaseEncodingName(),
										pg_encoding_to_char(result.encoding)), NULL,
						"View pg_conversion lists what can be converted.");
	return result;
}

static void
ml_encoding_prepare(MlRowCheck *row)
{
	MlEncoding *state = palloc(sizeof(MlEncoding));

	ml_value_need_texts(row);
	*state = ml_encoding_find(row->check);
	row->state = state;
	row->passes = ml_encoding_passes;
}

static void
ml_encoding_explain(const MlRowCheck *row, const NullableDatum *values, StringInfo out)
{
	int			i = ml_encoding_passes_failing(row, values);

	if (i < 0)
		return;
	ml_value_is(row, i, values, out);
	appendStringInfo(out, ", which cannot be written in %s",
					 pg_encoding_to_char(((const MlEncoding *) row->state)->encoding));
}

static void
ml_encoding_validate(const MlCheck *check)
{
	(void) ml_encoding_find(check);
}

static const MlParam ml_encoding_params[] = {
	{"encoding", ML_PARAM_TEXT, NULL, 0, 0, NULL, "the name of an encoding; SQL_ASCII for ASCII alone"}
};

const MlCheckKind ml_check_encoding_valid = {
	.name = "encoding_valid",
	.summary = "texts can be written in an encoding",
	.flags = ML_CHECK_ROWS,
	.min_columns = 1,
	.max_columns = ML_CHECK_COLUMNS_ANY,
	.params = ml_encoding_params,
	.nparams = lengthof(ml_encoding_params),
	.validate = ml_encoding_validate,
	.prepare = ml_encoding_prepare,
	.explain = ml_encoding_explain
};
