/*
 * test_gram.c - the exact Gram accumulator against slow long arithmetic, in any order and division.
 */
#include "math/gram.h"
#include "math/gram_kernel.h"
#include "unit.h"

#include <float.h>

/*
 * The reference: a fixed-point number of 5120 bits around the binary point,
 * in 32-bit limbs, positive and negative parts apart.
 */
#define LIMBS	160
#define POINT	(70 * 32)

typedef struct Long
{
	uint32_t	part[2][LIMBS];
} Long;

/* Adds value * 2^exponent to one part. */
static void
long_add_bits(uint32_t *limb, uint64_t value, int exponent)
{
	int			bit = exponent + POINT;
	int			b;

	for (b = 0; b < 64; b++)
		if (value >> b & 1)
		{
			int			k = (bit + b) / 32;
			uint32_t	add = UINT32_C(1) << ((bit + b) % 32);

			for (; add; k++)
			{
				limb[k] += add;
				add = limb[k] < add;
			}
		}
}

/* Takes a float8 apart. */
static uint64_t
mantissa_of(double x, int *exponent)
{
	double		m = frexp(fabs(x), exponent);

	*exponent -= 53;
	return (uint64_t) ldexp(m, 53);
}

static void
long_add_product(Long *n, double a, double b)
{
	int			ea,
				eb,
				h;
	uint64_t	ma = mantissa_of(a, &ea);
	uint64_t	mb = mantissa_of(b, &eb);
	uint32_t   *limb = n->part[(a < 0) != (b < 0)];

	for (h = 0; h < 64; h += 16)
		if (ma >> h & 0xffff)
		{
			/* 16 x 53 bits: low 32 and high 21 apart */
			uint64_t	piece = ma >> h & 0xffff;

			long_add_bits(limb, piece * (mb & UINT32_MAX), ea + eb + h);
			long_add_bits(limb, piece * (mb >> 32), ea + eb + h + 32);
		}
}

static void
long_subtract(Long *n, double x)
{
	int			e;
	uint64_t	m = mantissa_of(x, &e);

	long_add_bits(n->part[x > 0], m, e);
}

/* Gives the top bit of the value's magnitude, INT32_MIN for zero, and in *more whether others are set. */
static int
long_top(const Long *n, bool *more)
{
	const uint32_t *a = n->part[0];
	const uint32_t *b = n->part[1];
	uint32_t	d[LIMBS];
	int64_t		borrow = 0;
	int			k,
				top;

	for (k = LIMBS - 1; k > 0 && a[k] == b[k]; k--)
		;
	if (a[k] < b[k])
	{
		a = n->part[1];
		b = n->part[0];
	}
	for (k = 0; k < LIMBS; k++)
	{
		int64_t		t = (int64_t) a[k] - b[k] + borrow;

		d[k] = (uint32_t) t;
		borrow = t < 0 ? -1 : 0;
	}
	for (k = LIMBS - 1; k >= 0 && d[k] == 0; k--)
		;
	*more = false;
	if (k < 0)
		return INT32_MIN;
	top = 31 - __builtin_clz(d[k]);
	*more = (d[k] & ((UINT32_C(1) << top) - 1)) != 0;
	top += 32 * k - POINT;
	while (--k >= 0)
		*more = *more || d[k] != 0;
	return top;
}

/* Tells whether r is n rounded to nearest, given n - r. */
static bool
is_nearest(const Long *rest, double r)
{
	bool		more;
	int			top = long_top(rest, &more);
	int			e,
				half;

	if (top == INT32_MIN)
		return true;
	if (r == 0.0)
		return top < -1075 || (top == -1075 && !more);
	frexp(r, &e);
	half = (e - 53 > -1074 ? e - 53 : -1074) - 1;
	/* just above a power of two the lower neighbour is nearer; the rest then points up, or is half of half */
	return top < half || (top == half && !more);
}

