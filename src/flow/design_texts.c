/*
 * design_texts.c - how the texts of a column become cells at the entrance: levels, hashes or terms.
 *
 * Memory is palloc'd in the current context.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "base/murmur.h"
#include "base/settings.h"
#include "flow/design.h"
#include "utils/memutils.h"

typedef struct MlLevelCount
{
	MlLabel		label;
	int64		count;
} MlLevelCount;

/* Most frequent first, bytewise among equals. */
static int
ml_level_by_count(const void *a, const void *b)
{
	const MlLevelCount *x = a;
	const MlLevelCount *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return ml_label_compare(&x->label, &y->label);
}

static int
ml_level_by_text(const void *a, const void *b)
{
	return ml_label_compare(&((const MlLevelCount *) a)->label, &((const MlLevelCount *) b)->label);
}

/*
 * The levels of a category input: the most frequent ones up to the setting,
 * the rest in the bucket "other"; fills the map from dictionary codes.
 */
static void
ml_design_levels(MlInput *input, const MlLoadColumn *column, MlColumnStats *stats, double **map, bool as_levels,
				 bool all_levels, MlNotes *notes)
{
	int			kept_max = all_levels ? ML_LEVELS_ALL_MAX : as_levels ? ML_LEARNER_LEVELS_MAX : ml_max_categories;
	MlDict	   *dict = column->dict;
	MlLevelCount *levels = palloc_extended(sizeof(MlLevelCount) * Max(dict->count, 1), MCXT_ALLOC_HUGE);
	int64	   *kept_counts;
	int			seen = 0;
	int			kept;
	int			mode = 0;

	for (int c = 0; c < dict->count; c++)
	{
		if (stats->level_counts[c] == 0)
			continue;
		levels[seen].label.text = dict->texts[c].bytes;
		levels[seen].label.length = dict->texts[c].length;
		levels[seen].label.code = c;
		levels[seen++].count = stats->level_counts[c];
	}
	qsort(levels, seen, sizeof(MlLevelCount), ml_level_by_count);
	kept = Min(seen, kept_max);
	if (kept < seen && all_levels)
		ml_note(notes, "column \"%s\" has %d categories: the %d most frequent are kept, the others count as never seen",
				column->name, seen, kept);
	else if (kept < seen)
		ml_note(notes, "column \"%s\" has %d categories: the %d most frequent are kept, the others share "
				"\"(other)\"%s", column->name, seen, kept, as_levels ? "" : " (pg_mlops.max_categories)");
	qsort(levels, kept, sizeof(MlLevelCount), ml_level_by_text);

	input->has_other = kept < seen && !all_levels;
	input->nlevels = kept + input->has_other;
	input->levels = palloc_extended(sizeof(char *) * Max(input->nlevels, 1), MCXT_ALLOC_HUGE);
	kept_counts = palloc_extended(sizeof(int64) * Max(input->nlevels, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*map = palloc_extended(sizeof(double) * Max(dict->count, 1), MCXT_ALLOC_HUGE);
	for (int k = 0; k < kept; k++)
	{
		input->levels[k] = pstrdup(levels[k].label.text);
		kept_counts[k] = levels[k].count;
		if (levels[k].count > kept_counts[mode])
			mode = k;
	}
	if (input->has_other)
		input->levels[kept] = "(other)";
	for (int k = kept; k < seen && input->has_other; k++)
		kept_counts[kept] += levels[k].count;
	input->unseen = all_levels ? ML_LEVEL_UNSEEN : input->has_other ? kept : as_levels ? ML_LEVEL_MISSING : mode;
	for (int c = 0; c < dict->count; c++)
		(*map)[c] = input->unseen == ML_LEVEL_MISSING ? ml_cell_null() :
			input->unseen == ML_LEVEL_UNSEEN ? ml_cell_from_bits(ML_UNSEEN_BITS) : input->unseen;
	for (int k = 0; k < kept; k++)
		(*map)[levels[k].label.code] = k;
	stats->level_counts = kept_counts;
	stats->mode = mode;
	pfree(levels);
}

/* How many different texts the training rows have, and which is the commonest: the first bytewise among equals. */
static void
ml_design_commonest(MlInput *input, const MlDict *dict, const int64 *counts)
{
	int			mode = -1;

	for (int c = 0; c < dict->count; c++)
	{
		if (counts[c] == 0)
			continue;
		input->different++;
		if (mode < 0 || counts[c] > counts[mode] ||
			(counts[c] == counts[mode] && ml_text_compare(dict->texts[c].bytes, dict->texts[c].length,
														  dict->texts[mode].bytes, dict->texts[mode].length) < 0))
			mode = c;
	}
	input->commonest = mode >= 0 ? pstrdup(dict->texts[mode].bytes) : NULL;
}

/* Texts that are hashed: nothing is kept of them. */
static void
ml_design_hashes(MlInput *input, const MlDict *dict, MlDesignTexts *out)
{
	input->unseen = ML_LEVEL_MISSING;
	out->level = palloc_extended(sizeof(double) * Max(dict->count, 1), MCXT_ALLOC_HUGE);
	for (int c = 0; c < dict->count; c++)
		out->level[c] = ml_murmur32_text(dict->texts[c].bytes, dict->texts[c].length);
}

/* Texts that become counts of terms. */
static void
ml_design_terms(const MlLoad *load, MlInput *input, const MlDict *dict, const MlColumnStats *loaded,
				const MlTextClaim *claim, MlDesignTexts *out)
{
	bool	   *known = palloc(sizeof(bool) * Max(dict->count, 1));

	input->unseen = ML_LEVEL_MISSING;
	out->terms = ml_terms_choose(input, claim, dict, loaded->level_counts, load->rows_train, &load->budget,
								 &out->documents);
	for (int c = 0; c < dict->count; c++)
		known[c] = ml_terms_any(out->terms, c);
	input->known = known;
}

void
ml_design_texts(const MlLoad *load, MlInput *input, const MlLoadColumn *column, const MlColumnStats *loaded,
				const MlTextClaim *claim, bool as_levels, MlDesignTexts *out, MlNotes *notes)
{
	memset(out, 0, sizeof *out);
	out->stats = *loaded;
	input->encoding = claim->encoding;
	if (claim->encoding == ML_ENCODING_LEVELS)
	{
		ml_design_levels(input, column, &out->stats, &out->level, as_levels, claim->all_levels, notes);
		return;
	}
	/* what the codes of the dictionary would have says nothing */
	out->stats.min = out->stats.max = out->stats.mean = out->stats.stddev = NAN;
	out->stats.level_counts = NULL;
	ml_design_commonest(input, column->dict, loaded->level_counts);
	if (claim->encoding == ML_ENCODING_HASHED)
		ml_design_hashes(input, column->dict, out);
	else
		ml_design_terms(load, input, column->dict, loaded, claim, out);
}
