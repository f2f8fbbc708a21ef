/* A session of the operator, between operator.c and operator_ask.c. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "net.h"

struct op_session {
	uint32_t number; /* a reconnected session is another one */
	struct link *link;
	char *in;
	size_t in_len;
	struct op *op; /* that waits for its answer; NULL: none */
	bool ping;
	uint32_t pinged; /* link; 0: nobody */
	uint64_t asked_us;
	bool waiting;
	bool may_tap;
	bool tap;          /* the question was to tap; */
	bool taps;         /* it does so: events come until it hangs up, or ... */
	bool tap_end;      /* ... the server says that this is the last */
	uint64_t question; /* counts them: an old deadline is not the new one's */
	/* OP_LIST */
	uint8_t *listed; /* by link id */
	uint32_t n_listed;
};

/* A line, and from now on its answer is waited for. */
void op_say(struct op_session *s, const char *line, size_t len);
void op_ask(struct op_session *s, const char *command, json_t *arguments); /* consumed or NULL */
void op_ask_list(struct op_session *s, json_int_t cursor);

/* One of all commands. */
void op_ask_something(struct op_session *s);

/* The id of a connection was in a list: it can be named. */
void op_know(uint32_t link, const char *id);
void op_know_nobody(void);
