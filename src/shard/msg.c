/* Encode once, count references, free with the last. */
#include "shard/msg.h"

#include <string.h>

#include "ws/frame.h"

static struct msg *allocate(uint32_t frame_len)
{
	struct msg *m = malloc(sizeof(*m) + frame_len);

	if (m != NULL) {
		*m = (struct msg){.frame_len = frame_len};
		atomic_init(&m->refs, 1);
	}
	return m;
}

struct msg *msg_new(uint8_t opcode, const void *payload, uint32_t len)
{
	uint8_t header[WS_MAX_HEADER];
	const size_t header_len = ws_frame_encode(header, opcode, true, len, NULL);
	uint32_t frame_len;

	if (__builtin_add_overflow(len, (uint32_t)header_len, &frame_len))
		return NULL;

	struct msg *m = allocate(frame_len);

	if (m == NULL)
		return NULL;
	m->opcode = opcode;
	m->payload_len = len;
	memcpy(m->frame, header, header_len);
	if (len > 0)
		memcpy(m->frame + header_len, payload, len);
	return m;
}

struct msg *msg_new_raw(const void *bytes, uint32_t len)
{
	struct msg *m = allocate(len);

	if (m != NULL)
		memcpy(m->frame, bytes, len);
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
