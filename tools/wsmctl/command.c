/* Every option and every command that wsmctl knows, and what the manual says about them. */
#include "wsmctl/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

const struct option_row option_rows[OPTION_COUNT] = {
	[OPTION_CONTROL] = {"--control", "PATH", VALUE_PATH,
                            "the control socket of the wsmd to speak to"},
	[OPTION_JSON] = {"--json", NULL, VALUE_NONE,
                         "print the result, or the error, as JSON on standard output"},
	[OPTION_HUB] = {"--hub", "HUB", VALUE_TEXT,
                        "the hub of the user, the group or --all (default); a bare ls lists every "
                        "hub"},
	[OPTION_TIMEOUT] = {"--timeout", "S", VALUE_SECONDS,
                            "give up when wsmd does not answer within S seconds (10)"},
	[OPTION_HELP] = {"--help", NULL, VALUE_NONE, "explain wsmctl, or the command it stands by"},
	[OPTION_VERSION] = {"--version", NULL, VALUE_NONE, "print the version and end"},
	[OPTION_USER] = {"--user", "USER", VALUE_TEXT, "only the connections of this user"},
	[OPTION_SORT] = {"--sort", "KEY", VALUE_TEXT,
                         "those that come first by rate, rtt, score, queue or idle"},
	[OPTION_REVERSE] = {"--reverse", NULL, VALUE_NONE, "... those that come last"},
	[OPTION_MATCH] = {"--match", "TEXT", VALUE_TEXT, "... of users whose name contains TEXT"},
	[OPTION_LIMIT] = {"--limit", "N", VALUE_COUNT, "not more than N rows"},
	[OPTION_CONN] = {"--conn", "CONN", VALUE_TEXT, "to this connection instead of a user"},
	[OPTION_GROUP] = {"--group", "GROUP", VALUE_TEXT, "this group of the hub"},
	[OPTION_ALL] = {"--all", NULL, VALUE_NONE,
                        "send: to every connection of the hub; leave: every group"},
	[OPTION_EXCEPT] = {"--except", "USER|CONN", VALUE_LIST,
                           "but not to this user or connection; may be given up to 256 times"},
	[OPTION_EACH] = {"--each", NULL, VALUE_NONE,
                         "show what became of each connection, at most 1000"},
	[OPTION_BINARY] = {"--binary", NULL, VALUE_NONE, "as a binary message; any bytes will do"},
	[OPTION_MUST_DELIVER] = {"--must-deliver", NULL, VALUE_NONE,
                                 "exit with 4 when nobody was there to take it"},
	[OPTION_INTERVAL] = {"--interval", "S", VALUE_SECONDS,
                             "ping it after S seconds of silence"},
	[OPTION_RESET] = {"--reset", NULL, VALUE_NONE, "as the configuration says"},
	[OPTION_REASON] = {"--reason", "TEXT", VALUE_TEXT, "what the client is told (kicked)"},
	[OPTION_WATCH] = {"--watch", "SECONDS", VALUE_SECONDS_OPTIONAL,
                          "repeat every SECONDS (1), with rates"},
	[OPTION_EVENTS] = {"--events", NULL, VALUE_NONE, "with the last events of each connection"},
	[OPTION_PAYLOAD] = {"--payload", NULL, VALUE_NONE,
                            "with what the messages say, the first 512 bytes of each"},
	[OPTION_TTL] = {"--ttl", "TIME", VALUE_DURATION,
                        "valid for so long: seconds, or 15m, 12h, 7d (1h)"},
	[OPTION_MAN] = {"--man", NULL, VALUE_NONE, "print the manual page in roff"},
};

