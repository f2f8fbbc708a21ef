/* The score: every event, its bounds, and what is counted by it. */
#include "worker/health.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>

#include "bed.h"
#include "worker/keepalive.h"
#include "worker/output.h"

static struct bed b;

static struct conn *begin(void) ON_WORKER;
static struct conn *begin(void)
{
	bed_begin(&b, 1);
	bed_open(&b, 1);
	return bed_first(&b);
}

static void end(struct conn *c) ON_WORKER;
static void end(struct conn *c)
{
	conn_abort(b.w, c, CLOSE_STOP);
	output_flush_dirty(b.w);
	conn_reap(b.w);
	bed_end(&b);
}

/* A walk must count what the counters say. */
static void check_counters(void) ON_WORKER;
static void check_counters(void)
{
	uint64_t scores[STAT_SCORE_COUNT] = {0}, sum = 0, healthy = 0, suspects = 0, sick = 0;
	uint32_t ranks[HEALTH_RANKS] = {0}, index = 0;

	for (struct conn *c; (c = slab_next(&b.w->conns, &index)) != NULL;) {
		if (c->state != CONN_OPEN)
			continue;
		scores[c->score / 10]++;
		sum += c->score;
		healthy += c->score > 50;
		suspects += c->missed > 0;
		sick += c->score <= 50 || c->missed > 0;
		ranks[c->missed > 0 ? 0 : 1 + c->score / 10]++;
	}
	for (unsigned i = 0; i < STAT_SCORE_COUNT; i++)
		cr_expect_eq(stats_get(b.stats, STAT_SCORES + i), scores[i], "%u", i);
	cr_expect_eq(stats_get(b.stats, STAT_SCORE_SUM), sum);
	cr_expect_eq(stats_get(b.stats, STAT_HEALTHY), healthy);
	cr_expect_eq(stats_get(b.stats, STAT_SUSPECTS), suspects);
	cr_expect_eq(stats_get(b.stats, STAT_SICK), sick);
	cr_expect_eq(memcmp(b.w->ranks, ranks, sizeof(ranks)), 0);
}

/* Bring it to that score by the means there are. */
static void set_score(struct conn *c, unsigned score) ON_WORKER;
static void set_score(struct conn *c, unsigned score)
{
	health_end(b.w, c);
	health_begin(b.w, c);
	while (c->score > score)
		health_on_missed(b.w, c);
	if (c->missed > 0)
		health_resurrect(b.w, c);
	while (c->score < score)
		health_raise(b.w, c);
	cr_assert(c->score == score || c->score == score + 1);
}

Test(health, everybody_begins_at_the_best)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	cr_assert_eq(c->score, 100);
	cr_assert(health_is_good(c));
	cr_assert_not(health_is_suspect(c));
	check_counters();
	end(c);
}

/* Behaviour, 3: the table of events. */
Test(health, each_event_has_its_points)
{
	static const struct {
		const char *name;
		void (*event)(struct worker *w, struct conn *c);
		int points;
	} events[] = {
		{"pong", health_on_pong, 10},
		{"frame", health_on_frame, 2},
		{"missed", health_on_missed, -25},
		{"unwritten", health_on_unwritten, -25},
	};
	static const unsigned from[] = {0, 1, 10, 24, 25, 26, 50, 90, 91, 98, 99, 100};

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct conn *c = begin();

		for (size_t k = 0; k < ARRAY_LEN(from); k++) {
			int want;

			set_score(c, from[k]);
			want = c->score + events[i].points;
			want = want < 0 ? 0 : want > 100 ? 100 : want;
			events[i].event(b.w, c);
			cr_expect_eq(c->score, want, "%s from %u: %u", events[i].name, from[k],
			             c->score);
			check_counters();
		}
		end(c);
	}
}

Test(health, a_missed_pong_makes_a_suspect)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	health_on_missed(b.w, c);
	cr_assert_eq(c->missed, 1);
	cr_assert(health_is_suspect(c));
	cr_assert_eq(health_rank(c), 0);
	check_counters();
	health_on_missed(b.w, c);
	cr_assert_eq(c->missed, 2);
	cr_assert_not(health_is_good(c), "50 is not more than 50");
	check_counters();
	end(c);
	cr_assert_eq(stats_get(&(struct stats_block){0}, STAT_SICK), 0);
}

Test(health, resurrection_is_counted_once)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	keepalive_heard(b.w, c);
	cr_assert_eq(stats_get(b.stats, STAT_RESURRECTIONS), 0, "it was no suspect");
	health_on_missed(b.w, c);
	health_on_missed(b.w, c);
	keepalive_heard(b.w, c);
	cr_assert_eq(c->missed, 0);
	cr_assert_eq(c->score, 50, "life alone gives no points, its frame does");
	cr_assert_eq(stats_get(b.stats, STAT_RESURRECTIONS), 1);
	keepalive_heard(b.w, c);
	cr_assert_eq(stats_get(b.stats, STAT_RESURRECTIONS), 1);
	check_counters();
	end(c);
}

/* Half of the budget is the line, and nothing else moves the score of who does not read. */
Test(health, a_write_deadline_costs_points_over_half_of_the_queue)
{
	static const struct {
		uint32_t queued;
		unsigned score;
	} cases[] = {{100, 100}, {4000, 100}, {6000, 90}};
	static const uint8_t bytes[6000];

	role_enter(&role_worker);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conn *c = begin();

		b.w->view.limits.send_queue_bytes = 10000;
		cr_assert_eq(output_raw(b.w, c, bytes, cases[i].queued), 0);
		health_on_write_late(b.w, c);
		cr_expect_eq(c->score, cases[i].score, "%zu: %u", i, c->score);
		check_counters();
		end(c);
	}
}

/* What every frame of a peer does, through the real door. */
Test(health, frames_and_pongs_raise_it)
{
	static const uint8_t text[] = {0x81, 0x80, 0, 0, 0, 0};
	static const uint8_t ping[] = {0x89, 0x80, 0, 0, 0, 0};
	static const uint8_t pong[] = {0x8A, 0x80, 0, 0, 0, 0}; /* of no ping */
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	set_score(c, 50);
	cr_assert_eq(send(b.peers[0], text, sizeof(text), 0), sizeof(text));
	cr_assert_eq(send(b.peers[0], ping, sizeof(ping), 0), sizeof(ping));
	cr_assert_eq(send(b.peers[0], pong, sizeof(pong), 0), sizeof(pong));
	while (c->bytes_in < sizeof(text) + sizeof(ping) + sizeof(pong))
		cr_assert(worker_turn(b.w));
	cr_assert_eq(c->score, 56);
	cr_assert_eq(stats_get(b.stats, STAT_PONGS_UNMATCHED), 1);
	check_counters();
	end(c);
}

Test(health, who_is_closing_is_not_counted)
{
	struct conn *c;

	role_enter(&role_worker);
	c = begin();
	health_on_missed(b.w, c);
	conn_close(b.w, c, CLOSE_KICKED);
	check_counters();
	keepalive_heard(b.w, c);
	check_counters();
	cr_assert_eq(stats_get(b.stats, STAT_RESURRECTIONS), 0);
	end(c);
}
