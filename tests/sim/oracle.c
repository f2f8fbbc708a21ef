/* The walk. */
#include "oracle.h"

#include <string.h>

#include "admit/half_open.h"
#include "host.h"
#include "hub/group.h"
#include "kernel.h"
#include "moved.h"
#include "os/os.h"
#include "scenario.h"
#include "server/control.h"
#include "shard/conn_id.h"
#include "worker/health.h"
#include "world.h"

/* What the walk has counted. */
struct census {
	uint8_t owners[KERNEL_FDS]; /* of each descriptor */
	uint64_t conns, sockets, users, groups, queue_bytes, pings, reading;
	uint64_t scores[STAT_SCORE_COUNT], score_sum, healthy, suspects, sick;
	bool in_transit; /* a hand-off may be in an inbox: its socket is nobody's now */
};

static struct census census;

static void own(int fd, const char *who)
{
	const struct file *f = kernel_file(fd);

	EXPECT(f != NULL && f->kind == FILE_SOCKET, "%s has descriptor %d, which is no socket", who,
	       fd);
	EXPECT(census.owners[fd] == 0, "descriptor %d has two owners", fd);
	census.owners[fd] = 1;
	census.sockets++;
}

/* ---- workers ---- */

/* What a session is in knows of it, and is found by its name. */
static uint64_t check_memberships(const struct worker *w, const struct session *s)
{
	role_enter(&role_worker);
	uint64_t n = 0;

	for (const struct membership *m = s->groups; m != NULL; m = m->next) {
		const struct group *g = m->group;

		EXPECT(m->session == s && g->hub == s->hub, "a membership of somebody else");
		EXPECT(group_find(&w->registry, s->hub, g->name, g->name_len) == g,
		       "a group is not found by its name");
		n++;
	}
	return n;
}

/* Every group has members, as many as it says; @memberships were found at the sessions. */
static void check_groups(const struct worker *w, uint64_t memberships)
{
	role_enter(&role_worker);
	struct table_walk walk = {0};
	uint64_t members = 0;

	for (struct table_node *n; (n = table_next(&w->registry.groups, &walk)) != NULL;) {
		const struct group *g = CONTAINER_OF(n, struct group, node);
		uint32_t on_list = 0;

		list_for_each (at, &g->members)
			on_list++;
		EXPECT(on_list > 0 && on_list == g->n_members, "a group of %u has %u members",
		       g->n_members, on_list);
		members += on_list;
	}
	EXPECT(members == w->registry.memberships.in_use && members == memberships,
	       "%llu members, %u memberships, %llu of sessions", (unsigned long long)members,
	       w->registry.memberships.in_use, (unsigned long long)memberships);
	census.groups += w->registry.groups.count;
}

/* Returns the number of groups it is in. */
static uint64_t check_session(const struct worker *w, const struct conn *c)
{
	role_enter(&role_worker);
	const struct session *s = c->session;

	EXPECT((s != NULL) == (c->state == CONN_OPEN), "link %u: state %u, session %s",
	       kernel_file(c->transport.fd)->link->id, c->state, s == NULL ? "none" : "there");
	if (s == NULL)
		return 0;
	EXPECT(s->conn == c && registry_session(&w->registry, &s->id) == s,
	       "a session is not found by its id");
	EXPECT(shard_worker(conn_id_hash48(&s->id), w->is.n_workers) == w->is.index,
	       "a session is on a worker that does not own its id");
	EXPECT(s->user == NULL || registry_user(&w->registry, s->hub->name, s->hub->name_len,
	                                        s->user->name, s->user->name_len) == s->user,
	       "a user is not found by his name");
	return check_memberships(w, s);
}

/* Whatever it waits for must be able to wake it. */
static void check_waiting(const struct worker *w, const struct conn *c)
{
	role_enter(&role_worker);
	const struct file *f = kernel_file(c->transport.fd);
	const uint32_t id = f->link->id;
	const uint32_t want = (c->paused ? 0 : OS_READ) | (sendq_empty(&c->sendq) ? 0 : OS_WRITE);

	EXPECT(f->poll == w->poll && f->token == slab_handle_of(c),
	       "link %u is not watched by its worker", id);
	/* One of a crowd is written to in its turn, which needs no event. */
	EXPECT(((f->interest ^ want) & ~(c->is_dirty ? OS_WRITE : 0)) == 0,
	       "link %u: events %x are watched, %x are needed", id, f->interest, want);
	EXPECT(timer_armed(&c->timer), "link %u has no timer", id);
	EXPECT(!c->paused || !sendq_empty(&c->sendq), "link %u is paused for nothing", id);
	EXPECT((c->sendq.blocked_ms != 0) == !sendq_empty(&c->sendq) || c->is_dirty ||
	               c->state != CONN_OPEN,
	       "link %u: blocked since %llu ms, %u bytes queued", id,
	       (unsigned long long)c->sendq.blocked_ms, c->sendq.bytes);
}

