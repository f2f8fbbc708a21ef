/* Chunks of equal objects, each with a free list through it. The lowest with room is used. */
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

struct slab_chunk {
	char *objects;            /* NULL: given back */
	struct slab_spare *spare; /* freed objects, the latest first */
	uint32_t in_use;
	uint32_t made;       /* objects that were ever in use: behind them memory is as it came */
	uint32_t generation; /* that objects begin with: beyond all that were freed in this place */
};

void slab_init(struct slab *s, size_t object_bytes, uint32_t limit)
{
	ASSERT(object_bytes >= sizeof(struct slab_head));
	if (object_bytes < sizeof(struct slab_spare))
		object_bytes = sizeof(struct slab_spare);
	*s = (struct slab){
		.object_bytes = (object_bytes + SLAB_ALIGN - 1) / SLAB_ALIGN * SLAB_ALIGN,
		.limit = limit,
	};
	while ((s->object_bytes << (s->chunk_shift + 1)) <= CHUNK_BYTES)
		s->chunk_shift++;
}

void slab_fini(struct slab *s)
{
	for (uint32_t i = 0; i < s->n_chunks; i++)
		free(s->chunks[i].objects);
	free(s->chunks);
	*s = (struct slab){.object_bytes = s->object_bytes, .chunk_shift = s->chunk_shift};
}

static inline uint32_t per_chunk(const struct slab *s)
{
	return 1u << s->chunk_shift;
}

static inline struct slab_spare *object_at(const struct slab *s, uint32_t index)
{
	char *objects = s->chunks[index >> s->chunk_shift].objects;

	return (void *)(objects + (index & (per_chunk(s) - 1)) * s->object_bytes);
}

/* Was an object ever in use at @index, in the memory that is there now? */
static inline bool is_made(const struct slab *s, uint32_t index)
{
	const uint32_t chunk = index >> s->chunk_shift;

	return chunk < s->n_chunks && (index & (per_chunk(s) - 1)) < s->chunks[chunk].made;
}

/* ---- chunks ---- */

static bool grow_directory(struct slab *s)
{
	const uint32_t cap = s->cap_chunks ? 2 * s->cap_chunks : 8;
	struct slab_chunk *chunks = realloc(s->chunks, cap * sizeof(*chunks));

	if (chunks == NULL)
		return false;
	s->chunks = chunks;
	s->cap_chunks = cap;
	return true;
}

static bool add_place(struct slab *s)
{
	if (s->n_chunks == UINT32_MAX >> s->chunk_shift)
		return false; /* indexes have 32 bits */
	if (s->n_chunks == s->cap_chunks && !grow_directory(s))
		return false;
	s->chunks[s->n_chunks++] = (struct slab_chunk){0};
	return true;
}

/* Memory for the chunk that is to be used next. */
static bool fill_chunk(struct slab *s)
{
	const size_t bytes = s->object_bytes << s->chunk_shift;
	struct slab_chunk *c;

	if (s->room == s->n_chunks && !add_place(s))
		return false;
	c = &s->chunks[s->room];
	c->objects = malloc(bytes);
	if (c->objects == NULL)
		return false;
	s->n_held++;
	s->n_empty++;
	ASAN_POISON_MEMORY_REGION(c->objects, bytes);
	return true;
}

static bool is_full(const struct slab *s, const struct slab_chunk *c)
{
	return c->in_use == per_chunk(s);
}

/* Nothing of it is in use: the next memory in this place begins where its generations ended. */
static void give_back(struct slab *s, struct slab_chunk *c)
{
	free(c->objects);
	*c = (struct slab_chunk){.generation = c->generation};
	s->n_held--;
	s->n_empty--;
}

void slab_trim(struct slab *s)
{
	for (uint32_t i = s->n_chunks; i-- > 0 && s->n_empty > 1;)
		if (s->chunks[i].objects != NULL && s->chunks[i].in_use == 0)
			give_back(s, &s->chunks[i]);
}

/* ---- objects ---- */

static struct slab_spare *take_spare(struct slab *s, struct slab_chunk *c)
{
	struct slab_spare *f = c->spare;

	ASAN_UNPOISON_MEMORY_REGION(f, s->object_bytes);
	c->spare = f->next;
	s->reused++;
	return f;
}

static struct slab_spare *make(struct slab *s, struct slab_chunk *c)
{
	const uint32_t index = (s->room << s->chunk_shift) + c->made++;
	struct slab_spare *f = object_at(s, index);

	ASAN_UNPOISON_MEMORY_REGION(f, s->object_bytes);
	f->head = (struct slab_head){.index = index, .generation = c->generation};
	return f;
}

void *slab_new(struct slab *s)
{
	struct slab_chunk *c;
	struct slab_spare *f;

	if (s->in_use >= s->limit)
		return NULL;
	while (s->room < s->n_chunks && is_full(s, &s->chunks[s->room]))
		s->room++;
	if ((s->room == s->n_chunks || s->chunks[s->room].objects == NULL) && !fill_chunk(s))
		return NULL;
	c = &s->chunks[s->room];
	f = c->spare != NULL ? take_spare(s, c) : make(s, c);
	ASSERT(f->head.generation % 2 == 0);
	s->n_empty -= c->in_use++ == 0;
	s->in_use++;
	s->changes++;
	f->head.generation++;
	memset(&f->head + 1, 0, s->object_bytes - sizeof(f->head));
	return f;
}

void slab_free(struct slab *s, void *object)
{
	struct slab_spare *f = object;
	struct slab_chunk *c;
	uint32_t chunk;

	if (f == NULL)
		return;
	ASSERT(is_made(s, f->head.index) && object_at(s, f->head.index) == f);
	ASSERT(f->head.generation % 2 == 1);
	chunk = f->head.index >> s->chunk_shift;
	c = &s->chunks[chunk];
	ASSERT(c->in_use > 0);
	f->head.generation++;
	if ((int32_t)(f->head.generation - c->generation) > 0)
		c->generation = f->head.generation;
	f->next = c->spare;
	c->spare = f;
	ASAN_POISON_MEMORY_REGION(&f->head + 1, s->object_bytes - sizeof(f->head));
	s->n_empty += --c->in_use == 0;
	s->in_use--;
	s->changes++;
	if (chunk < s->room)
		s->room = chunk;
}

void *slab_get(const struct slab *s, slab_handle h)
{
	const uint32_t index = (uint32_t)(h >> 32), generation = (uint32_t)h;

	if (!is_made(s, index) || generation % 2 == 0)
		return NULL;

	struct slab_spare *f = object_at(s, index);

	return f->head.generation == generation ? f : NULL;
}

void *slab_at(const struct slab *s, uint32_t index)
{
	struct slab_spare *f = is_made(s, index) ? object_at(s, index) : NULL;

	return f != NULL && f->head.generation % 2 == 1 ? f : NULL;
}

void *slab_step(const struct slab *s, uint32_t *index)
{
	const uint32_t chunk = *index >> s->chunk_shift;

	if (s->chunks[chunk].in_use == 0) {
		*index = (chunk + 1) << s->chunk_shift;
		return NULL;
	}
	return slab_at(s, (*index)++);
}

void *slab_next(const struct slab *s, uint32_t *index)
{
	void *object = NULL;

	while (object == NULL && *index < slab_end(s))
		object = slab_step(s, index);
	return object;
}

size_t slab_bytes(const struct slab *s)
{
	return s->n_held * (s->object_bytes << s->chunk_shift) + s->cap_chunks * sizeof(*s->chunks);
}
