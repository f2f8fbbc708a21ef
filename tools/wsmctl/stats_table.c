/* A walk over an object nobody here knows the members of. */
#include "wsmctl/stats_table.h"

#include <string.h>

#include "base/macros.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/table.h"
#include "wsmctl/value.h"

static const struct table_column stats_columns[] = {{.title = NULL}, {.right = true}};

/* "closes" in "basic" and such: a row for each cause would be mostly zeros. */
static bool lists_causes(const char *name)
{
	return strcmp(name, "closes") == 0 || strcmp(name, "refusals") == 0 ||
	       strcmp(name, "errors") == 0;
}

bool stats_table_is_list(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void walk_member(struct table *t, const char *path, const json_t *value, bool only_nonzero);

static void walk_object(struct table *t, const char *path, const json_t *object, bool only_nonzero)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		char *inner;

		if (asprintf(&inner, "%s%s%s", path, *path != '\0' ? "." : "", name) < 0)
			must(NULL);
		walk_member(t, inner, value, only_nonzero || lists_causes(name));
		free(inner);
	}
}

static void walk_member(struct table *t, const char *path, const json_t *value, bool only_nonzero)
{
	char *title, *indented;

	if (json_is_object(value)) {
		walk_object(t, path, value, only_nonzero);
		return;
	}
	if (stats_table_is_list(value) ||
	    (only_nonzero && json_is_number(value) && json_number_value(value) == 0))
		return;
	title = value_title(path, value);
	if (asprintf(&indented, "  %s", title) < 0)
		must(NULL);
	free(title);
	table_add(t, indented);
	table_add(t, value_text(path, value));
}

/* An array of objects: a table of its own, with the members of all of them as columns. */
static void print_rows(FILE *out, const char *path, const json_t *rows, size_t terminal)
{
	json_t *members = must(json_object()), *row, *value;
	struct table_column *columns;
	struct table table;
	const char *name;
	size_t i, n = 0;

	json_array_foreach(rows, i, row) json_object_update_missing(members, row);
	if (json_object_size(members) == 0)
		goto done;
	columns = must(calloc(json_object_size(members), sizeof(*columns)));
	json_object_foreach(members, name, value) columns[n++] =
		(struct table_column){.title = value_title(name, value), .right = true};
	table_init(&table, columns, n);
	json_array_foreach(rows, i, row)
	{
		json_object_foreach(members, name, value)
			table_add(&table, value_text(name, json_object_get(row, name)));
	}
	fprintf(out, "\n%s\n", path);
	table_print(&table, out, terminal);
	table_fini(&table);
	for (i = 0; i < n; i++)
		free((char *)columns[i].title);
	free(columns);
done:
	json_decref(members);
}

static void print_lists(FILE *out, const char *path, const json_t *object, size_t terminal)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		char *safe = printable(name, strlen(name)), *inner;

		if (asprintf(&inner, "%s%s%s", path, *path != '\0' ? "." : "", safe) < 0)
			must(NULL);
		if (stats_table_is_list(value))
			print_rows(out, inner, value, terminal);
		else if (json_is_object(value))
			print_lists(out, inner, value, terminal);
		free(inner);
		free(safe);
	}
}

void stats_table_print_lists(FILE *out, const json_t *stats, size_t terminal)
{
	print_lists(out, "", stats, terminal);
}

void stats_table_print(FILE *out, const json_t *stats, size_t terminal)
{
	struct table table;
	const char *name;
	json_t *group;

	table_init(&table, stats_columns, ARRAY_LEN(stats_columns));
	json_object_foreach((json_t *)stats, name, group)
	{
		if (!json_is_object(group)) {
			walk_member(&table, name, group, false);
			continue;
		}
		table_add(&table, printable(name, strlen(name)));
		table_add(&table, must(strdup("")));
		walk_object(&table, "", group, false);
	}
	table_print(&table, out, terminal);
	table_fini(&table);
	stats_table_print_lists(out, stats, terminal);
}
