/* What clients get: every byte is checked. */
#include <string.h>

#include "base/err.h"
#include "base/siphash.h"
#include "client.h"
#include "host.h"
#include "http/field.h"
#include "model.h"
#include "requests.h"
#include "scenario.h"
#include "world.h"

/* ---- the answer to the request ---- */

static bool excused(const struct client *c)
{
	return scenario.scarce || world.hurt || c->link->hurt || model_stopped_us != 0 ||
	       world_disturbed(c->started_us);
}

/* A well-formed request, and still no 101. */
static void check_refusal(const struct client *c, uint16_t status)
{
	const bool full = status == 503 || status == 429;

	if (c->kind == KIND_DRIBBLER || c->kind == KIND_VANISHING || c->kind == KIND_ABRUPT)
		return;
	if (full && (model_drained_us != 0 || excused(c)))
		return;
	if (status == 408 && excused(c))
		return;
	world_fail("link %u: the handshake is answered with %u", c->link->id, status);
}

static void check_status(const struct client *c, uint16_t status)
{
	uint16_t want;

	if (status >= 500 && (world.hurt || excused(c) || model_drained_us != 0))
		return;
	switch (c->kind) {
	case KIND_MALFORMED:
		want = malformed_requests[c->request].status;
		break;
	case KIND_PAGE:
		want = page_requests[c->request].status;
		break;
	default:
		check_refusal(c, status);
		return;
	}
	EXPECT(want == 0 || status == want || (status == 408 && excused(c)),
	       "link %u: request %u is answered with %u", c->link->id, c->request, status);
}

static void check_accept(const struct client *c)
{
	struct http_span value;

	EXPECT(http_head_find(c->head, c->answer, "sec-websocket-accept", &value) == 1 &&
	               http_span_equals(c->answer, value, c->accept),
	       "link %u: the accept value is wrong", c->link->id);
}

static void take_frames(struct client *c, const uint8_t *bytes, size_t len);

static void take_answer(struct client *c, const uint8_t *bytes, size_t len)
{
	int err;

	if (len == 0)
		return;
	c->answer = sim_grow(c->answer, c->answer_len + len);
	memcpy(c->answer + c->answer_len, bytes, len);
	c->answer_len += len;
	if (c->head->head_len > 0)
		return; /* body */
	err = http_head_parse(c->head, c->answer, c->answer_len, 4096);
	EXPECT(err == 0 || err == WSMD_ENEEDMORE, "link %u: the answer is not HTTP", c->link->id);
	if (err == WSMD_ENEEDMORE)
		return;
	if (c->head->status != 101) {
		check_status(c, c->head->status);
		return;
	}
	EXPECT(c->kind != KIND_MALFORMED && c->kind != KIND_PAGE, "link %u: 101 to request %u",
	       c->link->id, c->request);
	check_accept(c);
	TRACE("link %u is open", c->link->id);
	c->state = CLIENT_OPEN;
	c->open_us = world.now_us;
	if (c->kind == KIND_MUTE)
		client_expect_gone(c);
	take_frames(c, (uint8_t *)c->answer + c->head->head_len, c->answer_len - c->head->head_len);
}

/* The stream ended before a 101. */
static void check_answer(const struct client *c)
{
	const size_t body = c->answer_len - c->head->head_len;
	const bool head_only = c->kind == KIND_PAGE && c->request == 3;
	const bool patient =
		client_innocent(c) || c->kind == KIND_MALFORMED || c->kind == KIND_PAGE;

	if (c->head->head_len > 0 && !excused(c))
		EXPECT(!c->link->reset_at_peer && body == (head_only ? 0 : c->head->content_length),
		       "link %u: an answer of %llu bytes has %zu", c->link->id,
		       (unsigned long long)c->head->content_length, body);
	else
		EXPECT(!patient || excused(c), "link %u: no answer to its request", c->link->id);
}

/* ---- frames ---- */

static void on_message(struct client *c, const struct ws_event *ev)
{
	static const struct siphash_key fixed = {3, 4};
	const struct expected *e;

	EXPECT(ev->len > 0, "link %u: an empty message", c->link->id);
	if (ev->data[0] == 'o') {
		model_arrived(c, ev);
		return;
	}
	EXPECT(c->expected_at < c->expected_len, "link %u: an echo of nothing", c->link->id);
	e = &c->expected[c->expected_at++];
	EXPECT(e->len == ev->len && e->opcode == ev->opcode &&
	               e->hash == siphash(&fixed, ev->data, ev->len),
	       "link %u: echo %zu is wrong: %.20s", c->link->id, c->expected_at - 1, ev->data);
	c->expected_bytes -= e->len;
}

/* Whoever says nothing is asked after each interval. */
static void check_cadence(const struct client *c)
{
	const struct link *l = c->link;
	const uint64_t heard = l->up_us > c->open_us ? l->up_us : c->open_us;
	const uint64_t silent = world.now_us - (heard > l->blocked_us ? heard : l->blocked_us);
	const uint64_t most = host_times.interval_max_us + US_PER_S;

	EXPECT(silent < most || world_disturbed(c->link->up_us) || world.hurt,
	       "link %u is pinged after %llu us of silence", c->link->id,
	       (unsigned long long)silent);
}

