/* What operators ask for. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "model.h"
#include "op_session.h"
#include "scenario.h"
#include "world.h"

#define PAGE_ROWS 70

/* A connection whose id was in a list. */
struct known {
	uint32_t link;
	char id[32];
};

static struct known known[32];
static uint32_t n_known;

void op_know_nobody(void)
{
	n_known = 0;
}

void op_know(uint32_t link, const char *id)
{
	struct known *k = &known[n_known < ARRAY_LEN(known) ? n_known++ : chance_below(n_known)];

	k->link = link;
	snprintf(k->id, sizeof(k->id), "%s", id);
}

void op_ask(struct op_session *s, const char *command, json_t *arguments)
{
	json_t *line = json_pack("{s:i, s:s, s:o}", "version", 1, "command", command, "arguments",
	                         arguments == NULL ? json_object() : arguments);
	char *text = json_dumps(line, JSON_COMPACT), *sent;
	const size_t len = strlen(text);

	sent = sim_alloc(len + 2);
	memcpy(sent, text, len);
	sent[len] = '\n';
	TRACE("session %u: %.100s", s->number, sent);
	op_say(s, sent, len + 1);
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
	op->group = 1 + (uint32_t)chance_below(OP_MAX_GROUPS);
	op->target = OP_USER;
	if (op->kind == OP_SEND && chance(400))
		op->target = chance(500) ? OP_HUB : OP_GROUP;
	if (n_known > 0 && chance(200)) {
		op->target = OP_CONNECTION;
		op->link = (uint32_t)chance_below(n_known); /* of known[], for now */
	}
}

static const char *group_name(uint32_t group, char dst[16])
{
	snprintf(dst, 16, "r%u", group);
	return dst;
}

/* Some of those who might be meant, by name or by connection. */
static json_t *except_json(struct op *op)
{
	json_t *list = json_array();

	op->n_except = (uint32_t)chance_between(1, OP_MAX_EXCEPT);
	for (uint32_t i = 0; i < op->n_except; i++) {
		struct op_except *e = &op->except[i];
		char user[16];

		e->is_user = n_known == 0 || chance(500);
		if (e->is_user) {
			e->who = i == 0 ? op->user : 1 + (uint32_t)chance_below(scenario.n_users);
			snprintf(user, sizeof(user), "u%u", e->who);
			json_array_append_new(list, json_string(user));
		} else {
			const struct known *k = &known[chance_below(n_known)];

			e->who = k->link;
			json_array_append_new(list, json_string(k->id));
		}
	}
	return list;
}

static json_t *target_json(struct op *op, const char *key)
{
	char user[32];

	if (op->target == OP_CONNECTION) {
		const struct known *k = &known[op->link];

		op->link = k->link;
		return json_pack("{s:s}", op->kind == OP_SEND ? "connection" : key, k->id);
	}
	if (op->target == OP_GROUP) {
		char group[16];

		return json_pack("{s:s, s:s}", "group", group_name(op->group, group), "hub",
		                 client_hub(op->hub));
	}
	if (op->target == OP_HUB)
		return json_pack("{s:b, s:s}", "all", 1, "hub", client_hub(op->hub));
	snprintf(user, sizeof(user), "u%u", op->user);
	return json_pack("{s:s, s:s}", key, user, "hub", client_hub(op->hub));
}

static void ask_send(struct op_session *s)
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
	if (op->target != OP_CONNECTION && chance(300))
		json_object_set_new(arguments, "except", except_json(op));
	if (op->target != OP_HUB && chance(200))
		json_object_set_new(arguments, "each", json_true());
	if (binary) {
		encode_base64(payload, op->len, text);
		json_object_set_new(arguments, "binary", json_string(text));
	} else {
		json_object_set_new(arguments, "text", json_stringn(payload, op->len));
	}
	s->op = op;
	op_ask(s, "send", arguments);
}

