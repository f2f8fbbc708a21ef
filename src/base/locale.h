/*
 * Numbers that look the same in every program: 1.5 is never "1,5".
 *
 * printf(), strtod() and jansson follow the locale of the thread, which is that of the program
 * unless the thread has one of its own. A manager's threads keep the plain one ("C") from birth to
 * end; calls of the public interface that read or print numbers have it for as long as they last.
 *
 * Thread: any, each its own.
 */
#pragma once

#include <locale.h>

/* The plain locale for this thread. Returns the one that it had, for locale_leave(). */
static inline locale_t locale_enter(void)
{
	/* Costs nothing and cannot fail: of "C" there is one, which is constant. */
	return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static inline void locale_leave(locale_t before)
{
	uselocale(before);
}
