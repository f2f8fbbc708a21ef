/* /proc/self/cgroup says which group is ours; its folder and those above it hold the limits. */
#include "os/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 writes "no limit" as the largest multiple of a page. */
#define NO_LIMIT (UINT64_C(1) << 62)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The number in a file; "max", nonsense, or no file: none. */
static uint64_t read_limit(const char *path)
{
	char text[32], *end = text;
	FILE *f = fopen(path, "re");
	uint64_t n = 0;

	if (f == NULL)
		return UINT64_MAX;
	if (fgets(text, sizeof(text), f) != NULL && *text >= '0' && *text <= '9')
		n = strtoull(text, &end, 10);
	fclose(f);
	return end == text || n >= NO_LIMIT ? UINT64_MAX : n;
}

/* From @group up to the top of the hierarchy that is mounted at @mount. */
static uint64_t walk_up(const char *root, const char *mount, char *group, const char *file)
{
	char path[PATH_MAX];
	uint64_t n = UINT64_MAX;
	char *slash;

	for (;;) {
		const int len = snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s%s/%s", root, mount,
		                         group, file);

		if (len < (int)sizeof(path))
			n = least(n, read_limit(path));
		slash = strrchr(group, '/');
		if (slash == NULL)
			return n;
		*slash = '\0';
	}
}

/* Is "memory" in a list such as "cpu,memory"? */
static bool lists_memory(const char *controllers)
{
	const char *at = strstr(controllers, "memory");

	return at != NULL && (at == controllers || at[-1] == ',') &&
	       (at[6] == '\0' || at[6] == ',');
}

/* One line: "0::/group" of version 2, "4:cpu,memory:/group" of version 1. */
static uint64_t limit_of_line(const char *root, char *line)
{
	char *controllers = strchr(line, ':'), *group;

	line[strcspn(line, "\n")] = '\0';
	if (controllers == NULL)
		return UINT64_MAX;
	group = strchr(++controllers, ':');
	if (group == NULL)
		return UINT64_MAX;
	*group++ = '\0';
	if (*controllers == '\0')
		return walk_up(root, "", group, "memory.max");
	if (lists_memory(controllers))
		return walk_up(root, "/memory", group, "memory.limit_in_bytes");
	return UINT64_MAX;
}

uint64_t cgroup_memory_bytes(const char *root)
{
	char path[PATH_MAX], line[PATH_MAX];
	uint64_t n = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (f == NULL)
		return n;
	while (fgets(line, sizeof(line), f) != NULL)
		n = least(n, limit_of_line(root, line));
	fclose(f);
	return n;
}
