/* Frames as a server gets them: small ones, many in a read. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "micro.h"
#include "ws/frame.h"
#include "ws/receiver.h"

#define READ_BYTES (64 * 1024)

/* Payload and key are such that unmasking what is unmasked already is ASCII again. */
static const uint8_t key[4] = {0x11, 0x02, 0x0D, 0x05};

struct stream {
	uint8_t *bytes;
	size_t len;
	uint64_t frames;
	struct ws_receiver receiver;
	struct micro_copy copy; /* of one frame */
};

static const struct ws_limits limits = {.max_message_bytes = 1 << 20, .max_fragments = 1};

static void fill(struct stream *s, uint8_t opcode, size_t payload)
{
	*s = (struct stream){.bytes = micro_memory(READ_BYTES)};
	while (s->len + WS_MAX_HEADER + payload <= READ_BYTES) {
		s->len += ws_frame_encode(s->bytes + s->len, opcode, true, payload, key);
		memset(s->bytes + s->len, 'a', payload);
		s->len += payload;
		s->frames++;
	}
	ws_receiver_init(&s->receiver, &limits, 0);
	s->copy = (struct micro_copy){
		.dst = micro_memory(READ_BYTES),
		.src = s->bytes,
		.len = s->len / s->frames,
	};
}

static void run_receiver(void *arg, uint64_t n)
{
	struct stream *s = arg;
	struct ws_event event;
	size_t used;

	while (n-- > 0) {
		for (size_t at = 0; at < s->len; at += used) {
			const int err =
				ws_receiver_next(&s->receiver, &limits, WS_SERVER, s->bytes + at,
			                         s->len - at, 0, &used, &event);

			ASSERT(err == 0 && event.type == WS_EVENT_MESSAGE);
			micro_use((uintptr_t)event.data);
		}
	}
}

static void run_headers(void *arg, uint64_t n)
{
	const struct stream *s = arg;
	enum ws_rule rule;
	struct ws_frame f;

	while (n-- > 0) {
		for (size_t at = 0; at < s->len; at += f.header_len + (size_t)f.payload_len) {
			const int err =
				ws_frame_decode(WS_SERVER, s->bytes + at, s->len - at, &f, &rule);

			ASSERT(err == 0);
		}
	}
}

static void measure(const char *name, uint8_t opcode, size_t payload, micro_run run,
                    const char *field)
{
	struct stream s;

	fill(&s, opcode, payload);
	micro_measure(&(struct micro_case){
		.name = name,
		.run = run,
		.arg = &s,
		.ops = s.frames,
		.yardstick = {.name = "memcpy of it", .run = micro_copy_run, .arg = &s.copy},
		.field = field,
	});
}

void micro_frame(void)
{
	measure("frame: header of 6 bytes", WS_BINARY, 20, run_headers, NULL);
	measure("frame: binary of 20 bytes", WS_BINARY, 20, run_receiver, NULL);
	measure("frame: text of 20 bytes", WS_TEXT, 20, run_receiver, NULL);
	measure("frame: text of 128 bytes", WS_TEXT, 128, run_receiver,
	        "51 cycles, masked text of 128 bytes, AMD desktop (nexus-web 0.8.0, "
	        "performance.md)");
	measure("frame: text of 2048 bytes", WS_TEXT, 2048, run_receiver,
	        "145 cycles, masked text of 2048 bytes, the same");
}
