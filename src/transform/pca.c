/*
 * pca.c - principal components of number columns in place of the columns.
 *
 * The components are the eigenvectors of the covariance (divided by n - 1) of
 * the training rows, the largest variance first. A component's sign is such
 * that its largest loading is positive (svd_flip of scikit-learn, from the
 * loadings; of several equal ones, the first). Sums are exact, so the order of
 * rows has no part in them. The components come behind the columns that are
 * not treated. A row that misses one of the columns misses all components;
 * training rows that do so are not learned from, and a note says how many.
 *
 * Payload: columns.h; text prefix; u8 whiten; u32 components; f64 total
 * variance; per treated column f64 mean; per component f64 variance and, per
 * treated column, f64 loading.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "base/cell.h"
#include "base/compat.h"
#include "base/settings.h"
#include "math/eigen.h"
#include "math/gram.h"
#include "miscadmin.h"
#include "transform/columns.h"
#include "utils/memutils.h"

typedef struct MlPca
{
	int			ncols;
	bool	   *treated;
	char	   *prefix;
	bool		whiten;
	int			nfactors;
	int		   *factors;		/* the treated columns */
	int			ncomponents;
	double		total;			/* variance of all columns */
	double	   *mean;			/* per factor */
	double	   *variance;		/* per component */
	double	   *loadings;		/* components x factors */
} MlPca;

enum
{
	ML_PCA_COMPONENTS,
	ML_PCA_WHITEN,
	ML_PCA_PREFIX
};

static const MlParam ml_pca_params[] = {
	{"components", ML_PARAM_NUMBER, NULL, 0, INT_MAX, NULL,
		"How many components are kept: a whole number, or below 1 the share of the variance that they have to exceed; "
	"left out, as many as there are columns."},
	{"whiten", ML_PARAM_BOOLEAN, "false", 0, 1, NULL,
	"Whether each component is divided by its standard deviation."},
	{"prefix", ML_PARAM_TEXT, "pc", 0, 0, NULL, "What the components are called, with their number behind it."},
};

static void
ml_pca_check(const MlParamValue *params)
{
	double		n = params[ML_PCA_COMPONENTS].number;

	if (!params[ML_PCA_COMPONENTS].isnull && (n == 0 || (n > 1 && n != floor(n))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"components\" of step \"pca\" cannot be %s", ml_text_number(n)),
				 errdetail("%s", ml_pca_params[ML_PCA_COMPONENTS].description),
				 errhint("Write it as 3, or as 0.95.")));
}

static MlPca *
ml_pca_create(int ncols, bool *treated)
{
	MlPca	   *s = palloc0(sizeof(MlPca));

	s->ncols = ncols;
	s->treated = treated;
	s->factors = palloc(sizeof(int) * Max(ncols, 1));
	for (int j = 0; j < ncols; j++)
		if (treated[j])
			s->factors[s->nfactors++] = j;
	s->mean = ml_columns_numbers(s->nfactors);
	return s;
}

static void
ml_pca_shape(const MlPca *s, const MlShape *in, MlShape *out)
{
	MlColumn	component;

	ml_columns_copy(in, s->ncomponents, out);
	memset(&component, 0, sizeof component);
	component.scale = 1;
	component.entrance = -1;
	component.class = ML_TYPE_NUMBER;
	component.filled = true;
	out->ncols = 0;
	for (int j = 0; j < s->ncols; j++)
	{
		if (!s->treated[j])
			out->cols[out->ncols++] = out->cols[j];
		else
		{
			component.filled &= in->cols[j].filled;
			component.misses |= in->cols[j].misses;
		}
	}
	for (int k = 0; k < s->ncomponents; k++)
	{
		out->cols[out->ncols] = component;
		out->cols[out->ncols++].name = psprintf("%s%d", s->prefix, k + 1);
	}
}

static ML_NORETURN void
ml_pca_too_large(const MlPca *s, double needed)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("step \"pca\" needs more memory than a training may hold"),
			 errdetail("The covariance of %d columns needs %s; pg_mlops.train_memory is %s.", s->nfactors,
					   ml_text_bytes(needed), ml_text_bytes(ML_TRAIN_MEMORY_BYTES)),
			 errhint("Name fewer columns in \"columns\", or raise pg_mlops.train_memory.")));
}

