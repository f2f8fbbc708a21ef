/* A program that knows of wsmd what was installed: a manager comes, is asked, and goes. */
#include <stdio.h>
#include <string.h>

#include <wsmd/manager.h>

/* Names of the library's inside, which are the program's own business. */
int table_find(void);
int conn_close(void);

int table_find(void)
{
	return 1;
}

int conn_close(void)
{
	return 2;
}

static bool quiet(void *user, enum wsmd_log_level level, const char *line, size_t len)
{
	(void)level;
	(void)line;
	*(size_t *)user += len;
	return true;
}

static void complain(void *user, const char *line)
{
	(void)user;
	fprintf(stderr, "%s\n", line);
}

/* True: nobody was there, and the outcome says so. */
static bool sends_to_nobody(struct wsmd_manager *m)
{
	const struct wsmd_target to = {.size = sizeof(to), .user = "nobody"};
	const struct wsmd_message hello = {
		.size = sizeof(hello), .opcode = WSMD_TEXT, .data = "hello", .len = 5};
	struct wsmd_outcome outcome = {.size = sizeof(outcome)};

	return wsmd_manager_send_wait(m, &to, &hello, &outcome) == 0 &&
	       outcome.error == WSMD_ENOENT;
}

int main(void)
{
	size_t logged = 0;
	const struct wsmd_options options = {
		.size = sizeof(options), .user = &logged, .log = quiet};
	char address[WSMD_ADDRESS_BYTES] = "";
	struct wsmd_config *config;
	struct wsmd_manager *m;
	bool good;

	if (wsmd_config_new(&config) < 0 || wsmd_config_listen(config, "127.0.0.1:0") < 0 ||
	    wsmd_manager_create(config, &options, complain, NULL, &m) < 0)
		return 1;
	wsmd_config_free(config);
	good = wsmd_manager_start(m) == 0 && sends_to_nobody(m) &&
	       wsmd_manager_address(m, 0, address) == 0;
	if (wsmd_manager_destroy(m) < 0 || !good || logged == 0 || table_find() + conn_close() != 3)
		return 1;
	printf("%s %s %s\n", WSMD_VERSION, address, wsmd_error_text(WSMD_ENOENT));
	return 0;
}
