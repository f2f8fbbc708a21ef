/*
 * A connection on its way from the thread that admitted it to the worker that owns its user.
 *
 * The 101 is not sent yet: the worker registers the session first, so that whoever sees the
 * handshake succeed can be reached at once.
 *
 * An adopted socket travels in the same way from the embedding program to the acceptor: ITEM_ADOPT,
 * with who it is. Then either the 101 was sent (is_upgraded), or what is to come is the request.
 *
 * Owns: the descriptor, until the worker has taken it over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "shard/conn_id.h"
#include "shard/inbox.h"
#include "stats/protocol_type.h"

#define USER_NAME_MAX   255
#define HUB_NAME_BYTES  129 /* 128 and NUL */
#define HANDSHAKE_BYTES 256 /* longest 101 answer */

struct handoff {
	struct inbox_item item; /* ITEM_HANDOFF, ITEM_ADOPT */
	int fd;
	struct net_addr peer;
	uint32_t handshake_ms; /* from accept to this hand-off */
	struct conn_id id;
	enum protocol_type protocol;
	char hub[HUB_NAME_BYTES];
	uint32_t hub_len, user_len; /* user_len 0: anonymous */
	char user[USER_NAME_MAX + 1];
	bool is_upgraded;    /* the 101 was sent, and a refusal is a close frame */
	uint32_t answer_len; /* 0 if so */
	char answer[HANDSHAKE_BYTES];
	uint32_t rest_len; /* bytes that came behind the request head: frames already */
	uint8_t rest[];
};
