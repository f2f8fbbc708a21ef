/*
 * Managers lived through the public interface: threads of a program send in both ways while
 * connections come and go, and another one stops the manager in the middle. Every call that waits
 * returns, every completion comes exactly once, every open has its close, and what comes after
 * the stop is refused with WSMD_ECLOSED.
 */
#include "wsmd/manager.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "race.h"

#define LIVES   40
#define SENDERS 3
#define CALLS   4000 /* of each sender at most, in one life */
#define HELD    8    /* connections at once, of each thread that opens them */
#define OPENERS 2
#define HANG_S  100
#define ID      "aaaaaaaaaaaaaaaaaaaaaaaaaa" /* of nobody */

static struct wsmd_manager *m;
static _Atomic bool stopped;
static _Atomic unsigned opened, closed;
static _Atomic unsigned finished; /* senders that were told of the stop */

/* ---- callbacks ---- */

static void on_open(void *user, struct wsmd_connection *c)
{
	(void)user;
	(void)c;
	atomic_fetch_add(&opened, 1);
}

static void on_message(void *user, struct wsmd_connection *c, enum wsmd_opcode opcode, void *data,
                       size_t len)
{
	const struct wsmd_target all = {.size = sizeof(all), .all = true};
	const struct wsmd_message same = {
		.size = sizeof(same), .opcode = opcode, .data = data, .len = len};

	(void)user;
	(void)c;
	(void)wsmd_manager_send(m, &all, &same, NULL, NULL); /* also while it is stopped */
}

static void on_close(void *user, struct wsmd_connection *c, const struct wsmd_closed *why)
{
	(void)user;
	(void)c;
	(void)why;
	atomic_fetch_add(&closed, 1);
}

static bool quiet(void *user, enum wsmd_log_level level, const char *line, size_t len)
{
	(void)user;
	(void)level;
	(void)line;
	(void)len;
	return true;
}

/* ---- the threads of the program ---- */

struct sender {
	unsigned index;
	unsigned asked, refused, waited, wrong;
	bool was_accepted[CALLS];
	_Atomic unsigned completions[CALLS];
};
static struct sender senders[SENDERS];

static void on_done(void *user, const struct wsmd_outcome *o)
{
	_Atomic unsigned *completions = user;

	(void)o;
	atomic_fetch_add_explicit(completions, 1, memory_order_relaxed);
}

static const struct wsmd_message hello = {
	.size = sizeof(hello), .opcode = WSMD_TEXT, .data = "hello", .len = 5};
static const struct wsmd_target to_user = {.size = sizeof(to_user), .user = "u1"};
static const struct wsmd_target to_group = {.size = sizeof(to_group), .group = "g"};
static const struct wsmd_target to_all = {.size = sizeof(to_all), .all = true};

static int ask(unsigned turn, void *user)
{
	switch (turn % 8) {
	case 0:
		return wsmd_manager_send(m, &to_all, &hello, on_done, user);
	case 1:
		return wsmd_manager_send(m, &to_group, &hello, on_done, user);
	case 2:
		return wsmd_manager_join(m, &to_user, "g", on_done, user);
	case 3:
		return wsmd_manager_leave(m, &to_user, NULL, on_done, user);
	case 4:
		return wsmd_manager_ping(m, ID, on_done, user);
	case 5:
		return wsmd_manager_disconnect(m, &to_user, NULL, on_done, user);
	default:
		return wsmd_manager_send(m, &to_user, &hello, on_done, user);
	}
}

static int ask_and_wait(unsigned turn)
{
	struct wsmd_outcome o = {.size = sizeof(o)};
	struct wsmd_health health = {.size = sizeof(health)};
	struct wsmd_stats stats = {.size = sizeof(stats)};
	char *text;
	int err;

	switch (turn % 8) {
	case 0:
		return wsmd_manager_send_wait(m, &to_group, &hello, &o);
	case 1:
		return wsmd_manager_join_wait(m, &to_user, "g", &o);
	case 2:
		err = wsmd_manager_health_wait(m, ID, &health);
		return err == WSMD_ENOENT ? 0 : err;
	case 3:
		return wsmd_manager_reload(m, NULL, NULL);
	case 4:
		err = wsmd_manager_stats_json(m, &text);
		if (err == 0)
			wsmd_free(text);
		return err;
	case 5:
		return wsmd_manager_stats(m, &stats);
	default:
		return wsmd_manager_send_wait(m, &to_user, &hello, &o);
	}
}

/* Every second call waits; until one is refused for good. */
static void *play_sender(void *arg)
{
	struct sender *s = arg;
	unsigned turn = s->index;
	int err = 0;

	for (; err != WSMD_ECLOSED && s->asked < CALLS; turn++) {
		err = ask(turn, &s->completions[s->asked]);
		if (err == 0)
			s->was_accepted[s->asked] = true;
		else if (err == WSMD_EFULL)
			s->refused++;
		else
			s->wrong += err != WSMD_ECLOSED;
		s->asked++;
		if (turn % 2 == 0)
			continue;
		err = ask_and_wait(turn / 2);
		s->waited++;
		s->wrong += err != 0 && err != WSMD_ECLOSED && err != WSMD_EFULL;
	}
	while (!atomic_load(&stopped))
		usleep(1000);
	/* The stop was ordered: soon nothing is taken, and never again. */
	while (wsmd_manager_send_wait(m, &to_all, &hello, NULL) != WSMD_ECLOSED)
		usleep(1000);
	for (unsigned i = 0; i < 8; i++)
		s->wrong +=
			ask(i, NULL) != WSMD_ECLOSED || (i != 5 && ask_and_wait(i) != WSMD_ECLOSED);
	atomic_fetch_add(&finished, 1);
	return NULL;
}

