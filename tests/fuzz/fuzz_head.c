/* Heads from anywhere: nothing found lies outside, no split matters, what is accepted stays so. */
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "http/field.h"
#include "http/head.h"

#define MAX_LEN 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Zeroed first, so that two heads can be compared as bytes. */
static void start(struct http_head *h, enum http_kind kind)
{
	memset(h, 0, sizeof(*h));
	http_head_init(h, kind);
}

static int parse_bytewise(struct http_head *h, const char *buf, size_t len)
{
	int ret = http_head_parse(h, buf, 0, MAX_LEN);

	for (size_t n = 1; n <= len; n++) {
		const uint32_t before = h->pos;

		ret = http_head_parse(h, buf, n, MAX_LEN);
		ASSERT(h->pos == before || h->pos == before + 1);
	}
	return ret;
}

static void check_span(const struct http_head *h, const char *buf, struct http_span s)
{
	ASSERT(s.at <= h->head_len && s.len <= h->head_len - s.at);
	ASSERT(s.len == 0 ||
	       (!memchr(buf + s.at, '\0', s.len) && !memchr(buf + s.at, '\n', s.len) &&
	        !memchr(buf + s.at, '\r', s.len)));
}

static void check_lookups(const struct http_head *h, const char *buf)
{
	struct http_span s = {0, 0};
	char decoded[MAX_LEN + 1];
	long len;

	ASSERT(h->kind == HTTP_RESPONSE || http_head_find(h, buf, "host", &s) == 1);
	check_span(h, buf, s);
	if (http_head_has_token(h, buf, "connection", "upgrade"))
		ASSERT(http_head_find(h, buf, "connection", &s) > 0);
	if (http_query_get(buf, h->query, "id", &s))
		ASSERT(s.at >= h->query.at && s.at + s.len <= h->query.at + h->query.len);
	len = http_decode(buf, h->target, true, decoded, sizeof(decoded));
	ASSERT(len == WSMD_EINVAL || (len <= h->target.len && strlen(decoded) == (size_t)len));
}

static void check_complete(const struct http_head *h, const char *buf)
{
	struct http_head again;

	ASSERT(memcmp(buf + h->head_len - 4, "\r\n\r\n", 4) == 0);
	check_span(h, buf, h->method);
	check_span(h, buf, h->target);
	ASSERT(h->path.at == h->target.at && h->path.len <= h->target.len);
	ASSERT(h->query.len == 0 || h->query.at + h->query.len == h->target.at + h->target.len);
	ASSERT(h->n_fields <= HTTP_MAX_FIELDS);
	for (uint32_t i = 0; i < h->n_fields; i++) {
		ASSERT(h->fields[i].name.len > 0);
		check_span(h, buf, h->fields[i].name);
		check_span(h, buf, h->fields[i].value);
	}
	check_lookups(h, buf);
	start(&again, h->kind);
	ASSERT(http_head_parse(&again, buf, h->head_len - 1, MAX_LEN) == WSMD_ENEEDMORE);
	ASSERT(http_head_parse(&again, buf, h->head_len, MAX_LEN) == 0);
	ASSERT(memcmp(h, &again, sizeof(again)) == 0);
}

static void run(enum http_kind kind, const char *buf, size_t len)
{
	struct http_head whole, bytewise;
	int ret;

	start(&whole, kind);
	start(&bytewise, kind);
	ret = http_head_parse(&whole, buf, len, MAX_LEN);
	ASSERT(parse_bytewise(&bytewise, buf, len) == ret);
	ASSERT(memcmp(&whole, &bytewise, sizeof(whole)) == 0);
	ASSERT(whole.pos <= len && whole.pos <= MAX_LEN);
	ASSERT((ret == WSMD_EPROTO) == (whole.fault != HTTP_OK));
	if (ret == 0)
		check_complete(&whole, buf);
	else
		ASSERT(ret == WSMD_EPROTO || (ret == WSMD_ENEEDMORE && whole.pos == len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	run(HTTP_REQUEST, (const char *)data, len);
	run(HTTP_RESPONSE, (const char *)data, len);
	return 0;
}
