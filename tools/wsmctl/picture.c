/* Which counter goes where; what nobody here knows comes last, by its group. */
#include "wsmctl/picture.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/stats_table.h"
#include "wsmctl/value.h"

/* In the order of the picture. A path starts with @group, and goes on with one of @names. */
static const struct section {
	const char *title; /* NULL: it does not move, or is in the heading */
	const char *group;
	const char *names[6];
} sections[] = {
	{"connections", "basic.", {"connections_", "users_", "half_open", "accept", "http_"}},
	{"messages",
         "basic.",
         {"messages_", "bytes_", "frames_", "control_frames_", "continuations_", "broadcasts"}},
	{"delivery", "delivery.", {""}},
	{"health", "health.", {""}},
	{"closes", "basic.closes.", {""}},
	{"refusals", "basic.refusals.", {""}},
	{"errors", "basic.errors.", {""}},
	{NULL, "basic.", {"version", "environment", "uptime_s", "memory_bytes"}},
	{NULL, "workers.", {"count"}},
	{NULL, "heartbeat_config.", {""}},
	{NULL, "limits.", {""}},
	{NULL, "pool.", {""}},
	{"protocols", "protocol_distribution.", {""}},
	{"workers", "workers.", {""}},
};

/* They go up and down, so that a rate of them says nothing. What nobody here knows has a rate. */
static const char *const gauges[] = {
	"basic.connections_active", "basic.users_active",   "basic.groups_active",
	"basic.half_open",          "health.pings_pending", "health.healthy",
	"health.suspects",          "health.sick",          "health.score_points",
	"delivery.queue_bytes",
};

struct walk {
	struct picture *picture;
	struct blocks blocks;
	double seconds;
};

void picture_init(struct picture *p)
{
	*p = (struct picture){.seen = must(json_object())};
}

void picture_fini(struct picture *p)
{
	json_decref(p->seen);
}

static bool starts_with(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

static bool has_rate(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++) {
		if (strcmp(path, gauges[i]) == 0)
			return false;
	}
	return !starts_with(path, "protocol_distribution.now.") && !value_is_duration(path);
}

/* @name  what of @path is shown */
static char *rate_text(const char *path, const char *name, const json_t *now, const json_t *before,
                       double seconds)
{
	const json_int_t change = json_integer_value(now) - json_integer_value(before);
	char *value, *text;

	if (!json_is_integer(now) || !json_is_integer(before) || change == 0 || !has_rate(path))
		return must(strdup(""));
	value = value_rate(name, (double)change / seconds);
	if (asprintf(&text, "%s/s", value) < 0)
		must(NULL);
	free(value);
	return text;
}

/* Returns: the section, or NULL; *ret_name is what follows its group */
static const struct section *find_section(const char *path, const char **ret_name)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct section *s = &sections[i];
		const char *name = path + strlen(s->group);

		for (size_t k = 0; starts_with(path, s->group) && k < ARRAY_LEN(s->names); k++) {
			if (s->names[k] != NULL && starts_with(name, s->names[k])) {
				*ret_name = name;
				return s;
			}
		}
	}
	return NULL;
}

/* Zero is worth a row when it was something else before; and nobody there is news as well. */
static bool is_shown(struct picture *p, const char *path, const json_t *now)
{
	if (!json_is_number(now) || json_number_value(now) != 0) {
		if (json_object_set_new(p->seen, path, json_true()) != 0)
			must(NULL);
		return true;
	}
	return json_object_get(p->seen, path) != NULL ||
	       strcmp(path, "basic.connections_active") == 0;
}

static void add_leaf(struct walk *w, const char *path, const json_t *now, const json_t *before)
{
	const char *name, *dot = strchr(path, '.');
	const struct section *section = find_section(path, &name);
	char *title;

	if ((section != NULL && section->title == NULL) || !is_shown(w->picture, path, now))
		return;
	if (section != NULL) {
		title = must(strdup(section->title));
	} else if (dot != NULL) {
		title = printable(path, (size_t)(dot - path));
		name = dot + 1;
	} else {
		title = must(strdup("others"));
		name = path;
	}
	blocks_add_row(blocks_get(&w->blocks, title), value_title(name, now), value_text(name, now),
	               rate_text(path, name, now, before, w->seconds));
	free(title);
}

static void walk_object(struct walk *w, const char *path, const json_t *now, const json_t *before)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)now, name, value)
	{
		const json_t *earlier = json_object_get(before, name);
		char *inner;

		if (asprintf(&inner, "%s%s%s", path, *path != '\0' ? "." : "", name) < 0)
			must(NULL);
		if (json_is_object(value))
			walk_object(w, inner, value, earlier);
		else if (!stats_table_is_list(value))
			add_leaf(w, inner, value, earlier);
		free(inner);
	}
}

void picture_print(struct picture *p, FILE *out, const json_t *stats, const json_t *before,
                   double seconds, size_t terminal, size_t height)
{
	struct walk w = {.picture = p, .seconds = seconds};

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (sections[i].title != NULL)
			(void)blocks_get(&w.blocks, sections[i].title);
	}
	walk_object(&w, "", stats, before);
	blocks_print(&w.blocks, &p->layout, out, terminal, height);
	stats_table_print_lists(out, stats, terminal);
}
