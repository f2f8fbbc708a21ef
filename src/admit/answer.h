/*
 * HTTP answers: the 101 that opens a WebSocket, refusals that say why, and small pages.
 *
 * Thread: any; pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "stats/refusal.h"
#include "ws/upgrade.h"

#define ANSWER_HEAD_BYTES    512
#define ANSWER_REFUSAL_BYTES 1024

/* The 101 for a request with this accept value. @subprotocol: NULL for none. Returns its length. */
uint32_t answer_upgrade(char *dst, size_t cap, const char accept[WS_ACCEPT_LEN + 1],
                        const char *subprotocol);

/**
 * A refusal with a readable body. Everything but a 101 ends the connection, and says so.
 *
 * @why       decides the fields that come with it
 * @status    the refusal's own, or a more exact one
 * @sentence  the refusal's own, or a more exact one
 * @retry_s   seconds for Retry-After; 0: none
 */
uint32_t answer_refusal(char dst[ANSWER_REFUSAL_BYTES], enum refusal why, uint16_t status,
                        const char *sentence, uint32_t retry_s);

#define ANSWER_FRAME_BYTES 144

/* The same for who has had his 101: a close frame, 1013. Returns its length. */
uint32_t answer_refusal_frame(uint8_t dst[ANSWER_FRAME_BYTES], enum refusal why);

/* Head of a page of @body_len bytes. Returns its length. */
uint32_t answer_page(char dst[ANSWER_HEAD_BYTES], uint16_t status, const char *content_type,
                     size_t body_len);

/* Seconds until a refused client may come back, spread so that they do not come together. */
uint32_t answer_retry_s(uint32_t random);
