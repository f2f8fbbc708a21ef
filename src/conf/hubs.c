/* Names and rows of hubs. */
#include "conf/hubs.h"

#include <string.h>

static bool is_letter(char ch)
{
	return (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');
}

bool conf_hub_name_valid(const char *name, size_t len)
{
	if (len == 1 && name[0] == '*')
		return true;
	if (len == 0 || len > HUB_NAME_MAX || !is_letter(name[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		const bool digit = name[i] >= '0' && name[i] <= '9';

		if (!is_letter(name[i]) && !digit && memchr("_`,.[]", name[i], 6) == NULL)
			return false;
	}
	return true;
}

static int compare(const struct conf_hub *h, const char *name, size_t len)
{
	const size_t own = strlen(h->name);
	const int order = memcmp(h->name, name, own < len ? own : len);

	if (order != 0)
		return order;
	return (own > len) - (own < len);
}

/* The first row that is not before @name. */
static uint32_t lower_bound(const struct conf *c, const char *name, size_t len)
{
	uint32_t from = 0, to = c->n_hubs;

	while (from < to) {
		const uint32_t middle = from + (to - from) / 2;

		if (compare(&c->hubs[middle], name, len) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(const struct conf *c, uint32_t i, const char *name, size_t len)
{
	return i < c->n_hubs && compare(&c->hubs[i], name, len) == 0;
}

struct conf_hub *hubs_obtain(struct conf *c, const char *name)
{
	const size_t len = strlen(name);
	const uint32_t i = lower_bound(c, name, len);
	struct conf_hub *h = &c->hubs[i];

	ASSERT(conf_hub_name_valid(name, len));
	if (is_at(c, i, name, len))
		return h;
	if (c->n_hubs == CONF_MAX_HUBS)
		return NULL;
	memmove(h + 1, h, (c->n_hubs - i) * sizeof(*h));
	memset(h, 0, sizeof(*h));
	memcpy(h->name, name, len);
	c->n_hubs++;
	return h;
}

enum hub_action conf_hub_action(const struct conf *c, const char *hub, size_t len)
{
	const uint32_t i = lower_bound(c, hub, len);

	ASSERT(c->n_hubs > 0 && c->hubs[0].name[0] == '*');
	return c->hubs[is_at(c, i, hub, len) ? i : 0].on_message;
}
