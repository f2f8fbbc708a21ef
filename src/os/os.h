/*
 * The seam: every system call and clock of the program, as plain functions.
 *
 * os_linux.c stands behind it; tests/sim links a simulated world in its place and runs the
 * whole server in virtual time in one thread. Nothing outside this folder calls the kernel,
 * so what the simulator cannot see does not happen.
 *
 * Errors are negative errno values. Descriptors are non-blocking and close-on-exec.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/macros.h"

/* ---- time and chance ---- */

uint64_t os_now_ms(void);  /* monotonic [ms]; does not jump */
uint64_t os_now_us(void);  /* monotonic [us] */
uint64_t os_wall_ms(void); /* since 1970 [ms]; for people, never for deadlines */

/* Fills @buf from the kernel's generator; cannot fail once the system is up. */
void os_random(void *buf, size_t len);

/* ---- sockets ---- */

/* A listening TCP socket. @ret_bound gets the address with the port that the kernel chose. */
MUST_CHECK int os_listen_tcp(const struct net_addr *addr, int backlog, int *ret_fd,
                             struct net_addr *ret_bound);

/**
 * A listening Unix socket, mode 0600, at @path; its directory is made (0700) if missing, and
 * a socket file that nobody listens on is replaced.
 *
 * Returns: 0; -EADDRINUSE when somebody does listen there; WSMD_EFOREIGN when the directory is
 *          neither ours nor root's; -errno
 */
MUST_CHECK int os_listen_unix(const char *path, int *ret_fd);
void os_unlink(const char *path);

/* The new descriptor, or negative. @ret_peer is filled on success. */
MUST_CHECK int os_accept(int listener, struct net_addr *ret_peer);

/**
 * Make a connected stream socket that somebody else opened one of ours, and look who is there.
 *
 * Returns: 0; -ENOTSOCK, -ENOTCONN, -EPROTOTYPE (no stream), -EBADF: it is as it was
 */
MUST_CHECK int os_adopt(int fd, struct net_addr *ret_peer);

/* Effective user id of the process at the other end of a Unix socket. */
MUST_CHECK int os_peer_uid(int fd, uint32_t *ret_uid);
uint32_t os_uid(void);

/* The name that this machine's own list of users has for @uid; "": none. Asks no directory
 * service, so it does not wait for one. */
void os_user_name(uint32_t uid, char *dst, size_t size);

/**
 * A TCP connection in progress: writable or failed later, os_socket_error() tells.
 *
 * @from  local address to bind, port 0; NULL: any
 */
MUST_CHECK int os_connect_tcp(const struct net_addr *to, const struct net_addr *from, int *ret_fd);
int os_socket_error(int fd); /* pending error as negative errno, 0: none */

/* How much the kernel may hold for a socket, and for those that are accepted from it; 0: as much as
 * it thinks right. It doubles the numbers, and refuses what is beyond net.core.wmem_max and
 * net.core.rmem_max by taking these. */
void os_bound_buffers(int fd, uint32_t send_bytes, uint32_t receive_bytes);

/* What the kernel knows of a TCP connection. */
struct os_tcp_info {
	uint32_t rtt_us, rttvar_us;              /* smoothed round trip and its variation */
	uint32_t retransmits;                    /* segments sent again, ever */
	uint32_t unacked, lost;                  /* segments not acknowledged; believed lost */
	uint32_t last_sent_ms, last_received_ms; /* since data last went out, came in */
	uint32_t held; /* memory of what was sent and received [bytes]; 0: unknown, and so are: */
	uint32_t send_buffer, receive_buffer; /* the most it may hold, bookkeeping included */
	uint8_t state; /* as Linux counts them: 1 established, 7 closed, 8 close_wait, ... */
};
MUST_CHECK int os_tcp_info(int fd, struct os_tcp_info *ret); /* -errno: no TCP socket */

