/* A record's sentence first, then its evidence. */
#include "server/render_record.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "stats/close_reason.h"
#include "stats/protocol_type.h"
#include "worker/close_text.h"
#include "ws/rule.h"

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *string(const char *text, size_t len)
{
	return json_stringn(text, len);
}

static void set(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, number(n));
}

/* For what may be absent. */
static void set_if(json_t *o, const char *key, uint64_t n)
{
	if (n != 0)
		set(o, key, n);
}

static json_t *render_event(const struct record_event *e)
{
	const enum record_event_kind kind = (enum record_event_kind)e->kind;
	json_t *o = json_object();

	set(o, "at_ms", e->at_ms);
	json_object_set_new(o, "event", json_string(record_event_label(kind)));
	for (int i = 0; i < 2; i++)
		if (record_event_value(kind, i) != NULL)
			set(o, record_event_value(kind, i), e->values[i]);
	if (e->times > 1)
		set(o, "times", e->times);
	return o;
}

static json_t *render_events(const struct record *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->n_events; i++)
		json_array_append_new(list, render_event(&record_events(r)[i]));
	return list;
}

static json_t *render_tcp(const struct os_tcp_info *tcp)
{
	static const char *const states[] = {
		"unknown",   "established", "syn_sent",   "syn_recv", "fin_wait1", "fin_wait2",
		"time_wait", "close",       "close_wait", "last_ack", "listen",    "closing",
	};
	json_t *o;

	if (tcp->state == 0)
		return json_null();
	o = json_object();
	json_object_set_new(o, "state",
	                    json_string(states[tcp->state < ARRAY_LEN(states) ? tcp->state : 0]));
	set(o, "rtt_us", tcp->rtt_us);
	set(o, "rttvar_us", tcp->rttvar_us);
	set(o, "retransmits", tcp->retransmits);
	set(o, "unacked", tcp->unacked);
	set(o, "lost", tcp->lost);
	set(o, "last_sent_ms", tcp->last_sent_ms);
	set(o, "last_received_ms", tcp->last_received_ms);
	set(o, "held_bytes", tcp->held);
	set(o, "send_buffer_bytes", tcp->send_buffer);
	set(o, "receive_buffer_bytes", tcp->receive_buffer);
	return o;
}

static void add_identity(json_t *o, const struct record *r)
{
	char id[CONN_ID_TEXT], word[RECORDER_ID_TEXT], peer[NET_ADDR_TEXT];

	conn_id_format(&r->id, id);
	recorder_id(&r->id, word);
	json_object_set_new(o, "id", json_string(word));
	json_object_set_new(o, "connection", json_string(id));
	json_object_set_new(o, "hub", string(record_hub(r), r->hub_len));
	json_object_set_new(o, "user",
	                    r->user_len > 0 ? string(record_user(r), r->user_len) : json_null());
	json_object_set_new(o, "peer", json_string(net_addr_format(&r->peer, peer)));
	json_object_set_new(o, "protocol",
	                    json_string(protocol_type_label((enum protocol_type)r->protocol)));
}

static void add_kicker(json_t *o, const struct record *r, const struct why_context *x)
{
	if (r->reason != CLOSE_KICKED)
		return;
	json_object_set_new(o, "kicked_by", json_string(r->from_program ? "program" : "operator"));
	if (r->from_program)
		return;
	set(o, "uid", r->uid);
	json_object_set_new(o, "uid_name",
	                    x->uid_name[0] == '\0' ? json_null() : json_string(x->uid_name));
}

/* Of a connection that ended. */
static void add_end(json_t *o, const struct record *r)
{
	char when[TEXT_ISO8601];

	json_object_set_new(o, "ended_at", json_string(text_iso8601(when, r->ended_wall_ms)));
	json_object_set_new(o, "reason",
	                    json_string(close_reason_label((enum close_reason)r->reason)));
	json_object_set_new(o, "by", json_string(why_by(r)));
	set_if(o, "code_sent", r->code_sent);
	set_if(o, "code_received", r->code_received);
	if (r->text_len > 0)
		json_object_set_new(o, "text", string(record_text(r), r->text_len));
	set(o, "closing_ms", r->closing_ms);
	set_if(o, "limit", r->limit);
	set_if(o, "held_bytes", r->held_bytes);
	if (r->err != 0)
		json_object_set_new(o, "error", json_string(err_text(r->err)));
	if (r->rule < WS_RULE_COUNT) {
		json_object_set_new(o, "rule", json_string(ws_rule_name((enum ws_rule)r->rule)));
		set(o, "at_byte", r->at_byte);
		set_if(o, "announced_bytes", r->size);
	}
}

static void add_life(json_t *o, const struct record *r)
{
	set(o, "age_ms", r->age_ms);
	set(o, "silent_ms", r->silent_ms);
	set(o, "messages_in", r->messages_in);
	set(o, "messages_out", r->messages_out);
	set(o, "bytes_in", r->bytes_in);
	set(o, "bytes_out", r->bytes_out);
	set(o, "queue_bytes", r->queue_bytes);
	set(o, "queue_messages", r->queue_messages);
	set(o, "queue_high_bytes", r->queue_high_bytes);
	set(o, "messages_skipped", r->skipped);
	set(o, "blocked_ms", r->blocked_ms);
	set(o, "pings_sent", r->pings_sent);
	set(o, "pongs_received", r->pongs_received);
	json_object_set_new(o, "rtt_us", r->rtt_us == 0 ? json_null() : number(r->rtt_us));
	set(o, "missed", r->missed);
	set(o, "score", r->score);
	json_object_set_new(o, "tcp", render_tcp(&r->tcp));
}

json_t *render_record(const struct record *r, const struct why_context *x, bool with_events)
{
	char when[TEXT_ISO8601];
	json_t *o = json_object();
	struct why_text text;

	why_text(r, x, &text);
	json_object_set_new(o, "why", json_string(text.sentence));
	json_object_set_new(o, "hint", json_string(text.hint));
	add_identity(o, r);
	json_object_set_new(o, "connected_at", json_string(text_iso8601(when, r->opened_wall_ms)));
	if (r->ended_wall_ms != 0) {
		add_end(o, r);
		add_kicker(o, r, x);
	}
	add_life(o, r);
	if (with_events) {
		json_object_set_new(o, "events", render_events(r));
		set(o, "events_lost", r->lost);
	}
	return o;
}
