/*
 * detect_kswin.c - the newest numbers of a window against a sample of the older ones.
 *
 * The sample is drawn as Python's random.sample does, with the generator
 * MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 1998), so
 * that a seed gives River's sample. Words of 32 bits are kept in doubles.
 * Nothing is allocated and nothing jumps.
 */
#include <math.h>

#include "math/detect.h"

#define ML_KSWIN_HEAD		(offsetof(MlKswin, values) / sizeof(double))
#define ML_MERSENNE_MIDDLE	397

/* ---- MT19937 ---- */

/* Fills the words from a key, as the authors' init_by_array. */
static void
ml_mersenne_seed(double *words, const uint32_t *key, int nkey)
{
	uint32_t	before = 19650218U;
	int			i = 1;

	words[0] = before;
	for (int w = 1; w < ML_MERSENNE_WORDS; w++)
	{
		before = 1812433253U * (before ^ (before >> 30)) + (uint32_t) w;
		words[w] = before;
	}
	before = (uint32_t) words[0];
	for (int k = 0, j = 0; k < ML_MERSENNE_WORDS; k++, j = (j + 1) % nkey)
	{
		before = ((uint32_t) words[i] ^ ((before ^ (before >> 30)) * 1664525U)) + key[j] + (uint32_t) j;
		words[i] = before;
		if (++i == ML_MERSENNE_WORDS)
		{
			words[0] = before;
			i = 1;
		}
	}
	for (int k = 1; k < ML_MERSENNE_WORDS; k++)
	{
		before = ((uint32_t) words[i] ^ ((before ^ (before >> 30)) * 1566083941U)) - (uint32_t) i;
		words[i] = before;
		if (++i == ML_MERSENNE_WORDS)
		{
			words[0] = before;
			i = 1;
		}
	}
	words[0] = 0x80000000U;
}

/* Makes the next words of all. */
static void
ml_mersenne_turn(double *words)
{
	for (int w = 0; w < ML_MERSENNE_WORDS; w++)
	{
		uint32_t	y = ((uint32_t) words[w] & 0x80000000U) |
			((uint32_t) words[(w + 1) % ML_MERSENNE_WORDS] & 0x7fffffffU);

		words[w] = (uint32_t) words[(w + ML_MERSENNE_MIDDLE) % ML_MERSENNE_WORDS] ^ (y >> 1) ^
			((y & 1) != 0 ? 0x9908b0dfU : 0);
	}
}

static uint32_t
ml_kswin_draw(MlKswin *s)
{
	uint32_t	y;

	if (s->next >= ML_MERSENNE_WORDS)
	{
		ml_mersenne_turn(s->words);
		s->next = 0;
	}
	y = (uint32_t) s->words[(int) s->next];
	s->next++;
	y ^= y >> 11;
	y ^= (y << 7) & 0x9d2c5680U;
	y ^= (y << 15) & 0xefc60000U;
	return y ^ (y >> 18);
}

/* A place below n > 0, each as likely: the upper bits of draws until they are one. */
static int
ml_kswin_below(MlKswin *s, int n)
{
	int			bits = 0;
	uint32_t	y;

	while (n >> bits != 0)
		bits++;
	do
		y = ml_kswin_draw(s) >> (32 - bits);
	while (y >= (uint32_t) n);
	return (int) y;
}

/* ---- the window ---- */

size_t
ml_kswin_size(int window, int stat)
{
	/* the window, places in it, two samples */
	return ML_KSWIN_HEAD + 2 * (size_t) window + 2 * (size_t) stat;
}

size_t
ml_kswin_used(const MlKswin *s)
{
	return ML_KSWIN_HEAD + (size_t) s->window;
}

void
ml_kswin_begin(MlKswin *s)
{
	uint32_t	key[2] = {(uint32_t) s->seed, (uint32_t) s->seed_high};

	s->drifted = s->p_value = 0;
	s->count = s->first = 0;
	s->next = ML_MERSENNE_WORDS;
	ml_mersenne_seed(s->words, key, key[1] != 0 ? 2 : 1);
	for (int i = 0; i < (int) s->window; i++)
		s->values[i] = 0;
}

/* The number at a place, counted from the oldest. */
static inline double
ml_kswin_value(const MlKswin *s, int place)
{
	int			at = (int) s->first + place;

	return s->values[at < (int) s->window ? at : at - (int) s->window];
}

/*
 * Draws stat of the older numbers. Python takes from a pool of all places
 * where that is small beside the sample, and else draws until a place is new.
 */
