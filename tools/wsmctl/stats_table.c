/* A walk over an object nobody here knows the members of. */
#include "wsmctl/stats_table.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/table.h"
#include "wsmctl/value.h"

static const struct table_column plain_columns[] = {{.title = NULL}, {.right = true}};
static const struct table_column rate_columns[] = {{.title = "NAME"},
                                                   {.title = "VALUE", .right = true},
                                                   {.title = "PER SECOND", .right = true}};

struct walk {
	struct table table;
	double seconds;
	bool rates;
};

/* "closes" in "basic" and such: a row for each cause would be mostly zeros. */
static bool lists_causes(const char *name)
{
	return strcmp(name, "closes") == 0 || strcmp(name, "refusals") == 0;
}

static bool is_table(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static char *rate_text(const json_t *now, const json_t *before, double seconds)
{
	char buf[VALUE_TEXT_MAX];
	double change;

	if (!json_is_integer(now) || !json_is_integer(before))
		return must(strdup(""));
	change = (double)(json_integer_value(now) - json_integer_value(before));
	if (change == 0)
		return must(strdup(""));
	snprintf(buf, sizeof(buf), "%.1f", change / seconds);
	return must(strdup(buf));
}

/* Owns: takes all but @indent */
static void add_row(struct walk *w, const char *indent, char *name, char *value, char *rate)
{
	char *indented;

	if (asprintf(&indented, "%s%s", indent, name) < 0)
		must(NULL);
	free(name);
	table_add(&w->table, indented);
	table_add(&w->table, value);
	if (w->rates)
		table_add(&w->table, rate);
	else
		free(rate);
}

static void walk_member(struct walk *w, const char *path, const json_t *now, const json_t *before,
                        bool only_nonzero);

static void walk_object(struct walk *w, const char *path, const json_t *now, const json_t *before,
                        bool only_nonzero)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)now, name, value)
	{
		char *inner;

		if (asprintf(&inner, "%s%s%s", path, *path != '\0' ? "." : "", name) < 0)
			must(NULL);
		walk_member(w, inner, value, json_object_get(before, name),
		            only_nonzero || lists_causes(name));
		free(inner);
	}
}

static void walk_member(struct walk *w, const char *path, const json_t *now, const json_t *before,
                        bool only_nonzero)
{
	if (json_is_object(now))
		walk_object(w, path, now, before, only_nonzero);
	else if (!is_table(now) &&
	         !(only_nonzero && json_is_number(now) && json_number_value(now) == 0))
		add_row(w, "  ", value_title(path, now), value_text(path, now),
		        rate_text(now, before, w->seconds));
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

static void print_tables(FILE *out, const char *path, const json_t *object, size_t terminal)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		char *safe = printable(name, strlen(name)), *inner;

		if (asprintf(&inner, "%s%s%s", path, *path != '\0' ? "." : "", safe) < 0)
			must(NULL);
		if (is_table(value))
			print_rows(out, inner, value, terminal);
		else if (json_is_object(value))
			print_tables(out, inner, value, terminal);
		free(inner);
		free(safe);
	}
}

void stats_table_print(FILE *out, const json_t *stats, const json_t *before, double seconds,
                       size_t terminal)
{
	struct walk w = {.seconds = seconds, .rates = before != NULL};
	const char *name;
	json_t *group;

	if (w.rates)
		table_init(&w.table, rate_columns, ARRAY_LEN(rate_columns));
	else
		table_init(&w.table, plain_columns, ARRAY_LEN(plain_columns));
	json_object_foreach((json_t *)stats, name, group)
	{
		const json_t *earlier = json_object_get(before, name);

		if (!json_is_object(group)) {
			walk_member(&w, name, group, earlier, false);
			continue;
		}
		add_row(&w, "", printable(name, strlen(name)), must(strdup("")), must(strdup("")));
		walk_object(&w, "", group, earlier, false);
	}
	table_print(&w.table, out, terminal);
	table_fini(&w.table);
	print_tables(out, "", stats, terminal);
}
