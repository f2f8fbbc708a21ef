/* What `stats --watch` paints: the counters that move, what an operator watches first. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "wsmctl/blocks.h"

struct picture {
	json_t *seen; /* by path: rows that were not zero once stay, so that nothing jumps */
	struct blocks_layout layout;
};

void picture_init(struct picture *p);
void picture_fini(struct picture *p);

/**
 * @before    an earlier sample, for rates, or NULL
 * @seconds   between the two
 * @terminal  columns of the terminal; 0: no limit
 * @height    lines that there is room for
 */
void picture_print(struct picture *p, FILE *out, const json_t *stats, const json_t *before,
                   double seconds, size_t terminal, size_t height);
