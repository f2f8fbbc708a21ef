/* Escaping at every buffer size, and "did you mean". */
#include "base/text.h"

#include <criterion/criterion.h>

#include <stdbool.h>
#include <string.h>

#define BYTES(s) (s), sizeof(s) - 1

static const struct {
	const char *src;
	size_t len;
	const char *want, *want_json;
} cases[] = {
	{BYTES(""), "", ""},
	{BYTES("plain text ~!"), "plain text ~!", "plain text ~!"},
	{BYTES("a\r\nb"), "a\\x0d\\x0ab", "a\\u000d\\u000ab"},
	{BYTES("\x1b[31mred"), "\\x1b[31mred", "\\u001b[31mred"},
	{BYTES("\"quoted\""), "\\x22quoted\\x22", "\\u0022quoted\\u0022"},
	{BYTES("back\\slash"), "back\\x5cslash", "back\\u005cslash"},
	{BYTES("nul\0nul"), "nul\\x00nul", "nul\\u0000nul"},
	{BYTES("\x7f\x80\xff"), "\\x7f\\x80\\xff", "\\u007f\\u0080\\u00ff"},
	{BYTES("\xc3\xa9"), "\\xc3\\xa9", "\\u00c3\\u00a9"},
	{BYTES("\xc0\xaf\xed\xa0\x80"), "\\xc0\\xaf\\xed\\xa0\\x80",
         "\\u00c0\\u00af\\u00ed\\u00a0\\u0080"},
};

Test(text, escape)
{
	char out[128];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_assert_eq(text_escape(out, sizeof(out), cases[i].src, cases[i].len), out);
		cr_assert_str_eq(out, cases[i].want);
		text_escape_json(out, sizeof(out), cases[i].src, cases[i].len);
		cr_assert_str_eq(out, cases[i].want_json);
	}
}

/* A cut is legal only between whole bytes and escapes. */
static bool is_clean_cut(const char *out, size_t len, const char *whole)
{
	size_t at = 0;

	while (at < len)
		at += whole[at] != '\\' ? 1 : whole[at + 1] == 'x' ? 4 : 6;
	return at == len && memcmp(out, whole, len) == 0;
}

/* Whatever the room: the whole text if it fits, else a clean beginning and three dots. */
static void check_cut(const char *out, size_t cap, const char *whole)
{
	const size_t len = strlen(out);

	cr_assert(len < cap);
	if (strlen(whole) < cap) {
		cr_assert_str_eq(out, whole);
		return;
	}
	cr_assert(len >= 3 && strcmp(out + len - 3, "...") == 0, "'%s' in %zu", out, cap);
	cr_assert(is_clean_cut(out, len - 3, whole), "'%s' in %zu", out, cap);
	cr_assert(len + 6 >= cap - 1, "'%s' leaves room in %zu", out, cap);
}

Test(text, escape_at_every_buffer_size)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t cap = 8; cap < 64; cap++) {
			char out[65];

			memset(out, '#', sizeof(out));
			text_escape(out, cap, cases[i].src, cases[i].len);
			check_cut(out, cap, cases[i].want);
			cr_assert_eq(out[cap], '#', "wrote past its buffer");
			text_escape_json(out, cap, cases[i].src, cases[i].len);
			check_cut(out, cap, cases[i].want_json);
			cr_assert_eq(out[cap], '#', "wrote past its buffer");
		}
	}
}

Test(text, eight_kilobytes_of_anything_stay_in_their_buffer)
{
	static char src[8192];
	char out[512];

	for (unsigned byte = 0; byte < 256; byte++) {
		memset(src, (int)byte, sizeof(src));
		text_escape(out, sizeof(out), src, sizeof(src));
		cr_assert_lt(strlen(out), sizeof(out));
		for (const char *p = out; *p != '\0'; p++)
			cr_assert(*p >= 0x20 && *p < 0x7f && *p != '"', "byte %u", byte);
	}
}

static const char *const keys[] = {
	"port", "listen", "workers", "max_connections", "ping_interval_ms", "tls"};

static const struct {
	const char *word, *nearest;
} near[] = {
	{"port", "port"},
	{"prot", "port"},
	{"lsiten", "listen"},
	{"ports", "port"},
	{"Port", "port"},
	{"listn", "listen"},
	{"worker", "workers"},
	{"max_conections", "max_connections"},
	{"maxConnections", "max_connections"},
	{"ping_interval", "ping_interval_ms"},
	{"tsl", "tls"}, /* two fingers in the wrong order: one slip */
	{"tlsx", "tls"},
	{"ssl", NULL},
	{"", NULL},
	{"x", NULL},
	{"completely_different", NULL},
	{"0123456789012345678901234567890123456789012345678901234567890123456789", NULL},
};

Test(text, nearest_name)
{
	for (size_t i = 0; i < ARRAY_LEN(near); i++) {
		const char *got = text_nearest(near[i].word, keys, ARRAY_LEN(keys));

		if (near[i].nearest == NULL)
			cr_assert_null(got, "'%s' is not '%s'", near[i].word, got);
		else
			cr_assert(got && strcmp(got, near[i].nearest) == 0, "'%s': %s",
			          near[i].word, got ? got : "nothing");
	}
	cr_assert_null(text_nearest("port", keys, 0));
}

Test(text, hex)
{
	char out[9];

	text_hex(out, "\x00\x9f\xab\xff", 4);
	cr_assert_str_eq(out, "009fabff");
	text_hex(out, "", 0);
	cr_assert_str_eq(out, "");
}
