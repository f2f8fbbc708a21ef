/* Birth and death of the server, in one order and its reverse. */
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/rcu.h"
#include "server/control.h"
#include "server/keys.h"
#include "server/plan.h"
#include "server/server_turn.h"

#define LISTEN_BACKLOG   4096
#define MAIN_INBOX_ITEMS 4096

/* Descriptors that are not connections: standard streams, polls, wakes, control sessions,
 * half-open sockets of pages, and some slack for the libraries. */
#define FDS_FIXED      64
#define FDS_PER_WORKER 2

uint32_t server_fd_room(uint32_t fd_limit, uint32_t n_workers)
{
	const uint32_t other = FDS_FIXED + FDS_PER_WORKER * n_workers;

	return fd_limit > other ? fd_limit - other : 0;
}

const struct conf *server_conf(const struct server *s)
{
	/* Relaxed would do: only this thread stores it. */
	return atomic_load_explicit(&((struct server *)s)->conf.now, memory_order_relaxed);
}

uint32_t server_connections_limit(const struct server *s)
{
	const uint32_t configured = server_conf(s)->limits.max_connections;
	uint32_t n = server_fd_room(s->fd_limit, s->n_workers);

	if (configured != 0 && configured < n)
		n = configured; /* a reload may have raised it above the descriptors */
	return n < s->plan.room ? n : s->plan.room;
}

bool server_lowers_connections(const struct server *s, char *text, size_t cap)
{
	const uint32_t wanted = server_conf(s)->limits.max_connections;

	if (wanted <= s->plan.room)
		return false;
	snprintf(text, cap,
	         "limits.max_connections is %u, but the memory has room for %u connections: no "
	         "more are let in; wsmd --plan shows why",
	         wanted, s->plan.room);
	return true;
}

void server_workers_of(const struct server *s, const struct target *t, uint32_t *ret_first,
                       uint32_t *ret_n)
{
	uint64_t hash;

	*ret_first = 0;
	*ret_n = s->n_workers;
	if (t->kind == TARGET_USER)
		hash = shard_hash(&s->key, t->hub, t->hub_len, t->user, t->user_len);
	else if (t->kind == TARGET_CONNECTION)
		hash = conn_id_hash48(&t->id);
	else
		return;
	*ret_first = shard_worker(hash, s->n_workers);
	*ret_n = 1;
}

/* ---- listening, with a remedy for each way to fail ---- */

static const char *remedy(int err, bool unix_socket)
{
	switch (err) {
	case -EADDRINUSE:
		return unix_socket ? "another wsmd listens there; stop it, or choose another path "
		                     "with --control PATH"
		                   : "something listens there already; stop it, or choose another "
		                     "port with --listen ADDR:PORT";
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return unix_socket ? "choose a path that this user may write with --control PATH"
		                   : "ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a "
		                     "higher one with --listen ADDR:PORT";
	case -EADDRNOTAVAIL:
		return "this machine has no such address; see `ip addr`";
	case -ENOENT:
	case -ENOTDIR:
		return "its directory does not exist; create it, or choose another path with "
		       "--control PATH";
	case -EEXIST:
		return "that is not a socket; choose another path with --control PATH";
	case -ENAMETOOLONG:
		return "a socket's path has at most 107 bytes; choose a shorter one with "
		       "--control PATH";
	case WSMD_EFOREIGN:
		return "he could put a socket of his own there; remove the directory if it is not "
		       "meant to be, or choose another path with --control PATH";
	case -EMFILE:
		return "the descriptor limit is too low; raise it with `ulimit -n`";
	default:
		return "check listen and control.path";
	}
}

static int open_listeners(struct server *s, char *fault, size_t cap) ON_MAIN;
static int open_listeners(struct server *s, char *fault, size_t cap)
{
	const struct conf *c = server_conf(s);
	char text[NET_ADDR_TEXT];

	for (uint32_t i = 0; i < c->n_listen; i++) {
		struct listener *l = &s->listeners[i];
		const int err = os_listen_tcp(&c->listen[i], LISTEN_BACKLOG, &l->fd, &l->bound);

		if (err < 0) {
			snprintf(fault, cap, "cannot listen on %s: %s: %s",
			         net_addr_format(&c->listen[i], text), err_text(err),
			         remedy(err, false));
			return err;
		}
		os_bound_buffers(l->fd, c->limits.socket_send_bytes,
		                 c->limits.socket_receive_bytes);
		s->n_listeners++;
	}
	return 0;
}

static int open_control(struct server *s, char *fault, size_t cap) ON_MAIN;
static int open_control(struct server *s, char *fault, size_t cap)
{
	const char *path = server_conf(s)->control_path;
	int err;

	if (*path == '\0')
		return 0; /* none is wanted */
	err = os_listen_unix(path, &s->control_fd);
	if (err < 0)
		snprintf(fault, cap, "cannot open the control socket %s: %s: %s", path,
		         err_text(err), remedy(err, true));
	return err;
}

