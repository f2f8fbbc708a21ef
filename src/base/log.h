/*
 * One event, one line, on stderr: "time=... level=... event=... key=value ..." or the same as
 * a JSON object. Only the daemon's own layers (accept and above) log; libraries return.
 *
 * Thread: any. A line is written with one call, so lines of several threads do not mix.
 * Cost: a suppressed level is one relaxed load; otherwise formatting and one write.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG
};
enum log_format {
	LOG_KV,
	LOG_JSON
};

/* Where a finished line goes, and the wall clock [ms since 1970] it is stamped with. */
struct log_sink {
	void (*write)(const char *line, size_t len);
	uint64_t (*wall_ms)(void);
};

/* Before the first thread starts. Without it nothing is logged. */
void log_open(const struct log_sink *sink);

/* At any time, from the main thread. */
void log_configure(enum log_level level, enum log_format format);

bool log_enabled(enum log_level level);

/**
 * Build a line field by field; strings are escaped, so peer text is safe here. A line that
 * grows past LOG_LINE_MAX loses its last fields and says so with "cut=true".
 */
#define LOG_LINE_MAX 1024
struct log_line {
	enum log_level level;
	bool json, cut;
	uint32_t len;
	char text[LOG_LINE_MAX];
};

/* False: the level is off and there is nothing to do. */
bool log_begin(struct log_line *l, enum log_level level, const char *event);
void log_str(struct log_line *l, const char *key, const char *value);
void log_strn(struct log_line *l, const char *key, const char *value, size_t len);
void log_u64(struct log_line *l, const char *key, uint64_t value);
void log_end(struct log_line *l);

/* An event with one text: log_event(LOG_INFO, "listening", "address %s", ...). */
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);
