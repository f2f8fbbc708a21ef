/* The control socket from the operator's side; every failure has a sentence of its own. */
#include "wsmctl/client.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "wsmctl/mem.h"
#include "wsmctl/printable.h"

#define HINT_START                                                                                 \
	"is it running? Start it with `wsmd --dev`, or name its socket with --control PATH"
#define EXCERPT 60 /* bytes of a strange answer worth showing */

json_t *client_error(const char *code, const char *hint, const char *format, ...)
{
	va_list args;
	char *raw, *message;
	json_t *error;

	va_start(args, format);
	if (vasprintf(&raw, format, args) < 0)
		must(NULL);
	va_end(args);
	/* A path may be any bytes; JSON takes only text. */
	message = printable(raw, strlen(raw));
	error = must(json_pack("{s:s, s:s, s:s*}", "code", code, "message", message, "hint", hint));
	free(message);
	free(raw);
	return error;
}

void client_init(struct client *c, const char *path, double timeout_s)
{
	*c = (struct client){.path = path, .timeout_s = timeout_s, .fd = -1};
}

void client_fini(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* 0: ready; -1: the deadline has passed */
static int wait_for(const struct client *c, short events, double deadline_s)
{
	struct pollfd pfd = {.fd = c->fd, .events = events};

	for (;;) {
		const double left_ms = ceil((deadline_s - now_s()) * 1e3);

		if (left_ms <= 0)
			return -1;
		if (poll(&pfd, 1, left_ms < 1e9 ? (int)left_ms : 1000000000) > 0)
			return 0;
	}
}

static json_t *connect_error(const struct client *c, int err)
{
	if (err == EACCES || err == EPERM)
		return client_error(
			CLIENT_NO_DAEMON, "wsmd listens only to the user it runs as, and to root",
			"no permission to speak to wsmd on %s: %s", c->path, strerror(err));
	if (err == ECONNREFUSED)
		return client_error(
			CLIENT_NO_DAEMON, HINT_START,
			"no wsmd answers on %s: %s; the socket was left behind by one that ended",
			c->path, strerror(err));
	if (err == EAGAIN)
		return client_error(CLIENT_NO_ANSWER, "--timeout S waits longer",
		                    "wsmd on %s did not take the connection within %g s", c->path,
		                    c->timeout_s);
	return client_error(CLIENT_NO_DAEMON, HINT_START, "no wsmd answers on %s: %s", c->path,
	                    strerror(err));
}

/* In /tmp a stranger may have been there first: he gets no message, and is not believed. */
static json_t *check_peer(const struct client *c)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (geteuid() == 0)
		return NULL; /* speaks to the wsmd of any user */
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return connect_error(c, errno);
	if (peer.uid == 0 || peer.uid == geteuid())
		return NULL;
	return client_error(CLIENT_NO_DAEMON, "name the socket of your own with --control PATH",
	                    "the one who listens on %s is neither you nor root, but the user with "
	                    "uid %u; nothing was sent to him",
	                    c->path, (unsigned)peer.uid);
}

static json_t *open_socket(struct client *c)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	/* connect() to a Unix socket waits as long as sending may. */
	const struct timeval limit = {
		.tv_sec = (time_t)c->timeout_s,
		.tv_usec = (suseconds_t)(fmod(c->timeout_s, 1) * 1e6),
	};
	const size_t len = strlen(c->path);

	if (len >= sizeof(addr.sun_path))
		return client_error(
			CLIENT_BAD_PATH, "name a shorter one with --control PATH",
			"the path of the control socket has %zu bytes, a Unix socket takes %zu: %s",
			len, sizeof(addr.sun_path) - 1, c->path);
	memcpy(addr.sun_path, c->path, len);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
	    connect(c->fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		return connect_error(c, errno);
	return check_peer(c);
}

static json_t *silence_error(const struct client *c, const char *command)
{
	return client_error(CLIENT_NO_ANSWER, "--timeout S waits longer",
	                    "wsmd on %s did not answer %s within %g s", c->path, command,
	                    c->timeout_s);
}

static json_t *closed_error(const struct client *c, const char *command)
{
	if (c->answers > 0)
		return client_error(CLIENT_NO_ANSWER, NULL,
		                    "wsmd on %s went away: it has stopped or was restarted",
		                    c->path);
	return client_error(CLIENT_NO_ANSWER, "its log may say why",
	                    "wsmd on %s closed the connection without answering %s", c->path,
	                    command);
}

static json_t *garbage_error(const struct client *c, const char *what)
{
	const size_t len = c->len < EXCERPT ? c->len : EXCERPT;
	char *excerpt = printable(c->buf, len);
	json_t *error = client_error(CLIENT_BAD_ANSWER, "is it the control socket of wsmd?",
	                             "%s answers, but not in the control protocol: %s: %s%s",
	                             c->path, what, excerpt, len < c->len ? "..." : "");

	free(excerpt);
	return error;
}

static json_t *send_line(struct client *c, const char *line, size_t len, const char *command,
                         double deadline_s)
{
	while (len > 0) {
		const ssize_t n = send(c->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			line += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (wait_for(c, POLLOUT, deadline_s) != 0)
				return silence_error(c, command);
		} else if (errno != EINTR) {
			/* Closed before it read all: its reason may wait to be read. */
			return NULL;
		}
	}
	return NULL;
}

