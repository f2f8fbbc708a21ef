/* Heads that are accepted: what is found in them, their bounds, and that each byte counts once. */
#include "http/head.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "feed.h"
#include "http/field.h"

#define EXPECT_SPAN(buf, span, text)                                                               \
	cr_expect(http_span_equals((buf), (span), (text)), "got '%.*s', not '%s'",                 \
	          (int)(span).len, (buf) + (span).at, (text))

static void expect_fields(const struct http_head *h, const char *buf, const char *const pairs[])
{
	uint32_t n = 0;

	for (; pairs[2 * n]; n++) {
		cr_assert_lt(n, h->n_fields);
		EXPECT_SPAN(buf, h->fields[n].name, pairs[2 * n]);
		EXPECT_SPAN(buf, h->fields[n].value, pairs[2 * n + 1]);
	}
	cr_expect_eq(h->n_fields, n, "%u fields, not %u", h->n_fields, n);
}

static const struct {
	const char *text, *method, *path, *query;
	uint64_t length;
	bool chunked;
	const char *fields[9]; /* name, value, ..., NULL */
} requests[] = {
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", 0, false, {"Host", "a"}},
	{"GET /a/b%2Fc?x=1&y=/?z HTTP/1.1\r\nHost:a\r\n\r\n",
         "GET",
         "/a/b%2Fc",
         "x=1&y=/?z",
         0,
         false,
         {"Host", "a"}},
	{"M-SEARCH /? HTTP/1.1\r\nhOsT: [::1%25e]:80\r\n\r\n",
         "M-SEARCH",
         "/",
         "",
         0,
         false,
         {"hOsT", "[::1%25e]:80"}},
	/* what browsers leave bare */
	{"GET //x?a[]={b|c}\\^`' HTTP/1.1\r\nHost: a\r\n\r\n",
         "GET",
         "//x",
         "a[]={b|c}\\^`'",
         0,
         false,
         {"Host", "a"}},
	/* white space around values, inside them, and values that are nothing else */
	{"GET / HTTP/1.1\r\nA: \t b \t c\t \r\nB:\r\nC: \t \r\nHost:\t a \t\r\n\r\n",
         "GET",
         "/",
         "",
         0,
         false,
         {"A", "b \t c", "B", "", "C", "", "Host", "a"}},
	{"GET / HTTP/1.1\r\nHost: a\r\nA: caf\xc3\xa9 \xff:\r\n\r\n",
         "GET",
         "/",
         "",
         0,
         false,
         {"Host", "a", "A", "caf\xc3\xa9 \xff:"}},
	{"POST / HTTP/1.1\r\nContent-Length: 0017 \r\nHost: a\r\n\r\n",
         "POST",
         "/",
         "",
         17,
         false,
         {"Content-Length", "0017", "Host", "a"}},
	{"POST / HTTP/1.1\r\nHost: a\r\ncontent-length:18446744073709551615\r\n\r\n",
         "POST",
         "/",
         "",
         UINT64_MAX,
         false,
         {"Host", "a", "content-length", "18446744073709551615"}},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
         "GET",
         "/",
         "",
         0,
         false,
         {"Host", "a", "Content-Length", "0"}},
	{"POST / HTTP/1.1\r\nHost: a\r\ntransfer-ENCODING:\tchUNKed\t\r\n\r\n",
         "POST",
         "/",
         "",
         0,
         true,
         {"Host", "a", "transfer-ENCODING", "chUNKed"}},
	/* nearly a name with a meaning */
	{"GET / HTTP/1.1\r\nHost: a\r\nHos: b c\r\nHosts: b c\r\nHos^: b c\r\n\r\n",
         "GET",
         "/",
         "",
         0,
         false,
         {"Host", "a", "Hos", "b c", "Hosts", "b c", "Hos^", "b c"}},
};

