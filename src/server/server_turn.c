/* The main thread: control sessions, statistics, and the order in which things end. */
#include "server/server_turn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rcu.h"
#include "server/ask.h"
#include "server/call.h"
#include "server/control.h"
#include "server/keys.h"
#include "server/server.h"
#include "server/taps.h"

#define PUBLISH_MS   1000 /* age at which statistics are summed anew */
#define ITEMS_A_TURN 1024
#define EVENTS       64

/* ---- statistics ---- */

void server_publish_stats(struct server *s)
{
	struct stats_snapshot *now = calloc(1, sizeof(*now));

	/* Both, so that the age of what was published never lies in the future. */
	s->now_ms = s->published_ms = os_now_ms();
	if (now == NULL)
		return; /* the last one stays for another second */
	now->uptime_ms = s->published_ms - s->started_ms;
	now->memory_bytes = os_memory_used();
	now->connections_limit = server_connections_limit(s);
	now->n_workers = s->n_workers;
	for (uint32_t i = 0; i < s->n_blocks; i++)
		stats_sum(now->sum, &s->blocks[i]);
	stats_settle(now->sum);
	for (uint32_t i = 0; i < s->n_workers; i++) {
		const struct stats_block *b = &s->blocks[1 + i];

		now->worker[i].turns = stats_get(b, STAT_TURNS);
		now->worker[i].inbox_depth = inbox_depth(s->worker_inboxes[i]);
		for (unsigned k = 0; k < STAT_OF_WORKER_COUNT; k++)
			now->worker[i].value[k] = stats_get(b, STAT_OF_WORKER + k);
		for (unsigned p = 0; p < PROTOCOL_TYPE_COUNT; p++)
			now->worker[i].connections += stats_get(b, STAT_PROTOCOL_NOW + p);
	}
	stats_cell_publish(&s->snapshot, now);
}

/* Housekeeping: a line that says how things are, for who reads the log a week later. */
static void log_summary(struct server *s) ON_MAIN;
static void log_summary(struct server *s)
{
	struct stats_snapshot *now = malloc(sizeof(*now));
	struct log_line l;

	s->summary_ms = s->now_ms;
	if (now != NULL && stats_cell_read(&s->snapshot, now) &&
	    log_begin(&l, LOG_INFO, "summary")) {
		log_u64(&l, "connections", now->sum[STAT_CONNECTIONS_ACTIVE]);
		log_u64(&l, "users", now->sum[STAT_USERS_ACTIVE]);
		log_u64(&l, "connections_total", now->sum[STAT_CONNECTIONS_TOTAL]);
		log_u64(&l, "messages_in", now->sum[STAT_MESSAGES_IN]);
		log_u64(&l, "messages_out", now->sum[STAT_MESSAGES_OUT]);
		log_u64(&l, "dropped_dead", now->sum[STAT_DROPPED_DEAD]);
		log_u64(&l, "memory_bytes", now->memory_bytes);
		log_end(&l);
	}
	free(now);
}

/* ---- ending ---- */

static void order(struct server *s, uint32_t first, uint32_t n, enum item_kind kind) ON_MAIN;
static void order(struct server *s, uint32_t first, uint32_t n, enum item_kind kind)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct server_thread *t = &s->threads[i];
		struct order *o = kind == ITEM_STOP    ? &t->stop
		                  : kind == ITEM_DRAIN ? &t->drain
		                                       : &t->cut;

		o->item.kind = kind;
		inbox_push_always(t->inbox, &o->item);
	}
}

void server_drain(struct server *s)
{
	if (s->draining || s->phase != SERVER_RUNNING)
		return;
	s->draining = true;
	log_event(LOG_INFO, "draining", "no newcomers; closing %u connections a second",
	          server_conf(s)->drain.rate_per_s);
	order(s, 0, 1 + s->n_workers, ITEM_DRAIN);
}

void server_stop(struct server *s)
{
	if (s->phase != SERVER_RUNNING)
		return;
	log_event(LOG_INFO, "stopping", "everybody has %u ms",
	          server_conf(s)->shutdown.deadline_ms);
	gate_close(&s->gate);
	s->phase = SERVER_CLOSING_GATE;
}

/* Behind the others in a turn: from then on nobody pushes but the server itself. */
static void close_gate(struct server *s) ON_MAIN;
static void close_gate(struct server *s)
{
	if (s->phase != SERVER_CLOSING_GATE || !gate_empty(&s->gate))
		return;
	s->phase = SERVER_STOPPING_ACCEPTOR;
	order(s, 0, 1, ITEM_STOP);
}

static void cut(struct server *s) ON_MAIN;
static void cut(struct server *s)
{
	server_stop(s);
	if (s->cutting)
		return;
	log_event(LOG_WARNING, "cut", "whoever is still there is cut off");
	s->cutting = true;
	if (s->phase == SERVER_STOPPING_WORKERS)
		order(s, 1, s->n_workers, ITEM_CUT);
}