static void
ml_kswin_sample(MlKswin *s, double *sample)
{
	double	   *pool = s->values + (int) s->window;
	int			stat = (int) s->stat;
	int			older = (int) s->window - stat;
	int			small = 21;

	if (stat > 5)
	{
		int			power = 1;

		while (power < 3 * stat)
			power *= 4;
		small += power;
	}
	for (int i = 0; i < older; i++)
		pool[i] = older <= small ? i : 0;
	for (int i = 0; i < stat; i++)
	{
		int			j;

		if (older <= small)
		{
			j = ml_kswin_below(s, older - i);
			sample[i] = ml_kswin_value(s, (int) pool[j]);
			pool[j] = pool[older - i - 1];
			continue;
		}
		do
			j = ml_kswin_below(s, older);
		while (pool[j] != 0);
		pool[j] = 1;
		sample[i] = ml_kswin_value(s, j);
	}
}

/* Sorts in place, by a heap. */
static void
ml_kswin_sort(double *x, int n)
{
	for (int end = n, start = n / 2; end > 1;)
	{
		double		moved;
		int			at;

		if (start > 0)
			moved = x[at = --start];
		else
		{
			moved = x[--end];
			x[end] = x[0];
			at = 0;
		}
		for (int child = 2 * at + 1; child < end; child = 2 * at + 1)
		{
			if (child + 1 < end && x[child + 1] > x[child])
				child++;
			if (!(x[child] > moved))
				break;
			x[at] = x[child];
			at = child;
		}
		x[at] = moved;
	}
}

/* The greatest difference of the counts of numbers up to any, of two sorted samples of n. */
static int
ml_kswin_distance(const double *a, const double *b, int n)
{
	int			greatest = 0;
	int			i = 0;
	int			j = 0;

	while (i < n && j < n)
	{
		double		x = a[i] < b[j] ? a[i] : b[j];
		int			apart;

		while (i < n && a[i] == x)
			i++;
		while (j < n && b[j] == x)
			j++;
		apart = i > j ? i - j : j - i;
		if (apart > greatest)
			greatest = apart;
	}
	return greatest;
}

/*
 * The exact two-sided chance of a distance of at least h > 0, of two samples
 * of n: 2 sum (-1)^(k-1) C(2n, n - kh) / C(2n, n), by reflection (Gnedenko and
 * Korolyuk, 1951); from the inside, so that nothing cancels.
 */
static double
ml_kswin_chance(int n, int h)
{
	double		p = 0;

	for (int k = n / h; k >= 0; k--)
	{
		double		ratio = 1;

		for (int j = 0; j < h; j++)
			ratio = (n - k * h - j) * ratio / (n + k * h + j + 1);
		p = ratio * (1.0 - p);
	}
	p *= 2.0;
	return p < 1.0 ? p : 1.0;
}

int
ml_kswin_add(MlKswin *s, double x)
{
	int			window = (int) s->window;
	int			stat = (int) s->stat;
	double	   *sample = s->values + 2 * window;
	double	   *newest = sample + stat;
	int			distance;

	if (s->drifted != 0)
		ml_kswin_begin(s);
	if ((int) s->count < window)
		s->values[(int) s->count++] = x;
	else
	{
		s->values[(int) s->first] = x;
		s->first = (int) s->first + 1 < window ? s->first + 1 : 0;
	}
	if ((int) s->count < window)
		return 0;
	ml_kswin_sample(s, sample);
	for (int i = 0; i < stat; i++)
		newest[i] = ml_kswin_value(s, window - stat + i);
	ml_kswin_sort(sample, stat);
	ml_kswin_sort(newest, stat);
	distance = ml_kswin_distance(sample, newest, stat);
	s->p_value = distance > 0 ? ml_kswin_chance(stat, distance) : 1.0;
	/* however many numbers there are, a distance of a tenth is none to speak of */
	s->drifted = s->p_value <= s->alpha && 10 * distance > stat;
	return s->drifted != 0 ? ML_DETECT_DRIFT : 0;
}

double
ml_kswin_level(const MlKswin *s)
{
	int			count = (int) s->count;
	int			n = (int) s->stat < count ? (int) s->stat : count;
	double		sum = 0;

	for (int i = count - n; i < count; i++)
		sum += ml_kswin_value(s, i);
	return n > 0 ? sum / n : (double) NAN;
}

bool
ml_kswin_valid(const double *words, size_t n)
{
	const MlKswin *s = (const MlKswin *) words;

	if (n < ML_KSWIN_HEAD || !ml_detect_whole(s->window, 2, ML_KSWIN_WINDOW_MAX) || n != ml_kswin_used(s) ||
		!ml_detect_whole(s->stat, 1, s->window / 2) || !ml_detect_whole(s->count, 0, s->window) ||
		!ml_detect_whole(s->first, 0, s->window - 1) || !ml_detect_whole(s->next, 0, ML_MERSENNE_WORDS) ||
		!ml_detect_whole(s->seed, 0, UINT32_MAX) || !ml_detect_whole(s->seed_high, 0, UINT32_MAX))
		return false;
	for (int w = 0; w < ML_MERSENNE_WORDS; w++)
		if (!ml_detect_whole(s->words[w], 0, UINT32_MAX))
			return false;
	return true;
}
