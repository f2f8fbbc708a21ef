/* The list of faults. */
#include "conf/faults.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/err.h"

static char *format_line(const char *fmt, va_list args) PRINTF(1, 0);
static char *format_line(const char *fmt, va_list args)
{
	va_list again;
	char *line;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	line = len < 0 ? NULL : malloc((size_t)len + 1);
	if (line == NULL)
		return NULL;
	vsnprintf(line, (size_t)len + 1, fmt, args);
	for (char *p = line; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	return line;
}

int faults_add(struct conf_faults *f, const char *fmt, ...)
{
	va_list args;
	char *line;

	if (f->n == f->cap) {
		const size_t cap = f->cap ? 2 * f->cap : 8;
		char **lines = realloc(f->lines, cap * sizeof(*lines));

		if (lines == NULL)
			return WSMD_ENOMEM;
		f->lines = lines;
		f->cap = cap;
	}
	va_start(args, fmt);
	line = format_line(fmt, args);
	va_end(args);
	if (line == NULL)
		return WSMD_ENOMEM;
	f->lines[f->n++] = line;
	return 0;
}

void conf_faults_fini(struct conf_faults *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->lines[i]);
	free(f->lines);
	*f = (struct conf_faults){0};
}
