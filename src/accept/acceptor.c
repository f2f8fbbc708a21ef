/* The acceptor's loop turn: accept, read, decide, answer or hand off. */
#include "accept/acceptor.h"

#include <errno.h>
#include <string.h>

#include "accept/page.h"
#include "admit/answer.h"
#include "admit/decide.h"
#include "admit/half_open.h"
#include "base/err.h"
#include "base/rcu.h"
#include "shard/handoff.h"

/* Tokens of the poll: half-open sockets by slab handle, which is above 2^32 or has an odd low
 * half; listeners and the inbox by even numbers below. */
#define TOKEN_INBOX       0
#define TOKEN_LISTENER(i) (2 * ((uint64_t)(i) + 1))

#define ACCEPTS_PER_TURN 64
#define ITEMS_PER_TURN   64
#define MAX_SLEEP_MS     60000
#define PAUSE_MS         500 /* rest of the listeners when descriptors or memory run out */

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
	list_init(&a->reading);
	a->now_ms = os_now_ms();
	wheel_init(&a->wheel, a->now_ms);
	err = a->poll = os_poll_new();
	if (err < 0)
		return err;
	err = inbox_init(&a->inbox, ITEMS_PER_TURN);
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
	inbox_fini(&a->inbox);
	os_close(a->poll);
	slab_fini(&a->half_open);
}

/* ---- half-open sockets ---- */

static void forget(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;
static void forget(struct acceptor *a, struct half_open *h)
{
	if (h->state == HALF_OPEN_READING)
		stats_sub(a->is.stats, STAT_HALF_OPEN, 1);
	if (h->transport.fd >= 0)
		os_poll_remove(a->poll, h->transport.fd);
	wheel_disarm(&a->wheel, &h->timer);
	half_open_fini(h);
	slab_free(&a->half_open, h);
}

static void count_refusal(struct acceptor *a, const struct half_open *h, enum refusal why,
                          const char *sentence) ON_ACCEPTOR;
static void count_refusal(struct acceptor *a, const struct half_open *h, enum refusal why,
                          const char *sentence)
{
	const struct http_span path = h->request.path;
	const bool complete = h->request.head_len > 0;

	stats_add(a->is.stats, STAT_REFUSALS + why, 1);
	refusal_log_write(&a->refusals, a->now_ms, why, &h->peer, sentence,
	                  complete ? h->in + path.at : NULL, complete ? path.len : 0);
}

/* Refused without a word. */
static void drop(struct acceptor *a, struct half_open *h, enum refusal why) ON_ACCEPTOR;
static void drop(struct acceptor *a, struct half_open *h, enum refusal why)
{
	count_refusal(a, h, why, refusal_text(why));
	forget(a, h);
}

/* Go on as the last step says. */
static void proceed(struct acceptor *a, struct half_open *h, enum half_open_event ev) ON_ACCEPTOR;
static void proceed(struct acceptor *a, struct half_open *h, enum half_open_event ev)
{
	if (ev == HALF_OPEN_WAIT &&
	    os_poll_change(a->poll, h->transport.fd, half_open_interest(h), slab_handle_of(h)) == 0)
		return;
	forget(a, h);
}

static void answer(struct acceptor *a, struct half_open *h, const char *head, size_t head_len,
                   const char *body, size_t body_len) ON_ACCEPTOR;
static void answer(struct acceptor *a, struct half_open *h, const char *head, size_t head_len,
                   const char *body, size_t body_len)
{
	enum half_open_event ev;

	stats_sub(a->is.stats, STAT_HALF_OPEN, 1);
	ev = half_open_answer(h, head, head_len, body, body_len);
	if (ev == HALF_OPEN_NOMEM) {
		stats_add(a->is.stats, STAT_HALF_OPEN, 1); /* forget() takes it back */
		forget(a, h);
		return;
	}
	wheel_arm(&a->wheel, &h->timer, a->now_ms + a->view.limits.close_timeout_ms);
	proceed(a, h, ev);
}

static void refuse(struct acceptor *a, struct half_open *h, enum refusal why, uint16_t status,
                   const char *sentence) ON_ACCEPTOR;
static void refuse(struct acceptor *a, struct half_open *h, enum refusal why, uint16_t status,
                   const char *sentence)
{
	char text[ANSWER_REFUSAL_BYTES];
	uint32_t random = 0;

	count_refusal(a, h, why, sentence);
	if (status == 503)
		os_random(&random, sizeof(random));
	answer(a, h, text,
	       answer_refusal(text, status, sentence, status == 503 ? answer_retry_s(random) : 0),
	       NULL, 0);
}

static void refuse_plainly(struct acceptor *a, struct half_open *h, enum refusal why) ON_ACCEPTOR;
static void refuse_plainly(struct acceptor *a, struct half_open *h, enum refusal why)
{
	refuse(a, h, why, refusal_status(why), refusal_text(why));
}

static void serve_page(struct acceptor *a, struct half_open *h, const struct decision *d)
	ON_ACCEPTOR;
static void serve_page(struct acceptor *a, struct half_open *h, const struct decision *d)
{
	char head[ANSWER_HEAD_BYTES];
	struct page_body body;

	stats_add(a->is.stats, STAT_HTTP_REQUESTS, 1);
	stats_add(a->is.stats, STAT_PROTOCOL_EVER + PROTOCOL_HTTP, 1);
	if (page_make(d->page, a->draining, a->is.snapshot, &body) < 0) {
		refuse_plainly(a, h, REFUSE_NO_MEMORY);
		return;
	}
	answer(a, h, head, answer_page(head, body.status, body.content_type, body.len), body.text,
	       d->head_only ? 0 : body.len);
	free(body.owned);
}

/* ---- admission ---- */

/* Live connections and those on their way to a worker. */
static uint64_t connections(const struct acceptor *a)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < a->is.n_blocks; i++)
		n += stats_get(&a->is.blocks[i], STAT_CONNECTIONS_ACTIVE);
	return n;
}

