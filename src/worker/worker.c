/* The worker's loop turn, in the order in which things happen. */
#include "worker/worker.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/rcu.h"
#include "worker/conn.h"
#include "worker/deadline.h"
#include "worker/input.h"
#include "worker/keepalive.h"
#include "worker/output.h"
#include "worker/serve.h"
#include "worker/tapper.h"

#define TOKEN_INBOX 0 /* never a live slab handle */

/* Bounds of one turn: nobody waits longer than this much of others' work. */
#define ITEMS_PER_TURN  1024
#define TIMERS_PER_TURN 1024

#define MIN_STALL_MS      100
#define MAX_SLEEP_MS      60000
#define LEAVE_STEP_MS     20   /* pace of a drain, and of looking at a stop */
#define TRIM_MS           1000 /* from the first memory that is freed to looking what may go */
#define PINGER_RESOLUTION 50   /* requests that wait for a pong are looked at this often [ms] */

/* ---- birth and death ---- */

int worker_init(struct worker *w, const struct worker_setup *setup)
{
	int err;

	role_enter(&role_worker); /* nobody else has it yet */
	*w = (struct worker){.is = *setup, .poll = -1};
	w->dirty.end = &w->dirty.first;
	w->crowd.end = &w->crowd.first;
	deliver_init(&w->delivery);
	list_init(&w->pingers);
	list_init(&w->ranks_asked);
	slab_init(&w->conns, sizeof(struct conn), UINT32_MAX);
	slab_init(&w->send_nodes, sizeof(struct send_node), UINT32_MAX);
	w->now_ms = os_now_ms();
	wheel_init(&w->wheel, w->now_ms);
	w->in = malloc(WORKER_READ_BYTES + WS_MAX_TAIL);
	w->out = malloc(WORKER_READ_BYTES);
	if (w->in == NULL || w->out == NULL) {
		err = WSMD_ENOMEM;
		goto fail_buffers;
	}
	err = registry_init(&w->registry, &setup->key, UINT32_MAX);
	if (err < 0)
		goto fail_buffers;
	err = recorders_init(&w->recorders, &setup->recorder, setup->n_workers);
	if (err < 0)
		goto fail_registry;
	err = w->poll = os_poll_new();
	if (err < 0)
		goto fail_recorders;
	err = inbox_init(&w->inbox, setup->inbox_items);
	if (err < 0)
		goto fail_poll;
	err = os_poll_add(w->poll, w->inbox.wake_fd, OS_READ, TOKEN_INBOX);
	if (err < 0)
		goto fail_inbox;
	return 0;

fail_inbox:
	inbox_fini(&w->inbox);
fail_poll:
	os_close(w->poll);
fail_recorders:
	recorders_fini(&w->recorders);
fail_registry:
	registry_fini(&w->registry);
fail_buffers:
	free(w->in);
	free(w->out);
	return err;
}

void worker_fini(struct worker *w)
{
	role_enter(&role_worker); /* its thread has ended */
	ASSERT(w->conns.in_use == 0);
	ASSERT(w->send_nodes.in_use == 0);
	ASSERT(w->wheel.armed == 0);
	inbox_fini(&w->inbox);
	os_close(w->poll);
	recorders_fini(&w->recorders);
	registry_fini(&w->registry);
	slab_fini(&w->conns);
	slab_fini(&w->send_nodes);
	rank_fini(&w->rank_memory);
	free(w->in);
	free(w->out);
}

/* ---- the parts of a turn ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t sleep_ms(const struct worker *w) ON_WORKER;
static uint32_t sleep_ms(const struct worker *w)
{
	uint32_t max = MAX_SLEEP_MS;

	if (w->again)
		return 0;
	if (w->untrimmed)
		max = TRIM_MS;
	if (w->leave.kind != LEAVE_NO && w->conns.in_use > 0)
		max = LEAVE_STEP_MS;
	else if (!list_empty(&w->pingers))
		max = PINGER_RESOLUTION;
	else if (w->conns.in_use > 0) /* a stall in a longer sleep would be taken for sleep */
		max = least(max, w->view.stall_ms);
	return wheel_sleep_ms(&w->wheel, w->now_ms, max);
}

/*
 * One that goes unnoticed, behind a sleep as long, leaves half of his shortest deadline to a peer.
 * An ordinary hiccup must not count, or with very tight deadlines the dead never die.
 */
static uint32_t stall_of(uint64_t shortest_ms)
{
	const uint64_t ms = shortest_ms / 4;

	return ms < MIN_STALL_MS ? MIN_STALL_MS : ms > MAX_SLEEP_MS ? MAX_SLEEP_MS : (uint32_t)ms;
}

