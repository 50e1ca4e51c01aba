/*
 * gram_tile.h - the body of ml_gram_sweep_*, included by gram_kernel.c once per instruction set.
 *
 * The includer defines ML_TILE_NAME(x), ML_TILE_TARGET, ML_TILE_LANES,
 * ML_TILE_STRIP (columns of a tile held in registers at a time), ML_TILE_VEC,
 * ML_TILE_INT and ML_TILE_MULADD(c, a, b), the last giving
 * c + a * b: all sums are exact, so fused or not is the same.
 */

/*
 * Reduces 16 vectors, in rows of ML_GRAM_TILE, to 16 sums of their lanes.
 */
static inline __attribute__((always_inline)) ML_TILE_TARGET void
ML_TILE_NAME(reduce) (const ML_TILE_VEC *acc, int64_t *sum)
{
	int			g;

#if ML_TILE_LANES == 8
#pragma GCC unroll 4
	for (g = 0; g < ML_GRAM_TILE2; g += 8)
	{
		ML_TILE_INT t[8];
		int			i;

#pragma GCC unroll 8
		for (i = 0; i < 4; i++)
		{
			ML_TILE_INT a = (ML_TILE_INT) acc[g + 2 * i];
			ML_TILE_INT b = (ML_TILE_INT) acc[g + 2 * i + 1];

			t[i] = ML_SHUFFLE(ML_TILE_INT, a, b, ML_GRAM_LOWER1) +
				ML_SHUFFLE(ML_TILE_INT, a, b, ML_GRAM_UPPER1);
		}
#pragma GCC unroll 8
		for (i = 0; i < 2; i++)
			t[4 + i] = ML_SHUFFLE(ML_TILE_INT, t[2 * i], t[2 * i + 1], ML_GRAM_LOWER2) +
				ML_SHUFFLE(ML_TILE_INT, t[2 * i], t[2 * i + 1], ML_GRAM_UPPER2);
		t[0] = ML_SHUFFLE(ML_TILE_INT, t[4], t[5], ML_GRAM_LOWER4) +
			ML_SHUFFLE(ML_TILE_INT, t[4], t[5], ML_GRAM_UPPER4);
		memcpy(sum + g, &t[0], sizeof(t[0]));
	}
#elif ML_TILE_LANES == 4
#pragma GCC unroll 4
	for (g = 0; g < ML_GRAM_TILE2; g += 4)
	{
		ML_TILE_INT t[2];
		int			i;

#pragma GCC unroll 8
		for (i = 0; i < 2; i++)
		{
			ML_TILE_INT a = (ML_TILE_INT) acc[g + 2 * i];
			ML_TILE_INT b = (ML_TILE_INT) acc[g + 2 * i + 1];

			t[i] = ML_SHUFFLE(ML_TILE_INT, a, b, 0, 4, 2, 6) +
				ML_SHUFFLE(ML_TILE_INT, a, b, 1, 5, 3, 7);
		}
		t[0] = ML_SHUFFLE(ML_TILE_INT, t[0], t[1], 0, 1, 4, 5) +
			ML_SHUFFLE(ML_TILE_INT, t[0], t[1], 2, 3, 6, 7);
		memcpy(sum + g, &t[0], sizeof(t[0]));
	}
#else
	for (g = 0; g < ML_GRAM_TILE2; g++)
	{
		ML_TILE_INT t = (ML_TILE_INT) acc[g];

		sum[g] = t[0] + t[1];
	}
#endif
}

/*
 * Sums the products of na columns with nb columns over one stretch of rows;
 * on the diagonal (a is b) only the upper triangle is meant. Adds the sums to
 * one, two or three tiles (to[1], to[2] may be NULL).
 */