const struct command commands[] = {
	{
		.name = "stats",
		.usage = "[--watch [SECONDS]]",
		.summary = "show the counters of wsmd",
		.details = "Closes and refusals are listed by cause, causes that never occurred "
			   "are left\n"
			   "out. With --watch the terminal is repainted until q or Ctrl-C, with "
			   "rates and\n"
			   "without what is zero or never moves; when standard output is no "
			   "terminal, each\n"
			   "interval appends one line of rates, or with --json one line of JSON.",
		.options = OPTION_BIT(OPTION_WATCH),
		.run = stats_run,
	},
	{
		.name = "ls",
		.usage = "[--hub HUB] [--user USER] [--limit N] [--sort KEY [--reverse] [--match "
			 "TEXT]]",
		.summary = "list the connections",
		.details = "On a terminal the table is fitted to its width: user names are cut, "
			   "then columns\n"
			   "are left out, connection ids are always whole. With --sort only the "
			   "first are\n"
			   "listed, 1000 at most: the busiest (messages a second since somebody "
			   "looked last,\n"
			   "or of the whole life), the longest round trip, the lowest score, the "
			   "longest\n"
			   "queue, the longest silence.",
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_USER) |
                           OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_SORT) |
                           OPTION_BIT(OPTION_REVERSE) | OPTION_BIT(OPTION_MATCH),
		.run = list_run,
	},
	{
		.name = "top",
		.usage = "[--sort KEY] [--reverse] [--match TEXT] [--hub HUB]",
		.summary = "watch the connections that come first by a key",
		.details = "Takes the terminal until q or Ctrl-C. Keys: r rate, t round trip, s "
			   "score, w waiting\n"
			   "bytes, i idle, R the other way round, / only users whose name contains "
			   "what is\n"
			   "typed (Esc: all again). ls --sort KEY lists the same once.",
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_SORT) |
                           OPTION_BIT(OPTION_REVERSE) | OPTION_BIT(OPTION_MATCH),
		.run = top_run,
	},
	{
		.name = "show",
		.usage = "USER|CONN [--hub HUB]",
		.summary = "show all that is known about a connection, or a user's connections",
		.min_args = 1,
		.max_args = 1,
		.options = OPTION_BIT(OPTION_HUB),
		.run = show_run,
	},
	{
		.name = "why",
		.usage = "USER|CONN|ID [--hub HUB] [--limit N] [--events]",
		.summary = "say why a connection ended, with the evidence",
		.details = "ID is what close reasons and the log call id. Those who are connected "
			   "come first,\n"
			   "then the N (1) that ended last. wsmd remembers as many as fit into\n"
			   "recorder.closed_bytes.",
		.min_args = 1,
		.max_args = 1,
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_LIMIT) |
                           OPTION_BIT(OPTION_EVENTS),
		.run = why_run,
	},
	{
		.name = "tap",
		.usage = "USER|CONN [--payload] [--hub HUB]",
		.summary = "follow the frames of a connection, or of a user's connections",
		.details = "One line for each message, ping and pong, and one for the end, until "
			   "Ctrl-C,\n"
			   "the end of the connection or of wsmd; a user's connections that come "
			   "later are\n"
			   "followed too.\n"
			   "What messages say is hidden without --payload. What this terminal is "
			   "too slow\n"
			   "for is left out and counted; nobody else waits. wsmd logs who taps "
			   "whom.",
		.min_args = 1,
		.max_args = 1,
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_PAYLOAD),
		.run = tap_run,
	},
	{
		.name = "send",
		.usage =
			"(USER | --conn CONN | --group GROUP | --all) TEXT [--hub HUB] [--binary]\n"
			"       [--except USER|CONN ...] [--each] [--must-deliver]",
		.summary = "send a message",
		.details = "TEXT is the message; when it is \"-\", the message is all that "
			   "standard input\n"
			   "has, to the last byte. \"delivered\" counts the connections it was "
			   "queued for. To\n"
			   "reach nobody is no failure unless --must-deliver says so. Sends to a "
			   "user and to\n"
			   "his connections are numbered: all of them get the same order.",
		.min_args = 1,
		.max_args = 2,
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_CONN) |
                           OPTION_BIT(OPTION_GROUP) | OPTION_BIT(OPTION_ALL) |
                           OPTION_BIT(OPTION_EXCEPT) | OPTION_BIT(OPTION_EACH) |
                           OPTION_BIT(OPTION_BINARY) | OPTION_BIT(OPTION_MUST_DELIVER),
		.run = send_run,
	},
	{
		.name = "join",
		.usage = "GROUP USER|CONN [--hub HUB]",
		.summary = "put a connection, or all connections of a user, into a group",
		.details = "A group exists while somebody is in it. Connections that the user "
			   "opens later are\n"
			   "not in it. To be in it already is no failure.",
		.min_args = 2,
		.max_args = 2,
		.options = OPTION_BIT(OPTION_HUB),
		.run = join_run,
	},
	{
		.name = "leave",
		.usage = "(GROUP | --all) USER|CONN [--hub HUB]",
		.summary = "take a connection, or all connections of a user, out of a group",
		.details = "Not to be in it is no failure. Whoever closes leaves all groups by "
			   "that.",
		.min_args = 1,
		.max_args = 2,
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_ALL),
		.run = leave_run,
	},
	{
		.name = "groups",
		.usage = "[USER|CONN | --group GROUP] [--hub HUB] [--limit N]",
		.summary = "list the groups of a hub, a user or a connection",
		.details = "With the number of connections in each: all of them, or those of the "
			   "user. With\n"
			   "--group only that one; exit code 4 when there is no such group.",
		.max_args = 1,
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_GROUP) |
                           OPTION_BIT(OPTION_LIMIT),
		.run = groups_run,
	},
	{
		.name = "kick",
		.usage = "USER|CONN [--hub HUB] [--reason TEXT]",
		.summary = "close a connection, or all connections of a user",
		.min_args = 1,
		.max_args = 1,
		.options = OPTION_BIT(OPTION_HUB) | OPTION_BIT(OPTION_REASON),
		.run = kick_run,
	},
	{
		.name = "ping",
		.usage = "CONN",
		.summary = "measure the round trip to a client",
		.min_args = 1,
		.max_args = 1,
		.run = ping_run,
	},
	{
		.name = "heartbeat",
		.usage = "CONN [--interval S] [--timeout S] [--reset]",
		.summary = "show or change the heartbeat of one connection",
		.details =
			"--timeout is that of the heartbeat here: S seconds, times grace_factor, "
			"of\n"
			"silence make it dead. What is not named stays as it is. Both hold until "
			"--reset,\n"
			"whatever a reload brings.",
		.min_args = 1,
		.max_args = 1,
		.options = OPTION_BIT(OPTION_INTERVAL) | OPTION_BIT(OPTION_RESET),
		.run = heartbeat_run,
	},
	{
		.name = "token",
		.usage = "USER [--ttl TIME]",
		.summary = "print a token with which a client is let in as this user",
		.details = "Signed with the first secret that auth.keys holds, for auth.audience. "
			   "Who has it\n"
			   "is the user until it expires, so treat it like a password.",
		.min_args = 1,
		.max_args = 1,
		.options = OPTION_BIT(OPTION_TTL),
		.run = token_run,
	},
	{
		.name = "reload",
		.usage = "",
		.summary = "make wsmd read its configuration again",
		.details = "Prints what has changed, and whether it holds already or needs a "
			   "restart. A\n"
			   "configuration with faults is refused as a whole; the old one stays.",
		.run = reload_run,
	},
	{
		.name = "drain",
		.usage = "",
		.summary = "make wsmd refuse new connections and let go of the old ones",
		.run = drain_run,
	},
	{
		.name = "config",
		.usage = "",
		.summary = "print the effective configuration",
		.run = config_run,
	},
	{
		.name = "limits",
		.usage = "",
		.summary = "show every limit, how near it is, how often it was hit",
		.details =
			"FROM says who has set it; where that is descriptors, memory or machine, "
			"wsmd\nfound it out at its start (wsmd --plan shows how). PEAK is the most "
			"since then.",
		.run = limits_run,
	},
	{
		.name = "help",
		.usage = "[COMMAND] [--man]",
		.summary = "explain wsmctl or one of its commands",
		.max_args = 1,
		.options = OPTION_BIT(OPTION_MAN),
		.run = help_run,
	},
};

