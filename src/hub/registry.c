/* Three tables and the objects they index. */
#include "hub/registry.h"

#include <string.h>

#include "base/err.h"
#include "hub/group.h"

/* ---- keys ---- */

struct name_key {
	const struct hub *hub; /* of a user; not used for hubs */
	const char *name;
	uint16_t len;
};

static bool match_hub(const struct table_node *node, const void *key)
{
	const struct hub *h = CONTAINER_OF(node, struct hub, node);
	const struct name_key *k = key;

	return h->name_len == k->len && memcmp(h->name, k->name, k->len) == 0;
}

static bool match_user(const struct table_node *node, const void *key)
{
	const struct user *u = CONTAINER_OF(node, struct user, node);
	const struct name_key *k = key;

	return u->hub == k->hub && u->name_len == k->len && memcmp(u->name, k->name, k->len) == 0;
}

static bool match_id(const struct table_node *node, const void *key)
{
	return conn_id_equal(&CONTAINER_OF(node, struct session, node)->id, key);
}

static uint32_t hub_hash(const struct registry *r, const char *name, uint16_t len)
{
	return (uint32_t)siphash(&r->key, name, len);
}

/* The low bits: the high ones chose the worker, so here they are all alike. */
static uint32_t user_hash(const struct registry *r, const struct hub *h, const char *name,
                          uint16_t len)
{
	return (uint32_t)shard_hash(&r->key, h->name, h->name_len, name, len);
}

static uint32_t hash_of_hub(const struct table_node *node, const void *arg)
{
	(void)arg;
	return CONTAINER_OF(node, const struct hub, node)->hash;
}

static uint32_t hash_of_user(const struct table_node *node, const void *arg)
{
	const struct user *u = CONTAINER_OF(node, const struct user, node);

	return user_hash(arg, u->hub, u->name, u->name_len);
}

static uint32_t hash_of_session(const struct table_node *node, const void *arg)
{
	(void)arg;
	return conn_id_table_hash(&CONTAINER_OF(node, const struct session, node)->id);
}

/* ---- the registry ---- */

static void init_slabs(struct registry *r, uint32_t max_sessions)
{
	slab_init(&r->sessions, sizeof(struct session), max_sessions);
	slab_init(&r->memberships, sizeof(struct membership), UINT32_MAX);
	for (size_t i = 0; i < USER_SIZES; i++)
		slab_init(&r->users_by_size[i],
		          offsetof(struct user, name) + (i + 1) * USER_STEP - 1, UINT32_MAX);
}

int registry_init(struct registry *r, const struct siphash_key *key, uint32_t max_sessions)
{
	*r = (struct registry){.key = *key};
	init_slabs(r, max_sessions);
	if (table_init(&r->by_id, hash_of_session, NULL) < 0)
		return WSMD_ENOMEM;
	if (table_init(&r->users, hash_of_user, r) < 0)
		goto fail_by_id;
	if (table_init(&r->hubs, hash_of_hub, NULL) < 0)
		goto fail_users;
	if (table_init(&r->groups, group_table_hash, NULL) < 0)
		goto fail_hubs;
	return 0;

fail_hubs:
	table_fini(&r->hubs);
fail_users:
	table_fini(&r->users);
fail_by_id:
	table_fini(&r->by_id);
	return WSMD_ENOMEM;
}

void registry_fini(struct registry *r)
{
	ASSERT(r->sessions.in_use == 0);
	ASSERT(r->users.count == 0);
	ASSERT(r->hubs.count == 0);
	ASSERT(r->groups.count == 0);
	ASSERT(r->memberships.in_use == 0);
	table_fini(&r->groups);
	table_fini(&r->hubs);
	table_fini(&r->users);
	table_fini(&r->by_id);
	for (size_t i = 0; i < USER_SIZES; i++)
		slab_fini(&r->users_by_size[i]);
	slab_fini(&r->memberships);
	slab_fini(&r->sessions);
}

void registry_trim(struct registry *r)
{
	slab_trim(&r->sessions);
	slab_trim(&r->memberships);
	for (size_t i = 0; i < USER_SIZES; i++)
		slab_trim(&r->users_by_size[i]);
}

/* ---- lookups ---- */

struct hub *registry_hub(const struct registry *r, const char *name, uint16_t len)
{
	const struct name_key key = {.name = name, .len = len};
	struct table_node *n = table_find(&r->hubs, hub_hash(r, name, len), match_hub, &key);

	return n == NULL ? NULL : CONTAINER_OF(n, struct hub, node);
}

static struct user *find_user(const struct registry *r, const struct hub *h, const char *name,
                              uint16_t len)
{
	const struct name_key key = {.hub = h, .name = name, .len = len};
	struct table_node *n = table_find(&r->users, user_hash(r, h, name, len), match_user, &key);

	return n == NULL ? NULL : CONTAINER_OF(n, struct user, node);
}

struct user *registry_user(const struct registry *r, const char *hub, uint16_t hub_len,
                           const char *name, uint16_t name_len)
{
	const struct hub *h = registry_hub(r, hub, hub_len);

	return h == NULL ? NULL : find_user(r, h, name, name_len);
}

