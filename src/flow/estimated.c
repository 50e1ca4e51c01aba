/*
 * estimated.c - the metrics of windows estimated from scores, without labels.
 *
 * What is read are sums: of the rows that were scored, from ml.windows, and of
 * the held-out rows of training, from the version's baseline.
 */
#include "postgres.h"

#include "base/compat.h"
#include "drift/profile.h"
#include "flow/truth.h"
#include "math/cbpe.h"
#include "store/catalog.h"

#define ML_ESTIMATED_NOTE	"estimated from scores: cannot see concept drift"
#define ML_ESTIMATED_CALIBRATED_NOTE	"estimated from calibrated scores: cannot see concept drift"

StaticAssertDecl(ML_CBPE_BINS == ML_SCORE_BINS, "bins of scores");

typedef struct MlEstimatedMetric
{
	const char *name;
	MlCbpeMetric metric;
} MlEstimatedMetric;

static const MlEstimatedMetric ml_estimated_two[] = {
	{"accuracy", ML_CBPE_ACCURACY}, {"precision", ML_CBPE_PRECISION}, {"recall", ML_CBPE_RECALL}, {"f1", ML_CBPE_F1},
	{"specificity", ML_CBPE_SPECIFICITY}, {"auc", ML_CBPE_AUC}
};

/* What is known of a version. */
typedef struct MlEstimating
{
	int32		version;
	MlBaseline *baseline;		/* NULL: nothing can be said */
	bool		two;			/* classes */
	MlCbpe		cbpe;
} MlEstimating;

static void
ml_estimated_rows(const MlCounts *counts, int set, MlCbpeRows *out)
{
	const int64 *words = ml_counts_scores(counts, set);

	for (int b = 0; b < ML_CBPE_BINS; b++)
	{
		out->rows[b] = (double) words[2 * b];
		memcpy(&out->scores[b], &words[2 * b + 1], sizeof(double));
	}
}

/* Learns what held-out rows say of the version's scores. */
static void
ml_estimated_learn(const char *model, MlEstimating *v)
{
	bytea	   *bytes = ml_catalog_baseline(model, v->version);
	MlBaseline *baseline = bytes == NULL ? NULL : ml_baseline_decode(bytes);
	MlCbpeRows	held_out;
	int			prediction;

	v->baseline = NULL;
	if (baseline == NULL || baseline->nscores != ML_SCORE_BINS || baseline->positives == NULL)
		return;
	/* the prediction of two classes is the probability of one of them */
	prediction = ml_baseline_find(baseline, ":prediction");
	v->two = prediction >= 0 && baseline->bins[prediction].ordered;
	ml_estimated_rows(&baseline->counts, 0, &held_out);
	if (ml_cbpe_learn(&v->cbpe, &held_out, baseline->positives))
		v->baseline = baseline;
}

static int
ml_estimated_set(const MlEstimating *v, const MlCounts *counts, int set, const char *key, const char *value,
				 MlQualityRow *out)
{
	MlCbpeRows	rows;
	int			n = 0;

	ml_estimated_rows(counts, set, &rows);
	for (int m = 0; m < (v->two ? (int) lengthof(ml_estimated_two) : 1); m++)
	{
		MlQualityRow *row = &out[n];

		row->slice_key = key;
		row->slice_value = value;
		row->metric = ml_estimated_two[m].name;
		row->n = ml_counts_rows(counts, set);
		row->note = v->cbpe.isotonic ? ML_ESTIMATED_CALIBRATED_NOTE : ML_ESTIMATED_NOTE;
		n += ml_cbpe_estimate(&v->cbpe, &rows, v->two ? ml_estimated_two[m].metric : ML_CBPE_SHARE,
							  &row->value, &row->low, &row->high);
	}
	return n;
}

/* Estimates one window; false where its counts are not of this baseline. */
static bool
ml_estimated_window(const MlEstimating *v, const MlScoredWindow *w)
{
	int			nslices = list_length(w->slices);
	int		   *slices = palloc(sizeof(int) * Max(nslices, 1));
	MlCountsShape shape;
	MlCounts	counts;
	MlQualityRow *rows;
	int			n = 0;

	for (int s = 0; s < nslices; s++)
	{
		slices[s] = ml_baseline_find(v->baseline, list_nth(w->slices, s));
		if (slices[s] < 0)
			return false;
	}
	ml_counts_decode(w->counts, &counts);
	ml_counts_shape(&shape, v->baseline, nslices, slices);
	if (!ml_counts_same_shape(&shape, &counts.shape) || ml_counts_rows(&counts, 0) == 0)
		return false;
	rows = palloc(sizeof(MlQualityRow) * shape.nsets * lengthof(ml_estimated_two));
	n = ml_estimated_set(v, &counts, 0, NULL, NULL, rows);
	for (int set = 1; set < shape.nsets; set++)
	{
		int			column;
		int			bin;

		ml_slice_of(v->baseline, nslices, slices, set, &column, &bin);
		if (ml_counts_rows(&counts, set) > 0)
			n += ml_estimated_set(v, &counts, set, v->baseline->bins[column].name,
								  ml_bins_label(&v->baseline->bins[column], bin), rows + n);
	}
	ml_catalog_quality_write(&w->window, "estimated", n, rows);
	return n > 0;
}

int
ml_estimated_judge(const char *model)
{
	List	   *windows = ml_catalog_scored_windows(model);
	MlEstimating v = {0};
	int			written = 0;
	ListCell   *lc;

	foreach(lc, windows)
	{
		const MlScoredWindow *w = lfirst(lc);

		if (w->window.version != v.version)
		{
			v.version = w->window.version;
			ml_estimated_learn(model, &v);
		}
		if (v.baseline != NULL)
			written += ml_estimated_window(&v, w);
	}
	return written;
}
