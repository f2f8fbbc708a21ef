/* Loading, publishing and watching. */
#include "server/keys.h"

#include "base/err.h"

#define LOOK_MS 2000 /* between two looks at the files */

int keys_load(const struct conf *c, struct keys *ret, char ret_why[KEY_WHY_BYTES])
{
	char why[KEY_WHY_BYTES] = "";
	int err;

	*ret = (struct keys){0};
	if (c->auth.mode != AUTH_TOKEN)
		return 0;
	ret->stamp = keyring_stamp(c->auth.keys);
	err = keyring_load(c->auth.keys, &ret->ring, why);
	if (err < 0)
		snprintf(ret_why, KEY_WHY_BYTES, "auth.keys: %.480s",
		         err == WSMD_ECONFIG ? why : err_text(err));
	return err;
}

void keys_publish(struct server *s, struct keys k)
{
	s->keys_looked_ms = s->now_ms;
	s->keys_stamp = k.stamp;
	key_cell_publish(&s->keys, k.ring);
	if (s->to_acceptor != NULL)
		inbox_wake(s->to_acceptor);
}

const struct keyring *keys_now(const struct server *s)
{
	/* Relaxed would do: only this thread stores it. */
	return atomic_load_explicit(&((struct server *)s)->keys.now, memory_order_relaxed);
}

void keys_log(const struct server *s)
{
	const struct keyring *const ring = keys_now(s);
	struct log_line l;

	if (ring == NULL || !log_begin(&l, LOG_INFO, "keys"))
		return;
	for (enum key_algorithm a = 0; a < ALGORITHM_COUNT; a++)
		log_u64(&l, key_algorithm_name(a), keyring_count(ring, a));
	log_str(&l, "text", "tokens are checked with these");
	log_end(&l);
}

void keys_watch(struct server *s)
{
	const struct conf *c = server_conf(s);
	char why[KEY_WHY_BYTES];
	struct keys k;

	if (c->auth.mode != AUTH_TOKEN || s->now_ms - s->keys_looked_ms < LOOK_MS)
		return;
	s->keys_looked_ms = s->now_ms;
	if (keyring_stamp(c->auth.keys) == s->keys_stamp)
		return;
	if (keys_load(c, &k, why) == 0) {
		keys_publish(s, k);
		keys_log(s);
		return;
	}
	s->keys_stamp = k.stamp;
	log_event(LOG_ERROR, "keys_refused", "%s; the last keys stay in force", why);
}
