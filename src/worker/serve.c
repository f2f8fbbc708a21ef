/* One function for each kind of request. */
#include "worker/serve.h"

#include <string.h>

#include "base/err.h"
#include "hub/group.h"
#include "worker/aside.h"
#include "worker/deliver.h"
#include "worker/health.h"
#include "worker/keepalive.h"
#include "worker/route.h"
#include "worker/serve_groups.h"
#include "worker/why.h"

static void serve_close(struct worker *w, struct request *r) ON_WORKER;
static void serve_close(struct worker *w, struct request *r)
{
	const struct parting parting = {
		.text = r->text[0] != '\0' ? r->text : NULL,
		.evidence = {.from_program = r->from_program, .uid = r->uid},
	};
	struct route at;

	route_begin(w, &r->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL;) {
		conn_close_with(w, c, CLOSE_KICKED, &parting);
		r->outcome.matched++;
	}
}

/* True: the answer comes later. */
static bool serve_ping(struct worker *w, struct request *r) ON_WORKER;
static bool serve_ping(struct worker *w, struct request *r)
{
	struct route at;
	struct conn *c;

	route_begin(w, &r->target, &at);
	c = route_next(w, &at);
	if (c == NULL) {
		r->err = WSMD_ENOENT;
		return false;
	}
	r->outcome.matched = 1;
	keepalive_ping_for(w, c, r);
	return true;
}

static void serve_heartbeat(struct worker *w, struct request *r) ON_WORKER;
static void serve_heartbeat(struct worker *w, struct request *r)
{
	struct route at;
	struct conn *c;

	route_begin(w, &r->target, &at);
	c = route_next(w, &at);
	if (c == NULL) {
		r->err = WSMD_ENOENT;
		return;
	}
	r->outcome.matched = 1;
	r->err = keepalive_override(w, c, &r->heartbeat);
}

void serve_row(const struct worker *w, const struct conn *c, struct conn_row *row)
{
	const struct session *s = c->session;

	*row = (struct conn_row){
		.id = s->id,
		.user_len = s->user == NULL ? 0 : s->user->name_len,
		.peer = c->peer,
		.protocol = (enum protocol_type)c->protocol,
		.state = conn_state_text((enum conn_state)c->state),
		.transport = c->transport.ops->name,
		.worker = w->is.index,
		.connected_wall_ms = os_wall_ms() - (w->now_ms - c->opened_ms),
		.age_ms = w->now_ms - c->opened_ms,
		.idle_ms = w->now_ms - conn_heard_ms(w, c),
		.messages_in = c->messages_in,
		.messages_out = c->messages_out,
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.queue_bytes = c->sendq.bytes,
		.skipped_messages = c->sendq.skipped,
		.queue_peak_bytes = c->sendq.peak_bytes,
		.incomplete_bytes = ws_receiver_begun_bytes(&c->rx) + aside_tail_len(c),
		.healthy = health_is_good(c),
		.suspect = health_is_suspect(c),
		.ping_pending = c->ping_pending,
		.score = c->score,
		.missed = c->missed,
		.pings_sent = c->pings_sent,
		.pongs_received = c->pongs_received,
		.rtt_us = c->rtt.last_us,
		.srtt_us = c->rtt.smoothed_us,
		.rttvar_us = c->rtt.variation_us,
		.rtt_average_us = c->rtt.average_us,
	};
	memcpy(row->hub, s->hub->name, s->hub->name_len);
	keepalive_times(w, c, &row->heartbeat);
	if (s->user != NULL)
		memcpy(row->user, s->user->name, s->user->name_len);
}

/* As far as there is room. */
static void note_groups(const struct session *s, struct request *r, struct conn_row *row)
{
	row->names_at = r->names_len;
	for (const struct membership *m = s->groups; m != NULL; m = m->next) {
		const uint16_t len = m->group->name_len;

		row->n_groups++;
		if (r->names_cap - r->names_len < sizeof(len) + len)
			continue;
		memcpy(r->names + r->names_len, &len, sizeof(len));
		memcpy(r->names + r->names_len + sizeof(len), m->group->name, len);
		r->names_len += (uint32_t)sizeof(len) + len;
		row->n_names++;
	}
}

/* A page of rows. Walks by index, so a page continues where the last one ended. */
static void serve_list(struct worker *w, struct request *r) ON_WORKER;
static void serve_list(struct worker *w, struct request *r)
{
	struct route at;

	route_begin(w, &r->target, &at);
	at.index = r->cursor;
	r->cursor = 0;
	while (r->n_rows < r->max_rows) {
		struct conn *c = route_next(w, &at);

		if (c == NULL)
			return;
		serve_row(w, c, &r->rows[r->n_rows]);
		note_groups(c->session, r, &r->rows[r->n_rows++]);
	}
	r->cursor = at.index;
}

void serve_request(struct worker *w, struct request *r)
{
	switch (r->kind) {
	case REQUEST_SEND:
		deliver_begin(w, r);
		return;
	case REQUEST_CLOSE:
		serve_close(w, r);
		break;
	case REQUEST_PING:
		if (serve_ping(w, r))
			return;
		break;
	case REQUEST_HEARTBEAT:
		serve_heartbeat(w, r);
		break;
	case REQUEST_LIST:
		serve_list(w, r);
		break;
	case REQUEST_RANK:
		rank_begin(w, r);
		return;
	case REQUEST_JOIN:
		serve_join(w, r);
		break;
	case REQUEST_LEAVE:
		serve_leave(w, r);
		break;
	case REQUEST_GROUPS:
		serve_groups(w, r);
		break;
	case REQUEST_WHY:
		why_serve(w, r);
		break;
	}
	request_answer(r);
}
