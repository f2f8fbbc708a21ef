/* Lines of values in JSON text, and no step beyond the end of any text. */
#include "conf/cursor.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* Each case is walked by a path: which member or element, level by level, -1 at its end. */
static const struct {
	const char *text;
	int path[4];
	unsigned line;
	const char *at; /* what the name, or the element, begins with */
} cases[] = {
	{"{\"a\": 1}", {0, -1}, 1, "\"a\""},
	{"\n\n {\n\"a\"\n:\n1}", {0, -1}, 4, "\"a\""},
	{"{\"a\": 1,\n\"b\": 2}", {1, -1}, 2, "\"b\""},
	{"{\"a\": 1\n\n,\"b\": 2}", {1, -1}, 3, "\"b\""},
	{"{\"a\": {\"x\": [\n1, {\n}], \"y\": \"\"},\r\n\"b\": 2}", {1, -1}, 4, "\"b\""},
	{"{\"a\": \"},]{\",\n\"b\": 2}", {1, -1}, 2, "\"b\""},
	{"{\"a\": \"\\\"\\\\\",\n\"b\": 2}", {1, -1}, 2, "\"b\""},
	{"{\"a\\\"}\": true ,\n\"b\": 2}", {1, -1}, 2, "\"b\""},
	{"{\"a\": -1.5e+3,\n\"b\": null,\n\"c\":[]}", {2, -1}, 3, "\"c\""},
	{"{\"a\": {},\n\"b\": [],\n\"c\":{\"d\"\n:\n{\"e\":\n3}}}", {2, 0, 0, -1}, 5, "\"e\""},
	{"{\"a\": [\"x\",\n\"y\",\n\n\"z\"]}", {0, 2, -1}, 4, "\"z\""},
	{"{\"a\": [[1,\n2],\n[3]]}", {0, 1, -1}, 3, "[3]"},
	{"{\"a\": 1}", {1, -1}, 1, "}"},
	{"{}", {0, -1}, 1, "}"},
	{"{\n}", {3, -1}, 2, "}"},
};

static struct cursor follow(const char *text, const int *path)
{
	struct cursor c = cursor_start(text);
	bool object = true;

	for (; *path >= 0; path++) {
		object = *c.at == '{';
		cursor_enter(&c);
		for (int i = 0; i < *path; i++) {
			if (object && *c.at == '"')
				cursor_to_value(&c);
			cursor_next(&c);
		}
		if (path[1] >= 0 && object)
			cursor_to_value(&c);
	}
	return c;
}

Test(cursor, lines)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cursor c = follow(cases[i].text, cases[i].path);

		cr_expect_eq(c.line, cases[i].line, "case %zu: line %u", i, c.line);
		cr_expect_eq(strncmp(c.at, cases[i].at, strlen(cases[i].at)), 0, "case %zu: at %s",
		             i, c.at);
	}
}

/* Each text cut at each byte: the copy ends with its NUL, so a step too far is seen by ASan. */
Test(cursor, stays_inside_any_text)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t len = 0; len <= strlen(cases[i].text); len++) {
			char *text = strndup(cases[i].text, len);
			const struct cursor c = follow(text, cases[i].path);

			cr_expect_leq(c.at, text + len);
			free(text);
		}
	}
}
