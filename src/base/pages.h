/*
 * pages.h - large pages under memory that is read at random.
 */
#ifndef ML_PAGES_H
#define ML_PAGES_H

#include <sys/mman.h>

#define ML_HUGE_PAGE_BYTES	((Size) 2 * 1024 * 1024)

/*
 * Asks the system for large pages: much of the time of going through memory
 * at random is spent on finding pages. Advice that is not taken costs speed
 * only.
 */
static inline void
ml_pages_advise(char *memory, Size bytes)
{
#ifdef MADV_HUGEPAGE
	uintptr_t	from = TYPEALIGN(ML_HUGE_PAGE_BYTES, (uintptr_t) memory);
	uintptr_t	to = TYPEALIGN_DOWN(ML_HUGE_PAGE_BYTES, (uintptr_t) memory + bytes);

	if (from < to)
		(void) madvise((void *) from, to - from, MADV_HUGEPAGE);
#endif
}

#endif							/* ML_PAGES_H */
