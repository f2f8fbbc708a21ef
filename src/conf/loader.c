/* Storing one value while a snapshot is built, and saying what is wrong with it. */
#include "conf/loader.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "conf/faults.h"
#include "conf/hubs.h"
#include "conf/value.h"

void loader_fault(struct loader *l, const struct place *at, const char *path, const char *fmt, ...)
{
	const struct conf_setting *s = at->setting;
	char sentence[768], value[128];
	va_list args;
	int err;

	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	if (s == NULL) {
		err = faults_add(l->faults, "%s:%u: %s%s%s", l->file, at->line, path,
		                 *path ? ": " : "", sentence);
	} else {
		text_escape(value, sizeof(value), s->value, strlen(s->value));
		if (strcmp(s->origin, "--set") == 0)
			err = faults_add(l->faults, "--set %s=%s: %s", s->key, value, sentence);
		else
			err = faults_add(l->faults, "%s %s: %s", s->origin, value, sentence);
	}
	if (err < 0)
		l->out_of_memory = true;
}

void loader_fault_value(struct loader *l, const struct place *at, const char *path,
                        const char *expected, const json_t *v)
{
	char found[VALUE_FOUND_MAX];

	loader_fault(l, at, path, "expected %s, found %s", expected, value_found(v, found));
}

void loader_fault_unknown(struct loader *l, const struct place *at, const char *path,
                          const char *pattern)
{
	char nearest[KEY_TEXT_MAX];

	if (schema_nearest(pattern, nearest))
		loader_fault(l, at, path, "unknown key; did you mean %s?", nearest);
	else
		loader_fault(l, at, path, "unknown key; wsmd --init prints all that there are");
}

/* Each address that is none is a fault of its own, on its own line. */
static bool check_listen(struct loader *l, const struct place *at, json_t *list,
                         struct cursor cursor)
{
	bool good = true;

	cursor_enter(&cursor);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct place here = {.setting = at->setting, .line = cursor.line};
		json_t *v = json_array_get(list, i);
		struct net_addr ignored;
		char path[32];

		if (!json_is_string(v) || net_addr_parse(json_string_value(v), &ignored) < 0) {
			snprintf(path, sizeof(path), "listen[%zu]", i);
			loader_fault_value(l, &here, path, ADDRESS_EXPECTED, v);
			good = false;
		}
		if (i < CONF_MAX_LISTEN)
			l->listen_at[i] = here;
		cursor_next(&cursor);
	}
	return good;
}

void loader_store(struct loader *l, const struct conf_key *k, const char *hub,
                  const struct place *at, const char *path, json_t *v, struct cursor cursor)
{
	void *base = k->per_hub ? (void *)hubs_obtain(l->conf, hub) : l->conf;
	char expected[VALUE_EXPECT_MAX];

	l->set_at[k - conf_keys] = *at;
	if (base == NULL) {
		loader_fault(l, at, path,
		             "one hub too many; at most %d can be named, \"*\" included",
		             CONF_MAX_HUBS);
		return;
	}
	if (k->type == KEY_LISTEN && !check_listen(l, at, v, cursor)) {
		l->bad[k - conf_keys] = true;
	} else if (!value_store(k, base, v)) {
		l->bad[k - conf_keys] = true;
		loader_fault_value(l, at, path, value_expect(k, expected), v);
	}
}

bool loader_check_hub_name(struct loader *l, const struct place *at, const char *path,
                           const char *name, size_t len)
{
	if (conf_hub_name_valid(name, len))
		return true;
	loader_fault(l, at, path,
	             "not the name of a hub; expected \"*\", or a letter and then at most %d of "
	             "A-Z a-z 0-9 _ ` , . [ ]",
	             HUB_NAME_MAX - 1);
	return false;
}
