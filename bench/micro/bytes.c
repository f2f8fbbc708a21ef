/* What touches each byte of a payload: masks, UTF-8, SipHash, beside a memcpy of as many. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/siphash.h"
#include "micro.h"
#include "ws/blocks.h"
#include "ws/mask.h"
#include "ws/mask_short.h"
#include "ws/text.h"
#include "ws/utf8.h"

#define KIB 1024u
#define MIB (1024u * KIB)

#define LEMIRE "validateutf8-experiments of D. Lemire, README, 16 KiB, AVX2 at 3.4 GHz"

struct bytes {
	uint8_t *data;
	uint64_t len;
	uint32_t key;
	const struct ws_blocks *form;
	struct micro_copy copy;
};

static struct bytes bytes_of(uint64_t len)
{
	struct bytes b = {.data = micro_memory(len), .len = len, .key = 0x05D0211};

	b.copy = (struct micro_copy){.dst = micro_memory(len), .src = b.data, .len = len};
	return b;
}

/* What is short takes nanoseconds, what is long has a speed. */
static void measure(const char *name, struct bytes *b, micro_run run, const char *field)
{
	micro_measure(&(struct micro_case){
		.name = name,
		.run = run,
		.arg = b,
		.bytes = b->len < KIB ? 0 : b->len,
		.yardstick = {.name = "memcpy", .run = micro_copy_run, .arg = &b->copy},
		.field = field,
	});
}

/* ---- masks ---- */

/* Into another place: what was stored a moment ago would not load at full speed. */
static void run_mask(void *arg, uint64_t n)
{
	const struct bytes *b = arg;

	while (n-- > 0) {
		ws_mask_copy(b->copy.dst, b->data, b->len, b->key);
		micro_use((uintptr_t)b->copy.dst);
	}
}

static void run_mask_form(void *arg, uint64_t n)
{
	const struct bytes *b = arg;

	while (n-- > 0)
		micro_use(b->form->mask(b->copy.dst, b->data, b->len, b->key));
}

void micro_mask(void)
{
	struct bytes small = bytes_of(20), medium = bytes_of(512), large = bytes_of(16 * KIB);
	struct bytes huge = bytes_of(MIB);

	measure("mask: 20 bytes", &small, run_mask, NULL);
	measure("mask: 512 bytes", &medium, run_mask, NULL);
	measure("mask: 16 KiB", &large, run_mask,
	        "up to 90 GB/s with AVX-512 on a Ryzen 9 7950X3D (asm-bufferutil, README)");
	measure("mask: 1 MiB", &huge, run_mask, NULL);
	large.form = &ws_blocks_plain;
	measure("mask: 16 KiB, plain form", &large, run_mask_form, NULL);
}

/* ---- UTF-8 ---- */

/* Characters of 1 to @most bytes, as many of each width, in no order. */
static void fill_mixed(struct bytes *b, unsigned int most)
{
	static const char *const characters[] = {"a", "\xc3\xa4", "\xe2\x82\xac",
	                                         "\xf0\x9f\x98\x80"};
	uint64_t seed = 1, at = 0;

	while (at + 4 <= b->len) {
		const char *const c = characters[micro_random(&seed) % most];

		memcpy(b->data + at, c, strlen(c));
		at += strlen(c);
	}
	memset(b->data + at, 'a', b->len - at);
}

/* Three bytes of ASCII and a character of three bytes, again and again. */
static void fill_half(struct bytes *b)
{
	memset(b->data, 'a', b->len);
	for (uint64_t at = 0; at + 6 <= b->len; at += 6)
		memcpy(b->data + at + 3, "\xe2\x82\xac", 3);
}

static void run_check(void *arg, uint64_t n)
{
	const struct bytes *b = arg;
	uint8_t state = WS_UTF8_WHOLE;

	while (n-- > 0)
		ASSERT(ws_utf8_check(&state, b->data, b->len) == b->len);
}

static void run_walk(void *arg, uint64_t n)
{
	const struct bytes *b = arg;
	uint8_t state = WS_UTF8_WHOLE;

	while (n-- > 0)
		ASSERT(ws_utf8_walk(&state, b->data, b->len) == b->len);
}

/* As the receiver does it, but into another place, so that there is the same to do each time. */
static void run_unmask(void *arg, uint64_t n)
{
	const struct bytes *b = arg;
	uint8_t state = WS_UTF8_WHOLE, *const dst = b->copy.dst;

	while (n-- > 0) {
		if (b->len <= WS_MASK_SHORT && ws_mask_short(dst, b->data, b->len, b->key, true))
			micro_use((uintptr_t)dst);
		else
			ASSERT(ws_text_unmask(dst, b->data, b->len, b->key, &state) == b->len);
	}
}

void micro_utf8(void)
{
	struct bytes small = bytes_of(20), large = bytes_of(16 * KIB);

	fill_mixed(&small, 1);
	fill_mixed(&large, 1);
	measure("utf8: check 20 bytes", &small, run_check, NULL);
	measure("utf8: check 16 KiB", &large, run_check, "41 GB/s (" LEMIRE ")");
	measure("utf8: unmask + check 20 bytes", &small, run_unmask, NULL);
	measure("utf8: unmask + check 16 KiB", &large, run_unmask, NULL);
	fill_mixed(&large, 2);
	measure("utf8: check 1 or 2 bytes", &large, run_check, "11.1 GB/s (the same)");
	fill_mixed(&large, 3);
	measure("utf8: check 1 to 3 bytes", &large, run_check, "11.1 GB/s (the same)");
	fill_mixed(&large, 4);
	measure("utf8: check 1 to 4 bytes", &large, run_check, "11.0 GB/s (the same)");
	measure("utf8: the same by the automaton", &large, run_walk, "0.67 GB/s (the same, dfa)");
	fill_half(&large);
	large.key = 0;
	measure("utf8: unmask + check, half 3 bytes", &large, run_unmask, NULL);
}

/* ---- SipHash ---- */

static void run_siphash(void *arg, uint64_t n)
{
	static const struct siphash_key key = {0x0706050403020100, 0x0F0E0D0C0B0A0908};
	const struct bytes *b = arg;

	while (n-- > 0)
		micro_use(siphash(&key, b->data, b->len));
}

void micro_siphash(void)
{
	struct bytes name = bytes_of(16), large = bytes_of(16 * KIB);

	micro_measure(&(struct micro_case){
		.name = "siphash: 16 bytes",
		.run = run_siphash,
		.arg = &name,
		.yardstick = micro_call,
		.field =
			"52 cycles if nothing but latency counted (G. Spelvin, linux-kernel, 2016)",
	});
	measure("siphash: 16 KiB", &large, run_siphash,
	        "2.06 GB/s, assembly on an i7-6500U (aead/siphash, README)");
}
