/* The pools of a worker: objects of one size that are used again. */
#pragma once

/* name, label */
#define POOLS(X)                                                                                   \
	X(POOL_CONNS, "conns")                                                                     \
	X(POOL_SESSIONS, "sessions")                                                               \
	X(POOL_MEMBERSHIPS, "memberships")                                                         \
	X(POOL_SEND_NODES, "send_nodes")

enum pool {
#define X(name, label) name,
	POOLS(X)
#undef X
	POOL_COUNT
};

const char *pool_label(enum pool p);
