/*
 * load_columns.c - which columns of a source are loaded, and what part each has.
 *
 * Everything is palloc'd in the current context, which is the load's.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/load_columns.h"
#include "flow/load_split.h"
#include "utils/builtins.h"

static List *
ml_load_names(TupleDesc desc)
{
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
		names = lappend(names, pstrdup(NameStr(TupleDescAttr(desc, i)->attname)));
	return names;
}

/* The attribute of a name, which must be there once. */
static AttrNumber
ml_load_find(TupleDesc desc, const char *name, const char *what)
{
	AttrNumber	found = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			continue;
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("source has more than one column \"%s\"", name),
					 errhint("Give the columns of the query different names.")));
		found = i + 1;
	}
	if (!found)
	{
		List	   *names = ml_load_names(desc);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("source has no %s column \"%s\"", what, name),
				 errdetail("Its columns are: %s.", ml_text_list(names, 50)),
				 errhint("%s", ml_text_hint(name, names, "Name one of these columns."))));
	}
	return found;
}

/* Adds a column of the result to those that are loaded. */
static MlLoadColumn *
ml_load_add(MlLoad *load, TupleDesc desc, AttrNumber attno, MlRole role)
{
	Form_pg_attribute att = TupleDescAttr(desc, attno - 1);
	MlLoadColumn *column = &load->columns[load->ncolumns++];

	memset(column, 0, sizeof *column);
	column->name = pstrdup(NameStr(att->attname));
	column->type_name = format_type_be(att->atttypid);
	column->attno = attno;
	column->role = role;
	column->declared = att->atttypid;
	ml_convert_init(&column->convert, att->atttypid);
	column->ncells = column->convert.class == ML_TYPE_ARRAY ? 0 : 1;
	if (column->convert.class == ML_TYPE_TEXT && role != ML_ROLE_SPLIT)
		column->dict = ml_dict_create();
	load->last_attno = Max(load->last_attno, attno);
	return column;
}

/* Notes a column that the source has and that is not loaded. */
static void
ml_load_add_other(MlLoad *load, TupleDesc desc, AttrNumber attno)
{
	MlLoadOther *other = palloc(sizeof(MlLoadOther));
	MlConvert	convert;

	ml_convert_init(&convert, TupleDescAttr(desc, attno - 1)->atttypid);
	other->name = pstrdup(NameStr(TupleDescAttr(desc, attno - 1)->attname));
	other->type_name = ml_convert_type_name(&convert);
	load->others = lappend(load->others, other);
}

/* Whether a column that is named need not be there, and is not. */
static bool
ml_load_passes_over(const MlLoad *load, TupleDesc desc, const char *name)
{
	return load->lenient && !ml_text_listed(ml_load_names(desc), name);
}

/* Adds a column with a part of its own, which must have one of the classes. */
static void
ml_load_add_special(MlLoad *load, TupleDesc desc, const char *name, MlRole role)
{
	const char *const words[] = {"feature", "target", "weight", ml_load_split_word(load)};
	const char *what = words[role];
	MlLoadColumn *column;
	bool		fits;

	if (name == NULL || ml_load_passes_over(load, desc, name))
		return;
	column = ml_load_add(load, desc, ml_load_find(desc, name, what), role);
	if (role == ML_ROLE_SPLIT)
		fits = ml_load_split_fits(load, &column->convert);
	else if (role == ML_ROLE_WEIGHT)
		fits = column->convert.class == ML_TYPE_NUMBER;
	else
		fits = column->convert.class == ML_TYPE_NUMBER || column->convert.class == ML_TYPE_TEXT;
	if (!fits && load->lenient)
	{
		ml_load_add_other(load, desc, column->attno);
		load->ncolumns--;
	}
	else if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot be the %s", name, column->type_name, what),
				 errdetail("The %s must be %s.", what,
						   role == ML_ROLE_SPLIT ? ml_load_split_wanted(load) : role == ML_ROLE_WEIGHT ? "a number" :
						   "a number, a boolean, a text, an enum or a uuid"),
				 errhint("Cast it in the source query.")));
}