/* Exact sums of products of a column of ones and the treated columns, over the rows that miss none of them. */
static MlGram *
ml_pca_sums(const MlFitContext *ctx, const MlPca *s)
{
	int			cols = s->nfactors + 1;
	Size		size = ml_gram_size(cols);
	Size		scratch_size = ml_gram_scratch_size(cols);
	double		needed = 2.0 * size + scratch_size + sizeof(double) * ((double) cols * cols * 2 + ML_BLOCK_ROWS * cols);
	const double *rows[ML_BLOCK_ROWS];
	MlGram	   *gram;
	void	   *scratch;
	double	   *x;
	int			n;

	if (size == 0 || scratch_size == 0 || needed > ML_TRAIN_MEMORY_BYTES)
		ml_pca_too_large(s, needed);
	gram = MemoryContextAllocHuge(CurrentMemoryContext, size);
	scratch = MemoryContextAllocHuge(CurrentMemoryContext, scratch_size);
	x = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * ML_BLOCK_ROWS * cols);
	if (ml_gram_init(gram, size, cols) != ML_OK)
		elog(ERROR, "could not start a Gram matrix of %d columns", cols);
	ctx->rows->rewind(ctx->rows->ctx);
	while ((n = ctx->rows->read(ctx->rows->ctx, rows)) > 0)
	{
		MlStatus	status;
		int			kept = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			double	   *row = x + (Size) kept * cols;
			bool		complete = true;

			row[0] = 1;
			for (int k = 0; k < s->nfactors; k++)
			{
				row[k + 1] = rows[i][s->factors[k]];
				complete &= !ml_cell_is_missing(row[k + 1]);
			}
			kept += complete;
		}
		while ((status = ml_gram_add(gram, scratch, x, cols, kept)) == ML_NEED_SPACE)
		{
			Size		more = ml_gram_need(gram);
			MlGram	   *larger;

			if (more == 0 || more > ML_TRAIN_MEMORY_BYTES)
				ml_pca_too_large(s, more == 0 ? 1e300 : more);
			larger = MemoryContextAllocHuge(CurrentMemoryContext, more);
			if (ml_gram_move(larger, more, gram) != ML_OK)
				elog(ERROR, "could not enlarge a Gram matrix");
			pfree(gram);
			gram = larger;
		}
		if (status != ML_OK)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("a column of step \"pca\" is out of range"),
					 errhint("Put {\"step\": \"standardise\"} or {\"step\": \"clip\"} in front.")));
	}
	pfree(scratch);
	pfree(x);
	return gram;
}

/* The covariance in units of 4^exponent, and the means. */
static void
ml_pca_covariance(MlPca *s, const MlGram *gram, double *a, int *exponent)
{
	int64		n = ml_gram_rows(gram);
	MlDd		count = ml_dd((double) n);
	int			e = INT_MIN;

	for (int i = 0; i < s->nfactors; i++)
		e = Max(e, ml_gram_exponent(gram, i + 1));
	*exponent = e;
	for (int i = 0; i < s->nfactors; i++)
	{
		MlDd		mean = ml_dd_div(ml_gram_entry(gram, 0, i + 1, -e), count);

		CHECK_FOR_INTERRUPTS();
		s->mean[i] = ldexp(mean.hi, e);
		for (int j = 0; j <= i; j++)
		{
			MlDd		sum = ml_gram_entry(gram, i + 1, j + 1, -2 * e);
			MlDd		off = ml_dd_mul(mean, ml_gram_entry(gram, 0, j + 1, -e));
			MlDd		value = ml_dd_div(ml_dd_sub(sum, off), ml_dd((double) (n - 1)));

			a[(Size) i * s->nfactors + j] = a[(Size) j * s->nfactors + i] = value.hi;
		}
	}
}

/* How many components the parameters ask for. */
static int
ml_pca_count(const MlFitContext *ctx, const MlPca *s, const double *values, int64 n)
{
	const MlParamValue *asked = &ctx->params[ML_PCA_COMPONENTS];
	int			most = (int) Min(s->nfactors, n);
	int			count = most;
	double		sum = 0;
	double		noise = s->nfactors * 0x1p-52 * values[0];
	int			varying = 0;

	if (!asked->isnull && asked->number < 1)
	{
		double		total = 0;

		for (int k = 0; k < s->nfactors; k++)
			total += values[k];
		for (count = 0; count < most; count++)
		{
			sum += values[count];
			if (sum > asked->number * total)
				break;
		}
		count = Min(count + 1, most);
	}
	else if (!asked->isnull)
	{
		if (asked->number > most)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("step \"pca\" cannot give %.0f components", asked->number),
					 errdetail("It treats %d columns of %lld training rows.", s->nfactors, (long long) n),
					 errhint("Lower \"components\", or leave it out.")));
		count = (int) asked->number;
	}
	while (varying < count && values[varying] > noise)
		varying++;
	if (varying < count && s->whiten)
	{
		ml_note(ctx->notes, "step \"pca\" gives %d components, not %d: the others do not vary and cannot be whitened",
				varying, count);
		count = varying;
	}
	return count;
}

