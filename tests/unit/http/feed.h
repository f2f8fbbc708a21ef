/* Feeding a head in every way it could arrive, each time up to the edge of a forbidden page. */
#pragma once

#include "http/head.h"

#define FEED_MAX     (64u * 1024) /* longest input */
#define FEED_MAX_LEN 16384        /* max_len of feed_whole() and feed_all_ways() */

struct bytes {
	const char *at;
	size_t len;
};

#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* A copy that ends where the next byte cannot be read; it stays until the next call. */
const char *feed_guarded(const char *text, size_t len);

int feed_whole(struct http_head *h, enum http_kind kind, const char *text, size_t len);

/**
 * Parse whole, byte by byte, and at each split in two, from a new place at each call, and check
 * that nothing but the speed differs.
 *
 * Returns: what http_head_parse() says; the head is in @h
 */
int feed_all_ways(struct http_head *h, enum http_kind kind, const char *text, size_t len);
