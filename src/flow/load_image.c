/*
 * load_image.c - the training rows of a load in a temporary file, for other processes of this server.
 *
 * The file: the figures of MlImageHead; texts (a length, then the bytes; -1 is
 * NULL); columns with their dictionaries in the order of the codes; the
 * targets; the rows.
 */
#include "postgres.h"

#include <fcntl.h>

#include "base/compat.h"
#include "base/settings.h"
#include "flow/load_image.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#define ML_IMAGE_NAME	"rows"

/* Rows between two looks at whether this has been cancelled. */
#define ML_IMAGE_BREATH	4096

typedef struct MlImageHead
{
	int64		seed;
	int64		rows;
	double		weight_sum;
	int			split;
	int			folds;
	int			fold_method;
	int			ncolumns;
	int			nfeatures;
	int			feature_cells;
	int			target_cell;
	int			weight_cell;
	int			split_cell;
	int			ncells;
	int			ntargets;
	bool		target_whole;
} MlImageHead;

typedef struct MlImageColumn
{
	int			role;
	int			attno;
	Oid			declared;
	Oid			type;
	int			first_cell;
	int			ncells;
	int			ntexts;			/* of the dictionary; -1 without */
} MlImageColumn;

/* ---- writing ---- */

static void
ml_image_put(BufFile *file, const void *bytes, Size size)
{
	BufFileWrite(file, unconstify(void *, bytes), size);
}

static void
ml_image_put_text(BufFile *file, const char *text, int length)
{
	ml_image_put(file, &length, sizeof length);
	if (length > 0)
		ml_image_put(file, text, length);
}

static void
ml_image_put_string(BufFile *file, const char *text)
{
	ml_image_put_text(file, text, text ? (int) strlen(text) : -1);
}

static void
ml_image_put_column(BufFile *file, const MlLoadColumn *column)
{
	MlImageColumn image;

	memset(&image, 0, sizeof image);
	image.role = column->role;
	image.attno = column->attno;
	image.declared = column->declared;
	image.type = column->convert.type;
	image.first_cell = column->first_cell;
	image.ncells = column->ncells;
	image.ntexts = column->dict ? column->dict->count : -1;
	ml_image_put(file, &image, sizeof image);
	ml_image_put_string(file, column->name);
	ml_image_put_string(file, column->type_name);
	for (int c = 0; c < image.ntexts; c++)
		ml_image_put_text(file, column->dict->texts[c].bytes, column->dict->texts[c].length);
}

static void
ml_image_put_rows(BufFile *file, const MlLoad *load)
{
	const double *rows[ML_BLOCK_ROWS];
	int			n;

	ml_frame_rewind(load->train);
	while ((n = ml_frame_read(load->train, rows)) > 0)
		for (int i = 0; i < n; i++)
			ml_image_put(file, rows[i], sizeof(double) * load->ncells);
}

void
ml_load_image_write(const MlLoad *load, FileSet *files)
{
	BufFile    *file = BufFileCreateFileSet(files, ML_IMAGE_NAME);
	MlImageHead head;

	memset(&head, 0, sizeof head);
	head.seed = load->seed;
	head.rows = ml_frame_count(load->train);
	head.weight_sum = load->weight_sum;
	head.split = load->split;
	head.folds = load->folds;
	head.fold_method = load->fold_method;
	head.ncolumns = load->ncolumns;
	head.nfeatures = load->nfeatures;
	head.feature_cells = load->feature_cells;
	head.target_cell = load->target_cell;
	head.weight_cell = load->weight_cell;
	head.split_cell = load->split_cell;
	head.ncells = load->ncells;
	head.ntargets = load->ntargets;
	head.target_whole = load->target_whole;
	ml_image_put(file, &head, sizeof head);
	ml_image_put_string(file, load->target);
	ml_image_put_string(file, load->weight);
	ml_image_put_string(file, load->split_column);
	for (int i = 0; i < load->ncolumns; i++)
		ml_image_put_column(file, &load->columns[i]);
	ml_image_put(file, load->targets, sizeof(double) * Min(load->ntargets, ML_CLASSES_MAX));
	ml_image_put_rows(file, load);
	BufFileExportFileSet(file);
	BufFileClose(file);
}

