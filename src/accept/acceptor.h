/*
 * The acceptor: one thread that accepts sockets, reads request heads, answers what is not a
 * WebSocket, and hands the rest to the workers that own their users.
 *
 * Nothing in here is locked. Others reach it through its inbox: adopted sockets, drain and stop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/key_cell.h"
#include "base/list.h"
#include "base/log.h"
#include "base/pace.h"
#include "base/role.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "conf/cell.h"
#include "net/wheel.h"
#include "os/os.h"
#include "shard/conn_id.h"
#include "shard/inbox.h"
#include "shard/pressure.h"
#include "shard/sources.h"
#include "stats/counters.h"
#include "stats/snapshot.h"

#define ACCEPTOR_EVENTS 256

struct listener {
	int fd;
	struct net_addr bound; /* with the port that the kernel chose */
};

/* What the acceptor is told at birth. */
struct acceptor_setup {
	struct siphash_key key;     /* the same that the workers have */
	struct conf_cell *conf;     /* shared, read-only here */
	struct key_cell *keys;      /* too */
	struct stats_block *stats;  /* written by the acceptor alone */
	struct stats_block *blocks; /* all of the server's, for sums */
	uint32_t n_blocks;
	struct stats_cell *snapshot;     /* for /metrics */
	const struct pressure *pressure; /* what main says about memory */
	struct sources *sources;         /* connections of each client address */
	struct inbox **workers;          /* by index */
	uint32_t n_workers;
	struct inbox *to_main;            /* where ITEM_STOPPED goes */
	struct log *log;                  /* of the manager */
	const struct listener *listeners; /* open; closed by the acceptor when it stops */
	uint32_t n_listeners;
	uint32_t fd_limit; /* descriptors that connections may use */
	uint32_t most;     /* connections that the memory has room for */
};

/* The numbers of the configuration that the acceptor uses, constant during a turn. */
struct acceptor_view {
	bool dev;
	enum conf_legacy legacy;
	struct conf_auth_rules auth;
	struct conf_limits limits;
};

/* Random bytes for connection ids: the kernel is asked once for many. Not in os_random(), where a
 * fork of the process would use the same ones twice. */
struct id_source {
	uint8_t bytes[64][CONN_ID_RANDOM];
	uint32_t left; /* the first ones; the others are used */
};

struct acceptor {
	struct acceptor_setup is; /* constant */

	/* Owner only. */
	int poll OWNED_BY_ACCEPTOR;
	uint64_t now_ms OWNED_BY_ACCEPTOR; /* time of this turn, monotonic [ms] */
	uint64_t conf_seen OWNED_BY_ACCEPTOR;
	struct acceptor_view view OWNED_BY_ACCEPTOR;
	uint64_t keys_seen OWNED_BY_ACCEPTOR;
	struct keyring *keys OWNED_BY_ACCEPTOR; /* held; NULL: none */
	struct wheel wheel OWNED_BY_ACCEPTOR;
	struct slab half_open OWNED_BY_ACCEPTOR;
	struct pace newcomers OWNED_BY_ACCEPTOR; /* that may be handed to workers */
	struct id_source ids OWNED_BY_ACCEPTOR;
	struct list by_age OWNED_BY_ACCEPTOR;       /* all half-open ones, oldest first */
	uint64_t paused_until_ms OWNED_BY_ACCEPTOR; /* 0: accepting */
	bool draining OWNED_BY_ACCEPTOR, stopping OWNED_BY_ACCEPTOR, again OWNED_BY_ACCEPTOR;
	struct log_gate refusals OWNED_BY_ACCEPTOR, legacy OWNED_BY_ACCEPTOR;
	struct os_event events[ACCEPTOR_EVENTS] OWNED_BY_ACCEPTOR;

	/* Written by others: in lines of its own. */
	struct inbox inbox;
	struct order stopped; /* sent to main as the last act */
};

/* 0 or a negative error. Thread: main, before the acceptor's thread starts. */
MUST_CHECK int acceptor_init(struct acceptor *a, const struct acceptor_setup *setup);
void acceptor_fini(struct acceptor *a); /* after the thread ended */

/* Sleep until something happens, handle it. False: the acceptor has stopped. */
bool acceptor_turn(struct acceptor *a) ON_ACCEPTOR;

/* Tell main: the last act, after the last turn. */
void acceptor_ended(struct acceptor *a) ON_ACCEPTOR;

/* Thread body: turns until it is told to stop. */
void *acceptor_main(void *acceptor);
