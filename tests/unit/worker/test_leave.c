/* Drain at a pace, stop by a deadline: how many were told by when. */
#include "worker/leave.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bed.h"
#include "worker/health.h"
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

/* Each of the other workers has so many open connections, and goes on as this one does. */
static void colleagues_have(uint32_t n_workers, uint32_t each, uint32_t sick) ON_WORKER;
static void colleagues_have(uint32_t n_workers, uint32_t each, uint32_t sick)
{
	for (uint32_t i = 1; i < n_workers; i++) {
		stats_set(&b.stats[i], STAT_SCORES + 10, each);
		stats_set(&b.stats[i], STAT_SICK, sick);
	}
}

Test(leave, drain_keeps_its_pace)
{
	static const struct {
		uint32_t n_workers, others, rate_per_s;
		uint64_t after_ms;
		uint32_t told; /* by then, of 100 */
	} cases[] = {
		{1, 0, 50, 0, 0},
		{1, 0, 50, 19, 0},
		{1, 0, 50, 20, 1},
		{1, 0, 50, 999, 49},
		{1, 0, 50, 1000, 50},
		{1, 0, 50, 2000, 100},
		{1, 0, 50, 9000, 100},
		{1, 0, 1000, 50, 50},
		/* The rate is the server's: a worker has its share of it, however large. */
		{4, 100, 50, 1000, 12},
		{4, 100, 50, 2000, 24},
		{2, 0, 50, 1000, 50},
		{2, 300, 400, 500, 49},
		{2, 300, 400, 1010, 100},
		{3, 950, 1000, 1000, 49},
		{256, 0, 50, 1000, 50},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bed_begin(&b, cases[i].n_workers);
		b.conf->drain.rate_per_s = cases[i].rate_per_s;
		bed_open(&b, 100);
		b.w->now_ms = START_MS;
		leave_begin(b.w, LEAVE_DRAIN);
		/* In steps, as turns come. */
		for (uint64_t ms = 0; ms < cases[i].after_ms; ms += 7) {
			colleagues_have(cases[i].n_workers,
			                cases[i].others * bed_count(&b, CONN_OPEN) / 100, 0);
			step_at(START_MS + ms);
		}
		step_at(START_MS + cases[i].after_ms);
		cr_expect_leq(gone_from_open(), cases[i].told + 1, "%zu: %u", i, gone_from_open());
		cr_expect_geq(gone_from_open(), cases[i].told, "%zu: %u", i, gone_from_open());
		cr_assert_not(leave_done(b.w), "a drained worker goes on");
		stop_now();
		bed_end(&b);
	}
}

/* Sick ones go first, those of other workers too. */
Test(leave, drain_begins_with_the_sick)
{
	uint32_t index = 0, n = 0;
	struct conn *sick[10] = {NULL};

	role_enter(&role_worker);
	bed_begin(&b, 2);
	bed_open(&b, 100);
	for (struct conn *c; n < 10 && (c = slab_next(&b.w->conns, &index)) != NULL; index += 9) {
		health_on_missed(b.w, c);
		sick[n++] = c;
	}
	b.w->now_ms = START_MS;
	leave_begin(b.w, LEAVE_DRAIN);
	colleagues_have(2, 100, 15);
	step_at(START_MS + 500); /* 25 at 50 a second: 10 of them are ours */
	cr_assert_eq(gone_from_open(), 10);
	for (uint32_t i = 0; i < 10; i++)
		cr_expect_neq(sick[i]->state, CONN_OPEN, "%u", i);
	colleagues_have(2, 85, 1);
	step_at(START_MS + 1500);
	cr_assert_eq(gone_from_open(), 10, "somebody sick is left elsewhere");
	colleagues_have(2, 90, 0);
	step_at(START_MS + 2500);
	cr_assert_eq(gone_from_open(), 10 + 25);
	stop_now();
	bed_end(&b);
}

/* What the close frame at the end of everything that @peer got says. */
static unsigned retry_ms_of(int peer)
{
	char text[2000];
	const ssize_t n = recv(peer, text, sizeof(text) - 1, 0);
	const char *hint;

	cr_assert_gt(n, 0);
	text[n] = '\0';
	hint = memmem(text, (size_t)n, "[retry_ms=", 10);
	cr_assert_not_null(hint);
	return (unsigned)strtoul(hint + 10, NULL, 10);
}

/* Each is told when to come back, and not the same; after a stop as slowly as from a drain. */
Test(leave, everybody_gets_a_hint_of_his_own)
{
	static const struct {
		enum leave_kind kind;
		uint32_t rate_per_s;
		unsigned most_ms;
	} cases[] = {
		{LEAVE_DRAIN, 1000, 5000},
		{LEAVE_STOP, 1000, 5000},
		{LEAVE_STOP, 10, 11000},
		{LEAVE_DRAIN, 10, 5000},
	};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned least = UINT32_MAX, most = 0;

		bed_begin(&b, 1);
		b.conf->drain.rate_per_s = cases[i].rate_per_s;
		bed_open(&b, 100);
		b.w->now_ms = START_MS;
		leave_begin(b.w, cases[i].kind);
		step_at(START_MS + 10000);
		output_flush_dirty(b.w);
		for (uint32_t k = 0; k < b.n_peers; k++) {
			const unsigned ms = retry_ms_of(b.peers[k]);

			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		cr_expect(least >= 1000 && most < cases[i].most_ms, "%zu: %u to %u", i, least,
		          most);
		cr_expect_gt(most - least, (cases[i].most_ms - 1000) / 2, "%zu: spread", i);
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
	cr_assert_eq(stats_get(b.stats, stat_refusal(REFUSE_DRAINING)), 1);
	bed_end(&b);
}
