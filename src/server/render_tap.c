/* What a tap shows: when, which way, what, how long, and as much of it as may be seen. */
#include "server/render_tap.h"

#include <mbedtls/base64.h>

#include "base/text.h"
#include "os/os.h"
#include "stats/close_reason.h"
#include "ws/receiver.h"

#define BASE64_ROOM (4 * (TAP_PAYLOAD + 2) / 3 + 4)
#define UTF8_MAX    4 /* bytes of a character */

static const char *opcode_text(uint8_t opcode)
{
	switch (opcode) {
	case WS_TEXT:
		return "text";
	case WS_BINARY:
		return "binary";
	case WS_CLOSE:
		return "close";
	case WS_PING:
		return "ping";
	default:
		return "pong";
	}
}

/* A cut may fall inside of a character, which is left out then. */
static json_t *text_of(const struct tap_event *e)
{
	json_t *text = NULL;

	for (uint32_t n = 0; text == NULL && n < UTF8_MAX && n < e->kept; n++)
		text = json_stringn((const char *)e->payload, e->kept - n);
	return text;
}

static void add_payload(json_t *o, const struct tap_event *e)
{
	unsigned char encoded[BASE64_ROOM];
	size_t len;

	if (e->kept == 0)
		return;
	if (e->opcode == WS_TEXT || e->opcode == WS_CLOSE || e->kind == TAP_CLOSED) {
		json_object_set_new(o, "text", text_of(e));
	} else {
		(void)mbedtls_base64_encode(encoded, sizeof(encoded), &len, e->payload, e->kept);
		json_object_set_new(o, "binary", json_stringn((const char *)encoded, len));
	}
	if (e->kept < e->len)
		json_object_set_new(o, "cut", json_true());
}

static json_t *event(const char *name, uint64_t wall_ms, uint64_t missed)
{
	char when[TEXT_ISO8601];
	json_t *o = json_pack("{s:s, s:s}", "at", text_iso8601(when, wall_ms), "event", name);

	if (missed > 0)
		json_object_set_new(o, "missed", json_integer((json_int_t)missed));
	return o;
}

json_t *render_tap_event(const struct tap_event *e, uint64_t missed)
{
	static const char *const names[] = {
		[TAP_IN] = "in",
		[TAP_OUT] = "out",
		[TAP_OPENED] = "opened",
		[TAP_CLOSED] = "closed",
	};
	json_t *o = event(names[e->kind], e->wall_ms, missed);
	char id[CONN_ID_TEXT];

	conn_id_format(&e->id, id);
	json_object_set_new(o, "connection", json_string(id));
	if (e->kind == TAP_IN || e->kind == TAP_OUT) {
		json_object_set_new(o, "opcode", json_string(opcode_text(e->opcode)));
		json_object_set_new(o, "bytes", json_integer((json_int_t)e->len));
	}
	if (e->kind == TAP_CLOSED)
		json_object_set_new(o, "reason",
		                    json_string(close_reason_label((enum close_reason)e->reason)));
	if (e->code != 0)
		json_object_set_new(o, "code", json_integer(e->code));
	add_payload(o, e);
	return o;
}

json_t *render_tap_end(const char *reason, uint64_t missed)
{
	json_t *o = event("end", os_wall_ms(), missed);

	json_object_set_new(o, "reason", json_string(reason));
	return o;
}
