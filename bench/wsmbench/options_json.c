/* The options in force, as the report tells them. */
#include <stdio.h>

#include "options_table.h"

static json_t *range_json(const struct source_range *r)
{
	char text[64];
	const uint32_t last = r->first + r->count - 1;

	if (r->count == 0)
		return json_null();
	snprintf(text, sizeof(text), "%u.%u.%u.%u-%u.%u.%u.%u", r->first >> 24,
	         r->first >> 16 & 255, r->first >> 8 & 255, r->first & 255, last >> 24,
	         last >> 16 & 255, last >> 8 & 255, last & 255);
	return json_string(text);
}

static json_t *value_json(const struct option *o, const char *field)
{
	switch (o->kind) {
	case FLAG:
		return json_boolean(*(const bool *)field);
	case COUNT:
		return json_integer((json_int_t) * (const uint64_t *)(const void *)field);
	case REAL:
		return json_real(*(const double *)(const void *)field);
	case TEXT:
	case PATH:
		if (!*(const char *const *)(const void *)field)
			return json_null();
		return json_string(*(const char *const *)(const void *)field);
	case RANGE:
		return range_json((const struct source_range *)(const void *)field);
	case STEPS:
		break;
	}
	const struct steps *const s = (const struct steps *)(const void *)field;
	json_t *const list = json_array();

	for (uint32_t i = 0; i < s->n; i++)
		json_array_append_new(list, json_integer(s->at[i]));
	return list;
}

json_t *options_json(const struct options *opts)
{
	json_t *const all = json_object();

	json_object_set_new(all, "url", json_string(opts->url));
	for (size_t i = 0; i < options_count; i++)
		if (options_table[i].modes & opts->mode)
			json_object_set_new(all, options_table[i].name,
			                    value_json(&options_table[i],
			                               (const char *)opts + options_table[i].at));
	return all;
}
