/*
 * Many threads send to one user at once, to all of his connections or to one of them: every
 * connection gets its messages in the order of the numbers that the senders are told.
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rcu.h"
#include "os/os.h"
#include "race.h"
#include "shard/request.h"
#include "worker/worker.h"
#include "ws/receiver.h"

#define PRODUCERS   4
#define EACH        5000
#define TOTAL       (PRODUCERS * EACH)
#define CONNECTIONS 3
#define FRAME_BYTES (2 + 4) /* a binary message that is the number of its request */
#define ALL         CONNECTIONS
#define HANG_MS     60000

static const char answer[] = "HTTP/1.1 101 x\r\n\r\n";

static struct worker *worker;
static struct stats_block *stats;
static struct conf_cell cell;
static struct sources sources;
static struct pressure pressure;
static struct inbox to_main;
static struct conn_id ids[CONNECTIONS];
static int peers[CONNECTIONS];

static uint64_t seq_of[TOTAL]; /* that the sender was told */

/* Whom message @n is for. */
static unsigned target_of(uint32_t n)
{
	const unsigned to = n % (2 * CONNECTIONS);

	return to < CONNECTIONS ? to : ALL;
}

/* ---- before and after ---- */

static void start_worker(void)
{
	static const struct conf_args args = {.env_name = "testing", .dev = true};
	struct conf_faults faults = {0};
	struct conf *c;

	race_need(conf_load(&args, 1, &c, &faults) == 0, "a configuration");
	c->limits.send_queue_bytes = 1 << 28; /* nobody is slow */
	c->heartbeat.interval_ms = c->heartbeat.timeout_ms = 3600000;
	stats = aligned_alloc(_Alignof(struct stats_block), sizeof(*stats));
	worker = aligned_alloc(_Alignof(struct worker), sizeof(*worker));
	race_need(stats != NULL && worker != NULL, "memory");
	memset(stats, 0, sizeof(*stats));
	race_need(sources_init(&sources, &(struct siphash_key){1, 2}, 100) == 0, "sources");
	race_need(inbox_init(&to_main, TOTAL) == 0, "an inbox");
	conf_cell_publish(&cell, c);

	const struct worker_setup setup = {.n_workers = 1,
	                                   .inbox_items = 64,
	                                   .recorder = c->recorder,
	                                   .conf = &cell,
	                                   .stats = stats,
	                                   .colleagues = stats,
	                                   .sources = &sources,
	                                   .pressure = &pressure,
	                                   .to_main = &to_main};

	race_need(worker_init(worker, &setup) == 0, "a worker");
}

static void hand_over(unsigned i)
{
	struct handoff *h = calloc(1, sizeof(*h));
	int pair[2];

	race_need(h != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0,
	          "a connection");
	race_need(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");
	h->item.kind = ITEM_HANDOFF;
	h->fd = pair[0];
	h->id.bytes[8] = (uint8_t)(i + 1);
	h->protocol = PROTOCOL_WEBSOCKET;
	strcpy(h->hub, "chat");
	strcpy(h->user, "alice");
	h->hub_len = 4;
	h->user_len = 5;
	strcpy(h->answer, answer);
	h->answer_len = sizeof(answer) - 1;
	race_need(sources_opened(&sources, &h->peer), "a place");
	sources_handed(&sources, &h->peer);
	ids[i] = h->id;
	peers[i] = pair[1];
	inbox_push_always(&worker->inbox, &h->item);
}

/* ---- sending ---- */

static struct request *make_request(uint32_t n)
{
	struct request *r = request_new(REQUEST_SEND);
	const unsigned to = target_of(n);

	race_need(r != NULL, "memory");
	r->reply_to = &to_main;
	r->context = (void *)(size_t)n;
	r->target.kind = to == ALL ? TARGET_USER : TARGET_CONNECTION;
	strcpy(r->target.hub, "chat");
	strcpy(r->target.user, "alice");
	r->target.hub_len = 4;
	r->target.user_len = 5;
	if (to != ALL)
		r->target.id = ids[to];
	r->msg = msg_new(WS_BINARY, &n, sizeof(n));
	race_need(r->msg != NULL, "memory");
	return r;
}

static void *produce(void *arg)
{
	const uint32_t producer = (uint32_t)(size_t)arg;

	for (uint32_t i = 0; i < EACH; i++) {
		struct request *r = make_request(i * PRODUCERS + producer);

		while (inbox_push(&worker->inbox, &r->item) < 0)
			sched_yield();
	}
	return NULL;
}

/* ---- receiving ---- */

struct received {
	uint32_t *numbers;
	uint32_t n;
	bool intact;
};

static void read_exactly(int fd, void *buf, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const ssize_t n = read(fd, (char *)buf + at, len - at);

		race_need(n > 0, "the worker goes on");
		at += (size_t)n;
	}
}

