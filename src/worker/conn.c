/* Life of a connection: taken over, moved between states, closed through one door. */
#include "worker/conn.h"

#include <errno.h>
#include <string.h>

#include "admit/answer.h"
#include "base/err.h"
#include "worker/aside.h"
#include "worker/close_text.h"
#include "worker/deadline.h"
#include "worker/health.h"
#include "worker/input.h"
#include "worker/keepalive.h"
#include "worker/output.h"
#include "worker/tapper.h"
#include "worker/user_limit.h"
#include "ws/frame.h"

static const char *const state_texts[] = {
	[CONN_OPEN] = "open",           [CONN_CLOSING] = "closing", [CONN_ANSWERING] = "answering",
	[CONN_LINGERING] = "lingering", [CONN_CLOSED] = "closed",
};

const char *conn_state_text(enum conn_state state)
{
	return state_texts[state];
}

static void move(struct conn *c, enum conn_state to)
{
	/* bit per state that may follow */
	static const uint8_t allowed[] = {
		[CONN_OPEN] = 1 << CONN_CLOSING | 1 << CONN_ANSWERING | 1 << CONN_LINGERING |
	                      1 << CONN_CLOSED,
		[CONN_CLOSING] = 1 << CONN_ANSWERING | 1 << CONN_CLOSED,
		[CONN_ANSWERING] = 1 << CONN_CLOSED,
		[CONN_LINGERING] = 1 << CONN_CLOSED,
		[CONN_CLOSED] = 0,
	};

	ASSERT(allowed[c->state] & 1 << to);
	c->state = (uint8_t)to;
}

/* ---- being taken over ---- */

static void log_refusal(struct worker *w, const struct handoff *h, enum refusal why) ON_WORKER;
static void log_refusal(struct worker *w, const struct handoff *h, enum refusal why)
{
	char peer[NET_ADDR_TEXT];
	struct log_line l;

	if (!log_gate_begin(&w->refusals, w->now_ms, &l, LOG_INFO, "refused"))
		return;
	log_str(&l, "peer", net_addr_format(&h->peer, peer));
	log_str(&l, "cause", refusal_label(why));
	log_u64(&l, "status", refusal_status(why));
	log_strn(&l, "hub", h->hub, h->hub_len);
	log_strn(&l, "user", h->user, h->user_len);
	log_str(&l, "text", refusal_text(why));
	log_end(&l);
}

/* Nothing of ours was sent yet: the answer fits into any fresh socket. */
static void refuse(struct worker *w, struct handoff *h, enum refusal why) ON_WORKER;
static void refuse(struct worker *w, struct handoff *h, enum refusal why)
{
	char answer[ANSWER_REFUSAL_BYTES];
	struct transport t;
	uint32_t random, len;

	os_random(&random, sizeof(random));
	transport_init_tcp(&t, h->fd);
	if (h->is_upgraded)
		len = answer_refusal_frame((uint8_t *)answer, why);
	else
		len = answer_refusal(answer, why, refusal_status(why), refusal_text(why),
		                     answer_retry_s(random));
	(void)!t.ops->write(&t, answer, len); /* lost with a peer who is gone already */
	t.ops->shutdown(&t);
	t.ops->close(&t);
	log_refusal(w, h, why);
	stats_add(w->is.stats, stat_refusal(why), 1);
	stats_sub(w->is.stats, STAT_CONNECTIONS_ACTIVE, 1);
	sources_left(w->is.sources, &h->peer);
	free(h);
}

static void count_users(struct worker *w) ON_WORKER;
static void count_users(struct worker *w)
{
	stats_set(w->is.stats, STAT_USERS_ACTIVE, w->registry.users.count);
	stats_set(w->is.stats, STAT_GROUPS_ACTIVE, w->registry.groups.count);
}

static void identify(const struct handoff *h, struct conf_cell *conf, struct identity *ret)
{
	*ret = (struct identity){
		.id = h->id,
		.hub = h->hub,
		.user = h->user,
		.hub_len = (uint16_t)h->hub_len,
		.user_len = (uint16_t)h->user_len,
	};
	rcu_enter();
	ret->on_message = conf_hub_action(conf_cell_read(conf), h->hub, h->hub_len);
	rcu_leave();
}

