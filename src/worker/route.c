/* Who is meant. */
#include "worker/route.h"

#include "hub/group.h"
#include "worker/conn.h"

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
			ret->next = registry_first_of_user(&w->registry, ret->user);
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

/* One more place to look at. */
static bool affords(struct route *r)
{
	r->rests = r->places != NULL && *r->places == 0;
	if (r->places != NULL && !r->rests)
		--*r->places;
	return !r->rests;
}

static struct conn *next_of_user(struct worker *w, struct route *r) ON_WORKER;
static struct conn *next_of_user(struct worker *w, struct route *r)
{
	while (r->next != NULL) {
		const struct session *s = r->next;

		/* Closing the last session frees the user: look at him for the last time. */
		r->next = registry_next_of_user(&w->registry, s);
		if (isolated(w, s->user == r->user))
			return s->conn;
	}
	return NULL;
}

static struct conn *next_of_group(struct worker *w, struct route *r) ON_WORKER;
static struct conn *next_of_group(struct worker *w, struct route *r)
{
	while (r->member != NULL && r->member != &r->group->members && affords(r)) {
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
	while (r->index < slab_end(&w->conns) && affords(r)) {
		struct conn *c = slab_step(&w->conns, &r->index);

		if (c != NULL && c->state == CONN_OPEN &&
		    (r->hub == NULL || c->session->hub == r->hub))
			return c;
	}
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

/* Whoever is left out may close while the walk rests; nobody opens who could be taken for him. */
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

bool route_rests(struct worker *w, struct route *r)
{
	if (r->rests && r->target->kind == TARGET_GROUP)
		group_rest(&w->registry, r->member);
	return r->rests;
}

void route_go_on(struct worker *w, struct route *r)
{
	ASSERT(r->rests);
	r->rests = false;
	if (r->target->kind == TARGET_GROUP)
		r->member = group_go_on(&w->registry);
}