const size_t n_commands = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

const char *command_nearest(const char *name)
{
	const char *names[ARRAY_LEN(commands)];

	for (size_t i = 0; i < n_commands; i++)
		names[i] = commands[i].name;
	return text_nearest(name, names, n_commands);
}

double option_number(const struct invocation *in, enum option_id id, double otherwise)
{
	const char *text = in->option[id];

	return text != NULL && *text != '\0' ? strtod(text, NULL) : otherwise;
}

#define DURATION_MAX_S (366L * 24 * 3600)

bool duration_parse(const char *text, long *ret_s)
{
	static const char units[] = "smhd";
	static const long seconds[] = {1, 60, 3600, 86400};
	const size_t digits = strspn(text, "0123456789");
	const char *const unit = text[digits] != '\0' ? strchr(units, text[digits]) : units;

	if (digits < 1 || digits > 9 || unit == NULL ||
	    (text[digits] != '\0' && text[digits + 1] != '\0'))
		return false;
	*ret_s = strtol(text, NULL, 10) * seconds[unit - units];
	return *ret_s >= 1 && *ret_s <= DURATION_MAX_S;
}

long option_duration_s(const struct invocation *in, enum option_id id, long otherwise)
{
	long s = otherwise;

	if (in->option[id] != NULL)
		(void)duration_parse(in->option[id], &s);
	return s;
}
