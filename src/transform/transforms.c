/*
 * transforms.c - the table of transforms, and what they share.
 */
#include "postgres.h"

#include "base/compat.h"
#include "transform/transform.h"

const MlTransform *const ml_transforms[] = {
	&ml_transform_impute,
	&ml_transform_standardise,
	&ml_transform_one_hot,
	&ml_transform_ordinal,
	&ml_transform_target_encode,
	&ml_transform_hash_encode,
	&ml_transform_count_encode,
	&ml_transform_date_parts,
	&ml_transform_tfidf,
	&ml_transform_min_max,
	&ml_transform_robust_scale,
	&ml_transform_quantile,
	&ml_transform_power,
	&ml_transform_log1p,
	&ml_transform_clip,
	&ml_transform_bucketize,
	&ml_transform_polynomial,
	&ml_transform_pca,
	&ml_transform_select,
	&ml_transform_drop,
	NULL
};

const MlTransform *
ml_transform_by_name(const char *name)
{
	List	   *names = NIL;

	for (int i = 0; ml_transforms[i]; i++)
	{
		if (strcmp(ml_transforms[i]->name, name) == 0)
			return ml_transforms[i];
		names = lappend(names, unconstify(char *, ml_transforms[i]->name));
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("pipeline step \"%s\" does not exist", name),
			 errdetail("The steps are: %s.", ml_text_list(names, 50)),
			 errhint("%s", ml_text_hint(name, names, "Use one of these, or leave pipeline out."))));
}

const MlTransform *
ml_transform_by_tag(uint16 tag)
{
	for (int i = 0; ml_transforms[i]; i++)
		if (ml_transforms[i]->tag == tag)
			return ml_transforms[i];
	return NULL;
}

MlColumn
ml_column_copy(const MlColumn *from)
{
	MlColumn	column = *from;

	column.name = pstrdup(from->name);
	return column;
}

MlColumn
ml_column_number(const char *fmt,...)
{
	MlColumn	column;
	StringInfoData name;

	initStringInfo(&name);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&name, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&name, needed);
	}
	memset(&column, 0, sizeof column);
	/* the buffer is larger than most names, and arrays have many */
	column.name = pstrdup(name.data);
	pfree(name.data);
	column.scale = 1;
	column.entrance = -1;
	column.class = ML_TYPE_NUMBER;
	return column;
}