/* Tells whether hi, lo is the sum rounded twice. */
static bool
is_rounded(const Long *sum, MlDd r)
{
	Long		rest = *sum;

	long_subtract(&rest, r.hi);
	if (!is_nearest(&rest, r.hi))
		return false;
	long_subtract(&rest, r.lo);
	return is_nearest(&rest, r.lo) && r.hi + r.lo == r.hi;
}

typedef struct State
{
	MlGram	   *g;
	void	   *scratch;
	size_t		bytes;
	int			moves;
} State;

static State
state_new(int cols)
{
	State		s;

	s.bytes = ml_gram_size(cols);
	s.g = unit_alloc(s.bytes);
	s.scratch = unit_alloc(ml_gram_scratch_size(cols));
	s.moves = 0;
	CHECK(ml_gram_init(s.g, s.bytes, cols) == ML_OK, "init");
	return s;
}

static void
state_grow(State *s)
{
	size_t		bytes = ml_gram_need(s->g);
	MlGram	   *bigger = unit_alloc(bytes);

	CHECK(bytes >= s->bytes, "need %zu of %zu", bytes, s->bytes);
	CHECK(ml_gram_move(bigger, bytes, s->g) == ML_OK, "move");
	free(s->g);
	s->g = bigger;
	s->bytes = bytes;
	s->moves++;
}

static MlStatus
state_add(State *s, const double *x, int cols, int rows)
{
	MlStatus	status;

	while ((status = ml_gram_add(s->g, s->scratch, x, cols, rows)) == ML_NEED_SPACE)
		state_grow(s);
	return status;
}

static void
state_merge(State *s, const State *other)
{
	MlStatus	status;

	while ((status = ml_gram_merge(s->g, other->g)) == ML_NEED_SPACE)
		state_grow(s);
	CHECK(status == ML_OK, "merge gave %d", status);
}

static void
state_free(State *s)
{
	free(s->g);
	free(s->scratch);
}

/* Kinds of columns. */
typedef enum Kind
{
	NORMAL, UNIT, ONES, INTEGER, HEAVY, EXTREME, TINY, DENORMAL, HUGE_, ZERO, SPARSE, DECIMAL, OFFSET, DRIFT, KINDS
} Kind;

static double
value_of(Kind kind, int row)
{
	double		x = unit_normal();

	switch (kind)
	{
		case NORMAL:
			return x;
		case UNIT:
			return (double) (unit_random() & 1);
		case ONES:
			return 1.0;
		case INTEGER:
			return (double) (int64_t) (unit_random() % 2000001) - 1e6;
		case HEAVY:
			return exp(4.0 * x);
		case EXTREME:
			return ldexp(x, (int) (unit_random() % 1900) - 1000);
		case TINY:
			return x * 1e-290;
		case DENORMAL:
			return (double) (unit_random() % 1000) * -0x1p-1074;
		case HUGE_:
			return (unit_uniform() - 0.5) * DBL_MAX;
		case ZERO:
			return row % 2 ? -0.0 : 0.0;
		case SPARSE:
			return row % 97 == 96 ? x * 1e30 : 0.0;
		case DECIMAL:
			return floor(unit_uniform() * 1e7) / 100.0;
		case OFFSET:
			return 1e15 + unit_uniform();
		default:
			return x * ldexp(1.0, row / 100);
	}
}

/* Checks every entry of a state against long arithmetic; where it overflows, scaled down. */
static void
check_exact(const char *what, const MlGram *g, const double *x, int cols, int rows)
{
	int			i,
				j,
				r;

	for (i = 0; i < cols; i++)
		for (j = i; j < cols; j++)
		{
			Long		sum;
			MlDd		v = ml_gram_entry(g, i, j, 0);
			MlDd		w = ml_gram_entry(g, j, i, 0);

			memset(&sum, 0, sizeof(sum));
			for (r = 0; r < rows; r++)
				long_add_product(&sum, x[r * cols + i], x[r * cols + j]);
			CHECK(v.hi == w.hi && v.lo == w.lo, "%s: symmetry of %d, %d", what, i, j);
			if (v.hi - v.hi == 0.0)
				CHECK(is_rounded(&sum, v), "%s: entry %d, %d: %a %a", what, i, j, v.hi, v.lo);
			else
			{
				bool		more;

				CHECK(long_top(&sum, &more) >= 1023, "%s: overflow of %d, %d", what, i, j);
				CHECK(v.lo == 0.0, "%s: low part of an infinity", what);
			}
		}
}

