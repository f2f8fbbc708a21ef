/* Bytes and tags of a session that does not wait. */
#include "pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "control.h"
#include "os/os.h"

#define FULL_BYTES (256 * 1024)
#define IN_BYTES   (64 * 1024)
#define FIRST_TAGS 64

int pipeline_open(struct pipeline *p, const char *path, int poll, uint64_t token, char *why,
                  size_t why_cap)
{
	int rc;

	*p = (struct pipeline){.fd = -1, .poll = poll, .token = token};
	p->in = malloc(IN_BYTES);
	p->tags = malloc(FIRST_TAGS * sizeof(*p->tags));
	p->tags_cap = FIRST_TAGS;
	if (!p->in || !p->tags) {
		snprintf(why, why_cap, "no memory for the control socket");
		return WSMD_ENOMEM;
	}
	rc = control_connect(path, &p->fd, why, why_cap);
	if (rc != 0)
		return rc;
	if (fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0)
		rc = os_poll_add(poll, p->fd, OS_READ, token);
	else
		rc = -errno;
	if (rc != 0)
		snprintf(why, why_cap, "the control socket cannot be watched: %s", err_text(rc));
	return rc;
}

void pipeline_close(struct pipeline *p)
{
	if (p->fd >= 0)
		os_close(p->fd);
	free(p->in);
	free(p->out);
	free(p->tags);
	*p = (struct pipeline){.fd = -1};
}

bool pipeline_is_full(const struct pipeline *p)
{
	return p->out_len >= FULL_BYTES;
}

/* ---- output ---- */

static bool make_room_for_tag(struct pipeline *p)
{
	uint32_t *tags;

	if (p->n_tags < p->tags_cap)
		return true;
	tags = malloc(2 * p->tags_cap * sizeof(*tags));
	if (!tags)
		return false;
	for (uint32_t i = 0; i < p->n_tags; i++)
		tags[i] = p->tags[(p->oldest + i) % p->tags_cap];
	free(p->tags);
	p->tags = tags;
	p->oldest = 0;
	p->tags_cap *= 2;
	return true;
}

char *pipeline_begin(struct pipeline *p, size_t cap)
{
	size_t wanted = p->out_cap;
	char *out;

	while (wanted < p->out_len + cap)
		wanted = wanted ? 2 * wanted : FULL_BYTES;
	if (wanted > p->out_cap) {
		out = realloc(p->out, wanted);
		if (!out)
			return NULL;
		p->out = out;
		p->out_cap = wanted;
	}
	return make_room_for_tag(p) ? p->out + p->out_len : NULL;
}

void pipeline_add(struct pipeline *p, size_t len, uint32_t tag)
{
	p->tags[(p->oldest + p->n_tags++) % p->tags_cap] = tag;
	p->out_len += len;
}

static bool fail(int err, char *why, size_t why_cap)
{
	snprintf(why, why_cap, "the control socket failed: %s", err_text(err));
	return false;
}

bool pipeline_flush(struct pipeline *p, char *why, size_t why_cap)
{
	ssize_t n;
	bool waits;

	if (p->out_len == 0)
		return true;
	n = os_write(p->fd, p->out, p->out_len);
	if (n < 0 && n != -EAGAIN)
		return fail((int)n, why, why_cap);
	if (n > 0) {
		p->out_len -= (size_t)n;
		memmove(p->out, p->out + n, p->out_len);
	}
	waits = p->out_len > 0;
	if (waits != p->waits_for_room)
		(void)!os_poll_change(p->poll, p->fd, OS_READ | (waits ? OS_WRITE : 0), p->token);
	p->waits_for_room = waits;
	return true;
}

/* ---- input ---- */

static void hand_over(struct pipeline *p, const char *line, size_t len,
                      pipeline_on_answer on_answer, void *arg)
{
	char why[CONTROL_WHY_MAX];
	json_t *const result = control_result(line, len, why, sizeof(why));
	const uint32_t tag = p->tags[p->oldest];

	p->oldest = (p->oldest + 1) % p->tags_cap;
	p->n_tags--;
	on_answer(arg, tag, result, result ? NULL : why);
	json_decref(result);
}

static bool read_answers(struct pipeline *p, pipeline_on_answer on_answer, void *arg, char *why,
                         size_t why_cap)
{
	const ssize_t n = os_read(p->fd, p->in + p->in_len, IN_BYTES - p->in_len);
	const char *line = p->in, *end;

	if (n == -EAGAIN)
		return true;
	if (n <= 0)
		return fail(n == 0 ? -ECONNRESET : (int)n, why, why_cap);
	p->in_len += (size_t)n;
	while ((end = memchr(line, '\n', p->in_len - (size_t)(line - p->in)))) {
		if (p->n_tags == 0)
			return fail(-EBADMSG, why, why_cap); /* an answer to nothing */
		hand_over(p, line, (size_t)(end - line), on_answer, arg);
		line = end + 1;
	}
	p->in_len -= (size_t)(line - p->in);
	memmove(p->in, line, p->in_len);
	return p->in_len < IN_BYTES || fail(-EMSGSIZE, why, why_cap);
}

bool pipeline_event(struct pipeline *p, uint32_t events, pipeline_on_answer on_answer, void *arg,
                    char *why, size_t why_cap)
{
	if ((events & OS_WRITE) && !pipeline_flush(p, why, why_cap))
		return false;
	return !(events & ~OS_WRITE) || read_answers(p, on_answer, arg, why, why_cap);
}
