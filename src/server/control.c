/* Bytes of control sessions; what the commands do is in command.c. */
#include "server/control.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "server/command.h"
#include "server/operation.h"
#include "server/server_turn.h"
#include "server/taps.h"
#include "wsmd/ctl.h"

#define MAX_SESSIONS 16
#define READ_BYTES   4096
#define STREAM_BYTES (64 * 1024) /* that may wait when a line is added */
#define STUCK_MS     5000        /* output that has not moved for so long is not waited for */

void control_init(struct server *s)
{
	slab_init(&s->controls, sizeof(struct control), MAX_SESSIONS);
}

static void end_session(struct server *s, struct control *c) ON_MAIN;
static void end_session(struct server *s, struct control *c)
{
	taps_session_ends(s, c);
	os_poll_remove(s->poll, c->fd);
	os_close(c->fd);
	free(c->in);
	free(c->out);
	slab_free(&s->controls, c); /* an answer that still comes finds nobody */
}

void control_fini(struct server *s)
{
	uint32_t index = 0;

	for (struct control *c; (c = slab_next(&s->controls, &index)) != NULL;)
		end_session(s, c);
	slab_fini(&s->controls);
}

/* Waits for nothing of ours, or does not read what it was told. */
static bool may_go(const struct server *s, const struct control *c) ON_MAIN;
static bool may_go(const struct server *s, const struct control *c)
{
	return !c->busy && (c->out == NULL || s->now_ms - c->used_ms > STUCK_MS);
}

/* A place for one more. Hung clients must not lock the operator out: if there is no place, the
 * session that has been idle longest gives up its own. */
static struct control *new_session(struct server *s) ON_MAIN;
static struct control *new_session(struct server *s)
{
	struct control *c = slab_new(&s->controls), *oldest = NULL;
	uint32_t index = 0;

	if (c != NULL)
		return c;
	while ((c = slab_next(&s->controls, &index)) != NULL) {
		if (may_go(s, c) && (oldest == NULL || c->used_ms < oldest->used_ms))
			oldest = c;
	}
	if (oldest == NULL)
		return NULL;
	end_session(s, oldest);
	return slab_new(&s->controls);
}

void control_accept(struct server *s)
{
	struct net_addr nobody;
	uint32_t uid;
	struct control *c;
	const int fd = os_accept(s->control_fd, &nobody);

	if (fd < 0) {
		if (fd == -EAGAIN || fd == -ECONNABORTED)
			return;
		/* Out of descriptors: watched on, it would spin. */
		os_poll_remove(s->poll, s->control_fd);
		s->control_resting = true;
		return;
	}
	/* The file's mode says the same; this also holds where somebody changed it. */
	if (os_peer_uid(fd, &uid) < 0 || (uid != 0 && uid != os_uid()))
		goto fail_fd;
	c = new_session(s);
	if (c == NULL)
		goto fail_fd;
	c->fd = fd;
	c->uid = uid;
	c->used_ms = s->now_ms;
	c->interest = OS_READ;
	if (os_poll_add(s->poll, fd, OS_READ, slab_handle_of(c)) == 0)
		return;
	slab_free(&s->controls, c);
fail_fd:
	os_close(fd);
}

void control_wake(struct server *s)
{
	if (s->control_resting &&
	    os_poll_add(s->poll, s->control_fd, OS_READ, SERVER_TOKEN_CONTROL) == 0)
		s->control_resting = false;
}

/* ---- output ---- */

static void flush(struct control *c)
{
	while (c->out_at < c->out_len) {
		const ssize_t n = os_write(c->fd, c->out + c->out_at, c->out_len - c->out_at);

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			c->ending = true;
			break;
		}
		c->out_at += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_at = 0;
}

/* One answer at a time: the next line is not looked at before this one is written. */
static void answer(struct server *s, struct control *c, json_t *line) ON_MAIN;
static void answer(struct server *s, struct control *c, json_t *line)
{
	char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);

	json_decref(line);
	c->busy = false;
	c->used_ms = s->now_ms;
	ASSERT(c->out == NULL);
	if (text == NULL) {
		c->ending = true; /* no memory even to say so */
		return;
	}
	c->out_len = strlen(text) + 1;
	text[c->out_len - 1] = '\n'; /* in place of the NUL */
	c->out = text;
	flush(c);
}

void control_reply(struct server *s, struct control *c, json_t *result)
{
	answer(s, c,
	       json_pack("{s:i, s:b, s:o}", "version", WSMD_CTL_VERSION, "ok", 1, "result",
	                 result));
}

void control_fail(struct server *s, struct control *c, const char *code, const char *message,
                  const char *hint, json_t *extra)
{
	json_t *error = json_pack("{s:s, s:s}", "code", code, "message", message);

	if (hint != NULL)
		json_object_set_new(error, "hint", json_string(hint));
	if (extra != NULL)
		json_object_update(error, extra);
	json_decref(extra);
	answer(s, c,
	       json_pack("{s:i, s:b, s:o}", "version", WSMD_CTL_VERSION, "ok", 0, "error", error));
}

