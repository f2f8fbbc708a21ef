/*
 * The counters table and the blocks that hold its values.
 *
 * Each thread has a block of its own, and only that thread writes it: an increment is a plain
 * load and store, no lock and no shared line. Anyone may sum the blocks at any time. The rows
 * drive the struct, the sum, JSON, Prometheus and docs/statistics.md: a new counter is one row
 * and one call.
 *
 * Gauges are counted up and down and are 0 again when everybody has left. A gauge may be raised
 * in one block and lowered in another; only the sum means something.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/macros.h"
#include "http/fault.h"
#include "stats/close_reason.h"
#include "stats/drop_reason.h"
#include "stats/ladder.h"
#include "stats/pool.h"
#include "stats/protocol_type.h"
#include "stats/refusal.h"
#include "ws/rule.h"

/* id, group, name, kind (counter_us: microseconds, Prometheus gets seconds), help */
#define COUNTERS(X)                                                                                \
	X(STAT_CONNECTIONS_ACTIVE, basic, connections_active, gauge, "open WebSocket connections") \
	X(STAT_USERS_ACTIVE, basic, users_active, gauge, "users with at least one connection")     \
	X(STAT_GROUPS_ACTIVE, basic, groups_active, gauge,                                         \
	  "groups with at least one member, on each worker that has one")                          \
	X(STAT_CONNECTIONS_TOTAL, basic, connections_total, counter, "WebSocket connections ever") \
	X(STAT_ACCEPTED, basic, accepted_total, counter, "sockets accepted")                       \
	X(STAT_ADOPTED, basic, adopted_total, counter,                                             \
	  "sockets adopted from the embedding program")                                            \
	X(STAT_HALF_OPEN, basic, half_open, gauge, "sockets whose request is not decided yet")     \
	X(STAT_ACCEPT_PAUSES, basic, accept_pauses, counter,                                       \
	  "times accepting paused for want of descriptors or memory")                              \
	X(STAT_HTTP_REQUESTS, basic, http_requests, counter, "HTTP requests answered")             \
	X(STAT_MEMORY_FULL, basic, memory_full, counter,                                           \
	  "times that the memory reached its high water and newcomers were refused")               \
	X(STAT_SHED_ROUNDS, basic, shed_rounds, counter,                                           \
	  "times that workers were told to let go connections that hold much memory")              \
	X(STAT_CLOSE_TIMEOUTS, basic, close_timeouts, counter,                                     \
	  "connections whose closing was cut by limits.close_timeout_s")                           \
	X(STAT_MESSAGES_IN, basic, messages_in, counter, "messages received")                      \
	X(STAT_MESSAGES_OUT, basic, messages_out, counter, "messages queued to live connections")  \
	X(STAT_FRAMES_IN, basic, frames_in, counter, "frames received")                            \
	X(STAT_FRAMES_OUT, basic, frames_out, counter, "frames queued to live connections")        \
	X(STAT_CONTROL_IN, basic, control_frames_in, counter, "control frames received")           \
	X(STAT_CONTROL_OUT, basic, control_frames_out, counter, "control frames queued")           \
	X(STAT_CONTINUATIONS_IN, basic, continuations_in, counter,                                 \
	  "frames received that continue a message")                                               \
	X(STAT_BYTES_IN, basic, bytes_in, counter, "bytes read from WebSocket connections")        \
	X(STAT_BYTES_OUT, basic, bytes_out, counter, "bytes written to WebSocket connections")     \
	X(STAT_BROADCASTS, basic, broadcasts, counter, "sends to a whole hub")                     \
	X(STAT_JOINS, basic, joins, counter, "connections that joined a group")                    \
	X(STAT_LEAVES, basic, leaves, counter,                                                     \
	  "connections that were made to leave a group; not those that closed")                    \
	X(STAT_JOINS_REFUSED_CONNECTION, basic, joins_refused_connection, counter,                 \
	  "joins refused by limits.max_groups_per_connection")                                     \
	X(STAT_JOINS_REFUSED_HUB, basic, joins_refused_hub, counter,                               \
	  "joins refused by limits.max_groups_per_hub")                                            \
	X(STAT_PINGS_SENT, health, pings_sent, counter, "heartbeat pings sent")                    \
	X(STAT_PINGS_PENDING, health, pings_pending, gauge, "pings waiting for their pong")        \
	X(STAT_PONGS_RECEIVED, health, pongs_received, counter, "pongs that matched their ping")   \
	X(STAT_PONGS_UNMATCHED, health, pongs_unmatched, counter, "pongs that matched no ping")    \
	X(STAT_PONGS_MISSED, health, pongs_missed, counter, "pings not answered in time")          \
	X(STAT_PINGS_UNWRITTEN, health, pings_unwritten, counter,                                  \
	  "pings that could not be written")                                                       \
	X(STAT_HEALTHY, health, healthy, gauge, "connections with a score over 50")                \
	X(STAT_SUSPECTS, health, suspects, gauge,                                                  \
	  "connections that missed a pong and were not heard from since")                          \
	X(STAT_SICK, health, sick, gauge,                                                          \
	  "suspects, and connections with a score of 50 or less: the first to go")                 \
	X(STAT_SCORE_SUM, health, score_points, gauge, "sum of the scores of all connections")     \
	X(STAT_RESURRECTIONS, health, resurrections, counter,                                      \
	  "suspects that were heard from before they were dead")                                   \
	X(STAT_DROPPED_DEAD, health, dropped_dead, counter, "connections closed as dead")          \
	X(STAT_RTT_SUM_US, health, rtt_sum_us, counter_us, "sum of measured round trips")          \
	X(STAT_RTT_OUTLIERS, health, rtt_outliers, counter,                                        \
	  "round trips of more than five times the average of their connection")                   \
	X(STAT_SENDS, delivery, sends, counter, "sends requested by back ends and operators")      \
	X(STAT_DELIVERED, delivery, delivered, counter, "targets a send was queued or written to") \
	X(STAT_QUEUED, delivery, queued, counter,                                                  \
	  "targets a send was kept for until they come back; 0 until sessions can do so")          \
	X(STAT_DROPPED, delivery, dropped, counter, "targets a send was dropped for")              \
	X(STAT_DROPPED_QUEUE_FULL, delivery, dropped_queue_full, counter,                          \
	  "... because their send queue was full")                                                 \
	X(STAT_DROPPED_NO_MEMORY, delivery, dropped_no_memory, counter, "... for want of memory")  \
	X(STAT_DROPPED_CLOSING, delivery, dropped_closing, counter,                                \
	  "... because their connection ended in that moment")                                     \
	X(STAT_DROPPED_POLICY, delivery, dropped_policy, counter,                                  \
	  "... because limits.slow_consumer is drop_newest")                                       \
	X(STAT_EXCLUDED, delivery, excluded, counter, "targets that a send left out as told")      \
	X(STAT_NO_TARGET, delivery, no_such_target, counter, "sends that found nobody")            \
	X(STAT_HANDLER_DROPS, delivery, handler_drops, counter,                                    \
	  "client messages dropped because the hub's on_message says so")                          \
	X(STAT_UNSENT, delivery, unsent, counter,                                                  \
	  "messages that were still queued when their connection ended")                           \
	X(STAT_QUEUE_FULL, delivery, queue_full, counter,                                          \
	  "times that a send queue had no room for a message")                                     \
	X(STAT_SKIPPED, delivery, skipped, counter,                                                \
	  "queued messages given up for newer ones, as limits.slow_consumer says")                 \
	X(STAT_QUEUE_BYTES, delivery, queue_bytes, gauge, "bytes waiting in send queues")          \
	X(STAT_ISOLATION, delivery, isolation_violations, counter,                                 \
	  "sends that met a connection of another user; must be 0")                                \
	X(STAT_ORDER, delivery, order_violations, counter,                                         \
	  "sends that came to a connection out of its user's order; must be 0")                    \
	X(STAT_TURNS, workers, turns, counter, "event loop turns")                                 \
	X(STAT_READS, workers, reads, counter, "reads from WebSocket connections")                 \
	X(STAT_WRITES, workers, writes, counter, "writes to WebSocket connections")                \
	X(STAT_MESSAGE_ALLOCS, workers, message_allocs, counter,                                   \
	  "messages that needed memory of their own")                                              \
	X(STAT_INBOX_FULL, workers, inbox_full, counter, "items refused by a full inbox")

