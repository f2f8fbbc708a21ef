/* The acceptor's loop turn: accept, pause when the machine is short, end. */
#include "accept/acceptor.h"

#include <errno.h>

#include "accept/admission.h"
#include "base/err.h"
#include "base/rcu.h"
#include "shard/handoff.h"

/* Tokens of the poll: half-open sockets by slab handle, which is above 2^32 or has an odd low
 * half; listeners and the inbox by even numbers below. */
#define TOKEN_INBOX       0
#define TOKEN_LISTENER(i) (2 * ((uint64_t)(i) + 1))

#define ACCEPTS_PER_TURN 64
#define TIMERS_PER_TURN  1024
#define ITEMS            1024 /* orders and adopted sockets that may wait */
#define MAX_SLEEP_MS     60000
#define REFUSAL_FDS      16 /* descriptors beyond those of connections, to say no with */

/* Sockets of one address that may be open at once to be told that it has too many connections,
 * however few it may have. */
#define REFUSALS_PER_ADDRESS 16

#define PAUSE_MS 500 /* rest of the listeners when descriptors or memory run out */

/* ---- birth and death ---- */

static int watch_listeners(struct acceptor *a) ON_ACCEPTOR;
static int watch_listeners(struct acceptor *a)
{
	for (uint32_t i = 0; i < a->is.n_listeners; i++) {
		const int err =
			os_poll_add(a->poll, a->is.listeners[i].fd, OS_READ, TOKEN_LISTENER(i));

		if (err < 0)
			return err;
	}
	return 0;
}

static void unwatch_listeners(struct acceptor *a) ON_ACCEPTOR;
static void unwatch_listeners(struct acceptor *a)
{
	for (uint32_t i = 0; i < a->is.n_listeners; i++)
		os_poll_remove(a->poll, a->is.listeners[i].fd);
}

int acceptor_init(struct acceptor *a, const struct acceptor_setup *setup)
{
	int err;

	role_enter(&role_acceptor); /* nobody else has it yet */
	*a = (struct acceptor){.is = *setup};
	slab_init(&a->half_open, sizeof(struct half_open), UINT32_MAX);
	list_init(&a->by_age);
	a->now_ms = os_now_ms();
	wheel_init(&a->wheel, a->now_ms);
	err = a->poll = os_poll_new();
	if (err < 0)
		return err;
	err = inbox_init(&a->inbox, ITEMS);
	if (err < 0)
		goto fail_poll;
	err = os_poll_add(a->poll, a->inbox.wake_fd, OS_READ, TOKEN_INBOX);
	if (err < 0)
		goto fail_inbox;
	err = watch_listeners(a);
	if (err < 0)
		goto fail_inbox;
	return 0;

fail_inbox:
	inbox_fini(&a->inbox);
fail_poll:
	os_close(a->poll);
	return err;
}

void acceptor_fini(struct acceptor *a)
{
	role_enter(&role_acceptor); /* its thread has ended */
	ASSERT(a->half_open.in_use == 0);
	ASSERT(a->wheel.armed == 0);
	keyring_release(a->keys);
	inbox_fini(&a->inbox);
	os_close(a->poll);
	slab_fini(&a->half_open);
}

/* ---- accepting ---- */

/*
 * Room for one more half-open socket. When there is none the oldest goes: whoever is slow on
 * purpose is old, whoever is honest is quick. Descriptors are counted too, because at the
 * limit of the process main could not answer its control socket.
 */
static void make_room(struct acceptor *a) ON_ACCEPTOR;
static void make_room(struct acceptor *a)
{
	const bool crowded = a->half_open.in_use >= a->view.limits.max_half_open;
	struct half_open *oldest;

	if (list_empty(&a->by_age) || (!crowded && admission_connections(a) + a->half_open.in_use <
	                                                   a->is.fd_limit + REFUSAL_FDS))
		return;
	oldest = list_entry(a->by_age.next, struct half_open, by_age);
	if (oldest->state == HALF_OPEN_READING)
		admission_drop(a, oldest, crowded ? REFUSE_HALF_OPEN : REFUSE_CONNECTIONS);
	else
		admission_forget(a, oldest); /* answered, and taking its time to leave */
}

