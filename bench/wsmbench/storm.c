/*
 * A reconnect storm: every connection ends, every client comes back, and the time until each of
 * them has an echo again is measured.
 *
 * Who cuts: wsmbench, with a reset of every connection, or whoever ends the server's process or
 * drains it (--server-cuts). A client comes back at once, or when the server has said so
 * (Retry-After behind a refusal, retry_ms in a close reason); when it was refused without such a
 * hint, after RETRY_MS. --jitter adds a time of its own to each of these. Before the cut, while all
 * connect for the first time, a client that is told to come later does so; all else is an error.
 */
#include "storm.h"

#include <stdlib.h>

#include "base/err.h"
#include "clock.h"
#include "echo.h"
#include "loop.h"
#include "ws/frame.h"

#define RETRY_MS 1000

static struct victim *victim_of(const struct client *c)
{
	const struct storm *const s = c->loop->mode_state;

	return &s->victims[c - c->loop->clients];
}

static uint64_t now_ms(void)
{
	return clock_now_ns() / NS_PER_MS;
}

static int storm_start(struct loop *l)
{
	struct storm *const s = calloc(1, sizeof(*s));

	if (!s)
		return WSMD_ENOMEM;
	l->mode_state = s;
	list_init(&s->at_once);
	wheel_init(&s->waiting, now_ms());
	s->victims = calloc(l->n_clients, sizeof(*s->victims));
	if (!s->victims)
		return WSMD_ENOMEM;
	for (uint32_t i = 0; i < l->n_clients; i++)
		timer_init(&s->victims[i].timer);
	return 0;
}

static void storm_stop(struct loop *l)
{
	struct storm *const s = l->mode_state;

	if (s)
		free(s->victims);
	free(s);
}

/* ---- going down ---- */

/* Only what happens between the cut and the end is the storm's; all else is as in other modes. */
static bool is_raging(const struct client *c)
{
	return loop_phase(c->loop) == PHASE_LOAD && victim_of(c)->takes_part;
}

static void go_down(struct client *c)
{
	struct storm *const s = c->loop->mode_state;
	struct victim *const v = victim_of(c);

	v->down_ns = clock_now_ns();
	if (s->first_down_ns == 0)
		s->first_down_ns = v->down_ns;
	if (v->cuts++ == 0)
		s->n_cut++;
	else
		s->cut_again++;
	GAUGE_ADD(c->loop->gauges.waiting, 1);
}

static void count_refusal(struct storm *s, const struct client_end *e)
{
	s->n_refused++;
	if (e->cause == FAILURE_STATUS)
		tally_add_number(&s->refusals, e->number, 1);
	else
		tally_add(&s->refusals, failure_key(e->cause), 1);
}

/* Not here yet, but on the way. */
static void set_asked_later(struct client *c, bool asked)
{
	struct victim *const v = victim_of(c);

	if (v->asked_later != asked)
		GAUGE_ADD(c->loop->gauges.waiting, asked ? 1 : -1u);
	v->asked_later = asked;
}

/* An end that a storm brings with it. What the server says wrongly is an error here too. */
static bool storm_on_end(struct client *c, const struct client_end *e)
{
	struct storm *const s = c->loop->mode_state;
	struct victim *const v = victim_of(c);
	const bool is_fault = e->cause == FAILURE_PROTOCOL || e->cause == FAILURE_CONTENT ||
	                      e->cause == FAILURE_ORDER || e->cause == FAILURE_MEMORY;

	v->retry_ms = e->retry_ms;
	if (loop_phase(c->loop) == PHASE_OPEN) {
		set_asked_later(c, e->cause == FAILURE_STATUS && e->retry_ms > 0);
		return v->asked_later;
	}
	if (v->takes_part && loop_phase(c->loop) > PHASE_LOAD)
		return !is_fault; /* lost again when nobody counts any more */
	if (!is_raging(c))
		return false;
	if (c->state == CLIENT_CONNECTING || c->state == CLIENT_ASKING) {
		count_refusal(s, e);
		v->was_refused = true;
	} else if (c->state == CLIENT_OPEN) {
		if (e->cause == FAILURE_CLOSED)
			tally_add_number(&s->cuts, e->number, 1);
		else
			tally_add(&s->cuts, failure_key(e->cause), 1);
		if (v->down_ns == 0)
			go_down(c);
	}
	return !is_fault;
}

