/* The command line's layer: each setting is a key and a value, JSON or a bare word. */
#include <stdlib.h>
#include <string.h>

#include "conf/loader.h"
#include "conf/source.h"
#include "conf/value.h"

static bool takes_text(const struct conf_key *k)
{
	return k->type == KEY_WORD || k->type == KEY_TEXT || k->type == KEY_LISTEN;
}

/* NULL: out of memory, or a fault was added. */
static json_t *parse_word(struct loader *l, const struct place *at)
{
	const size_t cap = 6 * strlen(at->setting->value) + 3;
	char *quoted = malloc(cap);
	json_t *v;

	if (quoted == NULL) {
		l->out_of_memory = true;
		return NULL;
	}
	value_quote(quoted, cap, at->setting->value);
	v = json_loads(quoted, JSON_DECODE_ANY, NULL);
	free(quoted);
	if (v == NULL)
		loader_fault(l, at, "", "not UTF-8 text"); /* all else is quoted */
	return v;
}

/* For a key that holds text, "8080" or "true" is a word too. NULL: as above. */
static json_t *parse_value(struct loader *l, const struct conf_key *k, const struct place *at)
{
	json_t *v = json_loads(at->setting->value, SOURCE_JSON_FLAGS | JSON_DECODE_ANY, NULL);

	if (v == NULL || (takes_text(k) && !json_is_string(v) && !json_is_array(v))) {
		json_decref(v);
		v = parse_word(l, at);
	}
	if (k->type == KEY_LISTEN && json_is_string(v)) {
		json_t *list = json_array();

		(void)json_array_append_new(list, v); /* the guard sees it fail */
		return list;
	}
	return v;
}

/* The first --listen replaces the list, each further one adds to it. */
static void add_listen(struct loader *l, const struct conf_key *k, const struct place *at)
{
	struct place *was = &l->set_at[k - conf_keys];
	struct conf *c = l->conf;

	if (was->setting == NULL || strcmp(was->setting->origin, "--listen") != 0) {
		c->n_listen = 0;
		l->bad[k - conf_keys] = false;
	}
	*was = *at;
	if (c->n_listen == CONF_MAX_LISTEN) {
		loader_fault(l, at, "", "one address too many; at most %d are allowed",
		             CONF_MAX_LISTEN);
	} else if (net_addr_parse(at->setting->value, &c->listen[c->n_listen]) < 0) {
		l->bad[k - conf_keys] = true;
		loader_fault(l, at, "", "expected " ADDRESS_EXPECTED);
	} else {
		l->listen_at[c->n_listen++] = *at;
	}
}

static void apply_hub_setting(struct loader *l, const struct place *at, const char *name,
                              size_t len, const char *leaf)
{
	char hub[HUB_NAME_MAX + 1] = "", pattern[KEY_TEXT_MAX];
	const struct conf_key *k;
	json_t *v;

	if (!loader_check_hub_name(l, at, "", name, len))
		return;
	memcpy(hub, name, len);
	snprintf(pattern, sizeof(pattern), HUB_PATTERN ".%.64s", leaf);
	k = schema_find(pattern);
	if (k == NULL) {
		loader_fault_unknown(l, at, "", pattern);
		return;
	}
	v = parse_value(l, k, at);
	if (v != NULL)
		loader_store(l, k, hub, at, "", v, cursor_start(""));
	json_decref(v);
}

void loader_apply_setting(struct loader *l, const struct conf_setting *s)
{
	const struct place at = {.setting = s};
	const struct conf_key *k = schema_find(s->key);
	const char *hub = strncmp(s->key, "hubs.", 5) == 0 ? s->key + 5 : NULL;
	const char *leaf = hub ? strrchr(hub, '.') : NULL;
	json_t *v;

	if (leaf != NULL) {
		apply_hub_setting(l, &at, hub, (size_t)(leaf - hub), leaf + 1);
	} else if (k == NULL && schema_is_section(s->key)) {
		loader_fault(l, &at, "", "a section; set its keys one by one");
	} else if (k == NULL) {
		loader_fault_unknown(l, &at, "", s->key);
	} else if (k->type == KEY_LISTEN && strcmp(s->origin, "--listen") == 0) {
		add_listen(l, k, &at);
	} else {
		v = parse_value(l, k, &at);
		if (v != NULL)
			loader_store(l, k, NULL, &at, "", v, cursor_start(""));
		json_decref(v);
	}
}
