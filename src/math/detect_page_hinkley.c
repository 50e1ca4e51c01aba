/*
 * detect_page_hinkley.c - the test of Page and Hinkley: cumulated deviations from the running mean.
 *
 * Source: Page, "Continuous Inspection Schemes", Biometrika 41 (1954). The
 * threshold is in the unit of the numbers. Nothing is allocated and nothing
 * jumps.
 */
#include <math.h>

#include "math/detect.h"

void
ml_page_hinkley_begin(MlPageHinkley *s)
{
	s->drifted = 0;
	s->n = s->mean = 0;
	s->sum_up = s->sum_down = 0;
	s->min_up = (double) INFINITY;
	/* River's */
	s->max_down = -1;
}

int
ml_page_hinkley_add(MlPageHinkley *s, double x)
{
	double		deviation;

	if (s->drifted != 0)
		ml_page_hinkley_begin(s);
	s->n++;
	s->mean += (x - s->mean) / s->n;
	deviation = x - s->mean;
	s->sum_up = s->alpha * s->sum_up + deviation - s->delta;
	s->sum_down = s->alpha * s->sum_down + deviation + s->delta;
	if (s->sum_up < s->min_up)
		s->min_up = s->sum_up;
	if (s->sum_down > s->max_down)
		s->max_down = s->sum_down;
	if (s->n >= s->min_values)
		s->drifted = (s->up != 0 && s->sum_up - s->min_up > s->threshold) ||
			(s->down != 0 && s->max_down - s->sum_down > s->threshold);
	return s->drifted != 0 ? ML_DETECT_DRIFT : 0;
}

double
ml_page_hinkley_level(const MlPageHinkley *s)
{
	return s->n > 0 ? s->mean : (double) NAN;
}
