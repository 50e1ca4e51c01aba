/*
 * terms.c - from texts to counts of their terms, by the server's text search.
 *
 * Memory is palloc'd in the current context; what is made of one text is in a
 * context that is emptied for the next.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "base/text.h"
#include "catalog/namespace.h"
#include "catalog/pg_ts_config.h"
#include "flow/terms.h"
#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

Oid
ml_terms_config(const char *name, bool missing_ok)
{
	List	   *names;
	Oid			config;

	if (name == NULL)
		return getTSCurrentConfig(true);
	names = ml_compat_qualified_name(name);
	config = get_ts_config_oid(names, true);
	if (!OidIsValid(config) && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration %s does not exist", name),
				 errdetail("Step \"tfidf\" makes terms of texts by it."),
				 errhint("pg_ts_config lists the configurations.")));
	return config;
}

char *
ml_terms_config_name(Oid config)
{
	HeapTuple	tuple = SearchSysCache1(TSCONFIGOID, ObjectIdGetDatum(config));
	Form_pg_ts_config form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for text search configuration %u", config);
	form = (Form_pg_ts_config) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->cfgnamespace), NameStr(form->cfgname));
	ReleaseSysCache(tuple);
	return name;
}

void
ml_terms_no_config(const MlInput *input, const char *ref)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("text search configuration %s of feature \"%s\" does not exist", input->config, input->name),
			 errdetail("Model \"%s\" was trained on terms that this configuration made of the texts.", ref),
			 errhint("Create the configuration as it was, or train a new version.")));
}

/* By the word, then by its place in the text. */
static int
ml_terms_compare(const void *a, const void *b)
{
	const ParsedWord *x = a;
	const ParsedWord *y = b;
	int			order = ml_text_compare(x->word, x->len, y->word, y->len);

	return order != 0 ? order : (x->pos.pos > y->pos.pos) - (x->pos.pos < y->pos.pos);
}

