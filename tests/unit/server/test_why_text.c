/* Each end in a sentence, from records that the test makes up. */
#include "server/why_text.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "stats/close_reason.h"
#include "ws/rule.h"

#define NOW_MS 1800000000000ull

static union {
	struct record r;
	char bytes[RECORD_MAX_BYTES];
} made;

/* An ended one, silent for a minute, with @text. */
static struct record *make(enum close_reason reason, const char *text)
{
	const struct record_parts parts = {
		.hub = "h", .hub_len = 1, .text = text, .text_len = (uint8_t)strlen(text)};

	memset(&made, 0, sizeof(made));
	made.r.reason = (uint8_t)reason;
	made.r.rule = WS_RULE_COUNT;
	made.r.ended_wall_ms = NOW_MS - 1000;
	made.r.silent_ms = 60049;
	made.r.age_ms = 70000;
	record_write(&made.r, &parts);
	return &made.r;
}

static void expect(const struct record *r, const struct why_context *x, const char *sentence,
                   const char *in_hint)
{
	struct why_text t;

	why_text(r, x, &t);
	cr_expect_str_eq(t.sentence, sentence);
	cr_expect_not_null(strstr(t.hint, in_hint), "%s: %s", sentence, t.hint);
}

static const struct why_context calm = {.wall_ms = NOW_MS, .interval_ms = 75000};

Test(why_text, the_peer)
{
	struct record *r = make(CLOSE_PEER, "bye \"\x1b[31m");

	r->code_received = 1001;
	expect(r, &calm,
	       "the peer sent a close frame with 1001 (going away), saying \"bye \\\"\\x1b[31m\"",
	       "page is left");
	r = make(CLOSE_PEER, "");
	r->code_received = 1005;
	expect(r, &calm, "the peer sent a close frame without a code", "goodbye");
	r->code_received = 1002;
	expect(r, &calm, "the peer sent a close frame with 1002 (protocol error)", "objects");
	r->code_received = 4001;
	expect(r, &calm, "the peer sent a close frame with 4001 (application code)", "its log");
	expect(make(CLOSE_FIN, ""), &calm,
	       "the peer sent FIN without a close frame after 60.0 s of silence", "proxy");
	expect(make(CLOSE_RESET, ""), &calm,
	       "the peer reset the connection (RST) after 60.0 s of silence", "crashed");
	r = make(CLOSE_IO_ERROR, "");
	r->err = -ETIMEDOUT;
	r->tcp.retransmits = 1;
	r->tcp.unacked = 3;
	expect(r, &calm, "the socket failed: Connection timed out after 60.0 s of silence",
	       "1 segment had been sent again, 3 not");
}

Test(why_text, our_own_limits)
{
	struct record *r = make(CLOSE_HEARTBEAT, "");

	r->missed = 2;
	r->limit = 90000;
	r->silent_ms = 90100;
	expect(r, &calm,
	       "heartbeat timeout: no sign of life for 90.1 s, 2 pings in a row unanswered; the "
	       "limit is 90.0 s",
	       "his program did not answer");
	r->tcp.unacked = 1;
	expect(r, &calm,
	       "heartbeat timeout: no sign of life for 90.1 s, 2 pings in a row unanswered; the "
	       "limit is 90.0 s",
	       "1 segment was never acknowledged");

	r = make(CLOSE_WRITE_TIMEOUT, "");
	r->blocked_ms = 10200;
	r->limit = 10000;
	r->queue_bytes = 5000;
	r->queue_messages = 1;
	expect(r, &calm,
	       "slow consumer: no byte was taken for 10.2 s (limits.write_timeout_s is 10.0 s) "
	       "while 5000 bytes in 1 message waited",
	       "does not read");
	r = make(CLOSE_QUEUE_FULL, "");
	r->limit = 65536;
	r->queue_bytes = 60000;
	r->queue_messages = 7;
	expect(r, &calm,
	       "slow consumer: 60000 bytes in 7 messages waited and one more did not fit into "
	       "limits.send_queue_bytes, 65536; limits.slow_consumer is close",
	       "raise limits.send_queue_bytes");
	r = make(CLOSE_MESSAGE_TIMEOUT, "");
	r->limit = 150000;
	r->messages_in = 4;
	expect(r, &calm,
	       "message 5 was begun and not completed within 2 min 30 s "
	       "(limits.message_timeout_s)",
	       "middle of a message");
}

Test(why_text, rules)
{
	struct record *r = make(CLOSE_VIOLATION, "");

	r->rule = WS_RULE_RSV;
	r->at_byte = 123;
	r->messages_in = 1;
	expect(r, &calm,
	       "the peer broke the protocol: reserved bit set without a negotiated extension (rule "
	       "rsv), at byte 123 of its stream, behind 1 whole message",
	       "library");
	r = make(CLOSE_BAD_TEXT, "");
	r->rule = WS_RULE_TEXT_UTF8;
	expect(r, &calm,
	       "the peer sent text that is not valid UTF-8: text message is not valid UTF-8 (rule "
	       "text_utf8), at byte 0 of its stream, behind 0 whole messages",
	       "binary");
	r = make(CLOSE_TOO_BIG, "");
	r->size = 70000;
	r->limit = 65536;
	expect(r, &calm,
	       "the peer announced a message of 70000 bytes or more, and limits.max_message_bytes "
	       "is 65536, at byte 0 of its stream, behind 0 whole messages",
	       "raise limits.max_message_bytes");
	r = make(CLOSE_RATE, "");
	r->limit = 32;
	expect(r, &calm,
	       "the peer sent more control frames than limits.control_frames_per_s, 32, after 0 "
	       "messages",
	       "loop");
	r = make(CLOSE_MESSAGE_RATE, "");
	r->limit = 10;
	r->messages_in = 10;
	expect(r, &calm,
	       "the peer sent more messages than limits.messages_per_s, 10, after 10 messages",
	       "loop");
}

