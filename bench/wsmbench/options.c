/* The table of options and the one loop that reads it. */
#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "payload.h"
#include "version.h"

#define ANY          (BENCH_ECHO | BENCH_IDLE | BENCH_CONNECT | BENCH_FANOUT)
#define PER_ADDRESS  12000 /* connections: leaves room in the usual range of 28232 local ports */
#define MAX_CONNS    1000000
#define MAX_SECONDS  86400
#define MAX_MESSAGE  (16 << 20)
#define MAX_RATE     1000 /* fanout: main waits in milliseconds */
#define LOOPBACK_NET 127

enum kind {
	FLAG,
	COUNT,
	REAL,
	TEXT, /* of a URL */
	PATH,
	RANGE,
	STEPS
};

struct option {
	unsigned modes;
	char letter;
	const char *name, *value; /* name of the value in the help; NULL for a flag */
	enum kind kind;
	size_t at; /* of the field in struct options */
	double min, max, preset;
	const char *help;
};

#define FIELD(f) offsetof(struct options, f)

/* An option that differs between modes has one row for each of its forms. */
static const struct option table[] = {
	{BENCH_ECHO, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 100,
         "connections, all opened before the measurement (100)"},
	{BENCH_IDLE, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 1000,
         "connections to hold (1000, or the last of --steps)"},
	{BENCH_CONNECT, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 32,
         "connections that are opening or closing at the same time (32)"},
	{BENCH_FANOUT, 'c', "connections", "N", COUNT, FIELD(connections), 1, MAX_CONNS, 1000,
         "receivers, all opened before the measurement (1000)"},
	{BENCH_FANOUT, 's', "size", "BYTES", COUNT, FIELD(size_bytes), PAYLOAD_STAMP + PAYLOAD_HEAD,
         1 << 20, 100, "size of a message (100)"},
	{BENCH_FANOUT, 0, "rate", "PER_S", REAL, FIELD(rate), 0.01, MAX_RATE, 10,
         "messages a second, each to every receiver, due at fixed times (10)"},
	{BENCH_FANOUT, 0, "stalled", "N", COUNT, FIELD(stalled), 0, MAX_CONNS, 0,
         "of the receivers never read, and are in no number of the report (0)"},
	{BENCH_FANOUT, 0, "group", "NAME", TEXT, FIELD(group), 0, 0, 0,
         "make all receivers members of it and send to it, not to all"},
	{BENCH_FANOUT, 0, "control", "PATH", PATH, FIELD(control), 0, 0, 0,
         "control socket of the server; where wsmctl looks"},
	{BENCH_ECHO, 's', "size", "BYTES", COUNT, FIELD(size_bytes), PAYLOAD_HEAD, MAX_MESSAGE, 20,
         "size of a message (20)"},
	{BENCH_ECHO, 'd', "depth", "N", COUNT, FIELD(depth), 1, 65536, 1,
         "messages in flight on each connection (1); not with --rate"},
	{BENCH_ECHO, 0, "binary", NULL, FLAG, FIELD(binary), 0, 1, 0, "binary messages, not text"},
	{BENCH_ECHO, 0, "rate", "PER_S", REAL, FIELD(rate), 0.01, 1e8, 0,
         "open loop: messages a second in all, due at fixed times"},
	{BENCH_ECHO, 0, "messages", "N", COUNT, FIELD(messages), 1, 1e15, 0,
         "stop after N messages in all; no warm-up, no limit of time unless -t"},
	{BENCH_ECHO | BENCH_CONNECT | BENCH_FANOUT, 't', "time", "S", REAL, FIELD(seconds), 0.01,
         MAX_SECONDS, 10, "length of the measurement in seconds (10)"},
	{BENCH_ECHO | BENCH_FANOUT, 'w', "warmup", "S", REAL, FIELD(warmup_s), 0, MAX_SECONDS, 1,
         "seconds of load before it, not measured (1)"},
	{BENCH_IDLE, 0, "steps", "N,N,...", STEPS, FIELD(steps), 0, 0, 0,
         "measure memory at each of these numbers and fit a line"},
	{BENCH_IDLE, 0, "hold", "S", REAL, FIELD(hold_s), 0, MAX_SECONDS, 5,
         "seconds to hold all connections, answering pings (5)"},
	{BENCH_ECHO | BENCH_IDLE | BENCH_FANOUT, 0, "in-flight", "N", COUNT, FIELD(in_flight), 1,
         65536, 128, "handshakes at the same time (128)"},
	{ANY, 'T', "threads", "N", COUNT, FIELD(threads), 1, 64, 1, "threads of wsmbench (1)"},
	{ANY, 0, "from", "IP[-IP]", RANGE, FIELD(from), 0, 0, 0,
         "local addresses to connect from; 127.0.0.1-127.0.0.8 to a loopback server"},
	{ANY, 0, "pid", "PID", COUNT, FIELD(pid), 1, 1e9, 0,
         "process of the server: measure its CPU time and memory"},
	{ANY, 0, "user-prefix", "TEXT", TEXT, FIELD(user_prefix), 0, 0, 0,
         "connection I asks for ?user=TEXT<I> (bench); empty: leave the URL alone"},
	{ANY, 0, "progress", NULL, FLAG, FIELD(progress), 0, 1, 0,
         "a line each second on stderr even if it is not a terminal"},
	{ANY, 0, "json", NULL, FLAG, FIELD(json), 0, 1, 0, "report as one JSON object"},
};

