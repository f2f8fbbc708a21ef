/*
 * What is known of one connection, live or ended: a block of bytes that can be copied as it is,
 * from a worker's memory into an answer.
 *
 *     struct record | events | hub | user | text
 *
 * Thread: any; whoever holds the bytes. Nothing in a record points anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "os/os.h"
#include "shard/conn_id.h"
#include "shard/handoff.h"

#define RECORD_MAX_EVENTS 64
#define RECORD_MAX_TEXT   123

/*
 * Events in the life of a connection. What happens often keeps only its last few, so that it
 * does not push out what happens once.
 *
 * name, label, kept at most, what its values mean (NULL: nothing)
 */
#define RECORD_EVENTS(X)                                                                           \
	X(EVENT_HANDSHAKE, "handshake", 1, "took_ms", NULL)                                        \
	X(EVENT_AUTH, "auth", 1, "named", NULL)                                                    \
	X(EVENT_FIRST_MESSAGE, "first_message", 1, "bytes", NULL)                                  \
	X(EVENT_PONG, "pong", 4, "rtt_us", NULL)                                                   \
	X(EVENT_PONG_MISSED, "pong_missed", 4, "missed", "score")                                  \
	X(EVENT_RESURRECTED, "resurrected", 2, "missed", NULL)                                     \
	X(EVENT_QUEUE_HIGH, "queue_high_water", 3, "bytes", "messages")                            \
	X(EVENT_WRITES_BLOCKED, "writes_blocked", 3, "lasted_ms", NULL)                            \
	X(EVENT_SKIPPED, "messages_skipped", 2, "in_all", NULL)                                    \
	X(EVENT_GROUP_LIMIT, "group_limit", 2, NULL, NULL)                                         \
	X(EVENT_PROBED, "probed", 2, "silent_ms", NULL)                                            \
	X(EVENT_OPERATOR_PING, "operator_ping", 2, NULL, NULL)                                     \
	X(EVENT_OVERRIDE, "heartbeat_override", 2, "interval_ms", "timeout_ms")                    \
	X(EVENT_REPLACED, "replaced", 1, "connections", NULL)                                      \
	X(EVENT_EVICTED, "evicted", 1, "silent_ms", "connections")                                 \
	X(EVENT_SHED, "shed", 1, "bytes", "score")

enum record_event_kind {
#define X(name, label, kept, first, second) name,
	RECORD_EVENTS(X)
#undef X
	EVENT_KIND_COUNT
};

struct record_event {
	uint32_t at_ms;     /* since the connection was opened */
	uint16_t times;     /* this one, and those of its kind before it that were forgotten */
	uint8_t kind;       /* enum record_event_kind */
	uint8_t unused;     /* 0 */
	uint32_t values[2]; /* as the table says; as much as fits */
};
static_assert(sizeof(struct record_event) == 16, "the promise is 16 bytes");

const char *record_event_label(enum record_event_kind kind);
const char *record_event_value(enum record_event_kind kind, int i); /* i 0 or 1; may be NULL */
uint32_t record_event_kept(enum record_event_kind kind);

struct record {
	uint32_t bytes; /* of all of it, a multiple of 8 */
	uint32_t lost;  /* events that had to make room for later ones */

	struct conn_id id;
	struct net_addr peer;
	uint64_t opened_wall_ms, ended_wall_ms; /* since 1970; ended 0: it is live */
	uint64_t age_ms, silent_ms;             /* until the end, or until now */
	uint64_t messages_in, messages_out, bytes_in, bytes_out;

	/* the end */
	uint64_t limit;      /* that was passed, where the reason has one, in its unit */
	uint64_t at_byte;    /* of the stream, where a rule was broken */
	uint64_t size;       /* of the message that is too large, as announced */
	uint64_t held_bytes; /* when it was shed: its queue and its unfinished message */
	uint32_t uid;        /* of the control session that kicked it; not from_program */
	uint32_t closing_ms; /* from the decision to the end of the socket; 0: at once, not yet */
	int32_t err;         /* of the socket, negative errno; 0: none */
	uint16_t code_sent, code_received; /* of close frames; 0: none */

	/* queue and heartbeat then */
	uint32_t queue_bytes, queue_messages, queue_high_bytes;
	uint32_t skipped;    /* messages that there was no room for, by limits.slow_consumer */
	uint32_t blocked_ms; /* the kernel has taken nothing for so long; 0: it takes */
	uint32_t pings_sent, pongs_received, rtt_us;
	struct os_tcp_info tcp;

	uint8_t state;     /* enum conn_state */
	uint8_t reason;    /* enum close_reason; of no meaning while live */
	uint8_t rule;      /* enum ws_rule; WS_RULE_COUNT: none was broken */
	uint8_t protocol;  /* enum protocol_type */
	bool from_program; /* the embedding program kicked it */
	uint8_t missed;    /* pongs in a row */
	uint8_t score;     /* of health, 0 to 100 */
	uint8_t n_events;
	uint8_t hub_len, user_len, text_len; /* user 0: anonymous */
};

/* The longest record: what a buffer for one must have. */
#define RECORD_MAX_BYTES                                                                           \
	((sizeof(struct record) + RECORD_MAX_EVENTS * sizeof(struct record_event) +                \
	  HUB_NAME_MAX_BYTES + USER_NAME_MAX + RECORD_MAX_TEXT + 7) /                              \
	 8 * 8)
#define HUB_NAME_MAX_BYTES (HUB_NAME_BYTES - 1)

/* What does not have a fixed place in a record. */
struct record_parts {
	const struct record_event *events;
	const char *hub, *user, *text;
	uint8_t n_events, hub_len, user_len, text_len;
};

/* Bytes that a record with these parts takes. */
uint32_t record_size(const struct record_parts *p);

/* Write lengths and parts behind *@r, which has record_size() bytes; its other fields stay. */
void record_write(struct record *r, const struct record_parts *p);

/* How long nothing went in either direction, as far as is known. */
uint64_t record_idle_ms(const struct record *r);

/* Not terminated by NUL; their lengths are in the record. */
const struct record_event *record_events(const struct record *r);
const char *record_hub(const struct record *r);
const char *record_user(const struct record *r);
const char *record_text(const struct record *r);