static void ask_kick(struct op_session *s)
{
	struct op *op = model_op(OP_KICK, s->number);
	json_t *arguments;

	choose_target(op);
	snprintf(op->text, sizeof(op->text), "out %u", op->number);
	arguments = target_json(op, "target");
	json_object_set_new(arguments, "reason", json_string(op->text));
	s->op = op;
	op_ask(s, "kick", arguments);
}

static void ask_join(struct op_session *s)
{
	struct op *op = model_op(OP_JOIN, s->number);
	json_t *arguments;
	char group[16];

	choose_target(op);
	arguments = target_json(op, "target");
	json_object_set_new(arguments, "group", json_string(group_name(op->group, group)));
	s->op = op;
	op_ask(s, "join", arguments);
}

static void ask_leave(struct op_session *s)
{
	struct op *op = model_op(OP_LEAVE, s->number);
	json_t *arguments;
	char group[16];

	choose_target(op);
	if (chance(300))
		op->group = OP_ALL_GROUPS;
	arguments = target_json(op, "target");
	if (op->group == OP_ALL_GROUPS)
		json_object_set_new(arguments, "all", json_true());
	else
		json_object_set_new(arguments, "group", json_string(group_name(op->group, group)));
	s->op = op;
	op_ask(s, "leave", arguments);
}

static void ask_groups(struct op_session *s)
{
	struct op *op = model_op(OP_GROUPS, s->number);

	choose_target(op);
	s->op = op;
	op_ask(s, "groups", json_pack("{s:s}", "hub", client_hub(op->hub)));
}

void op_ask_list(struct op_session *s, json_int_t cursor)
{
	s->waiting = false;
	op_ask(s, "ls", json_pack("{s:i, s:I}", "limit", PAGE_ROWS, "cursor", cursor));
}

static void begin_list(struct op_session *s)
{
	s->op = model_op(OP_LIST, s->number);
	s->n_listed = clients_count() + 5000;
	s->listed = sim_alloc(s->n_listed);
	op_ask_list(s, 0);
}

static void ask_ping(struct op_session *s)
{
	const struct known *k = n_known == 0 ? NULL : &known[chance_below(n_known)];

	s->ping = true;
	s->pinged = k == NULL ? 0 : k->link;
	op_ask(s, "ping",
	       json_pack("{s:s}", "connection", k == NULL ? "aaaaaaaaaaaaaaaaaaaaaaaaaa" : k->id));
}

static void ask_tap(struct op_session *s)
{
	struct op op = {.kind = OP_KICK};
	json_t *arguments;

	choose_target(&op);
	arguments = target_json(&op, "target");
	if (chance(500))
		json_object_set_new(arguments, "payload", json_true());
	s->tap = true;
	op_ask(s, "tap", arguments);
}

void op_ask_something(struct op_session *s)
{
	static const char *const plain[] = {"stats", "config", "show", "nonsense"};
	const uint64_t dice = chance_below(100);

	if (dice < 40) {
		ask_send(s);
	} else if (dice < 51) {
		ask_join(s);
	} else if (dice < 56) {
		ask_leave(s);
	} else if (dice < 60) {
		ask_groups(s);
	} else if (dice < 68) {
		ask_kick(s);
	} else if (dice < 76) {
		begin_list(s);
	} else if (dice < 82) {
		ask_ping(s);
	} else if (dice < 86) {
		scenario_change_settings(chance(700));
		op_ask(s, "reload", NULL);
	} else if (dice < 88) {
		static const char *const keys[] = {"rate", "rtt", "score", "queue", "idle"};

		op_ask(s, "ls",
		       json_pack("{s:s, s:i}", "sort", keys[chance_below(ARRAY_LEN(keys))], "limit",
		                 (int)chance_between(1, 50)));
	} else if (dice < 89) {
		op_say(s, "{\"version\":1,\n", 14);
	} else if (dice < 91 && s->may_tap) {
		ask_tap(s);
	} else {
		op_ask(s, plain[chance_below(ARRAY_LEN(plain))], NULL);
	}
}
