/* The Linux side of the seam: clocks, readiness, threads, the process. */
#include "os/os.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/locale.h"
#include "os/cgroup.h"

static_assert(OS_READ == EPOLLIN && OS_WRITE == EPOLLOUT, "events are passed through");
static_assert(OS_ERROR == EPOLLERR && OS_HANGUP == EPOLLHUP, "events are passed through");

/* ---- time and chance ---- */

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t os_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t os_now_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t os_wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

void os_random(void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		const ssize_t n = getrandom(p, len, 0);

		ASSERT(n > 0 || errno == EINTR);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* ---- readiness ---- */

int os_poll_new(void)
{
	const int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int poll_ctl(int poll, int op, int fd, uint32_t events, uint64_t token)
{
	struct epoll_event ev = {.events = events, .data.u64 = token};

	return epoll_ctl(poll, op, fd, &ev) < 0 ? -errno : 0;
}

int os_poll_add(int poll, int fd, uint32_t events, uint64_t token)
{
	return poll_ctl(poll, EPOLL_CTL_ADD, fd, events, token);
}

int os_poll_change(int poll, int fd, uint32_t events, uint64_t token)
{
	return poll_ctl(poll, EPOLL_CTL_MOD, fd, events, token);
}

void os_poll_remove(int poll, int fd)
{
	(void)poll_ctl(poll, EPOLL_CTL_DEL, fd, 0, 0); /* fails only if it was not there */
}

int os_poll_wait(int poll, struct os_event *events, int max, uint32_t timeout_ms)
{
	struct epoll_event raw[512];
	const int want = max < (int)ARRAY_LEN(raw) ? max : (int)ARRAY_LEN(raw);
	int n = epoll_wait(poll, raw, want, (int)timeout_ms);

	/* Interrupted, as by SIGCONT after a stop: what came meanwhile counts before any timer. */
	if (n < 0)
		n = epoll_wait(poll, raw, want, 0);
	for (int i = 0; i < n; i++)
		events[i] = (struct os_event){.events = raw[i].events, .token = raw[i].data.u64};
	return n < 0 ? 0 : n;
}

/* ---- threads ---- */

int os_wake_new(void)
{
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void os_wake(int fd)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full, and then it is readable already. */
	(void)!write(fd, &one, sizeof(one));
}

void os_wake_clear(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

void os_word_wait(_Atomic uint32_t *word, uint32_t value, uint32_t timeout_ms)
{
	const struct timespec ts = {.tv_sec = timeout_ms / 1000,
	                            .tv_nsec = (long)(timeout_ms % 1000) * 1000000};

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ms == UINT32_MAX ? NULL : &ts);
}

void os_word_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* Its name is given from inside: from outside it would take a descriptor for a moment. */
static void *thread_body(void *arg)
{
	struct os_thread *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	(void)locale_enter();
	return t->body(t->arg);
}

int os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *), void *arg)
{
	sigset_t all, before;
	pthread_t thread;

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->body = body;
	t->arg = arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int err = pthread_create(&thread, NULL, thread_body, t);

	pthread_sigmask(SIG_SETMASK, &before, NULL);

	if (err != 0)
		return -err;
	t->handle = (uint64_t)thread;
	return 0;
}

void os_thread_join(struct os_thread *t)
{
	pthread_join((pthread_t)t->handle, NULL);
}

void os_thread_be_patient(void)
{
	const struct sched_param none = {0};

	/* What fails costs speed only. */
	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* ---- the process ---- */

int os_signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);

	const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

enum os_signal os_signal_read(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return OS_SIGNAL_NONE;
	return info.ssi_signo == SIGHUP ? OS_SIGNAL_RELOAD : OS_SIGNAL_STOP;
}

uint32_t os_raise_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
	return os_fd_limit();
}

uint32_t os_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return 0;
	return r.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)r.rlim_cur;
}

uint32_t os_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

uint64_t os_memory_limit(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	const uint64_t group = cgroup_memory_bytes("");
	const uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;

	return machine == 0 || group < machine ? (group == UINT64_MAX ? 0 : group) : machine;
}

/* Left alone, glibc learns from large pieces that were freed to keep as much in each arena. Large
 * messages that come one after the other need it: to get pages anew for each costs as much as to
 * move its bytes. */
#define KEEP_BYTES     (16 << 20)
#define TRIMMED_BYTES  (128 << 10)
#define MAP_FROM_BYTES (4 << 20) /* larger pieces are mapped one by one, and unmapped at once */

static pthread_mutex_t trimming = PTHREAD_MUTEX_INITIALIZER;
static bool keeps_little;

void os_memory_keep_little(void)
{
#ifdef __GLIBC__
	keeps_little = true; /* before there are other threads */
	mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
#endif
}

/* malloc_trim() does not touch the end of an arena that is not the first. A free() of that arena
 * does, when the piece is as large as this and the end is above the threshold. */
void os_memory_trim_thread(void)
{
#ifdef __GLIBC__
	void *volatile piece;

	if (!keeps_little)
		return;
	pthread_mutex_lock(&trimming); /* the threshold is everybody's */
	mallopt(M_TRIM_THRESHOLD, TRIMMED_BYTES);
	piece = malloc(TRIMMED_BYTES);
	free(piece);
	mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	pthread_mutex_unlock(&trimming);
#endif
}

void os_memory_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

uint64_t os_memory_used(void)
{
	unsigned long long total, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	const int n = fscanf(f, "%llu %llu", &total, &resident);

	fclose(f);
	return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void os_exit(int code)
{
	_exit(code);
}

bool os_write_stderr(const char *text, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	/* A pipe that polls as writable has room for PIPE_BUF bytes; a stuck reader of the log must
	 * not stop the server. The descriptor is shared, so its flags are not ours to change. */
	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) &&
	       write(STDERR_FILENO, text, len) == (ssize_t)len;
}
