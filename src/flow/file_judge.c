/*
 * file_judge.c - what was found in a file, as rows of the answer.
 *
 * Everything is palloc'd in the current context.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text.h"
#include "flow/file_check.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "utils/memutils.h"

/* What comes behind the format. */
static const char *const ml_file_late[] = {
	"encoding", "byte_order_mark", "line_ends", "quoting", "end_marker", "header", "arity", "lines", "last_line",
	"longest_record"
};

static MlFileRow *
ml_file_row(MlFileJudge *judge, const char *name, const char *severity, bool success)
{
	MlFileRow  *row = palloc0(sizeof(MlFileRow));

	row->name = name;
	row->severity = severity;
	row->status = success ? "pass" : "fail";
	row->n = row->n_failed = -1;
	judge->rows = lappend(judge->rows, row);
	return row;
}

static void
ml_file_count(MlFileRow *row, int64 n, int64 n_failed)
{
	row->n = n;
	row->n_failed = n_failed;
}

static void
ml_file_skip(MlFileJudge *judge, const char *name, const char *reason)
{
	StringInfoData out;
	MlFileRow  *row = ml_file_row(judge, name, "error", true);

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"reason\": ");
	ml_json_text(&out, reason);
	appendStringInfoChar(&out, '}');
	row->status = "skipped";
	row->observed = out.data;
}

/* "key": "text", with a comma in front but at the beginning. */
static void
ml_file_key(StringInfo out, const char *key)
{
	appendStringInfo(out, "%s\"%s\": ", out->len > 1 ? ", " : "", key);
}

static void
ml_file_text(StringInfo out, const char *key, const char *value)
{
	ml_file_key(out, key);
	ml_json_text(out, value);
}

static void
ml_file_int(StringInfo out, const char *key, int64 value)
{
	ml_file_key(out, key);
	appendStringInfo(out, INT64_FORMAT, value);
}

static void
ml_file_list(StringInfo out, const char *key, List *names)
{
	ListCell   *lc;

	ml_file_key(out, key);
	appendStringInfoChar(out, '[');
	foreach(lc, names)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(out, ", ");
		ml_json_text(out, lfirst(lc));
	}
	appendStringInfoChar(out, ']');
}

static void
ml_file_begin(StringInfo out)
{
	initStringInfo(out);
	appendStringInfoChar(out, '{');
}

static char *
ml_file_end(StringInfo out)
{
	appendStringInfoChar(out, '}');
	return out->data;
}

/* What the bounds expect; NULL without any. */
static char *
ml_file_bounds(const MlFileBound *min, const MlFileBound *max)
{
	StringInfoData out;

	if (!min->given && !max->given)
		return NULL;
	ml_file_begin(&out);
	if (min->given)
		ml_file_int(&out, "min", min->value);
	if (max->given)
		ml_file_int(&out, "max", max->value);
	return ml_file_end(&out);
}

static bool
ml_file_within(int64 value, const MlFileBound *min, const MlFileBound *max)
{
	return (!min->given || value >= min->value) && (!max->given || value <= max->value);
}

static void
ml_file_judge_exists(MlFileJudge *judge)
{
	const MlFileFacts *facts = &judge->facts;
	MlFileRow  *row = ml_file_row(judge, "exists", "error", facts->absent == NULL);
	StringInfoData out;

	ml_file_begin(&out);
	ml_file_text(&out, "kind", facts->kind);
	if (facts->absent != NULL)
		ml_file_text(&out, "reason", facts->absent);
	row->observed = ml_file_end(&out);
	row->expected = "{\"kind\": \"regular file\"}";
}

static void
ml_file_judge_size(MlFileJudge *judge)
{
	const MlFileAsk *ask = judge->ask;
	int64		size = judge->facts.size;
	MlFileBound least = {true, 1};
	MlFileRow  *row;

	/* empty is all right only for those who say so */
	if (ask->min_bytes.given)
		least = ask->min_bytes;
	row = ml_file_row(judge, "size", "error", ml_file_within(size, &least, &ask->max_bytes));
	row->observed = psprintf("{\"bytes\": " INT64_FORMAT "}", size);
	row->expected = ml_file_bounds(&least, &ask->max_bytes);
}

