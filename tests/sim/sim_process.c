/* os/os.h in the simulated world: clocks, chance, the process and its signals. */
#include <stdio.h>
#include <unistd.h>

#include "kernel.h"
#include "model.h"
#include "os/os.h"
#include "world.h"

static uint32_t signals_stop, signals_reload;
static int signals_fd;

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

void kernel_signal(bool reload)
{
	*(reload ? &signals_reload : &signals_stop) += 1;
	if (signals_fd >= 0)
		file_touch(signals_fd);
}

int os_signals_open(void)
{
	return signals_fd = file_open(FILE_SIGNALS);
}

enum os_signal os_signal_read(int fd)
{
	(void)file_of(fd, FILE_SIGNALS);
	if (signals_reload > 0) {
		signals_reload--;
		return OS_SIGNAL_RELOAD;
	}
	if (signals_stop > 0) {
		signals_stop--;
		return OS_SIGNAL_STOP;
	}
	return OS_SIGNAL_NONE;
}

uint32_t kernel_signals(void)
{
	return signals_stop + signals_reload;
}

void kernel_signals_begin(void)
{
	signals_stop = signals_reload = 0;
	signals_fd = -1;
}

uint32_t os_cpus(void)
{
	return 2;
}

uint64_t os_memory_used(void)
{
	return 10ull << 20;
}

/* Nothing of the server runs after this. */
void os_exit(int code)
{
	fflush(stdout);
	_exit(code == 3 ? 0 : 1); /* SERVER_CUT is what a second signal asks for */
}

bool os_write_stderr(const char *text, size_t len)
{
	world_mix_bytes(text, len);
	TRACE("| %.*s", (int)len - 1, text);
	model_logged(text, len);
	return true;
}
