/*
 * logistic_support.h - rows in memory as a source of blocks, and columns of the shared data sets.
 *
 * The data sets are looked for in ML_DATA, else in shared/data beside the
 * repository; a test whose file is absent says that it was skipped.
 */
#ifndef ML_LOGISTIC_SUPPORT_H
#define ML_LOGISTIC_SUPPORT_H

#include "unit.h"

#include <setjmp.h>
#include <unistd.h>

#include "math/logistic.h"

typedef struct MlRows
{
	int			rows;
	int			cols;
	double	   *x;
	double	   *y;
	double	   *w;				/* NULL: none */
	int			block;			/* rows of a block */

	int			at;
	double	   *copy;			/* the block last handed out, at the very end of the buffer */
	size_t		copy_doubles;
	MlBlocks	blocks;
} MlRows;

/* What was handed out before is not valid any more. */
static inline void
ml_rows_forget(MlRows *d)
{
	for (size_t i = 0; i < d->copy_doubles; i++)
		d->copy[i] = NAN;
}

static inline void
ml_rows_rewind(void *ctx)
{
	MlRows	   *d = ctx;

	d->at = 0;
	ml_rows_forget(d);
}

static inline bool
ml_rows_next(void *ctx, MlBlock *out)
{
	MlRows	   *d = ctx;
	int			n = d->rows - d->at < d->block ? d->rows - d->at : d->block;
	double	   *end = d->copy + d->copy_doubles;

	ml_rows_forget(d);
	if (n <= 0)
		return false;

	/* rows last, against the end, so that the sanitizer sees a read past them */
	out->rows = n;
	out->stride = d->cols;
	out->x = memcpy(end - (size_t) n * d->cols, d->x + (size_t) d->at * d->cols, (size_t) n * d->cols * sizeof(double));
	end -= (size_t) n * d->cols + n;
	out->y = memcpy(end, d->y + d->at, (size_t) n * sizeof(double));
	out->w = d->w ? memcpy(end - n, d->w + d->at, (size_t) n * sizeof(double)) : NULL;
	d->at += n;
	return true;
}

static inline MlRows *
ml_rows_new(int rows, int cols)
{
	MlRows	   *d = calloc(1, sizeof(MlRows));

	d->rows = rows;
	d->cols = cols;
	d->block = ML_BLOCK_ROWS;
	d->x = calloc((size_t) rows * cols + 1, sizeof(double));
	d->y = calloc((size_t) rows + 1, sizeof(double));
	d->copy_doubles = (size_t) ML_BLOCK_ROWS * (cols + 2);
	d->copy = malloc(d->copy_doubles * sizeof(double));
	d->blocks.cols = cols;
	d->blocks.rows = rows;
	d->blocks.rewind = ml_rows_rewind;
	d->blocks.next = ml_rows_next;
	d->blocks.ctx = d;
	return d;
}

static inline void
ml_rows_weigh(MlRows *d)
{
	d->w = calloc((size_t) d->rows, sizeof(double));
	d->blocks.weighted = true;
}

static inline void
ml_rows_free(MlRows *d)
{
	free(d->x);
	free(d->y);
	free(d->w);
	free(d->copy);
	free(d);
}

/* A fit with a workspace of exactly the size asked for. */
typedef struct MlFitted
{
	MlStatus	status;
	MlLogitFit	fit;
	double	   *work;
} MlFitted;

static inline MlLogitOptions
ml_options(double l2)
{
	MlLogitOptions o = {true, l2, ML_LOGIT_ITERATIONS_DEFAULT, ML_LOGIT_TOLERANCE_DEFAULT, ML_LOGIT_DENSE_DEFAULT};

	return o;
}

/* classes 0: the two-class fit. */
static inline MlFitted
ml_fit(const MlRows *d, int classes, MlLogitOptions o)
{
	MlFitted	f = {0};
	size_t		doubles = 0;

	f.status = classes == 0 ? ml_logistic_size(d->cols, o.intercept, &doubles)
		: ml_multinomial_size(d->cols, classes, &o, &doubles);
	if (f.status != ML_OK)
		return f;
	f.work = malloc(doubles * sizeof(double));
	/* whatever was there before must not matter */
	memset(f.work, 0xff, doubles * sizeof(double));
	if (classes == 0)
		f.status = ml_logistic_fit(&d->blocks, &o, f.work, doubles, &f.fit, NULL);
	else
		f.status = ml_multinomial_fit(&d->blocks, classes, &o, f.work, doubles, &f.fit, NULL);
	return f;
}

