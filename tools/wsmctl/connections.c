/* show, kick, ping: commands that name a connection or a user. */
#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"
#include "wsmctl/value.h"

static const struct table_column show_columns[] = {{.title = NULL}, {.title = NULL}};

static void print_connection(const json_t *row)
{
	struct table table;
	const char *name;
	json_t *value;

	table_init(&table, show_columns, ARRAY_LEN(show_columns));
	json_object_foreach((json_t *)row, name, value)
	{
		table_add(&table, value_title(name, value));
		table_add(&table, value_text(name, value));
	}
	table_print(&table, stdout, 0);
	table_fini(&table);
}

int show_run(struct invocation *in)
{
	json_t *error, *row;
	size_t i;
	json_t *result = client_request(&in->client, "show",
	                                must(json_pack("{s:s, s:s*}", "target", in->args[0], "hub",
	                                               in->option[OPTION_HUB])),
	                                &error);

	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL) {
		report_json(result);
	} else if (json_array_size(json_object_get(result, "connections")) == 0) {
		puts("no connections");
	} else {
		json_array_foreach(json_object_get(result, "connections"), i, row)
		{
			if (i > 0)
				putchar('\n');
			print_connection(row);
		}
		if (json_is_true(json_object_get(result, "truncated")))
			report_note(NOTE_TRUNCATED);
	}
	json_decref(result);
	return WSMD_CTL_OK;
}

int kick_run(struct invocation *in)
{
	json_t *error;
	json_int_t closed;
	json_t *result = client_request(
		&in->client, "kick",
		must(json_pack("{s:s, s:s*, s:s*}", "target", in->args[0], "hub",
	                       in->option[OPTION_HUB], "reason", in->option[OPTION_REASON])),
		&error);

	if (result == NULL)
		return report_error(in, error);
	closed = json_integer_value(json_object_get(result, "closed"));
	if (in->option[OPTION_JSON] != NULL)
		report_json(result);
	else
		printf("closed %lld\n", (long long)closed);
	json_decref(result);
	return closed > 0 ? WSMD_CTL_OK : WSMD_CTL_NO_TARGET;
}

int ping_run(struct invocation *in)
{
	json_t *error;
	json_t *result = client_request(
		&in->client, "ping", must(json_pack("{s:s}", "connection", in->args[0])), &error);

	if (result == NULL)
		return report_error_about(in, in->args[0], error);
	if (in->option[OPTION_JSON] != NULL) {
		report_json(result);
	} else {
		char *name = printable(in->args[0], strlen(in->args[0]));

		printf("pong from %s: %.3f ms\n", name,
		       json_number_value(json_object_get(result, "rtt_us")) / 1e3);
		free(name);
	}
	json_decref(result);
	return WSMD_CTL_OK;
}
