/* Answers leave in the order of their lines, whichever is ready first. */
#include "server/answers.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"
#include "heap.h"
#include "wsmd/ctl.h"

static struct answers q;
static char *out;
static size_t len;

static void ready(struct answer *a, const char *text)
{
	char *copy = strdup(text);

	cr_assert_not_null(copy);
	answer_ready(a, copy, strlen(copy));
}

static struct answer *add(void)
{
	struct answer *a = answers_add(&q, 10);

	cr_assert_not_null(a);
	return a;
}

/* What has left is @text from now on. */
static void expect_out(const char *text)
{
	cr_assert_eq(answers_take(&q, &out, &len), 0);
	cr_expect_eq(len, strlen(text));
	cr_expect_eq(memcmp(len > 0 ? out : "", text, len), 0, "%.*s", (int)len, out);
}

static void setup(void)
{
	q = (struct answers){0};
	out = NULL;
	len = 0;
}

static void teardown(void)
{
	answers_fini(&q);
	cr_expect_eq(q.n, 0);
	cr_expect_eq(q.asked, 0);
	free(out);
}

TestSuite(answers, .init = setup, .fini = teardown);

Test(answers, every_order_of_becoming_ready)
{
	static const unsigned orders[6][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0},
	};
	static const char *const texts[] = {"a\n", "bb\n", "ccc\n"};

	for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
		struct answer *const a[] = {add(), add(), add()};
		bool is_ready[4] = {false};

		for (size_t i = 0; i < 3; i++) {
			char left[16] = "";

			ready(a[orders[o][i]], texts[orders[o][i]]);
			is_ready[orders[o][i]] = true;
			for (size_t k = 0; is_ready[k]; k++)
				strcat(left, texts[k]);
			expect_out(left);
		}
		free(out);
		out = NULL;
		len = 0;
	}
}

Test(answers, room_is_bounded_in_lines)
{
	unsigned n = 0;

	for (; answers_room(&q); n++)
		(void)add();
	cr_expect_eq(n, 64);
	ready(q.first, "x\n");
	expect_out("x\n");
	cr_expect(answers_room(&q));
}

Test(answers, room_is_bounded_in_bytes)
{
	cr_assert_not_null(answers_add(&q, WSMD_CTL_MAX_LINE - 1));
	cr_expect(answers_room(&q), "one more is begun");
	cr_assert_not_null(answers_add(&q, WSMD_CTL_MAX_LINE));
	cr_expect_not(answers_room(&q));
	ready(q.first, "x\n");
	expect_out("x\n");
	cr_expect_not(answers_room(&q));
	ready(q.first, "y\n");
	expect_out("x\ny\n");
	cr_expect(answers_room(&q));
}

Test(answers, without_memory_nothing_changes)
{
	struct answer *const first = add();

	heap_fail_at(1);
	cr_expect_null(answers_add(&q, 10));
	cr_expect_eq(q.n, 1);
	cr_expect_eq(q.asked, 10);
	heap_fail_at(0);
	ready(first, "first\n");
	heap_fail_at(1);
	cr_expect_eq(answers_take(&q, &out, &len), WSMD_ENOMEM);
	cr_expect_eq(len, 0);
	heap_fail_at(0);
	(void)add(); /* stays, for answers_fini() */
	expect_out("first\n");
}