/* Has the user room for one more, or is it made? */
static bool has_room(struct worker *w, const struct identity *who) ON_WORKER;
static bool has_room(struct worker *w, const struct identity *who)
{
	struct user *u =
		registry_user(&w->registry, who->hub, who->hub_len, who->user, who->user_len);

	return u == NULL || u->n_sessions < w->view.limits.max_connections_per_user ||
	       user_limit_admits(w, u);
}

static void init(struct worker *w, struct conn *c, const struct handoff *h) ON_WORKER;
static void init(struct worker *w, struct conn *c, const struct handoff *h)
{
	transport_init_tcp(&c->transport, h->fd);
	ws_receiver_init(&c->rx, &w->view.ws, w->now_ms);
	timer_init(&c->timer);
	c->protocol = (uint8_t)h->protocol;
	c->peer = h->peer;
	c->opened_ms = w->now_ms;
	c->heard_ms = (uint32_t)w->now_ms;
	c->interest = OS_READ;
}

/* The session is registered before the 101 leaves: who sees it can be reached. */
static void welcome(struct worker *w, struct conn *c, struct handoff *h) ON_WORKER;
static void welcome(struct worker *w, struct conn *c, struct handoff *h)
{
	stats_add(w->is.stats, STAT_CONNECTIONS_TOTAL, 1);
	stats_add(w->is.stats, stat_protocol_now(h->protocol), 1);
	stats_add(w->is.stats, stat_protocol_ever(h->protocol), 1);
	health_begin(w, c);
	deadline_arm(w, c);
	output_begin(w, c);
	w->unannounced = c;
	if (h->answer_len > 0 && output_raw(w, c, h->answer, h->answer_len) < 0)
		conn_abort(w, c, CLOSE_NO_MEMORY);
	w->unannounced = NULL;
	if (w->is.hooks.on_open != NULL && c->state == CONN_OPEN)
		w->is.hooks.on_open(w->is.hooks.arg, w, c);
	c->bytes_in = h->rest_len;
	stats_add(w->is.stats, STAT_BYTES_IN, h->rest_len);
	input_consume(w, c, h->rest, h->rest_len);
	output_end(w, c);
}

void conn_open(struct worker *w, struct handoff *h)
{
	struct identity who;
	struct conn *c;
	int err;

	if (leave_refuses(&w->leave)) {
		refuse(w, h, REFUSE_DRAINING);
		return;
	}
	c = slab_new(&w->conns);
	if (c == NULL) {
		refuse(w, h, REFUSE_NO_MEMORY);
		return;
	}
	identify(h, w->is.conf, &who);
	if (!has_room(w, &who)) {
		slab_free(&w->conns, c);
		refuse(w, h, REFUSE_USER_CONNECTIONS);
		return;
	}
	err = registry_add(&w->registry, &who, w->view.limits.max_connections_per_user,
	                   &c->session);
	if (err < 0)
		goto fail_conn;
	err = os_poll_add(w->poll, h->fd, OS_READ, slab_handle_of(c));
	if (err < 0)
		goto fail_session;
	c->session->conn = c;
	init(w, c, h);
	count_users(w);
	recorder_open(w, c, h);
	if (UNLIKELY(w->taps != NULL))
		tapper_opened(w, c);
	welcome(w, c, h);
	free(h);
	return;

fail_session:
	registry_remove(&w->registry, c->session);
fail_conn:
	slab_free(&w->conns, c);
	refuse(w, h, err == WSMD_EFULL ? REFUSE_USER_CONNECTIONS : REFUSE_NO_MEMORY);
}

/* ---- the door out ---- */

static const char *sentence_of(enum close_reason reason, const struct parting *parting)
{
	return parting->text != NULL ? parting->text : close_reason_text(reason);
}

static void log_close(const struct worker *w, const struct conn *c, const struct parting *parting)
	ON_WORKER;
