/* As many columns as fit, filled so that the tallest one is as short as can be. */
#include "wsmctl/blocks.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/table.h"

#define GAP      2
#define RATE_MIN 6 /* "12.3/s": there are none in the first picture */

static const struct table_column columns[BLOCKS_CELLS] = {
	{.cut_to = BLOCKS_NAME_MIN}, {.right = true}, {.right = true}};

struct block *blocks_get(struct blocks *b, const char *title)
{
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->block[i].title, title) == 0)
			return &b->block[i];
	}
	b->block = must(reallocarray(b->block, b->n + 1, sizeof(*b->block)));
	b->block[b->n] = (struct block){.title = must(strdup(title))};
	return &b->block[b->n++];
}

void blocks_add_row(struct block *block, char *name, char *value, char *rate)
{
	char **row;

	if (block->n_rows == block->cap) {
		block->cap = block->cap == 0 ? 16 : 2 * block->cap;
		block->cells = must(reallocarray(block->cells, block->cap,
		                                 BLOCKS_CELLS * sizeof(*block->cells)));
	}
	row = block->cells + BLOCKS_CELLS * block->n_rows++;
	if (asprintf(&row[0], " %s", name) < 0)
		must(NULL);
	free(name);
	row[1] = value;
	row[2] = rate;
}

static void drop_empty(struct blocks *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->block[i].n_rows > 0)
			b->block[kept++] = b->block[i];
		else
			free(b->block[i].title);
	}
	b->n = kept;
}

/*
 * Put block i into column column_of[i], none of them taller than @limit if it can be helped.
 *
 * Returns: how many columns it would take
 */
static size_t pack(const struct blocks *b, size_t limit, size_t max_columns, size_t *column_of)
{
	size_t column = 0, used = 0;

	for (size_t i = 0; i < b->n; i++) {
		const size_t lines = 1 + b->block[i].n_rows;

		if (used > 0 && used + lines > limit) {
			column++;
			used = 0;
		}
		used += lines;
		column_of[i] = column < max_columns ? column : max_columns - 1;
	}
	return column + 1;
}

/* Of @n columns, the tallest as short as can be; but what is in front is seen whole. */
static void pack_evenly(const struct blocks *b, size_t n, size_t height, size_t *column_of)
{
	size_t limit = 1;

	while (limit < height && pack(b, limit, n, column_of) > n)
		limit++;
	pack(b, limit, n, column_of);
}

static void measure(const struct blocks *b, const size_t *column_of, struct blocks_layout *l)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct block *block = &b->block[i];
		size_t *width = l->width[column_of[i]];
		const size_t title = printable_width(block->title);

		width[0] = title > width[0] ? title : width[0];
		width[2] = width[2] > RATE_MIN ? width[2] : RATE_MIN;
		for (size_t k = 0; k < BLOCKS_CELLS * block->n_rows; k++) {
			const size_t cell = printable_width(block->cells[k]);

			if (cell > width[k % BLOCKS_CELLS])
				width[k % BLOCKS_CELLS] = cell;
		}
	}
}

/* What a column needs when its names are not wider than @name_max. */
static size_t column_width(const size_t *width, size_t name_max)
{
	size_t total = width[0] < name_max ? width[0] : name_max;

	for (size_t k = 1; k < BLOCKS_CELLS; k++)
		total += width[k] > 0 ? TABLE_GAP + width[k] : 0;
	return total;
}

static size_t total_width(const struct blocks_layout *l, size_t name_max)
{
	size_t total = (l->n_columns - 1) * GAP;

	for (size_t c = 0; c < l->n_columns; c++)
		total += column_width(l->width[c], name_max);
	return total;
}

static void choose(const struct blocks *b, struct blocks_layout *layout, size_t terminal,
                   size_t height, size_t *column_of)
{
	size_t n = b->n < BLOCKS_MAX_COLUMNS ? b->n : BLOCKS_MAX_COLUMNS;
	struct blocks_layout l;

	for (;; n--) {
		l = (struct blocks_layout){.n_columns = n};
		if (n == layout->n_columns)
			l = *layout;
		pack_evenly(b, n, height, column_of);
		measure(b, column_of, &l);
		if (n == 1 || terminal == 0 ||
		    total_width(&l, n > 2 ? SIZE_MAX : BLOCKS_NAME_MIN) <= terminal)
			break;
	}
	*layout = l;
}

/* Returns: the lines of a column. Owns: takes its cells; the caller frees the result */
static char *column_text(struct blocks *b, const size_t *column_of, size_t column,
                         const size_t *width, size_t terminal)
{
	struct table table;
	char *text;
	size_t len;
	FILE *out = must(open_memstream(&text, &len));

	table_init(&table, columns, BLOCKS_CELLS);
	memcpy(table.width, width, BLOCKS_CELLS * sizeof(*width));
	for (size_t i = 0; i < b->n; i++) {
		struct block *block = &b->block[i];

		if (column_of[i] != column)
			continue;
		table_add(&table, block->title);
		table_add(&table, must(strdup("")));
		table_add(&table, must(strdup("")));
		for (size_t k = 0; k < BLOCKS_CELLS * block->n_rows; k++)
			table_add(&table, block->cells[k]);
		free(block->cells);
	}
	table_print(&table, out, terminal);
	table_fini(&table);
	fclose(out);
	return text;
}

static void print_side_by_side(FILE *out, char *const *text, const size_t *width, size_t n)
{
	char *at[BLOCKS_MAX_COLUMNS];
	bool more = true;

	memcpy(at, text, n * sizeof(*at));
	while (more) {
		size_t pad = 0;

		more = false;
		for (size_t c = 0; c < n; c++) {
			const size_t bytes = strcspn(at[c], "\n");
			char *next = at[c] + bytes + (at[c][bytes] == '\n');

			at[c][bytes] = '\0';
			fprintf(out, "%*s%s", bytes > 0 ? (int)pad : 0, "", at[c]);
			pad = (bytes > 0 ? 0 : pad) + width[c] + GAP - printable_width(at[c]);
			at[c] = next;
			more = more || *next != '\0';
		}
		fputc('\n', out);
	}
}

void blocks_print(struct blocks *b, struct blocks_layout *layout, FILE *out, size_t terminal,
                  size_t height)
{
	char *text[BLOCKS_MAX_COLUMNS];
	size_t width[BLOCKS_MAX_COLUMNS], *column_of, room, n;

	drop_empty(b);
	if (b->n == 0)
		goto done;
	column_of = must(calloc(b->n, sizeof(*column_of)));
	choose(b, layout, terminal, height, column_of);
	n = layout->n_columns;
	room = total_width(layout, BLOCKS_NAME_MIN);
	room = terminal > room ? terminal - room : 0;
	for (size_t c = 0; c < n; c++) {
		const size_t least = column_width(layout->width[c], BLOCKS_NAME_MIN);
		const size_t wanted = column_width(layout->width[c], SIZE_MAX);
		const size_t more = terminal == 0 || wanted - least < room ? wanted - least : room;

		width[c] = least + more;
		room -= terminal == 0 ? 0 : more;
		text[c] = column_text(b, column_of, c, layout->width[c], width[c]);
	}
	print_side_by_side(out, text, width, n);
	for (size_t c = 0; c < n; c++)
		free(text[c]);
	free(column_of);
done:
	free(b->block);
	*b = (struct blocks){0};
}
