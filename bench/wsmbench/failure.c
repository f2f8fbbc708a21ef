/* Failures by cause. */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const keys[] = {
#define X(name, key, text) #key,
	FAILURES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, key, text) text,
	FAILURES(X)
#undef X
};

const char *failure_key(enum failure f)
{
	return keys[f];
}

const char *failure_text(enum failure f)
{
	return texts[f];
}

void failures_note(struct failures *f, enum failure cause, const char *fmt, ...)
{
	va_list ap;

	f->count[cause]++;
	if (f->first[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(f->first, sizeof(f->first), fmt, ap);
	va_end(ap);
}

void failures_add(struct failures *f, enum failure cause, uint64_t n)
{
	f->count[cause] += n;
}

uint64_t failures_total(const struct failures *f)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		n += f->count[i];
	return n;
}

void failures_merge(struct failures *to, const struct failures *from)
{
	for (unsigned i = 0; i < FAILURE_COUNT; i++)
		to->count[i] += from->count[i];
	if (to->first[0] == '\0')
		memcpy(to->first, from->first, sizeof(to->first));
}
