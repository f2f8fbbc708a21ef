/*
 * wsmd as a library: WebSocket connection managers inside your program.
 *
 * A manager keeps the WebSockets of users: it accepts them or adopts them from you, keeps them
 * alive, calls you for each message, and sends to a user, a connection, a hub or all and says
 * what became of it. Any number of managers live in one process and share nothing: each has its
 * own configuration, threads, log and statistics. docs/embedding.md is the guide.
 *
 * Life:    wsmd_manager_create() → wsmd_manager_start() → ... → wsmd_manager_stop() →
 *          wsmd_manager_wait() → wsmd_manager_destroy(). Before start and after stop the calls that
 *          need a running manager return WSMD_ESTATE and WSMD_ECLOSED and do nothing.
 *
 * Threads: every call may be made on any thread at any time, except where it is said; only
 *          wsmd_manager_destroy() needs that no other call is under way. A manager has threads of
 *          its own: one acceptor, N workers, one main thread. They block all signals. Callbacks
 *          run on them:
 *            on_open, on_message, on_close   the worker that owns the connection; calls for one
 *                                            connection never overlap, for one user neither
 *            done (what became of a call)    the main thread, in the order of the answers
 *            log                             any of them
 *          A callback must not block: all users of that worker wait for it. It may make every
 *          call of this header but those that wait (wsmd_manager_*_wait(), wsmd_manager_wait(),
 *          wsmd_manager_reload(), wsmd_manager_stats_json(), wsmd_manager_destroy()); these return
 *          WSMD_EWAIT there, in callbacks of other managers too, because no worker may ever wait.
 *
 * Process: no signal handler or mask, limit, umask, locale or standard stream of your program is
 *          changed. Your locale changes nothing that a manager reads or prints: its threads have
 *          "C" for themselves, and so have callbacks. Raising RLIMIT_NOFILE before
 *          wsmd_manager_create() is yours to do. The first use of a configuration puts a
 *          pass-through before jansson's allocator: no other thread may be in jansson meanwhile,
 *          and if you set one of your own, do it before. A broken invariant prints one line on
 *          stderr and aborts. A child of fork() has none of the threads: it may use managers of
 *          its own only.
 *
 * Owns:    what you pass is copied or used before the call returns, unless it is said. What you
 *          are given in a callback is valid until it returns.
 * Structs: begin with `size`; set it to sizeof. That is how a program built against an older or
 *          newer header of the same major version is understood: members that the library does
 *          not know must be 0, members that you do not know are not touched. A size that is too
 *          small is WSMD_EINVAL.
 * Errors:  0 or negative, see wsmd/error.h. WSMD_EINVAL: an argument is NULL, or no name of what
 *          it should name.
 * Names:   a hub is a letter and then at most 127 of A-Z a-z 0-9 _ ` , . [ ]; a user is 1 to 255
 *          bytes of UTF-8; a group is 1 to 1024 bytes of UTF-8 without control characters, not
 *          only spaces; a connection is the 26 characters of its id.
 *
 * Dialling out will come with the front door of the server; its calls will be here.
 */
#ifndef WSMD_MANAGER_H
#define WSMD_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wsmd/config.h"
#include "wsmd/error.h"
#include "wsmd/version.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wsmd_manager;    /* opaque */
struct wsmd_connection; /* opaque; a connection during a callback, no longer */

#define WSMD_ID_BYTES      27  /* id of a connection and NUL */
#define WSMD_HUB_BYTES     129 /* and NUL */
#define WSMD_USER_BYTES    256
#define WSMD_ADDRESS_BYTES 56
#define WSMD_WORD_BYTES    24
#define WSMD_PATH_BYTES    108

enum wsmd_opcode {
	WSMD_TEXT = 1, /* UTF-8 */
	WSMD_BINARY = 2
};

enum wsmd_log_level {
	WSMD_LOG_ERROR,
	WSMD_LOG_WARNING,
	WSMD_LOG_INFO,
	WSMD_LOG_DEBUG
};