/* Connections come, say something, stay a while and go. */
static void *play_opener(void *arg)
{
	static const char frame[] = "\x81\x83\0\0\0\0hi!";
	int held[HELD];
	unsigned n = 0, turn = (unsigned)(size_t)arg;
	struct wsmd_adoption a = {.size = sizeof(a), .state = WSMD_ADOPT_UPGRADED};
	int err = 0;

	for (; err != WSMD_ECLOSED; turn++) {
		int fds[2];

		race_need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "a pair");
		a.fd = fds[1];
		a.user = turn % 3 == 0 ? "u0" : "u1";
		a.rest = frame;
		a.rest_len = turn % 2 == 0 ? sizeof(frame) - 1 : 0;
		err = wsmd_manager_adopt(m, &a, NULL);
		if (err < 0) {
			close(fds[0]);
			close(fds[1]);
			usleep(1000);
			continue;
		}
		if (n == HELD)
			close(held[--n]);
		held[n++] = fds[0];
	}
	while (n > 0)
		close(held[--n]);
	return NULL;
}

static void *play_stopper(void *arg)
{
	const unsigned life = (unsigned)(size_t)arg;

	usleep(1000 * (life % 20));
	if (life % 4 == 1)
		race_need(wsmd_manager_drain(m) == 0, "drain");
	if (life % 4 == 2)
		race_need(wsmd_manager_reload_soon(m) == 0, "reload");
	race_need(wsmd_manager_stop(m) == 0, "stop");
	if (life % 4 == 3)
		race_need(wsmd_manager_cut(m) == 0, "cut");
	atomic_store(&stopped, true);
	return NULL;
}

/* Several wait for the end. */
static void *play_waiter(void *arg)
{
	(void)arg;
	race_need(wsmd_manager_wait(m, -1, NULL) == 0, "wait");
	return NULL;
}

/* ---- one life ---- */

static void make_manager(void)
{
	static const struct wsmd_options options = {
		.size = sizeof(options),
		.on_open = on_open,
		.on_message = on_message,
		.on_close = on_close,
		.log = quiet,
	};
	struct wsmd_config *c;

	race_need(wsmd_config_new(&c) == 0 && wsmd_config_env(c, "testing") == 0 &&
	                  wsmd_config_listen_nowhere(c) == 0 &&
	                  wsmd_config_set(c, "workers", "2", NULL) == 0 &&
	                  wsmd_config_set(c, "hubs.default.on_message", "callback", NULL) == 0,
	          "a configuration");
	race_need(wsmd_manager_create(c, &options, NULL, NULL, &m) == 0, "a manager");
	wsmd_config_free(c);
	race_need(wsmd_manager_start(m) == 0, "its threads");
}

static void live(unsigned life)
{
	pthread_t threads[SENDERS + OPENERS + 2];
	unsigned n = 0;

	atomic_store(&stopped, false);
	memset(senders, 0, sizeof(senders));
	make_manager();
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i].index = i;
		threads[n++] = race_start(play_sender, &senders[i]);
	}
	for (size_t i = 0; i < OPENERS; i++)
		threads[n++] = race_start(play_opener, (void *)i);
	threads[n++] = race_start(play_waiter, NULL);
	threads[n++] = race_start(play_stopper, (void *)(size_t)life);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	race_need(wsmd_manager_wait(m, 0, NULL) == 0, "it has ended");
	race_need(wsmd_manager_destroy(m) == 0, "destroy");
}

int main(void)
{
	unsigned asked = 0, waited = 0, refused = 0, wrong = 0, not_once = 0;

	alarm(HANG_S);
	for (unsigned life = 0; life < LIVES; life++) {
		live(life);
		for (unsigned i = 0; i < SENDERS; i++) {
			const struct sender *s = &senders[i];

			asked += s->asked;
			waited += s->waited;
			refused += s->refused;
			wrong += s->wrong;
			for (unsigned k = 0; k < s->asked; k++)
				not_once += atomic_load(&s->completions[k]) != s->was_accepted[k];
		}
	}
	printf("%u calls, %u of them refused, %u that waited, %u connections\n", asked + waited,
	       refused, waited, atomic_load(&opened));
	race_check(not_once == 0, "each completion came exactly once");
	race_check(wrong == 0, "each refusal was as the header says");
	race_check(atomic_load(&finished) == LIVES * SENDERS, "each stop was noticed");
	race_check(atomic_load(&opened) == atomic_load(&closed), "each open has its close");
	race_check(asked > 0 && waited > 0 && atomic_load(&opened) > 0, "there was something");
	return race_end();
}
