/* One function for each reason that has evidence of its own; the others have their sentence. */
#include "server/why_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "stats/close_reason.h"
#include "ws/close_code.h"
#include "ws/rule.h"

#define MS_PER_HOUR (3600ull * MS_PER_S)

/* ---- words ---- */

#define DURATION_TEXT 32

/* "12 ms", "60.0 s", "4 min 10 s", "3 h 05 min" */
static const char *duration(char dst[DURATION_TEXT], uint64_t ms)
{
	const uint64_t s = ms / MS_PER_S;

	if (ms < MS_PER_S)
		snprintf(dst, DURATION_TEXT, "%u ms", (unsigned)ms);
	else if (s < 120)
		snprintf(dst, DURATION_TEXT, "%u.%u s", (unsigned)s,
		         (unsigned)(ms % MS_PER_S / 100));
	else if (s < 7200)
		snprintf(dst, DURATION_TEXT, "%u min %u s", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(dst, DURATION_TEXT, "%llu h %02u min", (unsigned long long)(s / 3600),
		         (unsigned)(s / 60 % 60));
	return dst;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void add(struct why_text *t, const char *fmt, ...) PRINTF(2, 3);
static void add(struct why_text *t, const char *fmt, ...)
{
	const size_t len = strlen(t->sentence);
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->sentence + len, sizeof(t->sentence) - len, fmt, args);
	va_end(args);
}

static void hint(struct why_text *t, const char *fmt, ...) PRINTF(2, 3);
static void hint(struct why_text *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->hint, sizeof(t->hint), fmt, args);
	va_end(args);
}

/* What somebody else wrote, in quotes and harmless. */
static void add_quoted(struct why_text *t, const char *before, const struct record *r)
{
	char text[4 * RECORD_MAX_TEXT + 8];

	if (r->text_len > 0)
		add(t, "%s\"%s\"", before,
		    text_escape(text, sizeof(text), record_text(r), r->text_len));
}

static void add_silence(struct why_text *t, uint64_t ms)
{
	char text[DURATION_TEXT];

	add(t, " after %s of silence", duration(text, ms));
}

/* ---- the peer ended it ---- */

static void peer_closed(const struct record *r, struct why_text *t)
{
	const uint16_t code = r->code_received;

	if (code == WS_CLOSE_NO_STATUS)
		add(t, "the peer sent a close frame without a code");
	else
		add(t, "the peer sent a close frame with %u (%s)", code, ws_close_text(code));
	add_quoted(t, ", saying ", r);
	switch (code) {
	case 1000:
	case WS_CLOSE_NO_STATUS:
		hint(t, "an ordinary goodbye: the client's own program decided");
		break;
	case 1001:
		hint(t, "usual when a page is left, an app goes to sleep or a program ends");
		break;
	case 1002:
	case 1003:
	case 1007:
	case 1009:
		hint(t, "the client objects to what it was sent: its own log says more");
		break;
	default:
		hint(t, "the client's own program decided: its log says why");
	}
}

/* Does something between cut what is idle? Then say who is meant, and what helps. */
static bool add_proxy(const struct record *r, const struct why_context *x, struct why_text *t)
{
	const enum idle_limit limit = idle_limit_of(record_idle_ms(r));
	uint32_t others;

	if (limit == IDLE_LIMIT_COUNT || !deaths_reveal(&x->deaths, limit))
		return false;
	others = x->deaths.at[limit];
	if (x->wall_ms < r->ended_wall_ms + MS_PER_HOUR)
		others--; /* this one is among them */
	add(t, "; %u other%s in the last hour too: something between has a %s idle limit", others,
	    plural(others), idle_limit_text(limit));
	if (x->interval_ms >= idle_limit_ms(limit))
		hint(t,
		     "set heartbeat.interval_s, which is %g, below %u, or raise the idle limit "
		     "there; it is the default of %s",
		     x->interval_ms / 1000.0, idle_limit_ms(limit) / MS_PER_S,
		     idle_limit_whose(limit));
	else
		hint(t, "raise the idle limit there; it is the default of %s",
		     idle_limit_whose(limit));
	return true;
}

static void peer_fin(const struct record *r, const struct why_context *x, struct why_text *t)
{
	add(t, "the peer sent FIN without a close frame");
	add_silence(t, record_idle_ms(r));
	if (!add_proxy(r, x, t))
		hint(t, "the client's program ended or dropped its socket, or a proxy between "
		        "closed it; only a close frame says which");
}

static void peer_reset(const struct record *r, const struct why_context *x, struct why_text *t)
{
	add(t, "the peer reset the connection (RST)");
	add_silence(t, record_idle_ms(r));
	if (!add_proxy(r, x, t))
		hint(t, "the client crashed or was killed, closed with data unread, or a firewall "
		        "or balancer between has forgotten the connection");
}