/* ---- callbacks ---- */

/* Why a connection ended. */
struct wsmd_closed {
	size_t size;
	uint16_t code;      /* close code that was sent, or that the peer sent; 0: none */
	const char *reason; /* stable word, such as "peer_close", "kicked" */
	const char *text;   /* sentence */
};

/*
 * What a manager is told at birth. All 0 but size: no callbacks, the log goes to stderr.
 *
 * on_open     a connection is open, whatever its hub does: sends find it from now on. Replies
 *             are its first messages.
 * on_message  a message came on a hub whose on_message is "callback". @data is not NUL-terminated
 *             and may be changed in place; text is valid UTF-8.
 * on_close    an open connection has ended, exactly once for each on_open; sends do not find it
 *             any more. It may run inside a wsmd_connection_*() call of yours that found the peer
 *             gone; that call and later ones return WSMD_ECLOSED.
 * log         one finished line with its newline; false: it was not taken, which is counted. NULL:
 *             stderr.
 */
struct wsmd_options {
	size_t size;
	void *user; /* given to the callbacks */
	void (*on_open)(void *user, struct wsmd_connection *c);
	void (*on_message)(void *user, struct wsmd_connection *c, enum wsmd_opcode opcode,
	                   void *data, size_t len);
	void (*on_close)(void *user, struct wsmd_connection *c, const struct wsmd_closed *why);
	bool (*log)(void *user, enum wsmd_log_level level, const char *line, size_t len);
};

/* ---- a connection, inside its callbacks only ---- */

/* Its id, hub, user and the peer's address; the user is NULL for the anonymous. Valid until the
 * callback returns. When it has ended inside on_open or on_message, "" and NULL. */
WSMD_API const char *wsmd_connection_id(struct wsmd_connection *c);
WSMD_API const char *wsmd_connection_hub(struct wsmd_connection *c);
WSMD_API const char *wsmd_connection_user(struct wsmd_connection *c);
WSMD_API const char *wsmd_connection_peer(struct wsmd_connection *c);

/**
 * Send to this connection, from on_open or on_message.
 *
 * Cost:    no allocation; replies to one read leave with one write when it is worked off
 * Returns: 0; WSMD_ECLOSED: it has ended; WSMD_EINVAL: text that is not UTF-8, or longer than
 *          limits.max_message_bytes; WSMD_ENOMEM: it did not fit and there was no memory to keep it
 */
WSMD_API int wsmd_connection_reply(struct wsmd_connection *c, enum wsmd_opcode opcode,
                                   const void *data, size_t len);

/**
 * End this connection, from on_open or on_message. on_close runs inside.
 *
 * @code  1000, 1008, 1011, ... as RFC 6455 allows on the wire; 0: 1008
 * @text  at most 123 bytes of UTF-8; NULL: none
 */
WSMD_API int wsmd_connection_close(struct wsmd_connection *c, uint16_t code, const char *text);

/* ---- life ---- */

/**
 * A manager that listens already, but of which no thread runs.
 *
 * @config   read now; it may be freed afterwards, a copy is kept for reloads
 * @options  NULL: no callbacks, log on stderr
 * @report   told every fault, one line each; NULL: nobody
 *
 * Errors: WSMD_ECONFIG; -EADDRINUSE and other errors of listening; -EMFILE: the descriptor limit
 *         has no room; WSMD_ENOMEM. All but the last with a reported line that says what to do.
 */
WSMD_API int wsmd_manager_create(const struct wsmd_config *config,
                                 const struct wsmd_options *options, wsmd_fault_fn report,
                                 void *report_user, struct wsmd_manager **ret);

/* Start its threads. On failure none runs, and destroy is all that can follow. WSMD_ESTATE: it
 * was started before. */
WSMD_API int wsmd_manager_start(struct wsmd_manager *m);

/* Begin to send everybody away: newcomers get 503, open connections are closed at drain.rate_per_s
 * with 1012. The manager goes on until it is stopped. Never waits. */
