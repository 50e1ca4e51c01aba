/*
 * polynomial.c - products of columns, up to a degree.
 *
 * The columns that come in stay; behind them come the products of the treated
 * ones, first of two, then of three, in the order of scikit-learn's
 * PolynomialFeatures: with repetition (squares, cubes) unless only
 * interactions are asked for. A product of a missing value is missing.
 *
 * Payload: columns.h; u8 degree; u8 interactions only.
 */
#include "postgres.h"

#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "transform/columns.h"
#include "utils/memutils.h"

/* What a column of the design takes at least: its place in blocks of rows on their way, and its name. */
#define ML_PRODUCT_BYTES	(3 * sizeof(double) * ML_BLOCK_ROWS + sizeof(MlColumn) + 64)

/* An artifact says in two bytes how many there are, so what is made of it has to end somewhere. */
#define ML_PRODUCTS_MAX		(MaxAllocSize / sizeof(MlColumn))

typedef struct MlProduct
{
	int			ncols;
	bool	   *treated;
	int			degree;
	bool		distinct;		/* no column more than once in a product */
	int			nfactors;
	int		   *factors;		/* the treated columns */
} MlProduct;

enum
{
	ML_PRODUCT_DEGREE,
	ML_PRODUCT_INTERACTION
};

static const MlParam ml_product_params[] = {
	{"degree", ML_PARAM_INTEGER, "2", 2, 3, NULL, "How many factors a product has at most."},
	{"interaction_only", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether a column is in a product only once: no squares, no cubes."},
};

/* How many products there are. */
static double
ml_product_count(double n, int degree, bool distinct)
{
	double		two = distinct ? n * (n - 1) / 2 : n * (n + 1) / 2;
	double		three = distinct ? n * (n - 1) * (n - 2) / 6 : n * (n + 1) * (n + 2) / 6;

	return degree == 3 ? two + three : two;
}

static void
ml_product_factors(MlProduct *s)
{
	s->factors = palloc(sizeof(int) * Max(s->ncols, 1));
	for (int j = 0; j < s->ncols; j++)
		if (s->treated[j])
			s->factors[s->nfactors++] = j;
}

static MlColumn
ml_product_column(const MlShape *in, int a, int b, int c)
{
	const MlColumn *x = &in->cols[a];
	const MlColumn *y = &in->cols[b];
	const MlColumn *z = c >= 0 ? &in->cols[c] : NULL;
	MlColumn	column;

	if (z == NULL)
		column = a == b ? ml_column_number("%s^2", x->name) : ml_column_number("%s*%s", x->name, y->name);
	else if (a == b && b == c)
		column = ml_column_number("%s^3", x->name);
	else if (a == b)
		column = ml_column_number("%s^2*%s", x->name, z->name);
	else if (b == c)
		column = ml_column_number("%s*%s^2", x->name, y->name);
	else
		column = ml_column_number("%s*%s*%s", x->name, y->name, z->name);
	column.class = ML_TYPE_NUMBER;
	column.filled = x->filled && y->filled && (z == NULL || z->filled);
	column.misses = x->misses || y->misses || (z != NULL && z->misses);
	return column;
}

static void
ml_product_shape(const MlProduct *s, const MlShape *in, MlShape *out)
{
	int			n = s->nfactors;
	int			next = s->distinct;
	int			products = (int) ml_product_count(n, s->degree, s->distinct);

	ml_columns_copy(in, products, out);
	for (int a = 0; a < n; a++)
		for (int b = a + next; b < n; b++)
			out->cols[out->ncols++] = ml_product_column(in, s->factors[a], s->factors[b], -1);
	for (int a = 0; a < n && s->degree == 3; a++)
		for (int b = a + next; b < n; b++)
		{
			CHECK_FOR_INTERRUPTS();
			for (int c = b + next; c < n; c++)
				out->cols[out->ncols++] = ml_product_column(in, s->factors[a], s->factors[b], s->factors[c]);
		}
}

/* Refuses products of training values that are beyond the range of a double. */
static void
ml_product_check_range(const MlFitContext *ctx, const MlProduct *s)
{
	double	   *low = ml_columns_numbers(s->ncols);
	double	   *high = ml_columns_numbers(s->ncols);

	ml_columns_range(ctx->rows, s->ncols, s->treated, low, high);
	for (int j = 0; j < s->ncols; j++)
	{
		double		size = Max(fabs(low[j]), fabs(high[j]));

		if (s->treated[j] && size > (s->degree == 2 ? 1e150 : 1e100))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("products of column \"%s\" are out of range", ctx->in->cols[j].name),
					 errdetail("A training row has %s.", ml_text_number(fabs(low[j]) > fabs(high[j]) ? low[j] : high[j])),
					 errhint("Put {\"step\": \"standardise\"} or {\"step\": \"clip\"} in front.")));
	}
}

