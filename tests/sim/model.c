/* The reference. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "scenario.h"
#include "world.h"
#include "ws/frame.h"

uint64_t model_drained_us, model_stopped_us;

static struct op *ops[1 << 16];
static uint32_t n_ops;

void model_begin(void)
{
	n_ops = 0;
	model_drained_us = model_stopped_us = 0;
}

void model_end(void)
{
	while (n_ops > 0)
		free(ops[--n_ops]);
}

struct op *model_op(enum op_kind kind, uint32_t session)
{
	struct op *op = sim_alloc(sizeof(*op));

	EXPECT(n_ops < ARRAY_LEN(ops), "too many operations");
	op->kind = kind;
	op->session = session;
	op->issued_us = world.now_us;
	op->number = n_ops;
	ops[n_ops++] = op;
	return op;
}

struct op *model_op_at(uint32_t number)
{
	return number < n_ops ? ops[number] : NULL;
}

uint32_t model_op_count(void)
{
	return n_ops;
}

void op_payload(const struct op *op, char *dst)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "o%u ", op->number);

	for (uint32_t i = 0; i < op->len; i++)
		dst[i] = i < (uint32_t)n ? text[i] : (char)('a' + (op->number + i) % 26);
}

bool op_names(const struct op *op, const struct client *c)
{
	switch (op->target) {
	case OP_USER:
		return c->hub == op->hub && c->user == op->user && c->user != 0;
	case OP_CONNECTION:
		return c->link->id == op->link;
	case OP_HUB:
		return c->hub == op->hub;
	case OP_GROUP:
		break; /* that is for model_reaches() */
	}
	return false;
}

/* ---- what arrives ---- */

/* Commands of one session are worked off one after the other. */
static void check_order(const struct client *c, const struct op *op)
{
	for (size_t i = c->n_got; i-- > 0;) {
		const struct op *last = ops[c->got[i]];

		if (last->session != op->session)
			continue;
		EXPECT(last->number < op->number, "link %u: message %u came after %u%s",
		       c->link->id, op->number, last->number, last == op ? ", again" : "");
		return;
	}
}

void model_arrived(struct client *c, const struct ws_event *ev)
{
	char number[16] = "", want[1 << 16];
	struct op *op;

	EXPECT(ev->len > 1 && ev->len <= sizeof(want), "link %u: a message of %zu bytes",
	       c->link->id, ev->len);
	memcpy(number, ev->data + 1, ev->len - 1 < 10 ? ev->len - 1 : 10);
	op = model_op_at((uint32_t)strtoul(number, NULL, 10));
	EXPECT(op != NULL && op->kind == OP_SEND, "link %u: a message that nobody sent: %.10s",
	       c->link->id, number);
	EXPECT(model_reaches(op, c) != VERDICT_NO,
	       "link %u got message %u, which is for somebody else", c->link->id, op->number);
	op_payload(op, want);
	EXPECT(ev->len == op->len && memcmp(want, ev->data, op->len) == 0 &&
	               ev->opcode == op->opcode,
	       "link %u: message %u has other contents", c->link->id, op->number);
	check_order(c, op);
	if (c->n_got == c->cap_got) {
		c->cap_got = c->cap_got == 0 ? 16 : 2 * c->cap_got;
		c->got = sim_grow(c->got, c->cap_got * sizeof(*c->got));
	}
	c->got[c->n_got++] = op->number;
}

/* ---- how it ends ---- */

/* Is it @sentence, as far as there was room, with a recorder id behind it? */
static bool says(const char *reason, size_t len, const char *sentence)
{
	const size_t suffix = strlen(" [id=k7q2mzab]"), n = len - suffix;

	return len >= suffix && memcmp(reason + n, " [id=", 5) == 0 && reason[len - 1] == ']' &&
	       strncmp(reason, sentence, n) == 0 &&
	       (sentence[n] == '\0' || len + 3 >= WS_MAX_CONTROL - 2);
}

