/* The reason of a close frame: sentence, hint and recorder id, in 123 bytes. */
#include "worker/close_text.h"

#include <criterion/criterion.h>

#include <string.h>

#include "stats/close_reason.h"
#include "ws/rule.h"
#include "ws/utf8.h"

#define MINUTE_SIGN "\xe2\x80\xb2" /* three bytes */

static const struct conn_id id = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

Test(close_text, cases)
{
	static const struct {
		const char *sentence;
		uint32_t retry_ms;
		const char *want;
	} cases[] = {
		{"", 0, " [id=dqqcikbm]"},
		{"out", 0, "out [id=dqqcikbm]"},
		{"server is draining, reconnect", 2500,
	         "server is draining, reconnect [retry_ms=2500 id=dqqcikbm]"},
		{"late", UINT32_MAX, "late [retry_ms=4294967295 id=dqqcikbm]"},
	};
	char word[RECORDER_ID_TEXT], whole[CONN_ID_TEXT], text[CLOSE_TEXT_MAX + 1];

	conn_id_format(&id, whole);
	recorder_id(&id, word);
	cr_assert_eq(strncmp(whole + 10, word, 8), 0, "%s is a part of %s", word, whole);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const size_t n = close_text(text, cases[i].sentence, cases[i].retry_ms, &id);

		cr_expect_str_eq(text, cases[i].want);
		cr_expect_eq(n, strlen(text));
	}
}

/* Connections of one user share the first 48 bits of their ids, and the hint shows none of them. */
Test(close_text, the_recorder_id_is_of_random_bits)
{
	const uint64_t hash = 0xFFFFFFFFFFFF;
	char a[RECORDER_ID_TEXT], b[RECORDER_ID_TEXT];
	struct conn_id mine;

	conn_id_make(&mine, &hash, id.bytes);
	recorder_id(&id, a);
	recorder_id(&mine, b);
	cr_assert_str_eq(a, b, "the hash makes no difference");
	for (int byte = 7; byte < 11; byte++) {
		mine = id;
		mine.bytes[byte] ^= 0xFF;
		recorder_id(&mine, b);
		cr_assert_str_neq(a, b, "byte %d does", byte);
	}
}

/* Every length of a sentence, of one-byte and of three-byte characters, with and without a hint. */
Test(close_text, a_long_sentence_is_cut_between_characters)
{
	static const char *const characters[] = {"x", MINUTE_SIGN};
	static const uint32_t hints[] = {0, 1, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_LEN(characters) * ARRAY_LEN(hints) * 130; i++) {
		const char *character = characters[i % 2];
		const uint32_t retry_ms = hints[i / 2 % 3];
		const size_t width = strlen(character), size = i / 6 * width;
		char sentence[400] = "", text[CLOSE_TEXT_MAX + 1];
		uint8_t utf8 = WS_UTF8_WHOLE;
		size_t n, kept;

		for (size_t at = 0; at < size; at += width)
			memcpy(sentence + at, character, width);
		n = close_text(text, sentence, retry_ms, &id);
		kept = (size_t)(strrchr(text, '[') - 1 - text);
		cr_assert(n <= CLOSE_TEXT_MAX && n == strlen(text));
		cr_assert_eq(ws_utf8_check(&utf8, (const uint8_t *)text, n), n);
		cr_assert_eq(utf8, WS_UTF8_WHOLE);
		cr_assert(kept % width == 0 && kept <= size);
		cr_assert(kept == size || n + width > CLOSE_TEXT_MAX, "%zu of %zu, %zu", kept, size,
		          n);
		cr_assert(retry_ms > 0 || size > CLOSE_SENTENCE_MAX || kept == size);
	}
}

/* What the server says of its own accord fits whole, with any hint. */
Test(close_text, our_own_sentences_fit)
{
	char text[CLOSE_TEXT_MAX + 1];

	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		const char *sentence = close_reason_text((enum close_reason)i);

		close_text(text, sentence, UINT32_MAX, &id);
		cr_expect_eq(strncmp(text, sentence, strlen(sentence)), 0, "%s", sentence);
	}
	for (int i = 0; i < WS_RULE_COUNT; i++) {
		const char *sentence = ws_rule_text((enum ws_rule)i);

		close_text(text, sentence, 0, &id);
		cr_expect_eq(strncmp(text, sentence, strlen(sentence)), 0, "%s", sentence);
	}
}