/* An address at its limit is told so, but not by any number of sockets at once. */
static bool crowds(const struct acceptor *a, const struct net_addr *peer) ON_ACCEPTOR;
static bool crowds(const struct acceptor *a, const struct net_addr *peer)
{
	const uint32_t most = a->view.limits.max_connections_per_address;

	return most > 0 && sources_opening(a->is.sources, peer) >= most &&
	       sources_opening(a->is.sources, peer) >= REFUSALS_PER_ADDRESS;
}

/* Without a word, before anything was allocated. */
static void turn_away(struct acceptor *a, int fd, enum refusal why) ON_ACCEPTOR;
static void turn_away(struct acceptor *a, int fd, enum refusal why)
{
	stats_add(a->is.stats, stat_refusal(why), 1);
	os_close(fd);
}

/* Not watched yet: what follows may need no event. NULL: it was turned away. */
static struct half_open *begin(struct acceptor *a, int fd, const struct net_addr *peer) ON_ACCEPTOR;
static struct half_open *begin(struct acceptor *a, int fd, const struct net_addr *peer)
{
	struct half_open *h;

	make_room(a);
	h = slab_new(&a->half_open);
	if (h == NULL || !sources_opened(a->is.sources, peer)) {
		slab_free(&a->half_open, h);
		turn_away(a, fd, REFUSE_NO_MEMORY);
		return NULL;
	}
	half_open_init(h, fd, peer);
	h->accepted_ms = a->now_ms;
	list_append(&a->by_age, &h->by_age);
	stats_add(a->is.stats, STAT_HALF_OPEN, 1);
	wheel_arm(&a->wheel, &h->timer, a->now_ms + a->view.limits.handshake_timeout_ms);
	return h;
}

static void admit(struct acceptor *a, int fd, const struct net_addr *peer) ON_ACCEPTOR;
static void admit(struct acceptor *a, int fd, const struct net_addr *peer)
{
	struct half_open *h;

	stats_add(a->is.stats, STAT_ACCEPTED, 1);
	if (crowds(a, peer)) {
		turn_away(a, fd, REFUSE_ADDRESS_CONNECTIONS);
		return;
	}
	h = begin(a, fd, peer);
	if (h != NULL)
		admission_on_event(a, h, OS_READ); /* mostly the request is there already */
}

/* A socket of the embedding program. */
static void adopt(struct acceptor *a, struct handoff *ho) ON_ACCEPTOR;
static void adopt(struct acceptor *a, struct handoff *ho)
{
	struct half_open *h = begin(a, ho->fd, &ho->peer);

	stats_add(a->is.stats, STAT_ADOPTED, 1);
	if (h == NULL) {
		free(ho);
		return;
	}
	h->adopted = ho;
	admission_begin_adopted(a, h);
}

/* Out of descriptors or memory: a listener that stays readable would spin the loop. */
static void pause_accepting(struct acceptor *a, int err) ON_ACCEPTOR;
static void pause_accepting(struct acceptor *a, int err)
{
	unwatch_listeners(a);
	a->paused_until_ms = a->now_ms + PAUSE_MS;
	stats_add(a->is.stats, STAT_ACCEPT_PAUSES, 1);
	log_event(LOG_WARNING, "accept_paused", "%s; trying again in %d ms", err_text(err),
	          PAUSE_MS);
}

static void resume_accepting(struct acceptor *a) ON_ACCEPTOR;
static void resume_accepting(struct acceptor *a)
{
	if (a->paused_until_ms == 0 || a->now_ms < a->paused_until_ms || a->stopping)
		return;
	a->paused_until_ms = 0;
	if (watch_listeners(a) < 0) {
		unwatch_listeners(a);
		a->paused_until_ms = a->now_ms + PAUSE_MS;
	}
}

static void on_listener(struct acceptor *a, const struct listener *l) ON_ACCEPTOR;
static void on_listener(struct acceptor *a, const struct listener *l)
{
	for (int n = 0; n < ACCEPTS_PER_TURN && a->paused_until_ms == 0; n++) {
		struct net_addr peer;
		const int fd = os_accept(l->fd, &peer);

		switch (fd) {
		case -EAGAIN:
			return;
		case -EMFILE:
		case -ENFILE:
		case -ENOBUFS:
		case -ENOMEM:
			pause_accepting(a, fd);
			return;
		default:
			/* Other errors belong to the one socket that failed on its way. */
			if (fd >= 0)
				admit(a, fd, &peer);
		}
	}
}