static bool
same_entries(const MlGram *a, const MlGram *b, int shift)
{
	int			i,
				j;

	for (i = 0; i < ml_gram_cols(a); i++)
		for (j = i; j < ml_gram_cols(a); j++)
		{
			MlDd		v = ml_gram_entry(a, i, j, shift);
			MlDd		w = ml_gram_entry(b, i, j, shift);

			if (memcmp(&v, &w, sizeof(v)) != 0)
				return false;
		}
	return ml_gram_rows(a) == ml_gram_rows(b);
}

static void
fill(double *x, int cols, int rows, const Kind *kind)
{
	int			r,
				j;

	for (r = 0; r < rows; r++)
		for (j = 0; j < cols; j++)
			x[r * cols + j] = value_of(kind[j], r);
}

static void
add_all(State *s, const double *x, int cols, int rows, int block)
{
	int			r;

	for (r = 0; r < rows; r += block)
		CHECK(state_add(s, x + (size_t) r * cols, cols, rows - r < block ? rows - r : block) == ML_OK, "add");
}

static void
shuffle(double *x, int cols, int rows)
{
	int			r,
				j;

	for (r = rows - 1; r > 0; r--)
	{
		int			o = (int) (unit_random() % (uint64_t) (r + 1));

		for (j = 0; j < cols; j++)
		{
			double		t = x[r * cols + j];

			x[r * cols + j] = x[o * cols + j];
			x[o * cols + j] = t;
		}
	}
}

/* Every kind of column against every other: exact, and the same bits shuffled and merged. */
static void
test_kinds(void)
{
	enum
	{
		ROWS = 700
	};
	Kind		kind[KINDS];
	double	   *x = unit_alloc(ROWS * KINDS * sizeof(double));
	State		all = state_new(KINDS);
	int			k,
				round;

	for (k = 0; k < KINDS; k++)
		kind[k] = (Kind) k;
	fill(x, KINDS, ROWS, kind);
	add_all(&all, x, KINDS, ROWS, ML_GRAM_BLOCK);
	check_exact("kinds", all.g, x, KINDS, ROWS);
	CHECK(all.moves > 0, "no growth was needed");
	for (round = 0; round < 6; round++)
	{
		State		part[3];
		int			start = 0;

		shuffle(x, KINDS, ROWS);
		for (k = 0; k < 3; k++)
		{
			int			end = k == 2 ? ROWS : start + (int) (unit_random() % (uint64_t) (ROWS - start + 1));

			part[k] = state_new(KINDS);
			add_all(&part[k], x + start * KINDS, KINDS, end - start, 1 + (int) (unit_random() % ML_GRAM_BLOCK));
			start = end;
		}
		state_merge(&part[round % 3], &part[(round + 1) % 3]);
		state_merge(&part[(round + 2) % 3], &part[round % 3]);
		CHECK(same_entries(all.g, part[(round + 2) % 3].g, 0), "merged in round %d", round);
		CHECK(same_entries(all.g, part[(round + 2) % 3].g, -1000), "merged and scaled in round %d", round);
		for (k = 0; k < 3; k++)
			state_free(&part[k]);
	}
	state_free(&all);
	free(x);
}