/* Bytes moved (0 from os_read(): end of file), or negative; -EAGAIN: not now. */
MUST_CHECK ssize_t os_read(int fd, void *buf, size_t len);
MUST_CHECK ssize_t os_write(int fd, const void *buf, size_t len);
MUST_CHECK ssize_t os_writev(int fd, const struct iovec *iov, int n);

void os_shutdown_write(int fd);

/* Close now. The descriptor is gone whatever the kernel says. */
void os_close(int fd);

/* The next close discards what is unsent and tells the peer with RST. */
void os_reset_on_close(int fd);

/* ---- readiness ---- */

#define OS_READ   0x001u /* values of EPOLLIN, EPOLLOUT, ... */
#define OS_WRITE  0x004u
#define OS_ERROR  0x008u
#define OS_HANGUP 0x010u

struct os_event {
	uint32_t events;
	uint64_t token;
};

MUST_CHECK int os_poll_new(void); /* descriptor of a level-triggered readiness queue */
MUST_CHECK int os_poll_add(int poll, int fd, uint32_t events, uint64_t token);
MUST_CHECK int os_poll_change(int poll, int fd, uint32_t events, uint64_t token);
void os_poll_remove(int poll, int fd);

/* Number of events, at an interruption too; 0 on time-out. @timeout_ms 0: only look. */
int os_poll_wait(int poll, struct os_event *events, int max, uint32_t timeout_ms);

/* ---- threads ---- */

/* A descriptor that becomes readable when somebody calls os_wake(). */
MUST_CHECK int os_wake_new(void);
void os_wake(int fd);
void os_wake_clear(int fd);

/* Sleep while *@word is @value, at most @timeout_ms (UINT32_MAX: for ever), and now and then return
 * early; wake everybody who sleeps on it. For threads of the embedding program alone. */
void os_word_wait(_Atomic uint32_t *word, uint32_t value, uint32_t timeout_ms);
void os_word_wake(_Atomic uint32_t *word);

struct os_thread {
	uint64_t handle;
	/* what it begins with */
	char name[16];
	void *(*body)(void *);
	void *arg;
};
/* The thread takes no signals, which belong to the program, and has the locale "C". @t stays where
 * it is until it is joined; of @name 15 characters are shown. */
MUST_CHECK int os_thread_start(struct os_thread *t, const char *name, void *(*body)(void *),
                               void *arg);
void os_thread_join(struct os_thread *t);

/*
 * From now on the calling thread, when it wakes, takes no processor from a thread that runs: it
 * waits until that sleeps or has had its slice, a few milliseconds. Where a processor is idle, and
 * in its share of busy ones, nothing changes. A policy that the operator chose stays.
 */
void os_thread_be_patient(void);

/* ---- the process ---- */

/* Readable on SIGTERM, SIGINT and SIGHUP, which are blocked from now on in all threads. */
MUST_CHECK int os_signals_open(void);
enum os_signal {
	OS_SIGNAL_NONE,
	OS_SIGNAL_STOP,
	OS_SIGNAL_RELOAD
};
enum os_signal os_signal_read(int fd); /* the next one that waits */

uint32_t os_fd_limit(void); /* descriptors that this process may have */

/* Raise it to the hard limit; returns what holds now. The program's act, never a library's. */
uint32_t os_raise_fd_limit(void);
uint32_t os_cpus(void);
/* What this process may use: the machine's memory, or less if a control group says so [bytes];
 * 0: unknown. */
uint64_t os_memory_limit(void);
void os_memory_trim(void); /* give back to the system what was freed */

/* From now on the allocator keeps a bounded part of what each thread frees, however large it was,
 * until that thread trims it. For the program: a library must not decide that for its host. */
void os_memory_keep_little(void);
void os_memory_trim_thread(void); /* what the calling thread freed; nothing without the above */
uint64_t os_memory_used(void);    /* resident set of this process [bytes]; 0: unknown */

/* End the process now, without any clean-up. */
NORETURN void os_exit(int code);

/* For log lines of at most 4 KiB: whole, or not at all (false) when it would have to wait. */
bool os_write_stderr(const char *text, size_t len);
