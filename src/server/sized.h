/*
 * Structs of the public interface, which begin with their size: one side may know fewer members.
 *
 * Thread: any.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

/* Bytes of @type up to and with @member: what the first version had. */
#define SIZED_LEAST(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

/**
 * Copy the caller's struct into ours, with 0 for what it does not have.
 *
 * @least  size of the first version
 *
 * Returns: 0; WSMD_EINVAL: NULL, too small, or what we do not know is not 0
 */
MUST_CHECK static inline int sized_read(void *dst, size_t known, const void *src, size_t least)
{
	size_t size;

	if (src == NULL)
		return WSMD_EINVAL;
	memcpy(&size, src, sizeof(size));
	if (size < least || size > 65536)
		return WSMD_EINVAL;
	for (size_t i = known; i < size; i++)
		if (((const char *)src)[i] != 0)
			return WSMD_EINVAL;
	memset(dst, 0, known);
	memcpy(dst, src, size < known ? size : known);
	return 0;
}

/* May the caller's struct be written? As above; what we do not know stays as it is. */
MUST_CHECK static inline int sized_check(const void *dst, size_t least)
{
	size_t size;

	if (dst == NULL)
		return WSMD_EINVAL;
	memcpy(&size, dst, sizeof(size));
	return size < least || size > 65536 ? WSMD_EINVAL : 0;
}

/* Copy ours into the caller's, but for the size; behind sized_check(). */
static inline void sized_write(void *dst, const void *src, size_t known)
{
	size_t size;

	memcpy(&size, dst, sizeof(size));
	if (size > known)
		size = known;
	memcpy((char *)dst + sizeof(size), (const char *)src + sizeof(size), size - sizeof(size));
}
