/* The tables behind the counters: labels, codes, and sums over blocks. */
#include "stats/counters.h"

#include <criterion/criterion.h>

#include <string.h>

#include "http/fault.h"
#include "stats/snapshot.h"
#include "ws/close_code.h"

static const char *scalar_name(unsigned i)
{
	return stats_row(i)->name;
}

/* They become JSON keys and values of Prometheus labels without any escaping. */
Test(counters, labels_are_plain_and_unique)
{
	static const struct {
		const char *what;
		unsigned n;
		const char *(*label)(unsigned i);
	} tables[] = {
		{"close reasons", CLOSE_REASON_COUNT, stats_close_label},
		{"refusals", REFUSAL_COUNT, stats_refusal_label},
		{"protocols", PROTOCOL_TYPE_COUNT, stats_protocol_label},
		{"pools", POOL_COUNT, stats_pool_label},
		{"errors", STATS_ERROR_COUNT, stats_error_label},
		{"counters", STAT_CLOSES, scalar_name},
	};

	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (unsigned i = 0; i < tables[t].n; i++) {
			const char *label = tables[t].label(i);
			const size_t plain = strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789_");

			cr_assert_gt(plain, 0, "%s: row %u", tables[t].what, i);
			cr_assert_eq(label[plain], '\0', "%s: %s", tables[t].what, label);
			for (unsigned k = 0; k < i; k++)
				cr_assert_str_neq(label, tables[t].label(k), "%s", tables[t].what);
		}
}

Test(counters, close_codes_may_be_sent)
{
	for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
		const enum close_reason r = (enum close_reason)i;
		const uint16_t code = close_reason_code(r);
		const bool silent = close_reason_manner(r) == CLOSE_SILENTLY;

		if (r == CLOSE_PEER)
			cr_assert_eq(code, 0, "his own is repeated");
		else if (silent)
			cr_assert_eq(code, 0, "%s: nobody reads it", close_reason_label(r));
		else
			cr_assert(ws_close_may_send(code), "%s", close_reason_label(r));
	}
}

/* A close reason is cut at 123 bytes; the sentences are meant to be read whole. */
Test(counters, close_sentences_fit_into_a_close_frame)
{
	for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
		const char *text = close_reason_text((enum close_reason)i);

		cr_assert(strlen(text) >= 5 && strlen(text) <= 123, "%s", text);
	}
}

Test(counters, refusals_have_a_status_and_a_sentence)
{
	for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
		const enum refusal r = (enum refusal)i;
		const uint16_t status = refusal_status(r);
		const char *text = refusal_text(r);

		if (status != 0) {
			cr_assert(status >= 400 && status < 600, "%s", refusal_label(r));
			cr_assert_str_neq(http_status_text(status), "Unknown", "%u", status);
		}
		cr_assert_gt(strlen(text), 10, "%s", refusal_label(r));
		cr_assert_eq(strpbrk(text, "\r\n"), NULL, "%s", refusal_label(r));
	}
}

Test(counters, groups_are_those_of_the_statistics)
{
	static const char *const groups[] = {"basic", "health", "delivery", "workers"};

	for (unsigned i = 0; i < STAT_CLOSES; i++) {
		const struct stats_row *row = stats_row(i);
		bool known = false;

		for (size_t g = 0; g < ARRAY_LEN(groups); g++)
			known |= strcmp(row->group, groups[g]) == 0;
		cr_assert(known, "%s is in group %s", row->name, row->group);
		cr_assert_gt(strlen(row->help), 5, "%s", row->name);
		cr_assert_eq(strpbrk(row->help, "\\\n"), NULL, "%s", row->name);
	}
}

/* ---- blocks ---- */

Test(counters, every_value_is_summed)
{
	static struct stats_block blocks[3];
	uint64_t sum[STAT_COUNT] = {0};

	for (unsigned i = 0; i < STAT_COUNT; i++) {
		stats_add(&blocks[0], i, i + 1);
		stats_add(&blocks[1], i, 1000);
		stats_add(&blocks[1], i, 1);
		stats_set(&blocks[2], i, 7);
		stats_sub(&blocks[2], i, 2);
		cr_assert_eq(stats_get(&blocks[1], i), 1001);
	}
	for (size_t b = 0; b < ARRAY_LEN(blocks); b++)
		stats_sum(sum, &blocks[b]);
	for (unsigned i = 0; i < STAT_COUNT; i++)
		cr_assert_eq(sum[i], i + 1 + 1001 + 5);
}

/* Raised by the acceptor, lowered by a worker. */
Test(counters, a_gauge_of_two_blocks_sums_up)
{
	static struct stats_block blocks[2];
	uint64_t sum[STAT_COUNT] = {0};

	stats_add(&blocks[0], STAT_CONNECTIONS_ACTIVE, 5);
	stats_sub(&blocks[1], STAT_CONNECTIONS_ACTIVE, 3);
	stats_sum(sum, &blocks[1]);
	stats_sum(sum, &blocks[0]);
	cr_assert_eq(sum[STAT_CONNECTIONS_ACTIVE], 2);
}

Test(counters, blocks_share_no_cache_line)
{
	cr_assert_eq(_Alignof(struct stats_block) % 128, 0);
	cr_assert_eq(sizeof(struct stats_block) % 128, 0);
}
