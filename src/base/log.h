/*
 * One event, one line: "time=... level=... event=... key=value ..." or the same as a JSON
 * object. Only the manager's own layers (accept and above) log; libraries return.
 *
 * Each manager has a log of its own, and each of its threads names it once, in its entry
 * function: so a call says what happened and not where to. A thread without a log is silent.
 *
 * Thread: any. A line is written with one call, so lines of several threads do not mix.
 * Cost: a suppressed level is one relaxed load; otherwise formatting and one write.
 */
#pragma once

#include <stdatomic.h>
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
	/* Ends with a newline. Must not block; false: it is lost. Any of the manager's threads. */
	bool (*write)(void *arg, enum log_level level, const char *line, size_t len);
	void *arg;
	uint64_t (*wall_ms)(void);
};

struct log {
	struct log_sink sink; /* constant once a thread uses it */
	/* Relaxed: a reload may be seen by another thread a line later. */
	_Atomic int level, format;
	_Atomic uint64_t lines_lost; /* not taken by the sink; the next line says how many */
};

void log_init(struct log *log, const struct log_sink *sink);

/* At any time, from the main thread. */
void log_configure(struct log *log, enum log_level level, enum log_format format);

/* This thread's lines go to @log from now on; NULL: nowhere. @log outlives the thread. */
void log_use(struct log *log);
struct log *log_used(void);

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
	uint64_t lost; /* lines before it that it reports as lost */
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

/*
 * For events that somebody else can cause: a few lines a second in full, the rest as a number.
 * A flood must not become a flood of lines.
 *
 * Thread: the owner of the gate.
 */
struct log_gate {
	uint64_t second; /* monotonic [s] */
	uint32_t lines;  /* written in it */
	uint64_t left_out;
};

/* As log_begin(); also false when this second has had its lines. */
bool log_gate_begin(struct log_gate *g, uint64_t now_ms, struct log_line *l, enum log_level level,
                    const char *event);
