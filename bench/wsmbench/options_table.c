/* The table of options, the table of modes, and the help that is printed from them. */
#include "options_table.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "payload.h"

#define ANY         BENCH_ANY
#define MAX_MESSAGE (16 << 20)
#define BROADCASTS  (BENCH_FANOUT | BENCH_SLOW)
#define MAX_RATE    1000 /* of broadcasts: main waits in milliseconds */

#define FIELD(f) offsetof(struct options, f)

const struct option options_table[] = {
	{BENCH_ECHO, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 100,
         "connections, all opened before the measurement (100)"},
	{BENCH_IDLE, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 1000,
         "connections to hold (1000, or the last of --steps)"},
	{BENCH_CONNECT, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 32,
         "connections that are opening or closing at the same time (32)"},
	{BENCH_STORM, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 1000,
         "connections that are cut and come back (1000)"},
	{BENCH_STORM, 0, "jitter", "S", REAL, FIELD(jitter_s), 0, MAX_SECONDS, 0,
         "each client waits up to S seconds more before it connects again (0)"},
	{BENCH_STORM, 0, "server-cuts", NULL, FLAG, FIELD(server_cuts), 0, 1, 0,
         "wait until the server ends the connections, do not cut them"},
	{BENCH_STORM, 't', "time", "S", REAL, FIELD(seconds), 0.01, MAX_SECONDS, 60,
         "seconds for the cut to come, and for everybody to be back (60)"},
	{BENCH_FANOUT, 'd', "depth", "N", COUNT, FIELD(depth), 1, 65536, 0,
         "closed loop: messages in flight, each until all receivers have it; not with --rate"},
	{BENCH_FANOUT, 0, "publish", "URL", PATH, FIELD(publish), 0, 0, 0,
         "send on a connection to here, which the server spreads, not through its control socket"},
	{BENCH_FANOUT, 0, "group", "NAME", TEXT, FIELD(group), 0, 0, 0,
         "make all receivers members of it and send to it, not to all"},
	{BENCH_SLOW, 0, "stalled", "N", COUNT, FIELD(stalled), 1, MAX_CONNS, 1,
         "of the receivers never read: what becomes of them is reported (1)"},
	{BROADCASTS, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 1000,
         "receivers, all opened before the measurement (1000)"},
	{BROADCASTS, 's', "size", "BYTES", COUNT, FIELD(size_bytes), PAYLOAD_STAMP + PAYLOAD_HEAD,
         1 << 20, 100, "size of a message (100)"},
	{BROADCASTS, 0, "rate", "PER_S", REAL, FIELD(rate), 0.01, MAX_RATE, 10,
         "messages a second, each to every receiver, due at fixed times (10)"},
	{BENCH_PUSH, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 100,
         "users, each with a connection opened before the measurement (100)"},
	{BENCH_PUSH, 's', "size", "BYTES", COUNT, FIELD(size_bytes), PAYLOAD_HEAD, 1 << 20, 100,
         "size of a message (100)"},
	{BENCH_PUSH, 'd', "depth", "N", COUNT, FIELD(depth), 1, 65536, 1,
         "messages under way on each thread's control session (1); not with --rate"},
	{BROADCASTS | BENCH_PUSH, 0, "control", "PATH", PATH, FIELD(control), 0, 0, 0,
         "control socket of the server; where wsmctl looks"},
	{BENCH_ECHO, 's', "size", "BYTES", COUNT, FIELD(size_bytes), PAYLOAD_HEAD, MAX_MESSAGE, 20,
         "size of a message (20)"},
	{BENCH_ECHO, 'd', "depth", "N", COUNT, FIELD(depth), 1, 65536, 1,
         "messages in flight on each connection (1); not with --rate"},
	{BENCH_ECHO, 0, "binary", NULL, FLAG, FIELD(binary), 0, 1, 0, "binary messages, not text"},
	{BENCH_ECHO, 0, "mixed", NULL, FLAG, FIELD(mixed), 0, 1, 0,
         "text with half of its bytes in characters of three"},
	{BENCH_ECHO | BENCH_PUSH, 0, "rate", "PER_S", REAL, FIELD(rate), 0.01, 1e8, 0,
         "open loop: messages a second in all, due at fixed times"},
	{BENCH_ECHO | BENCH_PUSH, 0, "messages", "N", COUNT, FIELD(messages), 1, 1e15, 0,
         "stop after N messages in all; no warm-up, no limit of time unless -t"},
	{BENCH_ECHO | BENCH_CONNECT | BROADCASTS | BENCH_PUSH, 't', "time", "S", REAL,
         FIELD(seconds), 0.01, MAX_SECONDS, 10, "length of the measurement in seconds (10)"},
	{BENCH_ECHO | BROADCASTS | BENCH_PUSH, 'w', "warmup", "S", REAL, FIELD(warmup_s), 0,
         MAX_SECONDS, 1, "seconds of load before it, not measured (1)"},
	{BENCH_IDLE, 0, "steps", "N,N,...", STEPS, FIELD(steps), 0, 0, 0,
         "measure memory at each of these numbers and fit a line"},
	{BENCH_IDLE, 's', "size", "BYTES", COUNT, FIELD(size_bytes), PAYLOAD_HEAD, MAX_MESSAGE, 0,
         "first have one message of this size echoed on each connection"},
	{BENCH_IDLE, 0, "hold", "S", REAL, FIELD(hold_s), 0, MAX_SECONDS, 5,
         "seconds to hold all connections, answering pings (5)"},
	{ANY - BENCH_CONNECT, 0, "in-flight", "N", COUNT, FIELD(in_flight), 1, 65536, 128,
         "handshakes at the same time (128); storm: while opening"},
	{ANY, 'T', "threads", "N", COUNT, FIELD(threads), 1, 64, 1, "threads of wsmbench (1)"},
	{ANY, 0, "from", "IP[-IP]", RANGE, FIELD(from), 0, 0, 0,
         "local addresses to connect from; 127.0.0.1-127.0.0.8 to a loopback server"},
	{ANY, 0, "pid", "PID", COUNT, FIELD(pid), 1, 1e9, 0,
         "process of the server: measure its CPU time and memory"},
	{ANY, 0, "user-prefix", "TEXT", TEXT, FIELD(user_prefix), 0, 0, 0,
         "connection I asks for ?user=TEXT<I> (bench); empty: leave the URL alone"},
	{ANY, 0, "progress", NULL, FLAG, FIELD(progress), 0, 1, 0,
         "a line each second on stderr even if it is not a terminal"},
	{ANY, 0, "hgrm", "FILE", PATH, FIELD(hgrm), 0, 0, 0,
         "write the distribution of the mode's first timing as HdrHistogram text"},
	{ANY, 0, "json", NULL, FLAG, FIELD(json), 0, 1, 0, "report as one JSON object"},
};

