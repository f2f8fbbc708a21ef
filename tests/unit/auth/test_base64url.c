/* base64url: every value has exactly one text. */
#include "auth/base64url.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"

/* RFC 4648 section 10, without the padding, and the two letters that differ. */
static const struct {
	const char *bytes, *text;
} pairs[] = {
	{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
	{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
};

Test(base64url, both_ways)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const size_t len = strlen(pairs[i].bytes), text_len = strlen(pairs[i].text);
		uint8_t bytes[16];
		char text[16];

		cr_expect_eq(BASE64URL_LEN(len), text_len);
		cr_expect_eq(base64url_encode(text, pairs[i].bytes, len), text_len);
		cr_expect_eq(memcmp(text, pairs[i].text, text_len), 0, "%s", pairs[i].text);
		cr_expect_eq(base64url_decode(bytes, len, pairs[i].text, text_len), (long)len);
		cr_expect_eq(memcmp(bytes, pairs[i].bytes, len), 0, "%s", pairs[i].text);
		if (len > 0)
			cr_expect_eq(base64url_decode(bytes, len - 1, pairs[i].text, text_len),
			             WSMD_EINVAL, "no room");
	}
}

Test(base64url, what_is_not_canonical)
{
	static const char *const texts[] = {"Z",    "Zh",   "Zm9",    "Zm9vY",
	                                    "Zg==", "Zm8=", "Zm9v\n", "Zm 9v",
	                                    "Zm9+", "Zm9/", "Zm9v.",  "\xc3\xa4zzz"};
	uint8_t bytes[16];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cr_expect_eq(base64url_decode(bytes, sizeof(bytes), texts[i], strlen(texts[i])),
		             WSMD_EINVAL, "%s", texts[i]);
	cr_expect_eq(base64url_decode(bytes, sizeof(bytes), "Zm\0v", 4), WSMD_EINVAL);
}

/* Of all texts of two letters, those that are taken are what their byte is written as. */
Test(base64url, one_text_for_each_byte)
{
	unsigned taken = 0;

	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			const char text[] = {(char)a, (char)b};
			uint8_t byte;
			char again[2];

			if (base64url_decode(&byte, 1, text, 2) != 1)
				continue;
			taken++;
			cr_assert_eq(base64url_encode(again, &byte, 1), 2);
			cr_assert_eq(memcmp(text, again, 2), 0);
		}
	}
	cr_expect_eq(taken, 256);
}
