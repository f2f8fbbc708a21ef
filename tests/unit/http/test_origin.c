/* Origins: the same only if scheme, host and port are. */
#include "http/origin.h"

#include <criterion/criterion.h>

#include <string.h>

static bool parse(const char *text, struct http_origin *o)
{
	return http_origin_parse(text, strlen(text), o);
}

Test(origin, what_is_one)
{
	static const struct {
		const char *text;
		uint32_t port; /* 0 with "": none */
		const char *host;
	} cases[] = {
		{"http://example.com", 80, "example.com"},
		{"https://example.com", 443, "example.com"},
		{"HTTPS://Example.COM", 443, "Example.COM"},
		{"https://example.com:8443", 8443, "example.com"},
		{"http://127.0.0.1:1", 1, "127.0.0.1"},
		{"http://[::1]:65535", 65535, "[::1]"},
		{"http://[::1]", 80, "[::1]"},
		{"chrome-extension://abcdef", 0, "abcdef"},
		{"http://a_b.example", 80, "a_b.example"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_origin o;

		cr_assert(parse(cases[i].text, &o), "%s", cases[i].text);
		cr_expect_eq(o.port, cases[i].port, "%s", cases[i].text);
		cr_expect_eq(o.host_len, strlen(cases[i].host));
		cr_expect_eq(memcmp(o.host, cases[i].host, o.host_len), 0, "%s", cases[i].text);
	}
}

Test(origin, what_is_none)
{
	static const char *const texts[] = {
		"",
		"null",
		"*",
		"example.com",
		"//example.com",
		"://example.com",
		"http:/example.com",
		"http://",
		"http:// example.com",
		"http://example.com/",
		"http://example.com/path",
		"http://user@example.com",
		"http://example.com:",
		"http://example.com:0",
		"http://example.com:65536",
		"http://example.com:80x",
		"http://example.com:000080",
		"http://example.com:-1",
		"http://exa\"mple.com",
		"http://[::1",
		"http://::1]",
		"http://[]",
		"http://[::1]x",
		"1http://example.com",
		"http://example.com,http://b",
		"http://example.com\\",
		"http://ex\xc3\xa4mple.com",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct http_origin o;

		cr_expect_not(parse(texts[i], &o), "%s", texts[i]);
	}
	cr_expect_not(http_origin_parse("http://a\0b", 10, &(struct http_origin){0}));
	cr_expect_not(http_origin_parse("ht\0p://a", 8, &(struct http_origin){0}));
}

Test(origin, which_are_the_same)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"https://good.example", "https://good.example", true},
		{"https://good.example", "HTTPS://GOOD.example", true},
		{"https://good.example", "https://good.example:443", true},
		{"http://good.example:80", "http://good.example", true},
		{"https://good.example", "http://good.example", false},
		{"https://good.example", "http://good.example:443", false},
		{"https://good.example", "https://good.example:8443", false},
		{"https://good.example", "https://good.example.evil.test", false},
		{"https://good.example", "https://evilgood.example", false},
		{"https://good.example", "https://good.example.", false},
		{"https://good.example", "https://www.good.example", false},
		{"http://[::1]", "http://[::1]:80", true},
		{"http://[::1]", "http://[0:0::1]",
	         false}, /* as sent: a browser writes the shortest */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_origin a, b;

		cr_assert(parse(cases[i].a, &a) && parse(cases[i].b, &b));
		cr_expect_eq(http_origin_same(&a, &b), cases[i].same, "%s %s", cases[i].a,
		             cases[i].b);
		cr_expect_eq(http_origin_same(&b, &a), cases[i].same);
	}
}

Test(origin, of_a_host_field)
{
	struct http_origin own, o;

	cr_assert(http_origin_of_host("http", "example.com:8080", 16, &own));
	cr_assert(parse("http://example.com:8080", &o));
	cr_expect(http_origin_same(&own, &o));
	cr_assert(http_origin_of_host("https", "example.com", 11, &own));
	cr_expect_not(http_origin_same(&own, &o));
	cr_expect_not(http_origin_of_host("http", "", 0, &own));
	cr_expect_not(http_origin_of_host("http", "a b", 3, &own));
}

Test(origin, loopback)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = {
		{"http://localhost:3000", true},       {"http://LOCALHOST", true},
		{"http://127.0.0.1:3000", true},       {"http://127.9.9.9", true},
		{"http://[::1]:3000", true},           {"http://localhost.evil.test", false},
		{"http://127.0.0.1.evil.test", false}, {"http://127.evil.test", false},
		{"http://128.0.0.1", false},           {"http://notlocalhost", false},
		{"http://127.0.0.1.1", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_origin o;

		cr_assert(parse(cases[i].text, &o), "%s", cases[i].text);
		cr_expect_eq(http_origin_is_loopback(&o), cases[i].is, "%s", cases[i].text);
	}
}
