/* Heads that are refused: each with its own sentence, at the first byte that decides it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "feed.h"
#include "http/head.h"

#define LINE "GET / HTTP/1.1\r\n"
#define HOST LINE "Host: a\r\n"

/* @awaited could still become a head; the first byte of @rest decides that it will not. */
struct refusal {
	struct bytes awaited, rest;
	enum http_fault fault;
};

static const struct refusal requests[] = {
	/* something else speaks */
	{BYTES(""), BYTES("\x16\x03\x01\x02\x00\x01"), HTTP_TLS_ON_PLAIN},
	{BYTES("PRI"), BYTES(" * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_H2_PREFACE},
	{BYTES("PROXY"), BYTES(" TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), HTTP_PROXY_HEADER},
	{BYTES(""), BYTES("\x00\x00\x00\x2f"), HTTP_NOT_HTTP},
	{BYTES(""), BYTES("\x81\x85\x01\x02\x03\x04"), HTTP_NOT_HTTP},
	{BYTES(""), BYTES("{\"a\":1}"), HTTP_NOT_HTTP},
	{BYTES(""), BYTES(" GET / HTTP/1.1\r\n"), HTTP_NOT_HTTP},
	{BYTES("SSH-2.0-OpenSSH_9.2"), BYTES("\r\n"), HTTP_BAD_REQUEST_LINE},
	/* first line */
	{BYTES(""), BYTES("\r\n" HOST), HTTP_LEADING_LINE},
	{BYTES(""), BYTES("\n" HOST), HTTP_LEADING_LINE},
	{BYTES("GET"), BYTES("\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET"), BYTES("\n"), HTTP_BARE_LF},
	{BYTES("GET"), BYTES("\0 / HTTP/1.1"), HTTP_NUL_BYTE},
	{BYTES("GET"), BYTES("\t/ HTTP/1.1"), HTTP_CONTROL_BYTE},
	{BYTES("GET"), BYTES("/ HTTP/1.1"), HTTP_BAD_REQUEST_LINE},
	{BYTES("G"), BYTES("\xc9T / HTTP/1.1"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET "), BYTES(" / HTTP/1.1"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET "), BYTES("\t/ HTTP/1.1"), HTTP_CONTROL_BYTE},
	{BYTES("GET "), BYTES("http://a/ HTTP/1.1"), HTTP_TARGET_FORM},
	{BYTES("CONNECT "), BYTES("a:80 HTTP/1.1"), HTTP_TARGET_FORM},
	{BYTES("OPTIONS "), BYTES("* HTTP/1.1"), HTTP_TARGET_FORM},
	{BYTES("GET "), BYTES("?x HTTP/1.1"), HTTP_TARGET_FORM},
	{BYTES("GET "), BYTES("\xe2\x82\xac HTTP/1.1"), HTTP_TARGET_NOT_ASCII},
	{BYTES("GET /"), BYTES("\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET /"), BYTES("\n"), HTTP_BARE_LF},
	{BYTES("GET /a"), BYTES("\x80 HTTP/1.1"), HTTP_TARGET_NOT_ASCII},
	{BYTES("GET /a?b"), BYTES("\xff HTTP/1.1"), HTTP_TARGET_NOT_ASCII},
	{BYTES("GET /a"), BYTES("\0 HTTP/1.1"), HTTP_NUL_BYTE},
	{BYTES("GET /a?"), BYTES("\0 HTTP/1.1"), HTTP_NUL_BYTE},
	{BYTES("GET /a"), BYTES("\x1b HTTP/1.1"), HTTP_CONTROL_BYTE},
	{BYTES("GET /a?b"), BYTES("\x7f HTTP/1.1"), HTTP_CONTROL_BYTE},
	{BYTES("GET /a"), BYTES("#b HTTP/1.1"), HTTP_TARGET_BYTE},
	{BYTES("GET /a?b"), BYTES("#c HTTP/1.1"), HTTP_TARGET_BYTE},
	{BYTES("GET /a?b="), BYTES("\"c\" HTTP/1.1"), HTTP_TARGET_BYTE},
	{BYTES("GET /a "), BYTES("b HTTP/1.1"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / "), BYTES(" HTTP/1.1"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / "), BYTES("\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / "), BYTES("http/1.1\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / H"), BYTES("\0"), HTTP_NUL_BYTE},
	{BYTES("GET / HTTP/"), BYTES("v1.1\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / HTTP/"), BYTES("0.9\r\n"), HTTP_BAD_VERSION},
	{BYTES("GET / HTTP/1."), BYTES("0\r\n"), HTTP_BAD_VERSION},
	{BYTES("GET / HTTP/1."), BYTES("2\r\n"), HTTP_BAD_VERSION},
	{BYTES("GET / HTTP/"), BYTES("2.0\r\n"), HTTP_BAD_VERSION},
	{BYTES("GET / HTTP/"), BYTES("9.9\r\n"), HTTP_BAD_VERSION},
	{BYTES("GET / HTTP/1"), BYTES("1\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / HTTP/1.1"), BYTES("0\r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / HTTP/1.1"), BYTES(" \r\n"), HTTP_BAD_REQUEST_LINE},
	{BYTES("GET / HTTP/1.1"), BYTES("\n"), HTTP_BARE_LF},
	{BYTES("GET / HTTP/1.1\r"), BYTES("Host: a\r\n"), HTTP_BARE_CR},
	{BYTES("GET / HTTP/1.1\r"), BYTES("\r\n"), HTTP_BARE_CR},
	/* lines and names */
	{BYTES(LINE), BYTES(" Host: a\r\n"), HTTP_FOLDED_LINE},
	{BYTES(HOST "A: b\r\n"), BYTES(" c\r\n"), HTTP_FOLDED_LINE},
	{BYTES(HOST "A: b\r\n"), BYTES("\tc\r\n"), HTTP_FOLDED_LINE},
	{BYTES(HOST), BYTES(": b\r\n"), HTTP_EMPTY_NAME},
	{BYTES(LINE "Host"), BYTES(" : a\r\n"), HTTP_SPACE_IN_NAME},
	{BYTES(LINE "Host"), BYTES("\t: a\r\n"), HTTP_SPACE_IN_NAME},
	{BYTES(HOST "A"), BYTES(" b: c\r\n"), HTTP_SPACE_IN_NAME},
	{BYTES(HOST), BYTES("(A): b\r\n"), HTTP_BAD_NAME},
	{BYTES(HOST "A"), BYTES("[0]: b\r\n"), HTTP_BAD_NAME},
	{BYTES(HOST "A"), BYTES("\xc3\xa9: b\r\n"), HTTP_BAD_NAME},
	{BYTES(HOST "A"), BYTES("\0: b\r\n"), HTTP_NUL_BYTE},
	{BYTES(HOST), BYTES("\0"), HTTP_NUL_BYTE},
	{BYTES(HOST "A"), BYTES("\x08: b\r\n"), HTTP_CONTROL_BYTE},
	{BYTES(HOST "A"), BYTES("\r\n"), HTTP_NO_COLON},
	{BYTES(HOST "A"), BYTES("\n"), HTTP_BARE_LF},
	{BYTES(HOST), BYTES("\n"), HTTP_BARE_LF},
	{BYTES(HOST "\r"), BYTES("A: b\r\n"), HTTP_BARE_CR},
	{BYTES(HOST "\r"), BYTES("\r\n"), HTTP_BARE_CR},
	/* values */
	{BYTES(HOST "A: b"), BYTES("\nC: d\r\n\r\n"), HTTP_BARE_LF},
	{BYTES(HOST "A:"), BYTES("\n"), HTTP_BARE_LF},
	{BYTES(HOST "A: b\r"), BYTES("c\r\n"), HTTP_BARE_CR},
	{BYTES(HOST "A: b\r"), BYTES("\r\n"), HTTP_BARE_CR},
	{BYTES(HOST "A: b"), BYTES("\0c\r\n"), HTTP_NUL_BYTE},
	{BYTES(HOST "A: b"), BYTES("\x01\r\n"), HTTP_CONTROL_BYTE},
	{BYTES(HOST "A:"), BYTES("\x7f\r\n"), HTTP_CONTROL_BYTE},
	/* Host */
	{BYTES(LINE), BYTES("\r\n"), HTTP_NO_HOST},
	{BYTES(LINE "Hosts: a\r\nX-Host: a\r\n"), BYTES("\r\n"), HTTP_NO_HOST},
	{BYTES(HOST "Host"), BYTES(": a\r\n"), HTTP_TWO_HOSTS},
	{BYTES(HOST "A: b\r\nhOST"), BYTES(": c\r\n"), HTTP_TWO_HOSTS},
	{BYTES(LINE "Host:"), BYTES("\r\n\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: \t"), BYTES("\r\n\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: "), BYTES(":80\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: a"), BYTES(",b\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: a "), BYTES("b\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: a"), BYTES("@b\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: a"), BYTES("/b\r\n"), HTTP_BAD_HOST},
	{BYTES(LINE "Host: a"), BYTES("\xc3\xa9\r\n"), HTTP_BAD_HOST},
	/* bodies */
	{BYTES(HOST "Content-Length: 1\r\nContent-Length"), BYTES(": 1\r\n"), HTTP_TWO_LENGTHS},
	{BYTES(HOST "Content-Length: 0\r\nCONTENT-length"), BYTES(": 9\r\n"), HTTP_TWO_LENGTHS},
	{BYTES(HOST "Content-Length:"), BYTES("\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: "), BYTES("-1\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: "), BYTES("+1\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: 0"), BYTES("x10\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: 5"), BYTES(", 5\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: 5 "), BYTES("5\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: 1844674407370955161"), BYTES("6\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: 18446744073709551615"), BYTES("0\r\n"), HTTP_BAD_LENGTH},
	{BYTES(HOST "Content-Length: 5\r\nTransfer-Encoding"), BYTES(": chunked\r\n"),
         HTTP_LENGTH_AND_CODING},
	{BYTES(HOST "Transfer-Encoding: chunked\r\nContent-Length"), BYTES(": 0\r\n"),
         HTTP_LENGTH_AND_CODING},
	{BYTES(HOST "Transfer-Encoding: "), BYTES("gzip, chunked\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding: chunked"), BYTES(", chunked\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding: chunked"), BYTES("x\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding: chunked "), BYTES("x\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding: chunk"), BYTES("\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding:"), BYTES("\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding: "), BYTES("identity\r\n"), HTTP_BAD_CODING},
	{BYTES(HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding"), BYTES(": chunked\r\n"),
         HTTP_BAD_CODING},
};

static const struct refusal responses[] = {
	{BYTES(""), BYTES("ICY 200 OK\r\n"), HTTP_NOT_HTTP},
	{BYTES(""), BYTES("\x15\x03\x01\x00\x02"), HTTP_NOT_HTTP},
	{BYTES(""), BYTES("\r\nHTTP/1.1 200 OK\r\n"), HTTP_LEADING_LINE},
	{BYTES("H"), BYTES("ttp/1.1 200 OK\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1."), BYTES("0 200 OK\r\n"), HTTP_BAD_VERSION},
	{BYTES("HTTP/"), BYTES("2 200\r\n"), HTTP_BAD_VERSION},
	{BYTES("HTTP/1.1"), BYTES("\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1"), BYTES("\t200 OK\r\n"), HTTP_CONTROL_BYTE},
	{BYTES("HTTP/1.1 "), BYTES(" 200 OK\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1 "), BYTES("099 OK\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1 "), BYTES("600 OK\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1 20"), BYTES(" OK\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1 20"), BYTES("\n"), HTTP_BARE_LF},
	{BYTES("HTTP/1.1 200"), BYTES("0 OK\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1 200"), BYTES("\r\n"), HTTP_BAD_STATUS_LINE},
	{BYTES("HTTP/1.1 200 O"), BYTES("\nA: b\r\n"), HTTP_BARE_LF},
	{BYTES("HTTP/1.1 200 O"), BYTES("\0K\r\n"), HTTP_NUL_BYTE},
	{BYTES("HTTP/1.1 200 O"), BYTES("\x7f\r\n"), HTTP_CONTROL_BYTE},
	{BYTES("HTTP/1.1 200 OK\r"), BYTES("A: b\r\n"), HTTP_BARE_CR},
	{BYTES("HTTP/1.1 200 OK\r\n"), BYTES(" A: b\r\n"), HTTP_FOLDED_LINE},
	{BYTES("HTTP/1.1 200 OK\r\nA"), BYTES(" : b\r\n"), HTTP_SPACE_IN_NAME},
	{BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding"), BYTES(": chunked\r\n"),
         HTTP_LENGTH_AND_CODING},
};

static void expect_refusal(const struct refusal *row, enum http_kind kind)
{
	char text[256];
	struct http_head h;

	memcpy(text, row->awaited.at, row->awaited.len);
	memcpy(text + row->awaited.len, row->rest.at, row->rest.len);
	cr_expect_eq(feed_all_ways(&h, kind, text, row->awaited.len), WSMD_ENEEDMORE, "'%s'",
	             row->awaited.at);
	cr_expect_eq(feed_all_ways(&h, kind, text, row->awaited.len + 1), WSMD_EPROTO, "'%s'",
	             row->awaited.at);
	cr_expect_eq(feed_all_ways(&h, kind, text, row->awaited.len + row->rest.len), WSMD_EPROTO);
	cr_expect_eq(h.fault, row->fault, "'%s' '%s': %s", row->awaited.at, row->rest.at,
	             http_fault_text(h.fault));
	cr_expect_eq(h.pos, row->awaited.len);
}

Test(strict, requests_are_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		expect_refusal(&requests[i], HTTP_REQUEST);
}

Test(strict, responses_are_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(responses); i++)
		expect_refusal(&responses[i], HTTP_RESPONSE);
}

Test(strict, each_fault_is_met_and_has_its_own_sentence)
{
	/* Bounds have tests of their own. */
	bool met[HTTP_FAULT_COUNT] = {
		[HTTP_OK] = true, [HTTP_TOO_MANY_FIELDS] = true, [HTTP_HEAD_TOO_LARGE] = true};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		met[requests[i].fault] = true;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++)
		met[responses[i].fault] = true;
	for (int i = 1; i < HTTP_FAULT_COUNT; i++) {
		const uint16_t status = http_fault_status((enum http_fault)i);

		cr_expect(met[i], "no row meets: %s", http_fault_text((enum http_fault)i));
		cr_expect(status == 400 || status == 431 || status == 502 || status == 505);
		cr_expect_str_neq(http_status_text(status), "Unknown");
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(http_fault_text((enum http_fault)i),
			                  http_fault_text((enum http_fault)j));
	}
	cr_expect_str_eq(http_status_text(426), "Upgrade Required");
	cr_expect_str_eq(http_status_text(299), "Unknown");
}

#define ALNUM "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Each of the 256 bytes at each kind of place, against the grammar written as text. */
Test(strict, only_the_bytes_of_the_grammar_pass)
{
	static const struct {
		const char *before, *after, *allowed;
		bool above_127;
	} places[] = {
		{"G", " / HTTP/1.1\r\nHost: a\r\n\r\n", ALNUM "!#$%&'*+-.^_`|~", false},
		{"GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", ALNUM "-._~:/?[]@!$&'()*+,;=%{}|\\^`",
	         false},
		{"GET /?", " HTTP/1.1\r\nHost: a\r\n\r\n", ALNUM "-._~:/?[]@!$&'()*+,;=%{}|\\^`",
	         false},
		{LINE "Host: a", "\r\n\r\n", ALNUM "-._~:[]% \t", false},
		{HOST "A", ": b\r\n\r\n", ALNUM "!#$%&'*+-.^_`|~:", false},
		{HOST "A: b", "c\r\n\r\n", ALNUM "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const size_t at = strlen(places[i].before);

		for (unsigned int ch = 0; ch < 256; ch++) {
			const bool allowed = ch >= 0x80 ? places[i].above_127
			                                : ch && strchr(places[i].allowed, (int)ch);
			/* These may end what stands there; then the byte behind is too many. */
			const bool ends = ch == '\r' || ch == ' ';
			struct http_head h;
			char text[128];
			const int len = snprintf(text, sizeof(text), "%s_%s", places[i].before,
			                         places[i].after);

			text[at] = (char)ch;
			cr_expect_eq(feed_whole(&h, HTTP_REQUEST, text, (size_t)len),
			             allowed ? 0 : WSMD_EPROTO, "'%s' 0x%02x", places[i].before,
			             ch);
			cr_expect(allowed || h.pos == at || (ends && h.pos == at + 1),
			          "'%s' 0x%02x at %u", places[i].before, ch, h.pos);
		}
	}
}
