/* send: one message to a user, a connection, a group or all. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"

struct payload {
	char *bytes;
	size_t len;
};

/* Returns: 0, or an exit code after saying why */
static int read_stdin(const struct invocation *in, struct payload *p)
{
	size_t cap = 0;

	for (;;) {
		ssize_t n;

		if (p->len == cap) {
			cap = cap == 0 ? 16 * 1024 : 2 * cap;
			p->bytes = must(realloc(p->bytes, cap));
		}
		n = read(STDIN_FILENO, p->bytes + p->len, cap - p->len);
		if (n == 0)
			return WSMD_CTL_OK;
		if (n < 0)
			return report_error(in, client_error(CLIENT_UNREADABLE, NULL,
			                                     "cannot read standard input: %s",
			                                     strerror(errno)));
		p->len += (size_t)n;
		/* Even as plain text it would not fit into the request. */
		if (p->len > WSMD_CTL_MAX_LINE)
			return report_usage(in,
			                    "the message on standard input is longer than the %u "
			                    "bytes the control protocol takes",
			                    WSMD_CTL_MAX_LINE);
	}
}

static char *base64(const struct payload *p)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = must(malloc((p->len + 2) / 3 * 4 + 1)), *out = text;

	for (size_t i = 0; i < p->len; i += 3) {
		const size_t have = p->len - i < 3 ? p->len - i : 3;
		uint32_t group = 0;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (k < have ? (uint8_t)p->bytes[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			*out++ = k <= have ? digits[group >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
	return text;
}

/* The member that carries the message; NULL: text that is not UTF-8. */
static json_t *payload_member(const struct invocation *in, const struct payload *p)
{
	json_t *value;
	char *text;

	if (in->option[OPTION_BINARY] == NULL)
		return json_stringn(p->len > 0 ? p->bytes : "", p->len);
	text = base64(p);
	value = must(json_string(text));
	free(text);
	return value;
}

/* Everybody that --except names, or NULL. */
static json_t *exceptions(const struct invocation *in)
{
	json_t *list = in->n_list > 0 ? must(json_array()) : NULL;

	for (size_t i = 0; i < in->n_list; i++)
		json_array_append_new(list, json_string(in->list[i]));
	return list;
}

/* How the target is named that is no user, or NULL. */
static const char *target_option(const struct invocation *in)
{
	static const enum option_id ids[] = {OPTION_ALL, OPTION_CONN, OPTION_GROUP};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (in->option[ids[i]] != NULL)
			return option_rows[ids[i]].name;
	return NULL;
}

/* Owns: takes @message. Returns: the arguments of the request */
static json_t *target_and(const struct invocation *in, json_t *message)
{
	const char *const *option = in->option;
	const char *user = target_option(in) == NULL ? in->args[0] : NULL;

	return must(json_pack("{s:s*, s:s*, s:s*, s:o*, s:s*, s:o*, s:o*, s:o}", "user", user,
	                      "connection", option[OPTION_CONN], "group", option[OPTION_GROUP],
	                      "all", option[OPTION_ALL] != NULL ? json_true() : NULL, "hub",
	                      option[OPTION_HUB], "except", exceptions(in), "each",
	                      option[OPTION_EACH] != NULL ? json_true() : NULL,
	                      option[OPTION_BINARY] != NULL ? "binary" : "text", message));
}

/* Returns: the word that is the message, or NULL after complaining */
static const char *message_word(const struct invocation *in)
{
	const char *named = target_option(in);
	const size_t words = named != NULL ? 1 : 2;
	const int targets = (in->option[OPTION_ALL] != NULL) + (in->option[OPTION_CONN] != NULL) +
	                    (in->option[OPTION_GROUP] != NULL);

	if (targets > 1)
		report_usage(in, "send takes one of USER, --conn, --group and --all");
	else if (in->n_args > words)
		report_usage(in, "send %s takes one TEXT and no USER: \"%s\" is one too many",
		             named, in->args[words]);
	else if (in->n_args < words)
		report_usage(in, "send needs a TEXT for \"%s\"", in->args[0]);
	else
		return in->args[words - 1];
	return NULL;
}

/* A name of the protocol as words. Owns: the caller frees it */
static char *words_of(const char *name)
{
	char *text = printable(name, strlen(name));

	for (char *p = text; (p = strchr(p, '_')) != NULL;)
		*p = ' ';
	return text;
}

/* "no such user in hub chat": a user is somebody in one hub, a connection is unique in all. */
static void print_reason(const json_t *result, const char *reason)
{
	const json_t *hub = json_object_get(result, "hub");
	char *text = words_of(reason);

	printf(": %s", text);
	free(text);
	if (json_is_string(hub) &&
	    (strcmp(reason, "no_such_user") == 0 || strcmp(reason, "no_such_group") == 0 ||
	     strcmp(reason, "nobody_connected") == 0)) {
		text = printable_json(hub);
		printf(" in hub %s", text);
		free(text);
	}
}

/* Some got it, and others were not even asked: neither done nor to be repeated. */
static bool is_partial(const json_t *result)
{
	const char *reason = json_string_value(json_object_get(result, "reason"));

	return reason != NULL && strcmp(reason, "busy") == 0;
}

/* ", dropped 3 (queue full 2, closing 1)" */
static void print_dropped(const json_t *result)
{
	const json_int_t dropped = json_integer_value(json_object_get(result, "dropped"));
	const char *reason, *before = " (";
	json_t *n;

	if (dropped == 0)
		return;
	printf(", dropped %lld", (long long)dropped);
	json_object_foreach(json_object_get(result, "dropped_for"), reason, n)
	{
		char *text = words_of(reason);

		printf("%s%s %lld", before, text, (long long)json_integer_value(n));
		free(text);
		before = ", ";
	}
	if (*before == ',')
		putchar(')');
}

static const struct table_column each_columns[] = {
	{.title = "CONNECTION"}, {.title = "OUTCOME"}, {.title = "REASON"}};

static void print_each(const json_t *result)
{
	const json_t *rows = json_object_get(result, "each"), *row;
	struct table table;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	table_init(&table, each_columns, ARRAY_LEN(each_columns));
	json_array_foreach(rows, i, row)
	{
		table_add(&table, printable_json(json_object_get(row, "id")));
		table_add(&table, printable_json(json_object_get(row, "outcome")));
		table_add(&table, printable_json(json_object_get(row, "reason")));
	}
	table_print(&table, stdout, 0);
	table_fini(&table);
	if (json_is_true(json_object_get(result, "truncated")))
		report_note("there are more; wsmd does not list more of one send");
}

static void print_count(const json_t *result, const char *member, const char *what)
{
	const json_int_t n = json_integer_value(json_object_get(result, member));

	if (n > 0)
		printf(", %s %lld", what, (long long)n);
}

static void print_outcome(const json_t *result, json_int_t delivered)
{
	const char *reason = json_string_value(json_object_get(result, "reason"));

	printf("delivered %lld", (long long)delivered);
	print_count(result, "queued", "queued");
	print_dropped(result);
	print_count(result, "excluded", "left out");
	if (is_partial(result))
		printf(", not everybody was asked: busy");
	else if (delivered == 0 && reason != NULL)
		print_reason(result, reason);
	putchar('\n');
	print_each(result);
	report_hint(result);
}

static int send_payload(struct invocation *in, const struct payload *p)
{
	json_t *message = payload_member(in, p), *result, *error;
	json_int_t delivered;
	int rc = WSMD_CTL_OK;

	if (message == NULL)
		return report_usage(in, "the message is not UTF-8 text; --binary sends any bytes");
	result = client_request(&in->client, "send", target_and(in, message), &error);
	if (result == NULL) {
		rc = report_error_about(in, in->option[OPTION_CONN], error);
		/* That nobody is there is a failure only for those who asked. */
		return rc == WSMD_CTL_NO_TARGET && in->option[OPTION_MUST_DELIVER] == NULL
		               ? WSMD_CTL_FAILED
		               : rc;
	}
	delivered = json_integer_value(json_object_get(result, "delivered"));
	if (is_partial(result))
		rc = WSMD_CTL_FAILED;
	else if (delivered == 0 && in->option[OPTION_MUST_DELIVER] != NULL)
		rc = WSMD_CTL_NO_TARGET;
	if (in->option[OPTION_JSON] != NULL)
		report_json(result);
	else
		print_outcome(result, delivered);
	json_decref(result);
	return rc;
}

int send_run(struct invocation *in)
{
	struct payload p = {0};
	const char *text = message_word(in);
	int rc = WSMD_CTL_OK;

	if (text == NULL)
		return WSMD_CTL_USAGE;
	if (strcmp(text, "-") == 0) {
		rc = read_stdin(in, &p);
	} else {
		p.bytes = must(strdup(text));
		p.len = strlen(text);
	}
	if (rc == WSMD_CTL_OK)
		rc = send_payload(in, &p);
	free(p.bytes);
	return rc;
}
