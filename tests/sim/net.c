/* Bytes on their way. */
#include "net.h"

#include <string.h>

#include "world.h"

static struct link **links;
static size_t n_links, cap_links;

/* ---- rings ---- */

uint32_t pipe_write(struct pipe *p, const void *bytes, size_t len)
{
	const uint32_t n = len < pipe_room(p) ? (uint32_t)len : pipe_room(p);
	const uint32_t end = (p->at + p->held) % p->cap;
	const uint32_t first = n < p->cap - end ? n : p->cap - end;

	if (p->ring == NULL)
		p->ring = sim_alloc(p->cap);
	memcpy(p->ring + end, bytes, first);
	memcpy(p->ring, (const uint8_t *)bytes + first, n - first);
	p->held += n;
	return n;
}

uint32_t pipe_read(struct pipe *p, void *buf, size_t len)
{
	const uint32_t n = len < p->arrived ? (uint32_t)len : p->arrived;
	const uint32_t first = n < p->cap - p->at ? n : p->cap - p->at;

	if (n == 0)
		return 0;
	memcpy(buf, p->ring + p->at, first);
	memcpy((uint8_t *)buf + first, p->ring, n - first);
	p->at = (p->at + n) % p->cap;
	p->held -= n;
	p->arrived -= n;
	return n;
}

/* Nobody will read what is in there. */
static void pipe_discard(struct pipe *p)
{
	free(p->ring);
	p->ring = NULL;
	p->at = p->held = p->arrived = 0;
}

/*
 * How long a segment is on its way. A lost one is sent again after the time that Linux waits
 * (round trip and variation, at least 200 ms more), then after as long again (the first was a
 * tail loss probe), then after twice, four times, ... as long, at most two minutes.
 */
static uint64_t way_us(const struct net_profile *p)
{
	const uint64_t slack = 2ull * p->jitter_us, least = 200 * US_PER_MS;
	uint64_t wait = 2ull * p->latency_us + (slack > least ? slack : least);
	uint64_t us = p->latency_us + chance_below(2ull * p->jitter_us + 1) - p->jitter_us;

	for (unsigned n = 0; chance(p->loss); n++) {
		us += wait;
		if (n > 0 && wait < 60 * US_PER_S)
			wait *= 2;
	}
	return us;
}

/* Latency varies, order does not. */
static uint64_t arrival_us(const struct link *l, struct pipe *p)
{
	uint64_t at = world.now_us;

	if (l->profile != NULL)
		at += way_us(l->profile);
	else if (l->latency_us > 0)
		at += l->latency_us / 2 + chance_below(l->latency_us);
	if (at < p->last_us)
		at = p->last_us;
	return p->last_us = at;
}

/* ---- telling the peer ---- */

static void tell_now(void *arg, uint64_t unused)
{
	struct link *l = arg;

	(void)unused;
	l->told = false;
	if (!l->vanished && !l->peer_closed)
		l->on_event(l);
}

static void tell_peer(struct link *l)
{
	if (l->told || l->vanished || l->peer_closed)
		return;
	l->told = true;
	agenda_at(world.now_us, tell_now, l, 0);
}

void net_up_drained(struct link *l)
{
	tell_peer(l);
}

static void arrive_down(void *arg, uint64_t n)
{
	struct link *l = arg;
	const bool fin = n >> 63;

	if (l->vanished || l->reset_at_peer)
		return;
	if (l->peer_closed) {
		if (!l->server_closed)
			net_rst_to_server(l);
		return;
	}
	l->down.arrived += (uint32_t)n;
	l->down.fin_arrived |= fin;
	tell_peer(l);
}

void net_down(struct link *l, uint32_t n, bool fin)
{
	l->down.fin |= fin;
	agenda_at(arrival_us(l, &l->down), arrive_down, l, n | (uint64_t)fin << 63);
}

static void arrive_rst_down(void *arg, uint64_t unused)
{
	struct link *l = arg;

	(void)unused;
	if (l->vanished || l->peer_closed || l->reset_at_peer)
		return;
	l->reset_at_peer = true;
	l->down.held = l->down.arrived; /* the rest is lost */
	tell_peer(l);
}

static void rst_to_peer(struct link *l)
{
	agenda_at(world.now_us + l->latency_us, arrive_rst_down, l, 0);
}