static_assert(ARRAY_LEN(table) <= 64, "one bit each for what was given");

static const struct {
	enum bench_mode mode;
	const char *name, *what;
} modes[] = {
	{BENCH_ECHO, "echo", "send messages, check the replies, measure rate and latency"},
	{BENCH_IDLE, "idle", "hold connections, measure memory for each"},
	{BENCH_CONNECT, "connect", "open and close connections, measure handshakes a second"},
	{BENCH_FANOUT, "fanout", "send to all receivers at once, check and time every delivery"},
};

const char *options_mode_name(const struct options *o)
{
	size_t i = 0;

	while (modes[i].mode != o->mode)
		i++;
	return modes[i].name;
}

static void print_options(unsigned mask, const char *title)
{
	printf("\n%s\n", title);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option *const o = &table[i];
		char left[40];

		if (o->modes != mask)
			continue;
		snprintf(left, sizeof(left), "%c%c --%s %s", o->letter ? '-' : ' ',
		         o->letter ? o->letter : ' ', o->name, o->value ? o->value : "");
		printf("  %-24s %s\n", left, o->help);
	}
}

static void print_help(void)
{
	printf("wsmbench MODE URL [options]: puts a WebSocket server under load\n\n");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		printf("  %-8s %s\n", modes[i].name, modes[i].what);
	print_options(BENCH_ECHO, "echo:");
	print_options(BENCH_IDLE, "idle:");
	print_options(BENCH_CONNECT, "connect:");
	print_options(BENCH_FANOUT, "fanout:");
	print_options(BENCH_ECHO | BENCH_FANOUT, "echo and fanout:");
	print_options(BENCH_ECHO | BENCH_IDLE | BENCH_FANOUT, "echo, idle and fanout:");
	print_options(BENCH_ECHO | BENCH_CONNECT | BENCH_FANOUT, "echo, connect and fanout:");
	print_options(ANY, "all:");
	printf("\nExit code: 0 all was well, 1 something failed during the run, 2 wrong usage.\n"
	       "Ctrl-C ends a run early and still reports; a second one leaves at once.\n"
	       "Example: wsmbench echo ws://127.0.0.1:8080/ws -c 100 -d 16 -t 10\n");
}

static enum options_verdict complain(const char *what, const char *arg)
{
	fprintf(stderr, "wsmbench: %s: %s (wsmbench --help)\n", arg, what);
	return OPTIONS_WRONG;
}

/* The row of "--name", "--name=value" or "-x" in this mode. */
static const struct option *find_option(enum bench_mode mode, const char *arg)
{
	const size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option *const o = &table[i];
		const bool is_long = strncmp(arg, "--", 2) == 0 && strlen(o->name) == len - 2 &&
		                     strncmp(arg + 2, o->name, len - 2) == 0;
		const bool is_short = o->letter && arg[1] == o->letter && arg[2] == '\0';

		if ((o->modes & mode) && (is_long || is_short))
			return o;
	}
	return NULL;
}

