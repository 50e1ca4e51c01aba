/*
 * load_fingerprint.c - the keys of the row hash, and what is recorded of the rows of a source to know them again.
 */
#include "postgres.h"

#include "base/compat.h"
#include "flow/load.h"
#include "utils/memutils.h"

char *
ml_load_cell_name(const MlLoadColumn *column, int element)
{
	return column->convert.class == ML_TYPE_ARRAY ? psprintf("%s[%d]", column->name, element + 1) :
		pstrdup(column->name);
}

/* The place of a cell in the row hash; what was not there when places were recorded comes behind all that was. */
static int
ml_load_place(const MlLoad *load, const MlLoadColumn *column, int element)
{
	const char *name;
	ListCell   *lc;

	if (load->places == NIL)
		return column->first_cell + element;
	name = ml_load_cell_name(column, element);
	foreach(lc, load->places)
		if (strcmp(((MlLoadPlace *) lfirst(lc))->name, name) == 0)
			return ((MlLoadPlace *) lfirst(lc))->place;
	return PG_INT32_MAX / 2 + column->first_cell + element;
}

void
ml_load_keys(MlLoad *load)
{
	load->keys = MemoryContextAllocHuge(load->context, sizeof(uint64) * Max(load->ncells, 1));
	load->sums = MemoryContextAllocHuge(load->context, sizeof(uint64) * Max(load->ncells, 1));
	memset(load->sums, 0, sizeof(uint64) * Max(load->ncells, 1));
	for (int i = 0; i < load->ncolumns; i++)
		for (int e = 0; e < load->columns[i].ncells && load->columns[i].first_cell >= 0; e++)
			load->keys[load->columns[i].first_cell + e] = ml_cell_key(ml_load_place(load, &load->columns[i], e));
}

char *
ml_fingerprint_text(const MlFingerprint *fingerprint)
{
	return psprintf("%016llx%016llx", (unsigned long long) fingerprint->a, (unsigned long long) fingerprint->b);
}

char *
ml_load_fingerprint(const MlLoad *load, const MlLoadColumn *column, int element)
{
	uint64		sum = column->first_cell >= 0 ? load->sums[column->first_cell + element] : load->split_sum;

	return psprintf("%016llx", (unsigned long long) sum);
}
