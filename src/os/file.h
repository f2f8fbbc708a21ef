/*
 * Files that are read whole: small ones, which people write and programs replace.
 *
 * Thread: any. Part of the seam of os.h; the simulated world has no files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct os_file {
	bool is_file, is_folder;
	bool others_may_read; /* who is neither its owner nor in its group */
	uint64_t size;
	uint64_t stamp; /* another one after every change, of whatever a link leads to */
};

/* 0 or -errno. */
MUST_CHECK int os_file_look(const char *path, struct os_file *ret);

/**
 * All of a file that is not larger than @max.
 *
 * @ret  of malloc(), with a NUL behind *@ret_len bytes
 *
 * Returns: 0; -errno; -EFBIG; -EINVAL: it is no file. *@ret_file is what was read, if it could be
 *          opened
 */
MUST_CHECK int os_file_read(const char *path, size_t max, char **ret, size_t *ret_len,
                            struct os_file *ret_file);

/* The names in a folder that do not begin with a dot, in their order. 0 or -errno. Free them with
 * os_folder_free(). */
MUST_CHECK int os_folder_list(const char *path, char ***ret, size_t *ret_n);
void os_folder_free(char **names, size_t n);
