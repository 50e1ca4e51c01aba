/*
 * test_detect.c - detectors of change against the places where River sees changes in the same streams.
 */
#include "unit.h"

#include "detect_reference.h"
#include "math/detect.h"
#include "math/elementary.h"

#define NUMBERS 4000

/* A detector under test. */
typedef struct MlTested
{
	const char *name;
	double	   *words;
	size_t		size;
	int			(*add) (double *words, double x);
	size_t		(*used) (const double *words);	/* NULL: always all */
	bool		(*valid) (const double *words, size_t n);	/* NULL: any are */
} MlTested;

static double ml_errors[NUMBERS];
static double ml_numbers[NUMBERS];
static double ml_shares[NUMBERS];

/* The generator of Lewis, Goodman and Miller: SQL and Python have it in a line too. */
static double
ml_minstd(int64_t *state)
{
	*state = *state * 48271 % 2147483647;
	return (double) *state / 2147483647.0;
}

static void
ml_make_streams(void)
{
	static const double share[] = {0.2, 0.4, 0.1, 0.3};
	static const double mean[] = {0, 0.3, 0.3, -0.2};
	int64_t		a = 1;
	int64_t		b = 2;

	for (int i = 0; i < NUMBERS; i++)
	{
		ml_errors[i] = ml_minstd(&a) < share[i / 1000];
		ml_numbers[i] = ml_minstd(&b) + mean[i / 1000];
		ml_shares[i] = fmin(fmax(ml_numbers[i] / 1.3, 0), 1);
	}
}

static int
ml_add_adwin(double *words, double x)
{
	return ml_adwin_add((MlAdwin *) words, x);
}

static size_t
ml_used_adwin(const double *words)
{
	return ml_adwin_used((const MlAdwin *) words);
}

static int
ml_add_hddm(double *words, double x)
{
	return ml_hddm_add((MlHddm *) words, x);
}

static int
ml_add_page(double *words, double x)
{
	return ml_page_hinkley_add((MlPageHinkley *) words, x);
}

static int
ml_add_ddm(double *words, double x)
{
	return ml_ddm_add((MlDdm *) words, x);
}

static int
ml_add_eddm(double *words, double x)
{
	return ml_eddm_add((MlEddm *) words, x);
}

static int
ml_add_kswin(double *words, double x)
{
	return ml_kswin_add((MlKswin *) words, x);
}

static size_t
ml_used_kswin(const double *words)
{
	return ml_kswin_used((const MlKswin *) words);
}

/* Writes the state down and goes on with what was written. */
static void
ml_take_up(MlTested *d)
{
	size_t		used = d->used ? d->used(d->words) : d->size;
	double	   *again = unit_alloc(d->size * sizeof(double));

	CHECK(used <= d->size, "%s: %zu of %zu", d->name, used, d->size);
	memcpy(again, d->words, used * sizeof(double));
	for (size_t i = used; i < d->size; i++)
		again[i] = NAN;
	CHECK(d->valid == NULL || d->valid(again, used), "%s: not valid", d->name);
	CHECK(d->valid == NULL || !d->valid(again, used - 1), "%s: valid without its last number", d->name);
	free(d->words);
	d->words = again;
}

/* Runs a stream, and compares places of changes and of the beginnings of warnings. */
static void
ml_follow(MlTested d, const double *x, const int *drifts, int ndrifts, const int *warnings, int nwarnings)
{
	int			drift = 0;
	int			warning = 0;
	bool		warned = false;

	for (int i = 0; i < NUMBERS; i++)
	{
		int			flags = d.add(d.words, x[i]);
		bool		begun = (flags & ML_DETECT_WARNING) != 0 && !warned;

		warned = (flags & ML_DETECT_WARNING) != 0;
		if ((flags & ML_DETECT_DRIFT) != 0)
		{
			CHECK(drift < ndrifts && drifts[drift] == i + 1, "%s: change %d at %d", d.name, drift, i + 1);
			drift++;
		}
		if (begun)
		{
			CHECK(warning < nwarnings && warnings[warning] == i + 1, "%s: warning %d at %d", d.name, warning, i + 1);
			warning++;
		}
		if (i % 617 == 616)
			ml_take_up(&d);
	}
	CHECK(drift == ndrifts, "%s: %d changes, not %d", d.name, drift, ndrifts);
	CHECK(warning == nwarnings, "%s: %d warnings, not %d", d.name, warning, nwarnings);
	free(d.words);
}