static void
ml_file_judge_compression(MlFileJudge *judge)
{
	const MlFileFacts *facts = &judge->facts;
	MlFileRow  *row = ml_file_row(judge, "compression", "error", facts->compression == NULL);
	StringInfoData out;

	ml_file_begin(&out);
	ml_file_text(&out, "compression", facts->compression != NULL ? facts->compression : "none");
	if (facts->compression != NULL)
		ml_file_text(&out, "reason", "COPY reads plain files only: unpack it, or use COPY ... FROM PROGRAM");
	row->observed = ml_file_end(&out);
	row->expected = "{\"compression\": \"none\"}";
}

static void
ml_file_judge_format(MlFileJudge *judge)
{
	const MlFileFacts *facts = &judge->facts;
	const char *name = ml_file_format_name(facts->format);
	bool		is_json = facts->format == ML_FILE_JSON || facts->format == ML_FILE_JSONL;
	const char *reason = NULL;
	MlFileRow  *row;
	StringInfoData out;

	if (facts->content != NULL ? strcmp(facts->content, name) != 0 : !ml_file_is_characters(facts->format))
		reason = facts->content != NULL ? "the content is of another kind" : "the signature is missing";
	else if (!ml_file_is_characters(facts->format) && !facts->complete)
		reason = "the end is missing";
	else if (is_json && facts->json.wrong > 0)
		reason = "there is something that is not JSON";
	row = ml_file_row(judge, "format", "error", reason == NULL);
	ml_file_begin(&out);
	ml_file_text(&out, "format", name);
	ml_file_text(&out, "told_by", facts->told_by);
	if (facts->content != NULL && strcmp(facts->content, name) != 0)
		ml_file_text(&out, "content", facts->content);
	if (reason != NULL)
		ml_file_text(&out, "reason", reason);
	if (is_json)
		ml_file_count(row, facts->json.values, facts->json.wrong);
	if (is_json && facts->json.wrong > 0)
	{
		ml_file_int(&out, "line", facts->json.wrong_line);
		ml_file_int(&out, "byte", facts->json.wrong_byte +
					(facts->byte_order_mark != NULL && strcmp(facts->byte_order_mark, "UTF-8") == 0 ? 3 : 0));
	}
	row->observed = ml_file_end(&out);
	row->expected = psprintf("{\"format\": \"%s\"}", name);
}

static void
ml_file_judge_encoding(MlFileJudge *judge)
{
	const MlFileFacts *facts = &judge->facts;
	int64		n_escapes = ml_file_is_delimited(facts->format) ? facts->csv.escapes.n : 0;
	MlFileRow  *row;
	StringInfoData out;

	row = ml_file_row(judge, "encoding", "error", facts->n_invalid + n_escapes == 0);
	ml_file_count(row, facts->size, facts->n_invalid + n_escapes);
	ml_file_begin(&out);
	if (facts->n_invalid > 0 && (n_escapes == 0 || facts->invalid_line <= facts->csv.escapes.line))
	{
		ml_file_int(&out, "line", facts->invalid_line);
		ml_file_int(&out, "byte", facts->invalid_byte);
		ml_file_text(&out, "value", psprintf("0x%02x", facts->invalid_value));
	}
	else if (n_escapes > 0)
	{
		ml_file_int(&out, "line", facts->csv.escapes.line);
		ml_file_text(&out, "reason", "an escape of digits stands for no character");
	}
	row->observed = out.len > 1 ? ml_file_end(&out) : NULL;
	row->expected = psprintf("{\"encoding\": \"%s\"}", pg_encoding_to_char(facts->encoding));

	row = ml_file_row(judge, "byte_order_mark", "error", facts->byte_order_mark == NULL);
	ml_file_begin(&out);
	ml_file_text(&out, "byte_order_mark", facts->byte_order_mark != NULL ? facts->byte_order_mark : "none");
	if (facts->byte_order_mark != NULL)
		ml_file_text(&out, "reason", "COPY takes it for a part of the first value or name");
	row->observed = ml_file_end(&out);
	row->expected = "{\"byte_order_mark\": \"none\"}";
}