static inline __attribute__((always_inline)) ML_TILE_TARGET void
ML_TILE_NAME(tile) (const double *const *a, const double *const *b, int na, int nb,
					bool diagonal, int from, int until, double magic,
					int64_t *const *to)
{
	ML_TILE_VEC acc[ML_GRAM_TILE2];
	int64_t		sum[ML_GRAM_TILE2];
	int64_t		constant;
	int			i,
				j,
				r,
				s;

	for (i = 0; i < ML_GRAM_TILE2; i++)
		acc[i] = magic - (ML_TILE_VEC) {0};
#pragma GCC unroll 4
	for (s = 0; s < na; s += ML_TILE_STRIP)
	{
		int			end = s + ML_TILE_STRIP < na ? s + ML_TILE_STRIP : na;

		for (r = from; r < until; r += ML_TILE_LANES)
		{
			ML_TILE_VEC va[ML_GRAM_TILE],
						vb[ML_GRAM_TILE];

#pragma GCC unroll 4
			for (j = diagonal ? s : 0; j < nb; j++)
				vb[j] = *(const ML_TILE_VEC *) (b[j] + r);
#pragma GCC unroll 4
			for (i = s; i < end; i++)
			{
				va[i] = diagonal ? vb[i] : *(const ML_TILE_VEC *) (a[i] + r);
#pragma GCC unroll 4
				for (j = diagonal ? i : 0; j < nb; j++)
					acc[i * ML_GRAM_TILE + j] = ML_TILE_MULADD(acc[i * ML_GRAM_TILE + j], va[i], vb[j]);
			}
		}
	}
	ML_TILE_NAME(reduce) (acc, sum);
	memcpy(&constant, &magic, sizeof(constant));
	/* wraps around, as does the sum of the lanes */
	constant = (int64_t) ((uint64_t) constant * ML_TILE_LANES);
	for (i = 0; i < ML_GRAM_TILE2; i++)
		sum[i] = (int64_t) ((uint64_t) sum[i] - (uint64_t) constant);
	for (j = 0; j < 3 && to[j]; j++)
		for (i = 0; i < ML_GRAM_TILE2; i++)
			to[j][i] += sum[i];
}

/*
 * Sums one channel's products for the tile at rows of columns p.. and q...
 */
static inline __attribute__((always_inline)) ML_TILE_TARGET void
ML_TILE_NAME(one) (const MlGramJob *job, int channel, int p, int q, int64_t *const *to)
{
	const double *const *a = job->channel[channel] + p;
	const double *const *b = job->channel[channel] + q;
	double		magic = ml_gram_magic[channel];
	int			nb = job->cols - q < ML_GRAM_TILE ? job->cols - q : ML_GRAM_TILE;
	int			step = ML_GRAM_LANE_ROWS * ML_TILE_LANES;
	int			from;

	for (from = 0; from < job->rows; from += step)
	{
		int			until = job->rows - from < step ? job->rows : from + step;

		switch (p == q ? -nb : nb)
		{
			case -4:
				ML_TILE_NAME(tile) (a, b, 4, 4, true, from, until, magic, to);
				break;
			case -3:
				ML_TILE_NAME(tile) (a, b, 3, 3, true, from, until, magic, to);
				break;
			case -2:
				ML_TILE_NAME(tile) (a, b, 2, 2, true, from, until, magic, to);
				break;
			case -1:
				ML_TILE_NAME(tile) (a, b, 1, 1, true, from, until, magic, to);
				break;
			case 4:
				ML_TILE_NAME(tile) (a, b, 4, 4, false, from, until, magic, to);
				break;
			case 3:
				ML_TILE_NAME(tile) (a, b, 4, 3, false, from, until, magic, to);
				break;
			case 2:
				ML_TILE_NAME(tile) (a, b, 4, 2, false, from, until, magic, to);
				break;
			default:
				ML_TILE_NAME(tile) (a, b, 4, 1, false, from, until, magic, to);
				break;
		}
	}
}

/*
 * Sums all channels of all tiles of a block.
 */
static ML_TILE_TARGET void
ML_TILE_NAME(sweep) (const MlGramJob *job)
{
	int			channel,
				p,
				q;

	for (channel = 0; channel < ML_GRAM_CHANNELS; channel++)
	{
		size_t		tile = 0;

		for (p = 0; p < job->cols; p += ML_GRAM_TILE)
			for (q = p; q < job->cols; q += ML_GRAM_TILE, tile++)
			{
				int64_t    *to[3];

				if (ml_gram_targets(job, channel, p, q, tile, to))
					ML_TILE_NAME(one) (job, channel, p, q, to);
			}
	}
}

#undef ML_TILE_NAME
#undef ML_TILE_TARGET
#undef ML_TILE_LANES
#undef ML_TILE_STRIP
#undef ML_TILE_VEC
#undef ML_TILE_INT
#undef ML_TILE_MULADD
