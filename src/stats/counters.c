/* Summing blocks, and the labels of the tables that counters are kept by. */
#include "stats/counters.h"

void stats_sum(uint64_t *sum, const struct stats_block *b)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		sum[i] += stats_get(b, i);
}

struct close_row {
	const char *label, *text;
	uint16_t code;
	enum close_manner manner;
};

static const struct close_row close_rows[CLOSE_REASON_COUNT] = {
#define X(name, label, code, manner, text) [name] = {label, text, code, manner},
	CLOSE_REASONS(X)
#undef X
};

static const struct close_row *close_row(enum close_reason r)
{
	ASSERT((unsigned)r < CLOSE_REASON_COUNT);
	return &close_rows[r];
}

const char *close_reason_label(enum close_reason r)
{
	return close_row(r)->label;
}

const char *close_reason_text(enum close_reason r)
{
	return close_row(r)->text;
}

uint16_t close_reason_code(enum close_reason r)
{
	return close_row(r)->code;
}

enum close_manner close_reason_manner(enum close_reason r)
{
	return close_row(r)->manner;
}

struct refusal_row {
	const char *label, *text;
	uint16_t status;
};

static const struct refusal_row refusal_rows[REFUSAL_COUNT] = {
#define X(name, label, status, text) [name] = {label, text, status},
	REFUSALS(X)
#undef X
};

static const struct refusal_row *refusal_row(enum refusal r)
{
	ASSERT((unsigned)r < REFUSAL_COUNT);
	return &refusal_rows[r];
}

const char *refusal_label(enum refusal r)
{
	return refusal_row(r)->label;
}

const char *refusal_text(enum refusal r)
{
	return refusal_row(r)->text;
}

uint16_t refusal_status(enum refusal r)
{
	return refusal_row(r)->status;
}

static const char *const protocol_labels[PROTOCOL_TYPE_COUNT] = {
#define X(name, label) [name] = label,
	PROTOCOL_TYPES(X)
#undef X
};

static const struct {
	const char *label, *text;
} pool_rows[POOL_COUNT] = {
#define X(name, label, text) [name] = {label, text},
	POOLS(X)
#undef X
};

const char *pool_label(enum pool p)
{
	ASSERT((unsigned)p < POOL_COUNT);
	return pool_rows[p].label;
}

const char *pool_text(enum pool p)
{
	ASSERT((unsigned)p < POOL_COUNT);
	return pool_rows[p].text;
}

const char *protocol_type_label(enum protocol_type t)
{
	ASSERT((unsigned)t < PROTOCOL_TYPE_COUNT);
	return protocol_labels[t];
}

static const char *const drop_labels[DROP_REASON_COUNT] = {
#define X(name, label) [name] = label,
	DROP_REASONS(X)
#undef X
};

const char *drop_reason_label(enum drop_reason r)
{
	ASSERT((unsigned)r < DROP_REASON_COUNT);
	return drop_labels[r];
}