/* Scores of connections are counted by their tens; the last is 100 alone. */
#define STAT_SCORE_COUNT 11

enum stat_id {
#define X(id, group, name, kind, help) id,
	COUNTERS(X)
#undef X
	STAT_CLOSES,                                       /* + enum close_reason */
	STAT_REFUSALS = STAT_CLOSES + CLOSE_REASON_COUNT,  /* + enum refusal */
	STAT_PROTOCOL_NOW = STAT_REFUSALS + REFUSAL_COUNT, /* + enum protocol_type */
	STAT_PROTOCOL_EVER = STAT_PROTOCOL_NOW + PROTOCOL_TYPE_COUNT,
	STAT_RULES = STAT_PROTOCOL_EVER + PROTOCOL_TYPE_COUNT, /* + enum ws_rule */
	STAT_FAULTS = STAT_RULES + WS_RULE_COUNT,              /* + enum http_fault */
	STAT_SCORES = STAT_FAULTS + HTTP_FAULT_COUNT,          /* + tens of the score */
	STAT_RTT = STAT_SCORES + STAT_SCORE_COUNT, /* + step of the ladder, in microseconds */
	/* Told for each worker, a sum of some would mean nothing. */
	STAT_TURN_SUM_US = STAT_RTT + LADDER_STEPS,
	STAT_TURN_MAX_US,
	STAT_INBOX_HIGH, /* items in the inbox at the beginning of a turn, the most ever */
	STAT_RTT_MIN_US, /* 0: none was measured */
	STAT_RTT_MAX_US,
	STAT_TURN_TIME, /* + step of the ladder, in microseconds */
	STAT_POOL_IN_USE = STAT_TURN_TIME + LADDER_STEPS, /* + enum pool */
	STAT_POOL_ROOM = STAT_POOL_IN_USE + POOL_COUNT,   /* + enum pool; memory stays */
	STAT_POOL_REUSED = STAT_POOL_ROOM + POOL_COUNT,   /* + enum pool */
	STAT_COUNT = STAT_POOL_REUSED + POOL_COUNT
};

