/* tap: frames of a user or a connection, a line for each as it comes. */
#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/terminal.h"

static const char *string(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));

	return text != NULL ? text : "";
}

/* @width: at least so many columns, from the right when it is negative; absent: nothing at all */
static void print_member(const json_t *event, const char *before, int width, const char *name)
{
	const json_t *value = json_object_get(event, name);
	char *text;

	if (value == NULL)
		return;
	text = printable_json(value);
	printf("%s%*s", before, width, text);
	free(text);
}

/* "2026-01-31T23:59:59.123Z rhmq... in  text   5  hello" */
static void print_event(const json_t *event)
{
	const json_t *missed = json_object_get(event, "missed");

	if (missed != NULL)
		printf("... %lld left out\n", (long long)json_integer_value(missed));
	print_member(event, "", 0, "at");
	print_member(event, "  ", 0, "connection");
	print_member(event, "  ", -6, "event");
	print_member(event, "  ", -6, "opcode");
	print_member(event, "  ", 7, "bytes");
	print_member(event, "  ", 0, "reason");
	print_member(event, "  ", 0, "code");
	print_member(event, "  ", 0, "text");
	print_member(event, "  base64 ", 0, "binary");
	puts(json_is_true(json_object_get(event, "cut")) ? " ..." : "");
}

static void print_head(const struct invocation *in, const json_t *result)
{
	char head[160];

	snprintf(head, sizeof(head), "following %lld connection%s; %s",
	         (long long)json_integer_value(json_object_get(result, "connections")),
	         json_integer_value(json_object_get(result, "connections")) == 1 ? "" : "s",
	         in->option[OPTION_PAYLOAD] != NULL
	                 ? "what messages say is shown"
	                 : "what messages say is hidden, --payload shows it");
	report_note(head);
}

static void print_line(const struct invocation *in, const json_t *line)
{
	char *text;

	if (in->option[OPTION_JSON] == NULL) {
		print_event(line);
	} else {
		text = must(json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII));
		puts(text);
		free(text);
	}
	fflush(stdout);
}

/* Returns: NULL when wsmd has said that this was all, or what went wrong */
static json_t *follow(struct invocation *in)
{
	json_t *line, *error = NULL;
	bool more = true;

	while (more && (line = client_next(&in->client, &error)) != NULL) {
		print_line(in, line);
		more = strcmp(string(line, "event"), "end") != 0;
		json_decref(line);
	}
	return error;
}

int tap_run(struct invocation *in)
{
	json_t *error, *result;

	in->client.streams = true;
	terminal_open(false);
	result = client_request(&in->client, "tap",
	                        must(json_pack("{s:s, s:s*, s:b}", "target", in->args[0], "hub",
	                                       in->option[OPTION_HUB], "payload",
	                                       in->option[OPTION_PAYLOAD] != NULL)),
	                        &error);
	if (result == NULL)
		return report_error_about(in, in->args[0], error);
	if (in->option[OPTION_JSON] != NULL)
		print_line(in, result);
	else
		print_head(in, result);
	json_decref(result);
	error = follow(in);
	return error == NULL ? WSMD_CTL_OK : report_error(in, error);
}