static void *receive(void *arg)
{
	const unsigned i = (unsigned)(size_t)arg;
	struct received *got = calloc(1, sizeof(*got));
	uint8_t frame[FRAME_BYTES];
	char head[sizeof(answer) - 1];

	race_need(got != NULL, "memory");
	got->numbers = calloc(TOTAL, sizeof(*got->numbers));
	race_need(got->numbers != NULL, "memory");
	got->intact = true;
	read_exactly(peers[i], head, sizeof(head));
	for (uint32_t n = 0; n < TOTAL; n++) {
		if (target_of(n) != i && target_of(n) != ALL)
			continue;
		read_exactly(peers[i], frame, sizeof(frame));
		got->intact &= frame[0] == (0x80 | WS_BINARY) && frame[1] == 4;
		memcpy(&got->numbers[got->n++], frame + 2, sizeof(uint32_t));
	}
	return got;
}

static void take_answers(void)
{
	const uint64_t until = os_now_ms() + HANG_MS;
	bool again, delivered = true;

	for (uint32_t n = 0; n < TOTAL;) {
		struct inbox_item *item = inbox_take(&to_main, &again);

		if (item == NULL) {
			race_need(os_now_ms() < until, "every send is answered");
			sched_yield();
			continue;
		}
		struct request *r = CONTAINER_OF(item, struct request, item);
		const uint32_t number = (uint32_t)(size_t)r->context;

		delivered &= r->outcome.delivered == (target_of(number) == ALL ? CONNECTIONS : 1u);
		seq_of[number] = r->outcome.user_seq;
		request_free(r);
		n++;
	}
	race_check(delivered, "every send was delivered to all that it was for");
}

/* Each number from 1 on was told once. */
static void check_numbers(void)
{
	static bool seen[TOTAL + 1];
	bool once = true;

	for (uint32_t n = 0; n < TOTAL; n++) {
		const uint64_t seq = seq_of[n];

		once &= seq >= 1 && seq <= TOTAL && !seen[seq <= TOTAL ? seq : 0];
		seen[seq <= TOTAL ? seq : 0] = true;
	}
	race_check(once, "each number was given once, without a gap");
}

static void check_received(unsigned i, struct received *got)
{
	bool ordered = true, meant = true;
	uint64_t last = 0;

	for (uint32_t k = 0; k < got->n; k++) {
		const uint32_t n = got->numbers[k];

		if (n >= TOTAL || (target_of(n) != i && target_of(n) != ALL)) {
			meant = false;
			continue;
		}
		ordered &= seq_of[n] > last;
		last = seq_of[n];
	}
	race_check(got->intact && meant, "what came was for this connection");
	race_check(ordered, "in the order of its user's numbers");
	free(got->numbers);
	free(got);
}

int main(void)
{
	pthread_t threads[PRODUCERS], readers[CONNECTIONS], runs;
	struct order stop = {.item.kind = ITEM_STOP};

	role_enter(&role_main);
	rcu_thread_enter();
	start_worker();
	for (unsigned i = 0; i < CONNECTIONS; i++)
		hand_over(i);
	runs = race_start(worker_main, worker);
	for (size_t i = 0; i < CONNECTIONS; i++)
		readers[i] = race_start(receive, (void *)i);
	for (size_t i = 0; i < PRODUCERS; i++)
		threads[i] = race_start(produce, (void *)i);
	take_answers();
	for (size_t i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	check_numbers();
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		void *got;

		pthread_join(readers[i], &got);
		check_received(i, got);
		close(peers[i]);
	}
	race_check(stats_get(stats, STAT_ORDER) == 0, "the alarm is silent");
	inbox_push_always(&worker->inbox, &stop.item);
	pthread_join(runs, NULL);

	bool again;

	race_check(inbox_take(&to_main, &again) == &worker->stopped.item, "it says that it ended");
	worker_fini(worker);
	conf_cell_publish(&cell, NULL);
	inbox_fini(&to_main);
	sources_fini(&sources);
	rcu_thread_leave();
	free(worker);
	free(stats);
	return race_end();
}
