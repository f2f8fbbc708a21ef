/* What becomes of a half-open socket: a page, a refusal, a hand-off. */
#include "accept/admission.h"

#include <string.h>

#include "accept/page.h"
#include "admit/answer.h"
#include "admit/decide.h"
#include "base/clock.h"
#include "http/field.h"
#include "shard/handoff.h"

static void unwatch(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;
static void unwatch(struct acceptor *a, struct half_open *h)
{
	if (h->watched)
		os_poll_remove(a->poll, h->transport.fd);
	h->watched = false;
}

/* For what its state needs. False: the kernel has no memory for it. */
static bool watch(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;
static bool watch(struct acceptor *a, struct half_open *h)
{
	int (*const call)(int, int, uint32_t, uint64_t) = h->watched ? os_poll_change : os_poll_add;

	if (call(a->poll, h->transport.fd, half_open_interest(h), slab_handle_of(h)) < 0)
		return false;
	h->watched = true;
	return true;
}

void admission_forget(struct acceptor *a, struct half_open *h)
{
	if (h->state == HALF_OPEN_READING)
		stats_sub(a->is.stats, STAT_HALF_OPEN, 1);
	if (h->transport.fd >= 0) {
		unwatch(a, h);
		sources_closed(a->is.sources, &h->peer);
	}
	wheel_disarm(&a->wheel, &h->timer);
	half_open_fini(h);
	slab_free(&a->half_open, h);
}

/* What auth.origins would have to hold. */
static void log_origin(struct log_line *l, const struct half_open *h, enum refusal why)
{
	struct http_span origin;

	if (why == REFUSE_ORIGIN &&
	    (http_head_find(&h->request, h->in, "origin", &origin) > 0 ||
	     http_head_find(&h->request, h->in, "sec-websocket-origin", &origin) > 0))
		log_strn(l, "origin", h->in + origin.at, origin.len);
}

static void count_refusal(struct acceptor *a, const struct half_open *h, enum refusal why,
                          uint16_t status, const char *sentence) ON_ACCEPTOR;
static void count_refusal(struct acceptor *a, const struct half_open *h, enum refusal why,
                          uint16_t status, const char *sentence)
{
	/* A port scan or a client that changed its mind is not worth an operator's attention. */
	const enum log_level level = why == REFUSE_HANDSHAKE_GONE ? LOG_DEBUG : LOG_INFO;
	char peer[NET_ADDR_TEXT];
	struct log_line l;

	stats_add(a->is.stats, stat_refusal(why), 1);
	if (!log_gate_begin(&a->refusals, a->now_ms, &l, level, "refused"))
		return;
	log_str(&l, "peer", net_addr_format(&h->peer, peer));
	log_str(&l, "cause", refusal_label(why));
	log_u64(&l, "status", status);
	/* The query never reaches the log: it may hold a token. */
	if (h->request.head_len > 0)
		log_strn(&l, "path", h->in + h->request.path.at, h->request.path.len);
	log_origin(&l, h, why);
	log_str(&l, "text", sentence);
	log_end(&l);
}

void admission_drop(struct acceptor *a, struct half_open *h, enum refusal why)
{
	count_refusal(a, h, why, 0, refusal_text(why));
	admission_forget(a, h);
}

/* Go on as the last step says. */
static void proceed(struct acceptor *a, struct half_open *h, enum half_open_event ev) ON_ACCEPTOR;
static void proceed(struct acceptor *a, struct half_open *h, enum half_open_event ev)
{
	if (ev == HALF_OPEN_WAIT && watch(a, h))
		return;
	if (ev == HALF_OPEN_WAIT && h->state == HALF_OPEN_READING)
		admission_drop(a, h, REFUSE_NO_MEMORY);
	else
		admission_forget(a, h);
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
		stats_add(a->is.stats, STAT_HALF_OPEN, 1); /* forgetting takes it back */
		admission_forget(a, h);
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
	const bool again = status == 429 || status == 503; /* not now, but later */
	char text[ANSWER_REFUSAL_BYTES];
	uint32_t random = 0;

	count_refusal(a, h, why, status, sentence);
	if (h->adopted != NULL && h->adopted->is_upgraded) {
		answer(a, h, text, answer_refusal_frame((uint8_t *)text, why), NULL, 0);
		return;
	}
	if (again)
		os_random(&random, sizeof(random));
	answer(a, h, text,
	       answer_refusal(text, why, status, sentence, again ? answer_retry_s(random) : 0),
	       NULL, 0);
}

static void refuse_plainly(struct acceptor *a, struct half_open *h, enum refusal why) ON_ACCEPTOR;
static void refuse_plainly(struct acceptor *a, struct half_open *h, enum refusal why)
{
	refuse(a, h, why, refusal_status(why), refusal_text(why));
}

/* Why newcomers are not welcome; NULL: they are. */
static const char *not_ready(const struct acceptor *a) ON_ACCEPTOR;
static const char *not_ready(const struct acceptor *a)
{
	if (a->draining)
		return "draining\n";
	return pressure_full(a->is.pressure) ? "short of memory\n" : NULL;
}

static void serve_page(struct acceptor *a, struct half_open *h, const struct decision *d)
	ON_ACCEPTOR;
static void serve_page(struct acceptor *a, struct half_open *h, const struct decision *d)
{
	char head[ANSWER_HEAD_BYTES];
	struct page_body body;

	stats_add(a->is.stats, STAT_HTTP_REQUESTS, 1);
	stats_add(a->is.stats, stat_protocol_ever(PROTOCOL_HTTP), 1);
	if (page_make(d->page, not_ready(a), a->is.snapshot, &body) < 0) {
		refuse_plainly(a, h, REFUSE_NO_MEMORY);
		return;
	}
	answer(a, h, head, answer_page(head, body.status, body.content_type, body.len), body.text,
	       d->head_only ? 0 : body.len);
	free(body.owned);
}

uint64_t admission_connections(const struct acceptor *a)
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
	const uint32_t room = a->is.fd_limit < a->is.most ? a->is.fd_limit : a->is.most;

	return configured == 0 || configured > room ? room : configured;
}

static void take_random(struct id_source *s, uint8_t ret[CONN_ID_RANDOM])
{
	if (s->left == 0) {
		os_random(s->bytes, sizeof(s->bytes));
		s->left = ARRAY_LEN(s->bytes);
	}
	s->left--;
	memcpy(ret, s->bytes[s->left], CONN_ID_RANDOM);
}

/* What the request says, or for an adopted socket who gave it to us. */
static struct handoff *make_handoff(struct acceptor *a, const struct half_open *h,
                                    const struct decision *d) ON_ACCEPTOR;
static struct handoff *make_handoff(struct acceptor *a, const struct half_open *h,
                                    const struct decision *d)
{
	const uint32_t rest_len = h->in_len - h->request.head_len;
	struct handoff *ho = malloc(sizeof(*ho) + rest_len);
	uint8_t random[CONN_ID_RANDOM];
	uint64_t hash;

	if (ho == NULL)
		return NULL;
	if (h->adopted != NULL) {
		*ho = *h->adopted;
	} else {
		ho->hub_len = d->hub_len;
		ho->user_len = d->user_len;
		memcpy(ho->hub, d->hub, sizeof(ho->hub));
		memcpy(ho->user, d->user, sizeof(ho->user));
		take_random(&a->ids, random);
		hash = shard_hash(&a->is.key, d->hub, d->hub_len, d->user, d->user_len);
		conn_id_make(&ho->id, d->user_len > 0 ? &hash : NULL, random);
	}
	ho->fd = h->transport.fd;
	ho->peer = h->peer;
	ho->handshake_ms = (uint32_t)(a->now_ms - h->accepted_ms);
	ho->protocol = d->protocol;
	ho->is_upgraded = false;
	ho->answer_len = answer_upgrade(ho->answer, sizeof(ho->answer), d->accept, d->subprotocol);
	ho->rest_len = rest_len;
	memcpy(ho->rest, h->in + h->request.head_len, rest_len);
	return ho;
}

/* Is there room for one more connection, and one of his address? The rate comes last: who is
 * refused for another cause has not used it up. */
static bool has_room(struct acceptor *a, const struct half_open *h, enum refusal *ret_why)
	ON_ACCEPTOR;
static bool has_room(struct acceptor *a, const struct half_open *h, enum refusal *ret_why)
{
	const struct conf_limits *l = &a->view.limits;

	if (a->draining)
		*ret_why = REFUSE_DRAINING;
	else if (pressure_full(a->is.pressure))
		*ret_why = REFUSE_MEMORY;
	else if (admission_connections(a) >= max_connections(a))
		*ret_why = REFUSE_CONNECTIONS;
	else if (l->max_connections_per_address > 0 &&
	         sources_connections(a->is.sources, &h->peer) >= l->max_connections_per_address)
		*ret_why = REFUSE_ADDRESS_CONNECTIONS;
	else if (l->connections_per_s > 0 &&
	         !pace_take(&a->newcomers, a->now_ms, l->connections_per_s, l->connections_per_s))
		*ret_why = REFUSE_CONNECTION_RATE;
	else
		return true;
	return false;
}

/* @ho is given back, or freed, when its worker has no room. */
static void hand_off(struct acceptor *a, struct half_open *h, struct handoff *ho) ON_ACCEPTOR;
static void hand_off(struct acceptor *a, struct half_open *h, struct handoff *ho)
{
	const uint32_t worker = shard_worker(conn_id_hash48(&ho->id), a->is.n_workers);

	ho->item.kind = ITEM_HANDOFF;
	unwatch(a, h); /* before the push: from then on the worker's poll may have it */
	stats_add(a->is.stats, STAT_CONNECTIONS_ACTIVE, 1);
	sources_handed(a->is.sources, &h->peer);
	if (inbox_push(a->is.workers[worker], &ho->item) < 0) {
		if (ho->is_upgraded)
			h->adopted = ho;
		else
			free(ho);
		sources_returned(a->is.sources, &h->peer);
		stats_sub(a->is.stats, STAT_CONNECTIONS_ACTIVE, 1);
		stats_add(a->is.stats, STAT_INBOX_FULL, 1);
		refuse_plainly(a, h, REFUSE_BUSY);
		return;
	}
	h->transport.fd = -1;
	admission_forget(a, h);
}

/* Whoever still speaks a draft should hear of it before it is refused. */
static void warn_of_legacy(struct acceptor *a, const struct half_open *h, const struct decision *d)
	ON_ACCEPTOR;
static void warn_of_legacy(struct acceptor *a, const struct half_open *h, const struct decision *d)
{
	char peer[NET_ADDR_TEXT];
	struct log_line l;

	if (d->protocol != PROTOCOL_LEGACY ||
	    !log_gate_begin(&a->legacy, a->now_ms, &l, LOG_WARNING, "legacy_protocol"))
		return;
	log_str(&l, "peer", net_addr_format(&h->peer, peer));
	log_strn(&l, "user", d->user, d->user_len);
	log_str(&l, "text",
	        "the client speaks a draft of RFC 6455, which handshake.legacy_protocols allows "
	        "and "
	        "production refuses; it needs a newer library");
	log_end(&l);
}

static void upgrade(struct acceptor *a, struct half_open *h, const struct decision *d) ON_ACCEPTOR;
static void upgrade(struct acceptor *a, struct half_open *h, const struct decision *d)
{
	enum refusal why;
	struct handoff *ho;

	if (!has_room(a, h, &why)) {
		refuse_plainly(a, h, why);
		return;
	}
	warn_of_legacy(a, h, d);
	ho = make_handoff(a, h, d);
	if (ho == NULL)
		refuse_plainly(a, h, REFUSE_NO_MEMORY);
	else
		hand_off(a, h, ho);
}

static void decided(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;
static void decided(struct acceptor *a, struct half_open *h)
{
	const struct admit_rules rules = {
		.adopted = h->adopted != NULL,
		.dev = a->view.dev,
		.legacy = a->view.legacy,
		.identity =
			{
				.mode = a->view.auth.mode,
				.keys = a->keys,
				.jwt =
					{
						.now_s = (int64_t)(os_wall_ms() / MS_PER_S),
						.skew_s = a->view.auth.clock_skew_ms / MS_PER_S,
						.audience = a->view.auth.audience,
						.issuer = a->view.auth.issuer,
					},
			},
		.origins = &a->view.auth.origins,
	};
	struct decision d;

	decide(&rules, &h->request, h->in, &d);
	switch (d.verdict) {
	case VERDICT_REFUSE:
		if (h->request.fault != HTTP_OK) {
			stats_add(a->is.stats, stat_protocol_ever(PROTOCOL_UNKNOWN), 1);
			stats_add(a->is.stats, stat_fault(h->request.fault), 1);
		}
		refuse(a, h, d.why, d.status, d.sentence);
		break;
	case VERDICT_PAGE:
		serve_page(a, h, &d);
		break;
	case VERDICT_UPGRADE:
		upgrade(a, h, &d);
		break;
	}
}

static void on_step(struct acceptor *a, struct half_open *h, enum half_open_event ev) ON_ACCEPTOR;
static void on_step(struct acceptor *a, struct half_open *h, enum half_open_event ev)
{
	if (ev == HALF_OPEN_DECIDE)
		decided(a, h);
	else if (ev == HALF_OPEN_GONE && h->state == HALF_OPEN_READING)
		admission_drop(a, h, REFUSE_HANDSHAKE_GONE);
	else if (ev == HALF_OPEN_NOMEM)
		admission_drop(a, h, REFUSE_NO_MEMORY);
	else
		proceed(a, h, ev);
}

void admission_on_event(struct acceptor *a, struct half_open *h, uint32_t events)
{
	enum half_open_event ev = HALF_OPEN_WAIT;

	if (events & OS_WRITE)
		ev = half_open_write(h);
	if (ev == HALF_OPEN_WAIT && events & ~OS_WRITE)
		ev = half_open_read(h, a->view.limits.max_request_head_bytes);
	on_step(a, h, ev);
}

void admission_begin_adopted(struct acceptor *a, struct half_open *h)
{
	struct handoff *ho = h->adopted;
	enum refusal why;

	if (!ho->is_upgraded && ho->rest_len == 0) {
		admission_on_event(a, h, OS_READ);
	} else if (!ho->is_upgraded) {
		on_step(a, h,
		        half_open_given(h, ho->rest, ho->rest_len,
		                        a->view.limits.max_request_head_bytes));
	} else if (!has_room(a, h, &why)) {
		refuse_plainly(a, h, why);
	} else {
		h->adopted = NULL;
		hand_off(a, h, ho);
	}
}

void admission_on_timer(struct acceptor *a, struct half_open *h)
{
	if (h->state != HALF_OPEN_READING)
		admission_forget(a, h);
	else if (h->in_len > 0)
		refuse_plainly(a, h, REFUSE_HANDSHAKE_TIMEOUT);
	else
		admission_drop(a, h, REFUSE_HANDSHAKE_TIMEOUT); /* said nothing, is told nothing */
}