WSMD_API int wsmd_manager_drain(struct wsmd_manager *m);

/* Begin to stop: everybody is closed with 1001 and has shutdown.deadline_s. Never waits. Harmless
 * when it has begun already. */
WSMD_API int wsmd_manager_stop(struct wsmd_manager *m);

/* The same with a deadline that is now: who is still there is cut off. */
WSMD_API int wsmd_manager_cut(struct wsmd_manager *m);

/**
 * Wait for the end that wsmd_manager_stop() began.
 *
 * @timeout_ms  -1: for as long as it takes
 * @ret_cut     may be NULL; true: connections were cut at the deadline
 *
 * Returns: 0: it has ended; -ETIMEDOUT; WSMD_ESTATE: never started; WSMD_EWAIT
 */
WSMD_API int wsmd_manager_wait(struct wsmd_manager *m, int timeout_ms, bool *ret_cut);

/* A descriptor that becomes readable when the manager has ended, for your own poll. Do not read
 * from it or close it; it lives as long as the manager. */
WSMD_API int wsmd_manager_ended_fd(const struct wsmd_manager *m);

/* Stop, wait and free, whatever its state. NULL is allowed. WSMD_EWAIT: nothing was done. */
WSMD_API int wsmd_manager_destroy(struct wsmd_manager *m);

/* One manager of the process may be the one that parts of a program find without being told.
 * -EBUSY: there is one. Destroying it takes it back; NULL when there is none. */
WSMD_API int wsmd_manager_set_default(struct wsmd_manager *m);
WSMD_API struct wsmd_manager *wsmd_manager_default(void);

/* Read the configuration again. Waits. WSMD_ECONFIG: it has faults, and nothing was changed.
 * @report is called on this thread and may be NULL. What changed is in the log. */
WSMD_API int wsmd_manager_reload(struct wsmd_manager *m, wsmd_fault_fn report, void *report_user);

/* The same without waiting, from anywhere; what came of it is in the log. */
WSMD_API int wsmd_manager_reload_soon(struct wsmd_manager *m);

/* What does not change during its life. */
struct wsmd_facts {
	size_t size;
	bool dev;
	uint32_t workers;
	uint32_t n_addresses;
	uint32_t descriptors;               /* limit of the process */
	uint32_t max_connections;           /* in force */
	uint64_t promised_bytes;            /* what max_connections and all queues may cost */
	uint64_t buffered_bytes;            /* of it for all queues and unfinished messages */
	char control_path[WSMD_PATH_BYTES]; /* "": none */
	bool open;                          /* anybody is let in, under any name */
};
WSMD_API int wsmd_manager_facts(const struct wsmd_manager *m, struct wsmd_facts *ret);

/* An address that it listens on, with the port that the kernel chose. WSMD_ENOENT: no @index. */
WSMD_API int wsmd_manager_address(const struct wsmd_manager *m, uint32_t index,
                                  char ret[WSMD_ADDRESS_BYTES]);

/* ---- sending ---- */

/* Who is meant: exactly one of connection, user, group and all; and who of them is left out. */
struct wsmd_target {
	size_t size;
	const char *hub;        /* NULL: "default"; of no account for a connection */
	const char *user;       /* all of his connections */
	const char *connection; /* by id */
	const char *group;      /* its members in the hub */
	bool all;               /* everybody in the hub */
	const char *const *except_users;
	size_t n_except_users;
	const char *const *except_connections;
	size_t n_except_connections; /* both together at most 256 */
};

struct wsmd_message {
	size_t size;
	enum wsmd_opcode opcode;
	const void *data;
	size_t len;
};

/* What became of a call. A send: each connection that the target names is delivered, queued or
 * dropped. */
