/* What a reload would change, and the snapshot it leaves behind. */
#include <stdlib.h>
#include <string.h>

#include "conf/hubs.h"
#include "conf/value.h"

struct reporter {
	void (*report)(void *arg, const char *key, enum conf_change change, const char *was,
	               const char *is);
	void *arg;
};

/* NULL as @was or @is: there is no such row in that snapshot. */
static void compare(const struct reporter *r, const struct conf_key *k, const char *name,
                    const void *was, const void *is)
{
	char old[VALUE_TEXT_MAX] = "null", new[VALUE_TEXT_MAX] = "null";

	if (was != NULL)
		value_format(k, was, old);
	if (is != NULL)
		value_format(k, is, new);
	if (strcmp(old, new) != 0)
		r->report(r->arg, name, k->reload ? CONF_APPLIED : CONF_NEEDS_RESTART, old, new);
}

static void compare_hub(const struct reporter *r, const struct conf_hub *was,
                        const struct conf_hub *is)
{
	char name[KEY_TEXT_MAX];

	conf_keys_for_each(k)
	{
		if (!k->per_hub)
			continue;
		snprintf(name, sizeof(name), "hubs.%s.%s", was ? was->name : is->name,
		         schema_leaf(k));
		compare(r, k, name, was, is);
	}
}

static void compare_hubs(const struct reporter *r, const struct conf *old, const struct conf *new)
{
	uint32_t i = 0, j = 0;

	while (i < old->n_hubs || j < new->n_hubs) {
		const struct conf_hub *was = i < old->n_hubs ? &old->hubs[i] : NULL;
		const struct conf_hub *is = j < new->n_hubs ? &new->hubs[j] : NULL;
		const int order = !is ? -1 : !was ? 1 : strcmp(was->name, is->name);

		compare_hub(r, order <= 0 ? was : NULL, order >= 0 ? is : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

void conf_diff(const struct conf *old, const struct conf *new,
               void (*report)(void *arg, const char *key, enum conf_change change, const char *was,
                              const char *is),
               void *arg)
{
	const struct reporter r = {.report = report, .arg = arg};

	conf_keys_for_each(k)
	{
		if (!k->per_hub)
			compare(&r, k, k->name, old, new);
	}
	compare_hubs(&r, old, new);
}

struct conf *conf_merge_reload(const struct conf *old, const struct conf *new)
{
	const size_t bytes = hubs_conf_bytes(new->n_hubs);
	struct conf *merged = malloc(bytes);

	if (merged == NULL)
		return NULL;
	memcpy(merged, new, bytes);
	merged->dev = old->dev;
	merged->env = old->env;
	conf_keys_for_each(k)
	{
		if (k->reload)
			continue;
		ASSERT(!k->per_hub); /* rows of hubs come and go, so a reload must apply them */
		value_copy(k, merged, old);
	}
	return merged;
}