static void log_close(const struct worker *w, const struct conn *c, const struct parting *parting)
{
	const enum close_reason reason = (enum close_reason)c->reason;
	const struct session *s = c->session;
	char id[CONN_ID_TEXT], peer[NET_ADDR_TEXT], word[RECORDER_ID_TEXT];
	struct log_line l;

	if (!log_begin(&l, LOG_INFO, "closed"))
		return;
	conn_id_format(&s->id, id);
	log_u64(&l, "worker", w->is.index);
	log_str(&l, "conn", id);
	recorder_id(&s->id, word);
	log_str(&l, "id", word);
	log_strn(&l, "hub", s->hub->name, s->hub->name_len);
	if (s->user != NULL)
		log_strn(&l, "user", s->user->name, s->user->name_len);
	log_str(&l, "peer", net_addr_format(&c->peer, peer));
	log_str(&l, "reason", close_reason_label(reason));
	log_u64(&l, "code", parting->code);
	log_str(&l, "text", sentence_of(reason, parting));
	if (reason == CLOSE_KICKED && !parting->evidence.from_program)
		log_u64(&l, "uid", parting->evidence.uid);
	log_u64(&l, "age_ms", w->now_ms - c->opened_ms);
	log_u64(&l, "silent_ms", w->now_ms - conn_heard_ms(w, c));
	log_u64(&l, "messages_in", c->messages_in);
	log_u64(&l, "messages_out", c->messages_out);
	log_end(&l);
}

/* From here on nobody finds it: a send says so instead of losing the message. */
static void leave_open(struct worker *w, struct conn *c, enum close_reason reason,
                       const struct parting *parting) ON_WORKER;
static void leave_open(struct worker *w, struct conn *c, enum close_reason reason,
                       const struct parting *parting)
{
	c->reason = (uint8_t)reason;
	c->ending_ms = (uint32_t)w->now_ms;
	recorder_closing(w, c, parting);
	c->sendq.blocked_ms = 0;
	c->paused = false;
	log_close(w, c, parting);
	stats_add(w->is.stats, stat_close(reason), 1);
	keepalive_on_close(w, c);
	health_end(w, c);
	if (UNLIKELY(c->is_tapped))
		tapper_closed(w, c, parting->code, sentence_of(reason, parting));
	if (w->is.hooks.on_close != NULL && w->unannounced != c)
		w->is.hooks.on_close(w->is.hooks.arg, w, c, parting->code,
		                     sentence_of(reason, parting));
	registry_remove(&w->registry, c->session);
	c->session = NULL;
	count_users(w);
}

static void end(struct worker *w, struct conn *c) ON_WORKER;
static void end(struct worker *w, struct conn *c)
{
	move(c, CONN_CLOSED);
	recorder_ended(w, c);
	stats_sub(w->is.stats, STAT_QUEUE_BYTES, c->sendq.bytes);
	stats_add(w->is.stats, STAT_UNSENT, sendq_clear(&c->sendq, &w->send_nodes));
	wheel_disarm(&w->wheel, &c->timer);
	os_poll_remove(w->poll, c->transport.fd);
	if (!c->is_dirty) /* otherwise output_flush_dirty() finds it */
		conn_reap_later(w, c);
}

static void cut(struct worker *w, struct conn *c, enum close_reason reason, int err) ON_WORKER;
static void cut(struct worker *w, struct conn *c, enum close_reason reason, int err)
{
	if (c->state == CONN_CLOSED)
		return;
	if (c->state == CONN_OPEN)
		leave_open(w, c, reason, &(struct parting){.evidence.err = err});
	end(w, c);
}

void conn_abort(struct worker *w, struct conn *c, enum close_reason reason)
{
	cut(w, c, reason, 0);
}

void conn_fail(struct worker *w, struct conn *c, int err)
{
	cut(w, c, err == -EPIPE || err == -ECONNRESET ? CLOSE_RESET : CLOSE_IO_ERROR, err);
}

/* A slow consumer's queue is given up, so that the close frame has a chance. */
static void give_up_queue(struct worker *w, struct conn *c) ON_WORKER;
static void give_up_queue(struct worker *w, struct conn *c)
{
	const uint32_t was = c->sendq.bytes;

	stats_add(w->is.stats, STAT_UNSENT, sendq_drop_unsent(&c->sendq, &w->send_nodes));
	stats_sub(w->is.stats, STAT_QUEUE_BYTES, was - c->sendq.bytes);
}