static uint64_t max_connections(const struct acceptor *a) ON_ACCEPTOR;
static uint64_t max_connections(const struct acceptor *a)
{
	const uint32_t configured = a->view.limits.max_connections;

	return configured == 0 || configured > a->is.fd_limit ? a->is.fd_limit : configured;
}

static struct handoff *make_handoff(const struct acceptor *a, const struct half_open *h,
                                    const struct decision *d)
{
	const uint32_t rest_len = h->in_len - h->request.head_len;
	struct handoff *ho = malloc(sizeof(*ho) + rest_len);
	uint8_t random[16];
	uint64_t hash;

	if (ho == NULL)
		return NULL;
	ho->item.kind = ITEM_HANDOFF;
	ho->fd = h->transport.fd;
	ho->peer = h->peer;
	ho->protocol = PROTOCOL_WEBSOCKET;
	ho->hub_len = d->hub_len;
	ho->user_len = d->user_len;
	memcpy(ho->hub, d->hub, sizeof(ho->hub));
	memcpy(ho->user, d->user, sizeof(ho->user));
	ho->answer_len = answer_upgrade(ho->answer, sizeof(ho->answer), d->accept);
	ho->rest_len = rest_len;
	memcpy(ho->rest, h->in + h->request.head_len, rest_len);
	os_random(random, sizeof(random));
	hash = shard_hash(&a->is.key, d->hub, d->hub_len, d->user, d->user_len);
	conn_id_make(&ho->id, d->user_len > 0 ? &hash : NULL, random);
	return ho;
}

static void hand_off(struct acceptor *a, struct half_open *h, const struct decision *d) ON_ACCEPTOR;
static void hand_off(struct acceptor *a, struct half_open *h, const struct decision *d)
{
	struct handoff *ho;
	uint32_t worker;

	if (a->draining) {
		refuse_plainly(a, h, REFUSE_DRAINING);
		return;
	}
	if (connections(a) >= max_connections(a)) {
		refuse_plainly(a, h, REFUSE_CONNECTIONS);
		return;
	}
	ho = make_handoff(a, h, d);
	if (ho == NULL) {
		refuse_plainly(a, h, REFUSE_NO_MEMORY);
		return;
	}
	worker = shard_worker(conn_id_hash48(&ho->id), a->is.n_workers);
	/* Before the push: from then on the worker's poll may have it. */
	os_poll_remove(a->poll, h->transport.fd);
	stats_add(a->is.stats, STAT_CONNECTIONS_ACTIVE, 1);
	if (inbox_push(a->is.workers[worker], &ho->item) < 0) {
		free(ho);
		stats_sub(a->is.stats, STAT_CONNECTIONS_ACTIVE, 1);
		stats_add(a->is.stats, STAT_INBOX_FULL, 1);
		if (os_poll_add(a->poll, h->transport.fd, OS_READ, slab_handle_of(h)) == 0)
			refuse_plainly(a, h, REFUSE_BUSY);
		else
			drop(a, h, REFUSE_BUSY);
		return;
	}
	h->transport.fd = -1;
	forget(a, h);
}

