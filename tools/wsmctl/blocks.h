/*
 * Blocks of rows side by side: a title, and below it names with a value and a rate.
 *
 * Blocks keep their order, down the first column, then down the next. There are as many columns
 * as fit; for two of them names are cut to BLOCKS_NAME_MIN if need be. Widths only grow while
 * the number of columns stays, so that a picture painted again and again does not tremble.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define BLOCKS_MAX_COLUMNS 4
#define BLOCKS_NAME_MIN    12
#define BLOCKS_CELLS       3 /* name, value, rate */

struct block {
	char *title;
	char **cells; /* row by row */
	size_t n_rows, cap;
};

struct blocks {
	struct block *block;
	size_t n;
};

/* What is kept from one picture to the next; starts as zeros. */
struct blocks_layout {
	size_t n_columns;
	size_t width[BLOCKS_MAX_COLUMNS][BLOCKS_CELLS];
};

/* Returns: the block called printable @title, a new one at the end if there is none yet */
struct block *blocks_get(struct blocks *b, const char *title);

/* Append a row. Owns: takes all three, which are printable. */
void blocks_add_row(struct block *block, char *name, char *value, char *rate);

/**
 * Print the blocks that have rows and release all.
 *
 * @terminal  columns of the terminal; 0: no limit
 * @height    lines that there is room for; a block that is too tall is printed all the same
 */
void blocks_print(struct blocks *b, struct blocks_layout *layout, FILE *out, size_t terminal,
                  size_t height);
