/* Few rows, so looking at each of them is quick. */
#include "tally.h"

#include <stdio.h>
#include <string.h>

void tally_add(struct tally *t, const char *label, uint64_t n)
{
	uint32_t i = 0;

	while (i < t->n && strncmp(t->rows[i].label, label, TALLY_LABEL - 1) != 0)
		i++;
	if (i == TALLY_ROWS)
		i--;
	if (i == t->n) {
		t->n++;
		snprintf(t->rows[i].label, TALLY_LABEL, "%s", i + 1 < TALLY_ROWS ? label : "other");
	}
	t->rows[i].count += n;
}

void tally_add_number(struct tally *t, unsigned label, uint64_t n)
{
	char text[12];

	snprintf(text, sizeof(text), "%u", label);
	tally_add(t, text, n);
}

void tally_merge(struct tally *to, const struct tally *from)
{
	for (uint32_t i = 0; i < from->n; i++)
		tally_add(to, from->rows[i].label, from->rows[i].count);
}
