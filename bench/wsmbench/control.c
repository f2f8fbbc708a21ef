/* Reaching the control socket, and reading its answers. */
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
	/* It is what connect() waits for room in a full queue, too. */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
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
