/* What clients do. */
#include "client.h"

#include <stdio.h>
#include <string.h>

#include "host.h"
#include "model.h"
#include "requests.h"
#include "scenario.h"
#include "world.h"
#include "ws/upgrade.h"

#define OWED_MAX 16000 /* bytes of echo that a well-behaved client lets grow */
#define SLACK_US (400 * US_PER_MS)

static struct client **clients;
static struct client **by_link; /* by link id */
static uint32_t n_clients, cap_clients, cap_links;
static uint32_t n_users, n_hubs;
static bool quiet;

static void tick(void *arg, uint64_t unused);

void clients_begin(uint32_t users, uint32_t hubs)
{
	n_users = users;
	n_hubs = hubs;
	n_clients = 0;
	quiet = false;
}

void clients_end(void)
{
	for (uint32_t i = 0; i < n_clients; i++) {
		struct client *c = clients[i];

		ws_receiver_fini(&c->rx);
		free(c->out);
		free(c->head);
		free(c->answer);
		free(c->expected);
		free(c->got);
		free(c);
	}
	free(clients);
	free(by_link);
	clients = NULL;
	by_link = NULL;
	n_clients = cap_clients = cap_links = 0;
}

uint32_t clients_count(void)
{
	return n_clients;
}

struct client *clients_at(uint32_t i)
{
	return clients[i];
}

struct client *clients_of_link(uint32_t link)
{
	return link < cap_links ? by_link[link] : NULL;
}

const char *client_user(const struct client *c, char buf[32])
{
	snprintf(buf, 32, "u%u", c->user);
	return buf;
}

const char *client_hub(uint32_t hub)
{
	static const char *const names[] = {"default", "h1", "quiet"};

	return names[hub];
}

bool client_innocent(const struct client *c)
{
	const bool well_behaved =
		c->kind == KIND_GOOD || c->kind == KIND_IDLE || c->kind == KIND_CHATTY;

	return well_behaved && !c->link->hurt && !world.hurt && !c->link->vanished;
}

/* ---- being gone ---- */

/* Within so much time a silent client must be gone, under the laxest configuration there was. */
static uint64_t patience_us(const struct client *c)
{
	const struct host_times *t = &host_times;
	uint64_t bound = t->silence_max_us + t->interval_max_us;

	/* What it did not finish, or does not take, may be judged first. */
	if (bound < t->write_max_us)
		bound = t->write_max_us;
	if (bound < t->incomplete_max_us)
		bound = t->incomplete_max_us;
	bound += t->closing_max_us + SLACK_US;
	if (world.hurt) /* a ping that there is no memory for is tried after the interval */
		bound += 2 * t->interval_max_us;
	if (c->open_us == 0)
		bound += t->handshake_max_us + US_PER_S + 2ull * c->link->latency_us;
	return bound;
}

/* In time, or in time after the server's own last absence. */
static void check_gone(void *arg, uint64_t unused)
{
	struct client *c = arg;
	uint64_t until_us, full_us;

	(void)unused;
	if (c->link->server_closed || !host_running())
		return;
	if (world_disturbed(c->silent_us))
		c->silent_us = world.disturbed_us;
	if (c->link->fd < 0) /* not even accepted yet, if ever */
		c->silent_us = world.now_us;
	if (c->link->accepted_us > c->silent_us)
		c->silent_us = c->link->accepted_us;
	/* Room in a full socket is a sign of life. */
	full_us = c->link->vanished ? c->link->faked_us : c->link->blocked_us;
	if (full_us > c->silent_us)
		c->silent_us = full_us + 200 * US_PER_MS;
	until_us = c->silent_us + patience_us(c);
	if (world.now_us < until_us)
		agenda_at(until_us, check_gone, c, 0);
	else
		world_fail("link %u has been silent for %llu us and is still there", c->link->id,
		           (unsigned long long)(world.now_us - c->link->up_us));
}

void client_expect_gone(struct client *c)
{
	c->silent_us = world.now_us;
	check_gone(c, 0);
}

static void spawn_later(void *arg, uint64_t slot)
{
	(void)arg;
	if (!quiet && host_running())
		client_spawn((uint32_t)slot);
}

void client_end(struct client *c)
{
	if (c->state == CLIENT_ENDED)
		return;
	TRACE("link %u has ended for its client", c->link->id);
	c->state = CLIENT_ENDED;
	c->ended_us = world.now_us;
	free(c->out);
	c->out = NULL;
	c->out_at = c->out_len = c->out_cap = 0;
	ws_receiver_fini(&c->rx);
	if (!c->link->vanished)
		net_close(c->link);
	agenda_at(world.now_us + chance_below(2 * US_PER_S), spawn_later, NULL, c->slot);
}

