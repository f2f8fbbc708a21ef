/* limits: a table of what bounds wsmd, and how near it is. */
#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"
#include "wsmctl/value.h"

static const struct table_column columns[] = {
	{.title = "LIMIT"},
	{.title = "VALUE", .right = true},
	{.title = "FROM"},
	{.title = "NOW", .right = true},
	{.title = "PEAK", .right = true},
	{.title = "HITS", .right = true},
};

static void add_row(struct table *t, const json_t *row)
{
	const char *limit = json_string_value(json_object_get(row, "limit"));
	const char *name = limit != NULL ? limit : "";

	/* A rate is a number, though its name ends like a time. */
	const size_t len = strlen(name);
	const bool rate = len > 6 && strcmp(name + len - 6, "_per_s") == 0;
	const char *unit = rate ? "count" : name;

	table_add(t, printable_json(json_object_get(row, "limit")));
	table_add(t, value_text(unit, json_object_get(row, "value")));
	table_add(t, printable_json(json_object_get(row, "from")));
	table_add(t, value_text(unit, json_object_get(row, "now")));
	table_add(t, value_text(unit, json_object_get(row, "peak")));
	table_add(t, value_text("hits", json_object_get(row, "hits")));
}

int limits_run(struct invocation *in)
{
	json_t *error, *row, *result = client_request(&in->client, "limits", NULL, &error);
	struct table table;
	size_t i;

	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL) {
		report_json(result);
	} else {
		table_init(&table, columns, ARRAY_LEN(columns));
		json_array_foreach(json_object_get(result, "limits"), i, row) add_row(&table, row);
		table_print(&table, stdout, table_terminal_width());
		table_fini(&table);
	}
	json_decref(result);
	return WSMD_CTL_OK;
}