static int check_descriptors(struct server *s, char *fault, size_t cap) ON_MAIN;
static int check_descriptors(struct server *s, char *fault, size_t cap)
{
	const uint32_t room = server_fd_room(s->fd_limit, server_conf(s)->workers);
	const uint32_t wanted = server_conf(s)->limits.max_connections;

	if (room == 0) {
		snprintf(fault, cap,
		         "the descriptor limit of %u leaves no room for connections; raise it with "
		         "`ulimit -n 65536` or LimitNOFILE=",
		         s->fd_limit);
		return -EMFILE;
	}
	if (wanted > room) {
		snprintf(fault, cap,
		         "limits.max_connections is %u, but the descriptor limit of %u leaves room "
		         "for %u; lower the first, or raise the second with `ulimit -n %u` or "
		         "LimitNOFILE=",
		         wanted, s->fd_limit, room, wanted + s->fd_limit - room);
		return -EMFILE;
	}
	return 0;
}

/* What the limits promise has to be there. */
static int check_memory(struct server *s, char *fault, size_t cap) ON_MAIN;
static int check_memory(struct server *s, char *fault, size_t cap)
{
	const struct conf *c = server_conf(s);

	plan_make(c, server_fd_room(s->fd_limit, c->workers), os_memory_limit(), &s->plan);
	return plan_refuses(c, &s->plan, fault, cap) ? WSMD_ENOMEM : 0;
}

/* ---- threads' objects ---- */

static int make_acceptor(struct server *s) ON_MAIN;
static int make_acceptor(struct server *s)
{
	const struct acceptor_setup setup = {
		.key = s->key,
		.conf = &s->conf,
		.keys = &s->keys,
		.stats = &s->blocks[0],
		.sources = &s->sources,
		.pressure = &s->pressure,
		.blocks = s->blocks,
		.n_blocks = s->n_blocks,
		.snapshot = &s->snapshot,
		.workers = s->worker_inboxes,
		.n_workers = s->n_workers,
		.to_main = &s->inbox,
		.log = &s->log,
		.listeners = s->listeners,
		.n_listeners = s->n_listeners,
		.fd_limit = server_fd_room(s->fd_limit, s->n_workers),
		.most = s->plan.room,
	};
	struct acceptor *a = aligned_alloc(_Alignof(struct acceptor), sizeof(*a));

	if (a == NULL)
		return WSMD_ENOMEM;
	const int err = acceptor_init(a, &setup);

	if (err < 0) {
		free(a);
		return err;
	}
	s->acceptor = a;
	s->threads[0].inbox = s->to_acceptor = &a->inbox;
	return 0;
}

static int make_workers(struct server *s, uint32_t n, const struct worker_hooks *hooks) ON_MAIN;
static int make_workers(struct server *s, uint32_t n, const struct worker_hooks *hooks)
{
	s->workers = aligned_alloc(_Alignof(struct worker), n * sizeof(*s->workers));
	if (s->workers == NULL)
		return WSMD_ENOMEM;
	while (s->n_workers < n) {
		struct worker *w = &s->workers[s->n_workers];
		const struct worker_setup setup = {
			.index = s->n_workers,
			.n_workers = n,
			.inbox_items = server_conf(s)->limits.inbox_items,
			.recorder = server_conf(s)->recorder,
			.key = s->key,
			.conf = &s->conf,
			.stats = &s->blocks[1 + s->n_workers],
			.colleagues = &s->blocks[1],
			.sources = &s->sources,
			.pressure = &s->pressure,
			.to_main = &s->inbox,
			.log = &s->log,
			.hooks = *hooks,
		};
		const int err = worker_init(w, &setup);

		if (err < 0)
			return err;
		s->worker_inboxes[s->n_workers] = &w->inbox;
		s->threads[1 + s->n_workers].inbox = &w->inbox;
		s->n_workers++;
	}
	return 0;
}

static int make_shared(struct server *s, uint32_t n_workers) ON_MAIN;
static int make_shared(struct server *s, uint32_t n_workers)
{
	s->n_blocks = n_workers + 2;
	s->blocks = aligned_alloc(_Alignof(struct stats_block), s->n_blocks * sizeof(*s->blocks));
	s->worker_inboxes = calloc(n_workers, sizeof(struct inbox *));
	s->threads = calloc(1 + n_workers, sizeof(*s->threads));
	if (s->blocks == NULL || s->worker_inboxes == NULL || s->threads == NULL)
		return WSMD_ENOMEM;
	memset(s->blocks, 0, s->n_blocks * sizeof(*s->blocks));
	os_random(&s->key, sizeof(s->key));
	return sources_init(&s->sources, &s->key, s->fd_limit);
}

