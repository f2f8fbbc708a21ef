/* Calm, and some reason to hope. */
#include "server/trim.h"

#define PART 16 /* of the memory: less is not much */

static bool much_more(uint64_t is, uint64_t was)
{
	return is > was + was / PART;
}

bool trim_is_due(struct trim *t, uint64_t now_ms, uint64_t resident, uint64_t conns)
{
	if (much_more(resident, t->weighed) || t->calm_ms == 0) {
		t->calm_ms = now_ms;
		t->weighed = resident;
	}
	if (resident < t->weighed)
		t->weighed = resident;
	if (much_more(resident, t->left) || much_more(t->conns, conns))
		t->wait_ms = 0;
	return now_ms - t->calm_ms >= TRIM_CALM_MS && now_ms - t->trimmed_ms >= t->wait_ms;
}

void trim_done(struct trim *t, uint64_t now_ms, uint64_t before, uint64_t after, uint64_t conns)
{
	const uint32_t twice = t->wait_ms == 0 ? TRIM_CALM_MS : 2 * t->wait_ms;

	t->wait_ms = much_more(before, after) ? TRIM_CALM_MS
	             : twice < TRIM_MOST_MS   ? twice
	                                      : TRIM_MOST_MS;
	t->trimmed_ms = now_ms;
	t->weighed = t->left = after;
	t->conns = conns;
}
