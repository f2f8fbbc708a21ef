/* The one loop that reads the command line, and what options ask of each other. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "options_table.h"
#include "payload.h"
#include "version.h"

#define PER_ADDRESS  12000 /* connections: leaves room in the usual range of 28232 local ports */
#define LOOPBACK_NET 127
#define MAX_SESSIONS 15 /* of a wsmd's 16, so that wsmctl can be used beside it */

static enum options_verdict complain(const char *what, const char *arg)
{
	fprintf(stderr, "wsmbench: %s: %s (wsmbench --help)\n", arg, what);
	return OPTIONS_WRONG;
}

/* The row of "--name", "--name=value" or "-x" in this mode. */
static const struct option *find_option(enum bench_mode mode, const char *arg)
{
	const size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < options_count; i++) {
		const struct option *const o = &options_table[i];
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
	const char *names[OPTIONS_MAX];
	char what[96];
	size_t n = 0;

	for (size_t i = 0; i < options_count; i++)
		if (options_table[i].modes & mode)
			names[n++] = options_table[i].name;
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
	for (size_t i = 0; i < options_count; i++) {
		const struct option *const o = &options_table[i];
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
	for (size_t i = 0; i < options_count; i++)
		if (given >> i & 1 && strcmp(options_table[i].name, name) == 0)
			return true;
	return false;
}

/* Options that depend on each other. Returns what is wrong, or NULL. */
static const char *settle(struct options *o, uint64_t given)
{
	static char text[160];

	if (was_given(given, "rate") && was_given(given, "depth"))
		return "--rate decides when messages are sent, so -d has no meaning with it";
	if (o->mode == BENCH_FANOUT && o->depth > 0)
		o->rate = 0;
	if (o->publish && target_parse(o->publish, &o->publish_to) != NULL)
		return "--publish needs a URL such as ws://127.0.0.1:8080/pub";
	if (o->publish && (o->control || o->group))
		return "--publish sends on a connection, so --control and --group have no meaning";
	if (o->mixed && o->binary)
		return "--mixed is text, --binary is not";
	if (o->mixed && !payload_size_fits(o->size_bytes, PAYLOAD_MIXED))
		return "--mixed needs a size of 12 and a multiple of 3, so that it ends with a "
		       "whole character";
	if (o->stalled > 0 && o->stalled >= o->connections)
		return "--stalled leaves nobody who reads: it must be below -c";
	if ((o->mode & (BENCH_SLOW | BENCH_PUSH)) &&
	    (o->user_prefix[0] == '\0' || o->target.names_user))
		return "each connection needs a user of its own: --user-prefix, and none in the "
		       "URL";
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
	if (o->mode == BENCH_PUSH && o->threads > MAX_SESSIONS)
		return "each thread has a control session, of which a wsmd has 16: -T is too large";
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
		given |= UINT64_C(1) << (o - options_table);
	}
	if (!opts->url)
		return complain("the URL is missing, for example ws://127.0.0.1:8080/ws", argv[1]);
	wrong = target_parse(opts->url, &opts->target);
	if (wrong)
		return complain(wrong, opts->url);
	wrong = settle(opts, given);
	return wrong ? complain(wrong, argv[1]) : OPTIONS_RUN;
}

static enum options_verdict unknown_mode(const char *arg)
{
	char names[MODE_NAMES_MAX], what[sizeof(names) + 32];

	options_mode_names(BENCH_ANY, " or ", names, sizeof(names));
	snprintf(what, sizeof(what), "the first argument is %s", names);
	return complain(what, arg);
}

enum options_verdict options_parse(int argc, char **argv, struct options *ret)
{
	if (argc < 2) {
		fprintf(stderr, "usage: wsmbench MODE URL [options] (wsmbench --help)\n");
		return OPTIONS_WRONG;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			options_print_help();
			return OPTIONS_DONE;
		}
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("wsmbench %s (%s)\n", BENCH_VERSION, BENCH_COMMIT);
		return OPTIONS_DONE;
	}
	*ret = (struct options){0};
	for (size_t i = 0; i < options_n_modes; i++)
		if (strcmp(argv[1], options_modes[i].name) == 0)
			ret->mode = options_modes[i].mode;
	if (ret->mode == 0)
		return unknown_mode(argv[1]);
	preset(ret);
	return parse_rest(argc, argv, ret);
}
