/* /proc, read and never trusted to have a line. */
#include "procfs.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

#define UNKNOWN -1.0
#define KIB     1024.0

#define TREE_MAX 256 /* processes of a server */

static const char *const keys[] = {
#define X(name, key, text) #key,
	MEMORY_GAUGES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, key, text) text,
	MEMORY_GAUGES(X)
#undef X
};

const char *memory_key(enum memory_gauge g)
{
	return keys[g];
}

const char *memory_text(enum memory_gauge g)
{
	return texts[g];
}

/* Appends the children of @pid to the @n processes in @pids; returns their new number. */
static size_t add_children(uint64_t pid, uint64_t pids[TREE_MAX], size_t n)
{
	char pattern[64];
	unsigned long long child;
	glob_t tasks;

	snprintf(pattern, sizeof(pattern), "/proc/%llu/task/*/children", (unsigned long long)pid);
	if (glob(pattern, 0, NULL, &tasks) != 0)
		return n;
	for (size_t i = 0; i < tasks.gl_pathc; i++) {
		FILE *const f = fopen(tasks.gl_pathv[i], "re");

		while (f && n < TREE_MAX && fscanf(f, " %llu", &child) == 1)
			pids[n++] = child;
		if (f)
			fclose(f);
	}
	globfree(&tasks);
	return n;
}

/* @root and all that descend from it; @root itself is the first. */
static size_t read_tree(uint64_t root, uint64_t pids[TREE_MAX])
{
	size_t n = 0;

	pids[n++] = root;
	for (size_t i = 0; i < n; i++)
		n = add_children(pids[i], pids, n);
	return n;
}

/* Bytes of the line "@name  123 kB" of a file. */
static double read_kib(const char *path, const char *name)
{
	FILE *const f = fopen(path, "re");
	char line[256];
	double kib = UNKNOWN;

	if (!f)
		return UNKNOWN;
	while (kib < 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), ": %lf", &kib) != 1)
			kib = UNKNOWN;
	fclose(f);
	return kib < 0 ? UNKNOWN : kib * KIB;
}

/* The mapping that brk() grows: what malloc() of the first thread took. */
static double read_heap(uint64_t pid)
{
	char path[64], line[512];
	bool in_heap = false;
	double kib = UNKNOWN;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%llu/smaps", (unsigned long long)pid);
	f = fopen(path, "re");
	if (!f)
		return UNKNOWN;
	while (kib < 0 && fgets(line, sizeof(line), f)) {
		if (strstr(line, "[heap]"))
			in_heap = true;
		else if (in_heap && sscanf(line, "Rss: %lf", &kib) != 1)
			kib = UNKNOWN;
	}
	fclose(f);
	return kib < 0 ? UNKNOWN : kib * KIB;
}

/* Objects in use of the caches that a connected TCP socket is made of. Root only. */
static double read_socket_slabs(void)
{
	static const char *const caches[] = {
		"TCP",           "TCPv6", "sock_inode_cache", "tcp_bind_bucket", "eventpoll_epi",
		"eventpoll_pwq", "filp",  "request_sock_TCP",
	};
	FILE *const f = fopen("/proc/slabinfo", "re");
	char line[512], name[64];
	double active, all, size, sum = 0;

	if (!f)
		return UNKNOWN;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %lf %lf %lf", name, &active, &all, &size) != 4)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(caches); i++)
			if (strcmp(name, caches[i]) == 0)
				sum += active * size;
	}
	fclose(f);
	return sum;
}

static double read_tcp_buffers(void)
{
	FILE *const f = fopen("/proc/net/sockstat", "re");
	char line[256];
	double pages = UNKNOWN;

	if (!f)
		return UNKNOWN;
	while (pages < 0 && fgets(line, sizeof(line), f)) {
		const char *const mem = strstr(line, " mem ");

		if (strncmp(line, "TCP:", 4) == 0 && (!mem || sscanf(mem, " mem %lf", &pages) != 1))
			pages = UNKNOWN;
	}
	fclose(f);
	return pages < 0 ? UNKNOWN : pages * (double)sysconf(_SC_PAGESIZE);
}

static void add(double *sum, double bytes)
{
	if (bytes >= 0)
		*sum = *sum < 0 ? bytes : *sum + bytes;
}

