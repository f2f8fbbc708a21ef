/* Log lines: built on the stack, escaped as they are built, written in one piece. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static _Thread_local struct log *used;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_init(struct log *log, const struct log_sink *sink)
{
	log->sink = *sink;
	atomic_init(&log->level, LOG_INFO);
	atomic_init(&log->format, LOG_KV);
	atomic_init(&log->lines_lost, 0);
}

void log_configure(struct log *log, enum log_level level, enum log_format format)
{
	atomic_store_explicit(&log->level, level, memory_order_relaxed);
	atomic_store_explicit(&log->format, format, memory_order_relaxed);
}

void log_use(struct log *log)
{
	used = log;
}

struct log *log_used(void)
{
	return used;
}

bool log_enabled(enum log_level level)
{
	return used != NULL &&
	       (int)level <= atomic_load_explicit(&used->level, memory_order_relaxed);
}

/* Room kept for the end of the line: ' cut=true' or ',"cut":true}' and the newline. */
#define TAIL_ROOM 16

static PRINTF(2, 3) void append(struct log_line *l, const char *fmt, ...)
{
	const size_t room = LOG_LINE_MAX - TAIL_ROOM - l->len;
	va_list ap;

	if (l->cut)
		return;
	va_start(ap, fmt);
	const int n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		l->cut = true; /* the field is dropped whole: len stays before it */
	else
		l->len += (uint32_t)n;
}

static void append_time(struct log_line *l)
{
	char text[TEXT_ISO8601];

	append(l, l->json ? "{\"time\":\"%s\"" : "time=%s",
	       text_iso8601(text, used->sink.wall_ms()));
}

bool log_begin(struct log_line *l, enum log_level level, const char *event)
{
	if (!log_enabled(level))
		return false;
	l->level = level;
	l->json = atomic_load_explicit(&used->format, memory_order_relaxed) == LOG_JSON;
	l->cut = false;
	l->len = 0;
	append_time(l);
	log_str(l, "level", level_names[level]);
	log_str(l, "event", event);
	l->lost = atomic_exchange_explicit(&used->lines_lost, 0, memory_order_relaxed);
	if (l->lost > 0)
		log_u64(l, "lines_lost", l->lost);
	return true;
}

#define VALUE_MAX 512 /* escaped, with its NUL */

void log_strn(struct log_line *l, const char *key, const char *value, size_t len)
{
	char safe[VALUE_MAX];

	if (l->json) {
		append(l, ",\"%s\":\"%s\"", key, text_escape_json(safe, sizeof(safe), value, len));
		return;
	}
	text_escape(safe, sizeof(safe), value, len);
	/* So a value without quotes around it is to be read as it stands. */
	const bool quote = len == 0 || strpbrk(safe, " =\"\\") != NULL;
	append(l, quote ? " %s=\"%s\"" : " %s=%s", key, safe);
}

void log_str(struct log_line *l, const char *key, const char *value)
{
	log_strn(l, key, value, strlen(value));
}

void log_u64(struct log_line *l, const char *key, uint64_t value)
{
	append(l, l->json ? ",\"%s\":%llu" : " %s=%llu", key, (unsigned long long)value);
}

void log_end(struct log_line *l)
{
	static const char *const tails[2][2] = {{"\n", " cut=true\n"}, {"}\n", ",\"cut\":true}\n"}};
	const char *tail = tails[l->json][l->cut];
	const size_t tail_len = strlen(tail);

	ASSERT(tail_len <= TAIL_ROOM);
	memcpy(l->text + l->len, tail, tail_len);
	if (!used->sink.write(used->sink.arg, l->level, l->text, l->len + tail_len))
		atomic_fetch_add_explicit(&used->lines_lost, 1 + l->lost, memory_order_relaxed);
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_line l;
	/* So long that its end, where a character may be cut in two, never gets into the line. */
	char text[VALUE_MAX + 4];
	va_list ap;

	if (!log_begin(&l, level, event))
		return;
	va_start(ap, fmt);
	const int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_str(&l, "text", n < 0 ? fmt : text);
	if (n >= (int)sizeof(text))
		l.cut = true;
	log_end(&l);
}
