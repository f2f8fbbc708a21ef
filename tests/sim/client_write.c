/* What clients say. */
#include <stdio.h>
#include <string.h>

#include "base/siphash.h"
#include "client.h"
#include "scenario.h"
#include "world.h"
#include "ws/frame.h"
#include "ws/mask.h"

void client_put(struct client *c, const void *bytes, size_t len)
{
	if (c->muzzled)
		return;
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
	if (c->out_cap - c->out_len < len) {
		c->out_cap = 2 * c->out_cap + len;
		c->out = sim_grow(c->out, c->out_cap);
	}
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
}

void client_put_frame(struct client *c, uint8_t opcode, bool fin, const void *payload, size_t len)
{
	static uint8_t frame[WS_MAX_HEADER + (1 << 17)];
	uint8_t mask[4];
	uint32_t key;
	size_t at;

	for (size_t i = 0; i < sizeof(mask); i++)
		mask[i] = (uint8_t)chance_next();
	at = ws_frame_encode(frame, opcode, fin, len, mask);
	if (len > 0)
		memcpy(frame + at, payload, len);
	memcpy(&key, mask, sizeof(key));
	(void)ws_mask(frame + at, len, key);
	client_put(c, frame, at + len);
}

void client_put_close(struct client *c, uint16_t code)
{
	uint8_t body[2 + 5] = {(uint8_t)(code >> 8), (uint8_t)code, 'b', 'y', 'e'};

	if (c->close_sent || c->muzzled)
		return;
	client_put_frame(c, WS_CLOSE, true, body, code == 1005 ? 0 : 5);
	c->close_sent = true;
	c->close_code = code;
	c->state = CLIENT_CLOSING;
}

static void push_later(void *arg, uint64_t unused)
{
	(void)unused;
	client_push(arg);
}

void client_push(struct client *c)
{
	size_t len = c->out_len - c->out_at;

	if (c->state == CLIENT_ENDED || len == 0)
		return;
	if (c->kind == KIND_DRIBBLER) {
		len = chance_between(1, 1 + len / 20);
	} else if (len > 1 && chance(world.faults.short_write)) {
		len = chance_between(1, len - 1);
		agenda_at(world.now_us + chance_below(20 * US_PER_MS), push_later, c, 0);
	}
	c->out_at += net_send(c->link, c->out + c->out_at, len);
}

static void expect_echo(struct client *c, uint8_t opcode, const uint8_t *payload, uint32_t len)
{
	static const struct siphash_key fixed = {3, 4};

	if (c->hub == CLIENT_QUIET_HUB)
		return;
	if (c->expected_len == c->expected_cap) {
		c->expected_cap = c->expected_cap == 0 ? 16 : 2 * c->expected_cap;
		c->expected = sim_grow(c->expected, c->expected_cap * sizeof(*c->expected));
	}
	c->expected[c->expected_len++] = (struct expected){
		.hash = siphash(&fixed, payload, len), .len = len, .opcode = opcode};
	c->expected_bytes += len;
}

void client_put_ping(struct client *c)
{
	const uint64_t payload = c->pings_sent + 1;

	if (c->pings_sent > c->pong_seen + 20)
		return; /* limits.control_frames_per_s is another test */
	client_put_frame(c, WS_PING, true, &payload, sizeof(payload));
	c->pings_sent++;
}

void client_put_message(struct client *c)
{
	static uint8_t payload[1 << 17];
	const bool text = chance(500);
	const uint64_t most = chance(700) ? 125 : chance(800) ? 3000 : scenario.message_bytes;
	const uint32_t len = (uint32_t)chance_between(24, most);
	const uint32_t head =
		(uint32_t)snprintf((char *)payload, sizeof(payload), "e%u.%llu ", c->link->id,
	                           (unsigned long long)c->next_message++);
	uint8_t opcode = text ? WS_TEXT : WS_BINARY;
	uint32_t at = 0;

	for (uint32_t i = head; i < len; i++)
		payload[i] = (uint8_t)(text ? 'a' + (i + c->id) % 26 : i * 7 + c->id);
	expect_echo(c, opcode, payload, len);
	while (chance(200) && at < len) {
		const uint32_t n = (uint32_t)chance_below(len - at);

		client_put_frame(c, opcode, false, payload + at, n);
		if (chance(300))
			client_put_ping(c);
		at += n;
		opcode = WS_CONTINUATION;
	}
	client_put_frame(c, opcode, true, payload + at, len - at);
}

void client_put_violation(struct client *c)
{
	static const struct {
		const char *bytes;
		uint8_t len;
		uint16_t code;
	} rows[] = {
		{"\x81\x01x", 3, 1002},                    /* no mask */
		{"\xC1\x80mask", 6, 1002},                 /* reserved bit */
		{"\x83\x80mask", 6, 1002},                 /* unknown opcode */
		{"\x80\x80mask", 6, 1002},                 /* continues nothing */
		{"\x09\x80mask", 6, 1002},                 /* fragmented ping */
		{"\x89\xFE\x00\x80mask", 8, 1002},         /* long ping */
		{"\x88\x81mask.", 7, 1002},                /* close frame of one byte */
		{"\x81\x81\x00\x00\x00\x00\xFF", 7, 1007}, /* no UTF-8 */
		{"\x82\xFF\x00\x00\x00\x7F\x00\x00\x00\x00mask", 14, 1009}, /* too big */
	};
	const size_t i = chance_below(ARRAY_LEN(rows));

	if (c->muzzled)
		return;
	client_put(c, rows[i].bytes, rows[i].len);
	c->violation_code = rows[i].code;
	c->muzzled = true;
}
