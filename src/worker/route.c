/* Who is meant, and what became of the message. */
#include "worker/route.h"

#include "worker/output.h"

void route_begin(const struct worker *w, const struct target *t, struct route *ret)
{
	*ret = (struct route){.target = t};
	switch (t->kind) {
	case TARGET_CONNECTION:
		ret->one = registry_session(&w->registry, &t->id);
		break;
	case TARGET_USER:
		ret->user = registry_user(&w->registry, t->hub, (uint16_t)t->hub_len, t->user,
		                          (uint16_t)t->user_len);
		if (ret->user != NULL)
			ret->next = ret->user->sessions.next;
		break;
	case TARGET_HUB:
		ret->hub = registry_hub(&w->registry, t->hub, (uint16_t)t->hub_len);
		break;
	case TARGET_EVERYONE:
		break;
	}
}

static struct conn *next_of_user(struct worker *w, struct route *r)
{
	while (r->next != NULL && r->next != &r->user->sessions) {
		struct session *s = list_entry(r->next, struct session, of_user);

		/* Closing the last session frees the user: stop before looking at him again. */
		r->next = s->of_user.next == &r->user->sessions ? NULL : s->of_user.next;
		if (s->user == r->user)
			return s->conn;
		stats_add(w->is.stats, STAT_ISOLATION, 1);
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

struct conn *route_next(struct worker *w, struct route *r)
{
	struct session *one = r->one;

	switch (r->target->kind) {
	case TARGET_CONNECTION:
		r->one = NULL;
		return one == NULL ? NULL : one->conn;
	case TARGET_USER:
		return next_of_user(w, r);
	case TARGET_HUB:
		return r->hub == NULL ? NULL : next_in_order(w, r);
	case TARGET_EVERYONE:
		return next_in_order(w, r);
	}
	return NULL;
}

void route_send(struct worker *w, const struct target *t, struct msg *m, struct outcome *ret)
{
	struct route r;

	*ret = (struct outcome){0};
	route_begin(w, t, &r);
	for (struct conn *c; (c = route_next(w, &r)) != NULL;) {
		ret->matched++;
		if (output_msg(w, c, msg_get(m)) == 0) {
			ret->delivered++;
		} else {
			ret->dropped++;
			msg_put(m);
		}
	}
	stats_add(w->is.stats, STAT_DELIVERED, ret->delivered);
	stats_add(w->is.stats, STAT_DROPPED, ret->dropped);
}