/* Chooses the feature columns: those named, or every one whose type can be used. */
static void
ml_load_choose(MlLoad *load, TupleDesc desc)
{
	ListCell   *lc;

	/* of a relation that was asked for its other columns only, the query has none of these */
	foreach(lc, load->info.narrowed || load->lenient ? NIL : load->exclude)
		(void) ml_load_find(desc, lfirst(lc), "excluded");
	foreach(lc, load->features)
	{
		char	   *name = lfirst(lc);
		AttrNumber	attno;
		MlLoadColumn *column;

		if (ml_load_passes_over(load, desc, name))
			continue;
		attno = ml_load_find(desc, name, "feature");
		if (load->target && strcmp(name, load->target) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("target column \"%s\" cannot be a feature", name),
					 errhint("Leave it out of features.")));
		if (ml_text_listed(load->exclude, name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" is both in features and in exclude", name),
					 errhint("Leave it out of one of them.")));
		for (int i = 0; i < load->ncolumns; i++)
			if (load->columns[i].attno == attno)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" is named twice in features", name),
						 errhint("Name it once.")));
		column = ml_load_add(load, desc, attno, ML_ROLE_FEATURE);
		if (column->convert.class == ML_TYPE_UNSUPPORTED && load->lenient)
		{
			ml_load_add_other(load, desc, attno);
			load->ncolumns--;
		}
		else if (column->convert.class == ML_TYPE_UNSUPPORTED)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of type %s cannot be a feature", name, column->type_name),
					 errdetail("Features are numbers, booleans, dates, timestamps, intervals, texts, enums, uuids, "
							   "arrays of numbers, and pgvector's vector and halfvec."),
					 errhint("Cast it in the source query, or leave it out of features.")));
	}
	if (load->features != NIL)
		return;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *name = NameStr(att->attname);
		MlConvert	convert;

		if (att->attisdropped || ml_text_listed(load->exclude, name) ||
			(load->target && strcmp(name, load->target) == 0) ||
			(load->weight && strcmp(name, load->weight) == 0) ||
			(load->split_column && strcmp(name, load->split_column) == 0))
			continue;
		(void) ml_load_find(desc, name, "feature");
		if (ml_text_listed(load->info.keys, name))
		{
			ml_note(load->notes, "column \"%s\" was left out: it is the primary key", name);
			ml_load_add_other(load, desc, i + 1);
			continue;
		}
		ml_convert_init(&convert, att->atttypid);
		if (convert.class == ML_TYPE_UNSUPPORTED)
		{
			ml_note(load->notes, "column \"%s\" was left out: its type %s is neither a number nor a category",
					name, format_type_be(att->atttypid));
			ml_load_add_other(load, desc, i + 1);
		}
		else
			(void) ml_load_add(load, desc, i + 1, ML_ROLE_FEATURE);
	}
}

void
ml_load_columns(MlLoad *load, TupleDesc desc)
{
	load->columns = palloc0(sizeof(MlLoadColumn) * (desc->natts + list_length(load->features) + 3));
	ml_load_choose(load, desc);
	load->nfeatures = load->ncolumns;
	/* one pass is for numbers: the levels of a category have to be counted first */
	for (int i = 0; i < load->nfeatures; i++)
		if (load->columns[i].dict)
			load->sink = NULL;
	ml_load_add_special(load, desc, load->target, ML_ROLE_TARGET);
	ml_load_add_special(load, desc, load->weight, ML_ROLE_WEIGHT);
	ml_load_add_special(load, desc, load->split_column, ML_ROLE_SPLIT);
	load->only_test &= load->split != ML_SPLIT_NONE;
	if (load->nfeatures == 0 && !(load->lenient && load->ncolumns > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source has no feature column"),
				 errdetail("Its columns are: %s.", ml_text_list(ml_load_names(desc), 50)),
				 errhint("Add columns to the source, or take some out of exclude.")));
}

/* The columns a relation has to be asked for: the features named and those with a part of their own. */
List *
ml_load_wanted(const MlLoad *load)
{
	List	   *wanted = list_copy(load->features);

	if (load->features == NIL)
		return NIL;
	if (load->target)
		wanted = lappend(wanted, unconstify(char *, load->target));
	if (load->weight)
		wanted = lappend(wanted, unconstify(char *, load->weight));
	if (load->split_column)
		wanted = lappend(wanted, unconstify(char *, load->split_column));
	return wanted;
}