/* ---- coming back ---- */

static uint64_t jitter_ms(struct loop *l)
{
	const double share = (double)loop_mask_key(l) / ((double)UINT32_MAX + 1);

	return (uint64_t)(l->run->options->jitter_s * 1e3 * share);
}

static void storm_on_closed(struct client *c)
{
	struct storm *const s = c->loop->mode_state;
	struct victim *const v = victim_of(c);
	uint64_t after_ms;

	if (!is_raging(c) && !v->asked_later)
		return;
	after_ms = v->retry_ms ? v->retry_ms : v->was_refused ? RETRY_MS : 0;
	after_ms += jitter_ms(c->loop);
	v->retry_ms = 0;
	v->was_refused = false;
	if (after_ms == 0)
		list_append(&s->at_once, &c->link);
	else
		wheel_arm(&s->waiting, &v->timer, now_ms() + after_ms);
}

static void come_back(struct client *c)
{
	struct storm *const s = c->loop->mode_state;

	s->attempts += is_raging(c);
	client_open(c);
}

static void storm_on_open(struct client *c)
{
	uint8_t frame[WS_MAX_HEADER + STORM_MESSAGE_BYTES];

	set_asked_later(c, false);
	if (!is_raging(c))
		return;
	(void)client_write(c, frame, echo_append_message(c, frame)); /* a failure is told there */
	c->sent++;
}

static void storm_on_message(struct client *c, const struct ws_event *ev, uint64_t now_ns)
{
	struct victim *const v = victim_of(c);

	if (!echo_check(c, ev))
		return;
	c->answered++;
	histogram_record(&c->loop->latency, now_ns - v->down_ns);
	v->down_ns = 0;
	v->up_ns = now_ns;
	GAUGE_ADD(c->loop->gauges.waiting, -1u);
	GAUGE_ADD(c->loop->gauges.done, 1);
}

/* ---- the loop ---- */

/* Who is open now takes part. Nobody comes back before everybody is cut. */
static void begin(struct loop *l)
{
	struct storm *const s = l->mode_state;

	s->has_begun = true;
	for (uint32_t i = 0; i < l->n_clients; i++) {
		struct client *const c = &l->clients[i];

		s->victims[i].takes_part = c->state == CLIENT_OPEN;
		s->n_victims += c->state == CLIENT_OPEN;
		if (c->state == CLIENT_OPEN && !l->run->options->server_cuts) {
			tally_add(&s->cuts, "reset by wsmbench", 1);
			go_down(c);
			client_drop(c);
		}
	}
}

/* Main waits for the first that is cut, and for the last that is back. */
static void tell_main(struct loop *l)
{
	struct storm *const s = l->mode_state;
	const bool waiting = GAUGE_GET(l->gauges.waiting) > 0;

	atomic_store_explicit(&l->gauges.quiet,
	                      s->has_begun && s->n_cut == s->n_victims && !waiting,
	                      memory_order_relaxed);
	if (waiting == s->is_waiting)
		return;
	s->is_waiting = waiting;
	os_wake(l->run->wake);
}

static void storm_turn(struct loop *l)
{
	struct storm *const s = l->mode_state;
	struct timer *t;

	l->wake_ns = NEVER_NS;
	if (loop_phase(l) > PHASE_LOAD)
		return;
	if (loop_phase(l) == PHASE_LOAD && !s->has_begun)
		begin(l);
	wheel_advance(&s->waiting, now_ms());
	while ((t = wheel_pop(&s->waiting)))
		come_back(&l->clients[CONTAINER_OF(t, struct victim, timer) - s->victims]);
	while (!list_empty(&s->at_once))
		come_back(list_entry(s->at_once.next, struct client, link));
	if (s->waiting.armed > 0)
		l->wake_ns = clock_now_ns() +
		             NS_PER_MS * wheel_sleep_ms(&s->waiting, now_ms(), RETRY_MS);
	tell_main(l);
}

const struct mode mode_storm = {
	.done_means = "back",
	.waiting_means = "without service",
	.start = storm_start,
	.on_open = storm_on_open,
	.on_message = storm_on_message,
	.on_end = storm_on_end,
	.on_closed = storm_on_closed,
	.turn = storm_turn,
	.conduct = storm_conduct,
	.tell = storm_tell,
	.stop = storm_stop,
};