/* The whole file of a data set, or NULL. */
static inline FILE *
ml_open_data(const char *name)
{
	const char *places[] = {getenv("ML_DATA"), "../shared/data", "../../../shared/data"};

	for (int i = 0; i < 3; i++)
	{
		char		path[1024],
					command[1100];

		if (!places[i])
			continue;
		snprintf(path, sizeof(path), "%s/%s.csv.gz", places[i], name);
		if (access(path, R_OK) != 0)
			continue;
		snprintf(command, sizeof(command), "gzip -dc '%s'", path);
		return popen(command, "r");
	}
	printf("skipped: no data set %s\n", name);
	return NULL;
}

/* Splits a line of CSV without quotes in place. */
static inline int
ml_split(char *line, char **field, int max)
{
	int			n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *at = line; at && n < max; n++)
	{
		field[n] = at;
		at = strchr(at, ',');
		if (at)
			*at++ = '\0';
	}
	return n;
}

/* The cells of a file as text; row 0 is the header. */
typedef struct MlTable
{
	int			rows;
	int			cols;
	char	  **cell;
	char	   *text;
} MlTable;

#define ML_TABLE_COLS 80

static inline MlTable *
ml_read_table(const char *name)
{
	FILE	   *file = ml_open_data(name);
	MlTable    *t;
	size_t		size = 0,
				room = 1 << 16,
				lines = 0;
	char	   *at;

	if (!file)
		return NULL;
	t = calloc(1, sizeof(MlTable));
	t->text = malloc(room);
	while ((size += fread(t->text + size, 1, room - size - 1, file)) == room - 1)
		t->text = realloc(t->text, room *= 2);
	pclose(file);
	t->text[size] = '\0';

	for (at = t->text; *at; at++)
		lines += *at == '\n';
	t->cell = calloc(lines * ML_TABLE_COLS, sizeof(char *));
	for (at = strtok(t->text, "\n"); at; at = strtok(NULL, "\n"))
	{
		char	  **row = t->cell + (size_t) t->rows * ML_TABLE_COLS;
		int			n = ml_split(at, row, ML_TABLE_COLS);

		t->cols = t->rows == 0 ? n : t->cols;
		t->rows++;
	}
	t->rows--;
	return t;
}

static inline void
ml_free_table(MlTable *t)
{
	free(t->cell);
	free(t->text);
	free(t);
}

static inline const char *
ml_cell(const MlTable *t, int row, const char *column)
{
	for (int j = 0; j < t->cols; j++)
		if (strcmp(t->cell[j], column) == 0)
			return t->cell[(size_t) (row + 1) * ML_TABLE_COLS + j];
	printf("no column %s\n", column);
	exit(1);
}

/* Fills column j of the rows with a numeric column. */
static inline void
ml_rows_column(MlRows *d, int j, const MlTable *t, const char *column)
{
	for (int i = 0; i < d->rows; i++)
		d->x[(size_t) i * d->cols + j] = strtod(ml_cell(t, i, column), NULL);
}

/* Centers and scales every column (population sd; a constant is only centered). */
static inline void
ml_standardise(MlRows *d, double *center, double *scale)
{
	for (int j = 0; j < d->cols; j++)
	{
		long double mean = 0.0L,
					square = 0.0L;
		double		sd;

		for (int i = 0; i < d->rows; i++)
			mean += d->x[(size_t) i * d->cols + j];
		mean /= d->rows;
		for (int i = 0; i < d->rows; i++)
			square += (d->x[(size_t) i * d->cols + j] - mean) * (d->x[(size_t) i * d->cols + j] - mean);
		sd = (double) sqrtl(square / d->rows);
		sd = sd > 0.0 ? sd : 1.0;
		for (int i = 0; i < d->rows; i++)
			d->x[(size_t) i * d->cols + j] = (d->x[(size_t) i * d->cols + j] - (double) mean) / sd;
		if (center)
		{
			center[j] = (double) mean;
			scale[j] = sd;
		}
	}
}

/* Near-normal numbers and a label from a logistic model with the given slope on each column. */
static inline MlRows *
ml_rows_random(int rows, int cols, double slope)
{
	MlRows	   *d = ml_rows_new(rows, cols);

	for (int i = 0; i < rows; i++)
	{
		double		eta = 0.3;

		for (int j = 0; j < cols; j++)
		{
			double		z = unit_uniform() + unit_uniform() + unit_uniform() + unit_uniform() - 2.0;

			d->x[(size_t) i * cols + j] = z * 1.7;
			eta += (j % 2 ? -slope : slope) * z;
		}
		d->y[i] = unit_uniform() < 1.0 / (1.0 + exp(-eta)) ? 1.0 : 0.0;
	}
	return d;
}

#endif							/* ML_LOGISTIC_SUPPORT_H */
