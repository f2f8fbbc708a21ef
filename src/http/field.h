/*
 * Looking things up in a complete head: fields, list members, query values.
 *
 * Nothing here allocates or keeps anything; @buf is the buffer that the head was parsed from.
 *
 * Thread: any.
 * Cost:   linear in the bytes of the fields or of the query that are looked at
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "http/head.h"

bool http_span_equals(const char *buf, struct http_span s, const char *text); /* exact */

/* The same without case, as names and most tokens are compared; @lower is in lower case. */
bool http_span_equals_nocase(const char *buf, struct http_span s, const char *lower);

/* Number of fields called @name (lower case); *@ret_first is the first of them, if any. */
uint32_t http_head_find(const struct http_head *h, const char *buf, const char *name,
                        struct http_span *ret_first);

/**
 * Is @token (lower case) a member of the comma-separated lists of all fields called @name? For
 * lists of plain tokens (Connection) and of protocols (Upgrade: name or name/version). A list
 * with an element that is neither, a quoted string for one, has no members at all.
 */
bool http_head_has_token(const struct http_head *h, const char *buf, const char *name,
                         const char *token);

/**
 * Cut the first element off a comma-separated list. Elements come without surrounding white
 * space, empty ones are skipped. Quoted strings are not understood: a comma always separates.
 *
 * Returns: false when the list has no more elements
 */
bool http_list_next(const char *buf, struct http_span *list, struct http_span *ret);

/**
 * Percent-decode @s into @dst exactly once, with a NUL behind it. '+' stays a plus in a path and
 * becomes a space in a query (@plus_is_space).
 *
 * Returns: decoded length, or WSMD_EINVAL: broken %xx, a NUL byte, or @cap too small (then @dst
 *          holds nothing of use)
 */
MUST_CHECK long http_decode(const char *buf, struct http_span s, bool plus_is_space, char *dst,
                            size_t cap);

/**
 * Value of the first @name in a query string, still encoded; a name without '=' has an empty
 * value. @name is compared as sent: who encodes letters of it is not understood, because what
 * masks secrets in the logs on the way would not understand it either.
 *
 * Returns: false when it is not there
 */
bool http_query_get(const char *buf, struct http_span query, const char *name,
                    struct http_span *ret);