/* Turns a component so that its largest loading is positive. */
static void
ml_pca_turn(double *loadings, int n)
{
	int			largest = 0;

	for (int j = 1; j < n; j++)
		if (fabs(loadings[j]) > fabs(loadings[largest]))
			largest = j;
	if (loadings[largest] > 0)
		return;
	for (int j = 0; j < n; j++)
		loadings[j] = -loadings[j];
}

static void
ml_pca_breathe(void *ctx)
{
	CHECK_FOR_INTERRUPTS();
}

static void
ml_pca_learn(const MlFitContext *ctx, MlPca *s)
{
	MlGram	   *gram = ml_pca_sums(ctx, s);
	int64		n = ml_gram_rows(gram);
	MlTick		tick = {ml_pca_breathe, NULL};
	double	   *values = ml_columns_numbers(s->nfactors);
	double	   *work = ml_columns_numbers(s->nfactors);
	int			exponent;

	if (n < 2)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("step \"pca\" has too few rows to learn from"),
				 errdetail("%lld of %lld training rows have a value in each of its %d columns; at least 2 are needed.",
						   (long long) n, (long long) ctx->rows->nrows, s->nfactors),
				 errhint("Put {\"step\": \"impute\"} in front.")));
	if (n < ctx->rows->nrows)
		ml_note(ctx->notes, "step \"pca\" learned from %lld training rows: %lld others miss a value and so every component",
				(long long) n, (long long) (ctx->rows->nrows - n));
	s->loadings = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * s->nfactors * s->nfactors);
	ml_pca_covariance(s, gram, s->loadings, &exponent);
	pfree(gram);
	if (ml_eigen_symmetric(s->nfactors, s->loadings, values, work, &tick) != ML_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the principal components could not be computed"),
				 errhint("Put {\"step\": \"standardise\"} in front.")));
	for (int k = 0; k < s->nfactors; k++)
		values[k] = Max(values[k], 0);
	s->ncomponents = ml_pca_count(ctx, s, values, n);
	s->variance = ml_columns_numbers(s->ncomponents);
	for (int k = 0; k < s->nfactors; k++)
		s->total += ldexp(values[k], 2 * exponent);
	for (int k = 0; k < s->ncomponents; k++)
	{
		s->variance[k] = ldexp(values[k], 2 * exponent);
		ml_pca_turn(s->loadings + (Size) k * s->nfactors, s->nfactors);
	}
	if (!isfinite(s->total))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the variance of the columns of step \"pca\" is out of range"),
				 errhint("Put {\"step\": \"standardise\"} in front.")));
	pfree(values);
	pfree(work);
}

static void *
ml_pca_fit(const MlFitContext *ctx, MlShape *out)
{
	MlPca	   *s = ml_pca_create(ctx->in->ncols, ml_columns_treated(ctx));

	s->whiten = ctx->params[ML_PCA_WHITEN].number != 0;
	s->prefix = pstrdup(ctx->params[ML_PCA_PREFIX].text);
	if (s->nfactors > 0)
		ml_pca_learn(ctx, s);
	ml_pca_shape(s, ctx->in, out);
	for (int j = 0; j < s->ncols; j++)
		for (int k = 0; k < s->ncomponents && !s->treated[j]; k++)
			if (strcmp(ctx->in->cols[j].name, psprintf("%s%d", s->prefix, k + 1)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("step \"pca\" makes a column \"%s\", and there is one", ctx->in->cols[j].name),
						 errdetail("Its components are called \"%s1\", \"%s2\" and so on.", s->prefix, s->prefix),
						 errhint("Give it another \"prefix\".")));
	return s;
}