Test(head, requests_are_read)
{
	static const char *const tails[] = {"", "\x81\x05hello", "GET / HTTP/1.1\r\n", "\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		for (size_t t = 0; t < ARRAY_LEN(tails); t++) {
			const size_t len = strlen(requests[i].text);
			struct http_head h;
			char buf[256];
			const int n =
				snprintf(buf, sizeof(buf), "%s%s", requests[i].text, tails[t]);

			cr_assert_eq(feed_all_ways(&h, HTTP_REQUEST, buf, (size_t)n), 0, "%s", buf);
			cr_expect_eq(h.head_len, len);
			cr_expect_eq(h.fault, HTTP_OK);
			EXPECT_SPAN(buf, h.method, requests[i].method);
			EXPECT_SPAN(buf, h.path, requests[i].path);
			EXPECT_SPAN(buf, h.query, requests[i].query);
			cr_expect_eq(h.target.at, h.path.at);
			cr_expect_eq(buf[h.target.at + h.target.len], ' ');
			cr_expect_eq(h.content_length, requests[i].length);
			cr_expect_eq(h.chunked, requests[i].chunked);
			cr_expect_eq(http_head_has_body(&h), h.chunked || h.content_length > 0);
			expect_fields(&h, buf, requests[i].fields);
		}
	}
}

Test(head, responses_are_read)
{
	static const struct {
		const char *text;
		uint16_t status;
		const char *fields[5];
	} rows[] = {
		{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
	         101,
	         {"Upgrade", "websocket"}},
		{"HTTP/1.1 200 \r\n\r\n", 200, {NULL}},
		{"HTTP/1.1 599 \tna\xefve\r\nA:b\r\nC: d\r\n\r\n", 599, {"A", "b", "C", "d"}},
		{"HTTP/1.1 400 no host is needed\r\nContent-Length: 2\r\n\r\nno",
	         400,
	         {"Content-Length", "2"}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const text = rows[i].text;
		struct http_head h;

		cr_assert_eq(feed_all_ways(&h, HTTP_RESPONSE, text, strlen(text)), 0, "%s", text);
		cr_expect_eq(h.status, rows[i].status);
		expect_fields(&h, text, rows[i].fields);
	}
}

/* "GET / ... Host ... " with a long field, @len bytes in all. */
static void make_head(char *buf, size_t len)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nLong: ";

	cr_assert_gt(len, sizeof(start) + 4);
	memset(buf, 'x', len);
	memcpy(buf, start, sizeof(start) - 1);
	memcpy(buf + len - 4, "\r\n\r\n", 4);
}

Test(head, is_bounded_to_the_byte)
{
	static const size_t lens[] = {40, 4096, 8192};
	static char buf[8192];
	struct http_head h;

	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		const size_t len = lens[i];

		make_head(buf, len);
		http_head_init(&h, HTTP_REQUEST);
		cr_expect_eq(http_head_parse(&h, buf, len, len), 0);
		http_head_init(&h, HTTP_REQUEST);
		cr_expect_eq(http_head_parse(&h, buf, len - 2, len - 1), WSMD_ENEEDMORE);
		cr_expect_eq(http_head_parse(&h, buf, len - 1, len - 1), WSMD_EPROTO);
		cr_expect_eq(h.fault, HTTP_HEAD_TOO_LARGE);
		cr_expect_eq(http_fault_status(h.fault), 431);
	}
	http_head_init(&h, HTTP_REQUEST);
	cr_expect_eq(http_head_parse(&h, buf, 0, 0), WSMD_EPROTO);
	cr_expect_eq(h.fault, HTTP_HEAD_TOO_LARGE);
}

Test(head, a_huge_one_is_left_at_the_bound)
{
	const size_t len = 20u << 20;
	char *const buf = malloc(len);
	struct http_head h;

	cr_assert_not_null(buf);
	make_head(buf, len);
	http_head_init(&h, HTTP_REQUEST);
	cr_expect_eq(http_head_parse(&h, buf, len, 8192), WSMD_EPROTO);
	cr_expect_eq(h.fault, HTTP_HEAD_TOO_LARGE);
	cr_expect_eq(h.pos, 8192);
	free(buf);
}