/* Add a line to what waits. */
static bool append(struct control *c, json_t *line)
{
	const size_t left = c->out_len - c->out_at;
	char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT), *out;
	const size_t len = text == NULL ? 0 : strlen(text);

	json_decref(line);
	out = text == NULL ? NULL : malloc(left + len + 1);
	if (out != NULL) {
		if (left > 0)
			memcpy(out, c->out + c->out_at, left);
		memcpy(out + left, text, len);
		out[left + len] = '\n';
		free(c->out);
		c->out = out;
		c->out_at = 0;
		c->out_len = left + len + 1;
	}
	free(text);
	return out != NULL;
}

bool control_stream(struct server *s, struct control *c, json_t *line)
{
	if (c->ending || c->out_len - c->out_at > STREAM_BYTES) {
		json_decref(line);
		return false;
	}
	if (!append(c, line))
		return false;
	c->used_ms = s->now_ms;
	flush(c);
	return true;
}

void control_finish(struct server *s, struct control *c, json_t *line)
{
	(void)append(c, line); /* without memory the end itself says it */
	c->busy = false;       /* it may go if it is stuck */
	c->ending = true;
	c->used_ms = s->now_ms;
	if (c->out != NULL)
		flush(c);
}

/* ---- input ---- */

static void take_line(struct server *s, struct control *c, const char *line, size_t len) ON_MAIN;
static void take_line(struct server *s, struct control *c, const char *line, size_t len)
{
	json_error_t where;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	char message[JSON_ERROR_TEXT_LENGTH + 64];

	c->busy = true;
	if (request == NULL) {
		snprintf(message, sizeof(message), "the line is not JSON: %s at column %d",
		         where.text, where.column);
		control_fail(s, c, "bad_request", message, NULL, NULL);
		return;
	}
	command_run(s, c, request);
	json_decref(request);
}

/* Work off the lines that are here, one after the other's answer. */
static void take_lines(struct server *s, struct control *c) ON_MAIN;
static void take_lines(struct server *s, struct control *c)
{
	while (!c->busy && !c->ending && c->out == NULL) {
		const char *end = c->in_len > 0 ? memchr(c->in, '\n', c->in_len) : NULL;
		const size_t used = end != NULL ? (size_t)(end - c->in) + 1 : c->in_len;

		if (end == NULL && used < WSMD_CTL_MAX_LINE)
			return;
		if (end == NULL || used > WSMD_CTL_MAX_LINE) {
			control_fail(s, c, "too_large", "a line has at most 4 MiB", NULL, NULL);
			c->ending = true;
			return;
		}
		take_line(s, c, c->in, used - 1);
		memmove(c->in, c->in + used, c->in_len - used);
		c->in_len -= used;
	}
}

static int make_room(struct control *c)
{
	const size_t cap = c->in_cap == 0 ? READ_BYTES : 2 * c->in_cap;
	char *in;

	if (c->in_cap - c->in_len >= READ_BYTES / 2 || c->in_cap > WSMD_CTL_MAX_LINE)
		return 0;
	in = realloc(c->in, cap);
	if (in == NULL)
		return WSMD_ENOMEM;
	c->in = in;
	c->in_cap = cap;
	return 0;
}

static void read_some(struct control *c)
{
	ssize_t n;

	if (make_room(c) < 0) {
		c->ending = true;
		return;
	}
	n = os_read(c->fd, c->in + c->in_len, c->in_cap - c->in_len);
	if (n > 0)
		c->in_len += (size_t)n;
	else if (n != -EAGAIN)
		c->ending = true; /* an answer under way finds nobody */
}

/* Go on, watch for what is needed next, or end. */
void control_settle(struct server *s, struct control *c)
{
	uint32_t want;

	take_lines(s, c);
	if (c->ending && c->out == NULL) {
		end_session(s, c);
		return;
	}
	want = (c->out != NULL ? OS_WRITE : 0) | (c->busy || c->out != NULL ? 0 : OS_READ);
	if (want != c->interest && os_poll_change(s->poll, c->fd, want, slab_handle_of(c)) < 0)
		end_session(s, c);
	else
		c->interest = want;
}

void control_on_event(struct server *s, const struct os_event *ev)
{
	struct control *c = slab_get(&s->controls, ev->token);

	if (c == NULL)
		return;
	c->used_ms = s->now_ms;
	if (ev->events & OS_WRITE)
		flush(c);
	if (ev->events & OS_READ && !c->busy && c->out == NULL)
		read_some(c);
	else if (ev->events & (OS_ERROR | OS_HANGUP))
		c->ending = true;
	control_settle(s, c);
}

void control_on_answer(struct server *s, struct request *r)
{
	struct control *c = operation_on_answer(s, r);

	if (c != NULL)
		control_settle(s, c);
}
