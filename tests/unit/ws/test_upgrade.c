/* Handshake values: the RFC's examples, and every way to spell a key wrong. */
#include "ws/upgrade.h"

#include <criterion/criterion.h>
#include <string.h>

Test(ws_upgrade, accept)
{
	static const struct {
		const char *key, *accept;
	} cases[] = {
		{"dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, /* RFC 6455, 1.3 */
		{"AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="},
	};
	char accept[WS_ACCEPT_LEN + 1];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_assert_eq(ws_accept(cases[i].key, accept), 0);
		cr_assert_str_eq(accept, cases[i].accept);
	}
}

Test(ws_upgrade, key_valid)
{
	static const struct {
		const char *key;
		bool valid;
	} cases[] = {
		{"dGhlIHNhbXBsZSBub25jZQ==", true},
		{"AAAAAAAAAAAAAAAAAAAAAA==", true},
		{"+/+/+/+/+/+/+/+/+/+/+w==", true},
		{"//////////////////////==", false}, /* bits behind the last byte */
		{"AAAAAAAAAAAAAAAAAAAAAB==", false},
		{"", false},
		{"AAAAAAAAAAAAAAAAAAAAAA=", false},
		{"AAAAAAAAAAAAAAAAAAAAAA", false},
		{"AAAAAAAAAAAAAAAAAAAAAA===", false},
		{"AAAAAAAAAAAAAAAAAAAAAAA=", false}, /* 17 bytes */
		{"AAAAAAAAAAAAAAAAAAAAAAAA", false}, /* 18 bytes */
		{"AAAAAAAAAAAAAAAAAAAAA===", false},
		{"AAAAAAAAAAA=AAAAAAAAAA==", false},
		{"AAAAAAAAAAA AAAAAAAAAA==", false},
		{"AAAAAAAAAAA-AAAAAAAAAA==", false}, /* the URL alphabet */
		{"AAAAAAAAAAA_AAAAAAAAAA==", false},
		{"AAAAAAAAAAA\xc3\xa4"
	         "AAAAAAAAA==",
	         false},
		{"\nAAAAAAAAAAAAAAAAAAAAA==", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_eq(ws_key_valid(cases[i].key, strlen(cases[i].key)), cases[i].valid,
		             "\"%s\"", cases[i].key);
	cr_assert_not(ws_key_valid("AAAAAAAAAAA\0AAAAAAAAAA==", 24));
}

Test(ws_upgrade, last_character)
{
	char key[] = "AAAAAAAAAAAAAAAAAAAAA?==";

	for (int c = 0; c < 256; c++) {
		key[21] = (char)c;
		cr_assert_eq(ws_key_valid(key, WS_KEY_LEN), c != 0 && strchr("AQgw", c) != NULL,
		             "%d", c);
	}
}

Test(ws_upgrade, key_encode)
{
	unsigned char random[16];
	char key[WS_KEY_LEN + 1];

	ws_key_encode((const unsigned char *)"the sample nonce", key);
	cr_assert_str_eq(key, "dGhlIHNhbXBsZSBub25jZQ==");
	for (unsigned int i = 0; i < 256; i++) {
		memset(random, (int)i, sizeof(random));
		ws_key_encode(random, key);
		cr_assert(ws_key_valid(key, strlen(key)), "%s", key);
	}
}
