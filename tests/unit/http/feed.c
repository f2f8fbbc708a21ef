/* The ways of arriving, compared. */
#include "feed.h"

#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"

const char *feed_guarded(const char *text, size_t len)
{
	static struct guard guard;

	if (!guard.map)
		guard_init(&guard, FEED_MAX);
	return memcpy(guard_tail(&guard, len), text, len);
}

static int feed(struct http_head *h, const char *text, size_t len)
{
	return http_head_parse(h, feed_guarded(text, len), len, FEED_MAX_LEN);
}

int feed_whole(struct http_head *h, enum http_kind kind, const char *text, size_t len)
{
	http_head_init(h, kind);
	return feed(h, text, len);
}

static int feed_bytewise(struct http_head *h, enum http_kind kind, const char *text, size_t len)
{
	int ret;

	http_head_init(h, kind);
	ret = feed(h, text, 0);
	for (size_t n = 1; n <= len; n++)
		ret = feed(h, text, n);
	return ret;
}

static int feed_split(struct http_head *h, enum http_kind kind, const char *text, size_t len,
                      size_t at)
{
	int ret;

	http_head_init(h, kind);
	ret = feed(h, text, at);
	return at < len ? feed(h, text, len) : ret;
}

static bool same_span(struct http_span a, struct http_span b)
{
	return a.at == b.at && a.len == b.len;
}

static void check_same(const struct http_head *a, const struct http_head *b)
{
	cr_assert_eq(a->fault, b->fault);
	cr_assert_eq(a->pos, b->pos);
	cr_assert_eq(a->head_len, b->head_len);
	cr_assert(same_span(a->method, b->method));
	cr_assert(same_span(a->target, b->target));
	cr_assert(same_span(a->path, b->path));
	cr_assert(same_span(a->query, b->query));
	cr_assert_eq(a->status, b->status);
	cr_assert_eq(a->chunked, b->chunked);
	cr_assert_eq(a->content_length, b->content_length);
	cr_assert_eq(a->n_fields, b->n_fields);
	for (uint32_t i = 0; i < a->n_fields; i++) {
		cr_assert(same_span(a->fields[i].name, b->fields[i].name));
		cr_assert(same_span(a->fields[i].value, b->fields[i].value));
	}
}

int feed_all_ways(struct http_head *h, enum http_kind kind, const char *text, size_t len)
{
	const int ret = feed_whole(h, kind, text, len);
	struct http_head other;

	cr_assert_eq(feed_bytewise(&other, kind, text, len), ret);
	check_same(h, &other);
	for (size_t at = 0; at <= len; at++) {
		cr_assert_eq(feed_split(&other, kind, text, len, at), ret, "split at %zu", at);
		check_same(h, &other);
	}
	return ret;
}