static enum options_verdict unknown_option(enum bench_mode mode, const char *arg)
{
	const char *names[ARRAY_LEN(table)];
	char what[96];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].modes & mode)
			names[n++] = table[i].name;
	const char *const near = text_nearest(arg + strspn(arg, "-"), names, n);

	if (near)
		snprintf(what, sizeof(what), "no such option in this mode; did you mean --%s?",
		         near);
	else
		snprintf(what, sizeof(what), "no such option in this mode");
	return complain(what, arg);
}

static bool parse_number(const struct option *o, const char *text, double *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9' || text[strspn(text, "0123456789.e")] != '\0')
		return false; /* strtod() also knows inf, nan, hexadecimal and signs */
	*ret = strtod(text, &end);
	if (*end != '\0' || !(*ret >= o->min && *ret <= o->max))
		return false;
	return o->kind != COUNT || *ret == (double)(uint64_t)*ret;
}

static bool parse_steps(const char *text, struct steps *ret)
{
	struct steps s = {0};

	while (s.n < MAX_STEPS) {
		char *end;
		const unsigned long long v = strtoull(text, &end, 10);

		if (end == text || text[0] < '0' || text[0] > '9' || v > MAX_CONNS ||
		    v <= (s.n ? s.at[s.n - 1] : 0))
			return false;
		s.at[s.n++] = (uint32_t)v;
		if (*end == '\0') {
			*ret = s;
			return true;
		}
		if (*end != ',')
			return false;
		text = end + 1;
	}
	return false;
}

static const char *store(struct options *opts, const struct option *o, const char *text)
{
	static char range[96];
	char *const field = (char *)opts + o->at;
	double number;

	switch (o->kind) {
	case FLAG:
		*(bool *)field = true;
		return NULL;
	case TEXT:
		if (strlen(text) > 64 || strpbrk(text, " &#?%+=\"\\") || strpbrk(text, "\r\n\t"))
			return "at most 64 characters that need no encoding in a URL";
		*(const char **)(void *)field = text;
		return NULL;
	case PATH:
		*(const char **)(void *)field = text;
		return NULL;
	case RANGE:
		return source_range_parse(text, (struct source_range *)(void *)field) == 0
		               ? NULL
		               : "one IPv4 address or a range of at most 256, first-last";
	case STEPS:
		return parse_steps(text, (struct steps *)(void *)field)
		               ? NULL
		               : "ascending numbers with commas between them";
	case COUNT:
	case REAL:
		break;
	}
	if (!parse_number(o, text, &number)) {
		snprintf(range, sizeof(range), "%s is not a%s number from %.15g to %.15g", text,
		         o->kind == COUNT ? " whole" : "", o->min, o->max);
		return range;
	}
	if (o->kind == COUNT)
		*(uint64_t *)(void *)field = (uint64_t)number;
	else
		*(double *)(void *)field = number;
	return NULL;
}

static void preset(struct options *opts)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct option *const o = &table[i];
		char *const field = (char *)opts + o->at;

		if (!(o->modes & opts->mode))
			continue;
		if (o->kind == COUNT)
			*(uint64_t *)(void *)field = (uint64_t)o->preset;
		else if (o->kind == REAL)
			*(double *)(void *)field = o->preset;
	}
	opts->user_prefix = "bench";
}

static bool was_given(uint64_t given, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (given >> i & 1 && strcmp(table[i].name, name) == 0)
			return true;
	return false;
}

/* Options that depend on each other. Returns what is wrong, or NULL. */
static const char *settle(struct options *o, uint64_t given)
{
	static char text[160];

	if (o->rate > 0 && was_given(given, "depth"))
		return "--rate decides when messages are sent, so -d has no meaning with it";
	if (o->stalled > 0 && o->stalled >= o->connections)
		return "--stalled leaves nobody who reads: it must be below -c";
	if (o->group && (o->group[0] == '\0' || o->user_prefix[0] == '\0'))
		return "--group needs a name, and users to make members (--user-prefix)";
	if (o->messages > 0 && !was_given(given, "time"))
		o->seconds = MAX_SECONDS;
	if (o->messages > 0)
		o->warmup_s = 0;
	if (o->steps.n > 0)
		o->connections = o->steps.at[o->steps.n - 1];
	else
		o->steps = (struct steps){.n = 1, .at = {(uint32_t)o->connections}};
	if (o->threads > o->connections)
		o->threads = o->connections;
	if (o->from.count == 0 && o->target.addr.family == 4 &&
	    o->target.addr.ip[0] == LOOPBACK_NET)
		o->from = (struct source_range){.first = 0x7F000001, .count = 8};
	if (o->from.count > 0 && o->target.addr.family != 4)
		return "--from gives IPv4 addresses, but the server's is IPv6";
	if (o->connections > (uint64_t)PER_ADDRESS * (o->from.count ? o->from.count : 1)) {
		snprintf(text, sizeof(text),
		         "too few source addresses: %d connections each, so --from needs %llu",
		         PER_ADDRESS,
		         (unsigned long long)(o->connections + PER_ADDRESS - 1) / PER_ADDRESS);
		return text;
	}
	return NULL;
}