/* What a snapshot keeps of each worker. */
#define STAT_OF_WORKER       STAT_TURN_SUM_US
#define STAT_OF_WORKER_COUNT (STAT_COUNT - STAT_OF_WORKER)

/* Where a cause is counted. */
static inline unsigned stat_close(enum close_reason r)
{
	return STAT_CLOSES + (unsigned)r;
}

static inline unsigned stat_drop(enum drop_reason r)
{
	static_assert(STAT_DROPPED_POLICY - STAT_DROPPED_QUEUE_FULL ==
	                      DROP_POLICY - DROP_QUEUE_FULL,
	              "a row for each reason, in its order");
	return STAT_DROPPED_QUEUE_FULL + (unsigned)r;
}

static inline unsigned stat_refusal(enum refusal r)
{
	return STAT_REFUSALS + (unsigned)r;
}

static inline unsigned stat_protocol_now(enum protocol_type t)
{
	return STAT_PROTOCOL_NOW + (unsigned)t;
}

static inline unsigned stat_protocol_ever(enum protocol_type t)
{
	return STAT_PROTOCOL_EVER + (unsigned)t;
}

static inline unsigned stat_rule(enum ws_rule rule)
{
	return STAT_RULES + (unsigned)rule;
}

static inline unsigned stat_fault(enum http_fault fault)
{
	return STAT_FAULTS + (unsigned)fault;
}

static inline unsigned stat_score(unsigned score)
{
	return STAT_SCORES + score / 10;
}

struct stats_block {
	/* One writer; relaxed, because a sum over threads has no single moment anyway. */
	_Atomic uint64_t value[STAT_COUNT];
} CACHE_ALIGNED;

static inline void stats_add(struct stats_block *b, unsigned id, uint64_t n)
{
	const uint64_t was = atomic_load_explicit(&b->value[id], memory_order_relaxed);

	atomic_store_explicit(&b->value[id], was + n, memory_order_relaxed);
}

static inline void stats_sub(struct stats_block *b, unsigned id, uint64_t n)
{
	stats_add(b, id, -n);
}

static inline void stats_set(struct stats_block *b, unsigned id, uint64_t value)
{
	atomic_store_explicit(&b->value[id], value, memory_order_relaxed);
}

static inline uint64_t stats_get(const struct stats_block *b, unsigned id)
{
	return atomic_load_explicit(&b->value[id], memory_order_relaxed);
}

/* Add every value of @b to @sum[STAT_COUNT]. Thread: any. */
void stats_sum(uint64_t *sum, const struct stats_block *b);
