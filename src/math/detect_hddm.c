/*
 * detect_hddm.c - HDDM-W: exponentially weighted means on both sides of the best cut.
 *
 * A mean that is 0 is taken for one that has not begun, as River has it: the
 * first error after nothing but zeros counts in full. Nothing is allocated and
 * nothing jumps.
 */
#include <math.h>

#include "math/detect.h"

static void
ml_hddm_sample_begin(MlHddmSample *sample)
{
	sample->mean = sample->begun = 0;
	sample->bound = 1;
}

static void
ml_hddm_sample_add(MlHddmSample *sample, double lambda, double x)
{
	sample->mean = sample->mean == 0 ? x : lambda * x + (1.0 - lambda) * sample->mean;
	sample->begun = 1;
	sample->bound = lambda * lambda + (1.0 - lambda) * (1.0 - lambda) * sample->bound;
}

/* McDiarmid's bound for weights whose squares sum up to this. */
static double
ml_hddm_bound(double squares, double confidence)
{
	return sqrt(squares * confidence / 2.0);
}

/* Whether the mean of high exceeds that of low by more than chance. */
static bool
ml_hddm_exceeds(const MlHddmSample *low, const MlHddmSample *high, double confidence)
{
	return low->begun != 0 && high->begun != 0 &&
		high->mean - low->mean > ml_hddm_bound(low->bound + high->bound, confidence);
}

void
ml_hddm_begin(MlHddm *s)
{
	s->drifted = 0;
	s->least = (double) INFINITY;
	s->greatest = -(double) INFINITY;
	ml_hddm_sample_begin(&s->total);
	ml_hddm_sample_begin(&s->before_up);
	ml_hddm_sample_begin(&s->after_up);
	ml_hddm_sample_begin(&s->before_down);
	ml_hddm_sample_begin(&s->after_down);
}

/* Cuts anew where the mean so far is surely lower than at the old cut, or, for decreases, higher. */
static void
ml_hddm_cut(MlHddm *s, double x)
{
	double		epsilon = ml_hddm_bound(s->total.bound, s->drift);

	if (s->total.mean + epsilon < s->least)
	{
		s->least = s->total.mean + epsilon;
		s->before_up = s->total;
		ml_hddm_sample_begin(&s->after_up);
	}
	else
		ml_hddm_sample_add(&s->after_up, s->lambda, x);
	if (s->total.mean - epsilon > s->greatest)
	{
		s->greatest = s->total.mean - epsilon;
		s->before_down = s->total;
		ml_hddm_sample_begin(&s->after_down);
	}
	else
		ml_hddm_sample_add(&s->after_down, s->lambda, x);
}

int
ml_hddm_add(MlHddm *s, double x)
{
	int			flags = 0;

	if (s->drifted != 0)
		ml_hddm_begin(s);
	ml_hddm_sample_add(&s->total, s->lambda, x);
	ml_hddm_cut(s, x);
	if (ml_hddm_exceeds(&s->before_up, &s->after_up, s->drift))
		flags = ML_DETECT_DRIFT;
	else if (ml_hddm_exceeds(&s->before_up, &s->after_up, s->warning))
		flags = ML_DETECT_WARNING;
	if (s->two_sided != 0)
	{
		if (ml_hddm_exceeds(&s->after_down, &s->before_down, s->drift))
			flags |= ML_DETECT_DRIFT;
		else if (ml_hddm_exceeds(&s->after_down, &s->before_down, s->warning))
			flags |= ML_DETECT_WARNING;
	}
	s->drifted = (flags & ML_DETECT_DRIFT) != 0;
	return flags;
}

double
ml_hddm_level(const MlHddm *s)
{
	return s->total.begun != 0 ? s->total.mean : (double) NAN;
}