void net_server_closed(struct link *l, bool rst)
{
	l->server_closed = true;
	l->closed_us = world.now_us;
	pipe_discard(&l->up);
	if (rst)
		rst_to_peer(l);
	else if (!l->down.fin)
		net_down(l, 0, true);
}

/* ---- at the server ---- */

static void arrive_up(void *arg, uint64_t n)
{
	struct link *l = arg;

	if (l->vanished)
		return;
	if (l->server_closed) {
		if (n != 1ull << 63)
			rst_to_peer(l);
		return;
	}
	if (l->reset_at_server)
		return;
	l->up.arrived += (uint32_t)n;
	if (n >> 63)
		l->up.fin_arrived = true;
	l->up_us = world.now_us;
	os_sim_arrived(l);
}

static void arrive_rst_up(void *arg, uint64_t unused)
{
	struct link *l = arg;

	(void)unused;
	if (l->vanished || l->server_closed || l->reset_at_server)
		return;
	l->reset_at_server = true;
	pipe_discard(&l->up);
	l->up.cap = 1;
	os_sim_arrived(l);
}

void net_rst_to_server(struct link *l)
{
	agenda_at(arrival_us(l, &l->up), arrive_rst_up, l, 0);
}

static void arrive_syn(void *arg, uint64_t port)
{
	struct link *l = arg;

	if (!l->vanished)
		os_sim_connect(l, (uint16_t)port);
}

/* ---- the peer ---- */

struct link *net_connect(uint16_t port, const struct net_options *o,
                         void (*on_event)(struct link *), void *owner)
{
	struct link *l = sim_alloc(sizeof(*l));

	if (n_links == cap_links) {
		cap_links = cap_links == 0 ? 256 : 2 * cap_links;
		links = sim_grow(links, cap_links * sizeof(*links));
	}
	links[n_links++] = l;
	*l = (struct link){
		.id = (uint32_t)n_links,
		.latency_us = o->latency_us,
		.profile = o->profile,
		.up.cap = o->up_bytes,
		.down.cap = o->down_bytes,
		.fd = -1,
		.on_event = on_event,
		.owner = owner,
	};
	if (port != 0)
		l->peer = (struct net_addr){
			.family = 4,
			.ip = {10, (uint8_t)(l->id >> 16), (uint8_t)(l->id >> 8), (uint8_t)l->id},
			.port = 40000,
		};
	agenda_at(arrival_us(l, &l->up), arrive_syn, l, port);
	return l;
}

size_t net_send(struct link *l, const void *bytes, size_t len)
{
	uint32_t n;

	if (l->up.fin || l->peer_closed || l->vanished || l->server_closed || l->reset_at_server)
		return len; /* lost: as a write to a socket whose RST is still on its way */
	n = pipe_write(&l->up, bytes, len);
	if (n > 0)
		agenda_at(arrival_us(l, &l->up), arrive_up, l, n);
	return n;
}

size_t net_recv(struct link *l, void *buf, size_t cap)
{
	const uint32_t n = pipe_read(&l->down, buf, cap);

	if (n > 0 && l->fd >= 0 && !l->vanished)
		os_sim_arrived(l); /* room */
	return n;
}

bool net_ended(const struct link *l)
{
	return pipe_ended(&l->down) || (l->down.held == 0 && l->reset_at_peer);
}

void net_fin(struct link *l)
{
	if (l->up.fin || l->vanished || l->server_closed)
		return;
	l->up.fin = true;
	agenda_at(arrival_us(l, &l->up), arrive_up, l, 1ull << 63);
}

void net_reset(struct link *l)
{
	if (l->peer_closed || l->vanished)
		return;
	l->peer_closed = true;
	if (!l->server_closed)
		net_rst_to_server(l);
	pipe_discard(&l->down);
	l->down.cap = 1;
}

void net_close(struct link *l)
{
	if (l->down.arrived > 0) {
		net_reset(l);
		return;
	}
	net_fin(l);
	l->peer_closed = true;
}

void net_vanish(struct link *l)
{
	l->vanished = true;
}

void net_free_all(void)
{
	for (size_t i = 0; i < n_links; i++) {
		free(links[i]->up.ring);
		free(links[i]->down.ring);
		free(links[i]);
	}
	free(links);
	links = NULL;
	n_links = cap_links = 0;
}