struct wsmd_outcome {
	size_t size;
	/* 0; WSMD_ENOENT: nobody was there; WSMD_EFULL, WSMD_ENOMEM: not everybody could be asked,
	 * or join; of a ping also -ETIMEDOUT, WSMD_ECLOSED: it ended. */
	int error;
	uint32_t matched;   /* connections that the target names, without those that are left out */
	uint32_t excluded;  /* that were left out */
	uint32_t delivered; /* handed to the kernel or queued to a live socket */
	uint32_t queued;    /* kept until the session comes back */
	uint32_t dropped;   /* neither; the sum of the next four */
	uint32_t dropped_queue_full, dropped_no_memory, dropped_closing, dropped_policy;
	uint32_t changed;  /* of a join or leave: memberships that began or ended */
	uint32_t refused;  /* of a join: by a limit, or for want of memory */
	uint32_t rtt_us;   /* of a ping */
	uint64_t user_seq; /* place of a send among those to that user; 0: not to one user */
};

typedef void (*wsmd_done_fn)(void *user, const struct wsmd_outcome *outcome);

/**
 * Send a message. It is encoded once, whatever the number of receivers.
 *
 * Messages of one thread to one user arrive in the order of the calls, on each of his connections.
 *
 * @done  told what became of it, exactly once if 0 is returned, also when the manager stops in the
 *        meantime; NULL: nobody asks
 *
 * Returns: 0: it is under way; WSMD_EFULL: no worker had room for it (limits.inbox_items), or
 *          65536 calls are under way; WSMD_ECLOSED: the manager is stopping; WSMD_ESTATE;
 *          WSMD_EINVAL, also for text that is not UTF-8 or a message longer than
 *          limits.max_message_bytes; WSMD_ENOMEM. Nothing was sent then, and done is not called.
 */
WSMD_API int wsmd_manager_send(struct wsmd_manager *m, const struct wsmd_target *to,
                               const struct wsmd_message *message, wsmd_done_fn done, void *user);

/* The same, and wait for the outcome; returns 0 whatever its `error` is. @ret may be NULL. */
WSMD_API int wsmd_manager_send_wait(struct wsmd_manager *m, const struct wsmd_target *to,
                                    const struct wsmd_message *message, struct wsmd_outcome *ret);

/**
 * The connections of a user, or one connection, join a group of their hub or leave it.
 *
 * A group exists while it has members; who ends leaves all. @group NULL, for leave: all groups.
 * Returns: as wsmd_manager_send(). matched tells how many connections there were.
 */
WSMD_API int wsmd_manager_join(struct wsmd_manager *m, const struct wsmd_target *who,
                               const char *group, wsmd_done_fn done, void *user);
WSMD_API int wsmd_manager_join_wait(struct wsmd_manager *m, const struct wsmd_target *who,
                                    const char *group, struct wsmd_outcome *ret);
WSMD_API int wsmd_manager_leave(struct wsmd_manager *m, const struct wsmd_target *who,
                                const char *group, wsmd_done_fn done, void *user);
WSMD_API int wsmd_manager_leave_wait(struct wsmd_manager *m, const struct wsmd_target *who,
                                     const char *group, struct wsmd_outcome *ret);

/* Close a connection, or all of a user's, with 1008. @text as in wsmd_connection_close(); NULL:
 * "kicked". matched tells how many were told to close. */
WSMD_API int wsmd_manager_disconnect(struct wsmd_manager *m, const struct wsmd_target *who,
                                     const char *text, wsmd_done_fn done, void *user);
WSMD_API int wsmd_manager_disconnect_wait(struct wsmd_manager *m, const struct wsmd_target *who,
                                          const char *text, struct wsmd_outcome *ret);

/* Ping a connection and measure; an answer comes within 5 s. */
WSMD_API int wsmd_manager_ping(struct wsmd_manager *m, const char *connection, wsmd_done_fn done,
                               void *user);
WSMD_API int wsmd_manager_ping_wait(struct wsmd_manager *m, const char *connection,
                                    struct wsmd_outcome *ret);

/* ---- connect a user ---- */

