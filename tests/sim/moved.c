/* A mark for each counter, and their names. */
#include "moved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stats/snapshot.h"

#define NAME_BYTES  100
#define MAX_EXCUSED 200

static bool *moved; /* STAT_COUNT of them */
static char excused[MAX_EXCUSED][NAME_BYTES];
static size_t n_excused;

static const struct family {
	const char *name;
	unsigned first, n;
	const char *(*label)(unsigned i); /* NULL: one counter without a label */
} families[] = {
	{"basic.closes.", STAT_CLOSES, CLOSE_REASON_COUNT, stats_close_label},
	{"basic.refusals.", STAT_REFUSALS, REFUSAL_COUNT, stats_refusal_label},
	{"protocol_distribution.now.", STAT_PROTOCOL_NOW, PROTOCOL_TYPE_COUNT,
         stats_protocol_label},
	{"protocol_distribution.ever.", STAT_PROTOCOL_EVER, PROTOCOL_TYPE_COUNT,
         stats_protocol_label},
	{"basic.errors.", STAT_RULES, WS_RULE_COUNT, stats_error_label},
	{"health.rtt_min_us", STAT_RTT_MIN_US, 1, NULL},
	{"health.rtt_max_us", STAT_RTT_MAX_US, 1, NULL},
	{"workers.turn_sum_us", STAT_TURN_SUM_US, 1, NULL},
	{"workers.turn_max_us", STAT_TURN_MAX_US, 1, NULL},
	{"workers.inbox_high", STAT_INBOX_HIGH, 1, NULL},
	{"pool.in_use.", STAT_POOL_IN_USE, POOL_COUNT, stats_pool_label},
	{"pool.room.", STAT_POOL_ROOM, POOL_COUNT, stats_pool_label},
	{"pool.reused.", STAT_POOL_REUSED, POOL_COUNT, stats_pool_label},
};

void moved_begin(void)
{
	moved = mmap(NULL, STAT_COUNT * sizeof(*moved), PROT_READ | PROT_WRITE,
	             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (moved == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
}

void moved_note(const struct server *s)
{
	uint64_t sum[STAT_COUNT] = {0};

	for (uint32_t i = 0; i < s->n_blocks; i++)
		stats_sum(sum, &s->blocks[i]);
	stats_settle(sum);
	for (unsigned i = 0; i < STAT_COUNT; i++)
		moved[i] = moved[i] || sum[i] != 0;
}

/* ---- names ---- */

static bool within(unsigned id, unsigned first, unsigned n)
{
	return id >= first && id < first + n;
}

/* Of magnitudes there are as many as there are steps: not each has to be met. A step, and HTTP_OK,
 * which is no fault, have no name. */
static bool is_nameless(unsigned id)
{
	return id == STAT_FAULTS || within(id, STAT_SCORES, STAT_SCORE_COUNT) ||
	       within(id, STAT_RTT, LADDER_STEPS) || within(id, STAT_TURN_TIME, LADDER_STEPS);
}

static bool name_of(unsigned id, char name[NAME_BYTES])
{
	if (id < STAT_CLOSES) {
		snprintf(name, NAME_BYTES, "%s.%s", stats_row(id)->group, stats_row(id)->name);
		return true;
	}
	if (is_nameless(id))
		return false;
	if (within(id, STAT_FAULTS, HTTP_FAULT_COUNT)) {
		snprintf(name, NAME_BYTES, "basic.errors.%s",
		         http_fault_name((enum http_fault)(id - STAT_FAULTS)));
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const struct family *f = &families[i];

		if (!within(id, f->first, f->n))
			continue;
		snprintf(name, NAME_BYTES, "%s%s", f->name,
		         f->label == NULL ? "" : f->label(id - f->first));
		return true;
	}
	snprintf(name, NAME_BYTES, "the counter %u, of a family that tests/sim/moved.c lacks", id);
	return true;
}

/* ---- those that no seed moves ---- */

static void read_excuses(const char *path)
{
	char line[300];
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while (n_excused < MAX_EXCUSED && fgets(line, sizeof(line), f) != NULL)
		if (line[0] != '#' && sscanf(line, "%99s", excused[n_excused]) == 1)
			n_excused++;
	fclose(f);
}

static bool is_excused(const char *name)
{
	for (size_t i = 0; i < n_excused; i++) {
		const size_t len = strlen(excused[i]);
		const bool head = excused[i][len - 1] == '*';

		if (head ? strncmp(excused[i], name, len - 1) == 0 : strcmp(excused[i], name) == 0)
			return true;
	}
	return false;
}

bool moved_report(const char *path)
{
	unsigned n_moved = 0, n_missing = 0;
	char name[NAME_BYTES];

	read_excuses(path);
	for (unsigned id = 0; id < STAT_COUNT; id++) {
		if (!name_of(id, name))
			continue;
		if (moved[id]) {
			n_moved++;
		} else if (!is_excused(name)) {
			printf("FAILED: no seed has moved %s\n", name);
			n_missing++;
		}
	}
	printf("%u counters moved, %zu need not, %u missing\n", n_moved, n_excused, n_missing);
	return n_missing == 0;
}
