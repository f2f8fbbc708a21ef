/* ?user=NAME: who is let in under which name, and which names are refused. */
#include "auth/identity.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define UNTOUCHED 12345

struct found {
	int err;
	uint32_t len;
	char name[USER_NAME_MAX + 1];
	enum refusal why;
};

static struct found find(enum conf_auth mode, const char *query)
{
	struct found f = {.len = UNTOUCHED, .why = REFUSAL_COUNT};
	struct http_head head;
	char buf[4096];
	const int n = snprintf(buf, sizeof(buf), "GET /ws%s HTTP/1.1\r\nHost: example.com\r\n\r\n",
	                       query);

	http_head_init(&head, HTTP_REQUEST);
	cr_assert_eq(http_head_parse(&head, buf, (size_t)n, sizeof(buf)), 0, "%s", query);
	const struct identity_rules rules = {.mode = mode};
	struct identity who;

	f.err = identity_find(&rules, &head, buf, &who, &f.why);
	if (f.err == 0) {
		f.len = who.claims.user_len;
		memcpy(f.name, who.claims.user, sizeof(f.name));
	}
	return f;
}

Test(identity, the_name_in_the_query)
{
	static const struct {
		const char *query, *name; /* NULL: refused; "": anonymous */
	} cases[] = {
		{"", ""},
		{"?", ""},
		{"?x=1", ""},
		{"?users=alice", ""},
		{"?User=alice", ""},
		{"?xuser=alice", ""},
		{"?user=alice", "alice"},
		{"?x=1&user=alice", "alice"},
		{"?user=alice&x=1", "alice"},
		{"?user=a", "a"},
		{"?user=al%20ice", "al ice"},
		{"?user=al+ice", "al ice"},
		{"?user=al%2Bice", "al+ice"},
		{"?user=a%3Db%26c", "a=b&c"},
		{"?user=a=b", "a=b"},
		{"?user=%2561", "%61"}, /* decoded exactly once */
		{"?user=j%C3%BCrgen", "j\xc3\xbcrgen"},
		{"?user=%F0%9F%98%80", "\xf0\x9f\x98\x80"},
		{"?user=%7E", "~"},
		/* the first of several counts, whatever the others are */
		{"?user=alice&user=bob", "alice"},
		{"?user=alice&user=%00", "alice"},
		{"?user=&user=bob", NULL},
		/* to be called nothing is not to be anonymous */
		{"?user", NULL},
		{"?user=", NULL},
		{"?user=&x=1", NULL},
		/* broken or dangerous */
		{"?user=%00", NULL},
		{"?user=alice%00", NULL},
		{"?user=%", NULL},
		{"?user=%4", NULL},
		{"?user=%4g", NULL},
		{"?user=%01", NULL},
		{"?user=a%0Ab", NULL},
		{"?user=a%0D%0Ab", NULL},
		{"?user=%1B[31m", NULL},
		{"?user=%1F", NULL},
		{"?user=a%7Fb", NULL},
		{"?user=%80", NULL},
		{"?user=%C3", NULL},          /* cut */
		{"?user=%C0%AF", NULL},       /* overlong */
		{"?user=%ED%A0%80", NULL},    /* surrogate */
		{"?user=%F4%90%80%80", NULL}, /* above U+10FFFF */
		{"?user=%FF", NULL},
		{"?user=alice%C3%28", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		const struct found f = find(AUTH_OPEN, cases[i].query);

		if (name == NULL) {
			cr_expect_eq(f.err, WSMD_EPROTO, "%s", cases[i].query);
			cr_expect_eq(f.why, REFUSE_USER_NAME, "%s", cases[i].query);
			continue;
		}
		cr_expect_eq(f.err, 0, "%s", cases[i].query);
		cr_expect_eq(f.why, REFUSAL_COUNT, "%s", cases[i].query);
		cr_expect_eq(f.len, strlen(name), "%s: %u", cases[i].query, f.len);
		cr_expect_eq(memcmp(f.name, name, strlen(name)), 0, "%s", cases[i].query);
	}
}

Test(identity, names_have_at_most_255_bytes)
{
	static const struct {
		const char *unit; /* repeated */
		uint32_t decoded, n;
		bool allowed;
	} cases[] = {
		{"u", 1, 255, true},       {"u", 1, 256, false},    {"%75", 1, 255, true},
		{"%75", 1, 256, false},    {"u", 1, 1000, false},   {"%C3%BC", 2, 127, true},
		{"%C3%BC", 2, 128, false}, {"%75", 1, 1000, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char query[4000] = "?user=";

		for (uint32_t n = 0; n < cases[i].n; n++)
			strcat(query, cases[i].unit);

		const struct found f = find(AUTH_OPEN, query);

		cr_expect_eq(f.err == 0, cases[i].allowed, "%u times %s", cases[i].n,
		             cases[i].unit);
		if (cases[i].allowed)
			cr_expect_eq(f.len, cases[i].n * cases[i].decoded);
		else
			cr_expect_eq(f.why, REFUSE_USER_NAME);
	}
}

Test(identity, every_control_character_is_refused)
{
	for (unsigned ch = 0; ch < 128; ch++) {
		char query[32];

		snprintf(query, sizeof(query), "?user=a%%%02Xb", ch);
		cr_expect_eq(find(AUTH_OPEN, query).err == 0, ch >= 0x20 && ch != 0x7f, "%s",
		             query);
	}
}

Test(identity, deny_lets_nobody_in)
{
	static const char *const queries[] = {"", "?user=alice", "?user=%00"};

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		const struct found f = find(AUTH_DENY, queries[i]);

		cr_expect_eq(f.err, WSMD_EPROTO);
		cr_expect_eq(f.why, REFUSE_NO_IDENTITY);
	}
}
