/* Chunks of equal objects with a free list through them. */
#include "base/slab.h"

#include <string.h>

#define CHUNK_BYTES (64 * 1024)

/*
 * The memory of a freed object stays mapped, so AddressSanitizer has to be told that it is not
 * to be used. The head stays readable: slab_get() looks at it.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN
#endif
#endif
#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)   ((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

struct slab_spare {
	struct slab_head head;
	struct slab_spare *next;
};

void slab_init(struct slab *s, size_t object_bytes, uint32_t limit)
{
	const size_t align = SLAB_ALIGN;

	ASSERT(object_bytes >= sizeof(struct slab_head));
	if (object_bytes < sizeof(struct slab_spare))
		object_bytes = sizeof(struct slab_spare);
	*s = (struct slab){
		.object_bytes = (object_bytes + align - 1) / align * align,
		.limit = limit,
	};
	while ((s->object_bytes << (s->chunk_shift + 1)) <= CHUNK_BYTES)
		s->chunk_shift++;
}

void slab_fini(struct slab *s)
{
	for (uint32_t i = 0; i < s->n_chunks; i++)
		free(s->chunks[i]);
	free(s->chunks);
	*s = (struct slab){.object_bytes = s->object_bytes, .chunk_shift = s->chunk_shift};
}

static inline struct slab_spare *object_at(const struct slab *s, uint32_t index)
{
	char *chunk = s->chunks[index >> s->chunk_shift];

	return (void *)(chunk + (index & ((1u << s->chunk_shift) - 1)) * s->object_bytes);
}

static void put_spare(struct slab *s, struct slab_spare *f)
{
	f->next = s->spare;
	s->spare = f;
	ASAN_POISON_MEMORY_REGION(&f->head + 1, s->object_bytes - sizeof(f->head));
}

static struct slab_spare *take_spare(struct slab *s)
{
	struct slab_spare *f = s->spare;

	ASAN_UNPOISON_MEMORY_REGION(&f->head + 1, s->object_bytes - sizeof(f->head));
	s->spare = f->next;
	return f;
}

static bool grow_directory(struct slab *s)
{
	const uint32_t cap = s->cap_chunks ? 2 * s->cap_chunks : 8;
	char **chunks = realloc(s->chunks, cap * sizeof(*chunks));

	if (chunks == NULL)
		return false;
	s->chunks = chunks;
	s->cap_chunks = cap;
	return true;
}

static bool add_chunk(struct slab *s)
{
	const uint32_t first = slab_end(s);

	if (s->n_chunks == UINT32_MAX >> s->chunk_shift)
		return false; /* indexes have 32 bits */
	if (s->n_chunks == s->cap_chunks && !grow_directory(s))
		return false;
	s->chunks[s->n_chunks] = malloc(s->object_bytes << s->chunk_shift);
	if (s->chunks[s->n_chunks] == NULL)
		return false;
	s->n_chunks++;
	/* Backwards, so that objects are handed out in address order. */
	for (uint32_t i = 1u << s->chunk_shift; i-- > 0;) {
		struct slab_spare *f = object_at(s, first + i);

		f->head = (struct slab_head){.index = first + i, .generation = 0};
		put_spare(s, f);
	}
	return true;
}

void *slab_new(struct slab *s)
{
	if (s->in_use >= s->limit || (s->spare == NULL && !add_chunk(s)))
		return NULL;

	struct slab_spare *f = take_spare(s);

	ASSERT(f->head.generation % 2 == 0);
	s->in_use++;
	s->changes++;
	s->reused += f->head.generation > 0;
	f->head.generation++;
	memset(&f->head + 1, 0, s->object_bytes - sizeof(f->head));
	return f;
}

void slab_free(struct slab *s, void *object)
{
	struct slab_spare *f = object;

	if (f == NULL)
		return;
	ASSERT(f->head.index < slab_end(s) && object_at(s, f->head.index) == f);
	ASSERT(f->head.generation % 2 == 1);
	ASSERT(s->in_use > 0);
	f->head.generation++;
	s->in_use--;
	s->changes++;
	put_spare(s, f);
}

void *slab_get(const struct slab *s, slab_handle h)
{
	const uint32_t index = (uint32_t)(h >> 32), generation = (uint32_t)h;

	if (index >= slab_end(s) || generation % 2 == 0)
		return NULL;

	struct slab_spare *f = object_at(s, index);

	return f->head.generation == generation ? f : NULL;
}

void *slab_at(const struct slab *s, uint32_t index)
{
	struct slab_spare *f = index < slab_end(s) ? object_at(s, index) : NULL;

	return f != NULL && f->head.generation % 2 == 1 ? f : NULL;
}

void *slab_next(const struct slab *s, uint32_t *index)
{
	while (*index < slab_end(s)) {
		void *object = slab_at(s, (*index)++);

		if (object != NULL)
			return object;
	}
	return NULL;
}

size_t slab_bytes(const struct slab *s)
{
	return s->n_chunks * (s->object_bytes << s->chunk_shift) +
	       s->cap_chunks * sizeof(*s->chunks);
}
