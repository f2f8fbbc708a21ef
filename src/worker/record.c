/* The table of events, and the parts of a record. */
#include "worker/record.h"

#include <string.h>

static const struct {
	const char *label, *value[2];
	uint32_t kept;
} kinds[EVENT_KIND_COUNT] = {
#define X(name, label, kept, first, second) [name] = {label, {first, second}, kept},
	RECORD_EVENTS(X)
#undef X
};

static_assert(sizeof(struct record) % 8 == 0, "events follow, and the next record");
static_assert(HUB_NAME_MAX_BYTES <= UINT8_MAX && USER_NAME_MAX <= UINT8_MAX, "lengths are bytes");

const char *record_event_label(enum record_event_kind kind)
{
	return kinds[kind].label;
}

const char *record_event_value(enum record_event_kind kind, int i)
{
	return kinds[kind].value[i];
}

uint32_t record_event_kept(enum record_event_kind kind)
{
	return kinds[kind].kept;
}

uint32_t record_size(const struct record_parts *p)
{
	const size_t n = sizeof(struct record) + p->n_events * sizeof(struct record_event) +
	                 p->hub_len + p->user_len + p->text_len;

	return (uint32_t)((n + 7) / 8 * 8);
}

static char *append(char *at, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(at, bytes, len);
	return at + len;
}

void record_write(struct record *r, const struct record_parts *p)
{
	char *at = (char *)(r + 1);

	r->bytes = record_size(p);
	r->n_events = p->n_events;
	r->hub_len = p->hub_len;
	r->user_len = p->user_len;
	r->text_len = p->text_len;
	at = append(at, p->events, p->n_events * sizeof(struct record_event));
	at = append(at, p->hub, p->hub_len);
	at = append(at, p->user, p->user_len);
	at = append(at, p->text, p->text_len);
	memset(at, 0, (size_t)((char *)r + r->bytes - at));
}

uint64_t record_idle_ms(const struct record *r)
{
	if (r->tcp.state == 0 || r->tcp.last_sent_ms > r->silent_ms)
		return r->silent_ms;
	return r->tcp.last_sent_ms;
}

const struct record_event *record_events(const struct record *r)
{
	return (const void *)(r + 1);
}

const char *record_hub(const struct record *r)
{
	return (const char *)(record_events(r) + r->n_events);
}

const char *record_user(const struct record *r)
{
	return record_hub(r) + r->hub_len;
}

const char *record_text(const struct record *r)
{
	return record_user(r) + r->user_len;
}
