/*
 * platform.c - what this library was built for and runs on.
 *
 * Processor, system and compiler are those of the build; the C library is
 * asked when the server runs, since it can be another one.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/platform.h"

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#if defined(__x86_64__)
#define ML_PROCESSOR	"x86_64"
#elif defined(__aarch64__)
#define ML_PROCESSOR	"aarch64"
#elif defined(__powerpc64__)
#define ML_PROCESSOR	"ppc64"
#elif defined(__s390x__)
#define ML_PROCESSOR	"s390x"
#elif defined(__riscv)
#define ML_PROCESSOR	"riscv"
#elif defined(__i386__)
#define ML_PROCESSOR	"i386"
#elif defined(__arm__)
#define ML_PROCESSOR	"arm"
#else
#define ML_PROCESSOR	"another processor"
#endif

#if defined(__linux__)
#define ML_SYSTEM	"linux"
#elif defined(__APPLE__)
#define ML_SYSTEM	"darwin"
#elif defined(__FreeBSD__)
#define ML_SYSTEM	"freebsd"
#elif defined(__OpenBSD__)
#define ML_SYSTEM	"openbsd"
#elif defined(__NetBSD__)
#define ML_SYSTEM	"netbsd"
#else
#define ML_SYSTEM	"another system"
#endif

const char *
ml_platform_name(void)
{
	return ML_PROCESSOR " " ML_SYSTEM;
}

char *
ml_platform_compiler(void)
{
#if defined(__clang__)
	return psprintf("clang %d.%d.%d", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
	return psprintf("gcc %d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
	return pstrdup("another compiler");
#endif
}

char *
ml_platform_c_library(void)
{
#ifdef __GLIBC__
	return psprintf("glibc %s", gnu_get_libc_version());
#else
	return pstrdup("another library");
#endif
}
