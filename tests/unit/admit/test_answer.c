/* Answers: well-formed, complete, and with the fields that their status demands. */
#include "admit/answer.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "http/fault.h"
#include "http/field.h"
#include "http/head.h"

/* Our own strict parser reads it as a client would. */
static void parse(struct http_head *h, const char *text, uint32_t len)
{
	http_head_init(h, HTTP_RESPONSE);
	cr_assert_eq(http_head_parse(h, text, len, 16384), 0, "%.*s", (int)len, text);
}

static bool has(const struct http_head *h, const char *text, const char *name, const char *value)
{
	struct http_span s;

	if (http_head_find(h, text, name, &s) != 1)
		return false;
	return value == NULL || http_span_equals(text, s, value);
}

static void expect_refusal(enum refusal why, uint16_t status, const char *sentence,
                           uint32_t retry_s)
{
	char text[ANSWER_REFUSAL_BYTES], number[16];
	struct http_head h;

	/* What is written must not depend on what was there. */
	memset(text, 0x5a, sizeof(text));

	const uint32_t len = answer_refusal(text, why, status, sentence, retry_s);

	cr_assert_lt(len, sizeof(text));
	parse(&h, text, len);
	cr_expect_eq(h.status, status);
	cr_expect(http_head_has_token(&h, text, "connection", "close"));
	cr_expect_eq(h.content_length, strlen(sentence) + 1);
	cr_expect_eq(h.head_len + h.content_length, len);
	cr_expect_eq(memcmp(text + h.head_len, sentence, strlen(sentence)), 0);
	cr_expect_eq(text[len - 1], '\n');
	cr_expect(has(&h, text, "content-type", "text/plain; charset=utf-8"));
	cr_expect_eq(has(&h, text, "allow", "GET"), why == REFUSE_METHOD);
	cr_expect_eq(has(&h, text, "allow", "GET, HEAD"), why == REFUSE_PAGE_METHOD);
	cr_expect_eq(has(&h, text, "allow", NULL), status == 405);
	cr_expect_eq(has(&h, text, "sec-websocket-version", "13"), status == 426);
	cr_expect_eq(has(&h, text, "upgrade", "websocket"), status == 426);
	cr_expect_eq(has(&h, text, "www-authenticate", NULL), status == 401);
	cr_expect_eq(has(&h, text, "www-authenticate", "Bearer"),
	             why == REFUSE_NO_TOKEN || why == REFUSE_NO_IDENTITY);
	cr_expect_eq(http_head_has_token(&h, text, "connection", "upgrade"), status == 426);
	snprintf(number, sizeof(number), "%u", retry_s);
	cr_expect_eq(has(&h, text, "retry-after", number), retry_s > 0);
	cr_expect_eq(has(&h, text, "retry-after", NULL), retry_s > 0);
}

Test(answer, every_refusal)
{
	for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
		const enum refusal r = (enum refusal)i;

		if (refusal_status(r) != 0)
			expect_refusal(r, refusal_status(r), refusal_text(r),
			               refusal_status(r) == 503 ? 7 : 0);
	}
}

Test(answer, every_fault_of_a_head)
{
	for (unsigned i = HTTP_OK + 1; i < HTTP_FAULT_COUNT; i++)
		expect_refusal(REFUSE_BAD_HEAD, http_fault_status((enum http_fault)i),
		               http_fault_text((enum http_fault)i), 0);
}

Test(answer, the_longest_retry_fits)
{
	expect_refusal(REFUSE_BUSY, 503, "x", UINT32_MAX);
}

Test(answer, upgrade)
{
	static const char expected[] = "HTTP/1.1 101 Switching Protocols\r\n"
				       "Upgrade: websocket\r\n"
				       "Connection: Upgrade\r\n"
				       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	char text[256];

	cr_assert_eq(answer_upgrade(text, sizeof(text), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", NULL),
	             sizeof(expected) - 1);
	cr_assert_str_eq(text, expected);
}

Test(answer, upgrade_with_a_subprotocol)
{
	char text[256];
	const uint32_t len =
		answer_upgrade(text, sizeof(text), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "jwt");
	struct http_head h;

	parse(&h, text, len);
	cr_expect_eq(h.status, 101);
	cr_expect_eq(h.head_len, len);
	cr_expect(has(&h, text, "sec-websocket-protocol", "jwt"));
	cr_expect(has(&h, text, "sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

Test(answer, page)
{
	static const size_t lengths[] = {0, 1, 123456, SIZE_MAX};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char text[ANSWER_HEAD_BYTES];
		const uint32_t len = answer_page(
			text, 200, "text/plain; version=0.0.4; charset=utf-8", lengths[i]);
		struct http_head h;

		parse(&h, text, len);
		cr_assert_eq(h.status, 200);
		cr_assert_eq(h.head_len, len);
		cr_assert_eq(h.content_length, lengths[i]);
		cr_assert(has(&h, text, "connection", "close"));
		cr_assert(
			has(&h, text, "content-type", "text/plain; version=0.0.4; charset=utf-8"));
	}
}

/* Some seconds, never "at once", and not all the same. */
Test(answer, retry_is_spread)
{
	bool seen[32] = {false};
	unsigned different = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		const uint32_t s = answer_retry_s(i * 2654435761u);

		cr_assert(s >= 1 && s <= 10);
		different += !seen[s];
		seen[s] = true;
	}
	cr_assert_eq(different, 10);
}