struct session *registry_session(const struct registry *r, const struct conn_id *id)
{
	struct table_node *n = table_find(&r->by_id, conn_id_table_hash(id), match_id, id);

	return n == NULL ? NULL : CONTAINER_OF(n, struct session, node);
}

/* ---- life ---- */

static struct hub *hub_open(struct registry *r, const struct identity *who)
{
	struct hub *h = registry_hub(r, who->hub, who->hub_len);

	if (h != NULL)
		return h;
	h = malloc(sizeof(*h) + who->hub_len);
	if (h == NULL)
		return NULL;
	*h = (struct hub){.hash = hub_hash(r, who->hub, who->hub_len),
	                  .on_message = who->on_message,
	                  .name_len = who->hub_len};
	memcpy(h->name, who->hub, who->hub_len);
	list_init(&h->groups);
	table_insert(&r->hubs, &h->node, h->hash);
	return h;
}

static void hub_release(struct registry *r, struct hub *h)
{
	if (h->n_sessions > 0)
		return;
	table_remove(&r->hubs, &h->node);
	free(h);
}

static struct slab *users_like(struct registry *r, uint16_t name_len)
{
	ASSERT(name_len <= USER_NAME_MAX);
	return &r->users_by_size[name_len / USER_STEP];
}

static struct user *user_open(struct registry *r, struct hub *h, const struct identity *who)
{
	struct user *u = find_user(r, h, who->user, who->user_len);

	if (u != NULL)
		return u;
	u = slab_new(users_like(r, who->user_len));
	if (u == NULL)
		return NULL;
	u->hub = h;
	u->name_len = (uint8_t)who->user_len;
	memcpy(u->name, who->user, who->user_len);
	table_insert(&r->users, &u->node, user_hash(r, h, u->name, u->name_len));
	return u;
}

static void user_release(struct registry *r, struct user *u)
{
	if (u->n_sessions > 0)
		return;
	table_remove(&r->users, &u->node);
	slab_free(users_like(r, u->name_len), u);
}

static struct session *session_at(const struct registry *r, uint32_t index)
{
	struct session *s = slab_at(&r->sessions, index);

	ASSERT(s != NULL);
	return s;
}

/* At the end: before the oldest. */
static void join_user(struct registry *r, struct user *u, struct session *s)
{
	const uint32_t index = s->head.index;
	struct session *oldest;

	if (u->n_sessions++ == 0)
		u->oldest = s->of_user.next = s->of_user.prev = index;
	oldest = session_at(r, u->oldest);
	s->of_user.next = u->oldest;
	s->of_user.prev = oldest->of_user.prev;
	session_at(r, oldest->of_user.prev)->of_user.next = index;
	oldest->of_user.prev = index;
}

static void leave_user(struct registry *r, struct user *u, struct session *s)
{
	session_at(r, s->of_user.prev)->of_user.next = s->of_user.next;
	session_at(r, s->of_user.next)->of_user.prev = s->of_user.prev;
	if (u->oldest == s->head.index)
		u->oldest = s->of_user.next;
	u->n_sessions--;
}

struct session *registry_first_of_user(const struct registry *r, const struct user *u)
{
	return session_at(r, u->oldest);
}

struct session *registry_next_of_user(const struct registry *r, const struct session *s)
{
	const uint32_t next = s->of_user.next;

	return next == s->user->oldest ? NULL : session_at(r, next);
}

int registry_add(struct registry *r, const struct identity *who, uint32_t max_per_user,
                 struct session **ret)
{
	struct hub *h = hub_open(r, who);
	struct user *u = NULL;
	int err = WSMD_ENOMEM;

	if (h == NULL)
		return WSMD_ENOMEM;
	if (who->user_len > 0) {
		u = user_open(r, h, who);
		if (u == NULL)
			goto fail_hub;
		if (u->n_sessions >= max_per_user) {
			err = WSMD_EFULL;
			goto fail_user;
		}
	}

	struct session *s = slab_new(&r->sessions);

	if (s == NULL)
		goto fail_user;
	s->id = who->id;
	s->hub = h;
	s->user = u;
	if (u != NULL)
		join_user(r, u, s);
	h->n_sessions++;
	table_insert(&r->by_id, &s->node, conn_id_table_hash(&s->id));
	*ret = s;
	return 0;

fail_user:
	if (u != NULL)
		user_release(r, u);
fail_hub:
	hub_release(r, h);
	return err;
}

void registry_remove(struct registry *r, struct session *s)
{
	struct hub *h = s->hub;

	group_leave_all(r, s);
	table_remove(&r->by_id, &s->node);
	if (s->user != NULL) {
		leave_user(r, s->user, s);
		user_release(r, s->user);
	}
	h->n_sessions--;
	hub_release(r, h);
	slab_free(&r->sessions, s);
}

void registry_configure(struct registry *r, const struct conf *c)
{
	struct table_walk walk = {0};

	for (struct table_node *n; (n = table_next(&r->hubs, &walk)) != NULL;) {
		struct hub *h = CONTAINER_OF(n, struct hub, node);

		h->on_message = conf_hub_action(c, h->name, h->name_len);
	}
}