/* All numbers of columns around the tile sizes, all sizes of blocks around the lanes. */
static void
test_shapes(void)
{
	static const int rows[] = {1, 2, 7, 8, 9, 63, 64, 65, 255, 256};
	double	   *x = unit_alloc(18 * 256 * sizeof(double));
	int			cols,
				r,
				j;

	for (cols = 1; cols <= 18; cols++)
		for (r = 0; r < 10; r++)
		{
			static const Kind mix[] = {NORMAL, UNIT, NORMAL, INTEGER, HEAVY, ONES, DECIMAL};
			Kind		kind[18];
			State		s = state_new(cols);

			if (cols > 9 && r % 3 != 0)
			{
				state_free(&s);
				continue;
			}
			for (j = 0; j < cols; j++)
				kind[j] = mix[(j + r) % 7];
			fill(x, cols, rows[r], kind);
			add_all(&s, x, cols, rows[r], ML_GRAM_BLOCK);
			check_exact("shapes", s.g, x, cols, rows[r]);
			CHECK(ml_gram_rows(s.g) == rows[r], "rows");
			state_free(&s);
		}
	free(x);
}

/* Columns that take turns at having many digits, so that the order of slots is a guess. */
static void
test_turns(void)
{
	enum
	{
		COLS = 9, ROWS = 40 * 12
	};
	double	   *x = unit_alloc(ROWS * COLS * sizeof(double));
	State		s = state_new(COLS);
	int			r,
				j;

	for (r = 0; r < ROWS; r++)
		for (j = 0; j < COLS; j++)
		{
			double		v = unit_uniform() + 1.0;
			int			digits = (r / 40 * 5 + j * 3) % 4;

			/* 0, 20, 40 or 52 bits behind the point */
			v = digits == 3 ? v : floor(ldexp(v, 20 * digits)) / ldexp(1.0, 20 * digits);
			x[r * COLS + j] = r == 0 ? 1.75 : v;
		}
	add_all(&s, x, COLS, ROWS, 40);
	check_exact("turns", s.g, x, COLS, ROWS);
	state_free(&s);
	free(x);
}

/* Integers whose sums are known without long arithmetic, over enough blocks to empty the hot sums. */
static void
test_many_blocks(void)
{
	enum
	{
		COLS = 3, BLOCKS = 700
	};
	double		x[ML_GRAM_BLOCK * COLS];
	State		s = state_new(COLS);
	int64_t		sum[COLS][COLS];
	int			b,
				i,
				j,
				r;

	memset(sum, 0, sizeof(sum));
	for (b = 0; b < BLOCKS; b++)
	{
		for (r = 0; r < ML_GRAM_BLOCK; r++)
		{
			int64_t		v[COLS];

			v[0] = 1;
			v[1] = (INT64_C(1) << 22) - 1 - (int64_t) (unit_random() & 3);
			v[2] = -(int64_t) (unit_random() & 0xfffff);
			for (i = 0; i < COLS; i++)
				x[r * COLS + i] = (double) v[i];
			for (i = 0; i < COLS; i++)
				for (j = 0; j < COLS; j++)
					sum[i][j] += v[i] * v[j];
		}
		CHECK(state_add(&s, x, COLS, ML_GRAM_BLOCK) == ML_OK, "add");
	}
	for (i = 0; i < COLS; i++)
		for (j = 0; j < COLS; j++)
		{
			MlDd		v = ml_gram_entry(s.g, i, j, 0);

			CHECK(v.hi == (double) sum[i][j] && v.lo == (double) (sum[i][j] - (int64_t) v.hi),
				  "entry %d, %d", i, j);
		}
	state_free(&s);
}

