/* Why a message did not reach one of those it was sent to: a counter each, and what is told. */
#pragma once

/* name, label */
#define DROP_REASONS(X)                                                                            \
	X(DROP_QUEUE_FULL, "queue_full")                                                           \
	X(DROP_NO_MEMORY, "no_memory")                                                             \
	X(DROP_CLOSING, "closing")                                                                 \
	X(DROP_POLICY, "policy")

enum drop_reason {
#define X(name, label) name,
	DROP_REASONS(X)
#undef X
	DROP_REASON_COUNT
};

const char *drop_reason_label(enum drop_reason r); /* stable, in JSON and metrics */
