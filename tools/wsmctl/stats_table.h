/* The statistics as a table, whatever counters they have. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Every member is shown but causes that never occurred. @terminal: columns; 0: no limit */
void stats_table_print(FILE *out, const json_t *stats, size_t terminal);

/* Whether @value is one of those lists that are tables of their own, with a row for each item. */
bool stats_table_is_list(const json_t *value);

/* Only these, wherever in @stats they are. */
void stats_table_print_lists(FILE *out, const json_t *stats, size_t terminal);