/* The largest digits in every lane, row and block: nothing overflows. */
static void
test_worst_digits(void)
{
	enum
	{
		COLS = 5, BLOCKS = 600
	};
	double		x[ML_GRAM_BLOCK * COLS];
	State		s = state_new(COLS);
	/* with |x| < 2 laid out by a first value of 0.75: digits 2^22 - 1 and 2^22 - 1 of a sign */
	double		worst = (0x1p22 - 1.0 + (0x1p22 - 1.0) * 0x1p-23) * 0x1p-21;
	int			sign[COLS] = {1, 1, 1, 1, -1};
	int			b,
				i,
				j;

	for (i = 0; i < COLS; i++)
		x[i] = 0.75 * sign[i];
	CHECK(state_add(&s, x, COLS, 1) == ML_OK, "add");
	for (i = 0; i < ML_GRAM_BLOCK * COLS; i++)
		x[i] = worst * sign[i % COLS];
	for (b = 0; b < BLOCKS; b++)
		CHECK(state_add(&s, x, COLS, ML_GRAM_BLOCK) == ML_OK, "add");
	for (i = 0; i < COLS; i++)
		for (j = 0; j < COLS; j++)
		{
			MlDd		v = ml_gram_entry(s.g, i, j, 0);
			Long		sum;

			memset(&sum, 0, sizeof(sum));
			long_add_product(&sum, 0.75 * sign[i], 0.75 * sign[j]);
			for (b = 0; b < 18; b++)
				if (BLOCKS * ML_GRAM_BLOCK >> b & 1)
					long_add_product(&sum, worst * sign[i], ldexp(worst * sign[j], b));
			CHECK(is_rounded(&sum, v), "entry %d, %d", i, j);
		}
	state_free(&s);
}

/* Checks a state of sweeps over 11 columns against plain sums of integers. */
static void
check_sums(const int64_t *sums, const double *base, int cols, int rows)
{
	int			p,
				q,
				k,
				r;

	for (p = 0; p < cols; p++)
		for (q = p; q < cols; q++)
		{
			int			tp = p / 4;
			int			tile = tp * (7 - tp) / 2 + q / 4 - tp;
			int64_t		sum = 0;

			for (r = 0; r < rows; r++)
				sum += (int64_t) base[p * ML_GRAM_LD + r] * (int64_t) base[q * ML_GRAM_LD + r];
			for (k = 0; k < ML_GRAM_CHANNELS; k++)
				CHECK(sums[(k * 6 + tile) * ML_GRAM_TILE2 + p % 4 * 4 + q % 4] == sum,
					  "channel %d of %d, %d", k, p, q);
		}
}

/* Digits, random and the largest, summed by each instruction set there is. */
static void
test_sweeps(void)
{
	enum
	{
		COLS = 11
	};
	static double storage[COLS * ML_GRAM_LD + 8];
	double	   *base = (double *) (((uintptr_t) storage + 63) & ~(uintptr_t) 63);
	const double *pointer[ML_GRAM_CHANNELS][COLS];
	static const double unit[ML_GRAM_CHANNELS] = {1.0, 0x1p-23, 0x1p-46, 1.0, 1.0, 0x1p-23};
	int			digits[3] = {3, 3, 3};
	size_t		size = ML_GRAM_CHANNELS * 6 * ML_GRAM_TILE2 * sizeof(int64_t);
	int			rows,
				i,
				k,
				r;

	for (rows = 8; rows <= ML_GRAM_BLOCK; rows += 8)
	{
		int64_t    *sums[3];
		MlGramJob	job;

		for (i = 0; i < COLS; i++)
			for (r = 0; r < rows; r++)
				base[i * ML_GRAM_LD + r] = rows % 16 ? (double) (unit_random() >> 40) - 0x1p23 :
					i % 5 ? 0x1p23 : -0x1p23;
		job.cols = COLS;
		job.rows = rows;
		job.digits = digits;
		for (k = 0; k < ML_GRAM_CHANNELS; k++)
		{
			for (i = 0; i < COLS; i++)
				pointer[k][i] = base + i * ML_GRAM_LD;
			job.channel[k] = pointer[k];
		}
		for (k = 0; k < 3; k++)
			sums[k] = memset(unit_alloc(size), 0, size);
		for (k = 0; k < ML_GRAM_CHANNELS; k++)
		{
			/* one channel at a time in its own units, the others zero */
			static const double zero[ML_GRAM_LD] __attribute__((aligned(64)));
			static double scaled[COLS * ML_GRAM_LD] __attribute__((aligned(64)));
			int			o;

			for (o = 0; o < ML_GRAM_CHANNELS; o++)
				for (i = 0; i < COLS; i++)
					pointer[o][i] = o == k ? scaled + i * ML_GRAM_LD : zero;
			for (i = 0; i < COLS * ML_GRAM_LD; i++)
				scaled[i] = base[i] * unit[k];
			job.sums = sums[0];
			ml_gram_sweep_plain(&job);
			job.sums = sums[1];
			if (!ml_gram_sweep_fma(&job))
				ml_gram_sweep_plain(&job);
			job.sums = sums[2];
			if (!ml_gram_sweep_wide(&job))
				ml_gram_sweep_plain(&job);
		}
		CHECK(memcmp(sums[0], sums[1], size) == 0, "four lanes, %d rows", rows);
		CHECK(memcmp(sums[0], sums[2], size) == 0, "eight lanes, %d rows", rows);
		check_sums(sums[0], base, COLS, rows);
		for (k = 0; k < 3; k++)
			free(sums[k]);
	}
}

