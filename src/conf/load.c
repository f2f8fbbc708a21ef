/*
 * Building a snapshot, layer over layer: defaults of the environment, the file, the settings
 * of the command line; then the rules between keys.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf/env.h"
#include "conf/guard.h"
#include "conf/hubs.h"
#include "conf/loader.h"
#include "conf/source.h"
#include "conf/value.h"

int loader_apply_defaults(struct conf *c)
{
	conf_keys_for_each(k)
	{
		void *base = k->per_hub ? (void *)hubs_obtain(c, HUB_ANY) : c;
		json_t *v = json_loads(schema_default(k, c->env, c->dev),
		                       SOURCE_JSON_FLAGS | JSON_DECODE_ANY, NULL);

		if (v == NULL)
			return WSMD_ENOMEM; /* the text is ours, so it cannot be wrong */
		ASSERT(value_store(k, base, v));
		json_decref(v);
	}
	return 0;
}

/* A connection that answers each ping in time must never look silent for too long. */
static void check_heartbeat(struct loader *l)
{
	const ptrdiff_t timeout = schema_find("heartbeat.timeout_s") - conf_keys;
	const ptrdiff_t interval = schema_find("heartbeat.interval_s") - conf_keys;
	const struct place *set = l->set_at;
	const bool timeout_set = set[timeout].setting != NULL || set[timeout].line != 0;
	const struct conf_heartbeat *h = &l->conf->heartbeat;
	char timeout_s[VALUE_TEXT_MAX], interval_s[VALUE_TEXT_MAX];

	if (l->bad[timeout] || l->bad[interval] || h->timeout_ms > h->interval_ms)
		return;
	loader_fault(
		l, timeout_set ? &set[timeout] : &set[interval], "",
		"heartbeat.timeout_s must be greater than heartbeat.interval_s: %s s is not more "
		"than %s s, and healthy connections would be closed",
		value_format(&conf_keys[timeout], l->conf, timeout_s),
		value_format(&conf_keys[interval], l->conf, interval_s));
}

static bool same_address(const struct net_addr *a, const struct net_addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* The second one could not be opened. Of port 0 the kernel chooses another each time. */
static void check_listen_once(struct loader *l)
{
	const struct conf *c = l->conf;
	char path[32], text[NET_ADDR_TEXT];

	if (l->bad[schema_find("listen") - conf_keys])
		return;
	for (uint32_t i = 0; i < c->n_listen; i++) {
		uint32_t first = 0;

		while (!same_address(&c->listen[first], &c->listen[i]))
			first++;
		if (first == i || c->listen[i].port == 0)
			continue;
		snprintf(path, sizeof(path), "listen[%u]", i);
		loader_fault(l, &l->listen_at[i], path,
		             "%s stands in the list twice; leave one of them out",
		             net_addr_format(&c->listen[i], text));
	}
}

static void check_dev(struct loader *l)
{
	const struct conf *c = l->conf;
	char path[32], text[NET_ADDR_TEXT];

	if (!c->dev || l->bad[schema_find("listen") - conf_keys])
		return;
	for (uint32_t i = 0; i < c->n_listen; i++) {
		if (net_addr_is_loopback(&c->listen[i]))
			continue;
		snprintf(path, sizeof(path), "listen[%u]", i);
		loader_fault(l, &l->listen_at[i], path,
		             "%s: --dev serves anyone without a token, so it listens on loopback "
		             "addresses only; use 127.0.0.1:PORT or leave --dev",
		             net_addr_format(&c->listen[i], text));
	}
}

/* "callback" needs somebody who is called. */
static void check_callback(struct loader *l, bool has_handler)
{
	const struct conf_key *k = schema_find(HUB_PATTERN ".on_message");
	const struct conf *c = l->conf;
	char path[KEY_TEXT_MAX];

	for (uint32_t i = 0; i < c->n_hubs; i++) {
		if (has_handler || c->hubs[i].on_message != HUB_CALLBACK)
			continue;
		snprintf(path, sizeof(path), "hubs.%s.on_message", c->hubs[i].name);
		loader_fault(l, &l->set_at[k - conf_keys], path,
		             "callback is for programs that embed wsmd and handle messages; this "
		             "one does not");
	}
}

/* Tokens need keys. */
static void check_keys(struct loader *l)
{
	const ptrdiff_t mode = schema_find("auth.mode") - conf_keys;
	const ptrdiff_t keys = schema_find("auth.keys") - conf_keys;

	if (l->bad[mode] || l->bad[keys] || l->conf->auth.mode != AUTH_TOKEN ||
	    l->conf->auth.keys[0] != '\0')
		return;
	loader_fault(l, &l->set_at[mode], "",
	             "auth.mode is token, so auth.keys must name the keys that tokens are checked "
	             "with; a secret is made by \"openssl rand -hex 32\"");
}

static int build(struct loader *l, const struct conf_args *args)
{
	const int env_err = env_choose(args->env_name, &l->conf->env, l->faults);

	l->conf->dev = args->dev;
	if (env_err == WSMD_ENOMEM || loader_apply_defaults(l->conf) < 0)
		return WSMD_ENOMEM;
	if (args->listens_nowhere)
		l->conf->n_listen = 0;
	if (args->file != NULL)
		loader_apply_file(l, args->file);
	for (size_t i = 0; i < args->n_settings; i++)
		loader_apply_setting(l, &args->settings[i]);
	/* Without a known environment the other half of the comparison is only a guess. */
	if (env_err == 0)
		check_heartbeat(l);
	check_listen_once(l);
	check_dev(l);
	check_callback(l, args->has_handler);
	check_keys(l);
	return l->out_of_memory ? WSMD_ENOMEM : env_err;
}

int conf_load(const struct conf_args *args, uint32_t cpus, struct conf **ret,
              struct conf_faults *faults)
{
	struct loader l = {.file = args->file, .faults = faults};
	const double most_workers = schema_find("workers")->max;
	const size_t before = faults->n;
	struct conf *fitted;
	struct guard *guard;
	int err;

	l.conf = calloc(1, hubs_conf_bytes(CONF_MAX_HUBS));
	if (l.conf == NULL)
		return WSMD_ENOMEM;
	guard = guard_enter();
	err = guard ? build(&l, args) : WSMD_ENOMEM;
	if (guard != NULL && guard_leave(guard))
		err = WSMD_ENOMEM;
	if (err == 0 && faults->n > before)
		err = WSMD_ECONFIG;
	if (err < 0) {
		free(l.conf);
		return err;
	}
	if (l.conf->workers == 0)
		l.conf->workers = cpus < most_workers ? cpus : (uint32_t)most_workers;
	if (l.conf->workers == 0)
		l.conf->workers = 1;
	fitted = realloc(l.conf, hubs_conf_bytes(l.conf->n_hubs));
	*ret = fitted ? fitted : l.conf;
	return 0;
}

void conf_free(struct conf *c)
{
	free(c);
}
