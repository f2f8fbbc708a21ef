/*
 * A chat server with wsmd inside; its rooms are groups: chat ADDR:PORT
 *
 *   /join ROOM, /leave ROOM     enter a room, leave it
 *   /say ROOM WORDS             to everybody else in the room
 *   anything else               comes back
 *
 * Connect as alice with any client: ws://ADDR:PORT/ws?user=alice
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wsmd/manager.h>

#define TEXT_MAX 1024

static struct wsmd_manager *manager; /* constant while callbacks run */

/* What somebody asked for, until its outcome is known. */
struct asked {
	char id[WSMD_ID_BYTES];
	char text[TEXT_MAX];
};

static void tell_outcome(void *user, const struct wsmd_outcome *o)
{
	struct asked *a = user;
	const struct wsmd_target to = {.size = sizeof(to), .connection = a->id};
	struct wsmd_message answer = {.size = sizeof(answer), .opcode = WSMD_TEXT};
	char text[TEXT_MAX + 128];

	answer.data = text;
	answer.len =
		(size_t)snprintf(text, sizeof(text), "%s: %s, %u delivered", a->text,
	                         o->error == 0 ? "done" : wsmd_error_text(o->error), o->delivered);
	/* Who has left in the meantime is not told: then nobody asks any more. */
	(void)wsmd_manager_send(manager, &to, &answer, NULL, NULL);
	free(a);
}

/* False: not a command. */
static bool begin(struct asked *a, const char *id)
{
	const struct wsmd_target self = {.size = sizeof(self), .connection = id};
	struct wsmd_target others = {.size = sizeof(others), .except_connections = &id};
	struct wsmd_message message = {.size = sizeof(message), .opcode = WSMD_TEXT};
	struct wsmd_outcome not_begun = {.size = sizeof(not_begun)};
	char room[64], words[TEXT_MAX];
	int err;

	if (sscanf(a->text, "/join %63s", room) == 1) {
		err = wsmd_manager_join(manager, &self, room, tell_outcome, a);
	} else if (sscanf(a->text, "/leave %63s", room) == 1) {
		err = wsmd_manager_leave(manager, &self, room, tell_outcome, a);
	} else if (sscanf(a->text, "/say %63s %1023[^\n]", room, words) == 2) {
		others.group = room;
		others.n_except_connections = 1;
		message.data = words;
		message.len = strlen(words);
		err = wsmd_manager_send(manager, &others, &message, tell_outcome, a);
	} else {
		return false;
	}
	not_begun.error = err;
	if (err < 0) /* then nobody else will say so */
		tell_outcome(a, &not_begun);
	return true;
}

static void on_open(void *user, struct wsmd_connection *c)
{
	(void)user;
	printf("%s came from %s\n", wsmd_connection_id(c), wsmd_connection_peer(c));
	(void)wsmd_connection_reply(c, WSMD_TEXT, "welcome", 7);
}

static void on_message(void *user, struct wsmd_connection *c, enum wsmd_opcode opcode, void *data,
                       size_t len)
{
	struct asked *a = len < TEXT_MAX && opcode == WSMD_TEXT ? calloc(1, sizeof(*a)) : NULL;

	(void)user;
	if (a != NULL) {
		memcpy(a->text, data, len);
		memcpy(a->id, wsmd_connection_id(c), sizeof(a->id));
	}
	if (a != NULL && begin(a, wsmd_connection_id(c)))
		return;
	free(a);
	(void)wsmd_connection_reply(c, opcode, data, len);
}

static void on_close(void *user, struct wsmd_connection *c, const struct wsmd_closed *why)
{
	(void)user;
	printf("%s left: %s\n", wsmd_connection_id(c), why->text);
}

static void on_fault(void *user, const char *line)
{
	(void)user;
	fprintf(stderr, "chat: %s\n", line);
}

/* Any name is believed, on this machine alone: that is what dev is. */
static int make_manager(const char *address)
{
	const struct wsmd_options options = {
		.size = sizeof(options),
		.on_open = on_open,
		.on_message = on_message,
		.on_close = on_close,
	};
	struct wsmd_config *config;
	int err = wsmd_config_new(&config);

	if (err < 0)
		return err;
	err = wsmd_config_dev(config);
	if (err == 0)
		err = wsmd_config_listen(config, address);
	if (err == 0)
		err = wsmd_config_set(config, "hubs.default.on_message", "callback", NULL);
	if (err == 0)
		err = wsmd_manager_create(config, &options, on_fault, NULL, &manager);
	wsmd_config_free(config);
	return err == 0 ? wsmd_manager_start(manager) : err;
}

int main(int argc, char **argv)
{
	char address[WSMD_ADDRESS_BYTES] = "";
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (make_manager(argc > 1 ? argv[1] : "127.0.0.1:8080") < 0)
		return 1; /* on_fault has said why */
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)wsmd_manager_address(manager, 0, address);
	printf("listening on %s\n", address);
	sigwait(&signals, &signal);
	return wsmd_manager_destroy(manager) < 0;
}
