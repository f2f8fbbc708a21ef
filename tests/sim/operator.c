/* Lines out, answers in. */
#include "operator.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "host.h"
#include "model.h"
#include "net.h"
#include "op_session.h"
#include "world.h"

#define MAX_SESSIONS 4
#define ANSWER_US    (1500 * US_PER_MS) /* of an undisturbed server to all but a ping */
#define PING_US      (6 * US_PER_S)

static struct op_session sessions[MAX_SESSIONS];
static uint32_t n_sessions, next_number;
static bool quiet;

static void tick(void *arg, uint64_t number);
static void on_event(struct link *l);

/* ---- connecting ---- */

static void connect_session(struct op_session *s)
{
	const struct net_options o = {.latency_us = 50, .up_bytes = 4096, .down_bytes = 3000};

	/* The first one is needed for a drain. */
	*s = (struct op_session){.number = next_number++, .may_tap = s != sessions};
	s->link = net_connect(0, &o, on_event, s);
	agenda_at(world.now_us + chance_below(US_PER_S), tick, s, s->number);
}

static void hang_up(struct op_session *s)
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
	next_number = 0;
	op_know_nobody();
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
	struct op_session *s = arg;

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
static bool pinged_in_vain(const struct op_session *s)
{
	const struct client *c = s->ping ? clients_of_link(s->pinged) : NULL;

	return c != NULL && c->link->closed_us > s->asked_us &&
	       world.now_us > c->link->closed_us + US_PER_S && !world_disturbed(s->asked_us) &&
	       !s->link->hurt && !world.hurt;
}

void op_say(struct op_session *s, const char *line, size_t len)
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

static void tick(void *arg, uint64_t number)
{
	struct op_session *s = arg;

	if (quiet || s->number != number || !host_running())
		return;
	if (s->link == NULL) {
		connect_session(s);
		return;
	}
	EXPECT(!s->waiting || !pinged_in_vain(s), "session %u waits for the pong of nobody",
	       s->number);
	if (!s->waiting && !s->taps) {
		op_ask_something(s);
	} else if (chance(30)) {
		TRACE("session %u hangs up", s->number);
		hang_up(s);
	}
	agenda_at(world.now_us + chance_between(1, 300) * US_PER_MS, tick, s, number);
}

/* ---- answers ---- */

static void take_row(struct op_session *s, json_t *row)
{
	const char *peer = json_string_value(json_object_get(row, "peer"));
	unsigned a, b, c;
	uint32_t link;

	EXPECT(peer != NULL && sscanf(peer, "10.%u.%u.%u:", &a, &b, &c) == 3, "a row of nobody");
	link = a << 16 | b << 8 | c;
	EXPECT(link < s->n_listed && clients_of_link(link) != NULL, "a row of nobody");
	EXPECT(s->listed[link] == 0, "link %u is listed twice", link);
	s->listed[link] = 1;
	if (chance(200))
		op_know(link, json_string_value(json_object_get(row, "id")));
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
static void check_list(struct op_session *s)
{
	for (uint32_t i = 0; i < clients_count(); i++) {
		struct client *c = clients_at(i);

		if (c->open_us != 0 && c->open_us < s->op->issued_us && c->state == CLIENT_OPEN &&
		    s->listed[c->link->id] == 0)
			agenda_at(world.now_us + 2 * US_PER_S, check_unlisted, c, world.now_us);
	}
}

static void take_list(struct op_session *s, json_t *result)
{
	json_t *rows = json_object_get(result, "connections"), *row;
	json_t *cursor = json_object_get(result, "cursor");
	size_t i;

	json_array_foreach(rows, i, row) take_row(s, row);
	if (cursor != NULL && !quiet) {
		op_ask_list(s, json_integer_value(cursor));
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

/* "r2" is group 2 of the hub. */
static void take_groups(struct op *op, json_t *result)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "groups"), i, row)
	{
		const char *name = json_string_value(json_object_get(row, "group"));
		const unsigned long group =
			name != NULL && name[0] == 'r' ? strtoul(name + 1, NULL, 10) : 0;

		EXPECT(group >= 1 && group <= OP_MAX_GROUPS && op->members[group] == 0,
		       "a group that nobody made, or again");
		op->members[group] = count_of(row, "members");
		EXPECT(op->members[group] > 0, "a group of nobody");
	}
}

static bool says_busy(const json_t *result)
{
	const char *reason = json_string_value(json_object_get(result, "reason"));

	return reason != NULL && strcmp(reason, "busy") == 0;
}

/* Whoever answers pings has answered this one. */
static void check_ping(const struct op_session *s, json_t *line)
{
	const struct client *c = clients_of_link(s->pinged);
	const char *code =
		json_string_value(json_object_get(json_object_get(line, "error"), "code"));

	if (code == NULL || strcmp(code, "timeout") != 0 || c == NULL)
		return;
	EXPECT(!client_innocent(c) || c->kind == KIND_CHATTY || world_disturbed(s->asked_us),
	       "link %u was pinged, and its pong is not told", s->pinged);
}

/* Nothing follows the last one but the end of the session. */
static void take_tapped(struct op_session *s, json_t *line)
{
	const char *event = json_string_value(json_object_get(line, "event"));

	EXPECT(event != NULL && !s->tap_end, "session %u: no event of a tap", s->number);
	s->tap_end = strcmp(event, "end") == 0;
}

static void take_answer(struct op_session *s, json_t *line)
{
	json_t *result = json_object_get(line, "result");
	struct op *op = s->op;

	if (s->taps) {
		take_tapped(s, line);
		return;
	}
	EXPECT(json_integer_value(json_object_get(line, "version")) == 1 &&
	               (result != NULL || json_object_get(line, "error") != NULL),
	       "session %u: an answer that is none", s->number);
	EXPECT(s->waiting, "session %u: an answer without a question", s->number);
	s->taps = s->tap && result != NULL;
	s->tap = false;
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
	op->partial = says_busy(result);
	op->delivered = count_of(result, "delivered");
	op->dropped = count_of(result, "dropped");
	op->closed = count_of(result, "closed");
	op->joined = count_of(result, "joined");
	op->already = count_of(result, "already");
	op->refused = count_of(result, "refused");
	op->left = count_of(result, "left");
	op->not_in = count_of(result, "not_in");
	op->user_seq = count_of(result, "user_seq");
	take_groups(op, result);
	s->op = NULL;
}

static void take_lines(struct op_session *s)
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
	struct op_session *s = l->owner;
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
		EXPECT(l->hurt || world.hurt || model_stopped_us != 0 || s->tap_end,
		       "session %u is hung up on by the server", s->number);
		hang_up(s);
	}
}

bool operator_drain(void)
{
	struct op_session *s = &sessions[0];

	if (s->link == NULL || s->waiting)
		return false;
	model_drained_us = world.now_us;
	op_ask(s, "drain", NULL);
	return true;
}
