/*
 * How bytes reach the peer: a transport is one file with five calls. Plain TCP is the kernel's
 * own; TLS will be another, and will add its handshake.
 *
 * Thread: the owner of the connection.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/macros.h"

struct transport {
	const struct transport_ops *ops;
	int fd;
};

/* All: bytes or 0, or a negative errno; -EAGAIN: not now. read: 0 is the end of the stream. */
struct transport_ops {
	const char *name;
	ssize_t (*read)(struct transport *t, void *buf, size_t len);
	ssize_t (*write)(struct transport *t, const void *buf, size_t len);
	ssize_t (*writev)(struct transport *t, const struct iovec *iov, int n);
	void (*shutdown)(struct transport *t); /* no more from this side */
	void (*close)(struct transport *t);    /* gives back the descriptor */
};

/* Takes over @fd. */
void transport_init_tcp(struct transport *t, int fd);
