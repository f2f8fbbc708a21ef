/* Which names users may have. */
#include "auth/name.h"

#include "shard/handoff.h"
#include "ws/utf8.h"

bool name_valid(const char *name, size_t len)
{
	uint8_t utf8 = WS_UTF8_WHOLE;

	if (len < 1 || len > USER_NAME_MAX)
		return false;
	if (ws_utf8_check(&utf8, (const uint8_t *)name, len) != len || utf8 != WS_UTF8_WHOLE)
		return false;
	for (size_t i = 0; i < len; i++) {
		const unsigned char ch = (unsigned char)name[i];

		if (ch < 0x20 || ch == 0x7f)
			return false;
	}
	return true;
}