/* Reads argv from the URL on. */
static enum options_verdict parse_rest(int argc, char **argv, struct options *opts)
{
	uint64_t given = 0;
	const char *wrong;

	for (int i = 2; i < argc; i++) {
		const char *const arg = argv[i];
		const char *value = strncmp(arg, "--", 2) == 0 ? strchr(arg, '=') : NULL;

		if (arg[0] != '-') {
			if (opts->url)
				return complain("more than one URL", arg);
			opts->url = arg;
			continue;
		}
		const struct option *const o = find_option(opts->mode, arg);

		if (!o)
			return unknown_option(opts->mode, arg);
		if (o->kind == FLAG && value)
			return complain("this option has no value", arg);
		if (o->kind != FLAG && value)
			value++;
		else if (o->kind != FLAG && ++i < argc)
			value = argv[i];
		if (o->kind != FLAG && !value)
			return complain("a value is missing", arg);
		wrong = store(opts, o, value);
		if (wrong)
			return complain(wrong, arg);
		given |= UINT64_C(1) << (o - table);
	}
	if (!opts->url)
		return complain("the URL is missing, for example ws://127.0.0.1:8080/ws", argv[1]);
	wrong = target_parse(opts->url, &opts->target);
	if (wrong)
		return complain(wrong, opts->url);
	wrong = settle(opts, given);
	return wrong ? complain(wrong, argv[1]) : OPTIONS_RUN;
}

enum options_verdict options_parse(int argc, char **argv, struct options *ret)
{
	if (argc < 2) {
		fprintf(stderr, "usage: wsmbench echo|idle|connect|fanout URL [options] (wsmbench "
		                "--help)\n");
		return OPTIONS_WRONG;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help();
			return OPTIONS_DONE;
		}
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("wsmbench %s (%s)\n", BENCH_VERSION, BENCH_COMMIT);
		return OPTIONS_DONE;
	}
	*ret = (struct options){0};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			ret->mode = modes[i].mode;
	if (ret->mode == 0)
		return complain("the first argument is echo, idle, connect or fanout", argv[1]);
	preset(ret);
	return parse_rest(argc, argv, ret);
}

static json_t *range_json(const struct source_range *r)
{
	char text[64];
	const uint32_t last = r->first + r->count - 1;

	if (r->count == 0)
		return json_null();
	snprintf(text, sizeof(text), "%u.%u.%u.%u-%u.%u.%u.%u", r->first >> 24,
	         r->first >> 16 & 255, r->first >> 8 & 255, r->first & 255, last >> 24,
	         last >> 16 & 255, last >> 8 & 255, last & 255);
	return json_string(text);
}

static json_t *value_json(const struct option *o, const char *field)
{
	switch (o->kind) {
	case FLAG:
		return json_boolean(*(const bool *)field);
	case COUNT:
		return json_integer((json_int_t) * (const uint64_t *)(const void *)field);
	case REAL:
		return json_real(*(const double *)(const void *)field);
	case TEXT:
	case PATH:
		if (!*(const char *const *)(const void *)field)
			return json_null();
		return json_string(*(const char *const *)(const void *)field);
	case RANGE:
		return range_json((const struct source_range *)(const void *)field);
	case STEPS:
		break;
	}
	const struct steps *const s = (const struct steps *)(const void *)field;
	json_t *const list = json_array();

	for (uint32_t i = 0; i < s->n; i++)
		json_array_append_new(list, json_integer(s->at[i]));
	return list;
}

json_t *options_json(const struct options *opts)
{
	json_t *const all = json_object();

	json_object_set_new(all, "url", json_string(opts->url));
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].modes & opts->mode)
			json_object_set_new(
				all, table[i].name,
				value_json(&table[i], (const char *)opts + table[i].at));
	return all;
}
