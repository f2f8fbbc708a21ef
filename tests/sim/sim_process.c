/* os/os.h in the simulated world: clocks, chance, the process. */
#include <errno.h>
#include <stdio.h>

#include "kernel.h"
#include "model.h"
#include "os/file.h"
#include "os/os.h"
#include "world.h"

/* ---- time and chance ---- */

uint64_t os_now_us(void)
{
	world.now_us += chance_below(3); /* even looking takes time */
	return world.now_us;
}

uint64_t os_now_ms(void)
{
	return os_now_us() / US_PER_MS;
}

uint64_t os_wall_ms(void)
{
	return (world.wall_us + world.now_us) / US_PER_MS;
}

void os_random(void *buf, size_t len)
{
	uint8_t *at = buf;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)chance_next();
}

/* ---- the process ---- */

uint32_t os_cpus(void)
{
	return 2;
}

uint64_t os_memory_limit(void)
{
	return 0; /* nobody knows */
}

void os_memory_trim(void)
{
}

void os_memory_trim_thread(void)
{
}

uint64_t os_memory_used(void)
{
	return 10ull << 20;
}

bool os_write_stderr(const char *text, size_t len)
{
	world_mix_bytes(text, len);
	TRACE("| %.*s", (int)len - 1, text);
	model_logged(text, len);
	return true;
}

/* ---- files: there are none ---- */

int os_file_look(const char *path, struct os_file *ret)
{
	(void)path;
	(void)ret;
	return -ENOENT;
}

int os_file_read(const char *path, size_t max, char **ret, size_t *ret_len,
                 struct os_file *ret_file)
{
	(void)path;
	(void)max;
	(void)ret;
	(void)ret_len;
	(void)ret_file;
	return -ENOENT;
}

int os_folder_list(const char *path, char ***ret, size_t *ret_n)
{
	(void)path;
	(void)ret;
	(void)ret_n;
	return -ENOENT;
}

void os_folder_free(char **names, size_t n)
{
	(void)names;
	(void)n;
}