static const char *
ml_file_end_name(MlCsvEnd end)
{
	return end == ML_CSV_END_LF ? "LF" : end == ML_CSV_END_CR ? "CR" : end == ML_CSV_END_CRLF ? "CRLF" : "none";
}

static void
ml_file_judge_line_ends(MlFileJudge *judge)
{
	const MlCsvScan *csv = &judge->facts.csv;
	MlFileRow  *row = ml_file_row(judge, "line_ends", "error", csv->ends.n == 0);
	StringInfoData out;

	ml_file_begin(&out);
	ml_file_text(&out, "line_end", ml_file_end_name(csv->end));
	if (csv->ends.n > 0)
	{
		ml_file_int(&out, "line", csv->ends.line);
		ml_file_text(&out, "reason", "lines must all end as the first one does, and other ends be quoted or escaped");
	}
	row->observed = ml_file_end(&out);
	ml_file_count(row, ml_csv_scan_lines(csv), csv->ends.n);
}

static void
ml_file_judge_quoting(MlFileJudge *judge)
{
	const MlCsvScan *csv = &judge->facts.csv;
	MlFileRow  *row;

	if (!csv->csv)
	{
		ml_file_skip(judge, "quoting", "format text has no quotes");
		return;
	}
	row = ml_file_row(judge, "quoting", "error", !csv->quote_open);
	if (csv->quote_open)
		row->observed = psprintf("{\"opened_in_line\": " INT64_FORMAT ", \"line\": " INT64_FORMAT
								 ", \"reason\": \"the last quote is not closed\"}", csv->quote_line, csv->line);
}

static void
ml_file_judge_marker(MlFileJudge *judge)
{
	const MlCsvScan *csv = &judge->facts.csv;
	bool		success = csv->marker == ML_CSV_MARKER_NONE ||
		(csv->marker == ML_CSV_MARKER_ALONE && csv->marker_rest == 0);
	MlFileRow  *row = ml_file_row(judge, "end_marker", "error", success);
	StringInfoData out;

	if (csv->marker == ML_CSV_MARKER_NONE)
		return;
	ml_file_begin(&out);
	ml_file_int(&out, "line", csv->marker_line);
	ml_file_int(&out, "bytes_behind", csv->marker_rest);
	if (!success)
		ml_file_text(&out, "reason", csv->marker == ML_CSV_MARKER_ALONE ? "COPY ends there and does not read the rest" :
					 csv->marker == ML_CSV_MARKER_SHARED ? "it is not alone on its line" :
					 "COPY refuses what follows it");
	row->observed = ml_file_end(&out);
}

/* Names that came out of the scan, made valid where the file is not. */
static void
ml_file_split_names(MlFileJudge *judge)
{
	const MlCsvScan *csv = &judge->facts.csv;
	char	   *at = csv->names;

	while (at < csv->names + csv->names_used)
	{
		char	   *next = at + strlen(at) + 1;

		while (!pg_verifymbstr(at, strlen(at), true))
			at[pg_encoding_verifymbstr(GetDatabaseEncoding(), at, strlen(at))] = '?';
		judge->names = lappend(judge->names, at);
		at = next;
	}
}

/* Where a name stands in a list, from 0, or -1. */
static int
ml_file_place(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return foreach_current_index(lc);
	}
	return -1;
}