int
ml_terms_parse(Oid config, const char *text, int length, MlTextTerm **terms)
{
	ParsedText	parsed;
	int			n = 0;

	memset(&parsed, 0, sizeof parsed);
	/* the parser makes room for words as it needs it */
	parsed.lenwords = Max(length / 6, 8);
	parsed.words = palloc_extended(sizeof(ParsedWord) * parsed.lenwords, MCXT_ALLOC_HUGE);
	parsetext(config, &parsed, unconstify(char *, text), length);
	qsort(parsed.words, parsed.curwords, sizeof(ParsedWord), ml_terms_compare);
	*terms = palloc_extended(sizeof(MlTextTerm) * Max(parsed.curwords, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < parsed.curwords; i++)
	{
		const ParsedWord *word = &parsed.words[i];
		bool		same = n > 0 && ml_text_compare(word->word, word->len, (*terms)[n - 1].word, (*terms)[n - 1].length) == 0;

		if (!same)
		{
			(*terms)[n].word = word->word;
			(*terms)[n].length = word->len;
			(*terms)[n++].count = 1;
		}
		/* a word of which the dictionary makes a lexeme twice counts once; places end at a limit */
		else if (word->pos.pos != parsed.words[i - 1].pos.pos || word->pos.pos >= MAXENTRYPOS - 1)
			(*terms)[n - 1].count++;
	}
	return n;
}

bool
ml_terms_cells(const MlInput *input, Oid config, const char *text, int length, double *cells)
{
	MlTextTerm *terms;
	int			n = ml_terms_parse(config, text, length, &terms);
	bool		any = false;

	memset(cells, 0, sizeof(double) * input->ncells);
	for (int i = 0; i < n; i++)
	{
		int			code = ml_dict_find(input->codes, terms[i].word, terms[i].length);

		if (code < 0)
			continue;
		cells[code] = terms[i].count;
		any = true;
	}
	return any;
}

/* ---- the terms of a dictionary of texts ---- */

/* A word with the training rows that have it. */
typedef struct MlWordRows
{
	const MlDictText *text;
	int			word;
	int64		rows;
} MlWordRows;

/* A table while it grows. */
typedef struct MlTermsMade
{
	MlTermTable *table;
	int64		n;
	int64		capacity;
	const MlInput *input;
	const MlBudget *budget;
	MemoryContext context;		/* emptied after each text */
} MlTermsMade;

static void
ml_terms_begin(MlTermsMade *made, const MlInput *input, const MlDict *dict, const MlBudget *budget)
{
	MlTermTable *table = palloc0(sizeof(MlTermTable));

	memset(made, 0, sizeof *made);
	made->table = table;
	made->capacity = 1024;
	made->input = input;
	made->budget = budget;
	made->context = AllocSetContextCreate(CurrentMemoryContext, "pg_mlops terms", ALLOCSET_DEFAULT_SIZES);
	table->start = palloc_extended(sizeof(int64) * (dict->count + 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	table->term = palloc(sizeof(uint32) * made->capacity);
	table->count = palloc(sizeof(uint32) * made->capacity);
}

/* Refuses what does not fit in memory: the table as it would be, and the words that are told apart. */
static void
ml_terms_check_memory(const MlTermsMade *made, int64 capacity, const MlDict *words)
{
	double		bytes = 2.0 * capacity * sizeof(uint32) + (double) words->text_bytes +
		(double) words->count * (2 * sizeof(MlDictText) + sizeof(MlWordRows));

	if (bytes > (double) made->budget->limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the terms of column \"%s\" do not fit in memory", made->input->name),
				 errdetail("They take more than %s, which is pg_mlops.train_memory.", ml_text_bytes(made->budget->limit)),
				 errhint("Train on fewer rows, or raise pg_mlops.train_memory.")));
}

static void
ml_terms_put(MlTermsMade *made, uint32 term, uint32 count, const MlDict *words)
{
	if (made->n == made->capacity)
	{
		ml_terms_check_memory(made, 2 * made->capacity, words);
		made->capacity *= 2;
		made->table->term = repalloc_huge(made->table->term, sizeof(uint32) * made->capacity);
		made->table->count = repalloc_huge(made->table->count, sizeof(uint32) * made->capacity);
	}
	made->table->term[made->n] = term;
	made->table->count[made->n++] = count;
}

/* Puts the terms of a text that a dictionary of words has, or adds them. */
static void
ml_terms_put_text(MlTermsMade *made, Oid config, const MlDictText *text, MlDict *words, bool add)
{
	MemoryContext old = MemoryContextSwitchTo(made->context);
	MlTextTerm *terms;
	int			n;

	CHECK_FOR_INTERRUPTS();
	n = ml_terms_parse(config, text->bytes, text->length, &terms);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < n; i++)
	{
		int			word = add ? ml_dict_add(words, terms[i].word, terms[i].length) :
			ml_dict_find(words, terms[i].word, terms[i].length);

		if (word >= 0)
			ml_terms_put(made, (uint32) word, (uint32) terms[i].count, words);
	}
	if (add)
		ml_terms_check_memory(made, made->capacity, words);
	MemoryContextReset(made->context);
}

MlTermTable *
ml_terms_table(const MlInput *input, const char *ref, const MlDict *dict, const MlBudget *budget)
{
	Oid			config = ml_terms_config(input->config, true);
	MlTermsMade made;

	if (!OidIsValid(config))
		ml_terms_no_config(input, ref);
	ml_terms_begin(&made, input, dict, budget);
	for (int code = 0; code < dict->count; code++)
	{
		ml_terms_put_text(&made, config, &dict->texts[code], input->codes, false);
		made.table->start[code + 1] = made.n;
	}
	MemoryContextDelete(made.context);
	return made.table;
}

static int
ml_word_by_text(const void *a, const void *b)
{
	const MlDictText *x = ((const MlWordRows *) a)->text;
	const MlDictText *y = ((const MlWordRows *) b)->text;

	return ml_text_compare(x->bytes, x->length, y->bytes, y->length);
}

/* Most rows first, bytewise among equals. */
static int
ml_word_by_rows(const void *a, const void *b)
{
	const MlWordRows *x = a;
	const MlWordRows *y = b;

	return x->rows != y->rows ? (x->rows < y->rows) - (x->rows > y->rows) : ml_word_by_text(a, b);
}

