/* The plain transport. */
#include "net/transport.h"
#include "os/os.h"

static ssize_t tcp_read(struct transport *t, void *buf, size_t len)
{
	return os_read(t->fd, buf, len);
}

static ssize_t tcp_write(struct transport *t, const void *buf, size_t len)
{
	return os_write(t->fd, buf, len);
}

static ssize_t tcp_writev(struct transport *t, const struct iovec *iov, int n)
{
	return os_writev(t->fd, iov, n);
}

static void tcp_shutdown(struct transport *t)
{
	os_shutdown_write(t->fd);
}

static void tcp_close(struct transport *t)
{
	os_close(t->fd);
	t->fd = -1;
}

static const struct transport_ops tcp_ops = {
	.name = "tcp",
	.read = tcp_read,
	.write = tcp_write,
	.writev = tcp_writev,
	.shutdown = tcp_shutdown,
	.close = tcp_close,
};

void transport_init_tcp(struct transport *t, int fd)
{
	*t = (struct transport){.ops = &tcp_ops, .fd = fd};
}
