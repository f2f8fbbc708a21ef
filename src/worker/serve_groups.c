/* Memberships change one by one; a page of groups is chosen in one walk. */
#include "worker/serve_groups.h"

#include <string.h>

#include "hub/group.h"
#include "worker/conn.h"
#include "worker/route.h"

static void count_groups(struct worker *w) ON_WORKER;
static void count_groups(struct worker *w)
{
	stats_set(w->is.stats, STAT_GROUPS_ACTIVE, w->registry.groups.count);
}

void serve_join(struct worker *w, struct request *r)
{
	const struct group_limits limits = {
		.per_connection = w->view.limits.max_groups_per_connection,
		.per_hub = w->view.limits.max_groups_per_hub,
	};
	const struct target *t = &r->target;
	struct route at;

	route_begin(w, &r->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL; r->outcome.matched++) {
		const enum join_result result = group_join(&w->registry, c->session, t->group,
		                                           (uint16_t)t->group_len, &limits);

		r->joins[result]++;
		if (result == JOIN_REFUSED_CONNECTION || result == JOIN_REFUSED_HUB)
			recorder_note(w, c, EVENT_GROUP_LIMIT, 0, 0);
	}
	stats_add(w->is.stats, STAT_JOINS, r->joins[JOIN_DONE]);
	stats_add(w->is.stats, STAT_JOINS_REFUSED_CONNECTION, r->joins[JOIN_REFUSED_CONNECTION]);
	stats_add(w->is.stats, STAT_JOINS_REFUSED_HUB, r->joins[JOIN_REFUSED_HUB]);
	count_groups(w);
}

void serve_leave(struct worker *w, struct request *r)
{
	const struct target *t = &r->target;
	struct route at;

	route_begin(w, &r->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL; r->outcome.matched++)
		r->left += t->group == NULL ? group_leave_all(&w->registry, c->session)
		                            : group_leave(&w->registry, c->session, t->group,
		                                          (uint16_t)t->group_len);
	stats_add(w->is.stats, STAT_LEAVES, r->left);
	count_groups(w);
}

/* ---- list ---- */

#define PICK_MAX GROUP_PAGE_MAX

/* The groups with the first names behind the last page's, in order. */
struct pick {
	uint32_t n, max;
	bool more;
	struct picked {
		const struct group *group;
		uint32_t members;
	} at[PICK_MAX];
};

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Where @g is, or belongs. */
static uint32_t place_of(const struct pick *p, const struct group *g, bool *ret_there)
{
	uint32_t low = 0, high = p->n;

	*ret_there = false;
	while (low < high) {
		const uint32_t mid = (low + high) / 2;
		const struct group *other = p->at[mid].group;
		const int order = compare_names(other->name, other->name_len, g->name, g->name_len);

		if (order == 0)
			*ret_there = true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* @members more of @g. */
static void pick(struct pick *p, const struct group_page *page, const struct group *g,
                 uint32_t members)
{
	bool there;
	uint32_t i;

	if (compare_names(g->name, g->name_len, page->after, page->after_len) <= 0)
		return;
	i = place_of(p, g, &there);
	if (there) {
		p->at[i].members += members;
		return;
	}
	p->more |= p->n == p->max;
	if (i == p->max)
		return;
	p->n -= p->n == p->max; /* the last one gives way */
	memmove(&p->at[i + 1], &p->at[i], (p->n - i) * sizeof(p->at[0]));
	p->at[i] = (struct picked){g, members};
	p->n++;
}

static void pick_of_hub(const struct worker *w, const struct target *t,
                        const struct group_page *page, struct pick *p) ON_WORKER;
static void pick_of_hub(const struct worker *w, const struct target *t,
                        const struct group_page *page, struct pick *p)
{
	const struct hub *h = registry_hub(&w->registry, t->hub, (uint16_t)t->hub_len);

	if (h == NULL)
		return;
	list_for_each (at, &h->groups) {
		const struct group *g = list_entry(at, struct group, of_hub);

		pick(p, page, g, g->n_members);
	}
}

/* The one that is named, if it exists. */
static void pick_named(const struct worker *w, const struct target *t, struct pick *p) ON_WORKER;
static void pick_named(const struct worker *w, const struct target *t, struct pick *p)
{
	const struct hub *h = registry_hub(&w->registry, t->hub, (uint16_t)t->hub_len);
	const struct group *g =
		h == NULL ? NULL : group_find(&w->registry, h, t->group, (uint16_t)t->group_len);

	if (g != NULL)
		p->at[p->n++] = (struct picked){g, g->n_members};
}

static void pick_of_connections(struct worker *w, struct request *r, struct pick *p) ON_WORKER;
static void pick_of_connections(struct worker *w, struct request *r, struct pick *p)
{
	struct route at;

	route_begin(w, &r->target, &at);
	for (struct conn *c; (c = route_next(w, &at)) != NULL; r->outcome.matched++)
		for (const struct membership *m = c->session->groups; m != NULL; m = m->next)
			pick(p, r->groups, m->group, 1);
}

static void fill_page(struct group_page *page, const struct pick *p)
{
	page->more = p->more;
	page->n = p->n;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct group *g = p->at[i].group;

		page->rows[i].members = p->at[i].members;
		page->rows[i].name_len = g->name_len;
		memcpy(page->rows[i].name, g->name, g->name_len);
	}
}

void serve_groups(struct worker *w, struct request *r)
{
	struct group_page *page = r->groups;
	struct pick p;

	ASSERT(page->max > 0 && page->max <= PICK_MAX);
	p.n = 0;
	p.max = page->max;
	p.more = false;
	if (r->target.kind == TARGET_HUB)
		pick_of_hub(w, &r->target, page, &p);
	else if (r->target.kind == TARGET_GROUP)
		pick_named(w, &r->target, &p);
	else
		pick_of_connections(w, r, &p);
	fill_page(page, &p);
}