#define ML_FOLLOW(d, x, drifts) ml_follow(d, x, drifts, ML_COUNT(drifts), NULL, 0)
#define ML_FOLLOW_WARNED(d, x, drifts) \
	ml_follow(d, x, drifts, ML_COUNT(drifts), drifts##_warnings, ML_COUNT(drifts##_warnings))

static MlTested
ml_adwin(const char *name, double delta, int clock, int max_buckets, int min_window, int grace)
{
	size_t		size = ml_adwin_size(max_buckets);
	MlAdwin    *s = unit_alloc(size * sizeof(double));

	s->delta = delta;
	s->clock = clock;
	s->max_buckets = max_buckets;
	s->min_window = min_window;
	s->grace = grace;
	ml_adwin_begin(s);
	return (MlTested) {name, (double *) s, size, ml_add_adwin, ml_used_adwin, ml_adwin_valid};
}

static MlTested
ml_hddm(const char *name, bool two_sided)
{
	MlHddm	   *s = unit_alloc(sizeof(MlHddm));

	s->drift = -ml_log(0.001);
	s->warning = -ml_log(0.005);
	s->lambda = 0.05;
	s->two_sided = two_sided;
	ml_hddm_begin(s);
	return (MlTested) {name, (double *) s, sizeof(MlHddm) / sizeof(double), ml_add_hddm};
}

static MlTested
ml_page(const char *name, double threshold, bool up, bool down)
{
	MlPageHinkley *s = unit_alloc(sizeof(MlPageHinkley));

	s->min_values = 30;
	s->delta = 0.005;
	s->threshold = threshold;
	s->alpha = 1 - 0.0001;
	s->up = up;
	s->down = down;
	ml_page_hinkley_begin(s);
	return (MlTested) {name, (double *) s, sizeof(MlPageHinkley) / sizeof(double), ml_add_page};
}

static MlTested
ml_ddm(const char *name)
{
	MlDdm	   *s = unit_alloc(sizeof(MlDdm));

	s->warm_start = 30;
	s->warning = 2;
	s->drift = 3;
	ml_ddm_begin(s);
	return (MlTested) {name, (double *) s, sizeof(MlDdm) / sizeof(double), ml_add_ddm};
}

static MlTested
ml_eddm(const char *name, double alpha, double beta)
{
	MlEddm	   *s = unit_alloc(sizeof(MlEddm));

	s->warm_start = 30;
	s->alpha = alpha;
	s->beta = beta;
	ml_eddm_begin(s);
	return (MlTested) {name, (double *) s, sizeof(MlEddm) / sizeof(double), ml_add_eddm};
}

static MlTested
ml_kswin(const char *name, double alpha, int window, int stat, double seed, double seed_high)
{
	size_t		size = ml_kswin_size(window, stat);
	MlKswin    *s = unit_alloc(size * sizeof(double));

	s->alpha = alpha;
	s->window = window;
	s->stat = stat;
	s->seed = seed;
	s->seed_high = seed_high;
	ml_kswin_begin(s);
	return (MlTested) {name, (double *) s, size, ml_add_kswin, ml_used_kswin, ml_kswin_valid};
}

static void
ml_test_streams(void)
{
	ML_FOLLOW(ml_adwin("adwin_errors", 0.002, 32, 5, 5, 10), ml_errors, ml_adwin_errors);
	ML_FOLLOW(ml_adwin("adwin_small", 0.2, 8, 3, 2, 0), ml_errors, ml_adwin_small);
	ML_FOLLOW(ml_adwin("adwin_numbers", 0.002, 32, 5, 5, 10), ml_numbers, ml_adwin_numbers);
	ML_FOLLOW_WARNED(ml_hddm("hddm_errors", false), ml_errors, ml_hddm_errors);
	ML_FOLLOW_WARNED(ml_hddm("hddm_two", true), ml_errors, ml_hddm_two);
	ML_FOLLOW_WARNED(ml_hddm("hddm_numbers", true), ml_shares, ml_hddm_numbers);
	ML_FOLLOW(ml_page("page_errors", 50, true, true), ml_errors, ml_page_errors);
	ML_FOLLOW(ml_page("page_both", 10, true, true), ml_errors, ml_page_both);
	ML_FOLLOW(ml_page("page_up", 10, true, false), ml_numbers, ml_page_up);
	ML_FOLLOW(ml_page("page_down", 10, false, true), ml_numbers, ml_page_down);
	ML_FOLLOW_WARNED(ml_ddm("ddm_errors"), ml_errors, ml_ddm_errors);
	ML_FOLLOW_WARNED(ml_eddm("eddm_errors", 0.95, 0.9), ml_errors, ml_eddm_errors);
	ML_FOLLOW_WARNED(ml_eddm("eddm_stable", 0.9, 0.8), ml_errors, ml_eddm_stable);
	ML_FOLLOW(ml_kswin("kswin_numbers", 0.005, 100, 30, 0, 0), ml_numbers, ml_kswin_numbers);
	ML_FOLLOW(ml_kswin("kswin_pool", 0.0001, 200, 100, 42, 0), ml_numbers, ml_kswin_pool);
	ML_FOLLOW(ml_kswin("kswin_set", 0.0001, 2000, 20, 7, 0), ml_numbers, ml_kswin_set);
	ML_FOLLOW(ml_kswin("kswin_seed", 0.001, 150, 50, 5, 256), ml_numbers, ml_kswin_seed);
	ML_FOLLOW(ml_kswin("kswin_errors", 0.005, 100, 30, 0, 0), ml_errors, ml_kswin_errors);
}

/* Streams in which nothing happens, and levels. */
static void
ml_test_constant(void)
{
	MlTested	d[] = {
		ml_adwin("adwin", 0.002, 32, 5, 5, 10), ml_hddm("hddm", true), ml_page("page", 50, true, true), ml_ddm("ddm"),
		ml_eddm("eddm", 0.95, 0.9), ml_kswin("kswin", 0.005, 100, 30, 0, 0)
	};

	ML_CHECK(isnan(ml_adwin_level((MlAdwin *) d[0].words)) && isnan(ml_hddm_level((MlHddm *) d[1].words)));
	ML_CHECK(isnan(ml_page_hinkley_level((MlPageHinkley *) d[2].words)) && isnan(ml_ddm_level((MlDdm *) d[3].words)));
	ML_CHECK(isnan(ml_eddm_level((MlEddm *) d[4].words)) && isnan(ml_kswin_level((MlKswin *) d[5].words)));
	for (int k = 0; k < ML_COUNT(d); k++)
		for (int i = 0; i < 1000; i++)
			CHECK(d[k].add(d[k].words, 1) == 0, "%s at %d", d[k].name, i);
	ML_CHECK(ml_adwin_level((MlAdwin *) d[0].words) == 1 && ml_hddm_level((MlHddm *) d[1].words) == 1);
	ML_CHECK(ml_page_hinkley_level((MlPageHinkley *) d[2].words) == 1 && ml_ddm_level((MlDdm *) d[3].words) == 1);
	ML_CHECK(ml_eddm_level((MlEddm *) d[4].words) == 1 && ml_kswin_level((MlKswin *) d[5].words) == 1);
	for (int k = 0; k < ML_COUNT(d); k++)
		free(d[k].words);
}

/* The window of ADWIN holds what it says: mean and sum of squares are those of the numbers. */
static void
ml_test_window(void)
{
	MlTested	d = ml_adwin("adwin", 1e-300, 1, 5, 5, 10);
	const MlAdwin *s = (const MlAdwin *) d.words;
	double		sum = 0;
	double		squares = 0;

	for (int i = 0; i < NUMBERS; i++)
	{
		(void) d.add(d.words, ml_numbers[i] + 0.3 * (i >= 1000 && i < 3000 ? -1 : 0) + (i >= 3000 ? 0.2 : 0));
		sum += ml_numbers[i] + 0.3 * (i >= 1000 && i < 3000 ? -1 : 0) + (i >= 3000 ? 0.2 : 0);
	}
	for (int i = 0; i < NUMBERS; i++)
	{
		double		x = ml_numbers[i] + 0.3 * (i >= 1000 && i < 3000 ? -1 : 0) + (i >= 3000 ? 0.2 : 0);

		squares += (x - sum / NUMBERS) * (x - sum / NUMBERS);
	}
	ML_CHECK(s->width == NUMBERS);
	ML_CHECK_NEAR(ml_adwin_level(s), sum / NUMBERS, 1e-13);
	ML_CHECK_NEAR(s->variance, squares, 1e-10);
	free(d.words);
}

/* States from elsewhere that would be read outside their bounds are told. */
static void
ml_test_hostile(void)
{
	MlTested	a = ml_adwin("adwin", 0.002, 32, 5, 5, 10);
	MlTested	k = ml_kswin("kswin", 0.005, 100, 30, 0, 0);
	static const double bad[] = {-1, 0.5, 1e9, 1e300};

	for (int i = 0; i < 500; i++)
	{
		a.add(a.words, ml_numbers[i]);
		k.add(k.words, ml_numbers[i]);
	}
	for (int b = 0; b < ML_COUNT(bad) + 1; b++)
	{
		double		v = b < ML_COUNT(bad) ? bad[b] : NAN;
		MlAdwin		*s = (MlAdwin *) a.words;
		MlKswin		*w = (MlKswin *) k.words;
		double	   *adwin[] = {&s->max_buckets, &s->rows, &s->count[0], &s->count[5]};
		double	   *kswin[] = {&w->window, &w->stat, &w->count, &w->first, &w->next, &w->words[17]};

		for (int i = 0; i < ML_COUNT(adwin); i++)
		{
			double		was = *adwin[i];
			size_t		used = ml_adwin_used(s);

			*adwin[i] = v;
			CHECK(!ml_adwin_valid(a.words, used), "adwin %d: %g", i, v);
			*adwin[i] = was;
		}
		for (int i = 0; i < ML_COUNT(kswin); i++)
		{
			double		was = *kswin[i];
			size_t		used = ml_kswin_used(w);

			/* any word of 32 bits is one of the generator's */
			if (i == 5 && v == 1e9)
				continue;
			*kswin[i] = v;
			CHECK(!ml_kswin_valid(k.words, used), "kswin %d: %g", i, v);
			*kswin[i] = was;
		}
	}
	ML_CHECK(ml_adwin_valid(a.words, ml_adwin_used((MlAdwin *) a.words)));
	ML_CHECK(ml_kswin_valid(k.words, ml_kswin_used((MlKswin *) k.words)));
	ML_CHECK(!ml_adwin_valid(a.words, 3) && !ml_kswin_valid(k.words, 3));
	free(a.words);
	free(k.words);
}

int
main(void)
{
	ml_make_streams();
	ml_test_streams();
	ml_test_constant();
	ml_test_window();
	ml_test_hostile();
	return unit_result("detect");
}
