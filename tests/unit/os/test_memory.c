/* What a thread freed, is kept for its next message and not for long. */
#include "os/os.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

#include "base/macros.h"

#define PIECE  (100 << 10)
#define PIECES 120 /* 12 MiB */
#define MIB    (1 << 20)

static uint64_t before, freed, trimmed;

static void *use_and_free(void *trim_it)
{
	char *pieces[PIECES];

	before = os_memory_used();
	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE);
		cr_assert_not_null(pieces[i]);
		memset(pieces[i], 1, PIECE);
	}
	for (size_t i = 0; i < PIECES; i++)
		free(pieces[i]);
	freed = os_memory_used();
	if (trim_it != NULL)
		os_memory_trim_thread();
	trimmed = os_memory_used();
	return NULL;
}

static void in_a_thread(void *trim_it)
{
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, use_and_free, trim_it), 0);
	pthread_join(t, NULL);
}

/* The allocator of a sanitizer has its own ways. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define OTHER_ALLOCATOR true
#elif defined(__has_feature)
#define OTHER_ALLOCATOR (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define OTHER_ALLOCATOR false
#endif

Test(memory, of_a_thread_is_kept_until_it_is_trimmed, .disabled = OTHER_ALLOCATOR)
{
	os_memory_keep_little();
	in_a_thread(&before);
	cr_assert_geq(freed, before + 10 * MIB);
	cr_assert_leq(trimmed, before + MIB);
}

/* In a program that has not asked for it the allocator is left as it is. */
Test(memory, is_not_ours_to_keep, .disabled = OTHER_ALLOCATOR)
{
	os_memory_trim_thread();
	in_a_thread(NULL);
	cr_assert_leq(freed, before + MIB);
}

static void *use_and_trim(void *arg)
{
	char *pieces[PIECES];

	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE);
		cr_assert_not_null(pieces[i]);
		memset(pieces[i], (int)i, PIECE);
	}
	for (size_t i = 0; i < PIECES; i += 2)
		free(pieces[i]);
	os_memory_trim_thread();
	for (size_t i = 1; i < PIECES; i += 2) {
		cr_assert_eq(pieces[i][0], (char)i);
		cr_assert_eq(pieces[i][PIECE - 1], (char)i);
		free(pieces[i]);
	}
	return arg;
}

/* With every allocator. */
Test(memory, in_use_is_left_as_it_is)
{
	pthread_t t;

	os_memory_keep_little();
	cr_assert_eq(pthread_create(&t, NULL, use_and_trim, NULL), 0);
	pthread_join(t, NULL);
}
