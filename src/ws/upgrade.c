/* Keys and answers of the opening handshake: base64 and SHA-1 by mbedTLS. */
#include "ws/upgrade.h"

#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <string.h>

#include "base/err.h"

#define SHA1_LEN 20

/* RFC 6455 section 1.3 */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

bool ws_key_valid(const char *key, size_t len)
{
	if (len != WS_KEY_LEN || key[22] != '=' || key[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++)
		if (!is_base64(key[i]))
			return false;
	/* 22 characters hold 132 bits: the last four belong to no byte and must be zero. */
	return memchr("AQgw", key[21], 4) != NULL;
}

/* Cannot fail: base64 only fails for lack of room. */
static void encode(const unsigned char *src, size_t len, char *dst, size_t cap)
{
	size_t written;
	int rc = mbedtls_base64_encode((unsigned char *)dst, cap, &written, src, len);

	ASSERT(rc == 0);
	ASSERT(written == cap - 1);
}

int ws_accept(const char key[WS_KEY_LEN], char dst[WS_ACCEPT_LEN + 1])
{
	const mbedtls_md_info_t *sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
	unsigned char text[WS_KEY_LEN + sizeof(guid) - 1], digest[SHA1_LEN];

	memcpy(text, key, WS_KEY_LEN);
	memcpy(text + WS_KEY_LEN, guid, sizeof(guid) - 1);
	if (!sha1 || mbedtls_md(sha1, text, sizeof(text), digest) != 0)
		return WSMD_ENOENT;
	encode(digest, sizeof(digest), dst, WS_ACCEPT_LEN + 1);
	return 0;
}

void ws_key_encode(const unsigned char random[16], char dst[WS_KEY_LEN + 1])
{
	encode(random, 16, dst, WS_KEY_LEN + 1);
}
