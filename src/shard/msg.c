/* Encode once, count references, free with the last. */
#include "shard/msg.h"

#include <string.h>

#include "ws/frame.h"

static_assert(sizeof(struct msg) + WS_MAX_SERVER_HEADER <= MSG_HEADROOM, "both are in front");

static void init(struct msg *m, uint8_t frame_at, uint32_t frame_len)
{
	*m = (struct msg){.frame_len = frame_len, .frame_at = frame_at};
	atomic_init(&m->refs, 1);
}

/* @ret_frame: room for as many bytes */
static struct msg *allocate(uint32_t frame_len, uint8_t **ret_frame)
{
	struct msg *m = malloc(sizeof(*m) + frame_len);

	if (m == NULL)
		return NULL;
	init(m, sizeof(*m), frame_len);
	*ret_frame = (uint8_t *)(m + 1);
	return m;
}

struct msg *msg_new(uint8_t opcode, const void *payload, uint32_t len)
{
	uint8_t header[WS_MAX_HEADER];
	const size_t header_len = ws_frame_encode(header, opcode, true, len, NULL);
	uint32_t frame_len;
	uint8_t *frame;

	if (__builtin_add_overflow(len, (uint32_t)header_len, &frame_len))
		return NULL;

	struct msg *m = allocate(frame_len, &frame);

	if (m == NULL)
		return NULL;
	m->opcode = opcode;
	m->payload_len = len;
	memcpy(frame, header, header_len);
	if (len > 0)
		memcpy(frame + header_len, payload, len);
	return m;
}

struct msg *msg_new_raw(const void *bytes, uint32_t len)
{
	uint8_t *frame;
	struct msg *m = allocate(len, &frame);

	if (m != NULL)
		memcpy(frame, bytes, len);
	return m;
}

struct msg *msg_adopt(void *block, uint8_t opcode, uint32_t len)
{
	uint8_t header[WS_MAX_HEADER], *const payload = (uint8_t *)block + MSG_HEADROOM;
	const size_t header_len = ws_frame_encode(header, opcode, true, len, NULL);
	struct msg *const m = block;

	memcpy(payload - header_len, header, header_len);
	init(m, (uint8_t)(MSG_HEADROOM - header_len), (uint32_t)header_len + len);
	m->opcode = opcode;
	m->payload_len = len;
	return m;
}

void msg_put(struct msg *m)
{
	if (m == NULL)
		return;
	/* Release what this holder read before, acquire what the others did before the free. */
	if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1)
		free(m);
}