void worker_note_deadline(struct worker *w, uint64_t shortest_ms)
{
	const uint32_t ms = stall_of(shortest_ms);

	if (w->own_stall_ms == 0 || ms < w->own_stall_ms)
		w->own_stall_ms = ms;
	w->view.stall_ms = least(w->view.stall_ms, ms);
}

static uint32_t stall_ms(const struct conf *c)
{
	const struct conf_heartbeat *h = &c->heartbeat;
	const uint32_t pong_ms = (uint32_t)(h->timeout_ms * h->grace_factor) - h->interval_ms;
	return stall_of(
		least(pong_ms, least(c->limits.write_timeout_ms, c->limits.message_timeout_ms)));
}

static void refresh_view(struct worker *w) ON_WORKER;
static void refresh_view(struct worker *w)
{
	if (!conf_cell_changed(w->is.conf, &w->conf_seen))
		return;
	rcu_enter();
	const struct conf *c = conf_cell_read(w->is.conf);

	w->view = (struct worker_view){
		.ws = {.max_message_bytes = c->limits.max_message_bytes,
	               .max_fragments = c->limits.max_fragments,
	               .control_burst = c->limits.control_frame_burst,
	               .control_per_s = c->limits.control_frames_per_s},
		.heartbeat = c->heartbeat,
		.limits = c->limits,
		.shutdown = c->shutdown,
		.drain = c->drain,
		.stall_ms = stall_ms(c),
	};
	if (w->own_stall_ms != 0)
		w->view.stall_ms = least(w->view.stall_ms, w->own_stall_ms);
	registry_configure(&w->registry, c);
	rcu_leave();
	w->rearm_at = 0;
}

static void on_item(struct worker *w, struct inbox_item *item) ON_WORKER;
static void on_item(struct worker *w, struct inbox_item *item)
{
	switch (item->kind) {
	case ITEM_HANDOFF:
		conn_open(w, CONTAINER_OF(item, struct handoff, item));
		break;
	case ITEM_REQUEST:
		serve_request(w, CONTAINER_OF(item, struct request, item));
		break;
	case ITEM_TAP:
		tapper_begin(w, CONTAINER_OF(item, struct tap, item));
		break;
	case ITEM_UNTAP:
		tapper_end(w, CONTAINER_OF(item, struct tap, item));
		break;
	case ITEM_DRAIN:
		leave_begin(w, LEAVE_DRAIN);
		break;
	case ITEM_STOP:
		leave_begin(w, LEAVE_STOP);
		break;
	case ITEM_CUT:
		leave_now(w);
		break;
	case ITEM_ADOPT:
	case ITEM_ASKED:
	case ITEM_CALL:
	case ITEM_TAPPED:
	case ITEM_ANSWER:
	case ITEM_STOPPED:
		UNREACHABLE(); /* a worker asks nobody, and adopts nobody */
	}
}

static void take_items(struct worker *w) ON_WORKER;
static void take_items(struct worker *w)
{
	const uint32_t depth = inbox_depth(&w->inbox);
	struct inbox_item *item;

	if (depth > stats_get(w->is.stats, STAT_INBOX_HIGH))
		stats_set(w->is.stats, STAT_INBOX_HIGH, depth);
	deliver_turn(w);
	for (int n = 0; n < ITEMS_PER_TURN && !deliver_spent(&w->delivery); n++) {
		item = inbox_take(&w->inbox, &w->again);
		if (item == NULL)
			return;
		on_item(w, item);
	}
	w->again = true;
}

static void on_event(struct worker *w, const struct os_event *ev) ON_WORKER;
static void on_event(struct worker *w, const struct os_event *ev)
{
	struct conn *c;

	if (ev->token == TOKEN_INBOX) {
		inbox_woken(&w->inbox);
		return;
	}
	c = slab_get(&w->conns, ev->token);
	if (c == NULL || c->state == CONN_CLOSED)
		return; /* it ended earlier in this turn */
	if (ev->events & OS_WRITE)
		output_flush(w, c);
	if (ev->events & OS_READ && c->state != CONN_CLOSED)
		input_readable(w, c);
	else if (ev->events & (OS_ERROR | OS_HANGUP))
		conn_abort(w, c, CLOSE_RESET);
}

/*
 * After a stall every timer is late, and so is the reading of what would have kept them quiet.
 * So timers wait until everybody who has something to say was read once: as many turns with a
 * full batch of events as it takes to visit all connections.
 */
static bool timers_may_fire(struct worker *w, int n_events) ON_WORKER;
static bool timers_may_fire(struct worker *w, int n_events)
{
	if (n_events == WORKER_EVENTS && w->full_batches <= w->conns.in_use / WORKER_EVENTS) {
		w->full_batches++;
		return false;
	}
	w->full_batches = 0;
	return true;
}

