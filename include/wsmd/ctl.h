/*
 * The control protocol of wsmd, version 1.
 *
 * A Unix stream socket, mode 0600; the peer must run as the same user or as root. Each side
 * writes JSON objects, one on a line. A request is answered by exactly one line, in order;
 * only behind that of "tap" events follow. Requests may be written without waiting for answers:
 * up to 64 sends behind one another, or 4 MiB of them, are under way at once; any other command
 * begins when all before it are answered, and ends before the next begins. Who shuts down his side
 * of the socket is answered what he has asked, who closes it is not.
 *
 *   > {"version":1,"command":"send","arguments":{"user":"alice","text":"hello"}}
 *   < {"version":1,"ok":true,"result":{"delivered":2,"dropped":0}}
 *   < {"version":1,"ok":false,"error":{"code":"not_found","message":"...","hint":"..."}}
 *
 * Unknown members are ignored in both directions; unknown commands and wrong types are errors.
 *
 * command   arguments (default)                     result
 * --------  --------------------------------------  ---------------------------------------------
 * stats     -                                       see "stats" below
 * ls        hub (all), user, limit (1000),          connections: [row], cursor (absent: no more)
 *           cursor (0)                               With user there is no cursor, but
 *                                                    truncated: true when he has more than limit
 *           with sort: "rate" | "rtt" |             connections: [row with rate_per_s], the first
 *           "score" (the sickest first) |            ones of all by that; matched: how many were
 *           "queue" | "idle"; reverse (false);       looked at. Messages a second since the last
 *           match: part of a user's name;            look, half a second ago or more; at the first
 *           hub, user, limit                         one, of the whole life. No cursor
 * show      target: user or connection id; hub      connections: [row with the long fields],
 *                                                    1000 of a user, truncated: true if he has more
 * send      one of user | connection | group |      delivered, queued (0 until sessions can
 *           all: true; hub ("default");              be recovered), dropped; dropped_for:
 *           text | binary (base64);                  {reason: n}, when it is not 0, of
 *           except: [user or connection id], 256;    "queue_full", "no_memory", "closing",
 *           each: true, not with all                 "policy"; user_seq: to one user or
 *                                                    connection, its place among all sends to that
 *                                                    user, from 1 while he is here; excluded: with
 *                                                    except, those left out; when nothing was
 *                                                    delivered reason ("no_such_user",
 *                                                    "nobody_connected", "no_such_connection",
 *                                                    "no_such_group", "all_excluded" or that of
 *                                                    dropped_for), hint; hub, but of connection;
 *                                                    each: [{id, outcome: "delivered" |
 *                                                    "dropped", reason}], 1000, truncated: true
 *                                                    if there were more; reason "busy":
 *                                                    not everybody was asked, a worker had no room
 *                                                    for it; those who were would get a repetition
 *                                                    twice (the error busy: nobody was there among
 *                                                    those who could be asked)
 * join      group, target; hub                      joined, already, refused: connections; reason:
 *                                                    with refused, "max_groups_per_connection",
 *                                                    "max_groups_per_hub" or "no_memory"; error
 *                                                    refused: every one of them
 * leave     group | all: true; target; hub          left, not_in: connections; of all: left
 * groups    target | group | -; hub; limit (256),   groups: [{group, members}] by name; members of
 *           after                                    the target; after: there are more, behind
 *                                                    this name; error not_found: no such target
 *                                                    or group
 * kick      target; hub; reason ("kicked by the     closed: number of connections told to close
 *           operator"), up to 123 bytes, of which
 *           a close frame has room for 109
 * ping      connection                              rtt_us
 * heartbeat connection; interval_s, timeout_s       interval_s, timeout_s, own: what is in force,
 *           (absent: as it is), reset: true          and whether that is its own; with reset,
 *           without both                             and before, that is the configuration's
 * why       target: user, connection id or          live: [record], ended: [record], the latest
 *           recorder id; hub; limit of the ended     first; held: number of records of connections
 *           (1, at most 100); events (false)         that ended, of all
 * tap       target; hub; payload (false)            connections: how many there are now; payload.
 *                                                    Then events, see "tap" below; error busy:
 *                                                    there are 4 taps already
 * token     user; ttl_s (3600, at most a year)      token: signed with the first secret of
 *                                                    auth.keys, for auth.audience and by
 *                                                    auth.issuer; expires_s: since 1970; error
 *                                                    refused: there is no secret, or auth.mode is
 *                                                    not token
 * reload    -                                       changes: [{key, outcome: "applied" |
 *                                                    "needs_restart", was, is}]; when the new
 *                                                    configuration is refused: error code "refused"
 *                                                    with "faults": [line] beside the message;
 *                                                    hint: when there was no file to read, or
 *                                                    limits.max_connections is more than the
 *                                                    memory has room for
 * drain     -                                       connections: number still open
 * config    -                                       the effective configuration
 * limits    -                                       limits: [{limit, value, from: "default" |
 *                                                    "configuration" | "descriptors" | "memory" |
 *                                                    "machine", now, peak, hits}]; null where
 *                                                    there is nothing to tell
 *
 * row: id, hub, user (null: anonymous), worker, peer, protocol, state, connected_at (ISO 8601,
 *      UTC), age_ms, idle_ms, messages_in, messages_out, bytes_in, bytes_out, queue_bytes,
 *      score (0 ... 100), rtt_ms (of the last ping, null: none yet)
 * long fields, the report on its health: transport, healthy (a score over 50), suspect (a pong was
 *      missed, and nothing heard since), missed (pongs in a row), ping_pending, pings_sent,
 *      pongs_received, srtt_ms, rttvar_ms, rtt_average_ms (null: none yet), heartbeat
 *      {interval_s, timeout_s, own}, last_activity_at
 *      (ISO 8601, UTC), queue_peak_bytes, incomplete_bytes,
 *      skipped_messages (refused or given up because its send queue was full), groups_total,
 *      groups (names, those that 64 KiB have room for in one answer; "groups" lists all)
 *
 * record: why (a sentence), hint, id (the recorder id), connection, hub, user, peer, protocol,
 *      connected_at, age_ms, silent_ms, messages_in, messages_out, bytes_in, bytes_out,
 *      queue_bytes, queue_messages, queue_high_bytes, messages_skipped, blocked_ms, pings_sent,
 *      pongs_received, rtt_us, missed, score, tcp (null: not known; state, rtt_us, rttvar_us,
 *      retransmits, unacked, lost, last_sent_ms, last_received_ms; of the kernel's memory for it
 *      held_bytes, send_buffer_bytes, receive_buffer_bytes). Of the ended: ended_at,
 *      reason, by (peer, server or network), closing_ms, and as far as there is one: code_sent,
 *      code_received, text, limit, error, rule, at_byte, announced_bytes, held_bytes (of who was
 *      shed), kicked_by (operator or program), of the operator uid and uid_name (null: unknown).
 *      With events: events: [{at_ms, event, times (absent: 1) and its values}], events_lost
 *
 * tap: from the answer on the session is the tap's: a line for each event, until either side
 *      closes; what the client still sends is not read. A user is followed in all of his
 *      connections, later ones too. event: {at (ISO 8601, UTC), event, and as far as there is one:
 *      missed (events before it that were left out: the session did not read, or they came too
 *      fast), connection, opcode, bytes (of the whole payload; of a message in fragments, all of
 *      it), code, reason, and with payload: text or binary (base64), at most 512 bytes, cut: true
 *      if there were more}. event is "in" or "out" (a frame; out: queued, opcode "text", "binary",
 *      "ping", "pong", in also "close"), "opened", "closed" (reason and code of the end; text: the
 *      sentence), "end" (the last one: its reason says why; then wsmd closes the session)
 *
 * stats: the groups basic, protocol_distribution, health, delivery, heartbeat_config, limits,
 *      workers; the names of docs/statistics.md
 *
 * The error not_found has healthy: false and reason: "not_found" beside its message.
 *
 * error codes: bad_request, unknown_command, not_found, refused, busy, too_large, timeout,
 *      internal
 */