static size_t make_fields(char *buf, unsigned int n_fields)
{
	size_t len = (size_t)sprintf(buf, "GET / HTTP/1.1\r\nHost: a\r\n");

	for (unsigned int i = 1; i < n_fields; i++)
		len += (size_t)sprintf(buf + len, "F%u: %u\r\n", i, i);
	return len + (size_t)sprintf(buf + len, "\r\n");
}

Test(head, has_a_bounded_number_of_fields)
{
	static char buf[256 * 1024];
	size_t len = make_fields(buf, HTTP_MAX_FIELDS);
	struct http_head h;

	cr_expect_eq(feed_whole(&h, HTTP_REQUEST, buf, len), 0);
	cr_expect_eq(h.n_fields, HTTP_MAX_FIELDS);
	EXPECT_SPAN(buf, h.fields[HTTP_MAX_FIELDS - 1].value, "99");
	len = make_fields(buf, HTTP_MAX_FIELDS + 1);
	cr_expect_eq(feed_whole(&h, HTTP_REQUEST, buf, len), WSMD_EPROTO);
	cr_expect_eq(h.fault, HTTP_TOO_MANY_FIELDS);
	len = make_fields(buf, 10000);
	http_head_init(&h, HTTP_REQUEST);
	cr_expect_eq(http_head_parse(&h, buf, len, sizeof(buf)), WSMD_EPROTO);
	cr_expect_eq(h.fault, HTTP_TOO_MANY_FIELDS);
	cr_expect_eq(buf[h.pos], 'F', "refused at the first byte of the one too many");
}

/*
 * Linear whatever comes: each call takes exactly the new byte, and all that came before, except
 * the word that is open, may be wiped out without the parser noticing.
 */
Test(head, never_looks_back)
{
	static char text[8192], buf[8192];
	size_t wiped = 0;
	struct http_head h;

	make_head(text, sizeof(text));
	memset(text + 1024, ' ', 1024);
	memset(text + 2048, ',', 1024);
	memset(text + 3072, '"', 1024);
	memset(text + 4096, '\\', 1024);
	http_head_init(&h, HTTP_REQUEST);
	for (size_t n = 1; n <= sizeof(text); n++) {
		const int ret = http_head_parse(&h, buf, n - 1, sizeof(text));

		cr_assert_eq(ret, WSMD_ENEEDMORE);
		cr_assert_eq(h.pos, n - 1);
		if (n > 64 || (n > 1 && strchr(" \r\n:", text[n - 2]))) {
			memset(buf + wiped, '\0', n - 1 - wiped);
			wiped = n - 1;
		}
		buf[n - 1] = text[n - 1];
	}
	cr_assert_eq(http_head_parse(&h, buf, sizeof(text), sizeof(text)), 0);
	cr_expect_eq(h.n_fields, 2);
	EXPECT_SPAN(text, h.fields[0].name, "Host");
	EXPECT_SPAN(text, h.fields[0].value, "a");
	EXPECT_SPAN(text, h.fields[1].name, "Long");
	cr_expect_eq(h.fields[1].value.len, sizeof(text) - 4 - h.fields[1].value.at);
}

Test(head, ends_are_final)
{
	static const char good[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n\n\n\n";
	static const char bad[] = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
	struct http_head h;

	cr_assert_eq(feed_whole(&h, HTTP_REQUEST, good, strlen(good) - 3), 0);
	cr_expect_eq(http_head_parse(&h, good, strlen(good), FEED_MAX_LEN), 0);
	cr_expect_eq(h.head_len, strlen(good) - 3);
	cr_assert_eq(feed_whole(&h, HTTP_REQUEST, bad, strlen(bad) - 3), WSMD_EPROTO);
	cr_expect_eq(http_head_parse(&h, bad, strlen(bad), FEED_MAX_LEN), WSMD_EPROTO);
	cr_expect_eq(h.fault, HTTP_BAD_VERSION);
	http_head_init(&h, HTTP_REQUEST);
	cr_expect_eq(feed_whole(&h, HTTP_REQUEST, good, strlen(good)), 0, "init forgets a fault");
	cr_expect_eq(h.fault, HTTP_OK);
}