/* What of the names is missing, too many, twice, or elsewhere; false if anything is. */
static bool
ml_file_compare_names(MlFileJudge *judge, StringInfo out)
{
	List	   *missing = NIL;
	List	   *extra = NIL;
	List	   *moved = NIL;
	List	   *repeated = NIL;
	ListCell   *lc;

	foreach(lc, judge->names)
	{
		int			place = ml_file_place(judge->wanted, lfirst(lc));

		if (ml_file_place(judge->names, lfirst(lc)) < foreach_current_index(lc))
			repeated = list_append_unique(repeated, makeString(lfirst(lc)));
		else if (judge->has_wanted && place < 0)
			extra = lappend(extra, lfirst(lc));
		else if (judge->has_wanted && place != foreach_current_index(lc))
			moved = lappend(moved, lfirst(lc));
	}
	foreach(lc, judge->wanted)
	{
		if (ml_file_place(judge->names, lfirst(lc)) < 0)
			missing = lappend(missing, lfirst(lc));
	}
	if (missing != NIL)
		ml_file_list(out, "missing", missing);
	if (extra != NIL)
		ml_file_list(out, "extra", extra);
	if (moved != NIL)
		ml_file_list(out, "moved", moved);
	if (repeated != NIL)
	{
		List	   *texts = NIL;

		foreach(lc, repeated)
			texts = lappend(texts, strVal(lfirst(lc)));
		ml_file_list(out, "repeated", texts);
	}
	return missing == NIL && extra == NIL && moved == NIL && repeated == NIL;
}

static void
ml_file_judge_header(MlFileJudge *judge)
{
	const MlCsvScan *csv = &judge->facts.csv;
	MlFileRow  *row;
	StringInfoData out;

	if (!judge->header)
	{
		ml_file_skip(judge, "header", "the file is to have none");
		return;
	}
	ml_file_begin(&out);
	if (!csv->seen_first || csv->names_full)
	{
		row = ml_file_row(judge, "header", "error", false);
		ml_file_text(&out, "reason", csv->names_full ? "the first record is longer than 1 MB" : "there is no record");
	}
	else
	{
		ml_file_split_names(judge);
		ml_file_list(&out, "columns", judge->names);
		row = ml_file_row(judge, "header", "error", true);
		if (!ml_file_compare_names(judge, &out))
			row->status = "fail";
	}
	row->observed = ml_file_end(&out);
	if (judge->has_wanted)
	{
		ml_file_begin(&out);
		ml_file_list(&out, "columns", judge->wanted);
		row->expected = ml_file_end(&out);
	}
}

/* With a target, whether each name is one of its columns. */
static void
ml_file_judge_columns(MlFileJudge *judge)
{
	List	   *names = judge->ask->has_columns ? judge->ask->columns : judge->names;
	ListCell   *lc;

	if (!OidIsValid(judge->ask->target))
		return;
	foreach(lc, names)
	{
		bool		found = ml_file_place(judge->target_columns, lfirst(lc)) >= 0;
		MlFileRow  *row = ml_file_row(judge, "column", "error", found);
		const char *closest;
		StringInfoData out;

		row->column_name = lfirst(lc);
		if (found)
			continue;
		closest = ml_text_closest(lfirst(lc), judge->target_columns);
		ml_file_begin(&out);
		ml_file_text(&out, "reason", "the target has no such column that COPY can fill");
		if (closest != NULL)
			ml_file_text(&out, "perhaps", closest);
		row->observed = ml_file_end(&out);
	}
}

static void
ml_file_judge_arity(MlFileJudge *judge)
{
	const MlCsvScan *csv = &judge->facts.csv;
	MlFileRow  *row;
	StringInfoData out;

	row = ml_file_row(judge, "arity", "error", csv->arity.n == 0);
	ml_file_count(row, csv->records, csv->arity.n);
	ml_file_begin(&out);
	if (csv->arity.n > 0)
	{
		ml_file_int(&out, "line", csv->arity.line);
		ml_file_int(&out, "fields", csv->arity_fields);
	}
	else if (csv->seen_first)
		ml_file_int(&out, "fields", csv->first_fields);
	row->observed = out.len > 1 ? ml_file_end(&out) : NULL;
	if (csv->expected > 0)
		row->expected = psprintf("{\"fields\": " INT64_FORMAT "}", csv->expected);
}

