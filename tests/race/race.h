/*
 * What race programs share: they have their own main(), because Criterion cannot start under
 * the thread sanitizer, and count what they checked for tools/count_tests.py.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned race_passed, race_failed;

/* From the main thread. */
static inline void race_check(bool ok, const char *what)
{
	if (ok)
		race_passed++;
	else
		race_failed++;
	printf("%s: %s\n", ok ? "ok" : "FAILED", what);
}

/* The last line, and the exit code. */
static inline int race_end(void)
{
	printf("%u passed, %u failed\n", race_passed, race_failed);
	return race_failed > 0;
}

/* What cannot fail on a machine that is fit for tests. */
static inline void race_need(bool ok, const char *what)
{
	if (ok)
		return;
	printf("FAILED: %s\n0 passed, 1 failed\n", what);
	fflush(stdout);
	_Exit(1);
}

static inline pthread_t race_start(void *(*body)(void *), void *arg)
{
	pthread_t t;

	race_need(pthread_create(&t, NULL, body, arg) == 0, "pthread_create");
	return t;
}
