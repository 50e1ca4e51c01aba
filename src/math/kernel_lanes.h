/*
 * kernel_lanes.h - the kernels of kernel.h for one vector width.
 *
 * A template, included by kernel.c with ML_W (2, 4 or 8), ML_TARGET and
 * ML_NAME defined; no include guard. Accumulators have names of their own,
 * not array elements, so that they stay in registers. The number of rows or
 * columns that a tile covers differs between widths; the order in which any
 * one result is summed does not.
 */
#include "math/elementary_core.h"

#define ML_LOAD(p) (*(const ML_NAME(MlSpan) *) (p))
#define ML_STORE(p, v) (*(ML_NAME(MlSpan) *) (p) = (v))

#define ML_ELEMENTWISE(function, core) \
static ML_TARGET void \
ML_NAME(function) (int count, const double *x, double *out) \
{ \
	int			i = 0; \
	\
	for (; i + ML_W <= count; i += ML_W) \
		ML_STORE(out + i, ML_NAME(core) (ML_LOAD(x + i))); \
	if (i < count) \
	{ \
		double		tail[ML_W] = {0}; \
		\
		memcpy(tail, x + i, (size_t) (count - i) * sizeof(double)); \
		ML_STORE(tail, ML_NAME(core) (ML_LOAD(tail))); \
		memcpy(out + i, tail, (size_t) (count - i) * sizeof(double)); \
	} \
}

ML_ELEMENTWISE(ml_exp_lanes, ml_exp_core)
ML_ELEMENTWISE(ml_log_lanes, ml_log_any)
ML_ELEMENTWISE(ml_log1p_exp_lanes, ml_log1p_exp_core)
ML_ELEMENTWISE(ml_sigmoid_lanes, ml_sigmoid_core)
#undef ML_ELEMENTWISE

static ML_TARGET void
ML_NAME(ml_logit_rows) (int rows, const double *eta, const double *y, const double *w,
						double *residual, double *curvature, double *likelihood)
{
	for (int r = 0; r < rows; r += ML_W)
	{
		V			e = ML_LOAD(eta + r),
					label = ML_LOAD(y + r),
					weight = ML_LOAD(w + r),
					z = ML_NAME(ml_exp_core) (-ML_NAME(ml_abs) (e)),
					large = 1.0 / (1.0 + z),
					small = z * large;
		B			positive = ML_NAME(ml_to_bits) (e) >> 63,
					one,
					wrong;
		V			miss;

		/* the chance of the class that was not seen: small when eta points the right way */
		positive = positive - 1;
		one = (B) ((ML_NAME(ml_to_bits) (label) >> 52) != 0);
		wrong = positive ^ one;
		miss = ML_NAME(ml_pick) (wrong, large, small);
		ML_STORE(residual + r, weight * ML_NAME(ml_pick) (one, miss, -miss));
		ML_STORE(curvature + r, weight * (large * small));
		ML_STORE(likelihood + r,
				 -weight * (ML_NAME(ml_pick) (wrong, ML_NAME(ml_abs) (e), ML_NAME(ml_all) (0.0)) +
							ML_NAME(ml_log1p_unit) (z)));
	}
}

static ML_TARGET void
ML_NAME(ml_dots) (int rows, int panels, const double *x, const double *b, double *eta)
{
	for (int r = 0; r < rows; r++)
	{
		const double *row = x + (size_t) r * 8;
		double		lane[8];

		for (int v = 0; v < 8; v += ML_W)
		{
			V			sum = ML_LOAD(row + v) * ML_LOAD(b + v);

			for (int q = 1; q < panels; q++)
				sum += ML_LOAD(row + (size_t) q * ML_PANEL_SIZE + v) * ML_LOAD(b + (size_t) q * 8 + v);
			ML_STORE(lane + v, sum);
		}
		eta[r] = ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
			((lane[1] + lane[5]) + (lane[3] + lane[7]));
	}
}