static void socket_failed(const struct record *r, const struct why_context *x, struct why_text *t)
{
	add(t, "the socket failed: %s", r->err == 0 ? "no reason was given" : err_text(r->err));
	add_silence(t, record_idle_ms(r));
	if (!add_proxy(r, x, t))
		hint(t,
		     "the network to the peer is gone: %u segment%s had been sent again, %u not "
		     "acknowledged",
		     r->tcp.retransmits, plural(r->tcp.retransmits), r->tcp.unacked);
}

/* ---- we gave him up ---- */

static void heartbeat(const struct record *r, struct why_text *t)
{
	char silent[DURATION_TEXT], limit[DURATION_TEXT];

	add(t,
	    "heartbeat timeout: no sign of life for %s, %u ping%s in a row unanswered; the limit "
	    "is %s",
	    duration(silent, r->silent_ms), r->missed, plural(r->missed),
	    duration(limit, r->limit));
	if (r->tcp.unacked > 0)
		hint(t,
		     "%u segment%s never acknowledged, %u sent again: the network or the device is "
		     "gone (sleep, roaming, power)",
		     r->tcp.unacked, r->tcp.unacked == 1 ? " was" : "s were", r->tcp.retransmits);
	else
		hint(t, "his kernel took our pings and his program did not answer: it hangs, is "
		        "suspended, or does not answer pings");
}

static void write_timeout(const struct record *r, struct why_text *t)
{
	char blocked[DURATION_TEXT], limit[DURATION_TEXT];

	add(t,
	    "slow consumer: no byte was taken for %s (limits.write_timeout_s is %s) while %u bytes "
	    "in %u message%s waited",
	    duration(blocked, r->blocked_ms), duration(limit, r->limit), r->queue_bytes,
	    r->queue_messages, plural(r->queue_messages));
	hint(t, "the client does not read: it hangs or is suspended, or its network is gone; raise "
	        "limits.write_timeout_s if it only needs longer");
}

static void queue_full(const struct record *r, struct why_text *t)
{
	add(t,
	    "slow consumer: %u bytes in %u message%s waited and one more did not fit into "
	    "limits.send_queue_bytes, %llu; limits.slow_consumer is close",
	    r->queue_bytes, r->queue_messages, plural(r->queue_messages),
	    (unsigned long long)r->limit);
	hint(t, "send it less, raise limits.send_queue_bytes, or let limits.slow_consumer drop "
	        "messages instead");
}

static void message_timeout(const struct record *r, struct why_text *t)
{
	char limit[DURATION_TEXT];

	add(t, "message %llu was begun and not completed within %s (limits.message_timeout_s)",
	    (unsigned long long)r->messages_in + 1, duration(limit, r->limit));
	hint(t, "the client stopped in the middle of a message, or its uplink is too slow for what "
	        "it sends");
}

/* ---- he broke a rule ---- */

static void add_place(const struct record *r, struct why_text *t)
{
	add(t, ", at byte %llu of its stream, behind %llu whole message%s",
	    (unsigned long long)r->at_byte, (unsigned long long)r->messages_in,
	    plural(r->messages_in));
}

static void add_rule(const struct record *r, struct why_text *t)
{
	if (r->rule >= WS_RULE_COUNT)
		return;
	add(t, ": %s (rule %s)", ws_rule_text((enum ws_rule)r->rule),
	    ws_rule_name((enum ws_rule)r->rule));
	add_place(r, t);
}

static void violation(const struct record *r, struct why_text *t)
{
	add(t, "the peer broke the protocol");
	add_rule(r, t);
	hint(t, "the client's WebSocket library is at fault, or something between changes bytes");
}

static void bad_text(const struct record *r, struct why_text *t)
{
	add(t, "the peer sent text that is not valid UTF-8");
	add_rule(r, t);
	hint(t, "bytes that are no text belong into a binary message");
}

static void too_big(const struct record *r, struct why_text *t)
{
	add(t,
	    "the peer announced a message of %llu bytes or more, and limits.max_message_bytes is "
	    "%llu",
	    (unsigned long long)r->size, (unsigned long long)r->limit);
	add_place(r, t);
	hint(t, "raise limits.max_message_bytes, or let the client send it in pieces");
}

static void fragments(const struct record *r, struct why_text *t)
{
	add(t, "a message had more frames than limits.max_fragments, %llu",
	    (unsigned long long)r->limit);
	add_place(r, t);
	hint(t, "the client should send larger frames");
}

static void rate(const struct record *r, const char *what, const char *key, struct why_text *t)
{
	add(t, "the peer sent more %s than %s, %llu, after %llu message%s", what, key,
	    (unsigned long long)r->limit, (unsigned long long)r->messages_in,
	    plural(r->messages_in));
	hint(t, "the client is in a loop, or the limit is too low for what it does");
}

/* ---- we had another reason ---- */

static void kicked(const struct record *r, const struct why_context *x, struct why_text *t)
{
	char name[4 * sizeof(x->uid_name)];

	if (r->from_program)
		add(t, "the program that embeds the server kicked it");
	else if (x->uid_name[0] != '\0')
		add(t, "the operator (uid %u, %s) kicked it", r->uid,
		    text_escape(name, sizeof(name), x->uid_name, strlen(x->uid_name)));
	else
		add(t, "the operator (uid %u) kicked it", r->uid);
	add_quoted(t, ", saying ", r);
	hint(t, r->from_program ? "its own log may say more; nothing is wrong with the connection"
	                        : "`wsmctl kick` did it, or another program on the control socket; "
	                          "nothing is wrong with the connection");
}

