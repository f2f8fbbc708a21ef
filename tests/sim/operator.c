/* Lines out, answers in. */
#include "operator.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "host.h"
#include "model.h"
#include "net.h"
#include "scenario.h"
#include "world.h"

#define MAX_SESSIONS 4
#define ANSWER_US    (1500 * US_PER_MS) /* of an undisturbed server to all but a ping */
#define PING_US      (6 * US_PER_S)
#define PAGE_ROWS    70

struct operator
{
	uint32_t number; /* a reconnected session is another one */
	struct link *link;
	char *in;
	size_t in_len;
	struct op *op; /* that waits for its answer; NULL: none */
	bool ping;
	uint32_t pinged; /* link; 0: nobody */
	uint64_t asked_us;
	bool waiting;
	uint64_t question; /* counts them: an old deadline is not the new one's */
	/* OP_LIST */
	uint8_t *listed; /* by link id */
	uint32_t n_listed;
};

/* A connection whose id was in a list. */
struct known {
	uint32_t link;
	char id[32];
};

static struct operator sessions[MAX_SESSIONS];
static uint32_t n_sessions, next_number;
static bool quiet;
static struct known known[32];
static uint32_t n_known;

static void tick(void *arg, uint64_t number);
static void on_event(struct link *l);

/* ---- connecting ---- */

static void connect_session(struct operator* s)
{
	const struct net_options o = {.latency_us = 50, .up_bytes = 4096, .down_bytes = 3000};

	*s = (struct operator){.number = next_number++};
	s->link = net_connect(0, &o, on_event, s);
	agenda_at(world.now_us + chance_below(US_PER_S), tick, s, s->number);
}

static void hang_up(struct operator* s)
{
	net_close(s->link);
	free(s->in);
	free(s->listed);
	s->in = NULL;
	s->listed = NULL;
	s->waiting = false;
	s->link = NULL;
}

void operators_begin(uint32_t n)
{
	memset(sessions, 0, sizeof(sessions));
	n_sessions = n;
	next_number = n_known = 0;
	quiet = false;
	for (uint32_t i = 0; i < n; i++)
		connect_session(&sessions[i]);
}

void operators_leave(void)
{
	for (uint32_t i = 0; i < n_sessions; i++)
		if (sessions[i].link != NULL)
			hang_up(&sessions[i]);
}

void operators_end(void)
{
	operators_leave();
}

void operators_quiet(void)
{
	quiet = true;
}

bool operators_idle(void)
{
	for (uint32_t i = 0; i < n_sessions; i++)
		if (sessions[i].link != NULL && sessions[i].waiting)
			return false;
	return true;
}

/* ---- asking ---- */

static void check_answered(void *arg, uint64_t question)
{
	struct operator* s = arg;

	if (s->link == NULL || !s->waiting || s->question != question || !host_running())
		return;
	if (model_stopped_us != 0 || world.hurt || s->link->hurt || world_disturbed(s->asked_us))
		return;
	if (s->link->fd < 0 && world.faults.accept_full > 0)
		return;
	world_fail("session %u has had no answer for %llu us", s->number,
	           (unsigned long long)(s->ping ? PING_US : ANSWER_US));
}

/* A ping whose connection is gone is not waited for. */
static bool pinged_in_vain(const struct operator* s)
{
	const struct client *c = s->ping ? clients_of_link(s->pinged) : NULL;

	return c != NULL && c->link->closed_us > s->asked_us &&
	       world.now_us > c->link->closed_us + US_PER_S && !world_disturbed(s->asked_us) &&
	       !s->link->hurt && !world.hurt;
}

static void say(struct operator* s, const char *line, size_t len)
{
	const size_t n = net_send(s->link, line, len);

	if (n < len) { /* the server reads on: a line is longer than its buffers */
		hang_up(s);
		return;
	}
	s->waiting = true;
	s->asked_us = world.now_us;
	s->question = chance_next();
	agenda_at(world.now_us + (s->ping ? PING_US : ANSWER_US), check_answered, s, s->question);
}

