/*
 * What the program that embeds the server wants to be told of connections. All NULL: nothing.
 *
 * Thread: called on the worker that owns the connection. They must not block.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct conn;
struct worker;

struct worker_hooks {
	void *arg;
	/* Registered, and the 101 is the next to leave; replies come behind it. */
	void (*on_open)(void *arg, struct worker *w, struct conn *c);
	/* Of a hub whose on_message is "callback". @data may be changed. @c may end inside. */
	void (*on_message)(void *arg, struct worker *w, struct conn *c, uint8_t opcode, void *data,
	                   size_t len);
	/* Once for each on_open. Its session is there for the last time. */
	void (*on_close)(void *arg, struct worker *w, struct conn *c, uint16_t code,
	                 const char *text);
};
