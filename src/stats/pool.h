/* The pools of a worker: objects of one size that are used again. */
#pragma once

/* name, label, what is in it */
#define POOLS(X)                                                                                   \
	X(POOL_CONNS, "conns", "connections: socket, framer, queue, timer")                        \
	X(POOL_SESSIONS, "sessions", "connections as sends find them")                             \
	X(POOL_MEMBERSHIPS, "memberships", "connections in groups")                                \
	X(POOL_SEND_NODES, "send_nodes", "messages that wait in send queues")

enum pool {
#define X(name, label, text) name,
	POOLS(X)
#undef X
	POOL_COUNT
};

const char *pool_label(enum pool p);
const char *pool_text(enum pool p);