/* ---- reading ---- */

static void
ml_image_get(BufFile *file, void *bytes, Size size)
{
	if (BufFileRead(file, bytes, size) != size)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the temporary file with the rows of a search ends early"),
				 errhint("Look for errors of the file system in the server's log.")));
}

static char *
ml_image_get_text(BufFile *file, int *length)
{
	char	   *text;

	ml_image_get(file, length, sizeof *length);
	if (*length < 0)
		return NULL;
	text = palloc_extended((Size) *length + 1, MCXT_ALLOC_HUGE);
	ml_image_get(file, text, *length);
	text[*length] = '\0';
	return text;
}

static char *
ml_image_get_string(BufFile *file)
{
	int			length;

	return ml_image_get_text(file, &length);
}

static void
ml_image_get_column(BufFile *file, MlLoadColumn *column)
{
	MlImageColumn image;

	ml_image_get(file, &image, sizeof image);
	column->role = (MlRole) image.role;
	column->attno = (AttrNumber) image.attno;
	column->declared = image.declared;
	column->first_cell = image.first_cell;
	column->ncells = image.ncells;
	ml_convert_init(&column->convert, image.type);
	column->name = ml_image_get_string(file);
	column->type_name = ml_image_get_string(file);
	if (image.ntexts >= 0)
		column->dict = ml_dict_create();
	for (int c = 0; c < image.ntexts; c++)
	{
		int			length;
		char	   *text = ml_image_get_text(file, &length);

		(void) ml_dict_add(column->dict, text, length);
		pfree(text);
	}
}

static void
ml_image_get_rows(BufFile *file, MlLoad *load, int64 rows)
{
	load->train = ml_frame_create(load->ncells, &load->budget);
	for (int64 i = 0; i < rows; i++)
	{
		if ((i & (ML_IMAGE_BREATH - 1)) == 0)
			CHECK_FOR_INTERRUPTS();
		ml_image_get(file, ml_frame_row(load->train), sizeof(double) * load->ncells);
		/* they come in canonical order */
		ml_frame_commit(load->train, (uint64) i);
	}
	ml_frame_finish(load->train);
}

MlLoad *
ml_load_image_read(FileSet *files, ResourceOwner owner, MlNotes *notes)
{
	MlLoad	   *load = palloc0(sizeof(MlLoad));
	BufFile    *file = BufFileOpenFileSet(files, ML_IMAGE_NAME, O_RDONLY, false);
	MlImageHead head;

	ml_image_get(file, &head, sizeof head);
	load->context = CurrentMemoryContext;
	load->notes = notes;
	load->budget.limit = ML_TRAIN_MEMORY_BYTES;
	load->budget.owner = owner;
	load->folded = true;
	load->seed = head.seed;
	load->split = (MlSplitMethod) head.split;
	load->folds = head.folds;
	load->fold_method = (MlFoldMethod) head.fold_method;
	load->rows_read = load->rows_train = head.rows;
	load->weight_sum = head.weight_sum;
	load->ncolumns = head.ncolumns;
	load->nfeatures = head.nfeatures;
	load->feature_cells = head.feature_cells;
	load->target_cell = head.target_cell;
	load->weight_cell = head.weight_cell;
	load->split_cell = head.split_cell;
	load->ncells = head.ncells;
	load->ntargets = head.ntargets;
	load->target_whole = head.target_whole;
	load->target = ml_image_get_string(file);
	load->weight = ml_image_get_string(file);
	load->split_column = ml_image_get_string(file);
	load->columns = palloc0(sizeof(MlLoadColumn) * Max(load->ncolumns, 1));
	for (int i = 0; i < load->ncolumns; i++)
		ml_image_get_column(file, &load->columns[i]);
	load->targets = palloc(sizeof(double) * ML_CLASSES_MAX);
	ml_image_get(file, load->targets, sizeof(double) * Min(load->ntargets, ML_CLASSES_MAX));
	ml_image_get_rows(file, load, head.rows);
	BufFileClose(file);
	return load;
}
