/*
 * What the files of a client connection call of each other; for everybody else there is client.h.
 *
 * Thread: the loop that owns the connection. A connection that fails in one of these is CLOSED
 * when it returns, and the failure is noted.
 */
#pragma once

#include "client.h"

/* client.c: the only writer of the state; keeps the loop's lists and gauges with it. */
void client_move(struct client *c, enum client_state to);
void client_note_end(struct client *c, const struct client_end *end, const char *text);
uint64_t client_token(const struct client *c); /* of its socket, in the loop's poll */
void client_fail_connect(struct client *c, int err);
void client_fail_lost(struct client *c, ssize_t rc); /* @rc 0: end of stream */

/* client_ask.c */
void client_ask(struct client *c);         /* the socket is connected, or could not be */
void client_read_answer(struct client *c); /* bytes of the answer have come */

/* client_write.c */
void client_flush(struct client *c); /* what waits, as far as the kernel takes it */
void client_send_pong(struct client *c, const uint8_t *data, size_t len);
void client_say_goodbye(struct client *c, uint16_t code);

/* client_read.c */
void client_read_frames(struct client *c);
void client_consume(struct client *c, uint8_t *data, size_t len, uint64_t now_ns);