/* ---- the turn ---- */

static void stop(struct acceptor *a) ON_ACCEPTOR;
static void stop(struct acceptor *a)
{
	uint32_t index = 0;

	a->stopping = true;
	for (uint32_t i = 0; i < a->is.n_listeners; i++)
		os_close(a->is.listeners[i].fd);
	for (struct half_open *h; (h = slab_next(&a->half_open, &index)) != NULL;)
		admission_forget(a, h);
}

static void take_items(struct acceptor *a) ON_ACCEPTOR;
static void take_items(struct acceptor *a)
{
	struct inbox_item *item;

	while ((item = inbox_take(&a->inbox, &a->again)) != NULL) {
		if (item->kind == ITEM_ADOPT) {
			adopt(a, CONTAINER_OF(item, struct handoff, item));
			continue;
		}
		ASSERT(item->kind == ITEM_DRAIN || item->kind == ITEM_STOP);
		a->draining = true;
		if (item->kind == ITEM_STOP)
			stop(a);
	}
}

static void refresh_view(struct acceptor *a) ON_ACCEPTOR;
static void refresh_view(struct acceptor *a)
{
	if (!conf_cell_changed(a->is.conf, &a->conf_seen))
		return;
	rcu_enter();
	const struct conf *c = conf_cell_read(a->is.conf);

	a->view = (struct acceptor_view){
		.dev = c->dev,
		.legacy = c->legacy_protocols,
		.auth = c->auth,
		.limits = c->limits,
	};
	rcu_leave();
}

static uint32_t sleep_ms(const struct acceptor *a) ON_ACCEPTOR;
static uint32_t sleep_ms(const struct acceptor *a)
{
	if (a->again)
		return 0;
	return wheel_sleep_ms(&a->wheel, a->now_ms,
	                      a->paused_until_ms != 0 ? PAUSE_MS : MAX_SLEEP_MS);
}

static void on_event(struct acceptor *a, const struct os_event *ev) ON_ACCEPTOR;
static void on_event(struct acceptor *a, const struct os_event *ev)
{
	struct half_open *h;

	if (ev->token == TOKEN_INBOX) {
		inbox_woken(&a->inbox);
	} else if (ev->token % 2 == 0 && ev->token <= 2 * (uint64_t)a->is.n_listeners) {
		on_listener(a, &a->is.listeners[ev->token / 2 - 1]);
	} else {
		h = slab_get(&a->half_open, ev->token);
		if (h != NULL)
			admission_on_event(a, h, ev->events);
	}
}

bool acceptor_turn(struct acceptor *a)
{
	const int n = os_poll_wait(a->poll, a->events, ACCEPTOR_EVENTS, sleep_ms(a));
	struct timer *t;

	a->now_ms = os_now_ms();
	a->again = false;
	refresh_view(a);
	key_cell_refresh(a->is.keys, &a->keys_seen, &a->keys);
	for (int i = 0; i < n; i++)
		on_event(a, &a->events[i]);
	wheel_advance(&a->wheel, a->now_ms);
	for (int i = 0; i < TIMERS_PER_TURN && (t = wheel_pop(&a->wheel)) != NULL; i++)
		admission_on_timer(a, CONTAINER_OF(t, struct half_open, timer));
	resume_accepting(a);
	take_items(a);
	return !a->stopping;
}

void acceptor_ended(struct acceptor *a)
{
	a->stopped.item.kind = ITEM_STOPPED;
	inbox_push_always(a->is.to_main, &a->stopped.item);
}

void *acceptor_main(void *arg)
{
	struct acceptor *a = arg;

	role_enter(&role_acceptor);
	log_use(a->is.log);
	rcu_thread_enter();
	/* Whoever is connected comes first, and who waits is taken in with others. */
	os_thread_be_patient();
	while (acceptor_turn(a))
		;
	rcu_thread_leave();
	acceptor_ended(a);
	return NULL;
}
