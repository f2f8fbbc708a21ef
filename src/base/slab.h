/*
 * Objects of one size for one thread, addressed by handle.
 *
 * Each object starts with a struct slab_head that the slab writes. A handle is {index,
 * generation}: it goes into epoll data and messages between threads in place of a pointer,
 * and stops resolving the moment its object is freed, even if the memory was reused.
 *
 * A new object takes the lowest chunk that has room, so that after a peak the upper ones fall
 * empty; slab_trim() gives their memory back, and handles of what was in it resolve no more than
 * others, whatever is there later. Memory is touched when an object is first made in it. Under
 * AddressSanitizer touching a freed object is reported also while its memory stays.
 *
 * Thread: the owner of the slab, all calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define SLAB_ALIGN 8 /* of objects: enough for pointers and 64-bit numbers */

typedef uint64_t slab_handle; /* index << 32 | generation; 0 is never a live object */

struct slab_head {
	uint32_t index;
	uint32_t generation; /* odd while the object is in use */
};

struct slab {
	size_t object_bytes;
	uint32_t chunk_shift;          /* objects in a chunk = 1 << chunk_shift */
	uint32_t n_chunks, cap_chunks; /* places for them */
	struct slab_chunk *chunks;
	uint32_t room;            /* every chunk below this one is full */
	uint32_t n_held, n_empty; /* chunks that have memory; of them those without an object */
	uint32_t in_use;
	uint32_t limit;   /* objects that may be in use at once */
	uint32_t changes; /* objects taken and given back, modulo 2^32: has anything happened? */
	uint64_t reused;  /* objects whose memory was handed out before */
};

/* @object_bytes includes the head. @limit: slab_new() beyond it fails. Cannot fail. */
void slab_init(struct slab *s, size_t object_bytes, uint32_t limit);

/* Returns all memory. Objects still in use are gone with it. */
void slab_fini(struct slab *s);

/* A zeroed object (but for its head), or NULL: limit reached or out of memory. */
MUST_CHECK void *slab_new(struct slab *s);

/* NULL is allowed. The handle dies at once. An object that is not in use here is a fatal error. */
void slab_free(struct slab *s, void *object);

/* Give the memory of chunks without objects back, but for one. Cost: a walk over the chunks. */
void slab_trim(struct slab *s);

/* The object of a handle, or NULL if it was freed. Any number is safe to ask for. */
void *slab_get(const struct slab *s, slab_handle h);

static inline slab_handle slab_handle_of(const void *object)
{
	const struct slab_head *head = object;

	return (uint64_t)head->index << 32 | head->generation;
}

/* The object in use at @index, or NULL. */
void *slab_at(const struct slab *s, uint32_t index);

/* One step of a walk that may stop anywhere: the object in use at *@index, which is below
 * slab_end(), or NULL; *@index is moved past it, and past its whole chunk if that has none. */
void *slab_step(const struct slab *s, uint32_t *index);

/* Walk: the object in use with the lowest index >= *@index, or NULL; *@index is moved past it. */
void *slab_next(const struct slab *s, uint32_t *index);

/* Indexes that were ever handed out are below this: the end of a walk. */
static inline uint32_t slab_end(const struct slab *s)
{
	return s->n_chunks << s->chunk_shift;
}

/* Objects that the memory held is for. */
static inline uint32_t slab_room(const struct slab *s)
{
	return s->n_held << s->chunk_shift;
}

/* Bytes held from the system. */
size_t slab_bytes(const struct slab *s);