const size_t options_count = ARRAY_LEN(options_table);

static_assert(ARRAY_LEN(options_table) <= OPTIONS_MAX, "as promised");

const struct mode_row options_modes[] = {
	{BENCH_ECHO, "echo", "send messages, check the replies, measure rate and latency"},
	{BENCH_IDLE, "idle", "hold connections, measure memory for each"},
	{BENCH_CONNECT, "connect", "open and close connections, measure handshakes a second"},
	{BENCH_FANOUT, "fanout", "send to all receivers at once, check and time every delivery"},
	{BENCH_PUSH, "push", "send to users, one after the other, check and time every delivery"},
	{BENCH_STORM, "storm", "cut all connections, measure how clients get service again"},
	{BENCH_SLOW, "slow", "fanout with readers that stall: what they cost, and what they get"},
};

const size_t options_n_modes = ARRAY_LEN(options_modes);

const char *options_mode_name(const struct options *o)
{
	size_t i = 0;

	while (options_modes[i].mode != o->mode)
		i++;
	return options_modes[i].name;
}

void options_mode_names(unsigned modes, const char *last, char *dst, size_t cap)
{
	const char *between = "";

	dst[0] = '\0';
	for (size_t i = 0; i < options_n_modes; i++) {
		const struct mode_row *const m = &options_modes[i];
		const size_t len = strlen(dst);

		if (!(modes & m->mode))
			continue;
		modes &= ~(unsigned)m->mode;
		snprintf(dst + len, cap - len, "%s%s", between, m->name);
		between = (modes & (modes - 1)) ? ", " : last; /* is there more than one left? */
	}
}

static void print_option(const struct option *o)
{
	char left[40];

	snprintf(left, sizeof(left), "%c%c --%s %s", o->letter ? '-' : ' ',
	         o->letter ? o->letter : ' ', o->name, o->value ? o->value : "");
	printf("  %-24s %s\n", left, o->help);
}

/* Those that exactly these modes have. */
static void print_section(unsigned modes)
{
	char title[MODE_NAMES_MAX] = "all";

	if (modes != ANY)
		options_mode_names(modes, " and ", title, sizeof(title));
	printf("\n%s:\n", title);
	for (size_t i = 0; i < options_count; i++)
		if (options_table[i].modes == modes)
			print_option(&options_table[i]);
}

static bool is_first_of_its_section(size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (options_table[before].modes == options_table[i].modes)
			return false;
	return true;
}

void options_print_help(void)
{
	printf("wsmbench MODE URL [options]: puts a WebSocket server under load\n\n");
	for (size_t i = 0; i < options_n_modes; i++)
		printf("  %-8s %s\n", options_modes[i].name, options_modes[i].what);
	for (size_t i = 0; i < options_n_modes; i++)
		print_section(options_modes[i].mode);
	for (size_t i = 0; i < options_count; i++) {
		const unsigned modes = options_table[i].modes;

		if ((modes & (modes - 1)) != 0 && is_first_of_its_section(i))
			print_section(modes);
	}
	printf("\nExit code: 0 all was well, 1 something failed during the run, 2 wrong usage.\n"
	       "Ctrl-C ends a run early and still reports; a second one leaves at once.\n"
	       "Example: wsmbench echo ws://127.0.0.1:8080/ws -c 100 -d 16 -t 10\n");
}
