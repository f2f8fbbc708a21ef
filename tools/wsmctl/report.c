/* One place that speaks for wsmctl. */
#include "wsmctl/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "wsmctl/client.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"

static const struct {
	const char *code;
	int exit; /* enum wsmd_ctl_exit */
} exits[] = {
	{"not_found", WSMD_CTL_NO_TARGET},      {CLIENT_USAGE, WSMD_CTL_USAGE},
	{CLIENT_BAD_PATH, WSMD_CTL_USAGE},      {CLIENT_NO_DAEMON, WSMD_CTL_NO_DAEMON},
	{CLIENT_NO_ANSWER, WSMD_CTL_NO_DAEMON}, {CLIENT_BAD_ANSWER, WSMD_CTL_NO_DAEMON},
};

int report_usage(const struct invocation *in, const char *format, ...)
{
	va_list args;
	char *text;
	int rc;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		must(NULL);
	va_end(args);
	rc = report_error(in, client_error(CLIENT_USAGE, NULL, "%s", text));
	free(text);
	return rc;
}

void report_note(const char *text)
{
	fflush(stdout);
	fprintf(stderr, "wsmctl: %s\n", text);
}

void report_hint(const json_t *result)
{
	const json_t *hint = json_object_get(result, "hint");
	char *text;

	if (!json_is_string(hint))
		return;
	text = printable_json(hint);
	report_note(text);
	free(text);
}

size_t report_json_flags(void)
{
	const size_t always = JSON_REAL_PRECISION(15);

	/* A terminal gets escapes for what it might take for a command. */
	return always | (isatty(STDOUT_FILENO) ? JSON_INDENT(2) | JSON_ENSURE_ASCII : JSON_COMPACT);
}

int report_json(const json_t *value)
{
	char *text = must(json_dumps(value, report_json_flags()));

	puts(text);
	free(text);
	return WSMD_CTL_OK;
}

static void print_lines(const char *prefix, const json_t *lines)
{
	size_t i;
	const json_t *line;

	json_array_foreach(lines, i, line)
	{
		char *text = printable_json(line);

		fprintf(stderr, "%s%s\n", prefix, text);
		free(text);
	}
}

int report_error(const struct invocation *in, json_t *error)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	char *message = printable_json(json_object_get(error, "message"));
	const json_t *hint = json_object_get(error, "hint");
	int exit_code = WSMD_CTL_FAILED;

	/* What was printed before belongs above the sentence that ends it. */
	fflush(stdout);
	fprintf(stderr, "wsmctl: %s", message);
	if (json_is_string(hint)) {
		char *text = printable_json(hint);

		fprintf(stderr, "; %s", text);
		free(text);
	}
	fputc('\n', stderr);
	print_lines("  ", json_object_get(error, "faults"));
	if (in->option[OPTION_JSON] != NULL)
		report_json(error);
	for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
		if (strcmp(code, exits[i].code) == 0)
			exit_code = exits[i].exit;
	}
	free(message);
	json_decref(error);
	return exit_code;
}

int report_error_about(const struct invocation *in, const char *word, json_t *error)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	char *quoted;

	if (word == NULL || message == NULL || strcmp(code, "bad_request") != 0)
		return report_error(in, error);
	if (asprintf(&quoted, "\"%s\"", word) < 0)
		must(NULL);
	if (strstr(message, quoted) == NULL) {
		json_t *named = must(json_sprintf("%s: %s", quoted, message));

		if (json_object_set_new(error, "message", named) != 0)
			must(NULL);
	}
	free(quoted);
	return report_error(in, error);
}