static void
ml_file_judge_lines(MlFileJudge *judge)
{
	const MlFileAsk *ask = judge->ask;
	const MlFileFacts *facts = &judge->facts;
	bool		delimited = ml_file_is_delimited(facts->format);
	bool		ended = delimited ? facts->csv.last_ended : facts->json.last_ended;
	int64		lines = delimited ? ml_csv_scan_lines(&facts->csv) : facts->json.line - (ended ? 1 : 0);
	MlFileRow  *row = ml_file_row(judge, "lines", "error", ml_file_within(lines, &ask->min_lines, &ask->max_lines));

	row->observed = psprintf("{\"lines\": " INT64_FORMAT "}", lines);
	row->expected = ml_file_bounds(&ask->min_lines, &ask->max_lines);
	row = ml_file_row(judge, "last_line", "warning", ended);
	if (!ended)
		row->observed = "{\"reason\": \"it has no end, as if the file were cut\"}";
	if (delimited)
	{
		/* COPY holds a record in memory, in a buffer of the server that ends at 1 GB */
		row = ml_file_row(judge, "longest_record", "error", facts->csv.longest < (int64) MaxAllocSize);
		row->observed = psprintf("{\"bytes\": " INT64_FORMAT "}", facts->csv.longest);
		row->expected = psprintf("{\"max\": %d}", (int) MaxAllocSize - 1);
	}
}

/* What is not looked at, and why. */
static void
ml_file_skip_all(MlFileJudge *judge, const char *const *names, int count, const char *reason)
{
	for (int i = 0; i < count; i++)
		ml_file_skip(judge, names[i], reason);
}

static void
ml_file_judge_delimited(MlFileJudge *judge)
{
	ml_file_judge_encoding(judge);
	ml_file_judge_line_ends(judge);
	ml_file_judge_quoting(judge);
	ml_file_judge_marker(judge);
	ml_file_judge_header(judge);
	ml_file_judge_columns(judge);
	ml_file_judge_arity(judge);
	ml_file_judge_lines(judge);
}

static void
ml_file_judge_json(MlFileJudge *judge)
{
	ml_file_judge_encoding(judge);
	ml_file_skip_all(judge, ml_file_late + 2, 5, psprintf("format %s has none", ml_file_format_name(judge->facts.format)));
	ml_file_judge_lines(judge);
	ml_file_skip(judge, "longest_record", "format text and csv only");
}

/* A file that cannot be read: why, and nothing more. */
void
ml_file_judge_absent(MlFileJudge *judge)
{
	static const char *const early[] = {"size", "compression", "format"};

	ml_file_judge_exists(judge);
	ml_file_skip_all(judge, early, lengthof(early), "there is no file to read");
	ml_file_skip_all(judge, ml_file_late, lengthof(ml_file_late), "there is no file to read");
}

void
ml_file_judge(MlFileJudge *judge)
{
	const MlFileFacts *facts = &judge->facts;

	ml_file_judge_exists(judge);
	ml_file_judge_size(judge);
	ml_file_judge_compression(judge);
	if (facts->compression != NULL)
	{
		ml_file_skip(judge, "format", "the file is compressed");
		ml_file_skip_all(judge, ml_file_late, lengthof(ml_file_late), "the file is compressed");
		return;
	}
	ml_file_judge_format(judge);
	if (!ml_file_is_readable(facts))
		ml_file_skip_all(judge, ml_file_late, lengthof(ml_file_late), "the content is binary");
	else if (ml_file_is_delimited(facts->format))
		ml_file_judge_delimited(judge);
	else
		ml_file_judge_json(judge);
}
