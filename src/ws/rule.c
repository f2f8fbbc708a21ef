/* The table of rules, as functions. */
#include "ws/rule.h"

#include <assert.h>

#include "base/macros.h"

struct row {
	const char *name, *text;
	uint16_t close_code;
};

static const struct row rows[WS_RULE_COUNT] = {
#define X(name, lower, code, text) [name] = {#lower, text, code},
	WS_RULES(X)
#undef X
};

#define X(name, lower, code, text) static_assert(sizeof(text) <= 101, #lower);
WS_RULES(X)
#undef X

uint16_t ws_rule_close_code(enum ws_rule rule)
{
	ASSERT(rule < WS_RULE_COUNT);
	return rows[rule].close_code;
}

const char *ws_rule_text(enum ws_rule rule)
{
	ASSERT(rule < WS_RULE_COUNT);
	return rows[rule].text;
}

const char *ws_rule_name(enum ws_rule rule)
{
	ASSERT(rule < WS_RULE_COUNT);
	return rows[rule].name;
}
