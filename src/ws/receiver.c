/* The receiving half of a connection: frames to messages, one frame a step. */
#include "ws/receiver.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "ws/begun.h"
#include "ws/close_code.h"
#include "ws/frame.h"
#include "ws/mask.h"
#include "ws/mask_short.h"
#include "ws/text.h"
#include "ws/utf8.h"

static_assert(sizeof(struct ws_receiver) <= 16, "part of every idle connection");
static_assert(sizeof(size_t) == sizeof(uint64_t), "lengths below a limit are used as sizes");

#define TOKEN MS_PER_S /* price of a control frame: so a rate per second is a rate per ms */

/* What fits into control_tokens: more than limits.control_frame_burst may say. */
#define CONTROL_TOKENS_MAX ((UINT32_C(1) << 31) - 1)

/* Beside 0 and the codes of ws_receiver_next(): the frame is done and caused no event. */
#define NEXT_FRAME 1

/* What is left of the caller's bytes. */
struct input {
	uint8_t *at, *end;
	const uint8_t *begin;
};

static inline size_t left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

static void release(struct ws_receiver *r)
{
	free(r->begun);
	r->begun = NULL;
}

/* Nothing behind a close frame or a violation is looked at. */
static void end(struct ws_receiver *r, struct input *in)
{
	release(r);
	r->ended = true;
	in->at = in->end;
}

/* @where: the guilty frame or byte. */
static COLD int violate(struct ws_receiver *r, struct input *in, enum ws_rule rule,
                        const uint8_t *where, struct ws_event *ret)
{
	end(r, in);
	*ret = (struct ws_event){
		.type = WS_EVENT_VIOLATION,
		.rule = rule,
		.at = where - in->begin,
	};
	return 0;
}

static bool take_token(struct ws_receiver *r, const struct ws_limits *l, uint64_t now_ms)
{
	const uint64_t full = (uint64_t)l->control_burst * TOKEN;
	uint64_t tokens;

	if (l->control_per_s == 0)
		return true;
	tokens = r->control_tokens +
	         (uint64_t)((uint32_t)now_ms - r->control_seen_ms) * l->control_per_s;
	if (tokens > full)
		tokens = full;
	r->control_seen_ms = (uint32_t)now_ms;
	r->control_tokens = (tokens < TOKEN ? tokens : tokens - TOKEN) & CONTROL_TOKENS_MAX;
	return tokens >= TOKEN;
}

static int take_close(struct ws_receiver *r, struct input *in, uint8_t *body, size_t len,
                      struct ws_event *ret)
{
	uint16_t code = WS_CLOSE_NO_STATUS;
	uint8_t utf8 = WS_UTF8_WHOLE;
	size_t good;

	if (len > 0) { /* and so at least 2, see ws_frame_decode() */
		code = (uint16_t)(body[0] << 8 | body[1]);
		if (!ws_close_may_receive(code))
			return violate(r, in, WS_RULE_CLOSE_CODE, body, ret);
		body += 2;
		len -= 2;
	}
	good = ws_utf8_check(&utf8, body, len);
	if (good < len || utf8 != WS_UTF8_WHOLE)
		return violate(r, in, WS_RULE_CLOSE_UTF8, body + good, ret);
	end(r, in);
	*ret = (struct ws_event){
		.type = WS_EVENT_CLOSE,
		.opcode = WS_CLOSE,
		.close_code = code,
		.data = body,
		.len = len,
	};
	return 0;
}

static int take_control(struct ws_receiver *r, const struct ws_limits *l, const struct ws_frame *f,
                        uint64_t now_ms, struct input *in, struct ws_event *ret)
{
	const size_t len = f->payload_len;
	uint8_t *const body = in->at + f->header_len;

	if (left(in) - f->header_len < len)
		return WSMD_ENEEDMORE;
	(void)ws_mask(body, len, f->mask_key); /* whole, so the key is not used again */
	in->at = body + len;
	if (f->opcode == WS_CLOSE)
		return take_close(r, in, body, len, ret);
	if (!take_token(r, l, now_ms))
		return violate(r, in, WS_RULE_CONTROL_RATE, body - f->header_len, ret);
	*ret = (struct ws_event){
		.type = f->opcode == WS_PING ? WS_EVENT_PING : WS_EVENT_PONG,
		.opcode = f->opcode,
		.data = body,
		.len = len,
	};
	return 0;
}

/* Unmask a whole message. Returns: where a text is wrong, @len if it ends too early; or -1. */
static NOINLINE ptrdiff_t unmask_whole(uint8_t opcode, uint8_t *body, size_t len, uint32_t key)
{
	uint8_t utf8 = WS_UTF8_WHOLE;

	if (opcode == WS_BINARY) {
		ws_mask_copy(body, body, len, key);
		return -1;
	}

	const size_t good = ws_text_unmask(body, body, len, key, &utf8);

	return good == len && utf8 == WS_UTF8_WHOLE ? -1 : (ptrdiff_t)good;
}