static void check_queue(const struct conn *c)
{
	const struct send_node *n = c->sendq.last;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < c->sendq.n; i++) {
		n = n->next;
		bytes += n->msg->frame_len;
	}
	EXPECT(n == c->sendq.last, "a send queue does not close its ring");
	EXPECT(bytes - c->sendq.offset == c->sendq.bytes, "a send queue has lost count");
	census.queue_bytes += c->sendq.bytes;
}

static void count_health(const struct conn *c, uint32_t *ranks)
{
	if (c->state != CONN_OPEN)
		return;
	census.scores[c->score / 10]++;
	census.score_sum += c->score;
	census.healthy += health_is_good(c);
	census.suspects += health_is_suspect(c);
	census.sick += !health_is_good(c) || health_is_suspect(c);
	ranks[health_rank(c)]++;
}

static void walk_worker(struct worker *w)
{
	uint32_t index = 0;
	uint64_t open = 0, memberships = 0;
	uint32_t closed = 0;
	uint32_t ranks[HEALTH_RANKS] = {0};

	role_enter(&role_worker);
	for (struct conn *c; (c = slab_next(&w->conns, &index)) != NULL;) {
		own(c->transport.fd, "a connection");
		if (c->state == CONN_CLOSED) {
			EXPECT(c->is_dirty && w->crowd.first != NULL,
			       "a closed connection outlives its turn");
			closed++;
			continue;
		}
		memberships += check_session(w, c);
		check_waiting(w, c);
		check_queue(c);
		census.pings += c->ping_pending;
		count_health(c, ranks);
		open += c->state == CONN_OPEN;
	}
	check_groups(w, memberships);
	EXPECT(w->dirty.first == NULL && w->closed == NULL, "work of a turn is left over");
	EXPECT(w->crowd.first == NULL || w->again, "a crowd is forgotten");
	EXPECT(memcmp(w->ranks, ranks, sizeof(ranks)) == 0, "worker %u has lost count of the sick",
	       w->is.index);
	EXPECT(w->registry.sessions.in_use == open, "%u sessions, %llu open connections",
	       w->registry.sessions.in_use, (unsigned long long)open);
	EXPECT(w->wheel.armed == w->conns.in_use - closed, "%u timers, %u connections",
	       w->wheel.armed, w->conns.in_use - closed);
	census.conns += w->conns.in_use;
	census.users += w->registry.users.count;
	census.in_transit |= inbox_depth(&w->inbox) > 0;
}

/* ---- acceptor, main ---- */

static void walk_acceptor(struct acceptor *a)
{
	uint32_t index = 0;

	role_enter(&role_acceptor);
	for (struct half_open *h; (h = slab_next(&a->half_open, &index)) != NULL;) {
		const struct file *f = kernel_file(h->transport.fd);

		own(h->transport.fd, "a half-open socket");
		EXPECT(f->poll == a->poll && f->interest == half_open_interest(h),
		       "a half-open socket is not watched");
		EXPECT(timer_armed(&h->timer), "a half-open socket has no timer");
		census.reading += h->state == HALF_OPEN_READING;
	}
	EXPECT(a->half_open.in_use <= scenario.max_half_open, "%u half-open sockets, %u allowed",
	       a->half_open.in_use, scenario.max_half_open);
	EXPECT(a->wheel.armed == a->half_open.in_use, "%u timers, %u half-open sockets",
	       a->wheel.armed, a->half_open.in_use);
}

static void walk_controls(struct server *s)
{
	uint32_t index = 0;

	role_enter(&role_main);
	for (struct control *c; (c = slab_next(&s->controls, &index)) != NULL;) {
		const struct file *f = kernel_file(c->fd);

		own(c->fd, "a control session");
		EXPECT(f->poll == s->poll && f->interest == c->interest,
		       "a control session is not watched");
		EXPECT(c->busy || c->answers.n > 0 || c->interest != 0,
		       "a control session waits for nothing");
	}
}

/* ---- sums ---- */

