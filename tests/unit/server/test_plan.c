/* The memory plan: it grows with each limit, and tells the truth about the largest. */
#include "server/plan.h"

#include <criterion/criterion.h>

#define GIB (1ull << 30)

static const struct conf usual = {
	.workers = 4,
	.limits = {.max_half_open = 4096,
                   .max_request_head_bytes = 16384,
                   .max_message_bytes = 1 << 20,
                   .send_queue_bytes = 1 << 20},
};

Test(plan, an_idle_connection_costs_what_was_promised)
{
	const uint64_t each = plan_idle_bytes(&usual, 1000001) - plan_idle_bytes(&usual, 1000000);

	cr_assert(each >= 300 && each <= 700, "%lu", (unsigned long)each);
	cr_assert_gt(plan_idle_bytes(&usual, 0), 0, "workers cost something by themselves");
}

Test(plan, the_flight_recorder_counts)
{
	struct conf c = usual;

	c.recorder = (struct conf_recorder){.events = 24, .closed_bytes = 1 << 20};
	const uint64_t more = plan_idle_bytes(&c, 1000) - plan_idle_bytes(&usual, 1000);

	cr_assert(more >= 24 * 16 * 1000 && more <= 600 * 1000);
	cr_assert_geq(plan_worst_bytes(&c, 1000),
	              plan_worst_bytes(&usual, 1000) + more + (1 << 20));
}

Test(plan, more_of_anything_is_never_less)
{
	static const uint64_t sizes[] = {1024, 65536, 1 << 20, 64 << 20, GIB};
	uint64_t last = 0;

	for (uint32_t n = 0; n < 10000000; n = 2 * n + 1) {
		const uint64_t idle = plan_idle_bytes(&usual, n);
		const uint64_t worst = plan_worst_bytes(&usual, n);

		cr_assert_gt(worst, last);
		cr_assert_gt(worst, idle);
		last = worst;
	}
	last = 0;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct conf c = {.workers = 1, .limits.send_queue_bytes = 1024};

		c.limits.max_message_bytes = (uint32_t)sizes[i];
		cr_assert_gt(plan_worst_bytes(&c, 100), last);
		last = plan_worst_bytes(&c, 100);
	}
	last = 0;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct conf c = {.workers = 1, .limits.max_message_bytes = 1024};

		c.limits.send_queue_bytes = sizes[i];
		cr_assert_geq(plan_worst_bytes(&c, 100), last);
		last = plan_worst_bytes(&c, 100);
	}
}

Test(plan, workers_and_half_open_ones_count)
{
	struct conf c = usual;

	c.workers = 8;
	cr_assert_geq(plan_idle_bytes(&c, 10), plan_idle_bytes(&usual, 10) + 4 * 128 * 1024);
	c = usual;
	c.limits.max_half_open = 8192;
	cr_assert_geq(plan_worst_bytes(&c, 10), plan_worst_bytes(&usual, 10) + 4096 * 16384);
}

/* The largest values that the configuration allows: nothing wraps. */
Test(plan, extreme_limits)
{
	const struct conf c = {
		.workers = 256,
		.limits = {.max_half_open = 1000000,
	                   .max_request_head_bytes = 1 << 20,
	                   .max_message_bytes = 1 << 30,
	                   .send_queue_bytes = GIB},
	};
	const uint64_t worst = plan_worst_bytes(&c, 10000000);

	cr_assert_geq(worst, 10000000 * 2 * GIB);
	cr_assert_leq(worst, 10000000 * 3 * GIB);
	cr_assert_gt(plan_worst_bytes(&c, UINT32_MAX), worst);
}
