/*
 * The reason in our close frames: a sentence, and behind it what a program may want.
 *
 *     server is draining, reconnect [retry_ms=2500 id=k7q2mzab]
 *
 * The recorder id is where a client's log and the server's record meet: `wsmctl why k7q2mzab`
 * finds the record, and the server's log line of the end carries the same id.
 *
 * Thread: any; pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shard/conn_id.h"

#define CLOSE_TEXT_MAX 123 /* RFC 6455 5.5: a control frame's 125 without the code */

/* The longest sentence that is never cut, when no retry hint comes with it. */
#define CLOSE_SENTENCE_MAX (CLOSE_TEXT_MAX - sizeof(" [id=]") + 1 - (RECORDER_ID_TEXT - 1))

#define RECORDER_ID_TEXT 9 /* 8 characters of a connection id, and NUL */

/* The first characters of @id behind those that its user's other connections share. */
void recorder_id(const struct conn_id *id, char dst[RECORDER_ID_TEXT]);

/**
 * Write the reason of a close frame, with a NUL behind it.
 *
 * @sentence  valid UTF-8; what does not fit is cut between two characters
 * @retry_ms  when the client should come back; 0: no hint
 *
 * Returns: its length, at most CLOSE_TEXT_MAX
 */
size_t close_text(char dst[CLOSE_TEXT_MAX + 1], const char *sentence, uint32_t retry_ms,
                  const struct conn_id *id);