/* The words that become the input's terms, in bytewise order. */
static int
ml_terms_keep(const MlInput *input, const MlTextClaim *claim, const MlDict *words, const int64 *rows, int64 nrows,
			  MlWordRows **kept)
{
	int			n = 0;

	*kept = palloc_extended(sizeof(MlWordRows) * Max(words->count, 1), MCXT_ALLOC_HUGE);
	for (int w = 0; w < words->count; w++)
		if (rows[w] >= claim->min_documents && (double) rows[w] <= claim->max_share * (double) nrows)
		{
			(*kept)[n].text = &words->texts[w];
			(*kept)[n].word = w;
			(*kept)[n++].rows = rows[w];
		}
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no term of column \"%s\" is left for step \"tfidf\"", input->name),
				 errdetail("Its texts have %d terms by configuration %s; %lld or more training rows, and at most a share of %s of them, have to have one.",
						   words->count, input->config, (long long) claim->min_documents, ml_text_number(claim->max_share)),
				 errhint("Lower \"min_documents\", raise \"max_share\", or name another \"config\".")));
	qsort(*kept, n, sizeof(MlWordRows), ml_word_by_rows);
	n = Min(n, claim->max_terms);
	qsort(*kept, n, sizeof(MlWordRows), ml_word_by_text);
	return n;
}

/* Leaves the kept words in the table, as the terms that they become. */
static void
ml_terms_rename(MlTermTable *table, int ntexts, const int *term)
{
	int64		from = 0;
	int64		to = 0;

	for (int code = 0; code < ntexts; code++)
	{
		int64		end = table->start[code + 1];

		for (; from < end; from++)
			if (term[table->term[from]] >= 0)
			{
				table->term[to] = (uint32) term[table->term[from]];
				table->count[to++] = table->count[from];
			}
		table->start[code + 1] = to;
	}
}

MlTermTable *
ml_terms_choose(MlInput *input, const MlTextClaim *claim, const MlDict *dict, const int64 *rows, int64 nrows,
				const MlBudget *budget, int64 **documents)
{
	Oid			config = ml_terms_config(claim->config->isnull ? NULL : claim->config->text, false);
	MlDict	   *words = ml_dict_create();
	MlTermsMade made;
	int64	   *word_rows;
	int		   *term;
	MlWordRows *kept;

	input->config = ml_terms_config_name(config);
	/* the step says it, too, so that it can be repeated in another session */
	claim->config->isnull = false;
	claim->config->text = input->config;
	ml_terms_begin(&made, input, dict, budget);
	for (int code = 0; code < dict->count; code++)
	{
		/* words of held-out rows that no training row has are dropped below: no row counts for them */
		ml_terms_put_text(&made, config, &dict->texts[code], words, true);
		made.table->start[code + 1] = made.n;
	}
	MemoryContextDelete(made.context);
	word_rows = palloc_extended(sizeof(int64) * Max(words->count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int code = 0; code < dict->count; code++)
		for (int64 i = made.table->start[code]; i < made.table->start[code + 1]; i++)
			word_rows[made.table->term[i]] += rows[code];
	input->nlevels = input->ncells = ml_terms_keep(input, claim, words, word_rows, nrows, &kept);
	input->levels = palloc(sizeof(char *) * input->nlevels);
	*documents = palloc(sizeof(int64) * input->nlevels);
	term = palloc_extended(sizeof(int) * Max(words->count, 1), MCXT_ALLOC_HUGE);
	for (int w = 0; w < words->count; w++)
		term[w] = -1;
	for (int k = 0; k < input->nlevels; k++)
	{
		input->levels[k] = pnstrdup(kept[k].text->bytes, kept[k].text->length);
		(*documents)[k] = kept[k].rows;
		term[kept[k].word] = k;
	}
	ml_terms_rename(made.table, dict->count, term);
	pfree(kept);
	pfree(term);
	pfree(word_rows);
	ml_dict_free(words);
	return made.table;
}