static void ask(struct operator* s, const char *command, json_t *arguments)
{
	json_t *line = json_pack("{s:i, s:s, s:o}", "version", 1, "command", command, "arguments",
	                         arguments == NULL ? json_object() : arguments);
	char *text = json_dumps(line, JSON_COMPACT), *sent;
	const size_t len = strlen(text);

	sent = sim_alloc(len + 2);
	memcpy(sent, text, len);
	sent[len] = '\n';
	TRACE("session %u: %.100s", s->number, sent);
	say(s, sent, len + 1);
	json_decref(line);
	free(text);
	free(sent);
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_base64(const char *bytes, size_t len, char *dst)
{
	for (size_t i = 0; i < len; i += 3) { /* len is a multiple of 3 */
		const uint32_t b = (uint32_t)(uint8_t)bytes[i] << 16 |
		                   (uint32_t)(uint8_t)bytes[i + 1] << 8 | (uint8_t)bytes[i + 2];

		for (int j = 0; j < 4; j++)
			*dst++ = base64[b >> (18 - 6 * j) & 63];
	}
	*dst = '\0';
}

/* Somebody who is or was there, or nobody. */
static void choose_target(struct op *op)
{
	const struct client *c = clients_count() == 0 || chance(100)
	                                 ? NULL
	                                 : clients_at((uint32_t)chance_below(clients_count()));

	op->hub = c == NULL ? 0 : c->hub;
	op->user = c == NULL || c->user == 0 ? 9999 : c->user;
	op->target = chance(250) && op->kind == OP_SEND ? OP_HUB : OP_USER;
	if (n_known > 0 && chance(200)) {
		op->target = OP_CONNECTION;
		op->link = (uint32_t)chance_below(n_known); /* of known[], for now */
	}
}

static json_t *target_json(struct op *op, const char *key)
{
	char user[32];

	if (op->target == OP_CONNECTION) {
		const struct known *k = &known[op->link];

		op->link = k->link;
		return json_pack("{s:s}", op->kind == OP_KICK ? key : "connection", k->id);
	}
	if (op->target == OP_HUB)
		return json_pack("{s:b, s:s}", "all", 1, "hub", client_hub(op->hub));
	snprintf(user, sizeof(user), "u%u", op->user);
	return json_pack("{s:s, s:s}", key, user, "hub", client_hub(op->hub));
}

static void ask_send(struct operator* s)
{
	static char payload[4096], text[6000];
	struct op *op = model_op(OP_SEND, s->number);
	const bool binary = chance(300);
	json_t *arguments;

	choose_target(op);
	op->len = 3 * (uint32_t)chance_between(8, chance(800) ? 40 : 700);
	op->opcode = binary ? WS_BINARY : WS_TEXT;
	op_payload(op, payload);
	arguments = target_json(op, "user");
	if (binary) {
		encode_base64(payload, op->len, text);
		json_object_set_new(arguments, "binary", json_string(text));
	} else {
		json_object_set_new(arguments, "text", json_stringn(payload, op->len));
	}
	s->op = op;
	ask(s, "send", arguments);
}

static void ask_kick(struct operator* s)
{
	struct op *op = model_op(OP_KICK, s->number);
	json_t *arguments;

	choose_target(op);
	snprintf(op->text, sizeof(op->text), "out %u", op->number);
	arguments = target_json(op, "target");
	json_object_set_new(arguments, "reason", json_string(op->text));
	s->op = op;
	ask(s, "kick", arguments);
}

static void ask_list(struct operator* s, json_int_t cursor)
{
	s->waiting = false;
	ask(s, "ls", json_pack("{s:i, s:I}", "limit", PAGE_ROWS, "cursor", cursor));
}

static void begin_list(struct operator* s)
{
	s->op = model_op(OP_LIST, s->number);
	s->n_listed = clients_count() + 5000;
	s->listed = sim_alloc(s->n_listed);
	ask_list(s, 0);
}

static void ask_ping(struct operator* s)
{
	const struct known *k = n_known == 0 ? NULL : &known[chance_below(n_known)];

	s->ping = true;
	s->pinged = k == NULL ? 0 : k->link;
	ask(s, "ping",
	    json_pack("{s:s}", "connection", k == NULL ? "aaaaaaaaaaaaaaaaaaaaaaaaaa" : k->id));
}

static void ask_something(struct operator* s)
{
	static const char *const plain[] = {"stats", "config", "show", "nonsense"};
	const uint64_t dice = chance_below(100);

	if (dice < 60) {
		ask_send(s);
	} else if (dice < 68) {
		ask_kick(s);
	} else if (dice < 76) {
		begin_list(s);
	} else if (dice < 82) {
		ask_ping(s);
	} else if (dice < 86) {
		scenario_change_settings(chance(700));
		ask(s, "reload", NULL);
	} else if (dice < 90) {
		say(s, "{\"version\":1,\n", 14);
	} else {
		ask(s, plain[chance_below(ARRAY_LEN(plain))], NULL);
	}
}

static void tick(void *arg, uint64_t number)
{
	struct operator* s = arg;

	if (quiet || s->number != number || !host_running())
		return;
	if (s->link == NULL) {
		connect_session(s);
		return;
	}
	EXPECT(!s->waiting || !pinged_in_vain(s), "session %u waits for the pong of nobody",
	       s->number);
	if (!s->waiting) {
		ask_something(s);
	} else if (chance(30)) {
		TRACE("session %u hangs up", s->number);
		hang_up(s);
	}
	agenda_at(world.now_us + chance_between(1, 300) * US_PER_MS, tick, s, number);
}

/* ---- answers ---- */

static void take_row(struct operator* s, json_t *row)
{
	const char *peer = json_string_value(json_object_get(row, "peer"));
	unsigned a, b, c;
	uint32_t link;

	EXPECT(peer != NULL && sscanf(peer, "10.%u.%u.%u:", &a, &b, &c) == 3, "a row of nobody");
	link = a << 16 | b << 8 | c;
	EXPECT(link < s->n_listed && clients_of_link(link) != NULL, "a row of nobody");
	EXPECT(s->listed[link] == 0, "link %u is listed twice", link);
	s->listed[link] = 1;
	if (chance(200)) {
		struct known *k =
			&known[n_known < ARRAY_LEN(known) ? n_known++ : chance_below(n_known)];

		k->link = link;
		snprintf(k->id, sizeof(k->id), "%s", json_string_value(json_object_get(row, "id")));
	}
}

/* Its close frame may be on its way, but not for long. */
static void check_unlisted(void *arg, uint64_t since_us)
{
	const struct client *c = arg;

	EXPECT(c->state != CLIENT_OPEN || !client_innocent(c) || world_disturbed(since_us) ||
	               !host_running(),
	       "link %u is open and was not listed", c->link->id);
}

/* Whoever was there from the first page to the last must be on one of them. */
static void check_list(struct operator* s)
{
	for (uint32_t i = 0; i < clients_count(); i++) {
		struct client *c = clients_at(i);

		if (c->open_us != 0 && c->open_us < s->op->issued_us && c->state == CLIENT_OPEN &&
		    s->listed[c->link->id] == 0)
			agenda_at(world.now_us + 2 * US_PER_S, check_unlisted, c, world.now_us);
	}
}

static void take_list(struct operator* s, json_t *result)
{
	json_t *rows = json_object_get(result, "connections"), *row;
	json_t *cursor = json_object_get(result, "cursor");
	size_t i;

	json_array_foreach(rows, i, row) take_row(s, row);
	if (cursor != NULL && !quiet) {
		ask_list(s, json_integer_value(cursor));
		return;
	}
	if (cursor == NULL)
		check_list(s);
	s->op->answered_us = world.now_us;
	s->op = NULL;
	free(s->listed);
	s->listed = NULL;
}

static uint32_t count_of(json_t *result, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(result, key));
}

