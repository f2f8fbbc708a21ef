/*
 * The server: owns every thread and everything they share, starts them in order, and ends them
 * in order. Its main thread runs server_turn(): control sessions, statistics, the order of ending.
 *
 * It is what a manager of include/wsmd/manager.h is made of. Any number of them live in one
 * process and share nothing; the process itself (signals, limits, exit) is none of its business.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "accept/acceptor.h"
#include "base/log.h"
#include "base/role.h"
#include "conf/cell.h"
#include "conf/conf.h"
#include "os/os.h"
#include "server/gate.h"
#include "server/memory.h"
#include "server/plan.h"
#include "shard/inbox.h"
#include "shard/sources.h"
#include "shard/target.h"
#include "stats/snapshot.h"
#include "worker/worker.h"
#include "wsmd/manager.h"

enum server_phase {
	SERVER_RUNNING,
	SERVER_CLOSING_GATE,      /* nobody outside asks any more, */
	SERVER_STOPPING_ACCEPTOR, /* then nobody new comes in, */
	SERVER_STOPPING_WORKERS,  /* then everybody is seen off */
	SERVER_ENDED,
};

/* One of the server's other threads, and the orders it is given, each once. */
struct server_thread {
	struct os_thread thread;
	bool started, stopped;
	struct inbox *inbox;
	struct order drain, stop, cut;
};

/* What other threads want of main; bits. */
#define SERVER_WANT_STOP   0x1u
#define SERVER_WANT_CUT    0x2u /* and whoever is still there is cut off */
#define SERVER_WANT_DRAIN  0x4u
#define SERVER_WANT_RELOAD 0x8u

#define SERVER_TAPS 4 /* at once */

struct server_tap;

struct server {
	/* shared, see docs/threads.md */
	struct conf_cell conf;
	struct key_cell keys;
	struct stats_cell snapshot;
	struct sources sources;
	struct pressure pressure;
	struct stats_block *blocks; /* 0: acceptor, 1...: workers, last: main */
	uint32_t n_blocks;
	struct inbox inbox; /* main's: answers, and threads that ended */
	struct log log;
	struct gate gate;
	_Atomic uint32_t wants;
	_Atomic uint32_t ended;             /* 1: every thread but main has, and main is about to */
	_Atomic uint32_t asks;              /* of the program, under way */
	_Atomic uint64_t max_message_bytes; /* limits.max_message_bytes, for those outside */

	/* constant once the threads run */
	uint32_t fd_limit, cpus, n_listeners, n_workers;
	uint64_t started_ms;
	struct siphash_key key;
	struct inbox *to_acceptor, **worker_inboxes;
	struct listener listeners[CONF_MAX_LISTEN];
	struct wsmd_facts facts;
	struct plan plan;      /* of the limits at the start */
	struct os_thread self; /* main */
	int ended_fd;          /* readable when `ended` */

	/* main's own */
	const struct conf_args *args OWNED_BY_MAIN; /* a reload reads them again */
	enum server_phase phase OWNED_BY_MAIN;
	bool draining OWNED_BY_MAIN, cut OWNED_BY_MAIN, again OWNED_BY_MAIN;
	bool cutting OWNED_BY_MAIN;
	bool control_resting OWNED_BY_MAIN; /* not watched: there was no descriptor for a session */
	int poll OWNED_BY_MAIN, control_fd OWNED_BY_MAIN;
	struct memory memory OWNED_BY_MAIN;
	uint64_t now_ms OWNED_BY_MAIN;
	uint64_t published_ms OWNED_BY_MAIN, summary_ms OWNED_BY_MAIN;   /* last time of each */
	uint64_t keys_looked_ms OWNED_BY_MAIN, keys_stamp OWNED_BY_MAIN; /* see keys.h */
	struct acceptor *acceptor OWNED_BY_MAIN;
	struct worker *workers OWNED_BY_MAIN;        /* array of n_workers */
	struct server_thread *threads OWNED_BY_MAIN; /* 0: acceptor, 1...: workers */
	struct slab controls OWNED_BY_MAIN;  /* struct control: sessions on the control socket */
	bool control_answered OWNED_BY_MAIN; /* at least one of them in this turn */
	struct server_tap *taps[SERVER_TAPS] OWNED_BY_MAIN; /* NULL: no such tap */
};

/* What a server is told at birth. */
struct server_setup {
	const struct conf_args *args; /* kept; must outlive the server */
	struct conf *conf;            /* the server's from now on, also on failure */
	struct log_sink sink;
	struct worker_hooks hooks;
};

/**
 * Build a server that listens and has its workers, but no thread runs yet.
 *
 * @fault    a sentence for the operator on failure
 *
 * Returns: 0 with *@ret; a negative error and @fault
 */
MUST_CHECK int server_new(const struct server_setup *setup, struct server **ret, char *fault,
                          size_t fault_cap) ON_MAIN;

/* Start the threads, main as the last. 0, or a negative error: none runs. */
MUST_CHECK int server_start(struct server *s) ON_MAIN;

/* Thread body of main: turns until everything has ended. */
void *server_main(void *server);

/* One turn of the main thread. False: everything has ended. */
bool server_turn(struct server *s) ON_MAIN;

/* Behind server_start() that succeeded: wait until main has ended too. True: connections were cut
 * at the deadline. Thread: any but the server's own. */
bool server_join(struct server *s);

/* After server_join(), or in place of server_start(). NULL is allowed. */
void server_free(struct server *s) ON_MAIN;

/* Ask main for something, soon. Thread: any, signal handlers too; until server_free(). */
void server_want(struct server *s, uint32_t wants);

/* The workers that own a target: one for a user or a connection, all otherwise. Any thread. */
void server_workers_of(const struct server *s, const struct target *t, uint32_t *ret_first,
                       uint32_t *ret_n);

/* Begin; harmless when it has begun already. */
void server_stop(struct server *s) ON_MAIN;
void server_drain(struct server *s) ON_MAIN;

/* The counters that main itself writes. */
static inline struct stats_block *server_stats(const struct server *s)
{
	return &s->blocks[s->n_blocks - 1];
}

/* Sum the counters and publish them. */
void server_publish_stats(struct server *s) ON_MAIN;

/* What a reload of a server without a file is told. */
#define SERVER_NO_FILE "started without --config: there was no file to read again"

/* Read the configuration again, and log what came of it. 0; WSMD_ECONFIG with @faults, and
 * nothing changed. @report: see conf_diff(); NULL: nobody asked. */
MUST_CHECK int server_reload(struct server *s, struct conf_faults *faults,
                             void (*report)(void *arg, const char *key, enum conf_change change,
                                            const char *was, const char *is),
                             void *arg) ON_MAIN;

/* The configuration in force. Main is its publisher, so it needs no read section. */
const struct conf *server_conf(const struct server *s) ON_MAIN;

/* Connections that the descriptor limit leaves room for. */
uint32_t server_fd_room(uint32_t fd_limit, uint32_t n_workers);

/* Connections that may be open at once: what is configured, or else that. */
uint32_t server_connections_limit(const struct server *s) ON_MAIN;

#define SERVER_LOWERED_TEXT 160

/* Is limits.max_connections more than the memory has room for? Then @text says what holds. */
bool server_lowers_connections(const struct server *s, char *text, size_t cap) ON_MAIN;