static void add_memory_of(uint64_t pid, struct memory *m)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%llu/smaps_rollup", (unsigned long long)pid);
	add(&m->bytes[MEMORY_RSS], read_kib(path, "Rss"));
	add(&m->bytes[MEMORY_PSS], read_kib(path, "Pss"));
	add(&m->bytes[MEMORY_DIRTY], read_kib(path, "Private_Dirty"));
	add(&m->bytes[MEMORY_HEAP], read_heap(pid));
}

void memory_read(uint64_t pid, struct memory *ret)
{
	const double total = read_kib("/proc/meminfo", "MemTotal");
	const double available = read_kib("/proc/meminfo", "MemAvailable");
	uint64_t pids[TREE_MAX];

	for (unsigned i = 0; i < MEMORY_GAUGE_COUNT; i++)
		ret->bytes[i] = UNKNOWN;
	ret->bytes[MEMORY_SLAB] = read_kib("/proc/meminfo", "Slab");
	ret->bytes[MEMORY_SOCKET_SLABS] = read_socket_slabs();
	ret->bytes[MEMORY_TCP] = read_tcp_buffers();
	ret->bytes[MEMORY_OWN] = read_kib("/proc/self/smaps_rollup", "Private_Dirty");
	if (total >= 0 && available >= 0)
		ret->bytes[MEMORY_USED] = total - available;
	if (pid == 0)
		return;
	const size_t n = read_tree(pid, pids);

	for (size_t i = 0; i < n; i++)
		add_memory_of(pids[i], ret);
}

static bool read_status(uint64_t pid, const char *name, double *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%llu/status", (unsigned long long)pid);
	*ret = read_kib(path, name);
	return *ret >= 0;
}

bool memory_rss(uint64_t pid, double *ret)
{
	return read_status(pid, "VmRSS", ret);
}

bool memory_peak_begin(uint64_t pid)
{
	char path[64];
	bool done;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%llu/clear_refs", (unsigned long long)pid);
	f = fopen(path, "we");
	if (!f)
		return false;
	done = fputs("5", f) >= 0; /* 5: the peak alone, see proc(5) */
	return fclose(f) == 0 && done;
}

bool memory_peak(uint64_t pid, double *ret)
{
	return read_status(pid, "VmHWM", ret);
}

static double seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

void cpu_read_self(struct cpu_time *ret)
{
	struct rusage u = {0};

	(void)getrusage(RUSAGE_SELF, &u); /* cannot fail for these arguments */
	*ret = (struct cpu_time){.user_s = seconds(&u.ru_utime), .system_s = seconds(&u.ru_stime)};
	ret->total_s = ret->user_s + ret->system_s;
}

static bool cpu_read_one(uint64_t pid, struct cpu_time *ret)
{
	char path[64], text[1024];
	unsigned long long user, system;
	clockid_t clock;
	struct timespec ts;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	const size_t len = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[len] = '\0';
	/* The name in parentheses may contain anything, so count from the last one. */
	const char *const rest = strrchr(text, ')');

	if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
	                    &system) != 2)
		return false;
	if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		return false;
	const double tick = (double)sysconf(_SC_CLK_TCK);

	*ret = (struct cpu_time){
		.user_s = (double)user / tick,
		.system_s = (double)system / tick,
		.total_s = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9,
	};
	return true;
}

bool cpu_read_process(uint64_t pid, struct cpu_time *ret)
{
	uint64_t pids[TREE_MAX];
	struct cpu_time one;

	if (!cpu_read_one(pid, ret))
		return false;
	const size_t n = read_tree(pid, pids);

	for (size_t i = 1; i < n; i++) {
		if (!cpu_read_one(pids[i], &one))
			continue; /* has just ended */
		ret->user_s += one.user_s;
		ret->system_s += one.system_s;
		ret->total_s += one.total_s;
	}
	return true;
}

struct cpu_time cpu_between(const struct cpu_time *from, const struct cpu_time *to)
{
	return (struct cpu_time){
		.user_s = to->user_s - from->user_s,
		.system_s = to->system_s - from->system_s,
		.total_s = to->total_s - from->total_s,
	};
}