static uint64_t gauge(const struct server *s, unsigned id)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->n_blocks; i++)
		sum += stats_get(&s->blocks[i], id);
	return sum;
}

static void compare(const struct server *s, unsigned id, const char *name, uint64_t counted)
{
	EXPECT(gauge(s, id) == counted, "gauge %s is %llu, a walk counts %llu", name,
	       (unsigned long long)gauge(s, id), (unsigned long long)counted);
}

/* Every socket is counted at its address. */
static void check_sources(const struct server *s)
{
	uint64_t opening = 0, connections = 0;

	role_enter(&role_main);
	role_enter(&role_acceptor);
	for (uint32_t i = 0; i < s->sources.n; i++) {
		const struct source *at = &s->sources.place[i];

		opening += at->opening;
		connections += at->came - at->left;
	}
	EXPECT(opening == s->acceptor->half_open.in_use, "%llu sockets at their addresses, %u here",
	       (unsigned long long)opening, s->acceptor->half_open.in_use);
	compare(s, STAT_CONNECTIONS_ACTIVE, "connections at their addresses", connections);
}

void oracle_walk(void)
{
	struct server *s = host_server();
	uint32_t sockets;

	role_enter(&role_main);
	moved_note(s);
	memset(&census, 0, sizeof(census));
	for (uint32_t i = 0; i < s->n_workers; i++)
		walk_worker(&s->workers[i]);
	walk_acceptor(s->acceptor);
	walk_controls(s);
	check_sources(s);
	compare(s, STAT_USERS_ACTIVE, "users_active", census.users);
	compare(s, STAT_GROUPS_ACTIVE, "groups_active", census.groups);
	compare(s, STAT_QUEUE_BYTES, "queue_bytes", census.queue_bytes);
	compare(s, STAT_PINGS_PENDING, "pings_pending", census.pings);
	compare(s, STAT_HEALTHY, "healthy", census.healthy);
	compare(s, STAT_SUSPECTS, "suspects", census.suspects);
	compare(s, STAT_SICK, "sick", census.sick);
	compare(s, STAT_SCORE_SUM, "score_sum", census.score_sum);
	for (unsigned i = 0; i < STAT_SCORE_COUNT; i++)
		compare(s, STAT_SCORES + i, "scores", census.scores[i]);
	compare(s, STAT_HALF_OPEN, "half_open", census.reading);
	compare(s, STAT_ISOLATION, "isolation_violations", 0);
	compare(s, STAT_ORDER, "order_violations", 0);
	sockets = kernel_open_files(FILE_SOCKET);
	EXPECT(census.sockets <= sockets, "%llu sockets are used, %u are open",
	       (unsigned long long)census.sockets, sockets);
	if (census.in_transit)
		return;
	compare(s, STAT_CONNECTIONS_ACTIVE, "connections_active", census.conns);
	compare(s, stat_protocol_now(PROTOCOL_WEBSOCKET), "protocol websocket", census.conns);
	EXPECT(census.sockets == sockets, "%u sockets are open, %llu have an owner", sockets,
	       (unsigned long long)census.sockets);
}

static uint64_t all_slabs(struct server *s)
{
	uint64_t n = 0;

	role_enter(&role_main);
	role_enter(&role_worker);
	role_enter(&role_acceptor);
	for (uint32_t i = 0; i < s->n_workers; i++) {
		const struct worker *w = &s->workers[i];

		n += w->conns.in_use + w->send_nodes.in_use + w->registry.sessions.in_use +
		     w->registry.hubs.count + w->registry.users.count + w->registry.groups.count +
		     w->registry.memberships.in_use;
		EXPECT(list_empty(&w->pingers), "a ping is waited for on nobody");
		EXPECT(inbox_depth(&w->inbox) == 0, "an inbox is not empty");
	}
	return n + s->acceptor->half_open.in_use;
}

void oracle_idle(unsigned sessions)
{
	struct server *s = host_server();

	role_enter(&role_main);
	oracle_walk();
	EXPECT(all_slabs(s) == 0, "everybody has left, and %llu objects are in use",
	       (unsigned long long)all_slabs(s));
	for (unsigned id = 0; id < STAT_CLOSES; id++)
		if (stats_row(id)->kind == STATS_gauge)
			compare(s, id, stats_row(id)->name, 0);
	EXPECT(kernel_open_files(FILE_SOCKET) <= sessions, "%u sockets are open, %u are known",
	       kernel_open_files(FILE_SOCKET), sessions);
}