/* @reason NULL: whatever it was */
static bool kicked(const struct client *c, const char *reason, size_t len)
{
	for (uint32_t i = 0; i < n_ops; i++) {
		const struct op *op = ops[i];

		if (op->kind != OP_KICK || !op_names(op, c))
			continue;
		if (reason == NULL || says(reason, len, op->text))
			return true;
	}
	return false;
}

/* Did something wait for him lately? */
static bool slow(const struct client *c)
{
	const uint64_t lately = host_times.write_max_us + host_times.closing_max_us;

	return c->link->blocked_us + lately > world.now_us;
}

/* Nobody who was heard from is dead, whatever else he does wrong. */
static void check_heartbeat(const struct client *c)
{
	const struct link *l = c->link;
	const uint64_t silent = world.now_us - l->up_us;

	if (scenario.network != NULL && client_innocent(c)) {
		networks_count_false_death();
		return;
	}
	EXPECT(!client_innocent(c), "link %u answers every ping and is closed by the heartbeat",
	       l->id);
	/* What he says may wait behind what he does not read, or does: such a peer has as long as a
	 * silent one, and limits.write_timeout_s may be longer. */
	if (l->blocked_us + host_times.silence_max_us > world.now_us ||
	    (l->blocked_us > 0 && l->blocked_us >= l->down_us && l->up.arrived > 0))
		return;
	if (world.faults.late > 0 && l->up.arrived > 0)
		return; /* or its event is late */
	if (world.hurt && host_unwritten_pings() > 0)
		return; /* without memory for pings the score may fall to 0 */
	EXPECT(silent + 2 * US_PER_MS >= host_times.silence_min_us,
	       "link %u is dead by the heartbeat, but was heard %llu us ago", l->id,
	       (unsigned long long)silent);
}

/* A reason that needs the client's own doing, or a cause that is known here. */
static bool justified(const struct client *c, const char *reason)
{
	const struct link *l = c->link;

	if (strncmp(reason, "peer_", 5) == 0)
		return c->close_sent || l->up.fin || l->peer_closed;
	if (strncmp(reason, "drain ", 6) == 0)
		return model_drained_us != 0;
	if (strncmp(reason, "server_stop ", 12) == 0)
		return model_stopped_us != 0;
	if (strncmp(reason, "replaced ", 9) == 0)
		return scenario.scarce; /* by somebody with his name */
	if (strncmp(reason, "kicked ", 7) == 0)
		return kicked(c, NULL, 0);
	/* Who reads everything at once can still be sent more than his buffers hold. */
	if (strncmp(reason, "queue_full ", 11) == 0 || strncmp(reason, "write_timeout ", 14) == 0)
		return slow(c);
	return false;
}

void model_logged(const char *line, size_t len)
{
	char text[1200];
	const char *peer, *reason;
	unsigned a, b, d;
	struct client *c;

	EXPECT(len < sizeof(text), "a line of %zu bytes", len);
	memcpy(text, line, len);
	text[len] = '\0';
	if (strstr(text, " event=closed ") == NULL)
		return;
	peer = strstr(text, " peer=10.");
	reason = strstr(text, " reason=");
	EXPECT(peer != NULL && reason != NULL &&
	               sscanf(peer, " peer=10.%u.%u.%u:", &a, &b, &d) == 3,
	       "a line of nobody: %s", text);
	c = clients_of_link(a << 16 | b << 8 | d);
	EXPECT(c != NULL, "a line of nobody: %s", text);
	reason += strlen(" reason=");
	if (strncmp(reason, "heartbeat_timeout ", 18) == 0)
		check_heartbeat(c);
	else if (client_innocent(c))
		EXPECT(justified(c, reason), "link %u did nothing: %s", c->link->id, text);
}

void model_closed(const struct client *c, uint16_t code, const char *reason, size_t len)
{
	EXPECT(code != 1008 || !client_innocent(c) || kicked(c, reason, len) || slow(c) ||
	               (scenario.scarce && memmem(reason, len, "newer connection", 16) != NULL),
	       "link %u is closed with 1008 %.*s", c->link->id, (int)len, reason);
	EXPECT(code == 1001 || code == 1008 || code == 1012 || !client_innocent(c),
	       "link %u is closed with %u %.*s", c->link->id, code, (int)len, reason);
}

