/*
 * The content of messages: every byte follows from connection, sequence number and size,
 * so a reply is checked without keeping what was sent.
 *
 *   4 characters: number of the connection; 8: of the message; the rest: a window of a fixed
 *   random pattern that moves with both, by whole characters
 *
 * Thread: any once made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define PAYLOAD_HEAD 12 /* the smallest size */

#define PAYLOAD_WIDE 3 /* bytes of a wide character */

enum payload_kind {
	PAYLOAD_ASCII, /* printable */
	PAYLOAD_MIXED, /* text with half of its bytes in wide characters, in no order */
	PAYLOAD_BINARY /* bytes of any value */
};

struct payload {
	size_t size;
	size_t step; /* bytes by which windows are apart */
	enum payload_kind kind;
	uint8_t *pattern;
};

/* Can a message of @size bytes be made? Mixed ones end with a whole character. */
static inline bool payload_size_fits(size_t size, enum payload_kind kind)
{
	return size >= PAYLOAD_HEAD &&
	       (kind != PAYLOAD_MIXED || (size - PAYLOAD_HEAD) % PAYLOAD_WIDE == 0);
}

/* 0 or WSMD_ENOMEM. @size fits. */
MUST_CHECK int payload_init(struct payload *p, size_t size, enum payload_kind kind);
void payload_fini(struct payload *p);

/* Writes p->size bytes. */
void payload_write(const struct payload *p, uint32_t connection, uint64_t sequence, uint8_t *dst);

/* A time in front of a content, in characters that need no escape in JSON. */
#define PAYLOAD_STAMP 11

void payload_write_stamp(uint8_t dst[PAYLOAD_STAMP], uint64_t ns);
uint64_t payload_read_stamp(const uint8_t src[PAYLOAD_STAMP]); /* UINT64_MAX: is none */

enum payload_fault {
	PAYLOAD_GOOD,
	PAYLOAD_CHANGED,  /* other bytes */
	PAYLOAD_REORDERED /* a good message, but not the one whose turn it is */
};

/**
 * Is @data the message @sequence of @connection?
 *
 * @why  on a fault: a sentence about the first difference
 */
enum payload_fault payload_check(const struct payload *p, uint32_t connection, uint64_t sequence,
                                 const uint8_t *data, size_t len, char *why, size_t why_cap);
