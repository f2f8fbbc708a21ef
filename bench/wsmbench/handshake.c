/* Asking for a WebSocket and understanding the answer, also when it is no. */
#include "handshake.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "http/field.h"

#define BODY_SHOWN 120 /* bytes of a refusal's first line */

size_t handshake_start(struct handshake *h, const struct target *t, const char *user,
                       const uint8_t nonce[16], char dst[HANDSHAKE_REQUEST_MAX])
{
	const bool add_user = user[0] != '\0' && !t->names_user;

	ws_key_encode(nonce, h->key);
	http_head_init(&h->head, HTTP_RESPONSE);
	h->len = 0;
	const int n = snprintf(dst, HANDSHAKE_REQUEST_MAX,
	                       "GET %s%s%s HTTP/1.1\r\n"
	                       "Host: %s\r\n"
	                       "Upgrade: websocket\r\n"
	                       "Connection: Upgrade\r\n"
	                       "Sec-WebSocket-Key: %s\r\n"
	                       "Sec-WebSocket-Version: 13\r\n\r\n",
	                       t->path, add_user ? (t->has_query ? "&user=" : "?user=") : "",
	                       add_user ? user : "", t->authority, h->key);

	ASSERT(n > 0 && n < HANDSHAKE_REQUEST_MAX);
	return (size_t)n;
}

/* What a 101 does wrong, or NULL. */
static const char *fault_of_101(const struct handshake *h)
{
	struct http_span accept;
	char expected[WS_ACCEPT_LEN + 1];

	if (!http_head_has_token(&h->head, h->answer, "upgrade", "websocket"))
		return "101 without Upgrade: websocket";
	if (!http_head_has_token(&h->head, h->answer, "connection", "upgrade"))
		return "101 without Connection: Upgrade";
	if (http_head_find(&h->head, h->answer, "sec-websocket-accept", &accept) != 1)
		return "101 without one Sec-WebSocket-Accept";
	if (ws_accept(h->key, expected) != 0)
		return "SHA-1 is not available, so the answer cannot be checked";
	if (!http_span_equals(h->answer, accept, expected))
		return "101 with a wrong Sec-WebSocket-Accept";
	if (http_head_find(&h->head, h->answer, "sec-websocket-extensions", &accept) > 0)
		return "101 with an extension that was not asked for";
	if (http_head_find(&h->head, h->answer, "sec-websocket-protocol", &accept) > 0)
		return "101 with a subprotocol that was not asked for";
	return NULL;
}

/* A refusal is complete with its first line; only then is it worth showing. */
static bool refusal_complete(const struct handshake *h, bool ended)
{
	const uint32_t body_len = h->len - h->head.head_len;
	const char *const body = h->answer + h->head.head_len;

	if (ended || !http_head_has_body(&h->head) || h->len == sizeof(h->answer))
		return true;
	if (h->head.chunked) {
		const char *const first = memchr(body, '\n', body_len);

		return first && memchr(first + 1, '\n', body_len - (uint32_t)(first + 1 - body));
	}
	return body_len >= h->head.content_length || memchr(body, '\n', body_len);
}

/* Bytes before the end of the line or of the text. */
static size_t line_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '\r' && text[n] != '\n')
		n++;
	return n;
}

static void describe_refusal(const struct handshake *h, char *why, size_t why_cap)
{
	const char *body = h->answer + h->head.head_len;
	size_t len = h->len - h->head.head_len;
	char shown[4 * BODY_SHOWN + 1];

	if (h->head.chunked) { /* its first line is the size of the first chunk */
		const char *const lf = memchr(body, '\n', len);
		const size_t skip = lf ? (size_t)(lf - body) + 1 : len;

		body += skip;
		len -= skip;
	}
	len = line_len(body, len);
	text_escape(shown, sizeof(shown), body, len < BODY_SHOWN ? len : BODY_SHOWN);
	snprintf(why, why_cap, "the server answered %u %s%s%.200s", h->head.status,
	         http_status_text(h->head.status), shown[0] ? ": " : "", shown);
}

static void describe_garbage(const struct handshake *h, char *why, size_t why_cap)
{
	const size_t len = line_len(h->answer, h->len);
	char shown[4 * BODY_SHOWN + 1];

	text_escape(shown, sizeof(shown), h->answer, len < BODY_SHOWN ? len : BODY_SHOWN);
	snprintf(why, why_cap, "the server's answer is not HTTP/1.1: \"%.150s\" (%s)", shown,
	         http_fault_text(h->head.fault));
}

enum handshake_verdict handshake_judge(struct handshake *h, bool ended, char *why, size_t why_cap)
{
	const int rc = http_head_parse(&h->head, h->answer, h->len, sizeof(h->answer));
	const char *fault;

	if (rc == WSMD_EPROTO) {
		describe_garbage(h, why, why_cap);
		return HANDSHAKE_FOREIGN;
	}
	if (rc == WSMD_ENEEDMORE && !ended)
		return HANDSHAKE_MORE;
	if (rc != 0) {
		snprintf(why, why_cap, "the server closed the connection %s",
		         h->len ? "in the middle of its answer" : "without an answer");
		return HANDSHAKE_FOREIGN;
	}
	if (h->head.status != 101) {
		if (!refusal_complete(h, ended))
			return HANDSHAKE_MORE;
		describe_refusal(h, why, why_cap);
		return HANDSHAKE_STATUS;
	}
	fault = fault_of_101(h);
	if (fault) {
		snprintf(why, why_cap, "the server's answer is not a WebSocket handshake: %s",
		         fault);
		return HANDSHAKE_FOREIGN;
	}
	return HANDSHAKE_OPEN;
}

uint32_t handshake_retry_ms(const struct handshake *h)
{
	struct http_span value;
	unsigned seconds = 0;
	char text[8] = "";

	if (http_head_find(&h->head, h->answer, "retry-after", &value) != 1 ||
	    value.len >= sizeof(text))
		return 0;
	memcpy(text, h->answer + value.at, value.len);
	return sscanf(text, "%6u", &seconds) == 1 ? seconds * 1000 : 0;
}
