/*
 * The simulated kernel behind os/os.h: a table of descriptors, readiness queues, and the
 * threads that sleep in them. What the rest of the simulator may ask it and tell it.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net.h"

#define KERNEL_FDS       8192
#define KERNEL_BACKLOG   4096
#define KERNEL_LISTENERS 4

enum file_kind {
	FILE_NONE,
	FILE_SOCKET,
	FILE_LISTENER,
	FILE_POLL,
	FILE_WAKE,
};

struct file {
	enum file_kind kind;
	/* in a poll */
	int poll; /* -1: in none */
	uint32_t interest;
	uint64_t token;
	struct list ready; /* in the poll's ring, if it may be ready */
	uint64_t quiet_us; /* its readiness is not noticed before: events can be late */
	/* FILE_SOCKET */
	struct link *link;
	bool write_shut, reset_on_close;
	/* FILE_LISTENER */
	uint16_t port; /* 0: the control socket */
	struct link **backlog;
	uint32_t waiting;
	/* FILE_POLL */
	struct list ring;
	/* FILE_WAKE */
	bool woken;
};

/* A thread of the server, as far as the kernel knows it. */
struct sim_thread {
	const char *name;
	bool ended;
	int poll;            /* that it last waited in; -1: it has not run yet */
	bool sleeping;       /* in os_poll_wait() ... */
	uint64_t wake_us;    /* ... until then */
	uint64_t stalled_us; /* it is not run before */
	uint32_t idle;       /* times in a row that it looked, did not sleep and found nothing */
	jmp_buf asleep;      /* os_poll_wait() leaves the turn here when it would block */
};

void kernel_begin(uint32_t fd_limit);
void kernel_end(void);

/* The thread whose turn it is; NULL: the simulator's own. */
void kernel_enter(struct sim_thread *t);
void kernel_leave(void);

/* Has @t something to do now, stalls aside? */
bool kernel_ready(const struct sim_thread *t);

/* When it will have, if nothing arrives. */
uint64_t kernel_wake_us(const struct sim_thread *t);

const struct file *kernel_file(int fd); /* NULL: not open */
uint32_t kernel_open_files(enum file_kind kind);
uint32_t kernel_open_all(void);
bool kernel_control_exists(void); /* the socket's file */

/* ---- between the files of the kernel ---- */

struct file *file_get(int fd); /* fails the world unless it is open */
struct file *file_of(int fd, enum file_kind kind);
int file_open(enum file_kind kind); /* -EMFILE */
void file_touch(int fd);            /* it may have become ready */
uint32_t file_events(const struct file *f);
void poll_forget(int fd);