/* Whoever answers pings has answered this one. */
static void check_ping(const struct operator* s, json_t *line)
{
	const struct client *c = clients_of_link(s->pinged);
	const char *code =
		json_string_value(json_object_get(json_object_get(line, "error"), "code"));

	if (code == NULL || strcmp(code, "timeout") != 0 || c == NULL)
		return;
	EXPECT(!client_innocent(c) || c->kind == KIND_CHATTY || world_disturbed(s->asked_us),
	       "link %u was pinged, and its pong is not told", s->pinged);
}

static void take_answer(struct operator* s, json_t *line)
{
	json_t *result = json_object_get(line, "result");
	struct op *op = s->op;

	EXPECT(json_integer_value(json_object_get(line, "version")) == 1 &&
	               (result != NULL || json_object_get(line, "error") != NULL),
	       "session %u: an answer that is none", s->number);
	EXPECT(s->waiting, "session %u: an answer without a question", s->number);
	if (s->ping)
		check_ping(s, line);
	s->waiting = s->ping = false;
	if (op == NULL)
		return;
	op->ok = result != NULL;
	op->answered_us = world.now_us;
	if (op->kind == OP_LIST) {
		if (op->ok) {
			take_list(s, result);
			return;
		}
		free(s->listed);
		s->listed = NULL;
	}
	op->delivered = count_of(result, "delivered");
	op->dropped = count_of(result, "dropped");
	op->closed = count_of(result, "closed");
	s->op = NULL;
}

static void take_lines(struct operator* s)
{
	char *end;

	while (s->link != NULL && s->in_len > 0 && (end = memchr(s->in, '\n', s->in_len)) != NULL) {
		const size_t used = (size_t)(end - s->in) + 1;
		json_t *line = json_loadb(s->in, used, 0, NULL);

		TRACE("session %u: answer %.100s", s->number, s->in);
		EXPECT(json_is_object(line), "session %u: an answer that is no JSON", s->number);
		memmove(s->in, s->in + used, s->in_len - used);
		s->in_len -= used;
		take_answer(s, line);
		json_decref(line);
	}
}

static void on_event(struct link *l)
{
	struct operator* s = l->owner;
	char buf[2048];
	size_t n;

	if (s->link != l)
		return;
	while ((n = net_recv(l, buf, sizeof(buf))) > 0) {
		world_mix_bytes(buf, n);
		s->in = sim_grow(s->in, s->in_len + n);
		memcpy(s->in + s->in_len, buf, n);
		s->in_len += n;
	}
	take_lines(s);
	if (s->link != NULL && net_ended(l)) {
		EXPECT(l->hurt || world.hurt || model_stopped_us != 0,
		       "session %u is hung up on by the server", s->number);
		hang_up(s);
	}
}

bool operator_drain(void)
{
	struct operator* s = & sessions[0];

	if (s->link == NULL || s->waiting)
		return false;
	model_drained_us = world.now_us;
	ask(s, "drain", NULL);
	return true;
}
