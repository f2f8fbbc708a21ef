/* The vectors against one byte at a time, up to an unreadable page. */
#include "ws/mask.h"

#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"

#define MAX_LEN   300
#define MAX_ALIGN 32

static const uint8_t keys[][4] = {
	{0x37, 0xfa, 0x21, 0x3d}, {0, 0, 0, 0}, {0xff, 0, 0, 0}, {0, 0, 0, 1},
	{0x80, 0x80, 0x80, 0x80},
};

static uint32_t key_of(const uint8_t bytes[4], size_t phase)
{
	uint8_t turned[4];
	uint32_t key;

	for (size_t i = 0; i < 4; i++)
		turned[i] = bytes[(i + phase) % 4];
	memcpy(&key, turned, sizeof(key));
	return key;
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 167 + 13);
}

/* Mask @len bytes at @data, with @margin bytes in front, and look at each byte of both. */
static void check(uint8_t *data, size_t margin, size_t len, const uint8_t key[4], size_t phase)
{
	uint32_t next;

	for (size_t i = 0; i < margin + len; i++)
		data[i] = pattern(i);
	next = ws_mask(data + margin, len, key_of(key, phase));
	cr_assert_eq(next, key_of(key, phase + len));
	for (size_t i = 0; i < margin; i++)
		cr_assert_eq(data[i], pattern(i));
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(data[margin + i], pattern(margin + i) ^ key[(phase + i) % 4],
		             "len %zu margin %zu phase %zu byte %zu", len, margin, phase, i);
}

Test(ws_mask, each_length_alignment_and_phase)
{
	uint8_t data[MAX_ALIGN + MAX_LEN + 8];

	for (size_t len = 0; len <= MAX_LEN; len++) {
		for (size_t align = 0; align < MAX_ALIGN; align++) {
			const size_t end = align + len;

			memset(data + end, 0xA5, 8);
			for (size_t phase = 0; phase < 4; phase++)
				check(data, align, len, keys[len % ARRAY_LEN(keys)], phase);
			for (size_t i = 0; i < 8; i++)
				cr_assert_eq(data[end + i], 0xA5, "wrote behind the end");
		}
	}
}

Test(ws_mask, ends_at_unreadable_page)
{
	struct guard g;

	guard_init(&g, MAX_LEN);
	for (size_t len = 0; len <= MAX_LEN; len++)
		check(guard_tail(&g, len), 0, len, keys[0], len % 4);
	guard_fini(&g);
}

Test(ws_mask, in_two_pieces)
{
	uint8_t whole[MAX_LEN], pieces[MAX_LEN];
	uint32_t key = key_of(keys[0], 0);

	for (size_t cut = 0; cut <= MAX_LEN; cut++) {
		for (size_t i = 0; i < MAX_LEN; i++)
			whole[i] = pieces[i] = pattern(i);
		ws_mask(whole, MAX_LEN, key);
		ws_mask(pieces + cut, MAX_LEN - cut, ws_mask(pieces, cut, key));
		cr_assert_arr_eq(whole, pieces, MAX_LEN, "cut at %zu", cut);
	}
}

/* RFC 6455 section 5.7 */
Test(ws_mask, example_of_the_rfc)
{
	uint8_t data[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58};

	ws_mask(data, sizeof(data), key_of(keys[0], 0));
	cr_assert_arr_eq(data, "Hello", 5);
}