/* What is refused, and that it leaves no trace. */
static void
test_refusals(void)
{
	double		x[12] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
	static const double bad[] = {NAN, -NAN, INFINITY, -INFINITY};
	State		s = state_new(3);
	State		clean = state_new(3);
	State		other = state_new(2);
	int			i;

	CHECK(state_add(&s, x, 3, 2) == ML_OK, "add");
	CHECK(state_add(&clean, x, 3, 2) == ML_OK, "add");
	for (i = 0; i < 16; i++)
	{
		double		y[12];

		memcpy(y, x, sizeof(y));
		y[i % 12] = bad[i % 4];
		CHECK(state_add(&s, y, 3, 4) == ML_NOT_FINITE, "value %d", i);
	}
	for (i = 0; i < 4; i++)
	{
		State		fresh = state_new(1);

		CHECK(state_add(&fresh, bad + i, 1, 1) == ML_NOT_FINITE, "first value");
		state_free(&fresh);
	}
	CHECK(ml_gram_add(s.g, s.scratch, x, 3, ML_GRAM_BLOCK + 1) == ML_TOO_LARGE, "rows");
	CHECK(ml_gram_merge(s.g, other.g) == ML_TOO_LARGE, "columns");
	CHECK(same_entries(s.g, clean.g, 0), "a refused call left a trace");
	CHECK(state_add(&s, x, 3, 0) == ML_OK && same_entries(s.g, clean.g, 0), "no rows");
	CHECK(ml_gram_init(s.g, 8, 3) == ML_NEED_SPACE, "small memory");
	CHECK(ml_gram_size(0) == 0 && ml_gram_size(-1) == 0 && ml_gram_size(INT32_MAX) == 0, "sizes");
	CHECK(ml_gram_scratch_size(0) == 0 && ml_gram_scratch_size(INT32_MAX) == 0, "scratch sizes");
	state_free(&s);
	state_free(&clean);
	state_free(&other);
}

/* Exponents put the scaled diagonal into [1/4, 1). */
static void
test_exponents(void)
{
	Kind		kind[KINDS];
	double		x[KINDS * 50];
	State		s = state_new(KINDS);
	int			j;

	for (j = 0; j < KINDS; j++)
		kind[j] = (Kind) j;
	fill(x, KINDS, 50, kind);
	add_all(&s, x, KINDS, 50, ML_GRAM_BLOCK);
	for (j = 0; j < KINDS; j++)
	{
		int			e = ml_gram_exponent(s.g, j);
		MlDd		d = ml_gram_entry(s.g, j, j, -2 * e);

		if (j == ZERO || j == SPARSE)
			CHECK(e == 0 && d.hi == 0.0, "zero column %d", j);
		else
			CHECK(d.hi >= 0.25 && d.hi <= 1.0, "column %d: %g", j, d.hi);
	}
	state_free(&s);
}

int
main(void)
{
	test_kinds();
	test_shapes();
	test_turns();
	test_many_blocks();
	test_worst_digits();
	test_sweeps();
	test_refusals();
	test_exponents();
	return unit_result("gram");
}
