/* The table of commands, and how a request finds its row. */
#include "server/command.h"

#include <string.h>

#include "base/text.h"
#include "wsmd/ctl.h"

static const struct command {
	const char *name;
	void (*run)(struct server *s, struct control *c, json_t *args);
} commands[] = {
	{"stats", command_stats},   {"ls", command_ls},       {"show", command_show},
	{"send", command_send},     {"kick", command_kick},   {"ping", command_ping},
	{"join", command_join},     {"leave", command_leave}, {"groups", command_groups},
	{"reload", command_reload}, {"drain", command_drain}, {"config", command_config},
	{"limits", command_limits}, {"why", command_why},     {"heartbeat", command_heartbeat},
	{"tap", command_tap},       {"token", command_token},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void unknown(struct server *s, struct control *c, const char *name) ON_MAIN;
static void unknown(struct server *s, struct control *c, const char *name)
{
	const char *names[ARRAY_LEN(commands)], *nearest;
	char message[200], safe[100];

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		names[i] = commands[i].name;
	nearest = text_nearest(name, names, ARRAY_LEN(names));
	snprintf(message, sizeof(message), "unknown command \"%s\"%s%s%s",
	         text_escape(safe, sizeof(safe), name, strlen(name)),
	         nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
	         nearest != NULL ? "?" : "");
	control_fail(s, c, "unknown_command", message, NULL, NULL);
}

bool command_overlaps(const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	return name != NULL && strcmp(name, "send") == 0;
}

void command_run(struct server *s, struct control *c, json_t *request)
{
	json_t *word = json_object_get(request, "command");
	const char *name = json_string_value(word);
	json_t *args = json_object_get(request, "arguments");
	const struct command *command;

	if (json_integer_value(json_object_get(request, "version")) != WSMD_CTL_VERSION) {
		control_fail(s, c, "bad_request",
		             "this wsmd speaks version 1 of the control protocol", NULL, NULL);
	} else if (name == NULL || strlen(name) < json_string_length(word) ||
	           (args != NULL && !json_is_object(args))) {
		control_fail(s, c, "bad_request",
		             "a request is {\"version\":1,\"command\":NAME,\"arguments\":{...}}",
		             NULL, NULL);
	} else if ((command = find(name)) == NULL) {
		unknown(s, c, name);
	} else {
		command->run(s, c, args);
	}
}
