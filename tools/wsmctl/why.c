/* why: a sentence and a hint for each connection, and below them what they rest on. */
#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "base/macros.h"
#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"
#include "wsmctl/value.h"

static const struct table_column columns[] = {{.title = NULL}, {.title = NULL}};

/* "retransmits 0, unacked 2": the members of a small object on one line. */
static char *joined(const json_t *object)
{
	char *text = must(strdup("")), *longer;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		char *one = value_text(name, value), *title = value_title(name, value);
		const size_t size = strlen(text) + strlen(title) + strlen(one) + 4;

		longer = must(malloc(size));
		snprintf(longer, size, "%s%s%s %s", text, *text == '\0' ? "" : ", ", title, one);
		free(one);
		free(title);
		free(text);
		text = longer;
	}
	return text;
}

static void print_evidence(const json_t *record)
{
	struct table table;
	const char *name;
	json_t *value;

	table_init(&table, columns, ARRAY_LEN(columns));
	json_object_foreach((json_t *)record, name, value)
	{
		if (strcmp(name, "why") == 0 || strcmp(name, "hint") == 0 || json_is_array(value))
			continue;
		table_add(&table, value_title(name, value));
		table_add(&table, json_is_object(value) ? joined(value) : value_text(name, value));
	}
	table_print(&table, stdout, 0);
	table_fini(&table);
}

/* When, what, and its values. */
static void print_events(json_t *events)
{
	size_t i;
	json_t *event;

	if (json_array_size(events) > 0)
		puts("events");
	json_array_foreach(events, i, event)
	{
		char *at = value_text("at_ms", json_object_get(event, "at_ms"));
		char *what = printable_json(json_object_get(event, "event")), *values;

		json_object_del(event, "at_ms");
		json_object_del(event, "event");
		values = joined(event);
		printf("  %8s  %s  %s\n", at, what, values);
		free(at);
		free(what);
		free(values);
	}
}

static void print_record(const json_t *record)
{
	char *sentence = printable_json(json_object_get(record, "why"));
	char *hint = printable_json(json_object_get(record, "hint"));

	printf("%s\nhint: %s\n", sentence, hint);
	print_evidence(record);
	print_events(json_object_get(record, "events"));
	free(sentence);
	free(hint);
}

static size_t print_records(const json_t *records, size_t before)
{
	size_t i;
	const json_t *record;

	json_array_foreach(records, i, record)
	{
		if (before + i > 0)
			putchar('\n');
		print_record(record);
	}
	return before + i;
}

int why_run(struct invocation *in)
{
	json_t *arguments = must(json_pack("{s:s, s:s*, s:I}", "target", in->args[0], "hub",
	                                   in->option[OPTION_HUB], "limit",
	                                   (json_int_t)option_number(in, OPTION_LIMIT, 1)));
	json_t *error, *result;

	if (in->option[OPTION_EVENTS] != NULL)
		json_object_set_new(arguments, "events", json_true());
	result = client_request(&in->client, "why", arguments, &error);
	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL)
		report_json(result);
	else
		print_records(json_object_get(result, "ended"),
		              print_records(json_object_get(result, "live"), 0));
	json_decref(result);
	return WSMD_CTL_OK;
}
