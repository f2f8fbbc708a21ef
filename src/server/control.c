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
#define STUCK_MS     5000 /* output that has not moved for so long is not waited for */

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
	answers_fini(&c->answers);
	json_decref(c->held);
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
	return !c->busy && c->answers.n == 0 &&
	       (c->out == NULL || s->now_ms - c->used_ms > STUCK_MS);
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

/* ---- input ---- */

/* The answer to a line of @len bytes is the next. False: out of memory, the session ends. */
static bool begin_line(struct control *c, size_t len)
{
	c->current = answers_add(&c->answers, len);
	c->ending = c->ending || c->current == NULL;
	return c->current != NULL;
}

static void run(struct server *s, struct control *c, json_t *request, size_t len) ON_MAIN;
static void run(struct server *s, struct control *c, json_t *request, size_t len)
{
	if (!begin_line(c, len))
		return;
	c->busy = !command_overlaps(request);
	command_run(s, c, request);
}

static void take_line(struct server *s, struct control *c, const char *line, size_t len) ON_MAIN;
static void take_line(struct server *s, struct control *c, const char *line, size_t len)
{
	json_error_t where;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	char message[JSON_ERROR_TEXT_LENGTH + 64];

	if (request == NULL) {
		snprintf(message, sizeof(message), "the line is not JSON: %s at column %d",
		         where.text, where.column);
		if (begin_line(c, len))
			control_fail(s, c, "bad_request", message, NULL, NULL);
	} else if (c->answers.n > 0 && !command_overlaps(request)) {
		c->held = json_incref(request);
	} else {
		run(s, c, request, len);
	}
	json_decref(request);
}

static void run_held(struct server *s, struct control *c) ON_MAIN;
static void run_held(struct server *s, struct control *c)
{
	json_t *request = c->held;

	c->held = NULL;
	run(s, c, request, 0);
	json_decref(request);
}

/* The next line that is whole, of at least one byte; 0: none is, or it never will be. */
static size_t next_line(struct server *s, struct control *c, size_t at) ON_MAIN;
static size_t next_line(struct server *s, struct control *c, size_t at)
{
	const size_t left = c->in_len - at;
	const char *end = left > 0 ? memchr(c->in + at, '\n', left) : NULL;
	const size_t used = end != NULL ? (size_t)(end - c->in) + 1 - at : left;

	if (end != NULL && used <= WSMD_CTL_MAX_LINE)
		return used;
	if (used >= WSMD_CTL_MAX_LINE) {
		if (begin_line(c, used))
			control_fail(s, c, "too_large", "a line has at most 4 MiB", NULL, NULL);
		c->too_long = true;
	}
	return 0;
}

/* Sends are begun one behind the other; all else waits until what is before it is answered. */
static bool may_begin(const struct control *c)
{
	return !c->busy && !c->ending && !c->too_long && c->out == NULL &&
	       (c->held == NULL ? answers_room(&c->answers) : c->answers.n == 0);
}

/* The command that was held back, or that of the line at @at. False: neither is there. */
static bool begin_next(struct server *s, struct control *c, size_t *at) ON_MAIN;
static bool begin_next(struct server *s, struct control *c, size_t *at)
{
	size_t n;

	if (c->held != NULL) {
		run_held(s, c);
		return true;
	}
	n = next_line(s, c, *at);
	if (n == 0)
		return false;
	take_line(s, c, c->in + *at, n - 1);
	*at += n;
	return true;
}

/* Work off the lines that are here, and write what is answered. */
static void take_lines(struct server *s, struct control *c) ON_MAIN;
static void take_lines(struct server *s, struct control *c)
{
	size_t at = 0;

	control_send_ready(c);
	while (may_begin(c) && begin_next(s, c, &at))
		control_send_ready(c);
	control_send_ready(c); /* that a line never ends */
	if (at > 0)
		memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
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
	else if (n == 0)
		c->hung_up = true; /* what it has asked it may still want to know */
	else if (n != -EAGAIN)
		c->ending = true;
}

static bool may_end(const struct control *c)
{
	return !c->busy && c->held == NULL && c->answers.n == 0;
}

static bool may_read(const struct control *c)
{
	return may_begin(c) && c->held == NULL && !c->hung_up;
}

/* Go on, watch for what is needed next, or end. */
void control_settle(struct server *s, struct control *c)
{
	uint32_t want;

	take_lines(s, c);
	if (c->out == NULL && (c->ending || (may_end(c) && (c->hung_up || c->too_long)))) {
		end_session(s, c);
		return;
	}
	want = (c->out != NULL ? OS_WRITE : 0) | (may_read(c) ? OS_READ : 0);
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
		control_send_ready(c);
	if (ev->events & OS_READ && may_read(c))
		read_some(c);
	else if (ev->events & (OS_ERROR | OS_HANGUP))
		c->ending = true;
	control_settle(s, c);
}

void control_on_answer(struct server *s, struct request *r)
{
	struct control *c = operation_on_answer(s, r);

	if (c != NULL)
		c->answered = s->control_answered = true;
}

void control_settle_answered(struct server *s)
{
	uint32_t index = 0;

	if (!s->control_answered)
		return;
	s->control_answered = false;
	for (struct control *c; (c = slab_next(&s->controls, &index)) != NULL;) {
		const bool answered = c->answered;

		c->answered = false;
		if (answered)
			control_settle(s, c);
	}
}