static void on_ping(struct client *c, const struct ws_event *ev)
{
	const bool silent = c->kind == KIND_MUTE || c->kind == KIND_CHATTY || c->kind == KIND_DEAF;

	if (c->kind == KIND_IDLE && scenario.network == NULL)
		check_cadence(c);
	TRACE("link %u gets a ping", c->link->id);
	if (!silent && c->state == CLIENT_OPEN)
		client_put_frame(c, WS_PONG, true, ev->data, ev->len);
}

/* Pings may be answered with the latest only, but never out of order or twice. */
static void on_pong(struct client *c, const struct ws_event *ev)
{
	uint64_t n = 0;

	EXPECT(ev->len == sizeof(n), "link %u: a pong of %zu bytes", c->link->id, ev->len);
	memcpy(&n, ev->data, sizeof(n));
	EXPECT(n > c->pong_seen && n <= c->pings_sent, "link %u: pong %llu after %llu, %llu sent",
	       c->link->id, (unsigned long long)n, (unsigned long long)c->pong_seen,
	       (unsigned long long)c->pings_sent);
	c->pong_seen = n;
}

/* Both have said goodbye: now the server ends the stream, and does not wait for a timeout. */
static void check_fin(void *arg, uint64_t since_us)
{
	struct client *c = arg;

	EXPECT(c->state == CLIENT_ENDED || !client_innocent(c) || world_disturbed(since_us) ||
	               c->link->faked_us >= since_us || !host_running(),
	       "link %u said goodbye and waits for the end of the stream", c->link->id);
}

static void on_close(struct client *c, const struct ws_event *ev)
{
	TRACE("link %u gets close %u %.*s", c->link->id, ev->close_code, (int)ev->len, ev->data);
	c->close_seen = true;
	if (c->close_sent && c->close_code == ev->close_code && ev->len == 0) {
		EXPECT(!client_innocent(c) || c->expected_at == c->expected_len,
		       "link %u said goodbye, and %zu echoes never came", c->link->id,
		       c->expected_len - c->expected_at);
		agenda_at(world.now_us + 700 * US_PER_MS, check_fin, c, world.now_us);
		return;
	}
	if (c->violation_code != 0 && !c->link->hurt && !world.hurt && ev->close_code >= 1002 &&
	    ev->close_code <= 1009 && ev->close_code != 1008)
		EXPECT(ev->close_code == c->violation_code,
		       "link %u broke the protocol and is told %u, not %u", c->link->id,
		       ev->close_code, c->violation_code);
	model_closed(c, ev->close_code, (const char *)ev->data, ev->len);
	c->state = CLIENT_CLOSING;
	if (c->kind != KIND_MUTE)
		client_put_close(c, ev->close_code);
	c->muzzled = true;
}

static void on_frame(struct client *c, const struct ws_event *ev)
{
	switch (ev->type) {
	case WS_EVENT_MESSAGE:
		on_message(c, ev);
		break;
	case WS_EVENT_PING:
		on_ping(c, ev);
		break;
	case WS_EVENT_PONG:
		on_pong(c, ev);
		break;
	case WS_EVENT_CLOSE:
		on_close(c, ev);
		break;
	case WS_EVENT_VIOLATION:
		world_fail("link %u: the server breaks the protocol: %s", c->link->id,
		           ws_rule_text(ev->rule));
	}
}

static void take_frames(struct client *c, const uint8_t *bytes, size_t len)
{
	static const struct ws_limits limits = {.max_message_bytes = 1 << 20,
	                                        .max_fragments = 1000};
	static uint8_t buf[1 << 17];
	const size_t total = c->tail_len + len;
	size_t at = 0, used;
	struct ws_event ev;

	EXPECT(total <= sizeof(buf) && (len == 0 || !c->close_seen),
	       "link %u: %zu bytes behind a close frame", c->link->id, len);
	memcpy(buf, c->tail, c->tail_len);
	if (len > 0)
		memcpy(buf + c->tail_len, bytes, len);
	while (ws_receiver_next(&c->rx, &limits, WS_CLIENT, buf + at, total - at, 0, &used, &ev) ==
	       0) {
		at += used;
		EXPECT(ev.type != WS_EVENT_CLOSE || ev.data + ev.len == buf + total || ev.len == 0,
		       "link %u: bytes behind a close frame", c->link->id);
		on_frame(c, &ev);
	}
	at += used;
	c->tail_len = total - at;
	memcpy(c->tail, buf + at, c->tail_len);
}

/* ---- events of the link ---- */

static void take(struct client *c, const uint8_t *bytes, size_t len)
{
	world_mix_bytes(bytes, len);
	if (c->state == CLIENT_SHAKING)
		take_answer(c, bytes, len);
	else
		take_frames(c, bytes, len);
}

static void on_end(struct client *c)
{
	if (c->state == CLIENT_SHAKING)
		check_answer(c);
	else if (!c->close_seen)
		model_cut(c);
	client_end(c);
}

void client_on_event(struct link *l)
{
	static uint8_t buf[1 << 16];
	struct client *c = l->owner;
	size_t n;

	if (c->state == CLIENT_ENDED)
		return;
	client_push(c);
	while (c->reads && c->state != CLIENT_ENDED) {
		n = net_recv(l, buf, c->kind == KIND_SLOW ? chance_between(1, 400) : sizeof(buf));
		if (n == 0)
			break;
		take(c, buf, n);
		if (c->kind == KIND_SLOW)
			break;
	}
	client_push(c);
	if (net_ended(l) && c->state != CLIENT_ENDED && c->reads)
		on_end(c);
}
