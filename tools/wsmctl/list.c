/* ls: page after page, printed as they come; nothing holds the whole list. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"
#include "wsmctl/value.h"

#define PAGE_ROWS  1000
#define LIMIT_NONE 1e15 /* exact in a double, and more than there can be */

/* Members of a row, in the order of list_columns. */
static const char *const list_members[] = {
	"id",        "user",        "hub",     "peer",        "protocol",     "state",
	"worker",    "age_ms",      "idle_ms", "messages_in", "messages_out", "bytes_in",
	"bytes_out", "queue_bytes", "score",   "rtt_ms",      "rate_per_s",
};

/* Who it is, and in which hub, stays longest. */
static const struct table_column list_columns[] = {
	{.title = "CONNECTION"},
	{.title = "USER", .cut_to = 8},
	{.title = "HUB", .cut_to = 8, .drop_rank = 1},
	{.title = "PEER", .drop_rank = 3},
	{.title = "PROTOCOL", .drop_rank = 10},
	{.title = "STATE", .drop_rank = 9},
	{.title = "WORKER", .right = true, .drop_rank = 11},
	{.title = "AGE", .right = true, .drop_rank = 2},
	{.title = "IDLE", .right = true, .drop_rank = 4},
	{.title = "MSGS IN", .right = true, .drop_rank = 6},
	{.title = "MSGS OUT", .right = true, .drop_rank = 6},
	{.title = "IN", .right = true, .drop_rank = 8},
	{.title = "OUT", .right = true, .drop_rank = 8},
	{.title = "QUEUED", .right = true, .drop_rank = 7},
	{.title = "SCORE", .right = true, .drop_rank = 12},
	{.title = "RTT", .right = true, .drop_rank = 12},
	{.title = "RATE", .right = true, .drop_rank = 5}, /* last: only with --sort */
};

static_assert(ARRAY_LEN(list_members) == ARRAY_LEN(list_columns), "one member for each column");

struct listing {
	struct invocation *in;
	bool json;
	size_t n_columns;
	struct table table;
	size_t rows, limit;
	bool truncated; /* wsmd knows of more, but gives no cursor to ask with */
};

static char *cell_text(const char *member, const json_t *value)
{
	if (strcmp(member, "user") == 0 && json_is_null(value))
		return must(strdup("(anonymous)"));
	return value_text(member, value);
}

static void add_cells(struct listing *list, const json_t *row)
{
	for (size_t i = 0; i < list->n_columns; i++)
		table_add(&list->table,
		          cell_text(list_members[i], json_object_get(row, list_members[i])));
}

/* The result as one object, written in pieces: "\n" and indentation only for a person. */
static void print_json_row(const struct listing *list, const json_t *row)
{
	const bool pretty = isatty(STDOUT_FILENO);
	char *text = must(json_dumps(row, report_json_flags()));

	if (list->rows == 0)
		fputs(pretty ? "{\n  \"connections\": [" : "{\"connections\":[", stdout);
	else
		putchar(',');
	fputs(pretty ? "\n    " : "", stdout);
	for (const char *p = text; *p != '\0'; p++) {
		putchar(*p);
		/* Strings have no newline of their own in JSON. */
		if (*p == '\n')
			fputs("    ", stdout);
	}
	free(text);
}

static void print_page(struct listing *list, const json_t *rows)
{
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (list->json)
			print_json_row(list, row);
		else
			add_cells(list, row);
		list->rows++;
	}
	if (!list->json && list->rows > 0)
		table_print(&list->table, stdout, table_terminal_width());
}

/* One more member, "cursor", "truncated" or "error", or none, and the end of the object. */
static void close_json(const struct listing *list, const char *name, const json_t *value)
{
	const bool pretty = isatty(STDOUT_FILENO);

	if (list->rows == 0)
		fputs("{\"connections\":[]", stdout);
	else
		fputs(pretty ? "\n  ]" : "]", stdout);
	if (value != NULL) {
		char *text = must(json_dumps(value, report_json_flags() | JSON_ENCODE_ANY));

		printf(pretty ? ",\n  \"%s\": %s" : ",\"%s\":%s", name, text);
		free(text);
	}
	puts(pretty && list->rows > 0 ? "\n}" : "}");
}

