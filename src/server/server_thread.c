/* Starting the threads, the body of main, and waiting for its end. */
#include <stdio.h>

#include "base/rcu.h"
#include "server/keys.h"
#include "server/server.h"

static int start_thread(struct server *s, uint32_t i) ON_MAIN;
static int start_thread(struct server *s, uint32_t i)
{
	struct server_thread *t = &s->threads[i];
	char name[16] = "wsmd-acceptor";
	int err;

	if (i > 0)
		snprintf(name, sizeof(name), "wsmd-worker-%u", (i - 1) % 1000);
	err = i == 0 ? os_thread_start(&t->thread, name, acceptor_main, s->acceptor)
	             : os_thread_start(&t->thread, name, worker_main, &s->workers[i - 1]);
	t->started = err == 0;
	return err;
}

/* Main could not be started, or one before it: end those that run, as main would. */
static void end_thread(struct server *s, uint32_t i) ON_MAIN;
static void end_thread(struct server *s, uint32_t i)
{
	struct server_thread *t = &s->threads[i];
	bool again;

	if (!t->started)
		return;
	t->stop.item.kind = ITEM_STOP;
	inbox_push_always(t->inbox, &t->stop.item);
	os_thread_join(&t->thread);
	while (inbox_take(&s->inbox, &again) == NULL) /* its last word */
		;
}

int server_start(struct server *s)
{
	const uint32_t n = s->n_workers;
	int err = 0;

	for (uint32_t i = 1; i <= n && err == 0; i++)
		err = start_thread(s, i);
	/* Behind them: the first hand-off finds every worker running. */
	if (err == 0)
		err = start_thread(s, 0);
	if (err == 0)
		err = os_thread_start(&s->self, "wsmd-main", server_main, s);
	for (uint32_t i = 0; i <= n && err < 0; i++)
		end_thread(s, i); /* the acceptor first, so that nothing reaches who has ended */
	return err;
}

/* ---- main ---- */

static void announce(const struct server *s) ON_MAIN;
static void announce(const struct server *s)
{
	const struct conf *c = server_conf(s);
	char address[NET_ADDR_TEXT];

	if (s->control_fd >= 0)
		log_event(LOG_INFO, "control", "%s", c->control_path);
	for (uint32_t i = 0; i < s->n_listeners; i++) {
		const struct net_addr *at = &s->listeners[i].bound;

		log_event(LOG_INFO, "listening", "%s", net_addr_format(at, address));
		if (c->auth.mode == AUTH_OPEN && !net_addr_is_loopback(at))
			log_event(LOG_WARNING, "auth_open",
			          "auth.mode is open: whoever reaches %s is let in under any name",
			          address);
	}
	if (s->plan.connections < s->plan.wanted)
		log_event(
			LOG_WARNING, "memory",
			"the memory has room for %u connections, not for %u; wsmd --plan shows why",
			s->plan.connections, s->plan.wanted);
	keys_log(s);
	if (c->auth.mode == AUTH_DENY && s->n_listeners > 0)
		log_event(
			LOG_WARNING, "auth_deny",
			"auth.mode is deny: no client is let in; set it to token, and auth.keys to "
			"the keys that tokens are signed with");
}

void *server_main(void *arg)
{
	struct server *s = arg;

	role_enter(&role_main);
	log_use(&s->log);
	rcu_thread_enter();
	announce(s);
	while (server_turn(s))
		;
	for (uint32_t i = 0; i < 1 + s->n_workers; i++)
		os_thread_join(&s->threads[i].thread);
	log_event(LOG_INFO, "stopped", "%s",
	          s->cut ? "connections were cut at the deadline" : "everybody was seen off");
	rcu_thread_leave();
	/* Release: who sees it, sees all that happened before. */
	atomic_store_explicit(&s->ended, 1, memory_order_release);
	os_word_wake(&s->ended);
	os_wake(s->ended_fd);
	return NULL;
}

bool server_join(struct server *s)
{
	os_thread_join(&s->self);
	role_enter(&role_main); /* its thread has ended */
	return s->cut;
}
