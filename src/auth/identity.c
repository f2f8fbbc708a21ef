/* Identity by query parameter, for development; tokens come with the front door. */
#include "auth/identity.h"

#include "base/err.h"
#include "http/field.h"
#include "ws/utf8.h"

static bool name_valid(const char *name, long len)
{
	uint8_t utf8 = WS_UTF8_WHOLE;

	if (len < 1)
		return false;
	if (ws_utf8_check(&utf8, (const uint8_t *)name, (size_t)len) != (size_t)len ||
	    utf8 != WS_UTF8_WHOLE)
		return false;
	for (long i = 0; i < len; i++) {
		const unsigned char ch = (unsigned char)name[i];

		if (ch < 0x20 || ch == 0x7f)
			return false;
	}
	return true;
}

static int from_query(const struct http_head *head, const char *buf, char dst[USER_NAME_MAX + 1],
                      uint32_t *ret_len, enum refusal *ret_why)
{
	struct http_span value;
	long len;

	*ret_len = 0;
	if (!http_query_get(buf, head->query, "user", &value))
		return 0;
	len = http_decode(buf, value, true, dst, USER_NAME_MAX + 1);
	if (!name_valid(dst, len)) {
		*ret_why = REFUSE_USER_NAME;
		return WSMD_EPROTO;
	}
	*ret_len = (uint32_t)len;
	return 0;
}

int identity_find(enum conf_auth mode, const struct http_head *head, const char *buf,
                  char dst[USER_NAME_MAX + 1], uint32_t *ret_len, enum refusal *ret_why)
{
	switch (mode) {
	case AUTH_OPEN:
		return from_query(head, buf, dst, ret_len, ret_why);
	case AUTH_DENY:
		break;
	}
	*ret_why = REFUSE_NO_IDENTITY;
	return WSMD_EPROTO;
}
