/* Escaping at every buffer size, and "did you mean". */
#include "base/text.h"

#include <criterion/criterion.h>

#include <jansson.h>
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
	{BYTES("\"quoted\""), "\\\"quoted\\\"", "\\\"quoted\\\""},
	{BYTES("back\\slash"), "back\\\\slash", "back\\\\slash"},
	{BYTES("nul\0nul"), "nul\\x00nul", "nul\\u0000nul"},
	{BYTES("\x7f\x80\xff"), "\\x7f\\x80\\xff", "\\u007f\\ufffd\\ufffd"},
	{BYTES("\xc3\xa9"), "\xc3\xa9", "\xc3\xa9"},
	{BYTES("日本 и 🙂"), "日本 и 🙂", "日本 и 🙂"},
	/* A valid beginning whose end is missing, and goes on with something else. */
	{BYTES("\xe6\x97\xf0\x9f\x99!\xc3"), "\\xe6\\x97\\xf0\\x9f\\x99!\\xc3",
         "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd!\\ufffd"},
	/* Long forms of '/' and NUL, half of a surrogate pair, more than U+10FFFF. */
	{BYTES("\xc0\xaf\xe0\x80\x80"), "\\xc0\\xaf\\xe0\\x80\\x80",
         "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
	{BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd"},
	{BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
	/* The first and last of each range that is hidden, and their neighbours. */
	{BYTES("\xc2\x80\xc2\x9f\xc2\xa0"), "\\xc2\\x80\\xc2\\x9f\xc2\xa0",
         "\\u0080\\u009f\xc2\xa0"},
	{BYTES("\xd8\x9b\xd8\x9c\xd8\x9d"), "\xd8\x9b\\xd8\\x9c\xd8\x9d",
         "\xd8\x9b\\u061c\xd8\x9d"},
	{BYTES("\u200d\u200e\u200f\u2010"), "\u200d\\xe2\\x80\\x8e\\xe2\\x80\\x8f\u2010",
         "\u200d\\u200e\\u200f\u2010"},
	{BYTES("\u2027\u2028\u202e\u202f"), "\u2027\\xe2\\x80\\xa8\\xe2\\x80\\xae\u202f",
         "\u2027\\u2028\\u202e\u202f"},
	{BYTES("\u2065\u2066\u2069\u206a"), "\u2065\\xe2\\x81\\xa6\\xe2\\x81\\xa9\u206a",
         "\u2065\\u2066\\u2069\u206a"},
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

/* A cut is legal only between whole characters and escapes. */
static bool is_clean_cut(const char *out, size_t len, const char *whole)
{
	size_t at = 0;

	while (at < len) {
		at += whole[at] != '\\'      ? 1
		      : whole[at + 1] == 'x' ? 4
		      : whole[at + 1] == 'u' ? 6
		                             : 2;
		while (((unsigned char)whole[at] & 0xc0) == 0x80)
			at++;
	}
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
	cr_assert(len + 12 >= cap - 1, "'%s' leaves room in %zu", out, cap);
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
			cr_assert(*p >= 0x20 && *p < 0x7f && (*p != '"' || p[-1] == '\\'),
			          "byte %u", byte);
	}
}

static bool is_utf8(const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	const bool valid = string != NULL;

	json_decref(string);
	return valid;
}

/* Escaped and read back: the same text if it was one, else one with a hole in it. */
static void check_round_trip(const char *src, size_t len)
{
	char out[64], json[64];
	json_t *read;

	text_escape(out, sizeof(out), src, len);
	cr_assert(is_utf8(out, strlen(out)), "%s", out);
	cr_assert(is_utf8(src, len) || strstr(out, "\\x") != NULL, "%s", out);
	text_escape_json(out, sizeof(out), src, len);
	snprintf(json, sizeof(json), "\"%s\"", out);
	read = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	cr_assert_not_null(read, "%s", json);
	if (is_utf8(src, len))
		cr_assert(json_string_length(read) == len &&
		                  memcmp(json_string_value(read), src, len) == 0,
		          "%s", json);
	else
		cr_assert_not_null(strstr(json_string_value(read), "\xef\xbf\xbd"), "%s", json);
	json_decref(read);
}

/* Every four of the bytes at which a rule of UTF-8 begins or ends; jansson knows the rules. */
Test(text, what_is_valid_stays_and_what_is_not_is_seen)
{
	static const char border[] = "A\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed"
				     "\xee\xef\xf0\xf1\xf3\xf4\xf5\xff";
	const size_t n = sizeof(border) - 1;

	for (size_t i = 0; i < n * n * n * n; i++) {
		const char src[] = {border[i % n], border[i / n % n], border[i / n / n % n],
		                    border[i / n / n / n]};

		check_round_trip(src, sizeof(src));
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
