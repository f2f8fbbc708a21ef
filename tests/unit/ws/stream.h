/* Builds byte streams frame by frame, independently of ws/frame.c, and feeds them cut up. */
#pragma once

#include "ws_feed.h"

struct stream {
	uint8_t *bytes;
	size_t len, cap;
	enum ws_role reader; /* frames for a server are masked */
};

static inline void stream_init(struct stream *s, enum ws_role reader)
{
	*s = (struct stream){.reader = reader, .cap = 64};
	s->bytes = malloc(s->cap);
	ASSERT(s->bytes);
}

static inline void stream_fini(struct stream *s)
{
	free(s->bytes);
}

static inline void stream_raw(struct stream *s, const void *bytes, size_t len)
{
	uint8_t *grown;

	if (s->len + len > s->cap) {
		s->cap = 2 * (s->len + len);
		grown = malloc(s->cap); /* not realloc(): tests make that one fail */
		ASSERT(grown);
		memcpy(grown, s->bytes, s->len);
		free(s->bytes);
		s->bytes = grown;
	}
	if (len > 0)
		memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

/* A header that announces @len, however much of it follows. */
static inline void stream_header(struct stream *s, uint8_t first, uint64_t len,
                                 const uint8_t key[4])
{
	const uint8_t mask_bit = s->reader == WS_SERVER ? 0x80 : 0;
	const size_t n = len < 126 ? 0 : len < 65536 ? 2 : 8;
	uint8_t head[10] = {first, (uint8_t)(mask_bit | (n == 0 ? len : n == 2 ? 126 : 127))};

	for (size_t i = 0; i < n; i++)
		head[2 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	stream_raw(s, head, 2 + n);
	if (mask_bit)
		stream_raw(s, key, 4);
}

static inline void stream_frame(struct stream *s, uint8_t first, const void *payload, size_t len)
{
	/* another key for each frame */
	const uint8_t key[] = {(uint8_t)(0x9d + s->len), 0x00, 0xff, (uint8_t)(3 * s->len)};
	size_t at;

	stream_header(s, first, len, key);
	at = s->len;
	stream_raw(s, payload, len);
	if (s->reader == WS_SERVER)
		for (size_t i = 0; i < len; i++)
			s->bytes[at + i] ^= key[i % 4];
}

/* Feed the stream in reads of at most @read bytes. */
static inline void stream_feed(const struct stream *s, struct ws_feed *f, size_t read)
{
	for (size_t at = 0; at < s->len; at += read)
		ws_feed_bytes(f, s->bytes + at, s->len - at < read ? s->len - at : read);
}