static void *
ml_product_fit(const MlFitContext *ctx, MlShape *out)
{
	MlProduct  *s = palloc0(sizeof(MlProduct));
	double		needed;

	s->ncols = ctx->in->ncols;
	s->treated = ml_columns_treated(ctx);
	s->degree = (int) ctx->params[ML_PRODUCT_DEGREE].number;
	s->distinct = ctx->params[ML_PRODUCT_INTERACTION].number != 0;
	ml_product_factors(s);
	needed = (ml_product_count(s->nfactors, s->degree, s->distinct) + s->ncols) * ML_PRODUCT_BYTES;
	if (needed > ML_TRAIN_MEMORY_BYTES || needed > ML_PRODUCTS_MAX * (double) ML_PRODUCT_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("step \"polynomial\" makes more columns than a training may hold"),
				 errdetail("%d columns to degree %d make %.0f products, which need %s at least; pg_mlops.train_memory is %s.",
						   s->nfactors, s->degree, ml_product_count(s->nfactors, s->degree, s->distinct),
						   ml_text_bytes(needed), ml_text_bytes(ML_TRAIN_MEMORY_BYTES)),
				 errhint("Name fewer columns in \"columns\", lower \"degree\", or raise pg_mlops.train_memory.")));
	ml_product_check_range(ctx, s);
	ml_product_shape(s, ctx->in, out);
	return s;
}

static void
ml_product_apply(const void *state, const double *in, double *out)
{
	const MlProduct *s = state;
	const int  *f = s->factors;
	int			n = s->nfactors;
	int			next = s->distinct;

	memcpy(out, in, sizeof(double) * s->ncols);
	out += s->ncols;
	for (int a = 0; a < n; a++)
		for (int b = a + next; b < n; b++)
			*out++ = in[f[a]] * in[f[b]];
	for (int a = 0; a < n && s->degree == 3; a++)
		for (int b = a + next; b < n; b++)
		{
			double		two = in[f[a]] * in[f[b]];

			for (int c = b + next; c < n; c++)
				*out++ = two * in[f[c]];
		}
}

static void
ml_product_write(const void *state, StringInfo out)
{
	const MlProduct *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	ml_write_u8(out, s->degree);
	ml_write_u8(out, s->distinct);
}

static void *
ml_product_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlProduct  *s = palloc0(sizeof(MlProduct));

	s->ncols = in->ncols;
	s->treated = ml_columns_read(r, in, ML_TAKES_NUMBERS);
	s->degree = ml_read_u8(r);
	s->distinct = ml_read_u8(r) != 0;
	if (s->degree < 2 || s->degree > 3)
		ml_read_corrupted("polynomial has no such degree");
	ml_product_factors(s);
	if (ml_product_count(s->nfactors, s->degree, s->distinct) + s->ncols > ML_PRODUCTS_MAX)
		ml_read_corrupted("polynomial makes too many columns");
	ml_product_shape(s, in, out);
	return s;
}

static void
ml_product_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlProduct *s = state;

	appendStringInfo(out, "{\"degree\": %d, \"interaction_only\": %s, \"products\": %.0f}", s->degree,
					 s->distinct ? "true" : "false", ml_product_count(s->nfactors, s->degree, s->distinct));
}

const MlTransform ml_transform_polynomial = {
	.name = "polynomial",
	.summary = "adds products of columns",
	.tag = 29,
	.version = 1,
	.params = ml_product_params,
	.nparams = lengthof(ml_product_params),
	.takes = ML_TAKES_NUMBERS,
	.fit = ml_product_fit,
	.apply = ml_product_apply,
	.write = ml_product_write,
	.read = ml_product_read,
	.describe = ml_product_describe,
};