static ML_TARGET void
ML_NAME(ml_scale) (int rows, int panels, const double *x, const double *w, double *wx)
{
	for (int q = 0; q < panels; q++)
	{
		const double *from = x + (size_t) q * ML_PANEL_SIZE;
		double	   *to = wx + (size_t) q * ML_PANEL_SIZE;

		for (int r = 0; r < rows; r++)
			for (int v = 0; v < 8; v += ML_W)
				ML_STORE(to + (size_t) r * 8 + v, ML_LOAD(from + (size_t) r * 8 + v) * w[r]);
	}
}

/* Offset of the i-th vector of a row within its panels. */
#define ML_AT(i) ((size_t) ((i) * ML_W / 8) * ML_PANEL_SIZE + (i) * ML_W % 8)

static ML_TARGET void
ML_NAME(ml_accumulate) (int rows, int panels, const double *x, const double *t, double *g)
{
	int			vectors = panels * (8 / ML_W),
				i = 0;

	/* four sums at a time hide the latency of the addition */
	for (; i + 4 <= vectors; i += 4)
	{
		const double *x0 = x + ML_AT(i),
				   *x1 = x + ML_AT(i + 1),
				   *x2 = x + ML_AT(i + 2),
				   *x3 = x + ML_AT(i + 3);
		V			s0 = ML_LOAD(g + i * ML_W),
					s1 = ML_LOAD(g + (i + 1) * ML_W),
					s2 = ML_LOAD(g + (i + 2) * ML_W),
					s3 = ML_LOAD(g + (i + 3) * ML_W);

		for (int r = 0; r < rows; r++)
		{
			size_t		at = (size_t) r * 8;

			s0 += ML_LOAD(x0 + at) * t[r];
			s1 += ML_LOAD(x1 + at) * t[r];
			s2 += ML_LOAD(x2 + at) * t[r];
			s3 += ML_LOAD(x3 + at) * t[r];
		}
		ML_STORE(g + i * ML_W, s0);
		ML_STORE(g + (i + 1) * ML_W, s1);
		ML_STORE(g + (i + 2) * ML_W, s2);
		ML_STORE(g + (i + 3) * ML_W, s3);
	}
	for (; i < vectors; i++)
	{
		const double *x0 = x + ML_AT(i);
		V			s0 = ML_LOAD(g + i * ML_W);

		for (int r = 0; r < rows; r++)
			s0 += ML_LOAD(x0 + (size_t) r * 8) * t[r];
		ML_STORE(g + i * ML_W, s0);
	}
}

/* One row of a tile: a value of wx against the row's vectors. */
#define ML_TILE_ROW_1(i) \
	b = ML_NAME(ml_all) (p[i]); s##i##0 += b * x0;
#define ML_TILE_ROW_2(i) \
	b = ML_NAME(ml_all) (p[i]); s##i##0 += b * x0; s##i##1 += b * x1;
#define ML_TILE_ROW_4(i) \
	b = ML_NAME(ml_all) (p[i]); s##i##0 += b * x0; s##i##1 += b * x1; \
	s##i##2 += b * x2; s##i##3 += b * x3;
