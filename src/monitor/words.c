/*
 * words.c - what has changed in a column, in words.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "lib/stringinfo.h"
#include "monitor/judge.h"

/* Means that are nearer than this, in standard deviations of the reference, are not spoken of. */
#define ML_WORDS_MEAN	0.05

/* Changes of shares that are less are not spoken of, unless there is nothing else. */
#define ML_WORDS_SHARE	0.02

/* A share for people. */
static char *
ml_words_share(double share)
{
	double		percent = 100 * share;

	return psprintf(percent == 0 || (percent >= 9.95 && percent <= 90.05) || percent == 100 ? "%.0f %%" : "%.2g %%", percent);
}

static void
ml_words_and(StringInfo out)
{
	if (out->len > 0)
		appendStringInfoString(out, "; ");
}

/* Says how the share of a bin changed from p to q. */
static void
ml_words_bin(StringInfo out, const MlBins *bins, int bin, double p, double q)
{
	ml_words_and(out);
	if (bins->ordered && bin == 0)
		appendStringInfoString(out, "rows below the least training value");
	else if (bins->ordered && bin == bins->nedges)
		appendStringInfoString(out, "rows above the greatest training value");
	else if (bin == ml_bins_unseen(bins))
		appendStringInfoString(out, "levels that training did not see");
	else
		appendStringInfoString(out, ml_bins_label(bins, bin));
	appendStringInfo(out, " %s from %s to %s of the rows", q > p ? "rose" : "fell", ml_words_share(p), ml_words_share(q));
}

/* The bin whose share changed most in a direction, and by how much. */
static int
ml_words_most(const MlBins *bins, const MlColumnCounts *reference, const MlColumnCounts *current, double sign, double *by)
{
	int			most = 0;

	*by = -1;
	for (int i = 0; i < bins->nbins; i++)
	{
		double		change = sign * ((double) current->bins[i] / current->rows - (double) reference->bins[i] / reference->rows);

		if (change > *by)
		{
			*by = change;
			most = i;
		}
	}
	return most;
}

char *
ml_judge_words(const MlBins *bins, const MlColumnCounts *reference, const MlColumnCounts *current)
{
	StringInfoData out;
	double		by;
	double		less;
	int			up;
	int			down;

	initStringInfo(&out);
	if (reference->rows == 0 || current->rows == 0)
		return out.data;
	if (reference->values > 0 && current->values > 0 && reference->mean != current->mean &&
		!(fabs(current->mean - reference->mean) < ML_WORDS_MEAN * sqrt(reference->variance)))
		appendStringInfo(&out, "the mean moved from %.4g to %.4g", reference->mean, current->mean);
	up = ml_words_most(bins, reference, current, 1, &by);
	down = ml_words_most(bins, reference, current, -1, &less);
	if (by > 0 && (by >= ML_WORDS_SHARE || out.len == 0))
		ml_words_bin(&out, bins, up, (double) reference->bins[up] / reference->rows, (double) current->bins[up] / current->rows);
	if (less > 0 && (less >= ML_WORDS_SHARE || out.len == 0))
		ml_words_bin(&out, bins, down, (double) reference->bins[down] / reference->rows,
					 (double) current->bins[down] / current->rows);
	/* what is missing or unknown is told even where another bin moved more */
	for (int i = 0; i < bins->nbins; i++)
	{
		double		p = (double) reference->bins[i] / reference->rows;
		double		q = (double) current->bins[i] / current->rows;
		bool		special = i == ml_bins_null(bins) || i == ml_bins_nan(bins) || i == ml_bins_unseen(bins) ||
			(bins->ordered && (i == 0 || i == bins->nedges));

		if (special && i != up && i != down && fabs(q - p) >= ML_WORDS_SHARE)
			ml_words_bin(&out, bins, i, p, q);
	}
	return out.data;
}