static void
ml_pca_apply(const void *state, const double *in, double *out)
{
	const MlPca *s = state;

	for (int j = 0; j < s->ncols; j++)
		if (!s->treated[j])
			*out++ = in[j];
	for (int k = 0; k < s->ncomponents; k++)
	{
		const double *loading = s->loadings + (Size) k * s->nfactors;
		double		sum = 0;

		for (int j = 0; j < s->nfactors; j++)
			sum += (in[s->factors[j]] - s->mean[j]) * loading[j];
		*out++ = s->whiten ? sum / sqrt(s->variance[k]) : sum;
	}
}

static void
ml_pca_write(const void *state, StringInfo out)
{
	const MlPca *s = state;

	ml_columns_write(s->treated, s->ncols, out);
	ml_write_text(out, s->prefix);
	ml_write_u8(out, s->whiten);
	ml_write_u32(out, s->ncomponents);
	ml_write_f64(out, s->total);
	for (int j = 0; j < s->nfactors; j++)
		ml_write_f64(out, s->mean[j]);
	for (int k = 0; k < s->ncomponents; k++)
	{
		ml_write_f64(out, s->variance[k]);
		for (int j = 0; j < s->nfactors; j++)
			ml_write_f64(out, s->loadings[(Size) k * s->nfactors + j]);
	}
}

static void *
ml_pca_read(MlReader *r, const MlShape *in, MlShape *out)
{
	MlPca	   *s = ml_pca_create(in->ncols, ml_columns_read(r, in, ML_TAKES_NUMBERS));

	s->prefix = ml_read_text(r);
	s->whiten = ml_read_u8(r) != 0;
	s->ncomponents = ml_read_count(r, 8);
	s->total = ml_read_finite(r);
	if (s->prefix == NULL || s->ncomponents > s->nfactors)
		ml_read_corrupted("pca has too many components");
	if (((int64) s->nfactors + 1) * s->ncomponents * 8 > r->end - r->at)
		ml_read_corrupted("a count exceeds the artifact");
	for (int j = 0; j < s->nfactors; j++)
		s->mean[j] = ml_read_finite(r);
	s->variance = ml_columns_numbers(s->ncomponents);
	s->loadings = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(double) * Max((Size) s->ncomponents * s->nfactors, 1));
	for (int k = 0; k < s->ncomponents; k++)
	{
		s->variance[k] = ml_read_finite(r);
		if (s->variance[k] < 0 || (s->whiten && !(s->variance[k] > 0)))
			ml_read_corrupted("a variance is not positive");
		for (int j = 0; j < s->nfactors; j++)
			s->loadings[(Size) k * s->nfactors + j] = ml_read_finite(r);
	}
	ml_pca_shape(s, in, out);
	return s;
}

static void
ml_pca_describe(const void *state, const MlShape *in, StringInfo out)
{
	const MlPca *s = state;

	appendStringInfoString(out, "{\"mean\": {");
	for (int j = 0; j < s->nfactors; j++)
	{
		appendStringInfoString(out, j > 0 ? ", " : "");
		ml_columns_member(out, in->cols[s->factors[j]].name, s->mean[j]);
	}
	appendStringInfoString(out, "}, \"components\": [");
	for (int k = 0; k < s->ncomponents; k++)
	{
		appendStringInfoString(out, k > 0 ? ", {\"variance\": " : "{\"variance\": ");
		ml_json_number(out, s->variance[k]);
		appendStringInfoString(out, ", \"share\": ");
		ml_json_number(out, s->total > 0 ? s->variance[k] / s->total : 0);
		appendStringInfoString(out, ", \"loadings\": {");
		for (int j = 0; j < s->nfactors; j++)
		{
			appendStringInfoString(out, j > 0 ? ", " : "");
			ml_columns_member(out, in->cols[s->factors[j]].name, s->loadings[(Size) k * s->nfactors + j]);
		}
		appendStringInfoString(out, "}}");
	}
	appendStringInfoString(out, "]}");
}

const MlTransform ml_transform_pca = {
	.name = "pca",
	.summary = "replaces columns by their principal components",
	.tag = 30,
	.version = 1,
	.params = ml_pca_params,
	.nparams = lengthof(ml_pca_params),
	.takes = ML_TAKES_NUMBERS,
	.check = ml_pca_check,
	.fit = ml_pca_fit,
	.apply = ml_pca_apply,
	.write = ml_pca_write,
	.read = ml_pca_read,
	.describe = ml_pca_describe,
};