static void decided(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;
static void decided(struct acceptor *a, struct half_open *h)
{
	const struct admit_rules rules = {.dev = a->view.dev, .auth_mode = a->view.auth_mode};
	struct decision d;

	decide(&rules, &h->request, h->in, &d);
	switch (d.verdict) {
	case VERDICT_REFUSE:
		if (h->request.fault != HTTP_OK)
			stats_add(a->is.stats, STAT_PROTOCOL_EVER + PROTOCOL_UNKNOWN, 1);
		refuse(a, h, d.why, d.status, d.sentence);
		break;
	case VERDICT_PAGE:
		serve_page(a, h, &d);
		break;
	case VERDICT_UPGRADE:
		hand_off(a, h, &d);
		break;
	}
}

static void on_half_open(struct acceptor *a, struct half_open *h, uint32_t events) ON_ACCEPTOR;
static void on_half_open(struct acceptor *a, struct half_open *h, uint32_t events)
{
	enum half_open_event ev = HALF_OPEN_WAIT;

	if (events & OS_WRITE)
		ev = half_open_write(h);
	if (ev == HALF_OPEN_WAIT && events & ~OS_WRITE)
		ev = half_open_read(h, a->view.limits.max_request_head_bytes);
	if (ev == HALF_OPEN_DECIDE)
		decided(a, h);
	else if (ev == HALF_OPEN_GONE && h->state == HALF_OPEN_READING)
		drop(a, h, REFUSE_HANDSHAKE_GONE);
	else if (ev == HALF_OPEN_NOMEM)
		drop(a, h, REFUSE_NO_MEMORY);
	else
		proceed(a, h, ev);
}

static void on_timer(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;
static void on_timer(struct acceptor *a, struct half_open *h)
{
	if (h->state != HALF_OPEN_READING)
		forget(a, h);
	else if (h->in_len > 0)
		refuse_plainly(a, h, REFUSE_HANDSHAKE_TIMEOUT);
	else
		drop(a, h, REFUSE_HANDSHAKE_TIMEOUT); /* said nothing, is told nothing */
}

/* ---- accepting ---- */

static void admit(struct acceptor *a, int fd, const struct net_addr *peer) ON_ACCEPTOR;
static void admit(struct acceptor *a, int fd, const struct net_addr *peer)
{
	struct half_open *h;

	stats_add(a->is.stats, STAT_ACCEPTED, 1);
	/* Full: the oldest goes. Whoever is slow on purpose is old; whoever is honest is quick. */
	if (a->half_open.in_use >= a->view.limits.max_half_open && !list_empty(&a->reading))
		drop(a, list_entry(a->reading.next, struct half_open, by_age), REFUSE_HALF_OPEN);
	h = slab_new(&a->half_open);
	if (h == NULL) {
		stats_add(a->is.stats, STAT_REFUSALS + REFUSE_NO_MEMORY, 1);
		os_close(fd);
		return;
	}
	half_open_init(h, fd, peer);
	list_append(&a->reading, &h->by_age);
	stats_add(a->is.stats, STAT_HALF_OPEN, 1);
	wheel_arm(&a->wheel, &h->timer, a->now_ms + a->view.limits.handshake_timeout_ms);
	if (os_poll_add(a->poll, fd, OS_READ, slab_handle_of(h)) < 0)
		drop(a, h, REFUSE_NO_MEMORY);
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
		forget(a, h);
}

static void take_items(struct acceptor *a) ON_ACCEPTOR;
static void take_items(struct acceptor *a)
{
	struct inbox_item *item;

	while ((item = inbox_take(&a->inbox, &a->again)) != NULL) {
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
		.auth_mode = c->auth_mode,
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
	} else if (ev->token <= TOKEN_LISTENER(a->is.n_listeners - 1) && ev->token % 2 == 0) {
		on_listener(a, &a->is.listeners[ev->token / 2 - 1]);
	} else {
		h = slab_get(&a->half_open, ev->token);
		if (h != NULL)
			on_half_open(a, h, ev->events);
	}
}

bool acceptor_turn(struct acceptor *a)
{
	const int n = os_poll_wait(a->poll, a->events, ACCEPTOR_EVENTS, sleep_ms(a));
	struct timer *t;

	a->now_ms = os_now_ms();
	a->again = false;
	refresh_view(a);
	for (int i = 0; i < n; i++)
		on_event(a, &a->events[i]);
	wheel_advance(&a->wheel, a->now_ms);
	while ((t = wheel_pop(&a->wheel)) != NULL)
		on_timer(a, CONTAINER_OF(t, struct half_open, timer));
	resume_accepting(a);
	take_items(a);
	return !a->stopping;
}

void *acceptor_main(void *arg)
{
	struct acceptor *a = arg;

	role_enter(&role_acceptor);
	rcu_thread_enter();
	while (acceptor_turn(a))
		;
	rcu_thread_leave();
	a->stopped.item.kind = ITEM_STOPPED;
	inbox_push_always(a->is.to_main, &a->stopped.item);
	return NULL;
}
