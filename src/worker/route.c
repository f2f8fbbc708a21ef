/* Who is meant, and what became of the message. */
#include "worker/route.h"

#include "base/err.h"
#include "hub/group.h"
#include "worker/output.h"

static struct user *find_user(const struct worker *w, const struct target *t, const char *name,
                              uint16_t len) ON_WORKER;
static struct user *find_user(const struct worker *w, const struct target *t, const char *name,
                              uint16_t len)
{
	return registry_user(&w->registry, t->hub, (uint16_t)t->hub_len, name, len);
}

static void find_excluded(const struct worker *w, const struct target *t) ON_WORKER;
static void find_excluded(const struct worker *w, const struct target *t)
{
	struct except *e = t->except;

	for (uint32_t i = 0; e != NULL && i < e->n; i++) {
		struct except_row *row = &e->rows[i];

		if (row->is_user)
			row->who = find_user(w, t, except_name(e, row), row->name_len);
		else
			row->who = registry_session(&w->registry, &row->id);
	}
}

static void find_group(const struct worker *w, struct route *r) ON_WORKER;
static void find_group(const struct worker *w, struct route *r)
{
	const struct target *t = r->target;

	r->hub = registry_hub(&w->registry, t->hub, (uint16_t)t->hub_len);
	if (r->hub == NULL)
		return;
	r->group = group_find(&w->registry, r->hub, t->group, (uint16_t)t->group_len);
	if (r->group != NULL)
		r->member = r->group->members.next;
}

void route_begin(const struct worker *w, struct target *t, struct route *ret)
{
	*ret = (struct route){.target = t};
	find_excluded(w, t);
	switch (t->kind) {
	case TARGET_CONNECTION:
		ret->next = registry_session(&w->registry, &t->id);
		break;
	case TARGET_USER:
		ret->user = find_user(w, t, t->user, (uint16_t)t->user_len);
		if (ret->user != NULL)
			ret->next = registry_first_of_user(ret->user);
		break;
	case TARGET_GROUP:
		find_group(w, ret);
		break;
	case TARGET_HUB:
		ret->hub = registry_hub(&w->registry, t->hub, (uint16_t)t->hub_len);
		break;
	case TARGET_EVERYONE:
		break;
	}
}

/* A session that an index led to must be what the index says. */
static bool isolated(struct worker *w, bool right) ON_WORKER;
static bool isolated(struct worker *w, bool right)
{
	if (UNLIKELY(!right))
		stats_add(w->is.stats, STAT_ISOLATION, 1);
	return right;
}

static struct conn *next_of_user(struct worker *w, struct route *r) ON_WORKER;
static struct conn *next_of_user(struct worker *w, struct route *r)
{
	while (r->next != NULL) {
		const struct session *s = r->next;

		/* Closing the last session frees the user: look at him for the last time. */
		r->next = registry_next_of_user(s);
		if (isolated(w, s->user == r->user))
			return s->conn;
	}
	return NULL;
}

static struct conn *next_of_group(struct worker *w, struct route *r) ON_WORKER;
static struct conn *next_of_group(struct worker *w, struct route *r)
{
	while (r->member != NULL && r->member != &r->group->members) {
		const struct membership *m = list_entry(r->member, struct membership, of_group);

		/* Closing the last member frees the group. */
		r->member = r->member->next == &r->group->members ? NULL : r->member->next;
		if (isolated(w, m->group == r->group && m->session->hub == r->hub))
			return m->session->conn;
	}
	return NULL;
}

static struct conn *next_in_order(struct worker *w, struct route *r) ON_WORKER;
static struct conn *next_in_order(struct worker *w, struct route *r)
{
	for (struct conn *c; (c = slab_next(&w->conns, &r->index)) != NULL;)
		if (c->state == CONN_OPEN && (r->hub == NULL || c->session->hub == r->hub))
			return c;
	return NULL;
}

static struct conn *next_named(struct worker *w, struct route *r) ON_WORKER;
static struct conn *next_named(struct worker *w, struct route *r)
{
	struct session *one = r->next;

