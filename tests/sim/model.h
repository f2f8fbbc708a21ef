/*
 * What the operator has done, and what must follow: the reference against which sends, kicks,
 * drains and the stop are judged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

enum op_kind {
	OP_SEND,
	OP_KICK,
	OP_LIST,
	OP_JOIN,
	OP_LEAVE,
	OP_GROUPS,
	OP_OTHER
};
enum op_target {
	OP_USER,
	OP_CONNECTION,
	OP_GROUP,
	OP_HUB
};

#define OP_MAX_GROUPS 3 /* of each hub: 1, 2, 3 */
#define OP_ALL_GROUPS 0 /* of OP_LEAVE */
#define OP_MAX_EXCEPT 3

/* Somebody who is left out of a send. */
struct op_except {
	bool is_user;
	uint32_t who; /* user or link */
};

struct op {
	uint32_t number, session; /* session of the operator */
	enum op_kind kind;
	enum op_target target;
	uint32_t hub, user, link; /* whom it names */
	uint32_t group;           /* OP_GROUP; OP_JOIN, OP_LEAVE: which */
	uint32_t n_except;
	struct op_except except[OP_MAX_EXCEPT];
	uint8_t opcode;
	uint32_t len;                    /* of the payload, see op_payload() */
	char text[32];                   /* OP_KICK: reason */
	uint64_t issued_us, answered_us; /* answered 0: not, or the session ended first */
	bool ok, partial; /* partial: some workers could not be asked, the others did it */
	uint32_t delivered, dropped, closed;
	uint32_t joined, already, refused, left, not_in;
	uint32_t members[OP_MAX_GROUPS + 1]; /* OP_GROUPS: by group */
	uint64_t user_seq;                   /* 0: none was told */
};

void model_begin(void);
void model_end(void);

struct op *model_op(enum op_kind kind, uint32_t session);
struct op *model_op_at(uint32_t number); /* NULL: there is none */
uint32_t model_op_count(void);

/* The payload of an OP_SEND: printable, begins with its number. */
void op_payload(const struct op *op, char *dst);

/* Whether it names @c as a user, a connection or one of a hub. */
bool op_names(const struct op *op, const struct client *c);

/* Is a send for @c? What other sessions ask at the same time may come before or after it. */
enum verdict {
	VERDICT_NO,
	VERDICT_MAYBE,
	VERDICT_YES
};
enum verdict model_reaches(const struct op *op, const struct client *c);

/* Was there before @op, and still is? */
bool model_stayed(const struct client *c, const struct op *op);

/* The counts that were told about groups. */
void model_check_groups(const struct op *op);

/* A message that is not an echo has arrived. */
void model_arrived(struct client *c, const struct ws_event *ev);

/* The server has written a line of its log: it says why it ends whom. */
void model_logged(const char *line, size_t len);

/* The server has sent a close frame that @c did not ask for. */
void model_closed(const struct client *c, uint16_t code, const char *reason, size_t len);

/* The server has ended @c's stream without a close frame. */
void model_cut(const struct client *c);

/* What was ordered, and when; 0: not. */
extern uint64_t model_drained_us, model_stopped_us;

/* Everything that was sent has arrived where it must, in order; lists, kicks, groups. */
void model_check(void);