static int watch(struct server *s) ON_MAIN;
static int watch(struct server *s)
{
	int err = s->poll = os_poll_new();

	if (err < 0)
		return err;
	err = s->ended_fd = os_wake_new();
	if (err < 0)
		return err;
	err = os_poll_add(s->poll, s->inbox.wake_fd, OS_READ, SERVER_TOKEN_INBOX);
	if (err == 0 && s->control_fd >= 0)
		err = os_poll_add(s->poll, s->control_fd, OS_READ, SERVER_TOKEN_CONTROL);
	return err;
}

static void note_facts(struct server *s) ON_MAIN;
static void note_facts(struct server *s)
{
	const struct conf *c = server_conf(s);
	const uint32_t most = server_connections_limit(s);

	s->facts = (struct wsmd_facts){
		.dev = c->dev,
		.open = c->auth.mode == AUTH_OPEN,
		.workers = s->n_workers,
		.n_addresses = s->n_listeners,
		.descriptors = s->fd_limit,
		.max_connections = most,
		.promised_bytes = plan_promise(&s->plan, most),
		.buffered_bytes = s->plan.buffered,
	};
	snprintf(s->facts.control_path, sizeof(s->facts.control_path), "%s", c->control_path);
}

static int load_keys(struct server *s, char *fault, size_t cap) ON_MAIN;
static int load_keys(struct server *s, char *fault, size_t cap)
{
	char why[KEY_WHY_BYTES];
	struct keys k;
	const int err = keys_load(server_conf(s), &k, why);

	if (err == 0)
		keys_publish(s, k);
	else
		snprintf(fault, cap, "%s", why);
	return err;
}

int server_new(const struct server_setup *setup, struct server **ret, char *fault, size_t fault_cap)
{
	struct server *s = aligned_alloc(_Alignof(struct server), sizeof(*s));
	struct conf *conf = setup->conf;
	const uint32_t n_workers = conf->workers;
	int err;

	snprintf(fault, fault_cap, "out of memory");
	if (s == NULL) {
		conf_free(conf);
		return WSMD_ENOMEM;
	}
	*s = (struct server){
		.args = setup->args,
		.poll = -1,
		.ended_fd = -1,
		.control_fd = -1,
		.inbox.wake_fd = -1,
		.fd_limit = os_fd_limit(),
		.cpus = os_cpus(),
		.started_ms = os_now_ms(),
		.now_ms = os_now_ms(),
		.summary_ms = os_now_ms(),
	};
	conf_cell_publish(&s->conf, conf);
	log_init(&s->log, &setup->sink);
	log_configure(&s->log, conf->log_level, conf->log_format);
	atomic_init(&s->max_message_bytes, conf->limits.max_message_bytes);
	control_init(s);
	err = check_descriptors(s, fault, fault_cap);
	if (err == 0)
		err = check_memory(s, fault, fault_cap);
	if (err == 0)
		err = load_keys(s, fault, fault_cap);
	if (err == 0)
		err = inbox_init(&s->inbox, MAIN_INBOX_ITEMS);
	if (err == 0)
		err = make_shared(s, n_workers);
	if (err == 0)
		err = make_workers(s, n_workers, &setup->hooks);
	if (err == 0)
		err = open_listeners(s, fault, fault_cap);
	if (err == 0)
		err = open_control(s, fault, fault_cap);
	if (err == 0)
		err = make_acceptor(s);
	if (err == 0)
		err = watch(s);
	if (err < 0) {
		server_free(s);
		return err;
	}
	memory_begin(s);
	server_publish_stats(s);
	note_facts(s);
	*ret = s;
	return 0;
}

/* The order to cut may have come to a worker that had just ended. */
static void forget_cut(struct server_thread *t)
{
	struct inbox_item *item;
	bool again;

	while ((item = inbox_take(t->inbox, &again)) != NULL)
		ASSERT(item == &t->cut.item);
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	control_fini(s);
	if (s->acceptor != NULL) {
		if (!s->threads[0].started)
			for (uint32_t i = 0; i < s->n_listeners; i++)
				os_close(s->listeners[i].fd);
		acceptor_fini(s->acceptor);
		free(s->acceptor);
	} else {
		for (uint32_t i = 0; i < s->n_listeners; i++)
			os_close(s->listeners[i].fd);
	}
	for (uint32_t i = 0; i < s->n_workers; i++) {
		forget_cut(&s->threads[1 + i]);
		worker_fini(&s->workers[i]);
	}
	free(s->workers);
	if (s->control_fd >= 0) {
		os_unlink(server_conf(s)->control_path);
		os_close(s->control_fd);
	}
	if (s->ended_fd >= 0)
		os_close(s->ended_fd);
	if (s->poll >= 0)
		os_close(s->poll);
	if (s->inbox.wake_fd >= 0)
		inbox_fini(&s->inbox);
	stats_cell_publish(&s->snapshot, NULL);
	conf_cell_publish(&s->conf, NULL);
	key_cell_publish(&s->keys, NULL);
	sources_fini(&s->sources);
	free(s->blocks);
	free(s->worker_inboxes);
	free(s->threads);
	free(s);
}