enum wsmd_adopt_state {
	WSMD_ADOPT_HANDSHAKE, /* the opening handshake is still to be read, from its first byte */
	WSMD_ADOPT_UPGRADED   /* the 101 was sent: what comes next are frames */
};

/*
 * A connected stream socket of yours (TCP, or a Unix socket) becomes a connection of the user.
 *
 * With WSMD_ADOPT_HANDSHAKE the request's path and credentials are not looked at, because you know
 * who it is; with hub and user both NULL they decide, as on a listener. The same limits hold as for
 * who comes by a listener; over them the peer gets a refusal (HTTP, or a close frame).
 */
struct wsmd_adoption {
	size_t size;
	int fd;
	enum wsmd_adopt_state state;
	const char *hub;  /* NULL: "default" */
	const char *user; /* NULL: anonymous */
	const void *rest; /* bytes that you have read from it already; NULL: none */
	size_t rest_len;  /* at most 64 KiB */
};

/**
 * @ret_id  id of the connection that it becomes; may be NULL
 *
 * Returns: 0: the descriptor is the manager's; on_open follows, or a refusal that is counted and
 *          logged. Otherwise it stays yours, but may be non-blocking and close-on-exec by now:
 *          WSMD_EFULL: too many are waiting; WSMD_ECLOSED; WSMD_ESTATE; WSMD_EINVAL; -EBADF,
 *          -ENOTSOCK, -ENOTCONN, -EPROTOTYPE: no connected stream; WSMD_ENOMEM
 */
WSMD_API int wsmd_manager_adopt(struct wsmd_manager *m, const struct wsmd_adoption *adoption,
                                char ret_id[WSMD_ID_BYTES]);

/* ---- looking ---- */

struct wsmd_health {
	size_t size;
	bool healthy; /* the score is above 50 */
	bool suspect; /* a pong is missed */
	bool ping_pending;
	uint32_t score;  /* 0 to 100 */
	uint32_t missed; /* pongs in a row */
	uint32_t worker;
	char id[WSMD_ID_BYTES];
	char hub[WSMD_HUB_BYTES];
	char user[WSMD_USER_BYTES]; /* "": anonymous */
	char peer[WSMD_ADDRESS_BYTES];
	char protocol[WSMD_WORD_BYTES], transport[WSMD_WORD_BYTES], state[WSMD_WORD_BYTES];
	uint32_t rtt_us, srtt_us, rttvar_us, rtt_average_us; /* 0: none yet */
	uint64_t connected_at_ms;                            /* since 1970 */
	uint64_t age_ms, idle_ms;                            /* open for; nothing was heard for */
	uint64_t messages_in, messages_out, bytes_in, bytes_out;
	uint64_t queue_bytes, queue_peak_bytes;
	uint32_t pings_sent, pongs_received;
	uint64_t skipped_messages; /* that its send queue had no room for */
};

/* How a connection is. WSMD_ENOENT: there is none of that id. */
WSMD_API int wsmd_manager_health_wait(struct wsmd_manager *m, const char *connection,
                                      struct wsmd_health *ret);

/* Sums over all threads, as they are now. Counters never go back. */
struct wsmd_stats {
	size_t size;
	uint64_t uptime_ms;
	uint64_t connections_active, users_active; /* now */
	uint64_t connections_total;
	uint64_t messages_in, messages_out, bytes_in, bytes_out;
	uint64_t sends, delivered, dropped, no_target, unsent;
	uint64_t queue_bytes; /* now */
	uint64_t pings_sent, pongs_received, dropped_dead;
	uint64_t refusals, closes;
};
WSMD_API int wsmd_manager_stats(struct wsmd_manager *m, struct wsmd_stats *ret);

/* Everything, as `wsmctl stats --json` shows it (docs/statistics.md). Waits. *@ret is to be freed
 * with wsmd_free(). */
WSMD_API int wsmd_manager_stats_json(struct wsmd_manager *m, char **ret);
WSMD_API void wsmd_free(void *p);

#ifdef __cplusplus
}
#endif

#endif
