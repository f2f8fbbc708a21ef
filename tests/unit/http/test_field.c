/* Lookups: fields, lists, decoding, queries. */
#include "http/field.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "feed.h"

static struct http_span whole(const char *text)
{
	return (struct http_span){0, (uint32_t)strlen(text)};
}

/* Parse a request with @fields into guarded memory. */
static const char *parse_fields(struct http_head *h, const char *fields)
{
	char text[512];
	const int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	cr_assert_eq(feed_whole(h, HTTP_REQUEST, text, (size_t)len), 0, "%s", fields);
	return feed_guarded(text, (size_t)len);
}

Test(field, is_found_whatever_its_case)
{
	struct http_head h;
	struct http_span value = {7, 7};
	const char *const buf =
		parse_fields(&h, "Origin: x\r\nX-ORIGIN: y\r\norigin: z\r\nOrigins: w\r\nE:\r\n");

	cr_expect_eq(http_head_find(&h, buf, "nothing", &value), 0);
	cr_expect(value.at == 7 && value.len == 7, "untouched");
	cr_expect_eq(http_head_find(&h, buf, "origin", &value), 2);
	cr_expect(http_span_equals(buf, value, "x"), "the first");
	cr_expect_eq(http_head_find(&h, buf, "x-origin", &value), 1);
	cr_expect(http_span_equals(buf, value, "y"));
	cr_expect_eq(http_head_find(&h, buf, "e", &value), 1);
	cr_expect_eq(value.len, 0);
}

Test(field, spans_are_compared)
{
	const char *const buf = "xHttp/1.1y";
	const struct http_span s = {1, 8};

	cr_expect(http_span_equals(buf, s, "Http/1.1"));
	cr_expect(!http_span_equals(buf, s, "http/1.1"));
	cr_expect(!http_span_equals(buf, s, "Http/1."));
	cr_expect(!http_span_equals(buf, s, "Http/1.1y"));
	cr_expect(http_span_equals_nocase(buf, s, "http/1.1"));
	cr_expect(!http_span_equals_nocase(buf, s, "http/1."));
	cr_expect(!http_span_equals_nocase(buf, s, "http/1.1y"));
	/* 0x20 apart without being letters */
	cr_expect(!http_span_equals_nocase("^", whole("^"), "~"));
	cr_expect(!http_span_equals_nocase("@", whole("@"), "`"));
}

