/* One session on the control socket, blocking: its caller has nothing else to do. */
#include "control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "wsmd/ctl.h"

#define ANSWER_MAX (64 * 1024) /* the answers to what is asked here have a few hundred bytes */

int control_connect(const char *path, int *ret_fd, char *why, size_t why_cap)
{
	const struct timeval patience = {.tv_sec = CONTROL_PATIENCE_S};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, rc;

	if (path && strlen(path) < sizeof(addr.sun_path)) {
		memcpy(addr.sun_path, path, strlen(path));
	} else if (path || wsmd_ctl_default_path(addr.sun_path, sizeof(addr.sun_path)) != 0) {
		snprintf(why, why_cap, "the path of the control socket is too long");
		return WSMD_EINVAL;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0) {
		*ret_fd = fd;
		return 0;
	}
	rc = -errno;
	snprintf(why, why_cap, "no wsmd answers on the control socket %s: %s", addr.sun_path,
	         err_text(rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

int control_open(struct control *c, const char *path, char *why, size_t why_cap)
{
	*c = (struct control){.fd = -1, .answer = malloc(ANSWER_MAX)};
	if (c->answer)
		return control_connect(path, &c->fd, why, why_cap);
	snprintf(why, why_cap, "no memory for the control socket");
	return WSMD_ENOMEM;
}

void control_close(struct control *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->answer);
	*c = (struct control){.fd = -1};
}

static bool write_all(struct control *c, const char *data, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* One line into c->answer, without its newline. One is outstanding at most, so none follows. */
static bool read_line(struct control *c)
{
	c->len = 0;
	while (c->len < ANSWER_MAX) {
		const ssize_t n = read(c->fd, c->answer + c->len, ANSWER_MAX - c->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		c->len += (size_t)n;
		if (c->answer[c->len - 1] != '\n')
			continue;
		c->len--;
		return true;
	}
	errno = EMSGSIZE;
	return false;
}

json_t *control_result(const char *line, size_t len, char *why, size_t why_cap)
{
	json_t *const answer = json_loadb(line, len, 0, NULL);
	json_t *const result = json_incref(json_object_get(answer, "result"));
	const char *message = NULL;

	if (json_is_true(json_object_get(answer, "ok")) && json_is_object(result)) {
		json_decref(answer);
		return result;
	}
	(void)json_unpack(answer, "{s:{s:s}}", "error", "message", &message);
	if (message)
		snprintf(why, why_cap, "wsmd refused the command: %.200s", message);
	else
		snprintf(why, why_cap, "the answer on the control socket is not wsmd's");
	json_decref(result);
	json_decref(answer);
	return NULL;
}

json_t *control_ask(struct control *c, const char *line, size_t len, char *why, size_t why_cap)
{
	if (write_all(c, line, len) && read_line(c))
		return control_result(c->answer, c->len, why, why_cap);
	if (errno == EAGAIN)
		snprintf(why, why_cap, "no answer on the control socket within %d s",
		         CONTROL_PATIENCE_S);
	else
		snprintf(why, why_cap, "the control socket failed: %s", err_text(-errno));
	return NULL;
}