static void shed(const struct record *r, struct why_text *t)
{
	add(t,
	    "the server was short of memory (limits.buffered_bytes is %llu), of which this "
	    "connection held %llu bytes, its score being %u",
	    (unsigned long long)r->limit, (unsigned long long)r->held_bytes, r->score);
	hint(t, "raise limits.buffered_bytes (`wsmd --plan` says what the machine holds), or lower "
	        "limits.send_queue_bytes or limits.max_message_bytes, so that each holds less");
}

/* The user had as many as he may. */
static void gave_way(const struct record *r, struct why_text *t)
{
	char silent[DURATION_TEXT];

	add(t, "%s", close_reason_text((enum close_reason)r->reason));
	if (r->reason == CLOSE_REPLACED) {
		add(t, ", %llu", (unsigned long long)r->limit);
		hint(t, "raise limits.max_connections_per_user, or close connections that are no "
		        "longer used; limits.user_policy is close_oldest");
		return;
	}
	add(t, "; it was silent for %s, and limits.max_connections_per_user is %llu",
	    duration(silent, r->silent_ms), (unsigned long long)r->limit);
	hint(t, "it was most likely dead already; limits.max_connections_per_user says how many a "
	        "user may have");
}

static void others(const struct record *r, struct why_text *t)
{
	add(t, "%s", close_reason_text((enum close_reason)r->reason));
	switch ((enum close_reason)r->reason) {
	case CLOSE_DRAIN:
		hint(t, "the operator let the server drain; the client was told to reconnect");
		break;
	case CLOSE_STOP:
		hint(t, "the server was stopped or restarted; the client may reconnect");
		break;
	case CLOSE_NO_MEMORY:
		hint(t, "see `wsmctl stats` for the memory in use, and the limits in "
		        "`wsmctl config`");
		break;
	default:
		hint(t, "`wsmctl why --events` shows what came before");
	}
}

/* ---- a record ---- */

static void live(const struct record *r, struct why_text *t)
{
	char since[TEXT_ISO8601], silent[DURATION_TEXT];

	add(t, "is connected since %s, last heard %s ago; score %u",
	    text_iso8601(since, r->opened_wall_ms), duration(silent, r->silent_ms), r->score);
	if (r->missed > 0)
		hint(t, "%u ping%s in a row unanswered: it is a suspect", r->missed,
		     plural(r->missed));
	else if (r->blocked_ms > 0)
		hint(t, "%u bytes wait for it: it reads slowly", r->queue_bytes);
	else
		hint(t, "nothing is wrong with it");
}

void why_text(const struct record *r, const struct why_context *x, struct why_text *ret)
{
	ret->sentence[0] = ret->hint[0] = '\0';
	if (r->ended_wall_ms == 0) {
		live(r, ret);
		return;
	}
	switch ((enum close_reason)r->reason) {
	case CLOSE_PEER:
		peer_closed(r, ret);
		break;
	case CLOSE_FIN:
		peer_fin(r, x, ret);
		break;
	case CLOSE_RESET:
		peer_reset(r, x, ret);
		break;
	case CLOSE_IO_ERROR:
		socket_failed(r, x, ret);
		break;
	case CLOSE_HEARTBEAT:
		heartbeat(r, ret);
		break;
	case CLOSE_WRITE_TIMEOUT:
		write_timeout(r, ret);
		break;
	case CLOSE_QUEUE_FULL:
		queue_full(r, ret);
		break;
	case CLOSE_MESSAGE_TIMEOUT:
		message_timeout(r, ret);
		break;
	case CLOSE_VIOLATION:
		violation(r, ret);
		break;
	case CLOSE_BAD_TEXT:
		bad_text(r, ret);
		break;
	case CLOSE_TOO_BIG:
		too_big(r, ret);
		break;
	case CLOSE_FRAGMENTS:
		fragments(r, ret);
		break;
	case CLOSE_RATE:
		rate(r, "control frames", "limits.control_frames_per_s", ret);
		break;
	case CLOSE_MESSAGE_RATE:
		rate(r, "messages", "limits.messages_per_s", ret);
		break;
	case CLOSE_KICKED:
		kicked(r, x, ret);
		break;
	case CLOSE_SHED:
		shed(r, ret);
		break;
	case CLOSE_REPLACED:
	case CLOSE_EVICTED:
		gave_way(r, ret);
		break;
	default:
		others(r, ret);
	}
}

const char *why_by(const struct record *r)
{
	switch ((enum close_reason)r->reason) {
	case CLOSE_PEER:
	case CLOSE_FIN:
	case CLOSE_RESET:
		return "peer";
	case CLOSE_IO_ERROR:
		return "network";
	default:
		return "server";
	}
}