Test(field, lists_have_members)
{
	static const struct {
		const char *fields;
		bool member; /* is upgrade in Connection? */
	} rows[] = {
		{"Connection: Upgrade\r\n", true},
		{"connection:upgrade\r\n", true},
		{"CONNECTION: keep-alive, UPGRADE\r\n", true},
		{"Connection: upGRAde ,keep-alive\r\n", true},
		{"Connection: a,\tUpgrade\t,b\r\n", true},
		{"Connection: , ,,\t,Upgrade,, \r\n", true},
		{"Connection: close\r\nConnection: Upgrade\r\n", true},
		{"Connection: Upgrade\r\nConnection: close\r\n", true},
		{"Connection: HTTP/2.0, Upgrade\r\n", true},
		{"", false},
		{"Connection:\r\n", false},
		{"Connection: , ,\r\n", false},
		{"Connection: close\r\n", false},
		{"Connection: Upgrades\r\n", false},
		{"Connection: Upgrad\r\n", false},
		{"Connection: not-upgrade\r\n", false},
		{"Connection: keep-alive Upgrade\r\n", false},
		{"Connection: Upgrade;q=1\r\n", false},
		{"Connection: \"Upgrade\"\r\n", false},
		{"Connection: \"a,Upgrade,b\"\r\n", false},
		{"Connection: Upgrade, (b)\r\n", false},
		{"Connection: Upgrade\r\nConnection: \"b\"\r\n", false},
		{"Connection: Upgrade, caf\xc3\xa9\r\n", false},
		{"Connection: \\Upgrade\r\n", false},
		{"X-Connection: Upgrade\r\n", false},
		{"Connections: Upgrade\r\n", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head h;
		const char *const buf = parse_fields(&h, rows[i].fields);

		cr_expect_eq(http_head_has_token(&h, buf, "connection", "upgrade"), rows[i].member,
		             "%s", rows[i].fields);
	}
}

Test(field, lists_are_cut)
{
	static const struct {
		const char *list, *elements; /* each in brackets */
	} rows[] = {
		{"", ""},
		{",", ""},
		{" \t ", ""},
		{"a", "[a]"},
		{"a,b", "[a][b]"},
		{" a\t, b c ,,\t,d ", "[a][b c][d]"},
		{"chat.v1,chat.v2,", "[chat.v1][chat.v2]"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const buf = feed_guarded(rows[i].list, strlen(rows[i].list));
		struct http_span list = whole(rows[i].list), element;
		char got[64] = "";
		size_t n = 0;

		while (http_list_next(buf, &list, &element))
			n += (size_t)snprintf(got + n, sizeof(got) - n, "[%.*s]", (int)element.len,
			                      buf + element.at);
		cr_expect_str_eq(got, rows[i].elements);
	}
}

/* Nothing but an element makes a step, so a list costs its bytes however it is made. */
Test(field, lists_of_one_byte_end)
{
	static const char bytes[] = " ,\"\\a";
	static char text[8192];

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		struct http_span list = {0, sizeof(text)}, element;
		unsigned int n = 0;

		memset(text, bytes[i], sizeof(text));
		while (http_list_next(feed_guarded(text, sizeof(text)), &list, &element))
			n++;
		cr_expect_eq(n, bytes[i] == ' ' || bytes[i] == ',' ? 0 : 1);
		cr_expect_eq(list.len, 0);
	}
}

Test(field, is_decoded_once)
{
	static const struct {
		const char *in;
		bool plus_is_space;
		const char *out; /* NULL: refused */
	} rows[] = {
		{"", false, ""},
		{"abc", false, "abc"},
		{"%41%7a%7A", false, "Azz"},
		{"a%2Fb", false, "a/b"},
		{"%2541", false, "%41"},
		{"%25%32%35", false, "%25"},
		{"caf%C3%a9%ff", false, "caf\xc3\xa9\xff"},
		{"%01%0d%0A", false, "\x01\r\n"},
		{"a+b", false, "a+b"},
		{"a+b%2B+", true, "a b+ "},
		{"%", false, NULL},
		{"%4", false, NULL},
		{"a%4", false, NULL},
		{"%g1", false, NULL},
		{"%1g", false, NULL},
		{"%%41", false, NULL},
		{"% 1", false, NULL},
		{"%+1", true, NULL},
		{"%:0", false, NULL},
		{"%/0", false, NULL},
		{"%@0", false, NULL},
		{"%`0", false, NULL},
		{"%u0041", false, NULL},
		{"%00", false, NULL},
		{"a%00b", false, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const size_t len = strlen(rows[i].in);
		const char *const buf = feed_guarded(rows[i].in, len);
		char dst[32];
		const long got =
			http_decode(buf, whole(rows[i].in), rows[i].plus_is_space, dst, 32);

		if (!rows[i].out) {
			cr_expect_eq(got, WSMD_EINVAL, "%s", rows[i].in);
			continue;
		}
		cr_assert_eq(got, (long)strlen(rows[i].out), "%s", rows[i].in);
		cr_expect_str_eq(dst, rows[i].out);
	}
}

Test(field, is_decoded_into_bounded_space)
{
	char dst[4] = {'#', '#', '#', '#'};
	const struct http_span s = whole("a%62c");

	for (size_t cap = 0; cap < 4; cap++) {
		cr_expect_eq(http_decode("a%62c", s, false, dst, cap), WSMD_EINVAL);
		cr_expect_eq(dst[cap], '#', "wrote behind %zu", cap);
	}
	cr_expect_eq(http_decode("a%62c", s, false, dst, 4), 3);
	cr_expect_str_eq(dst, "abc");
	cr_expect_eq(http_decode("", whole(""), false, dst, 0), WSMD_EINVAL);
	cr_expect_eq(http_decode("", whole(""), false, dst, 1), 0);
	cr_expect_eq(dst[0], '\0');
}

Test(field, query_values_are_found)
{
	static const struct {
		const char *query, *name, *value; /* NULL: not there */
	} rows[] = {
		{"id=1&b=2&c=3", "id", "1"},
		{"a=1&id=2&c=3", "id", "2"},
		{"a=1&b=2&id=3", "id", "3"},
		{"id=1&id=2", "id", "1"},
		{"id=&a=1", "id", ""},
		{"id=", "id", ""},
		{"id", "id", ""},
		{"id&a=1", "id", ""},
		{"a=1&id", "id", ""},
		{"id=a=b==", "id", "a=b=="},
		{"&&id=1&", "id", "1"},
		{"id=%41+b%26", "id", "%41+b%26"},
		{"", "id", NULL},
		{"&", "id", NULL},
		{"=1", "id", NULL},
		{"ids=1&i=2&xid=3", "id", NULL},
		{"a=id&b=id=1", "id", NULL},
		{"ID=1", "id", NULL},
		{"%69d=1", "id", NULL},
		{"id;a=1", "id", NULL},
		{"a?id=1", "id", NULL},
		{"api-version=2024-01-01&hub=h", "hub", "h"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const buf = feed_guarded(rows[i].query, strlen(rows[i].query));
		struct http_span value = {0, 0};
		const bool found = http_query_get(buf, whole(rows[i].query), rows[i].name, &value);

		cr_assert_eq(found, rows[i].value != NULL, "%s", rows[i].query);
		if (found)
			cr_expect(http_span_equals(buf, value, rows[i].value), "%s", rows[i].query);
	}
}

Test(field, lookups_stay_inside_the_query)
{
	const char *const text = "/p?a=1&b HTTP/1.1";
	const struct http_span query = {3, 5};
	struct http_span value;

	cr_assert(http_query_get(text, query, "b", &value));
	cr_expect(value.len == 0 && value.at == 8);
	cr_expect(http_query_get(text, query, "a", &value));
	cr_expect(http_span_equals(text, value, "1"));
}
