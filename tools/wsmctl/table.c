/* Rows of text in aligned columns, fitted to the terminal. */
#include "wsmctl/table.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"

void table_init(struct table *t, const struct table_column *columns, size_t n_columns)
{
	*t = (struct table){.columns = columns, .n_columns = n_columns};
	t->width = must(calloc(n_columns, sizeof(*t->width)));
	for (size_t i = 0; i < n_columns; i++)
		t->width[i] = columns[i].title != NULL ? printable_width(columns[i].title) : 0;
}

static void forget_cells(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	t->n_cells = 0;
}

void table_fini(struct table *t)
{
	forget_cells(t);
	free(t->cells);
	free(t->width);
}

void table_add(struct table *t, char *text)
{
	const size_t column = t->n_cells % t->n_columns, width = printable_width(text);

	if (t->n_cells == t->cap) {
		t->cap = t->cap == 0 ? 256 : 2 * t->cap;
		t->cells = must(reallocarray(t->cells, t->cap, sizeof(*t->cells)));
	}
	t->cells[t->n_cells++] = text;
	if (width > t->width[column])
		t->width[column] = width;
}

static size_t total_width(const size_t *width, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += width[i] > 0 ? width[i] + TABLE_GAP : 0;
	return total > 0 ? total - TABLE_GAP : 0;
}

/* The column to drop next, or n_columns. */
static size_t least_wanted(const struct table *t, const size_t *width)
{
	size_t least = t->n_columns;

	for (size_t i = 0; i < t->n_columns; i++) {
		const unsigned rank = t->columns[i].drop_rank;

		if (rank > 0 && width[i] > 0 &&
		    (least == t->n_columns || rank > t->columns[least].drop_rank))
			least = i;
	}
	return least;
}

/* Give each column its share of the terminal; a dropped column has width 0. */
static void fit(const struct table *t, size_t *width, size_t terminal)
{
	size_t total;

	memcpy(width, t->width, t->n_columns * sizeof(*width));
	if (terminal == 0)
		return;
	for (size_t i = 0; i < t->n_columns; i++) {
		const size_t least = t->columns[i].cut_to;

		total = total_width(width, t->n_columns);
		if (total <= terminal || least == 0 || width[i] <= least)
			continue;
		width[i] -=
			total - terminal < width[i] - least ? total - terminal : width[i] - least;
	}
	while ((total = total_width(width, t->n_columns)) > terminal) {
		const size_t drop = least_wanted(t, width);

		if (drop == t->n_columns)
			return;
		width[drop] = 0;
	}
	/* A dropped column may leave more room than was missing: give it back. */
	for (size_t i = 0; i < t->n_columns && total < terminal; i++) {
		const size_t wanted = t->width[i] - width[i], room = terminal - total;

		if (width[i] == 0 || wanted == 0)
			continue;
		width[i] += wanted < room ? wanted : room;
		total = total_width(width, t->n_columns);
	}
}

static void print_spaces(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

/* Returns: the columns it takes */
static size_t print_cut(FILE *out, const char *text, size_t columns)
{
	const char *ellipsis = printable_ellipsis();
	const size_t ellipsis_width = printable_width(ellipsis);
	size_t width, bytes = printable_fit(text, columns, &width);

	if (text[bytes] == '\0' || columns < ellipsis_width) {
		fwrite(text, 1, bytes, out);
		return width;
	}
	bytes = printable_fit(text, columns - ellipsis_width, &width);
	fwrite(text, 1, bytes, out);
	fputs(ellipsis, out);
	return width + ellipsis_width;
}

static void print_row(const struct table *t, FILE *out, char *const *cells, const size_t *width)
{
	size_t pad = 0; /* owed before the next cell, so that no line ends in spaces */

	for (size_t i = 0; i < t->n_columns; i++) {
		size_t needed;

		if (width[i] == 0)
			continue;
		needed = printable_width(cells[i]);
		if (needed == 0) {
			pad += width[i] + TABLE_GAP;
			continue;
		}
		if (t->columns[i].right && needed < width[i])
			pad += width[i] - needed;
		print_spaces(out, pad);
		needed = print_cut(out, cells[i], width[i]);
		pad = TABLE_GAP + (t->columns[i].right ? 0 : width[i] - needed);
	}
	fputc('\n', out);
}

void table_print(struct table *t, FILE *out, size_t terminal)
{
	size_t *width = must(calloc(t->n_columns, sizeof(*width)));

	ASSERT(t->n_cells % t->n_columns == 0);
	fit(t, width, terminal);
	if (!t->header_printed && t->columns[0].title != NULL) {
		char **titles = must(calloc(t->n_columns, sizeof(*titles)));

		for (size_t i = 0; i < t->n_columns; i++)
			titles[i] = (char *)t->columns[i].title;
		print_row(t, out, titles, width);
		free(titles);
	}
	t->header_printed = true;
	for (size_t i = 0; i < t->n_cells; i += t->n_columns)
		print_row(t, out, t->cells + i, width);
	free(width);
	forget_cells(t);
}

size_t table_terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}
