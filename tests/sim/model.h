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
	OP_OTHER
};
enum op_target {
	OP_USER,
	OP_CONNECTION,
	OP_HUB
};

struct op {
	uint32_t number, session; /* session of the operator */
	enum op_kind kind;
	enum op_target target;
	uint32_t hub, user, link; /* whom it names */
	uint8_t opcode;
	uint32_t len;                    /* of the payload, see op_payload() */
	char text[32];                   /* OP_KICK: reason */
	uint64_t issued_us, answered_us; /* answered 0: not, or the session ended first */
	bool ok, partial; /* partial: some workers could not be asked, the others did it */
	uint32_t delivered, dropped, closed;
};

void model_begin(void);
void model_end(void);

struct op *model_op(enum op_kind kind, uint32_t session);
struct op *model_op_at(uint32_t number); /* NULL: there is none */
uint32_t model_op_count(void);

/* The payload of an OP_SEND: printable, begins with its number. */
void op_payload(const struct op *op, char *dst);

bool op_names(const struct op *op, const struct client *c);

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

/* Everything that was sent has arrived where it must: sends, lists, kicks. */
void model_check(void);
