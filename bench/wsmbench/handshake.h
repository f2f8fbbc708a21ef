/*
 * The opening handshake as a client: request out, strict look at the answer.
 *
 * Thread: the loop that owns the connection. Pure: no I/O.
 */
#pragma once

#include <stdint.h>

#include "http/head.h"
#include "target.h"
#include "ws/upgrade.h"

#define HANDSHAKE_MAX 8192 /* of the answer, with what follows it in the same read */

struct handshake {
	char key[WS_KEY_LEN + 1];
	struct http_head head;
	uint32_t len;
	char answer[HANDSHAKE_MAX];
};

/**
 * Begin: choose the key and write the request.
 *
 * @user  value of the user parameter, "" for none
 * @dst   at least HANDSHAKE_REQUEST_MAX bytes
 *
 * Returns: bytes written
 */
#define HANDSHAKE_REQUEST_MAX (TARGET_PATH_MAX + 512)
size_t handshake_start(struct handshake *h, const struct target *t, const char *user,
                       const uint8_t nonce[16], char dst[HANDSHAKE_REQUEST_MAX]);

enum handshake_verdict {
	HANDSHAKE_MORE,
	HANDSHAKE_OPEN,    /* frames may follow at h->answer + h->head.head_len */
	HANDSHAKE_STATUS,  /* HTTP, but not 101 */
	HANDSHAKE_FOREIGN, /* not HTTP, or a 101 that breaks the rules */
};

/**
 * Look at the answer after more bytes of it were put behind h->len.
 *
 * @ended  the peer has closed: decide with what there is
 * @why    a sentence, when the answer is no
 */
enum handshake_verdict handshake_judge(struct handshake *h, bool ended, char *why, size_t why_cap);

/* Behind HANDSHAKE_STATUS: the seconds of Retry-After in milliseconds; 0: it has none. */
uint32_t handshake_retry_ms(const struct handshake *h);