void client_vanish(struct client *c)
{
	TRACE("link %u vanishes", c->link->id);
	net_vanish(c->link);
	client_expect_gone(c);
	client_end(c);
}

/* ---- one thing after the other ---- */

static void act_good(struct client *c)
{
	if (c->expected_bytes > OWED_MAX || c->out_len - c->out_at > OWED_MAX)
		return;
	if (chance(600))
		client_put_message(c);
	else if (chance(400))
		client_put_ping(c);
	else if (chance(20))
		client_put_close(c, chance(300) ? 1005 : chance(500) ? 1000 : 4321);
	else
		for (uint64_t n = chance_below(6); n > 0; n--)
			client_put_message(c);
}

static void end_abruptly(struct client *c)
{
	if (chance(400)) {
		net_reset(c->link);
		client_end(c);
	} else if (chance(500)) {
		c->muzzled = true; /* half-closed: it reads on */
		net_fin(c->link);
	} else {
		client_end(c);
	}
}

static void act(struct client *c)
{
	switch (c->kind) {
	case KIND_GOOD:
	case KIND_DRIBBLER:
	case KIND_SLOW:
		act_good(c);
		break;
	case KIND_CHATTY:
		if (c->expected_bytes < OWED_MAX)
			client_put_message(c);
		break;
	case KIND_DEAF:
		if (chance(100))
			c->reads = false;
		if (c->out_len - c->out_at < OWED_MAX)
			client_put_message(c);
		break;
	case KIND_RUDE:
		if (chance(200))
			client_put_violation(c);
		else
			act_good(c);
		break;
	case KIND_VANISHING:
		if (chance(100))
			client_vanish(c);
		else
			act_good(c);
		break;
	case KIND_ABRUPT:
		if (chance(100))
			end_abruptly(c);
		else
			act_good(c);
		break;
	default:
		break;
	}
}

static uint64_t pause_us(const struct client *c)
{
	if (scenario.network != NULL)
		return 600 * US_PER_S; /* they do nothing but answer */
	switch (c->kind) {
	case KIND_DRIBBLER:
		return chance_between(1, 60) * US_PER_MS;
	case KIND_SLOW:
		return chance_between(10, 300) * US_PER_MS;
	case KIND_CHATTY:
		return chance_between(50, 600) * US_PER_MS;
	case KIND_IDLE:
	case KIND_MUTE:
		return 2 * US_PER_S;
	default:
		return chance_between(20, 1200) * US_PER_MS;
	}
}

static void tick(void *arg, uint64_t unused)
{
	struct client *c = arg;

	(void)unused;
	if (c->state == CLIENT_ENDED)
		return;
	if (!quiet && c->state == CLIENT_OPEN)
		act(c);
	else if (!quiet && c->state == CLIENT_SHAKING && c->kind == KIND_VANISHING && chance(200))
		client_vanish(c);
	else if (!quiet && c->state == CLIENT_SHAKING && c->kind == KIND_ABRUPT && chance(200))
		end_abruptly(c);
	client_push(c);
	if (c->kind == KIND_SLOW)
		client_on_event(c->link);
	if (c->state != CLIENT_ENDED)
		agenda_at(world.now_us + pause_us(c), tick, c, 0);
}

/* ---- beginning ---- */

static void put_handshake(struct client *c)
{
	unsigned char random[16];
	char key[WS_KEY_LEN + 1], accept[WS_ACCEPT_LEN + 1], user[32], request[512];
	int n;

	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (unsigned char)chance_next();
	ws_key_encode(random, key);
	EXPECT(ws_accept(key, accept) == 0, "no SHA-1");
	memcpy(c->accept, accept, sizeof(accept));
	n = snprintf(request, sizeof(request),
	             "GET /client/hubs/%s%s%s HTTP/1.1\r\n"
	             "Host: sim\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
	             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
	             client_hub(c->hub), c->user != 0 ? "?user=" : "",
	             c->user != 0 ? client_user(c, user) : "", key);
	client_put(c, request, (size_t)n);
	if ((c->kind == KIND_GOOD || c->kind == KIND_CHATTY) && chance(150))
		client_put_message(c); /* does not wait for the answer */
}

static enum client_kind choose_kind(void)
{
	uint64_t at = chance_below(scenario.kinds_sum);

