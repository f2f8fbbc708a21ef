/* A walk over JSON text that counts lines. */
#include "conf/cursor.h"

#include <stdbool.h>

static void step(struct cursor *c)
{
	if (*c->at == '\0')
		return;
	if (*c->at == '\n')
		c->line++;
	c->at++;
}

static void skip_space(struct cursor *c)
{
	while (*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n')
		step(c);
}

static void skip_string(struct cursor *c)
{
	step(c);
	while (*c->at != '\0' && *c->at != '"') {
		if (*c->at == '\\')
			step(c);
		step(c);
	}
	step(c);
}

static bool opens(char ch)
{
	return ch == '{' || ch == '[';
}

static bool closes(char ch)
{
	return ch == '}' || ch == ']';
}

struct cursor cursor_start(const char *text)
{
	struct cursor c = {.at = text, .line = 1};

	skip_space(&c);
	return c;
}

void cursor_enter(struct cursor *c)
{
	step(c);
	skip_space(c);
}

void cursor_to_value(struct cursor *c)
{
	skip_string(c);
	skip_space(c);
	step(c);
	skip_space(c);
}

void cursor_next(struct cursor *c)
{
	unsigned depth = 0;

	while (*c->at != '\0') {
		if (*c->at == '"') {
			skip_string(c);
			continue;
		}
		if (depth == 0 && (*c->at == ',' || closes(*c->at)))
			break;
		if (opens(*c->at))
			depth++;
		else if (closes(*c->at))
			depth--;
		step(c);
	}
	if (*c->at == ',')
		step(c);
	skip_space(c);
}
