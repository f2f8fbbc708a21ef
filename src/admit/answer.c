/* Text of answers. */
#include "admit/answer.h"

#include <stdio.h>
#include <string.h>

#include "http/fault.h"
#include "http/head.h"
#include "ws/close_code.h"
#include "ws/frame.h"

#define ANSWER_FRAME_TEXT 124 /* our sentences are ASCII: cut anywhere */

uint32_t answer_upgrade(char *dst, size_t cap, const char accept[WS_ACCEPT_LEN + 1],
                        const char *subprotocol)
{
	const bool has = subprotocol != NULL;
	const int n = snprintf(dst, cap,
	                       "HTTP/1.1 101 Switching Protocols\r\n"
	                       "Upgrade: websocket\r\n"
	                       "Connection: Upgrade\r\n"
	                       "Sec-WebSocket-Accept: %s\r\n"
	                       "%s%s%s\r\n",
	                       accept, has ? "Sec-WebSocket-Protocol: " : "",
	                       has ? subprotocol : "", has ? "\r\n" : "");

	ASSERT(n > 0 && (size_t)n < cap);
	return (uint32_t)n;
}

/* Fields that some refusals owe the client. */
static const char *fields_of(enum refusal why)
{
	switch (why) {
	case REFUSE_METHOD:
		return "Allow: GET\r\n";
	case REFUSE_PAGE_METHOD:
		return "Allow: GET, HEAD\r\n";
	case REFUSE_NO_UPGRADE:
	case REFUSE_VERSION:
		return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
	case REFUSE_NO_TOKEN:
	case REFUSE_NO_IDENTITY:
		return "WWW-Authenticate: Bearer\r\n";
	default:
		break;
	}
	/* RFC 6750 section 3.1 */
	return refusal_status(why) == 401 ? "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"
	                                  : "";
}

uint32_t answer_refusal(char dst[ANSWER_REFUSAL_BYTES], enum refusal why, uint16_t status,
                        const char *sentence, uint32_t retry_s)
{
	char retry[32] = "";
	int n;

	if (retry_s > 0)
		snprintf(retry, sizeof(retry), "Retry-After: %u\r\n", retry_s);
	n = snprintf(dst, ANSWER_REFUSAL_BYTES,
	             "HTTP/1.1 %u %s\r\n"
	             "%s%s"
	             "Connection: %s\r\n"
	             "Content-Type: text/plain; charset=utf-8\r\n"
	             "Content-Length: %zu\r\n\r\n"
	             "%s\n",
	             status, http_status_text(status), fields_of(why), retry,
	             status == 426 ? "Upgrade, close" : "close", strlen(sentence) + 1, sentence);
	ASSERT(n > 0 && n < ANSWER_REFUSAL_BYTES);
	return (uint32_t)n;
}

uint32_t answer_refusal_frame(uint8_t dst[ANSWER_FRAME_BYTES], enum refusal why)
{
	static_assert(ANSWER_FRAME_BYTES >= WS_MAX_HEADER + WS_MAX_CONTROL, "a whole frame");
	char text[ANSWER_FRAME_TEXT];

	snprintf(text, sizeof(text), "%s", refusal_text(why));
	return (uint32_t)ws_frame_encode_close(dst, WS_CLOSE_TRY_LATER, text, NULL);
}

uint32_t answer_page(char dst[ANSWER_HEAD_BYTES], uint16_t status, const char *content_type,
                     size_t body_len)
{
	const int n = snprintf(dst, ANSWER_HEAD_BYTES,
	                       "HTTP/1.1 %u %s\r\n"
	                       "Connection: close\r\n"
	                       "Cache-Control: no-store\r\n"
	                       "Content-Type: %s\r\n"
	                       "Content-Length: %zu\r\n\r\n",
	                       status, http_status_text(status), content_type, body_len);

	ASSERT(n > 0 && n < ANSWER_HEAD_BYTES);
	return (uint32_t)n;
}

uint32_t answer_retry_s(uint32_t random)
{
	return 1 + random % 10;
}