Test(why_text, the_operator)
{
	struct why_context named = calm;

	make(CLOSE_KICKED, "enough")->uid = 1000;
	expect(&made.r, &calm, "the operator (uid 1000) kicked it, saying \"enough\"",
	       "wsmctl kick");
	strcpy(named.uid_name, "op\x1b[31m");
	make(CLOSE_KICKED, "")->uid = 1000;
	expect(&made.r, &named, "the operator (uid 1000, op\\x1b[31m) kicked it", "wsmctl kick");
	make(CLOSE_KICKED, "")->from_program = true;
	expect(&made.r, &named, "the program that embeds the server kicked it", "its own log");
	expect(make(CLOSE_DRAIN, ""), &calm, "server is draining, reconnect",
	       "the operator let the server drain; the client was told to reconnect");
	/* Nobody can be asked any more when a stop closes: the log has this reason, and an
	 * embedding program that reads the records. */
	expect(make(CLOSE_STOP, ""), &calm, "server is going away",
	       "the server was stopped or restarted; the client may reconnect");
}

Test(why_text, who_gave_way)
{
	struct record *r = make(CLOSE_REPLACED, "");

	r->limit = 3;
	expect(r, &calm,
	       "a newer connection of this user took the place: limits.max_connections_per_user, 3",
	       "raise limits.max_connections_per_user");
	r = make(CLOSE_EVICTED, "");
	r->limit = 2;
	expect(r, &calm,
	       "no answer to a ping, and another connection of this user needed the place; it was "
	       "silent for 60.0 s, and limits.max_connections_per_user is 2",
	       "most likely dead already");
}

Test(why_text, memory)
{
	struct record *r = make(CLOSE_SHED, "");

	r->limit = 25165824;
	r->held_bytes = 1048600;
	r->score = 80;
	expect(r, &calm,
	       "the server was short of memory (limits.buffered_bytes is 25165824), of which this "
	       "connection held 1048600 bytes, its score being 80",
	       "raise limits.buffered_bytes");
	expect(make(CLOSE_NO_MEMORY, ""), &calm, "server is short of memory, try again later",
	       "see `wsmctl stats` for the memory in use, and the limits in `wsmctl config`");
}

/* One death says nothing; many at one age, and few beside it, say who did it. */
Test(why_text, a_proxy)
{
	static const enum close_reason silent[] = {CLOSE_FIN, CLOSE_RESET, CLOSE_IO_ERROR};
	struct why_context many = calm, spread = calm, one = calm;
	struct why_text t;

	many.deaths.at[IDLE_60S] = 42;
	spread.deaths.at[IDLE_60S] = spread.deaths.near[IDLE_60S] = 42;
	one.deaths.at[IDLE_60S] = 1;
	expect(make(CLOSE_FIN, ""), &many,
	       "the peer sent FIN without a close frame after 60.0 s of silence; 41 others in the "
	       "last hour too: something between has a 60 s idle limit",
	       "set heartbeat.interval_s, which is 75, below 60");
	make(CLOSE_FIN, "")->ended_wall_ms = NOW_MS - 2 * 3600 * 1000;
	expect(&made.r, &many,
	       "the peer sent FIN without a close frame after 60.0 s of silence; 42 others in the "
	       "last hour too: something between has a 60 s idle limit",
	       "below 60");
	many.interval_ms = 25000;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		why_text(make(silent[i], ""), &many, &t);
		cr_expect_not_null(strstr(t.sentence, "60 s idle limit"));
		cr_expect_not_null(strstr(t.hint, "raise the idle limit there"));
		why_text(make(silent[i], ""), &spread, &t);
		cr_expect_null(strstr(t.sentence, "idle limit"));
		why_text(make(silent[i], ""), &one, &t);
		cr_expect_null(strstr(t.sentence, "idle limit"));
	}
	why_text(make(CLOSE_HEARTBEAT, ""), &many, &t);
	cr_expect_null(strstr(t.sentence, "idle limit"), "that was our own doing");
	make(CLOSE_FIN, "")->silent_ms = 30000;
	why_text(&made.r, &many, &t);
	cr_expect_null(strstr(t.sentence, "idle limit"), "another age");
	make(CLOSE_FIN, "")->tcp = (struct os_tcp_info){.state = 8, .last_sent_ms = 5000};
	why_text(&made.r, &many, &t);
	cr_expect_null(strstr(t.sentence, "idle limit"), "we had sent something meanwhile");
}

Test(why_text, a_live_one)
{
	struct record *r = make(CLOSE_PEER, "");

	r->ended_wall_ms = 0;
	r->opened_wall_ms = 1769903999123ull;
	r->silent_ms = 7300000;
	r->score = 75;
	expect(r, &calm,
	       "is connected since 2026-01-31T23:59:59.123Z, last heard 2 h 01 min ago; score 75",
	       "nothing is wrong");
	r->missed = 1;
	expect(r, &calm,
	       "is connected since 2026-01-31T23:59:59.123Z, last heard 2 h 01 min ago; score 75",
	       "suspect");
}

Test(why_text, every_reason_has_a_sentence_and_a_hint)
{
	struct why_text t;

	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		const struct record *r = make((enum close_reason)i, "");

		why_text(r, &calm, &t);
		cr_expect(strlen(t.sentence) > 0 && strlen(t.hint) > 0, "%d", i);
		cr_expect(strlen(why_by(r)) > 0);
	}
}
