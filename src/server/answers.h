/*
 * The answers that a control session is owed, in the order of its lines: whichever is ready first,
 * it leaves when all before it have left.
 *
 * Thread: main.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct answer {
	struct answer *next;
	size_t asked; /* bytes of the line */
	char *text;   /* with its newline; NULL: not ready */
	size_t len;
};

struct answers {
	struct answer *first, *last; /* NULL: none */
	uint32_t n;
	size_t asked; /* bytes of all lines */
};

/* May one more line be begun? Bounded in number and in the bytes of the lines. */
bool answers_room(const struct answers *q);

/* Behind the others, for a line of @asked bytes. NULL: out of memory. */
struct answer *answers_add(struct answers *q, size_t asked);

/* @text is of malloc(), and taken over. */
void answer_ready(struct answer *a, char *text, size_t len);

/**
 * Move what may leave behind *@out, a block of malloc() or NULL with *@len bytes.
 *
 * Returns: 0, or WSMD_ENOMEM: nothing has changed
 */
MUST_CHECK int answers_take(struct answers *q, char **out, size_t *len);

void answers_fini(struct answers *q);
