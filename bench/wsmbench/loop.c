/* The thread body: open what is wanted, let the mode act, wait, hand out events. */
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/err.h"
#include "client.h"
#include "clock.h"

#define WAKE_TOKEN  UINT64_MAX
#define TIMER_TOKEN (UINT64_MAX - 1)

#define MAX_EVENTS      256
#define STEP_TIMEOUT_NS (5 * NS_PER_S) /* from connect() to 101, and from goodbye to the end */
#define LOOK_MS         100            /* how often deadlines are looked at */
#define SCRATCH_BYTES   (64 * 1024)

uint32_t loop_mask_key(struct loop *l)
{
	/* xorshift: masking shall be unpredictable to intermediaries; here there are none */
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return (uint32_t)(l->random >> 32);
}

static int open_descriptors(struct loop *l)
{
	int rc = 0;

	l->poll = os_poll_new();
	l->wake = os_wake_new();
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->poll < 0 || l->wake < 0 || l->timer < 0)
		return -EMFILE;
	rc = os_poll_add(l->poll, l->wake, OS_READ, WAKE_TOKEN);
	return rc != 0 ? rc : os_poll_add(l->poll, l->timer, OS_READ, TIMER_TOKEN);
}

int loop_init(struct loop *l, struct run *r, uint32_t index)
{
	const struct options *const o = r->options;
	const size_t frame = (size_t)o->size_bytes + WS_MAX_TAIL;

	l->run = r;
	l->index = index;
	l->n_clients = (uint32_t)loop_share(o->connections, r, index);
	l->opening_max =
		r->mode->reopens ? l->n_clients : (uint32_t)loop_share(o->in_flight, r, index);
	l->opening_max = l->opening_max ? l->opening_max : 1;
	l->source = index;
	l->wake_ns = NEVER_NS;
	l->poll = l->wake = l->timer = -1;
	l->limits = (struct ws_limits){.max_message_bytes = 32 << 20, .max_fragments = 1 << 20};
	list_init(&l->ready);
	list_init(&l->pending);
	os_random(&l->random, sizeof(l->random));
	l->random |= 1; /* xorshift never leaves zero */
	l->scratch_cap = frame > SCRATCH_BYTES ? frame : SCRATCH_BYTES;
	l->in = malloc(WS_MAX_TAIL + LOOP_READ_BYTES);
	l->scratch = malloc(l->scratch_cap);
	l->clients = calloc(l->n_clients, sizeof(*l->clients));
	if (!l->in || !l->scratch || !l->clients)
		return WSMD_ENOMEM;
	for (uint32_t i = 0; i < l->n_clients; i++)
		client_init(&l->clients[i], l, index + i * r->n_loops);
	return open_descriptors(l);
}

void loop_fini(struct loop *l)
{
	free(l->in);
	free(l->scratch);
	free(l->clients);
	if (l->poll >= 0)
		os_close(l->poll);
	if (l->wake >= 0)
		os_close(l->wake);
	if (l->timer >= 0)
		os_close(l->timer);
}

static void open_more(struct loop *l)
{
	const uint32_t target =
		atomic_load_explicit(&l->run->target, memory_order_relaxed); /* grows only */
	const bool endless = l->run->mode->reopens;
	const uint64_t mine = loop_share(target, l->run, l->index);

	while ((endless || l->opened < mine) && l->opening < l->opening_max &&
	       !list_empty(&l->ready) && l->failed_in_a_row < LOOP_GIVE_UP) {
		l->opened++;
		client_open(list_entry(l->ready.next, struct client, link));
	}
}

/* All wait equally long, so the oldest is the first. */
static void expire(struct loop *l)
{
	const uint64_t now_ns = clock_now_ns();

	while (!list_empty(&l->pending)) {
		struct client *const c = list_entry(l->pending.next, struct client, link);

		if (now_ns - c->since_ns < STEP_TIMEOUT_NS)
			return;
		client_fail(c, FAILURE_TIMEOUT, "connection %u: no answer in %llu s to %s",
		            c->number, (unsigned long long)(STEP_TIMEOUT_NS / NS_PER_S),
		            c->state == CLIENT_CLOSING ? "a close frame" : "an opening handshake");
	}
}