#ifndef WSMD_CTL_H
#define WSMD_CTL_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WSMD_CTL_VERSION 1

/* Longest line in either direction [bytes], newline included. */
#define WSMD_CTL_MAX_LINE (4u * 1024 * 1024)

/* Exit codes of wsmctl. */
enum wsmd_ctl_exit {
	WSMD_CTL_OK = 0,
	WSMD_CTL_FAILED = 1,    /* wsmd refused or failed the command */
	WSMD_CTL_USAGE = 2,     /* the command line is wrong; nothing was sent */
	WSMD_CTL_NO_DAEMON = 3, /* nobody answers on the control socket */
	WSMD_CTL_NO_TARGET = 4, /* no such user or connection; for send only with --must-deliver */
};

/*
 * The control socket when none is named: $WSMD_CONTROL; $XDG_RUNTIME_DIR/wsmd/control.sock;
 * /run/wsmd/control.sock for root; /tmp/wsmd-UID/control.sock. The same rule in wsmd and wsmctl.
 *
 * Returns: 0, or -1 when @cap is too small
 */
static inline int wsmd_ctl_default_path(char *buf, size_t cap)
{
	const char *named = getenv("WSMD_CONTROL"), *run = getenv("XDG_RUNTIME_DIR");
	int n;

	if (named != NULL && *named != '\0')
		n = snprintf(buf, cap, "%s", named);
	else if (run != NULL && *run != '\0')
		n = snprintf(buf, cap, "%s/wsmd/control.sock", run);
	else if (geteuid() == 0)
		n = snprintf(buf, cap, "/run/wsmd/control.sock");
	else
		n = snprintf(buf, cap, "/tmp/wsmd-%u/control.sock", (unsigned)geteuid());
	return n > 0 && (size_t)n < cap ? 0 : -1;
}

#ifdef __cplusplus
}
#endif

#endif
