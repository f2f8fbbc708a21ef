/* Sums of sizes and bounds. */
#include "server/plan.h"

#include <inttypes.h>

#include "admit/half_open.h"
#include "hub/group.h"
#include "shard/request.h"
#include "shard/sources.h"
#include "worker/aside.h"
#include "worker/conn.h"
#include "worker/recorder.h"
#include "ws/frame.h"

/* A process that has served nobody yet, as measured on x86-64 with Debian's libraries. */
#define PROCESS_BYTES (12ull << 20)
/* A user's object with a name of usual length, and the shares in the tables' buckets: at most one
 * for each node. */
#define USER_BYTES (sizeof(struct user) + 32)
/* A membership in a group that nobody else is in, whose name is as long as it may be. */
#define GROUP_BYTES  (sizeof(struct membership) + sizeof(struct group) + GROUP_NAME_MAX)
#define TABLE_BYTES  (3 * sizeof(void *))
#define SOURCE_BYTES (2 * sizeof(struct source)) /* if each comes from an address of its own */
#define ASIDE_BYTES  (sizeof(struct aside) + 16) /* with what the allocator adds */
/* A browser's request; what is longer is in the budget. */
#define HEAD_BYTES 1024

/* Where nothing is known of the machine. */
#define BUFFERED_BYTES (256ull << 20)

static uint64_t worst_queue(const struct conf_limits *l)
{
	/* A message is taken when nothing else waits, a reply while half of the queue is free, and
	 * the newest one behind a begun one. */
	const uint64_t message = l->max_message_bytes + WS_MAX_SERVER_HEADER;
	const uint64_t replied = l->send_queue_bytes / 2 + message + WORKER_READ_BYTES;
	const uint64_t newest = l->slow_consumer == SLOW_KEEP_NEWEST ? message : 0;

	return (l->send_queue_bytes > replied ? l->send_queue_bytes : replied) + newest;
}

/* A rate is kept count of for everybody who has said something. */
static uint64_t idle_each(const struct conf *c)
{
	return sizeof(struct conn) + recorder_live_bytes(&c->recorder) + sizeof(struct session) +
	       USER_BYTES + TABLE_BYTES + SOURCE_BYTES +
	       (c->limits.messages_per_s > 0 ? ASIDE_BYTES : 0);
}

