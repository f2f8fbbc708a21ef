/* A table of groups, and memberships that hang on a session and on a group at once. */
#include "hub/group.h"

#include <string.h>

struct group_key {
	const struct hub *hub;
	const char *name;
	uint16_t len;
};

static bool match_group(const struct table_node *node, const void *key)
{
	const struct group *g = CONTAINER_OF(node, struct group, node);
	const struct group_key *k = key;

	return g->hub == k->hub && g->name_len == k->len && memcmp(g->name, k->name, k->len) == 0;
}

/* With the hub's own hash in the key: hubs that use the same names do not share their chains. */
static uint32_t group_hash(const struct registry *r, const struct hub *h, const char *name,
                           uint16_t len)
{
	struct siphash_key key = r->key;

	key.k0 ^= h->hash;
	return (uint32_t)siphash(&key, name, len);
}

uint32_t group_table_hash(const struct table_node *node, const void *arg)
{
	(void)arg;
	return CONTAINER_OF(node, const struct group, node)->hash;
}

struct group *group_find(const struct registry *r, const struct hub *h, const char *name,
                         uint16_t len)
{
	const struct group_key key = {.hub = h, .name = name, .len = len};
	struct table_node *n =
		table_find(&r->groups, group_hash(r, h, name, len), match_group, &key);

	return n == NULL ? NULL : CONTAINER_OF(n, struct group, node);
}

static struct group *group_open(struct registry *r, struct hub *h, const char *name, uint16_t len)
{
	struct group *g = malloc(offsetof(struct group, name) + len);

	if (g == NULL)
		return NULL;
	g->hub = h;
	g->n_members = 0;
	g->name_len = len;
	memcpy(g->name, name, len);
	list_init(&g->members);
	list_append(&h->groups, &g->of_hub);
	h->n_groups++;
	g->hash = group_hash(r, h, name, len);
	table_insert(&r->groups, &g->node, g->hash);
	return g;
}

static void group_release(struct registry *r, struct group *g)
{
	if (g->n_members > 0)
		return;
	if (r->resting == &g->members)
		r->resting = NULL;
	table_remove(&r->groups, &g->node);
	list_unlink(&g->of_hub);
	g->hub->n_groups--;
	free(g);
}

/* The link of @s that leads to its membership in @g, or the one at the end. */
static struct membership **find_link(struct session *s, const struct group *g, uint32_t *ret_n)
{
	struct membership **at = &s->groups;

	*ret_n = 0;
	while (*at != NULL && (*at)->group != g) {
		at = &(*at)->next;
		++*ret_n;
	}
	return at;
}

enum join_result group_join(struct registry *r, struct session *s, const char *name, uint16_t len,
                            const struct group_limits *limits)
{
	struct group *g = group_find(r, s->hub, name, len);
	struct membership *m;
	uint32_t n;

	if (*find_link(s, g, &n) != NULL)
		return JOIN_ALREADY;
	if (n >= limits->per_connection)
		return JOIN_REFUSED_CONNECTION;
	if (g == NULL && s->hub->n_groups >= limits->per_hub)
		return JOIN_REFUSED_HUB;
	m = slab_new(&r->memberships);
	if (m == NULL)
		return JOIN_NO_MEMORY;
	if (g == NULL)
		g = group_open(r, s->hub, name, len);
	if (g == NULL) {
		slab_free(&r->memberships, m);
		return JOIN_NO_MEMORY;
	}
	m->group = g;
	m->session = s;
	m->next = s->groups;
	s->groups = m;
	list_append(&g->members, &m->of_group);
	g->n_members++;
	return JOIN_DONE;
}

/* The membership that *@link leads to ends. */
static void end_membership(struct registry *r, struct membership **link)
{
	struct membership *m = *link;

	*link = m->next;
	if (r->resting == &m->of_group)
		r->resting = m->of_group.next;
	list_unlink(&m->of_group);
	m->group->n_members--;
	group_release(r, m->group);
	slab_free(&r->memberships, m);
}

bool group_leave(struct registry *r, struct session *s, const char *name, uint16_t len)
{
	const struct group *g = group_find(r, s->hub, name, len);
	struct membership **link;
	uint32_t n;

	if (g == NULL)
		return false;
	link = find_link(s, g, &n);
	if (*link == NULL)
		return false;
	end_membership(r, link);
	return true;
}

uint32_t group_leave_all(struct registry *r, struct session *s)
{
	uint32_t n = 0;

	for (; s->groups != NULL; n++)
		end_membership(r, &s->groups);
	return n;
}

void group_rest(struct registry *r, struct list *at)
{
	ASSERT(r->resting == NULL);
	r->resting = at;
}

struct list *group_go_on(struct registry *r)
{
	struct list *at = r->resting;

	r->resting = NULL;
	return at;
}