static void leave_all(struct loop *l)
{
	for (uint32_t i = 0; i < l->n_clients; i++) {
		struct client *const c = &l->clients[i];

		if (c->state == CLIENT_OPEN)
			MODE_CALL(l->run->mode, on_leave, c);
		if (c->state == CLIENT_OPEN)
			client_leave(c);
		else if (c->state != CLIENT_CLOSING)
			client_drop(c);
	}
}

/* Tell the main thread when something has changed that it may be waiting for. */
static void report(struct loop *l, enum phase phase, uint64_t *last)
{
	const bool steady = l->run->mode->reopens && phase < PHASE_CLOSE; /* comes and goes */
	const bool empty = GAUGE_GET(l->gauges.closed) == l->n_clients && !steady;
	const bool gave_up = l->failed_in_a_row >= LOOP_GIVE_UP && l->opening == 0;
	const bool settled = l->opening == 0 && !steady;
	const uint64_t now = (uint64_t)empty | (uint64_t)GAUGE_GET(l->gauges.quiet) << 1 |
	                     (uint64_t)gave_up << 2 | (settled ? (uint64_t)l->opened + 1 : 0) << 3;

	if (now == *last)
		return;
	*last = now;
	atomic_store_explicit(&l->gauges.gave_up, gave_up, memory_order_relaxed);
	os_wake(l->run->wake);
}

/* How long to wait; arms the timer for what is due sooner than milliseconds can say. */
static uint32_t patience_ms(struct loop *l)
{
	struct itimerspec at = {0};

	if (l->wake_ns == NEVER_NS)
		return LOOK_MS;
	if (l->wake_ns <= clock_now_ns())
		return 0;
	at.it_value.tv_sec = (time_t)(l->wake_ns / NS_PER_S);
	at.it_value.tv_nsec = (long)(l->wake_ns % NS_PER_S);
	(void)timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL); /* valid by construction */
	return LOOK_MS;
}

static void hand_out(struct loop *l, const struct os_event *ev)
{
	struct client *c;

	if (ev->token == WAKE_TOKEN) {
		os_wake_clear(l->wake);
	} else if (ev->token == TIMER_TOKEN) {
		os_wake_clear(l->timer); /* reads alike */
	} else if (ev->token == LOOP_CONTROL_TOKEN) {
		MODE_CALL(l->run->mode, on_control, l, ev->events);
	} else {
		c = &l->clients[(uint32_t)ev->token];
		if (c->generation == ev->token >> 32)
			client_event(c, ev->events);
	}
}

static void *loop_body(void *arg)
{
	struct loop *const l = arg;
	struct os_event events[MAX_EVENTS];
	enum phase seen = PHASE_OPEN;
	uint64_t told = 0, looked_ns = 0;

	for (;;) {
		const enum phase phase = loop_phase(l);

		if (phase == PHASE_END)
			return NULL;
		if (phase == PHASE_CLOSE && seen != PHASE_CLOSE)
			leave_all(l);
		seen = phase;
		if (phase <= PHASE_LOAD)
			open_more(l);
		MODE_CALL(l->run->mode, turn, l);
		if (clock_now_ns() - looked_ns > LOOK_MS * NS_PER_MS) {
			looked_ns = clock_now_ns();
			expire(l);
		}
		report(l, phase, &told);
		const int n = os_poll_wait(l->poll, events, MAX_EVENTS, patience_ms(l));

		for (int i = 0; i < n; i++)
			hand_out(l, &events[i]);
	}
}

int loop_start(struct loop *l)
{
	char name[16];

	snprintf(name, sizeof(name), "loop-%u", l->index);
	return os_thread_start(&l->thread, name, loop_body, l);
}