static uint32_t room_for(const struct plan *p)
{
	const uint64_t fixed = plan_promise(p, 0);
	const uint64_t n = p->usable > fixed ? (p->usable - fixed) / p->idle_each : 0;

	return p->memory == 0 || n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void plan_make(const struct conf *c, uint32_t room, uint64_t memory, struct plan *ret)
{
	const struct conf_limits *l = &c->limits;
	const uint64_t most = l->memory_bytes != 0 ? l->memory_bytes : memory;

	*ret = (struct plan){
		.memory = most,
		.usable = (uint64_t)((double)most * l->memory_high_water),
		.process = PROCESS_BYTES,
		.workers = c->workers *
	                   (sizeof(struct worker) + 2ull * WORKER_READ_BYTES + WS_MAX_TAIL),
		.handshakes = l->max_half_open * (sizeof(struct half_open) + HEAD_BYTES),
		.idle_each = idle_each(c),
		.recorder = recorder_ring_bytes(&c->recorder, c->workers) * c->workers,
		.queue_each = worst_queue(l),
		.message_each =
			l->max_message_bytes + sizeof(struct ws_begun) + ASIDE_BYTES + WS_MAX_TAIL,
		.groups_each = l->max_groups_per_connection * GROUP_BYTES,
		.inboxes = (uint64_t)l->inbox_items * c->workers * sizeof(struct request),
		.buffered = l->buffered_bytes != 0 ? l->buffered_bytes
	                    : most != 0            ? most / 4
	                                           : BUFFERED_BYTES,
		.configured = l->max_connections != 0,
		.wanted = l->max_connections != 0 ? l->max_connections : room,
	};
	ret->worst_each = ret->idle_each + ret->queue_each + ret->message_each + ret->groups_each;
	ret->room = room_for(ret);
	ret->connections = ret->room < ret->wanted ? ret->room : ret->wanted;
}

uint64_t plan_promise(const struct plan *p, uint32_t connections)
{
	return p->process + p->workers + p->handshakes + p->recorder + p->buffered +
	       p->idle_each * connections;
}

#define MIB(bytes) ((double)(bytes) / (1 << 20))

bool plan_refuses(const struct conf *c, const struct plan *p, char *fault, size_t fault_cap)
{
	if (p->connections == 0) {
		snprintf(
			fault, fault_cap,
			"%.0f MiB of memory, of which limits.memory_high_water leaves %.0f, have "
			"no "
			"room for connections beside limits.buffered_bytes (%.0f MiB) and %.0f MiB "
			"for the rest; lower limits.buffered_bytes or limits.max_half_open, or "
			"raise "
			"limits.memory_bytes; wsmd --plan shows it all",
			MIB(p->memory), MIB(p->usable), MIB(p->buffered),
			MIB(plan_promise(p, 0) - p->buffered));
		return true;
	}
	if (!p->configured || p->connections >= p->wanted ||
	    c->limits.when_too_big == TOO_BIG_LOWER)
		return false;
	snprintf(
		fault, fault_cap,
		"limits.max_connections is %u, and with limits.buffered_bytes that promises %.0f "
		"MiB, but of %.0f MiB of memory limits.memory_high_water leaves %.0f: room for %u; "
		"lower limits.max_connections or limits.buffered_bytes, or let wsmd do it with "
		"limits.when_too_big=lower; wsmd --plan shows it all",
		p->wanted, MIB(plan_promise(p, p->wanted)), MIB(p->memory), MIB(p->usable),
		p->connections);
	return true;
}

/* ---- as a table ---- */

static void print_row(FILE *out, const char *what, uint64_t bytes, const char *why)
{
	char size[32];

	if (bytes < 10240)
		snprintf(size, sizeof(size), "%" PRIu64 " B", bytes);
	else if (bytes < 10ull << 20)
		snprintf(size, sizeof(size), "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(size, sizeof(size), "%.1f MiB", MIB(bytes));
	fprintf(out, "  %-26s %12s  %s\n", what, size, why);
}

static void print_each(const struct plan *p, FILE *out)
{
	const uint64_t used = plan_promise(p, p->connections) - p->buffered;
	const uint64_t left = p->usable > used ? p->usable - used : 0;

	fputs("\nEach connection\n", out);
	print_row(out, "quiet", p->idle_each, "promised");
	print_row(out, "at worst", p->worst_each, "the quiet one, and:");
	print_row(out, "  send queue", p->queue_each,
	          "limits.send_queue_bytes, max_message_bytes, slow_consumer");
	print_row(out, "  unfinished message", p->message_each, "limits.max_message_bytes");
	print_row(out, "  groups", p->groups_each, "limits.max_groups_per_connection");
	if (p->connections == 0)
		return;
	print_row(out, "share of the budget", p->buffered / p->connections,
	          "if all were at their worst at once");
	if (p->memory != 0)
		print_row(out, "left for it by the memory", left / p->connections,
		          "up to the high water");
	fprintf(out,
	        "  %-26s %12" PRIu64
	        "  may be at their worst at once before the sickest are let go\n",
	        "connections", p->buffered / (p->worst_each - p->idle_each));
}

void plan_print(const struct plan *p, FILE *out)
{
	fputs("Promised\n", out);
	print_row(out, "process", p->process, "code, libraries, the main thread");
	print_row(out, "workers", p->workers, "their buffers");
	print_row(out, "handshakes", p->handshakes, "limits.max_half_open");
	print_row(out, "records of the closed", p->recorder, "the recorder's rings");
	fprintf(out, "  %-26s %12u  x %" PRIu64 " B\n", "connections", p->connections,
	        p->idle_each);
	print_row(out, "budget", p->buffered,
	          "limits.buffered_bytes: queues, unfinished messages, inboxes");
	print_row(out, "in all", plan_promise(p, p->connections), "");
	if (p->memory == 0) {
		fputs("The memory of this machine is not known.\n", out);
	} else {
		print_row(out, "high water", p->usable, "limits.memory_high_water");
		print_row(out, "memory", p->memory,
		          "limits.memory_bytes, the machine's or the control group's");
	}
	if (p->connections < p->wanted)
		fprintf(out, "  Room for %u connections; %u are %s.\n", p->connections, p->wanted,
		        p->configured ? "limits.max_connections" : "what the descriptors allow");
	print_each(p, out);
	fputs("\nInside the budget\n", out);
	print_row(out, "inboxes of workers", p->inboxes, "limits.inbox_items, if all were full");
	fputs("\nThe kernel's buffers are not promised: about 4 KiB for a quiet connection, up to\n"
	      "net.ipv4.tcp_wmem and tcp_rmem for a busy one. A control group counts them.\n",
	      out);
}
