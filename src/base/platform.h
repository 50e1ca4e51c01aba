/*
 * platform.h - what this library was built for and runs on.
 *
 * Stable texts for the record: whoever repeats a training elsewhere can see
 * what differs.
 */
#ifndef ML_PLATFORM_H
#define ML_PLATFORM_H

/* Processor and operating system, as in "x86_64 linux". */
extern const char *ml_platform_name(void);

/* What compiled the library, as in "gcc 12.2.0"; palloc'd. */
extern char *ml_platform_compiler(void);

/* The C library in use, as in "glibc 2.36"; palloc'd. */
extern char *ml_platform_c_library(void);

#endif							/* ML_PLATFORM_H */
