/*
 * A table on paper: header line, aligned columns, no boxes. It is printed page by page, so that
 * a list of a million rows is never held; columns grow with what later pages bring.
 *
 * When it is wider than the terminal, columns that may be cut are cut first, then columns that
 * may be dropped go, then lines wrap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_GAP 2 /* spaces between columns */

struct table_column {
	const char *title;  /* NULL in the first column: no header line */
	bool right;         /* align numbers to the right */
	unsigned cut_to;    /* columns that must stay when it is cut; 0: never cut */
	unsigned drop_rank; /* the highest goes first; 0: never dropped */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	char **cells; /* row by row */
	size_t n_cells, cap;
	size_t *width; /* what the widest cell so far takes */
	bool header_printed;
};

void table_init(struct table *t, const struct table_column *columns, size_t n_columns);
void table_fini(struct table *t);

/* Append a cell. Owns: takes @text, which is printable. */
void table_add(struct table *t, char *text);

/**
 * Print the rows added since the last time, below the header if it was not printed yet, and
 * forget them.
 *
 * @terminal  columns of the terminal; 0: no limit
 */
void table_print(struct table *t, FILE *out, size_t terminal);

/* Columns of the terminal that stdout is; 0 when it is none. */
size_t table_terminal_width(void);
