/* The statistics as a table, whatever counters they have. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/**
 * @stats      groups of values: every member is shown but causes that never occurred
 * @before     an earlier sample for a column of rates, or NULL
 * @seconds    between the two
 * @terminal   columns of the terminal; 0: no limit
 */
void stats_table_print(FILE *out, const json_t *stats, const json_t *before, double seconds,
                       size_t terminal);
