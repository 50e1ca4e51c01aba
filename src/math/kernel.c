/*
 * kernel.c - compiles the kernels for each vector width and picks the widest that runs here.
 *
 * Nothing is allocated, nothing jumps, and there is no state: the pick reads
 * the processor's flags, which are constant.
 */
#include <string.h>

#include "math/math.h"
#include "math/kernel.h"

#define ML_VALUE_INF ((double) __builtin_inf())
#define ML_VALUE_NAN ((double) __builtin_nan(""))

#define ML_W 2
#define ML_TARGET
#define ML_NAME(name) name##_w2
#define ML_TITLE "two lanes"
#include "math/kernel_lanes.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define ML_WIDER_KERNELS

#define ML_W 4
#define ML_TARGET __attribute__((target("avx2")))
#define ML_NAME(name) name##_w4
#define ML_TITLE "four lanes"
#include "math/kernel_lanes.h"

#define ML_W 8
#define ML_TARGET __attribute__((target("avx512f")))
#define ML_NAME(name) name##_w8
#define ML_TITLE "eight lanes"
#include "math/kernel_lanes.h"
#endif

const MlKernels *
ml_kernels_variant(int i)
{
	const MlKernels *sets[3];
	int			count = 0;

	sets[count++] = &ml_kernel_set_w2;
#ifdef ML_WIDER_KERNELS
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		sets[count++] = &ml_kernel_set_w4;
	if (__builtin_cpu_supports("avx512f"))
		sets[count++] = &ml_kernel_set_w8;
#endif
	return i >= 0 && i < count ? sets[i] : NULL;
}

const MlKernels *
ml_kernels(void)
{
#ifdef ML_WIDER_KERNELS
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		return &ml_kernel_set_w8;
	if (__builtin_cpu_supports("avx2"))
		return &ml_kernel_set_w4;
#endif
	return &ml_kernel_set_w2;
}
