/*
 * test_circle.c - sines and cosines of whole parts of a turn, against the C library's in long double.
 */
#include "unit.h"

#include "math/circle.h"

static void
ml_test_part(int k, int n)
{
	long double angle = 6.28318530717958647692528676655900577L * k / n;
	double		s,
				c;

	ml_circle(k, n, &s, &c);
	CHECK(fabsl(s - sinl(angle)) <= 2.3e-16L && fabsl(c - cosl(angle)) <= 2.3e-16L, "%d of %d: %.17g %.17g", k, n, s, c);
}

int
main(void)
{
	double		s,
				c;

	for (int n = 1; n <= 400; n++)
		for (int k = 0; k < n; k++)
			ml_test_part(k, n);
	for (int k = 0; k < 1 << 20; k += 977)
		ml_test_part(k, 1 << 20);
	for (int quarter = 0; quarter < 4; quarter++)
	{
		static const double want[] = {0, 1, 0, -1, 0};

		ml_circle(6 * quarter, 24, &s, &c);
		ML_CHECK(s == want[quarter] && c == want[quarter + 1]);
		ML_CHECK(!(signbit(s) && s == 0) && !(signbit(c) && c == 0));
	}
	return unit_result("circle");
}