static void on_thread_ended(struct server *s, const struct inbox_item *item) ON_MAIN;
static void on_thread_ended(struct server *s, const struct inbox_item *item)
{
	bool all = true;

	if (s->phase == SERVER_STOPPING_ACCEPTOR) {
		s->threads[0].stopped = true;
		s->phase = SERVER_STOPPING_WORKERS;
		order(s, 1, s->n_workers, ITEM_STOP);
		if (s->cutting)
			order(s, 1, s->n_workers, ITEM_CUT);
		return;
	}
	for (uint32_t i = 0; i < s->n_workers; i++) {
		if (item == &s->workers[i].stopped.item) {
			s->threads[1 + i].stopped = true;
			s->cut |= s->workers[i].stopped.connections_cut > 0;
			taps_worker_ended(s, i);
		}
		all = all && s->threads[1 + i].stopped;
	}
	if (all)
		s->phase = SERVER_ENDED;
}

/* ---- the turn ---- */

static void reload_unasked(struct server *s) ON_MAIN;
static void reload_unasked(struct server *s)
{
	struct conf_faults faults = {0};

	(void)!server_reload(s, &faults, NULL, NULL); /* the log has it all */
	conf_faults_fini(&faults);
}

void server_want(struct server *s, uint32_t wants)
{
	/* Relaxed: the bits say all there is, and the wake follows. */
	atomic_fetch_or_explicit(&s->wants, wants, memory_order_relaxed);
	inbox_wake(&s->inbox);
}

static void do_wanted(struct server *s) ON_MAIN;
static void do_wanted(struct server *s)
{
	uint32_t wants = atomic_load_explicit(&s->wants, memory_order_relaxed);

	if (wants == 0)
		return;
	wants = atomic_exchange_explicit(&s->wants, 0, memory_order_relaxed);
	if (wants & SERVER_WANT_RELOAD)
		reload_unasked(s);
	if (wants & SERVER_WANT_DRAIN)
		server_drain(s);
	if (wants & SERVER_WANT_STOP)
		server_stop(s);
	if (wants & SERVER_WANT_CUT)
		cut(s);
}

static void on_item(struct server *s, struct inbox_item *item) ON_MAIN;
static void on_item(struct server *s, struct inbox_item *item)
{
	struct request *r;

	switch (item->kind) {
	case ITEM_ANSWER:
		r = CONTAINER_OF(item, struct request, item);
		if (r->from_program)
			ask_on_answer(s, r);
		else
			control_on_answer(s, r);
		break;
	case ITEM_ASKED:
		ask_on_item(s, CONTAINER_OF(item, struct ask, item));
		break;
	case ITEM_TAP:
		taps_on_begun(s, CONTAINER_OF(item, struct tap, item));
		break;
	case ITEM_UNTAP:
		taps_on_ended(s, CONTAINER_OF(item, struct tap, item));
		break;
	case ITEM_TAPPED:
		taps_on_event(s, CONTAINER_OF(item, struct tap_event, item));
		break;
	case ITEM_CALL:
		call_run(s, CONTAINER_OF(item, struct call, item));
		break;
	default:
		on_thread_ended(s, item);
	}
}

static void on_items(struct server *s) ON_MAIN;
static void on_items(struct server *s)
{
	struct inbox_item *item;

	for (int n = 0; n < ITEMS_A_TURN; n++) {
		item = inbox_take(&s->inbox, &s->again);
		if (item == NULL)
			return;
		on_item(s, item);
	}
	s->again = true;
}

static uint32_t sleep_ms(const struct server *s) ON_MAIN;
static uint32_t sleep_ms(const struct server *s)
{
	const uint64_t age = s->now_ms - s->published_ms;

	if (s->again)
		return 0;
	if (s->phase == SERVER_CLOSING_GATE)
		return 1; /* who is inside leaves soon, and does not say so */
	const uint32_t publish = age < PUBLISH_MS ? (uint32_t)(PUBLISH_MS - age) : 0;
	const uint32_t look = memory_sleep_ms(s);

	return publish < look ? publish : look;
}

bool server_turn(struct server *s)
{
	struct os_event events[EVENTS];
	const int n = os_poll_wait(s->poll, events, EVENTS, sleep_ms(s));
	bool newcomer = false;

	s->now_ms = os_now_ms();
	s->again = false;
	for (int i = 0; i < n; i++) {
		switch (events[i].token) {
		case SERVER_TOKEN_CONTROL:
			newcomer = true;
			break;
		case SERVER_TOKEN_INBOX:
			inbox_woken(&s->inbox);
			break;
		default:
			control_on_event(s, &events[i]);
		}
	}
	/* Behind the others: who has spoken is busy by now, and keeps his place. */
	if (newcomer)
		control_accept(s);
	on_items(s);
	control_settle_answered(s);
	do_wanted(s);
	close_gate(s);
	memory_step(s);
	keys_watch(s);
	if (s->now_ms - s->published_ms >= PUBLISH_MS) {
		server_publish_stats(s);
		control_wake(s);
	}
	if (s->now_ms - s->summary_ms >= server_conf(s)->heartbeat.housekeeping_ms)
		log_summary(s);
	return s->phase != SERVER_ENDED;
}