/* A message of one frame that is all there: handed out from where it lies. */
static int take_whole(struct ws_receiver *r, const struct ws_frame *f, struct input *in,
                      struct ws_event *ret)
{
	const size_t len = f->payload_len;
	uint8_t *const body = in->at;

	const ptrdiff_t wrong = unmask_whole(f->opcode, body, len, f->mask_key);

	if (UNLIKELY(wrong >= 0))
		return violate(r, in, WS_RULE_TEXT_UTF8, body + wrong, ret);
	in->at = body + len;
	*ret = (struct ws_event){
		.type = WS_EVENT_MESSAGE,
		.opcode = f->opcode,
		.data = body,
		.len = len,
	};
	return 0;
}

static int finish_message(struct ws_receiver *r, struct input *in, struct ws_event *ret)
{
	struct ws_begun *m = r->begun;

	if (m->opcode == WS_TEXT && m->utf8 != WS_UTF8_WHOLE)
		return violate(r, in, WS_RULE_TEXT_UTF8, in->at, ret);
	*ret = (struct ws_event){
		.type = WS_EVENT_MESSAGE,
		.opcode = m->opcode,
		.continuations = m->fragments - 1,
		.data = m->bytes,
		.len = m->len,
	};
	m->opcode = 0;
	return 0;
}

/* Unmask @n bytes into the assembly buffer, in the one pass over them; or in it, see
 * ws_receiver_room(). Returns: the good ones. */
static size_t append(struct ws_begun *m, const uint8_t *src, size_t n)
{
	uint8_t *const dst = m->bytes + m->len;
	const uint32_t key = m->mask_key;

	m->mask_key = ws_mask_turn(key, n);
	if (m->opcode == WS_TEXT)
		return ws_text_unmask(dst, src, n, key, &m->utf8);
	ws_mask_copy(dst, src, n, key);
	return n;
}

/* Move what there is of the open frame's payload into the assembly buffer. */
static int take_payload(struct ws_receiver *r, const struct ws_limits *l, struct input *in,
                        struct ws_event *ret)
{
	const size_t n = left(in) < r->begun->frame_left ? left(in) : r->begun->frame_left;

	/* Memory first: without it nothing has happened yet, and the call may be repeated. */
	if (n > 0 && ws_begun_reserve(r, l, n) != 0)
		return WSMD_ENOMEM;

	struct ws_begun *m = r->begun;

	if (n > 0) {
		const size_t good = append(m, in->at, n);

		if (good < n)
			return violate(r, in, WS_RULE_TEXT_UTF8, in->at + good, ret);
		m->len += (uint32_t)n;
		m->frame_left -= (uint32_t)n;
		in->at += n;
	}
	if (m->frame_left > 0)
		return WSMD_ENEEDMORE;
	return m->fin ? finish_message(r, in, ret) : NEXT_FRAME;
}

/* A message begins, with room for the @n bytes of its first frame that are here. */
static int begin(struct ws_receiver *r, const struct ws_frame *f, size_t n)
{
	struct ws_begun *m = malloc(sizeof(*m) + n);

	if (m == NULL)
		return WSMD_ENOMEM;
	*m = (struct ws_begun){
		.cap = (uint32_t)n,
		.opcode = f->opcode,
		.utf8 = WS_UTF8_WHOLE,
	};
	r->begun = m;
	return 0;
}

/* Behind its header: the frame is the first of a message, or one more. */
static int open_frame(struct ws_receiver *r, const struct ws_frame *f, const struct input *in)
{
	const size_t n = left(in) - f->header_len;
	struct ws_begun *m;

	if (r->begun == NULL && begin(r, f, n < f->payload_len ? n : f->payload_len) != 0)
		return WSMD_ENOMEM;
	m = r->begun;
	m->fragments++;
	m->fin = f->fin;
	m->frame_left =
		(uint32_t)f->payload_len; /* within the limit, as take_frame() has checked */
	m->mask_key = f->mask_key;
	return 0;
}

/*
 * Does a frame that begins with byte @b fit behind what came before? Asked before the rest of
 * the header is there; WS_RULE_COUNT means yes, or that ws_frame_decode() will say why not.
 */
static enum ws_rule check_sequence(const struct ws_receiver *r, const struct ws_limits *l,
                                   uint8_t b)
{
	switch (b & 0x7F) { /* all but FIN */
	case WS_CONTINUATION:
		if (r->begun == NULL)
			return WS_RULE_CONTINUATION;
		return r->begun->fragments < l->max_fragments ? WS_RULE_COUNT : WS_RULE_FRAGMENTS;
	case WS_TEXT:
	case WS_BINARY:
		return r->begun == NULL ? WS_RULE_COUNT : WS_RULE_INTERLEAVED;
	default:
		return WS_RULE_COUNT;
	}
}

