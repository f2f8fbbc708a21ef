/* At most so many lines a second; the first one after a flood says how many were left out. */
#include "base/clock.h"
#include "base/log.h"

#define LINES_PER_S 10

bool log_gate_begin(struct log_gate *g, uint64_t now_ms, struct log_line *l, enum log_level level,
                    const char *event)
{
	if (!log_enabled(level))
		return false;
	if (now_ms / MS_PER_S != g->second) {
		g->second = now_ms / MS_PER_S;
		g->lines = 0;
	}
	if (++g->lines > LINES_PER_S) {
		g->left_out++;
		return false;
	}
	if (!log_begin(l, level, event))
		return false;
	if (g->left_out > 0)
		log_u64(l, "lines_left_out", g->left_out);
	g->left_out = 0;
	return true;
}
