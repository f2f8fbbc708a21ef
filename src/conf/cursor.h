/*
 * Where in a JSON text a value stands: jansson keeps no positions, so this walks over the text
 * beside jansson's tree, member by member, and counts lines.
 *
 * The text is one that jansson has accepted, with a NUL at its end. On any other text the
 * lines are wrong, but no byte past the NUL is read. A copy of a cursor walks on its own.
 *
 * Thread: any. Cannot fail. Cost: one look at each byte walked over.
 */
#pragma once

struct cursor {
	const char *at;
	unsigned line; /* from 1 */
};

/* At the first token of @text. */
struct cursor cursor_start(const char *text);

/* From an opening bracket to the first member or element, or to the closing bracket. */
void cursor_enter(struct cursor *c);

/* From the name of a member to its value. */
void cursor_to_value(struct cursor *c);

/* From a value to the next member or element, or to the closing bracket. */
void cursor_next(struct cursor *c);
