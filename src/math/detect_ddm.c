/*
 * detect_ddm.c - DDM and EDDM: the share of errors, and the distance between them.
 *
 * Nothing is allocated and nothing jumps.
 */
#include <math.h>

#include "math/detect.h"

void
ml_ddm_begin(MlDdm *s)
{
	s->drifted = s->warned = 0;
	s->n = s->mean = 0;
	s->min_share = s->min_deviation = s->min_sum = (double) INFINITY;
}

int
ml_ddm_add(MlDdm *s, double x)
{
	double		deviation;
	double		sum;

	if (s->drifted != 0)
		ml_ddm_begin(s);
	s->n++;
	s->mean += (x - s->mean) / s->n;
	if (s->n <= s->warm_start)
		return 0;
	deviation = sqrt(s->mean * (1.0 - s->mean) / s->n);
	sum = s->mean + deviation;
	if (sum <= s->min_sum)
	{
		s->min_share = s->mean;
		s->min_deviation = deviation;
		s->min_sum = sum;
	}
	s->drifted = sum > s->min_share + s->drift * s->min_deviation;
	s->warned = s->drifted == 0 && sum > s->min_share + s->warning * s->min_deviation;
	return s->drifted != 0 ? ML_DETECT_DRIFT : s->warned != 0 ? ML_DETECT_WARNING : 0;
}

double
ml_ddm_level(const MlDdm *s)
{
	return s->n > 0 ? s->mean : (double) NAN;
}

void
ml_eddm_begin(MlEddm *s)
{
	s->drifted = s->warned = 0;
	s->n = s->last = s->errors = 0;
	s->mean = s->variance = 0;
	s->greatest = -1;
}

/* Takes in one more distance between errors, by Welford's recurrence. */
static void
ml_eddm_distance(MlEddm *s, double distance)
{
	double		mean = s->mean;

	s->errors++;
	s->mean += (distance - mean) / s->errors;
	if (s->errors > 1)
		s->variance += ((distance - mean) * (distance - s->mean) - s->variance) / (s->errors - 1);
}

int
ml_eddm_add(MlEddm *s, double x)
{
	int			flags;

	if (s->drifted != 0)
		ml_eddm_begin(s);
	s->n++;
	if (x == 1)
	{
		ml_eddm_distance(s, s->n - s->last);
		s->last = s->n;
		if (s->n > s->warm_start)
		{
			double		reach = s->mean + 2.0 * sqrt(s->variance);

			if (reach > s->greatest)
				s->greatest = reach;
			else if (s->errors > s->warm_start)
			{
				double		level = reach / s->greatest;

				s->drifted = level < s->beta;
				if (s->drifted == 0)
					s->warned = level < s->alpha;
			}
		}
	}
	flags = s->drifted != 0 ? ML_DETECT_DRIFT : 0;
	return s->warned != 0 ? flags | ML_DETECT_WARNING : flags;
}

double
ml_eddm_level(const MlEddm *s)
{
	return s->n > 0 ? s->errors / s->n : (double) NAN;
}
