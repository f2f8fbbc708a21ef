/* A worker without a thread. */
#include "bed.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void bed_begin(struct bed *b, uint32_t n_workers)
{
	*b = (struct bed){.conf = calloc(1, sizeof(*b->conf) + sizeof(struct conf_hub))};
	cr_assert_not_null(b->conf);
	b->conf->n_hubs = 1;
	b->conf->hubs[0] = (struct conf_hub){"*", HUB_ECHO};
	b->conf->heartbeat = (struct conf_heartbeat){.interval_ms = 1000000,
	                                             .timeout_ms = 2000000,
	                                             .missed_limit = 2,
	                                             .grace_factor = 1};
	b->conf->limits = (struct conf_limits){.max_connections_per_user = 32,
	                                       .max_groups_per_connection = 4,
	                                       .max_groups_per_hub = 300,
	                                       .max_message_bytes = 1 << 20,
	                                       .max_fragments = 100,
	                                       .message_timeout_ms = 30000,
	                                       .send_queue_bytes = 1 << 20,
	                                       .write_timeout_ms = 10000,
	                                       .close_timeout_ms = 5000,
	                                       .control_frame_burst = 100,
	                                       .control_frames_per_s = 100,
	                                       .inbox_items = 10000};
	b->conf->shutdown.deadline_ms = 20000;
	b->conf->drain = (struct conf_drain){.rate_per_s = 50, .deadline_ms = 60000};
	b->stats = aligned_alloc(_Alignof(struct stats_block), n_workers * sizeof(*b->stats));
	b->w = aligned_alloc(_Alignof(struct worker), sizeof(*b->w));
	cr_assert(b->stats != NULL && b->w != NULL);
	memset(b->stats, 0, n_workers * sizeof(*b->stats));
	cr_assert_eq(sources_init(&b->sources, &(struct siphash_key){1, 2}, 2000), 0);
	rcu_thread_enter();
	cr_assert_eq(inbox_init(&b->to_main, 10), 0);
	conf_cell_publish(&b->cell, b->conf);

	const struct worker_setup setup = {.n_workers = n_workers,
	                                   .recorder = {.events = 24, .closed_bytes = 65536},
	                                   .conf = &b->cell,
	                                   .stats = b->stats,
	                                   .colleagues = b->stats,
	                                   .sources = &b->sources,
	                                   .pressure = &b->pressure,
	                                   .to_main = &b->to_main};

	cr_assert_eq(worker_init(b->w, &setup), 0);
}

static struct handoff *make_handoff(uint32_t number, int fd, const char *hub, const char *user)
{
	struct handoff *h = calloc(1, sizeof(*h));

	cr_assert_not_null(h);
	h->item.kind = ITEM_HANDOFF;
	h->fd = fd;
	memcpy(h->id.bytes, &number, sizeof(number));
	h->protocol = PROTOCOL_WEBSOCKET;
	strcpy(h->hub, hub);
	h->hub_len = (uint32_t)strlen(hub);
	strcpy(h->user, user);
	h->user_len = (uint32_t)strlen(user);
	strcpy(h->answer, "HTTP/1.1 101 x\r\n\r\n");
	h->answer_len = (uint32_t)strlen(h->answer);
	return h;
}

static void push_one(struct bed *b, const char *hub, const char *user) ON_WORKER;
static void push_one(struct bed *b, const char *hub, const char *user)
{
	int pair[2];

	cr_assert_lt(b->n_peers, ARRAY_LEN(b->peers));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	/* the acceptor's part */
	stats_add(b->stats, STAT_CONNECTIONS_ACTIVE, 1);
	cr_assert(sources_opened(&b->sources, &(struct net_addr){0}));
	sources_handed(&b->sources, &(struct net_addr){0});
	inbox_push_always(&b->w->inbox, &make_handoff(b->n_peers, pair[0], hub, user)->item);
	b->peers[b->n_peers++] = pair[1];
}

static void take_all(struct bed *b) ON_WORKER;
static void take_all(struct bed *b)
{
	while (inbox_depth(&b->w->inbox) > 0)
		cr_assert(worker_turn(b->w));
}

void bed_open(struct bed *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		push_one(b, "default", "");
	take_all(b);
}

struct conn *bed_open_as(struct bed *b, const char *hub, const char *user)
{
	struct conn_id id = {0};
	const struct session *s;

	memcpy(id.bytes, &b->n_peers, sizeof(b->n_peers));
	push_one(b, hub, user);
	take_all(b);
	s = registry_session(&b->w->registry, &id);
	cr_assert_not_null(s);
	return s->conn;
}

struct conn *bed_first(struct bed *b)
{
	uint32_t index = 0;
	struct conn *c = slab_next(&b->w->conns, &index);

	cr_assert_not_null(c);
	return c;
}

uint32_t bed_count(struct bed *b, enum conn_state state)
{
	uint32_t n = 0, index = 0;

	for (struct conn *c; (c = slab_next(&b->w->conns, &index)) != NULL;)
		n += c->state == state;
	return n;
}

void bed_end(struct bed *b)
{
	cr_assert_eq(b->w->conns.in_use, 0);
	for (uint32_t i = 0; i < b->n_peers; i++)
		close(b->peers[i]);
	cr_assert_eq(stats_get(b->stats, STAT_CONNECTIONS_ACTIVE), 0);
	cr_assert_eq(stats_get(b->stats, STAT_QUEUE_BYTES), 0);
	cr_assert_eq(stats_get(b->stats, stat_protocol_now(PROTOCOL_WEBSOCKET)), 0);
	cr_assert_eq(sources_connections(&b->sources, &(struct net_addr){0}), 0);
	sources_fini(&b->sources);
	worker_fini(b->w);
	conf_cell_publish(&b->cell, NULL);
	inbox_fini(&b->to_main);
	rcu_thread_leave();
	free(b->w);
	free(b->stats);
}
