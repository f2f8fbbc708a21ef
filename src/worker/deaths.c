/* Counts by minute, so that those of the last hour can be told from older ones. */
#include "worker/deaths.h"

#include <string.h>

#include "base/macros.h"

#define MS_PER_MINUTE 60000

/* So many at one age are no accident, when they are so many times those beside it. */
#define MIN_DEATHS   6
#define MIN_CONTRAST 4

static const struct {
	uint32_t ms, tolerance_ms;
	const char *text, *whose;
} limits[IDLE_LIMIT_COUNT] = {
#define X(name, ms, tolerance, text, whose) [name] = {ms, tolerance, text, whose},
	IDLE_LIMITS(X)
#undef X
};

uint32_t idle_limit_ms(enum idle_limit limit)
{
	return limits[limit].ms;
}

const char *idle_limit_text(enum idle_limit limit)
{
	return limits[limit].text;
}

const char *idle_limit_whose(enum idle_limit limit)
{
	return limits[limit].whose;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

enum idle_limit idle_limit_of(uint64_t idle_ms)
{
	int i = 0;

	while (i < IDLE_LIMIT_COUNT && distance(idle_ms, limits[i].ms) > limits[i].tolerance_ms)
		i++;
	return (enum idle_limit)i;
}

/* Forget the minutes that are older than an hour. */
static void turn_to(struct deaths *d, uint64_t minute)
{
	if (minute - d->minute >= DEATHS_MINUTES)
		memset(d->counts, 0, sizeof(d->counts));
	for (uint64_t m = d->minute + 1; m <= minute && minute - d->minute < DEATHS_MINUTES; m++)
		d->counts[m % DEATHS_MINUTES] = (struct deaths_sum){0};
	d->minute = minute;
}

void deaths_note(struct deaths *d, uint64_t now_ms, uint64_t idle_ms)
{
	struct deaths_sum *now;

	turn_to(d, now_ms / MS_PER_MINUTE);
	now = &d->counts[d->minute % DEATHS_MINUTES];
	for (int i = 0; i < IDLE_LIMIT_COUNT; i++) {
		const uint64_t off = distance(idle_ms, limits[i].ms);

		if (off <= limits[i].tolerance_ms)
			now->at[i]++;
		else if (off <= 2 * limits[i].tolerance_ms)
			now->near[i]++;
	}
}

void deaths_add_up(struct deaths *d, uint64_t now_ms, struct deaths_sum *sum)
{
	turn_to(d, now_ms / MS_PER_MINUTE);
	for (int m = 0; m < DEATHS_MINUTES; m++)
		for (int i = 0; i < IDLE_LIMIT_COUNT; i++) {
			sum->at[i] += d->counts[m].at[i];
			sum->near[i] += d->counts[m].near[i];
		}
}

bool deaths_reveal(const struct deaths_sum *sum, enum idle_limit limit)
{
	return sum->at[limit] >= MIN_DEATHS && sum->at[limit] >= MIN_CONTRAST * sum->near[limit];
}