static int take_frame(struct ws_receiver *r, const struct ws_limits *l, enum ws_role role,
                      uint64_t now_ms, struct input *in, struct ws_event *ret)
{
	struct ws_frame f;
	enum ws_rule rule;
	int rc;

	if (left(in) == 0)
		return WSMD_ENEEDMORE;
	rule = check_sequence(r, l, in->at[0]);
	if (rule != WS_RULE_COUNT)
		return violate(r, in, rule, in->at, ret);
	rc = ws_frame_decode(role, in->at, left(in), &f, &rule);
	if (rc == WSMD_EPROTO)
		return violate(r, in, rule, in->at, ret);
	if (rc != 0)
		return rc;
	if (f.opcode >= WS_CLOSE)
		return take_control(r, l, &f, now_ms, in, ret);
	if (f.payload_len > l->max_message_bytes ||
	    ws_receiver_begun_bytes(r) > l->max_message_bytes - f.payload_len) {
		/* below 2^63 + 2^32 */
		const uint64_t announced = ws_receiver_begun_bytes(r) + f.payload_len;

		(void)violate(r, in, WS_RULE_MESSAGE_SIZE, in->at, ret);
		ret->len = announced;
		return 0;
	}
	if (f.fin && f.opcode != WS_CONTINUATION && f.payload_len <= left(in) - f.header_len) {
		in->at += f.header_len;
		return take_whole(r, &f, in, ret);
	}
	if (open_frame(r, &f, in) != 0)
		return WSMD_ENOMEM;
	in->at += f.header_len;
	return take_payload(r, l, in, ret);
}

void ws_receiver_init(struct ws_receiver *r, const struct ws_limits *l, uint64_t now_ms)
{
	*r = (struct ws_receiver){
		.control_tokens = l->control_burst * TOKEN & CONTROL_TOKENS_MAX,
		.control_seen_ms = (uint32_t)now_ms,
	};
}

void ws_receiver_fini(struct ws_receiver *r)
{
	release(r);
}

static NOINLINE int next_event(struct ws_receiver *r, const struct ws_limits *l, enum ws_role role,
                               uint8_t *data, size_t len, uint64_t now_ms, size_t *ret_used,
                               struct ws_event *ret)
{
	struct input in = {.at = data, .end = data + len, .begin = data};
	int rc = NEXT_FRAME;

	if (r->ended) {
		*ret_used = len;
		return WSMD_ENEEDMORE;
	}
	if (UNLIKELY(r->begun != NULL)) {
		if (r->begun->opcode == 0)
			release(r); /* handed out by the call before */
		else if (r->begun->frame_left > 0)
			rc = take_payload(r, l, &in, ret);
	}
	while (rc == NEXT_FRAME)
		rc = take_frame(r, l, role, now_ms, &in, ret);
	*ret_used = (size_t)(in.at - data);
	return rc;
}

/* @at: the first byte of @data that the text cannot have. */
static COLD int refuse_text(struct ws_receiver *r, uint8_t *data, size_t len, const uint8_t *at,
                            size_t *ret_used, struct ws_event *ret)
{
	struct input in = {.at = data, .end = data + len, .begin = data};

	*ret_used = len;
	return violate(r, &in, WS_RULE_TEXT_UTF8, at, ret);
}

/*
 * Most messages to a server are one frame, whole, with nothing begun before it: they need no
 * state, and a few bytes of the header say that they are such. All else, and all that is wrong
 * about a header, is left to next_event().
 */
int ws_receiver_next(struct ws_receiver *r, const struct ws_limits *l, enum ws_role role,
                     uint8_t *data, size_t len, uint64_t now_ms, size_t *ret_used,
                     struct ws_event *ret)
{
	size_t header_len, n;
	uint8_t opcode, *body;
	uint32_t key;

	if (UNLIKELY(role != WS_SERVER || r->begun != NULL || r->ended) ||
	    !ws_frame_is_usual(data, len, l->max_message_bytes, &header_len, &n))
		return next_event(r, l, role, data, len, now_ms, ret_used, ret);
	opcode = data[0] & 0x7F;
	body = data + header_len;
	key = ws_load4(body - sizeof(key));
	if (opcode != WS_TEXT || n > WS_MASK_SHORT || !ws_mask_short(body, body, n, key, true)) {
		const ptrdiff_t wrong = unmask_whole(opcode, body, n, key);

		if (UNLIKELY(wrong >= 0))
			return refuse_text(r, data, len, body + wrong, ret_used, ret);
	}
	*ret_used = header_len + n;
	*ret = (struct ws_event){
		.type = WS_EVENT_MESSAGE,
		.opcode = opcode,
		.data = body,
		.len = n,
	};
	return 0;
}
