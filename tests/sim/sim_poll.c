/* os/os.h in the simulated world: readiness queues, wakes, and threads that sleep in them. */
#include <errno.h>
#include <string.h>

#include "heap.h"
#include "kernel.h"
#include "os/os.h"
#include "world.h"

#define MAX_IDLE 2000 /* looks without sleep and without an event: the thread spins */

static struct sim_thread *current;

void kernel_enter(struct sim_thread *t)
{
	current = t;
	heap_enter_server();
}

void kernel_leave(void)
{
	current = NULL;
	heap_leave_server();
}

/* ---- the ring of what may be ready ---- */

static uint32_t wanted(const struct file *f)
{
	return file_events(f) & (f->interest | OS_ERROR | OS_HANGUP);
}

static void look_again(void *arg, uint64_t fd)
{
	(void)arg;
	(void)fd; /* its time has come: kernel_ready() sees it now */
}

void file_touch(int fd)
{
	struct file *f = file_get(fd);

	if (f->poll < 0 || !list_empty(&f->ready) || wanted(f) == 0)
		return;
	list_append(&file_of(f->poll, FILE_POLL)->ring, &f->ready);
	if (f->kind == FILE_SOCKET && chance(world.faults.late)) {
		f->quiet_us = world.now_us + chance_below(50 * US_PER_MS);
		agenda_at(f->quiet_us, look_again, NULL, 0);
	}
}

void poll_forget(int fd)
{
	struct file *f = file_get(fd);

	if (f->kind == FILE_POLL)
		return;
	list_unlink(&f->ready);
	f->poll = -1;
}

int os_poll_new(void)
{
	return file_open(FILE_POLL);
}

int os_poll_add(int poll, int fd, uint32_t events, uint64_t token)
{
	struct file *f = file_get(fd);

	EXPECT(f->poll < 0, "descriptor %d is watched by two polls", fd);
	(void)file_of(poll, FILE_POLL);
	if (f->kind == FILE_SOCKET && chance(world.faults.poll_fails)) {
		f->link->hurt = true;
		return -ENOMEM;
	}
	f->poll = poll;
	f->interest = events;
	f->token = token;
	file_touch(fd);
	return 0;
}

int os_poll_change(int poll, int fd, uint32_t events, uint64_t token)
{
	struct file *f = file_get(fd);

	EXPECT(f->poll == poll, "descriptor %d is changed in a poll it is not in", fd);
	if (chance(world.faults.poll_fails)) {
		if (f->kind == FILE_SOCKET)
			f->link->hurt = true;
		return -ENOMEM;
	}
	f->interest = events;
	f->token = token;
	list_unlink(&f->ready);
	file_touch(fd);
	return 0;
}

void os_poll_remove(int poll, int fd)
{
	struct file *f = file_get(fd);

	EXPECT(f->poll < 0 || f->poll == poll, "descriptor %d is in another poll", fd);
	poll_forget(fd);
}

/* ---- waiting ---- */

/* Level-triggered and fair: what was reported goes to the end of the ring. */
static int collect(struct file *poll, struct os_event *events, int max)
{
	struct list seen;
	int n = 0;

	list_init(&seen);
	list_for_each_safe (at, tmp, &poll->ring) {
		struct file *f = list_entry(at, struct file, ready);
		const uint32_t now = wanted(f);

		if (n == max)
			break;
		if (now != 0 && f->quiet_us > world.now_us)
			continue;
		list_unlink(&f->ready);
		if (now == 0 && (f->interest & OS_READ) == 0)
			continue;
		if (now == 0 && !chance(world.faults.spurious))
			continue;
		events[n++] =
			(struct os_event){.events = now != 0 ? now : OS_READ, .token = f->token};
		if (now != 0)
			list_append(&seen, &f->ready);
		else if (f->kind == FILE_LISTENER)
			continue;
	}
	list_splice(&poll->ring, &seen);
	return n;
}

static bool anything_ready(const struct file *poll)
{
	list_for_each (at, &poll->ring) {
		const struct file *f = list_entry(at, struct file, ready);

		if (f->quiet_us <= world.now_us && wanted(f) != 0)
			return true;
	}
	return false;
}

bool kernel_ready(const struct sim_thread *t)
{
	return t->poll < 0 || !t->sleeping || world.now_us >= t->wake_us ||
	       anything_ready(kernel_file(t->poll));
}

uint64_t kernel_wake_us(const struct sim_thread *t)
{
	return t->sleeping ? t->wake_us : world.now_us;
}

/*
 * It is the first thing that each turn does, and before it a turn changes nothing. So a thread
 * that would sleep leaves its turn, and begins it anew when something is ready or time is up.
 */
int os_poll_wait(int poll, struct os_event *events, int max, uint32_t timeout_ms)
{
	struct sim_thread *t = current;
	struct file *p = file_of(poll, FILE_POLL);
	const bool interrupted = chance(world.faults.interrupt);
	const int n = collect(p, events, max);

	t->poll = poll;
	if (n == 0 && timeout_ms > 0 && !interrupted &&
	    !(t->sleeping && world.now_us >= t->wake_us)) {
		if (!t->sleeping)
			t->wake_us = world.now_us + timeout_ms * (uint64_t)US_PER_MS;
		t->sleeping = true;
		longjmp(t->asleep, 1);
	}
	t->idle = n == 0 && timeout_ms == 0 ? t->idle + 1 : 0;
	EXPECT(t->idle < MAX_IDLE, "%s spins: it finds nothing and does not sleep", t->name);
	t->sleeping = false;
	if (chance(20)) /* between looking and acting is a bad moment */
		world_freeze();
	world_mix((uint64_t)n << 32 ^ (uint64_t)poll);
	return n;
}

/* ---- wakes ---- */

int os_wake_new(void)
{
	return file_open(FILE_WAKE);
}

void os_wake(int fd)
{
	file_of(fd, FILE_WAKE)->woken = true;
	file_touch(fd);
}

void os_wake_clear(int fd)
{
	file_of(fd, FILE_WAKE)->woken = false;
}

/* ---- threads ---- */

/* The simulator takes their turns itself. */
/* For threads that do not live here. */
void os_word_wait(_Atomic uint32_t *word, uint32_t value, uint32_t timeout_ms)
{
	(void)timeout_ms;
	EXPECT(atomic_load(word) != value, "a thread of the server waits");
}

void os_word_wake(_Atomic uint32_t *word)
{
	(void)word;
}

int os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *), void *arg)
{
	(void)name;
	(void)body;
	(void)arg;
	t->handle = 1;
	return 0;
}

void os_thread_join(struct os_thread *t)
{
	t->handle = 0;
}

void os_thread_be_patient(void)
{
}