	switch (r->target->kind) {
	case TARGET_CONNECTION:
		r->next = NULL;
		return one == NULL ? NULL : one->conn;
	case TARGET_USER:
		return next_of_user(w, r);
	case TARGET_GROUP:
		return next_of_group(w, r);
	case TARGET_HUB:
		return r->hub == NULL ? NULL : next_in_order(w, r);
	case TARGET_EVERYONE:
		return next_in_order(w, r);
	}
	return NULL;
}

/* Whoever is left out is not touched during the walk, so he stays where he was found. */
static bool is_excluded(const struct except *e, const struct session *s)
{
	for (uint32_t i = 0; i < e->n; i++) {
		const void *who = e->rows[i].who;

		if (who != NULL && (who == s || who == s->user))
			return true;
	}
	return false;
}

struct conn *route_next(struct worker *w, struct route *r)
{
	const struct except *e = r->target->except;

	for (struct conn *c; (c = next_named(w, r)) != NULL; r->excluded++)
		if (e == NULL || !is_excluded(e, c->session))
			return c;
	return NULL;
}

/* ---- sending ---- */

/* Whoever is full and still open goes without this message: limits.slow_consumer. */
static enum drop_reason drop_reason_of(int err, const struct conn *c)
{
	switch (err) {
	case WSMD_EFULL:
		return c->state == CONN_OPEN ? DROP_POLICY : DROP_QUEUE_FULL;
	case WSMD_ECLOSED:
		return DROP_CLOSING;
	default:
		return DROP_NO_MEMORY;
	}
}

/*
 * Its place among all sends to one user, or, anonymous, to one connection. Taken on this thread,
 * which is the only one that sends to him, so the order of the numbers is that of the queues.
 */
static uint64_t take_seq(const struct session *s)
{
	return s->user != NULL ? ++s->user->seq : s->seq + 1;
}

/* The order that a connection gets is its user's. */
static void check_order(struct worker *w, struct session *s, uint64_t seq) ON_WORKER;
static void check_order(struct worker *w, struct session *s, uint64_t seq)
{
	if (UNLIKELY(seq <= s->seq))
		stats_add(w->is.stats, STAT_ORDER, 1);
	s->seq = seq;
}

static void note_row(struct request *r, const struct outcome_row *row)
{
	if (r->n_each < r->max_each)
		r->each[r->n_each] = *row;
	r->n_each++;
}

static void send_one(struct worker *w, struct conn *c, struct request *r) ON_WORKER;
static void send_one(struct worker *w, struct conn *c, struct request *r)
{
	struct outcome *o = &r->outcome;
	const bool to_user = r->target.kind == TARGET_USER || r->target.kind == TARGET_CONNECTION;
	struct outcome_row row = {.id = c->session->id}; /* it may close in the attempt */
	int err;

	if (to_user && o->user_seq == 0)
		o->user_seq = take_seq(c->session);
	if (to_user)
		check_order(w, c->session, o->user_seq);
	o->matched++;
	err = output_msg(w, c, msg_get(r->msg));
	row.delivered = err == 0;
	if (err == 0) {
		o->delivered++;
	} else {
		msg_put(r->msg);
		row.reason = drop_reason_of(err, c);
		o->dropped++;
		o->dropped_for[row.reason]++;
	}
	note_row(r, &row);
}

static void count(struct worker *w, const struct outcome *o) ON_WORKER;
static void count(struct worker *w, const struct outcome *o)
{
	stats_add(w->is.stats, STAT_DELIVERED, o->delivered);
	stats_add(w->is.stats, STAT_QUEUED, o->queued);
	stats_add(w->is.stats, STAT_EXCLUDED, o->excluded);
	stats_add(w->is.stats, STAT_DROPPED, o->dropped);
	for (unsigned i = 0; i < DROP_REASON_COUNT && o->dropped > 0; i++)
		stats_add(w->is.stats, stat_drop((enum drop_reason)i), o->dropped_for[i]);
}

void route_send(struct worker *w, struct request *r)
{
	struct route at;

	route_begin(w, &r->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL;)
		send_one(w, c, r);
	r->outcome.excluded = at.excluded;
	count(w, &r->outcome);
}
