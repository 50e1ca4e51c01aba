/*
 * gen.c - writes the benchmark's two data sets, a function of the seed, the row and the column only.
 *
 *   gen higgs|reg ROWS pgcopy|f8 [SEED]    to standard output
 *
 * higgs: id, y in {0, 1}, f1..f28: magnitudes, normals, angles and tags, with
 *        a target that depends on products and squares a linear model cannot see.
 * reg:   id, y, x1..x10: a linear target with noise of standard deviation 2;
 *        x9 and x10 are correlated, x5 and x8 have no effect.
 *
 * pgcopy is what COPY ... (FORMAT binary) reads: bigint, then integer (higgs)
 * or float8 (reg) for y, then float8. f8 is rows of float8 in the machine's
 * byte order, without id: y, then the features. Every feature is a whole
 * number of ten-thousandths, so the two and a CSV file say the same.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT		10000
#define HIGGS_COLS	28
#define REG_COLS	10
#define DRAW_LABEL	60
#define DRAW_NOISE	61

static uint64_t seed = 1;

/* The bytes of one row, and whether they are for COPY. */
typedef struct Row
{
	int			used;
	int			pgcopy;
	unsigned char bytes[1024];
} Row;

/* Returns 64 random bits for a row and column: Philox2x32-10 (Salmon et al. 2011), the row as counter. */
static uint64_t
draw(uint64_t row, uint32_t column)
{
	uint32_t	left = (uint32_t) row;
	uint32_t	right = (uint32_t) (row >> 32) ^ (column << 16) ^ (uint32_t) (seed >> 32);
	uint32_t	key = (uint32_t) seed;
	int			round;

	for (round = 0; round < 10; round++)
	{
		uint64_t	product = (uint64_t) left * UINT32_C(0xd256d193);

		left = (uint32_t) (product >> 32) ^ key ^ right;
		right = (uint32_t) product;
		key += UINT32_C(0x9e3779b9);
	}
	return (uint64_t) left << 32 | right;
}

/* Returns a nearly normal deviate in units, mean 0 and standard deviation 1: three uniforms of 21 bits. */
static int64_t
normal(uint64_t row, uint32_t column)
{
	const int64_t range = INT64_C(1) << 21;
	uint64_t	bits = draw(row, column);
	int64_t		sum = (int64_t) (bits % range + (bits >> 21) % range + (bits >> 42) % range);

	/* three uniforms have variance range^2 / 4 */
	return (2 * sum - 3 * (range - 1)) * UNIT / range;
}

/* Returns a deviate in units, uniform over plus and minus the square root of 3, so its standard deviation is 1. */
static int64_t
angle(uint64_t row, uint32_t column)
{
	const int64_t limit = 17321;

	return (int64_t) (draw(row, column) % (uint64_t) (2 * limit + 1)) - limit;
}

/* Returns one of three levels in units: 0 for half of the rows, the others for a quarter each. */
static int64_t
tag(uint64_t row, uint32_t column)
{
	static const int64_t level[4] = {0, 0, 11000, 22000};

	return level[draw(row, column) >> 62];
}

static void
put_bytes(Row *row, uint64_t value, int width)
{
	int			shift;

	for (shift = 8 * (width - 1); shift >= 0; shift -= 8)
		row->bytes[row->used++] = (unsigned char) (value >> shift);
}

static void
put_integer(Row *row, int64_t value, int width)
{
	put_bytes(row, (uint64_t) width, 4);
	put_bytes(row, (uint64_t) value, width);
}

static void
put_float(Row *row, double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof bits);
	if (row->pgcopy)
		put_integer(row, (int64_t) bits, 8);
	else
	{
		memcpy(row->bytes + row->used, &value, sizeof value);
		row->used += (int) sizeof value;
	}
}

/* Begins a row: COPY wants the number of its columns and the key. */
static void
put_start(Row *row, int64_t id, int columns)
{
	row->used = 0;
	if (row->pgcopy)
	{
		put_bytes(row, (uint64_t) columns + 2, 2);
		put_integer(row, id, 8);
	}
}