void model_cut(const struct client *c)
{
	/* The close frame may come too late behind all that waits for him. */
	EXPECT(!client_innocent(c) || model_stopped_us != 0 || slow(c),
	       "link %u did nothing and is cut off", c->link->id);
}

/* ---- at the end ---- */

bool model_stayed(const struct client *c, const struct op *op)
{
	return c->open_us != 0 && c->open_us < op->issued_us && c->ended_us == 0 &&
	       !c->link->vanished && c->state == CLIENT_OPEN && c->reads;
}

static bool has(const struct client *c, const struct op *op)
{
	for (size_t i = 0; i < c->n_got; i++)
		if (c->got[i] == op->number)
			return true;
	return false;
}

/* Is there a reason why somebody who stayed has not got it? */
static bool may_miss(const struct op *op)
{
	switch (scenario.slow_consumer) {
	case SLOW_DROP_NEWEST: /* his queue was full, and the sender told */
		return op->dropped > 0;
	case SLOW_KEEP_NEWEST:
		return host_skipped() > 0 || (world.hurt && op->dropped > 0);
	default: /* without memory it is dropped, and the sender told */
		return world.hurt && op->dropped > 0;
	}
}

/* Whom it did not reach: must it have? If not, may the server have counted him as reached? */
static bool check_missed(const struct op *op, const struct client *c, enum verdict verdict)
{
	if (verdict == VERDICT_YES && model_stayed(c, op)) {
		EXPECT(!op->ok || op->partial || may_miss(op), "link %u: message %u never came",
		       c->link->id, op->number);
		/* It was queued, and given up later. */
		return scenario.slow_consumer == SLOW_KEEP_NEWEST;
	}
	/* The server learns of an end later than the client. */
	return verdict != VERDICT_NO &&
	       (c->link->closed_us == 0 || c->link->closed_us >= op->issued_us) &&
	       (op->answered_us == 0 || c->started_us <= op->answered_us);
}

static void check_send(const struct op *op)
{
	uint32_t got = 0, lost = 0;

	for (uint32_t i = 0; i < clients_count(); i++) {
		const struct client *c = clients_at(i);
		const enum verdict verdict = model_reaches(op, c);

		if (!has(c, op)) {
			lost += check_missed(op, c, verdict);
			continue;
		}
		EXPECT(verdict != VERDICT_NO, "link %u got message %u, which is for others",
		       c->link->id, op->number);
		got++;
	}
	if (!op->ok)
		return;
	EXPECT(got <= op->delivered && op->delivered <= got + lost,
	       "message %u: %u delivered, %u arrived, %u ended before", op->number, op->delivered,
	       got, lost);
}

/* Whoever has sent it: what a connection gets is in the order of its user's numbers. */
static void check_user_order(const struct client *c)
{
	const struct op *last = NULL;

	for (size_t i = 0; i < c->n_got; i++) {
		const struct op *op = ops[c->got[i]];

		if (op->user_seq == 0)
			continue;
		EXPECT(last == NULL || last->user_seq < op->user_seq,
		       "link %u: message %u of number %llu came after %llu", c->link->id,
		       op->number, (unsigned long long)op->user_seq,
		       (unsigned long long)last->user_seq);
		last = op;
	}
}

static void check_kick(const struct op *op)
{
	for (uint32_t i = 0; i < clients_count() && op->ok; i++) {
		const struct client *c = clients_at(i);

		EXPECT(!op_names(op, c) || !model_stayed(c, op),
		       "link %u was kicked and is still there", c->link->id);
	}
}

void model_check(void)
{
	for (uint32_t i = 0; i < n_ops; i++) {
		if (ops[i]->kind == OP_SEND)
			check_send(ops[i]);
		else if (ops[i]->kind == OP_KICK)
			check_kick(ops[i]);
		else
			model_check_groups(ops[i]);
	}
	for (uint32_t i = 0; i < clients_count(); i++)
		check_user_order(clients_at(i));
}
