/* Drain at a pace, stop by a deadline: how many were told by when. */
#include "worker/leave.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>

#include "bed.h"
#include "worker/output.h"

#define START_MS 1000000000u

static struct bed b;

static uint32_t gone_from_open(void) ON_WORKER;
static uint32_t gone_from_open(void)
{
	return b.n_peers - bed_count(&b, CONN_OPEN);
}

static void step_at(uint64_t now_ms) ON_WORKER;
static void step_at(uint64_t now_ms)
{
	b.w->now_ms = now_ms;
	leave_step(b.w);
}

/* Everybody is cut, and the worker could end. */
static void stop_now(void) ON_WORKER;
static void stop_now(void)
{
	leave_begin(b.w, LEAVE_STOP);
	b.w->now_ms = b.w->leave.until_ms;
	leave_step(b.w);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	cr_assert(leave_done(b.w));
}

Test(leave, drain_keeps_its_pace)
{
	static const struct {
		uint32_t n_workers, rate_per_s;
		uint64_t after_ms;
		uint32_t told; /* by then */
	} cases[] = {
		{1, 50, 0, 0},     {1, 50, 19, 0},     {1, 50, 20, 1},     {1, 50, 999, 49},
		{1, 50, 1000, 50}, {1, 50, 2000, 100}, {1, 50, 9000, 100}, {4, 50, 1000, 13},
		{4, 50, 2000, 26}, {4, 1, 999, 0},     {4, 1, 1000, 1},    {1, 1000, 50, 50},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bed_begin(&b, cases[i].n_workers);
		b.conf->drain.rate_per_s = cases[i].rate_per_s;
		bed_open(&b, 100);
		b.w->now_ms = START_MS;
		leave_begin(b.w, LEAVE_DRAIN);
		/* In steps, as turns come. */
		for (uint64_t ms = 0; ms < cases[i].after_ms; ms += 7)
			step_at(START_MS + ms);
		step_at(START_MS + cases[i].after_ms);
		cr_expect_eq(gone_from_open(), cases[i].told, "%zu: %u", i, gone_from_open());
		cr_assert_not(leave_done(b.w), "a drained worker goes on");
		stop_now();
		bed_end(&b);
	}
}

Test(leave, at_the_deadline_of_a_drain_the_rest_is_told)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	b.conf->drain.rate_per_s = 1;
	bed_open(&b, 1100);
	b.w->now_ms = START_MS;
	leave_begin(b.w, LEAVE_DRAIN);
	step_at(START_MS + 59999);
	cr_assert_eq(gone_from_open(), 59);
	step_at(START_MS + 60000);
	cr_assert_eq(gone_from_open(), 59 + 1024, "a turn is bounded");
	cr_assert(b.w->again, "the next follows at once");
	step_at(START_MS + 60001);
	cr_assert_eq(gone_from_open(), 1100);
	cr_assert_eq(bed_count(&b, CONN_CLOSED), 0, "told, not cut");
	stop_now();
	bed_end(&b);
}

Test(leave, a_second_drain_changes_nothing)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 100);
	b.w->now_ms = START_MS;
	leave_begin(b.w, LEAVE_DRAIN);
	step_at(START_MS + 1000);
	leave_begin(b.w, LEAVE_DRAIN);
	step_at(START_MS + 1000);
	cr_assert_eq(gone_from_open(), 50);
	step_at(START_MS + 1500);
	cr_assert_eq(gone_from_open(), 75);
	stop_now();
	bed_end(&b);
}

Test(leave, a_stop_overrides_a_drain)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 100);
	b.w->now_ms = START_MS;
	leave_begin(b.w, LEAVE_DRAIN);
	step_at(START_MS + 1000);
	leave_begin(b.w, LEAVE_STOP);
	step_at(START_MS + 1001);
	cr_assert_eq(gone_from_open(), 100);
	leave_begin(b.w, LEAVE_DRAIN);
	cr_assert_eq(b.w->leave.kind, LEAVE_STOP);
	stop_now();
	bed_end(&b);
}

Test(leave, whoever_is_there_at_the_deadline_of_a_stop_is_cut)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	bed_open(&b, 3);
	b.w->now_ms = START_MS;
	leave_begin(b.w, LEAVE_STOP);
	step_at(START_MS);
	conn_abort(b.w, bed_first(&b), CLOSE_FIN); /* one answers and leaves */
	step_at(START_MS + 19999);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	cr_assert_eq(b.w->conns.in_use, 2);
	cr_assert_eq(b.w->stopped.connections_cut, 0);
	cr_assert_not(leave_done(b.w));
	step_at(START_MS + 20000);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	cr_assert_eq(b.w->stopped.connections_cut, 2);
	cr_assert(leave_done(b.w));
	bed_end(&b);
}

Test(leave, a_worker_without_connections_stops_at_once)
{
	role_enter(&role_worker);
	bed_begin(&b, 1);
	leave_begin(b.w, LEAVE_STOP);
	step_at(b.w->now_ms);
	cr_assert(leave_done(b.w));
	cr_assert_eq(b.w->stopped.connections_cut, 0);
	bed_end(&b);
}

/* Who comes while it drains gets an answer that says so. */
Test(leave, newcomers_are_refused)
{
	char text[2000];
	ssize_t n;

	role_enter(&role_worker);
	bed_begin(&b, 1);
	leave_begin(b.w, LEAVE_DRAIN);
	bed_open(&b, 1);
	n = recv(b.peers[0], text, sizeof(text) - 1, 0);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	cr_assert_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0, "%s", text);
	cr_assert_not_null(strstr(text, "\r\nRetry-After: "));
	cr_assert_eq(recv(b.peers[0], text, sizeof(text), 0), 0);
	cr_assert_eq(stats_get(b.stats, STAT_REFUSALS + REFUSE_DRAINING), 1);
	bed_end(&b);
}