static void make_room(struct client *c)
{
	if (c->len < c->cap)
		return;
	c->cap = c->cap == 0 ? 16 * 1024 : 2 * c->cap;
	c->buf = must(realloc(c->buf, c->cap));
}

/* Is there a whole line? Behind it only a stream goes on. */
static bool find_line(struct client *c, size_t from)
{
	const char *newline = c->len > from ? memchr(c->buf + from, '\n', c->len - from) : NULL;

	c->line = newline == NULL ? 0 : (size_t)(newline - c->buf) + 1;
	return newline != NULL;
}

/* Fill the buffer up to the end of one line at least. */
static json_t *receive_line(struct client *c, const char *command, double deadline_s)
{
	c->len -= c->line;
	if (c->len > 0)
		memmove(c->buf, c->buf + c->line, c->len);
	if (find_line(c, 0))
		return NULL;
	for (;;) {
		ssize_t n;

		make_room(c);
		n = recv(c->fd, c->buf + c->len, c->cap - c->len, MSG_DONTWAIT);
		if (n > 0) {
			const bool whole = find_line(c, (c->len += (size_t)n) - (size_t)n);

			if (whole && (c->streams || c->line == c->len))
				return NULL;
			if (whole)
				return garbage_error(c, "more than one line");
			if (c->len >= WSMD_CTL_MAX_LINE)
				return garbage_error(c, "a line without an end");
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			return c->len > 0 ? garbage_error(c, "it ends in the middle")
			                  : closed_error(c, command);
		} else if (errno == EAGAIN && wait_for(c, POLLIN, deadline_s) != 0) {
			return silence_error(c, command);
		}
	}
}

/* Returns: the result, or NULL with *ret_error set */
static json_t *judge(const struct client *c, json_t *answer, json_t **ret_error)
{
	const json_t *version = json_object_get(answer, "version");
	const json_t *ok = json_object_get(answer, "ok");
	json_t *result = json_object_get(answer, "result");
	json_t *error = json_object_get(answer, "error");

	if (!json_is_integer(version))
		*ret_error = garbage_error(c, "no version");
	else if (json_integer_value(version) != WSMD_CTL_VERSION)
		*ret_error = client_error(CLIENT_BAD_VERSION, "use the wsmctl that came with it",
		                          "wsmd on %s speaks version %lld of the control protocol, "
		                          "this wsmctl speaks %d",
		                          c->path, (long long)json_integer_value(version),
		                          WSMD_CTL_VERSION);
	else if (json_is_true(ok) && json_is_object(result))
		return json_incref(result);
	else if (json_is_false(ok) && json_is_string(json_object_get(error, "code")) &&
	         json_is_string(json_object_get(error, "message")))
		*ret_error = json_incref(error);
	else
		*ret_error = garbage_error(c, "neither a result nor an error");
	return NULL;
}

static json_t *read_answer(struct client *c, json_t **ret_error)
{
	json_t *answer = json_loadb(c->buf, c->line, JSON_ALLOW_NUL, NULL), *result = NULL;

	if (json_is_object(answer))
		result = judge(c, answer, ret_error);
	else
		*ret_error = garbage_error(c, "not a JSON object");
	json_decref(answer);
	c->answers++;
	return result;
}

/* Returns: the request's line with its newline, or NULL: too long */
static char *request_line(const char *command, json_t *arguments, size_t *ret_len)
{
	json_t *request = must(json_pack("{s:i, s:s, s:o*}", "version", WSMD_CTL_VERSION, "command",
	                                 command, "arguments", arguments));
	char *line = must(json_dumps(request, JSON_COMPACT));

	json_decref(request);
	*ret_len = strlen(line) + 1;
	if (*ret_len > WSMD_CTL_MAX_LINE) {
		free(line);
		return NULL;
	}
	line[*ret_len - 1] = '\n'; /* in the place of the final NUL */
	return line;
}

json_t *client_request(struct client *c, const char *command, json_t *arguments, json_t **ret_error)
{
	const double deadline_s = now_s() + c->timeout_s;
	json_t *error = NULL;
	size_t len;
	char *line = request_line(command, arguments, &len);

	if (line == NULL)
		error = client_error(
			CLIENT_TOO_LARGE, NULL,
			"the request would have %zu bytes, the control protocol takes %u", len,
			WSMD_CTL_MAX_LINE);
	if (error == NULL && c->fd < 0)
		error = open_socket(c);
	if (error == NULL)
		error = send_line(c, line, len, command, deadline_s);
	if (error == NULL)
		error = receive_line(c, command, deadline_s);
	free(line);
	if (error != NULL) {
		*ret_error = error;
		return NULL;
	}
	return read_answer(c, ret_error);
}

json_t *client_next(struct client *c, json_t **ret_error)
{
	json_t *line = NULL, *error = receive_line(c, "", INFINITY);

	if (error == NULL) {
		line = json_loadb(c->buf, c->line, JSON_ALLOW_NUL, NULL);
		if (json_is_object(line))
			return line;
		json_decref(line);
		error = garbage_error(c, "not a JSON object");
	}
	*ret_error = error;
	return NULL;
}
