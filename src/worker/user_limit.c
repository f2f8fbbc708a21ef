/* The oldest, or the oldest of those who do not answer. */
#include "worker/user_limit.h"

#include "base/clock.h"
#include "worker/conn.h"
#include "worker/health.h"
#include "worker/keepalive.h"

/* Who has not answered a ping for so long need not be dead, but has to give way to somebody who
 * is certainly alive. */
#define PROBE_MS 2000

/* Who was heard from so lately is not asked whether he is there. */
#define FRESH_MS 1000

static bool is_suspect(const struct worker *w, const struct conn *c) ON_WORKER;
static bool is_suspect(const struct worker *w, const struct conn *c)
{
	const uint64_t asked_ms = c->ping_us / US_PER_MS;

	return health_is_suspect(c) || (c->ping_pending && conn_heard_ms(w, c) <= asked_ms &&
	                                w->now_ms >= worker_since(w, asked_ms) + PROBE_MS);
}

static struct conn *oldest_suspect(const struct worker *w, const struct user *u) ON_WORKER;
static struct conn *oldest_suspect(const struct worker *w, const struct user *u)
{
	for (struct session *s = registry_first_of_user(&w->registry, u); s != NULL;
	     s = registry_next_of_user(&w->registry, s))
		if (is_suspect(w, s->conn))
			return s->conn;
	return NULL;
}

static void probe(struct worker *w, struct user *u) ON_WORKER;
static void probe(struct worker *w, struct user *u)
{
	for (struct session *s = registry_first_of_user(&w->registry, u), *next; s != NULL;
	     s = next) {
		const uint64_t silent_ms = w->now_ms - conn_heard_ms(w, s->conn);

		next = registry_next_of_user(&w->registry, s);
		if (silent_ms < FRESH_MS)
			continue;
		recorder_note(w, s->conn, EVENT_PROBED, silent_ms, 0);
		keepalive_probe(w, s->conn);
	}
}

bool user_limit_admits(struct worker *w, struct user *u)
{
	const struct conf_limits *l = &w->view.limits;

	/* Closing the last one would end the user: then there is room for a new one. */
	for (uint32_t n = u->n_sessions; n >= l->max_connections_per_user; n--) {
		const bool oldest = l->user_policy == USER_CLOSE_OLDEST;
		struct conn *c = oldest ? registry_first_of_user(&w->registry, u)->conn
		                        : oldest_suspect(w, u);

		if (c == NULL) {
			probe(w, u);
			return false;
		}
		if (oldest)
			recorder_note(w, c, EVENT_REPLACED, n, 0);
		else
			recorder_note(w, c, EVENT_EVICTED, w->now_ms - conn_heard_ms(w, c), n);
		conn_close(w, c, oldest ? CLOSE_REPLACED : CLOSE_EVICTED);
	}
	return true;
}