static json_t *request_page(struct listing *list, const json_t *cursor, json_t **ret_error)
{
	const char *const *option = list->in->option;
	const size_t left = list->limit - list->rows, page = left < PAGE_ROWS ? left : PAGE_ROWS;
	json_t *result = client_request(
		&list->in->client, "ls",
		must(json_pack("{s:s*, s:s*, s:s*, s:s*, s:o*, s:I, s:O*}", "hub",
	                       option[OPTION_HUB], "user", option[OPTION_USER], "sort",
	                       option[OPTION_SORT], "match", option[OPTION_MATCH], "reverse",
	                       option[OPTION_REVERSE] != NULL ? json_true() : NULL, "limit",
	                       (json_int_t)page, "cursor", cursor)),
		ret_error);

	if (result == NULL || json_is_array(json_object_get(result, "connections")))
		return result;
	json_decref(result);
	*ret_error = client_error(CLIENT_BAD_ANSWER, NULL, "the answer to ls has no connections");
	return NULL;
}

/* Ask and print until there is no more. Returns: NULL, or what went wrong */
static json_t *print_pages(struct listing *list, json_t **ret_cursor)
{
	json_t *cursor = NULL, *error = NULL;

	do {
		json_t *result = request_page(list, cursor, &error), *next;

		if (result == NULL)
			break;
		list->truncated = json_is_true(json_object_get(result, "truncated"));
		next = json_incref(json_object_get(result, "cursor"));
		if (json_is_null(next))
			next = NULL;
		if (next != NULL && json_equal(next, cursor))
			error = client_error(CLIENT_BAD_ANSWER, NULL,
			                     "wsmd gives the same page of connections again");
		else
			print_page(list, json_object_get(result, "connections"));
		json_decref(cursor);
		cursor = next;
		json_decref(result);
	} while (error == NULL && cursor != NULL && list->rows < list->limit);
	*ret_cursor = cursor;
	return error;
}

static int finish(struct listing *list, const json_t *cursor, json_t *error)
{
	if (error != NULL && list->json && list->rows > 0) {
		/* Half of the object is printed: end it, with the error as its last member. */
		close_json(list, "error", error);
		list->in->option[OPTION_JSON] = NULL;
	}
	if (error != NULL)
		return report_error(list->in, error);
	if (list->json) {
		if (list->truncated)
			close_json(list, "truncated", json_true());
		else
			close_json(list, "cursor", cursor);
		return WSMD_CTL_OK;
	}
	if (list->rows == 0)
		puts("no connections");
	if (cursor != NULL || (list->truncated && list->rows >= list->limit))
		report_note("there are more; --limit ended the list here");
	else if (list->truncated)
		report_note(NOTE_TRUNCATED);
	return WSMD_CTL_OK;
}

int list_run(struct invocation *in)
{
	struct listing list = {
		.in = in,
		.json = in->option[OPTION_JSON] != NULL,
		.limit = (size_t)option_number(in, OPTION_LIMIT, LIMIT_NONE),
	};
	json_t *cursor, *error;
	int rc;

	if (in->option[OPTION_SORT] == NULL && in->option[OPTION_REVERSE] != NULL)
		return report_usage(in, "--reverse needs --sort KEY");
	if (in->option[OPTION_SORT] == NULL && in->option[OPTION_MATCH] != NULL)
		return report_usage(in, "--match needs --sort KEY");
	list.n_columns = ARRAY_LEN(list_columns) - (in->option[OPTION_SORT] == NULL);
	table_init(&list.table, list_columns, list.n_columns);
	error = print_pages(&list, &cursor);
	rc = finish(&list, cursor, error);
	json_decref(cursor);
	table_fini(&list.table);
	return rc;
}