static void fire_timers(struct worker *w) ON_WORKER;
static void fire_timers(struct worker *w)
{
	struct timer *t;

	wheel_advance(&w->wheel, w->now_ms);
	for (int n = 0; n < TIMERS_PER_TURN && (t = wheel_pop(&w->wheel)) != NULL; n++)
		deadline_fire(w, CONTAINER_OF(t, struct conn, timer));
	keepalive_expire_requests(w);
}

/*
 * Stopped, starved or suspended: then perhaps the peers were so too, and what they have sent is
 * not read yet. Their deadlines begin anew; after a mere hiccup only those that close nobody.
 */
static void note_time(struct worker *w, uint64_t expected_ms) ON_WORKER;
static void note_time(struct worker *w, uint64_t expected_ms)
{
	w->began_us = os_now_us();
	w->now_ms = w->began_us / US_PER_MS;
	if (w->now_ms > expected_ms + w->view.stall_ms)
		w->resumed_ms = w->now_ms;
	if (w->now_ms > expected_ms + MIN_STALL_MS)
		w->late_ms = w->now_ms;
}

/* ---- what the statistics learn of a turn ---- */

static void tell_pool(struct worker *w, enum pool pool, const struct slab *s) ON_WORKER;
static void tell_pool(struct worker *w, enum pool pool, const struct slab *s)
{
	stats_set(w->is.stats, STAT_POOL_IN_USE + (unsigned)pool, s->in_use);
	stats_set(w->is.stats, STAT_POOL_ROOM + (unsigned)pool, slab_room(s));
	stats_set(w->is.stats, STAT_POOL_REUSED + (unsigned)pool, s->reused);
}

static void tell_each_pool(struct worker *w) ON_WORKER;
static void tell_each_pool(struct worker *w)
{
	tell_pool(w, POOL_CONNS, &w->conns);
	tell_pool(w, POOL_SESSIONS, &w->registry.sessions);
	tell_pool(w, POOL_MEMBERSHIPS, &w->registry.memberships);
	tell_pool(w, POOL_SEND_NODES, &w->send_nodes);
}

static void tell_pools(struct worker *w) ON_WORKER;
static void tell_pools(struct worker *w)
{
	const struct registry *r = &w->registry;
	const uint32_t changes = w->conns.changes + r->sessions.changes + r->memberships.changes +
	                         w->send_nodes.changes;

	if (changes == w->pools_seen)
		return;
	w->pools_seen = changes;
	worker_untrimmed(w);
	tell_each_pool(w);
}

/* After a peak memory goes back. Not at once, unless it is short: the next peak may be the next
 * turn's. */
static void trim(struct worker *w) ON_WORKER;
static void trim(struct worker *w)
{
	if (!w->untrimmed ||
	    (w->now_ms - w->untrimmed_ms < TRIM_MS && !pressure_full(w->is.pressure)))
		return;
	w->untrimmed = false;
	slab_trim(&w->conns);
	slab_trim(&w->send_nodes);
	registry_trim(&w->registry);
	recorders_trim(&w->recorders);
	os_memory_trim_thread();
	tell_each_pool(w);
}

/* From waking up to here: how long somebody had to wait for his turn. */
static void tell_turn(struct worker *w) ON_WORKER;
static void tell_turn(struct worker *w)
{
	struct stats_block *b = w->is.stats;
	const uint64_t us = os_now_us() - w->began_us;

	stats_add(b, STAT_TURNS, 1);
	stats_add(b, STAT_TURN_SUM_US, us);
	stats_add(b, STAT_TURN_TIME + ladder_step(us), 1);
	if (us > stats_get(b, STAT_TURN_MAX_US))
		stats_set(b, STAT_TURN_MAX_US, us);
}

bool worker_turn(struct worker *w)
{
	const uint32_t sleep = sleep_ms(w);
	const int n = os_poll_wait(w->poll, w->events, WORKER_EVENTS, sleep);

	note_time(w, w->now_ms + sleep);
	w->again = false;
	w->extra_bytes = WORKER_EXTRA_BYTES;
	refresh_view(w);
	for (int i = 0; i < n; i++)
		on_event(w, &w->events[i]);
	take_items(w);
	deadline_rearm_some(w);
	if (timers_may_fire(w, n))
		fire_timers(w);
	else
		w->again = true;
	shed_step(w);
	rank_step(w);
	leave_step(w);
	output_flush_dirty(w);
	conn_reap(w);
	tell_pools(w);
	trim(w);
	tell_turn(w);
	return !leave_done(w) || !list_empty(&w->ranks_asked) || w->delivery.resting != NULL;
}

void worker_ended(struct worker *w)
{
	w->stopped.item.kind = ITEM_STOPPED;
	inbox_push_always(w->is.to_main, &w->stopped.item);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;

	role_enter(&role_worker);
	log_use(w->is.log);
	rcu_thread_enter();
	while (worker_turn(w))
		;
	rcu_thread_leave();
	worker_ended(w);
	return NULL;
}