static int send_close(struct worker *w, struct conn *c, uint16_t code, const char *text) ON_WORKER;
static int send_close(struct worker *w, struct conn *c, uint16_t code, const char *text)
{
	uint8_t frame[WS_MAX_HEADER + WS_MAX_CONTROL];

	stats_add(w->is.stats, STAT_CONTROL_OUT, 1);
	return output_raw(w, c, frame, (uint32_t)ws_frame_encode_close(frame, code, text, NULL));
}

void conn_close_with(struct worker *w, struct conn *c, enum close_reason reason,
                     const struct parting *parting)
{
	const enum close_manner manner = close_reason_manner(reason);
	struct parting last = *parting;
	char text[CLOSE_TEXT_MAX + 1] = "";

	if (c->state != CONN_OPEN)
		return;
	if (last.code == 0)
		last.code = close_reason_code(reason);
	if (reason != CLOSE_PEER) /* who is answered with his own code */
		close_text(text, sentence_of(reason, &last), last.retry_ms, &c->session->id);
	leave_open(w, c, reason, &last);
	/* Before anything is written: a write that fails ends it for good. */
	move(c, manner == CLOSE_BY_HANDSHAKE ? CONN_CLOSING
	        : manner == CLOSE_BY_ANSWER  ? CONN_ANSWERING
	                                     : CONN_LINGERING);
	if (reason == CLOSE_QUEUE_FULL || reason == CLOSE_WRITE_TIMEOUT || reason == CLOSE_SHED ||
	    manner == CLOSE_AT_ONCE)
		give_up_queue(w, c);
	if (manner == CLOSE_SILENTLY || send_close(w, c, last.code, text) < 0) {
		end(w, c);
		return;
	}
	if (manner == CLOSE_AT_ONCE) {
		output_flush(w, c);
		if (c->state != CONN_CLOSED)
			end(w, c);
		return;
	}
	deadline_arm(w, c);
}

void conn_close(struct worker *w, struct conn *c, enum close_reason reason)
{
	conn_close_with(w, c, reason, &(struct parting){0});
}

void conn_on_peer_close(struct worker *w, struct conn *c, const struct ws_event *ev)
{
	char text[WS_MAX_CONTROL + 1] = "";

	if (c->state == CONN_CLOSING) {
		recorder_answered(w, c, ev->close_code);
		move(c, CONN_ANSWERING);
		return;
	}
	memcpy(text, ev->data, ev->len); /* for log and record; the answer has the code alone */
	conn_close_with(
		w, c, CLOSE_PEER,
		&(struct parting){.code = ev->close_code, .text = ev->len > 0 ? text : NULL});
}

void conn_on_flushed(struct worker *w, struct conn *c)
{
	if (c->state == CONN_ANSWERING) {
		end(w, c);
		return;
	}
	deadline_arm(w, c); /* at a stop, an empty queue has less time than a full one */
	if (c->state != CONN_LINGERING || c->write_shut)
		return;
	c->transport.ops->shutdown(&c->transport);
	c->write_shut = true;
}

void conn_watch_for(struct worker *w, struct conn *c, uint32_t want)
{
	if (c->state == CONN_CLOSED)
		return;
	if (os_poll_change(w->poll, c->transport.fd, want, slab_handle_of(c)) < 0) {
		conn_abort(w, c, CLOSE_NO_MEMORY); /* unwatched, it would be a ghost */
		return;
	}
	c->interest = want & (OS_READ | OS_WRITE);
}

void conn_reap_later(struct worker *w, struct conn *c)
{
	c->next = w->closed;
	w->closed = c;
}

void conn_reap(struct worker *w)
{
	for (struct conn *c; (c = w->closed) != NULL;) {
		w->closed = c->next;
		c->transport.ops->close(&c->transport);
		/* Not earlier: a handler may still look at a message when its reply fails. */
		ws_receiver_fini(&c->rx);
		aside_free(c);
		stats_sub(w->is.stats, STAT_CONNECTIONS_ACTIVE, 1);
		sources_left(w->is.sources, &c->peer);
		stats_sub(w->is.stats, stat_protocol_now((enum protocol_type)c->protocol), 1);
		recorder_free(w, c);
		slab_free(&w->conns, c);
	}
}
