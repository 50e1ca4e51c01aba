/*
 * design.c - repacks blocks of rows into panels, and takes the moments of the null model.
 *
 * Workspace is the caller's. Sums over slices carry the rounding error of the
 * running total along where a gradient depends on it.
 */
#include <string.h>

#include "math/design.h"

/* Panels of a Gram matrix between two breaths. */
#define ML_DESIGN_STRIP 32

size_t
ml_design_size(int cols, bool intercept)
{
	size_t		panels;

	if (cols < 0 || cols > INT32_MAX / 16)
		return 0;
	panels = ((size_t) cols + (intercept ? 1 : 0) + 7) / 8;
	if (panels == 0)
		return 0;
	return 2 * panels * ML_PANEL_SIZE + 2 * ML_PANEL_ROWS;
}

void
ml_design_init(MlDesign *d, const MlBlocks *blocks, bool intercept,
			   double *work, const MlTick *tick)
{
	size_t		panel_doubles;

	memset(d, 0, sizeof(*d));
	d->blocks = blocks;
	d->tick = tick;
	d->kernels = ml_kernels();
	d->intercept = intercept;
	d->terms = blocks->cols + (intercept ? 1 : 0);
	d->panels = (d->terms + 7) / 8;
	d->width = d->panels * 8;

	panel_doubles = (size_t) d->panels * ML_PANEL_SIZE;
	memset(work, 0, (2 * panel_doubles + 2 * ML_PANEL_ROWS) * sizeof(double));
	d->x = work;
	d->wx = d->x + panel_doubles;
	d->y = d->wx + panel_doubles;
	d->w = d->y + ML_PANEL_ROWS;
}

void
ml_design_rewind(MlDesign *d)
{
	d->blocks->rewind(d->blocks->ctx);
	d->block.rows = 0;
	d->at = 0;
}

/* Copies rows of the block into the panels; what lies past the last term stays zero. */
static void
ml_design_pack(MlDesign *d)
{
	int			cols = d->blocks->cols,
				lead = d->intercept ? 1 : 0,
				head = cols < 8 - lead ? cols : 8 - lead,
				whole = (cols - head) / 8,
				rest = (cols - head) % 8;

	for (int r = 0; r < d->rows; r++)
	{
		const double *from = d->block.x + (size_t) (d->at + r) * d->block.stride;
		double	   *to = d->x + (size_t) r * 8;

		if (lead)
			to[0] = 1.0;
		for (int j = 0; j < head; j++)
			to[lead + j] = from[j];
		from += head;
		for (int q = 0; q < whole; q++)
		{
			to += ML_PANEL_SIZE;
			memcpy(to, from, 8 * sizeof(double));
			from += 8;
		}
		if (rest > 0)
			memcpy(to + ML_PANEL_SIZE, from, (size_t) rest * sizeof(double));
	}
}

bool
ml_design_next(MlDesign *d)
{
	ml_breathe(d->tick);
	while (d->at >= d->block.rows)
	{
		d->at = 0;
		if (!d->blocks->next(d->blocks->ctx, &d->block))
		{
			d->block.rows = 0;
			return false;
		}
	}

	d->rows = d->block.rows - d->at;
	if (d->rows > ML_PANEL_ROWS)
		d->rows = ML_PANEL_ROWS;
	ml_design_pack(d);
	memcpy(d->y, d->block.y + d->at, (size_t) d->rows * sizeof(double));
	if (d->block.w)
		memcpy(d->w, d->block.w + d->at, (size_t) d->rows * sizeof(double));
	else
		for (int r = 0; r < d->rows; r++)
			d->w[r] = 1.0;
	d->at += d->rows;
	return true;
}

void
ml_design_gram(MlDesign *d, const double *w, double *g, size_t stride)
{
	const MlKernels *k = d->kernels;

	k->scale(d->rows, d->panels, d->x, w, d->wx);
	for (int first = 0; first < d->panels; first += ML_DESIGN_STRIP)
	{
		int			last = first + ML_DESIGN_STRIP < d->panels ? first + ML_DESIGN_STRIP : d->panels;

		if (first > 0)
			ml_breathe(d->tick);
		k->gram(d->rows, first, last, d->wx, d->x, g, stride);
	}
}

MlStatus
ml_design_moments(MlDesign *d, int classes, double *gram, double *xty,
				  double *weight, double *carry)
{
	const MlKernels *k = d->kernels;
	size_t		width = (size_t) d->width;

	memset(gram, 0, width * width * sizeof(double));
	memset(xty, 0, (size_t) classes * width * sizeof(double));
	memset(carry, 0, (size_t) classes * width * sizeof(double));
	for (int c = 0; c < classes; c++)
		weight[c] = 0.0;

	ml_design_rewind(d);
	while (ml_design_next(d))
	{
		for (int r = 0; r < d->rows; r++)
		{
			double		label = d->y[r];

			if (!(label >= 0.0 && label < classes) || label != (int) label)
				return ML_NOT_FINITE;
			weight[(int) label] += d->w[r];
		}
		ml_design_gram(d, d->w, gram, width);

		/* wx has been read; its head serves as the slice's sums */
		for (int c = 0; c < classes; c++)
		{
			double		pick[ML_PANEL_ROWS],
					   *sums = d->wx;

			for (int r = 0; r < d->rows; r++)
				pick[r] = d->y[r] == c ? d->w[r] : 0.0;
			memset(sums, 0, width * sizeof(double));
			k->accumulate(d->rows, d->panels, d->x, pick, sums);
			ml_add_carried(d->width, sums, xty + c * width, carry + c * width);
		}
	}
	for (size_t i = 0; i < (size_t) classes * width; i++)
		xty[i] += carry[i];

	for (int i = 0; i < d->terms; i++)
		if (!(gram[i * width + i] < (double) __builtin_inf()))
			return ML_NOT_FINITE;
	return ML_OK;
}