#define ML_TILE_ADD(i, v) \
	ML_STORE(g + (i) * stride + (v) * ML_W, ML_LOAD(g + (i) * stride + (v) * ML_W) + s##i##v)

#if ML_W == 8

/* 8 x 16 tile: eight columns of wx against two panels of x. */
ML_INLINE void
ML_NAME(ml_tile_pair) (int rows, const double *wx, const double *x, double *g, size_t stride)
{
	V			zero = {0},
				s00 = zero, s01 = zero, s10 = zero, s11 = zero,
				s20 = zero, s21 = zero, s30 = zero, s31 = zero,
				s40 = zero, s41 = zero, s50 = zero, s51 = zero,
				s60 = zero, s61 = zero, s70 = zero, s71 = zero;

	for (int r = 0; r < rows; r++)
	{
		const double *p = wx + (size_t) r * 8;
		V			x0 = ML_LOAD(x + (size_t) r * 8),
					x1 = ML_LOAD(x + ML_PANEL_SIZE + (size_t) r * 8),
					b;

		ML_TILE_ROW_2(0);
		ML_TILE_ROW_2(1);
		ML_TILE_ROW_2(2);
		ML_TILE_ROW_2(3);
		ML_TILE_ROW_2(4);
		ML_TILE_ROW_2(5);
		ML_TILE_ROW_2(6);
		ML_TILE_ROW_2(7);
	}
	ML_TILE_ADD(0, 0);
	ML_TILE_ADD(0, 1);
	ML_TILE_ADD(1, 0);
	ML_TILE_ADD(1, 1);
	ML_TILE_ADD(2, 0);
	ML_TILE_ADD(2, 1);
	ML_TILE_ADD(3, 0);
	ML_TILE_ADD(3, 1);
	ML_TILE_ADD(4, 0);
	ML_TILE_ADD(4, 1);
	ML_TILE_ADD(5, 0);
	ML_TILE_ADD(5, 1);
	ML_TILE_ADD(6, 0);
	ML_TILE_ADD(6, 1);
	ML_TILE_ADD(7, 0);
	ML_TILE_ADD(7, 1);
}

/* 8 x 8 tile. */
ML_INLINE void
ML_NAME(ml_tile_one) (int rows, const double *wx, const double *x, double *g, size_t stride)
{
	V			zero = {0},
				s00 = zero, s10 = zero, s20 = zero, s30 = zero,
				s40 = zero, s50 = zero, s60 = zero, s70 = zero;

	for (int r = 0; r < rows; r++)
	{
		const double *p = wx + (size_t) r * 8;
		V			x0 = ML_LOAD(x + (size_t) r * 8),
					b;

		ML_TILE_ROW_1(0);
		ML_TILE_ROW_1(1);
		ML_TILE_ROW_1(2);
		ML_TILE_ROW_1(3);
		ML_TILE_ROW_1(4);
		ML_TILE_ROW_1(5);
		ML_TILE_ROW_1(6);
		ML_TILE_ROW_1(7);
	}
	ML_TILE_ADD(0, 0);
	ML_TILE_ADD(1, 0);
	ML_TILE_ADD(2, 0);
	ML_TILE_ADD(3, 0);
	ML_TILE_ADD(4, 0);
	ML_TILE_ADD(5, 0);
	ML_TILE_ADD(6, 0);
	ML_TILE_ADD(7, 0);
}

#elif ML_W == 4

/* 4 x 8 tile. */
ML_INLINE void
ML_NAME(ml_tile) (int rows, const double *wx, const double *x, double *g, size_t stride)
{
	V			zero = {0},
				s00 = zero, s01 = zero, s10 = zero, s11 = zero,
				s20 = zero, s21 = zero, s30 = zero, s31 = zero;

	for (int r = 0; r < rows; r++)
	{
		const double *p = wx + (size_t) r * 8;
		V			x0 = ML_LOAD(x + (size_t) r * 8),
					x1 = ML_LOAD(x + (size_t) r * 8 + 4),
					b;

		ML_TILE_ROW_2(0);
		ML_TILE_ROW_2(1);
		ML_TILE_ROW_2(2);
		ML_TILE_ROW_2(3);
	}
	ML_TILE_ADD(0, 0);
	ML_TILE_ADD(0, 1);
	ML_TILE_ADD(1, 0);
	ML_TILE_ADD(1, 1);
	ML_TILE_ADD(2, 0);
	ML_TILE_ADD(2, 1);
	ML_TILE_ADD(3, 0);
	ML_TILE_ADD(3, 1);
}

#else

/* 2 x 8 tile. */
ML_INLINE void
ML_NAME(ml_tile) (int rows, const double *wx, const double *x, double *g, size_t stride)
{
	V			zero = {0},
				s00 = zero, s01 = zero, s02 = zero, s03 = zero,
				s10 = zero, s11 = zero, s12 = zero, s13 = zero;

	for (int r = 0; r < rows; r++)
	{
		const double *p = wx + (size_t) r * 8;
		V			x0 = ML_LOAD(x + (size_t) r * 8),
					x1 = ML_LOAD(x + (size_t) r * 8 + 2),
					x2 = ML_LOAD(x + (size_t) r * 8 + 4),
					x3 = ML_LOAD(x + (size_t) r * 8 + 6),
					b;

		ML_TILE_ROW_4(0);
		ML_TILE_ROW_4(1);
	}
	ML_TILE_ADD(0, 0);
	ML_TILE_ADD(0, 1);
	ML_TILE_ADD(0, 2);
	ML_TILE_ADD(0, 3);
	ML_TILE_ADD(1, 0);
	ML_TILE_ADD(1, 1);
	ML_TILE_ADD(1, 2);
	ML_TILE_ADD(1, 3);
}

#endif

static ML_TARGET void
ML_NAME(ml_gram) (int rows, int first, int last, const double *wx, const double *x, double *g, size_t stride)
{
	for (int i = first; i < last; i++)
	{
		const double *left = wx + (size_t) i * ML_PANEL_SIZE;
		double	   *to = g + (size_t) i * 8 * stride;

#if ML_W == 8
		int			j = 0;

		for (; j + 1 <= i; j += 2)
			ML_NAME(ml_tile_pair) (rows, left, x + (size_t) j * ML_PANEL_SIZE, to + j * 8, stride);
		if (j <= i)
			ML_NAME(ml_tile_one) (rows, left, x + (size_t) j * ML_PANEL_SIZE, to + j * 8, stride);
#else
		for (int j = 0; j <= i; j++)
			for (int k = 0; k < 8; k += ML_W)
				ML_NAME(ml_tile) (rows, left + k, x + (size_t) j * ML_PANEL_SIZE,
								  to + k * stride + j * 8, stride);
#endif
	}
}

static ML_TARGET void
ML_NAME(ml_dots_2x2) (int length, const double *a0, const double *a1,
					  const double *b0, const double *b1, double *c)
{
	double		lane[4][8];

	for (int v = 0; v < 8; v += ML_W)
	{
		V			zero = {0},
					s0 = zero,
					s1 = zero,
					s2 = zero,
					s3 = zero;

		for (int i = v; i < length; i += 8)
		{
			V			p0 = ML_LOAD(a0 + i),
						p1 = ML_LOAD(a1 + i),
						q0 = ML_LOAD(b0 + i),
						q1 = ML_LOAD(b1 + i);

			s0 += p0 * q0;
			s1 += p0 * q1;
			s2 += p1 * q0;
			s3 += p1 * q1;
		}
		ML_STORE(lane[0] + v, s0);
		ML_STORE(lane[1] + v, s1);
		ML_STORE(lane[2] + v, s2);
		ML_STORE(lane[3] + v, s3);
	}
	for (int k = 0; k < 4; k++)
		c[k] = ((lane[k][0] + lane[k][4]) + (lane[k][2] + lane[k][6])) +
			((lane[k][1] + lane[k][5]) + (lane[k][3] + lane[k][7]));
}

static const MlKernels ML_NAME(ml_kernel_set) = {
	.name = ML_TITLE,
	.exp = ML_NAME(ml_exp_lanes),
	.log = ML_NAME(ml_log_lanes),
	.log1p_exp = ML_NAME(ml_log1p_exp_lanes),
	.sigmoid = ML_NAME(ml_sigmoid_lanes),
	.logit_rows = ML_NAME(ml_logit_rows),
	.dots = ML_NAME(ml_dots),
	.scale = ML_NAME(ml_scale),
	.accumulate = ML_NAME(ml_accumulate),
	.gram = ML_NAME(ml_gram),
	.dots_2x2 = ML_NAME(ml_dots_2x2),
};

#undef ML_LOAD
#undef ML_STORE
#undef ML_AT
#undef ML_TILE_ROW_1
#undef ML_TILE_ROW_2
#undef ML_TILE_ROW_4
#undef ML_TILE_ADD
#undef ML_INLINE
#undef V
#undef B
#undef ML_W
#undef ML_TARGET
#undef ML_NAME
#undef ML_TITLE
