/*
 * Something that main does for a thread of the embedding program, which waits for it.
 *
 * Thread: call_main() any thread of the program; the rest main.
 */
#pragma once

#include "server/server.h"

struct call {
	struct inbox_item item; /* ITEM_CALL */
	_Atomic uint32_t is_done;
	void (*run)(struct server *s, struct call *c); /* on main; embedded in what it needs */
};

/* 0: it was run; WSMD_ECLOSED: the server is stopping; WSMD_EFULL: main's inbox is full. */
MUST_CHECK int call_main(struct server *s, struct call *c);

/* From main's inbox. */
void call_run(struct server *s, struct call *c) ON_MAIN;
