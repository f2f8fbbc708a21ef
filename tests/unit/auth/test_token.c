/* The three places of a token, and what only looks like one. */
#include "auth/token.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static struct token find(const char *query, const char *fields, char buf[4096])
{
	const int n = snprintf(buf, 4096, "GET /ws%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, fields);
	struct http_head head;
	struct token t;

	http_head_init(&head, HTTP_REQUEST);
	cr_assert_eq(http_head_parse(&head, buf, (size_t)n, 4096), 0, "%s", fields);
	token_find(&head, buf, &t);
	return t;
}

Test(token, where_it_may_be)
{
	static const struct {
		const char *query, *fields;
		unsigned n;
		const char *text;
		bool offers;
	} cases[] = {
		{"", "", 0, "", false},
		{"?access_token=a.b.c", "", 1, "a.b.c", false},
		{"?x=1&access_token=a.b.c&y=2", "", 1, "a.b.c", false},
		{"?access_token=", "", 1, "", false},
		{"?Access_Token=a", "", 0, "", false},
		{"?access_tokens=a", "", 0, "", false},
		{"", "Authorization: Bearer a.b.c\r\n", 1, "a.b.c", false},
		{"", "authorization: bEARER   a.b.c \r\n", 1, "a.b.c", false},
		{"", "Authorization: Basic YWxpY2U6eA==\r\n", 0, "", false},
		{"", "Authorization: Bearer\r\n", 0, "", false},
		{"", "Authorization: Bearera.b.c\r\n", 0, "", false},
		{"", "Proxy-Authorization: Bearer a.b.c\r\n", 0, "", false},
		{"", "Sec-WebSocket-Protocol: jwt.a.b.c\r\n", 1, "a.b.c", false},
		{"", "Sec-WebSocket-Protocol: jwt, jwt.a.b.c\r\n", 1, "a.b.c", true},
		{"", "Sec-WebSocket-Protocol: jwt.a.b.c\r\nSec-WebSocket-Protocol: jwt\r\n", 1,
	         "a.b.c", true},
		{"", "Sec-WebSocket-Protocol: chat, jwtx, JWT.a, jwt.\r\n", 0, "", false},
		{"", "Sec-WebSocket-Protocol: jwt\r\n", 0, "", true},
		{"?access_token=a", "Authorization: Bearer b\r\n", 2, "b", false},
		{"", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", 2, "b", false},
		{"", "Sec-WebSocket-Protocol: jwt.a, jwt.b\r\n", 2, "b", false},
	};
	char buf[4096];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct token t = find(cases[i].query, cases[i].fields, buf);

		cr_expect_eq(t.n, cases[i].n, "%zu", i);
		cr_expect_eq(t.offers_subprotocol, cases[i].offers, "%zu", i);
		cr_expect_eq(t.text.len, strlen(cases[i].text), "%zu", i);
		cr_expect_eq(memcmp(buf + t.text.at, cases[i].text, t.text.len), 0, "%zu", i);
	}
}