	for (enum client_kind k = 0; k < KIND_COUNT; k++) {
		if (at < scenario.kinds[k])
			return k;
		at -= scenario.kinds[k];
	}
	return KIND_GOOD;
}

static void put_request(struct client *c)
{
	const struct request_row *row;

	switch (c->kind) {
	case KIND_MALFORMED:
		c->request = (uint32_t)chance_below(ARRAY_LEN(malformed_requests));
		row = &malformed_requests[c->request];
		client_put(c, row->text, c->request == 5 ? 11 : strlen(row->text));
		break;
	case KIND_PAGE:
		c->request = (uint32_t)chance_below(ARRAY_LEN(page_requests));
		row = &page_requests[c->request];
		client_put(c, row->text, strlen(row->text));
		break;
	default:
		put_handshake(c);
	}
}

static void remember(struct client *c)
{
	if (n_clients == cap_clients) {
		cap_clients = cap_clients == 0 ? 256 : 2 * cap_clients;
		clients = sim_grow(clients, cap_clients * sizeof(struct client *));
	}
	clients[n_clients++] = c;
	if (c->link->id >= cap_links) {
		const uint32_t cap = 2 * c->link->id + 256;

		by_link = sim_grow(by_link, cap * sizeof(struct client *));
		memset(by_link + cap_links, 0, (cap - cap_links) * sizeof(struct client *));
		cap_links = cap;
	}
	by_link[c->link->id] = c;
}

void client_spawn(uint32_t slot)
{
	static const struct ws_limits limits = {.max_message_bytes = 1 << 20,
	                                        .max_fragments = 1000};
	static const uint32_t buffers[] = {700, 4096, 30000, 100000};
	struct net_options o = {
		.latency_us = (uint32_t)(chance(300) ? 0 : chance_below(40 * US_PER_MS)),
		.up_bytes = buffers[chance_below(ARRAY_LEN(buffers))],
		.down_bytes = buffers[chance_below(ARRAY_LEN(buffers))],
	};
	struct client *c = sim_alloc(sizeof(*c));

	o.profile = scenario.network;

	if (o.up_bytes < 10000 ||
	    o.down_bytes < 10000) /* nobody is so far away that a message takes seconds */
		o.latency_us /= 20;
	c->id = n_clients;
	c->slot = slot;
	c->kind = choose_kind();
	c->hub = (uint32_t)chance_below(n_hubs);
	c->user = chance(150) ? 0 : 1 + (uint32_t)chance_below(n_users);
	c->reads = true;
	c->started_us = world.now_us;
	c->head = sim_alloc(sizeof(*c->head));
	http_head_init(c->head, HTTP_RESPONSE);
	ws_receiver_init(&c->rx, &limits, 0);
	c->link =
		net_connect(scenario.ports[chance_below(scenario.n_ports)], &o, client_on_event, c);
	remember(c);
	TRACE("link %u: client of kind %u, user %u, hub %u, latency %u", c->link->id, c->kind,
	      c->user, c->hub, o.latency_us);
	put_request(c);
	client_push(c);
	agenda_at(world.now_us + pause_us(c), tick, c, 0);
}

/* ---- the end of the story ---- */

void clients_quiet(void)
{
	quiet = true;
	for (uint32_t i = 0; i < n_clients; i++) {
		struct client *c = clients[i];

		if (c->kind != KIND_SLOW && c->kind != KIND_CHATTY)
			continue;
		c->link->hurt = true; /* what was held against it still is */
		c->kind = KIND_GOOD;
		client_on_event(c->link);
	}
}

void clients_leave(void)
{
	for (uint32_t i = 0; i < n_clients; i++) {
		struct client *c = clients[i];

		if (c->state == CLIENT_OPEN && c->reads && chance(700))
			client_put_close(c, 1000);
		else if (chance(500))
			client_end(c);
		else if (c->state != CLIENT_ENDED)
			client_vanish(c);
		client_push(c);
	}
}

void clients_check_settled(void)
{
	for (uint32_t i = 0; i < n_clients; i++) {
		const struct client *c = clients[i];

		if (!client_innocent(c) || c->state != CLIENT_OPEN)
			continue;
		EXPECT(c->expected_at == c->expected_len, "link %u waits for %zu echoes",
		       c->link->id, c->expected_len - c->expected_at);
		EXPECT(c->pong_seen == c->pings_sent, "link %u: ping %llu of %llu is answered",
		       c->link->id, (unsigned long long)c->pong_seen,
		       (unsigned long long)c->pings_sent);
	}
}
