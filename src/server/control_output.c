/* What a control session is told: answers in order, and the lines of a stream. */
#include <errno.h>
#include <string.h>

#include "server/control.h"
#include "wsmd/ctl.h"

#define STREAM_BYTES (64 * 1024) /* that may wait when a line is added */

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

/* What is ready joins the output. */
static void collect(struct control *c)
{
	if (c->answers.first == NULL || c->answers.first->text == NULL)
		return;
	if (c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	if (answers_take(&c->answers, &c->out, &c->out_len) < 0)
		c->ending = true; /* no memory even to say so */
}

static void answer(struct server *s, struct control *c, json_t *line) ON_MAIN;
static void answer(struct server *s, struct control *c, json_t *line)
{
	char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
	struct answer *a = c->current;
	size_t len;

	json_decref(line);
	c->current = NULL;
	c->busy = false;
	c->used_ms = s->now_ms;
	if (text == NULL) {
		c->ending = true; /* and what is behind it is not answered either */
		return;
	}
	len = strlen(text);
	text[len] = '\n'; /* in place of the NUL */
	answer_ready(a, text, len + 1);
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
	collect(c);
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
	collect(c);
	(void)append(c, line); /* without memory the end itself says it */
	c->busy = false;       /* it may go if it is stuck */
	c->ending = true;
	c->used_ms = s->now_ms;
	if (c->out != NULL)
		flush(c);
}

void control_send_ready(struct control *c)
{
	collect(c);
	if (c->out != NULL)
		flush(c);
}