static void
put_end(Row *row)
{
	if (fwrite(row->bytes, 1, (size_t) row->used, stdout) != (size_t) row->used)
		exit(1);
}

/* The logit of y = 1, in which half of the signal is curved. */
static double
higgs_logit(const double *f)
{
	return -0.25 + 0.5 * f[2] - 0.45 * f[6] + 0.35 * f[10] + 0.3 * f[4] - 0.25 * f[8]
		+ 0.7 * (f[1] - 0.8) * (f[5] - 0.8) + 0.6 * f[14] * f[18] - 0.5 * f[3] * f[7]
		+ 0.4 * (f[22] * f[22] - 1.0) + 0.5 * (f[12] - 0.8) * f[26] + 0.4 * (f[9] - 0.8);
}

static void
higgs(Row *row, int64_t id)
{
	int64_t		unit[HIGGS_COLS + 1];
	double		f[HIGGS_COLS + 1];
	double		uniform = (double) (draw((uint64_t) id, DRAW_LABEL) >> 11) * 0x1p-53;
	int			y;
	uint32_t	j;

	for (j = 1; j <= HIGGS_COLS; j++)
	{
		switch (j % 4)
		{
			case 0:
				unit[j] = tag((uint64_t) id, j);
				break;
			case 1:
				unit[j] = llabs(normal((uint64_t) id, j));
				break;
			case 2:
				unit[j] = normal((uint64_t) id, j);
				break;
			default:
				unit[j] = angle((uint64_t) id, j);
		}
		f[j] = (double) unit[j] / UNIT;
	}
	y = uniform < 1.0 / (1.0 + exp(-higgs_logit(f)));

	put_start(row, id, HIGGS_COLS);
	if (row->pgcopy)
		put_integer(row, y, 4);
	else
		put_float(row, y);
	for (j = 1; j <= HIGGS_COLS; j++)
		put_float(row, f[j]);
	put_end(row);
}

static void
reg(Row *row, int64_t id)
{
	static const int64_t slope[REG_COLS + 1] = {12500, 17500, -9000, 6000, 2500, 0, -14000, 8000, 0, 21000, -16000};
	int64_t		unit[REG_COLS + 1];
	int64_t		y = slope[0];
	uint32_t	j;

	for (j = 1; j <= REG_COLS; j++)
	{
		unit[j] = normal((uint64_t) id, j);
		if (j == REG_COLS)
			unit[j] = (4 * unit[j - 1] + 3 * unit[j]) / 5;
		y += slope[j] * unit[j] / UNIT;
	}
	y += 2 * normal((uint64_t) id, DRAW_NOISE);

	put_start(row, id, REG_COLS);
	put_float(row, (double) y / UNIT);
	for (j = 1; j <= REG_COLS; j++)
		put_float(row, (double) unit[j] / UNIT);
	put_end(row);
}

int
main(int argc, char **argv)
{
	static const unsigned char header[19] = "PGCOPY\n\377\r\n";
	static const unsigned char trailer[2] = {0xff, 0xff};
	static char buffer[1 << 20];
	static Row	row;
	int64_t		id;
	int64_t		rows;
	int			is_higgs;

	if (argc < 4 || argc > 5)
	{
		fprintf(stderr, "usage: gen higgs|reg ROWS pgcopy|f8 [SEED]\n");
		return 2;
	}
	is_higgs = strcmp(argv[1], "higgs") == 0;
	rows = strtoll(argv[2], NULL, 10);
	row.pgcopy = strcmp(argv[3], "pgcopy") == 0;
	if (argc == 5)
		seed = strtoull(argv[4], NULL, 10);
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);

	if (row.pgcopy)
		fwrite(header, 1, sizeof header, stdout);
	for (id = 1; id <= rows; id++)
	{
		if (is_higgs)
			higgs(&row, id);
		else
			reg(&row, id);
	}
	if (row.pgcopy)
		fwrite(trailer, 1, sizeof trailer, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}
