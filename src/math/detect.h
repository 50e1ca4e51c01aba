/*
 * detect.h - detectors of change in a stream of numbers that come one at a time, in the order of events.
 *
 * A detector's state is an array of doubles: its settings, then what it keeps
 * of the stream. So it can be written down and taken up again, number by
 * number; how many of them are in use grows and shrinks, and _used says it.
 * Behind these may be room for work. Each state begins with a flag: a change
 * was found at the number before, so all is forgotten before the next.
 *
 * All of them decide as the classes of the same name in River do (Montiel et
 * al., "River: machine learning for streaming data in Python", JMLR 2021;
 * version 0.26), at the same numbers of the same stream.
 */
#ifndef ML_DETECT_H
#define ML_DETECT_H

#include "math/math.h"

/* What a number brought; both may be set. */
#define ML_DETECT_WARNING	1
#define ML_DETECT_DRIFT		2

/* ADWIN: rows of buckets, of which each holds 2^row numbers, and the most buckets in a row. */
#define ML_ADWIN_ROWS			64
#define ML_ADWIN_BUCKETS_MAX	64

/* KSWIN: numbers in the window. */
#define ML_KSWIN_WINDOW_MAX		10000

/* The words of MT19937, the generator that KSWIN draws its samples with. */
#define ML_MERSENNE_WORDS		624

/*
 * ADWIN: whether the numbers kept can be cut in two such that the means
 * differ by more than chance; if so the older part is dropped, bucket by
 * bucket (Bifet and Gavalda, "Learning from Time-Changing Data with Adaptive
 * Windowing", SDM 2007).
 */
typedef struct MlAdwin
{
	double		drifted;
	double		delta;			/* the chance of a false alarm, by its bound */
	double		clock;			/* numbers between two looks */
	double		max_buckets;	/* in a row */
	double		min_window;		/* numbers on both sides of a cut */
	double		grace;			/* numbers before the first look */
	double		tick;
	double		width;
	double		total;
	double		variance;		/* the sum of squared deviations */
	double		rows;
	double		count[ML_ADWIN_ROWS];	/* buckets of each row */

	/* row by row: max_buckets + 1 totals, and as many sums of squared deviations; the oldest first */
	double		buckets[];
} MlAdwin;

/* Page-Hinkley: the sum of deviations from the running mean against its least, or greatest, value. */
typedef struct MlPageHinkley
{
	double		drifted;
	double		min_values;
	double		delta;
	double		threshold;
	double		alpha;			/* what is left of the sums at each number */
	double		up;				/* whether increases count */
	double		down;			/* whether decreases do */
	double		n;
	double		mean;
	double		sum_up;
	double		sum_down;
	double		min_up;
	double		max_down;
} MlPageHinkley;

/*
 * DDM: the share of errors against the least there was (Gama, Medas, Castillo
 * and Rodrigues, "Learning with Drift Detection", SBIA 2004).
 */
typedef struct MlDdm
{
	double		drifted;
	double		warm_start;
	double		warning;		/* standard deviations */
	double		drift;
	double		warned;
	double		n;
	double		mean;
	double		min_share;
	double		min_deviation;
	double		min_sum;
} MlDdm;

/*
 * EDDM: the distance between errors against the greatest there was
 * (Baena-Garcia et al., "Early Drift Detection Method", 2006).
 */
typedef struct MlEddm
{
	double		drifted;
	double		warm_start;
	double		alpha;			/* below this share of the greatest: a warning */
	double		beta;			/* ... a change */
	double		warned;
	double		n;
	double		last;			/* the number of the last error */
	double		errors;
	double		mean;			/* of the distances */
	double		variance;
	double		greatest;
} MlEddm;

/* An exponentially weighted mean. */
typedef struct MlHddmSample
{
	double		mean;
	double		begun;
	double		bound;			/* the sum of squared weights */
} MlHddmSample;

/*
 * HDDM-W: exponentially weighted means before and after the best cut, by
 * McDiarmid's bound (Frias-Blanco et al., "Online and Non-Parametric Drift
 * Detection Methods Based on Hoeffding's Bounds", TKDE 2015).
 */
typedef struct MlHddm
{
	double		drifted;
	double		drift;			/* -log of the confidence */
	double		warning;
	double		lambda;			/* the weight of a new number */
	double		two_sided;		/* decreases count too */
	double		least;			/* upper bound of the mean at the cut for increases */
	double		greatest;		/* lower bound at that for decreases */
	MlHddmSample total;
	MlHddmSample before_up;
	MlHddmSample after_up;
	MlHddmSample before_down;
	MlHddmSample after_down;
} MlHddm;

/*
 * KSWIN: the newest numbers of a window against as many drawn from the others,
 * by the exact test of Kolmogorov and Smirnov (Raab, Heusinger and Schleif,
 * "Reactive Soft Prototype Computing for Concept Drift Streams",
 * Neurocomputing 2020).
 */
typedef struct MlKswin
{
	double		drifted;
	double		alpha;
	double		window;
	double		stat;			/* the newest numbers */
	double		seed;			/* its absolute value, in two halves of 32 bits */
	double		seed_high;
	double		p_value;		/* of the last test */
	double		count;			/* numbers in the window */
	double		first;			/* the place of the oldest */
	double		next;			/* word of the generator */
	double		words[ML_MERSENNE_WORDS];

	/* the window; behind it room for places and for the two samples */
	double		values[];
} MlKswin;

/* The doubles that a state needs, with its room. */
extern size_t ml_adwin_size(int max_buckets);
extern size_t ml_kswin_size(int window, int stat);

/* Begin with settings that are set; everything behind them is made. */
extern void ml_adwin_begin(MlAdwin *s);
extern void ml_page_hinkley_begin(MlPageHinkley *s);
extern void ml_ddm_begin(MlDdm *s);
extern void ml_eddm_begin(MlEddm *s);
extern void ml_hddm_begin(MlHddm *s);
extern void ml_kswin_begin(MlKswin *s);

/* Take in a finite number; EDDM takes 1 for an error. The flags of what it brought. */
extern int	ml_adwin_add(MlAdwin *s, double x);
extern int	ml_page_hinkley_add(MlPageHinkley *s, double x);
extern int	ml_ddm_add(MlDdm *s, double x);
extern int	ml_eddm_add(MlEddm *s, double x);
extern int	ml_hddm_add(MlHddm *s, double x);
extern int	ml_kswin_add(MlKswin *s, double x);

/* What they take for the present level; NaN where there is none yet. */
extern double ml_adwin_level(const MlAdwin *s);
extern double ml_page_hinkley_level(const MlPageHinkley *s);
extern double ml_ddm_level(const MlDdm *s);
extern double ml_eddm_level(const MlEddm *s);	/* errors per number */
extern double ml_hddm_level(const MlHddm *s);
extern double ml_kswin_level(const MlKswin *s); /* of the newest numbers */

/* The doubles in use. */
extern size_t ml_adwin_used(const MlAdwin *s);
extern size_t ml_kswin_used(const MlKswin *s);

/* Whether n doubles from elsewhere are such a state, so that nothing reads outside it. */
extern bool ml_adwin_valid(const double *words, size_t n);
extern bool ml_kswin_valid(const double *words, size_t n);

/* A whole number from low to high. */
static inline bool
ml_detect_whole(double x, double low, double high)
{
	return x >= low && x <= high && x == (double) (int64_t) x;
}

#endif							/* ML_DETECT_H */
