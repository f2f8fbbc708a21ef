/*
 * The frame reader and the receiver: any bytes, either role, and the events must not depend on
 * where the reads cut them.
 *
 * Input: a byte of options, a seed for the cuts, then the stream. Streams for a server would
 * hardly ever get past the mask check and the UTF-8 check by chance, so an option sets the mask
 * bit of each header and clears the key.
 */
#include "ws_feed.h"

#include "ws/frame.h"

#define OPTION_CLIENT 1
#define OPTION_SMALL  2 /* tight limits */
#define OPTION_MASK   4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct ws_limits roomy = {.max_message_bytes = 1 << 20, .max_fragments = 1 << 18};
static const struct ws_limits tight = {
	.max_message_bytes = 130,
	.max_fragments = 4,
	.control_burst = 5,
	.control_per_s = 1,
};

/* Whatever decodes must encode to the same bytes. */
static void check_round_trip(enum ws_role role, const uint8_t *data, size_t len)
{
	uint8_t again[WS_MAX_HEADER];
	enum ws_rule rule;
	struct ws_frame f;
	size_t n;

	if (ws_frame_decode(role, data, len, &f, &rule) != 0)
		return;
	n = ws_frame_encode(again, f.opcode, f.fin, f.payload_len,
	                    f.masked ? data + f.header_len - 4 : NULL);
	ASSERT(n == f.header_len);
	ASSERT(memcmp(again, data, n) == 0);
}

/* Turn a stream for a client into one for a server, header by header; the keys are zero. */
static size_t add_masks(const uint8_t *data, size_t len, uint8_t *dst)
{
	size_t at = 0, out = 0, n;
	enum ws_rule rule;
	struct ws_frame f;

	while (ws_frame_decode(WS_CLIENT, data + at, len - at, &f, &rule) == 0) {
		memcpy(dst + out, data + at, f.header_len);
		dst[out + 1] |= 0x80;
		out += f.header_len;
		memset(dst + out, 0, 4);
		out += 4;
		at += f.header_len;
		n = f.payload_len < len - at ? f.payload_len : len - at;
		memcpy(dst + out, data + at, n);
		out += n;
		at += n;
	}
	memcpy(dst + out, data + at, len - at);
	return out + len - at;
}

static void feed_in_pieces(struct ws_feed *f, const uint8_t *data, size_t len, uint32_t seed)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		seed = seed * 1664525 + 1013904223;
		/* mostly tiny, sometimes longer than a control frame */
		n = 1 + (seed >> 24) % (seed >> 23 & 1 ? 4 : 200);
		if (n > len - at)
			n = len - at;
		ws_feed_bytes(f, data + at, n);
	}
}

/* As much as possible to where messages are assembled. */
static void feed_direct(struct ws_feed *f, const uint8_t *data, size_t len, uint32_t seed)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		seed = seed * 1664525 + 1013904223;
		n = ws_feed_direct(f, data + at, len - at < seed >> 24 ? len - at : seed >> 24,
		                   1 + (seed >> 20) % 16);
		if (n > 0)
			continue;
		n = 1 + (seed >> 24) % 40;
		if (n > len - at)
			n = len - at;
		ws_feed_bytes(f, data + at, n);
	}
}

/* However the bytes came, the same message is begun. */
static bool begun_alike(const struct ws_begun *a, const struct ws_begun *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->opcode == b->opcode && a->len == b->len && a->fragments == b->fragments;
}

static void compare(enum ws_role role, const struct ws_limits *l, const uint8_t *data, size_t len,
                    uint32_t seed)
{
	struct ws_feed whole, single, pieces, direct;

	check_round_trip(role, data, len);
	ws_feed_init(&whole, role, l);
	ws_feed_init(&single, role, l);
	ws_feed_init(&pieces, role, l);
	ws_feed_init(&direct, role, l);
	ws_feed_bytes(&whole, data, len);
	for (size_t i = 0; i < len; i++)
		ws_feed_bytes(&single, data + i, 1);
	feed_in_pieces(&pieces, data, len, seed);
	feed_direct(&direct, data, len, seed);
	ASSERT(strcmp(whole.trace, single.trace) == 0);
	ASSERT(strcmp(whole.trace, pieces.trace) == 0);
	ASSERT(strcmp(whole.trace, direct.trace) == 0);
	ASSERT(begun_alike(whole.receiver.begun, pieces.receiver.begun));
	ASSERT(begun_alike(whole.receiver.begun, direct.receiver.begun));
	ws_feed_fini(&whole);
	ws_feed_fini(&single);
	ws_feed_fini(&pieces);
	ws_feed_fini(&direct);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum ws_role role;
	uint8_t *copy;
	size_t n;

	if (len < 2)
		return 0;
	role = data[0] & OPTION_CLIENT ? WS_CLIENT : WS_SERVER;
	copy = malloc(len * 3 + 4); /* at most four bytes for each header of two */
	ASSERT(copy);
	n = len - 2;
	if (role == WS_SERVER && data[0] & OPTION_MASK)
		n = add_masks(data + 2, n, copy);
	else
		memcpy(copy, data + 2, n);
	compare(role, data[0] & OPTION_SMALL ? &tight : &roomy, copy, n, data[1]);
	free(copy);
	return 0;
}
