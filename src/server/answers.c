/* A list, and what is ready at its front. */
#include "server/answers.h"

#include <string.h>

#include "base/err.h"
#include "wsmd/ctl.h"

#define MAX_LINES 64

bool answers_room(const struct answers *q)
{
	return q->n < MAX_LINES && q->asked < WSMD_CTL_MAX_LINE;
}

struct answer *answers_add(struct answers *q, size_t asked)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->asked = asked;
	*(q->first == NULL ? &q->first : &q->last->next) = a;
	q->last = a;
	q->n++;
	q->asked += asked;
	return a;
}

void answer_ready(struct answer *a, char *text, size_t len)
{
	ASSERT(a->text == NULL);
	a->text = text;
	a->len = len;
}

static void remove_first(struct answers *q)
{
	struct answer *a = q->first;

	q->first = a->next;
	q->n--;
	q->asked -= a->asked;
	free(a->text);
	free(a);
}

int answers_take(struct answers *q, char **out, size_t *len)
{
	size_t more = 0;
	char *grown;

	for (const struct answer *a = q->first; a != NULL && a->text != NULL; a = a->next)
		more += a->len;
	if (more == 0)
		return 0;
	grown = realloc(*out, *len + more);
	if (grown == NULL)
		return WSMD_ENOMEM;
	while (q->first != NULL && q->first->text != NULL) {
		memcpy(grown + *len, q->first->text, q->first->len);
		*len += q->first->len;
		remove_first(q);
	}
	*out = grown;
	return 0;
}

void answers_fini(struct answers *q)
{
	while (q->first != NULL)
		remove_first(q);
}
