/* The memory plan: what it adds up, whom it has room for, and what it refuses. */
#include "server/plan.h"

#include <criterion/criterion.h>

#include <string.h>

#include "worker/conn.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static const struct conf usual = {
	.workers = 4,
	.limits = {.max_half_open = 4096,
                   .max_request_head_bytes = 16384,
                   .max_message_bytes = 1 << 20,
                   .send_queue_bytes = 1 << 20,
                   .max_groups_per_connection = 100,
                   .inbox_items = 65536,
                   .memory_high_water = 0.85},
};

static struct plan plan_of(const struct conf *c, uint32_t room, uint64_t memory)
{
	struct plan p;

	plan_make(c, room, memory, &p);
	return p;
}

static bool refused(const struct conf *c, const struct plan *p, const char *key)
{
	char fault[512] = "";
	const bool no = plan_refuses(c, p, fault, sizeof(fault));

	cr_expect_eq(no, fault[0] != '\0');
	cr_expect_lt(strlen(fault), sizeof(fault) - 1, "all of it");
	if (no)
		cr_expect_not_null(strstr(fault, key), "%s", fault);
	return no;
}

Test(plan, a_quiet_connection_costs_what_was_promised)
{
	const struct plan p = plan_of(&usual, 10000, 8 * GIB);

	cr_expect_geq(p.idle_each, sizeof(struct conn) + sizeof(struct session));
	cr_expect_leq(p.idle_each, 800);
	cr_expect_eq(plan_promise(&p, 1000001) - plan_promise(&p, 1000000), p.idle_each);
	cr_expect_gt(p.workers, 4 * 2 * WORKER_READ_BYTES);
}

Test(plan, the_flight_recorder_counts)
{
	struct conf c = usual;

	c.recorder = (struct conf_recorder){.events = 24, .closed_bytes = 1 << 20};
	const struct plan with = plan_of(&c, 1000, GIB), without = plan_of(&usual, 1000, GIB);

	cr_expect_geq(with.idle_each, without.idle_each + 24 * 16);
	cr_expect_leq(with.idle_each, without.idle_each + 600);
	cr_expect_geq(with.recorder, 1 << 20);
	cr_expect_geq(plan_promise(&with, 0), plan_promise(&without, 0) + (1 << 20));
}

Test(plan, defaults_have_room_on_every_machine)
{
	static const uint64_t sizes[] = {96 * MIB, 256 * MIB, 512 * MIB, GIB, 4 * GIB, 64 * GIB, 0};
	uint32_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct plan p = plan_of(&usual, 1000000, sizes[i]);

		cr_expect_not(refused(&usual, &p, ""), "%zu", i);
		cr_expect_geq(p.connections, last, "more memory, more room");
		last = p.connections;
		if (sizes[i] == 0)
			continue;
		cr_expect_eq(p.buffered, sizes[i] / 4);
		cr_expect_leq(plan_promise(&p, p.connections), p.usable);
	}
	cr_expect_eq(last, 1000000);
}

Test(plan, more_than_there_is_room_for)
{
	struct conf c = usual;
	struct plan p;

	c.limits.max_connections = 1000000;
	p = plan_of(&c, 1000000, 512 * MIB);
	cr_expect_lt(p.connections, 1000000);
	cr_expect(refused(&c, &p, "limits.max_connections is 1000000"));
	cr_expect(refused(&c, &p, "limits.when_too_big=lower"));
	c.limits.when_too_big = TOO_BIG_LOWER;
	cr_expect_not(refused(&c, &p, ""));

	/* The last one that fits. */
	c.limits.when_too_big = TOO_BIG_REFUSE;
	c.limits.max_connections = p.room;
	p = plan_of(&c, 1000000, 512 * MIB);
	cr_expect_not(refused(&c, &p, ""));
	c.limits.max_connections = p.room + 1;
	p = plan_of(&c, 1000000, 512 * MIB);
	cr_expect(refused(&c, &p, "limits.max_connections"));
}

Test(plan, a_budget_that_leaves_nothing)
{
	struct conf c = usual;
	struct plan p;

	c.limits.buffered_bytes = GIB;
	c.limits.when_too_big = TOO_BIG_LOWER;
	p = plan_of(&c, 1000, GIB);
	cr_expect_eq(p.connections, 0);
	cr_expect(refused(&c, &p, "limits.buffered_bytes"));
	c.limits.memory_bytes = 8 * GIB;
	p = plan_of(&c, 1000, GIB);
	cr_expect_eq(p.memory, 8 * GIB, "the configuration knows better");
	cr_expect_not(refused(&c, &p, ""));
}

Test(plan, the_worst_of_one_connection)
{
	static const uint32_t messages[] = {125, 65536, 1 << 20, 1 << 30};
	struct conf c = usual;
	uint64_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		c.limits.max_message_bytes = messages[i];
		c.limits.slow_consumer = SLOW_CLOSE;
		const struct plan p = plan_of(&c, 1000, GIB);

		cr_expect_geq(p.queue_each, messages[i] + 500000u);
		cr_expect_geq(p.message_each, messages[i]);
		cr_expect_gt(p.worst_each, last);
		last = p.worst_each;
		c.limits.slow_consumer = SLOW_KEEP_NEWEST;
		cr_expect_geq(plan_of(&c, 1000, GIB).queue_each, p.queue_each + messages[i],
		              "the newest one behind a begun one");
	}
}

/* The largest values that the configuration allows: nothing wraps. */
Test(plan, extreme_limits)
{
	const struct conf c = {
		.workers = 256,
		.limits = {.max_connections = 10000000,
	                   .max_half_open = 1000000,
	                   .max_request_head_bytes = 1 << 20,
	                   .max_message_bytes = 1 << 30,
	                   .send_queue_bytes = GIB,
	                   .max_groups_per_connection = 10000,
	                   .inbox_items = 16777216,
	                   .buffered_bytes = 1024 * GIB,
	                   .memory_bytes = 1024 * GIB,
	                   .memory_high_water = 1},
	};
	const struct plan p = plan_of(&c, UINT32_MAX, UINT64_MAX);

	cr_expect_eq(p.connections, 0);
	cr_expect_geq(plan_promise(&p, UINT32_MAX), 1024 * GIB + UINT32_MAX * p.idle_each);
	cr_expect(refused(&c, &p, "limits.buffered_bytes"));
}

Test(plan, as_a_table)
{
	const struct plan p = plan_of(&usual, 20000, 2 * GIB);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	plan_print(&p, out);
	fclose(out);
	cr_expect_not_null(strstr(text, "limits.buffered_bytes"));
	cr_expect_not_null(strstr(text, "2048.0 MiB"));
	cr_expect_not_null(strstr(text, "20000"));
	free(text);
}
