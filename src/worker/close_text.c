/* A sentence and its suffix in 123 bytes. */
#include "worker/close_text.h"

#include <stdio.h>
#include <string.h>

/* Ten characters hold the 48 bits of the user's hash, and two that are random already. */
#define HASH_CHARACTERS 10

void recorder_id(const struct conn_id *id, char dst[RECORDER_ID_TEXT])
{
	char text[CONN_ID_TEXT];

	conn_id_format(id, text);
	memcpy(dst, text + HASH_CHARACTERS, RECORDER_ID_TEXT - 1);
	dst[RECORDER_ID_TEXT - 1] = '\0';
}

/* How much of @sentence goes into @room bytes, not counting a character that would be cut. */
static size_t fitting(const char *sentence, size_t room)
{
	size_t n = strnlen(sentence, room + 1);

	if (n <= room)
		return n;
	n = room;
	while (n > 0 && ((unsigned char)sentence[n] & 0xC0) == 0x80)
		n--;
	return n;
}

size_t close_text(char dst[CLOSE_TEXT_MAX + 1], const char *sentence, uint32_t retry_ms,
                  const struct conn_id *id)
{
	char suffix[48], word[RECORDER_ID_TEXT];
	size_t suffix_len, n;

	recorder_id(id, word);
	if (retry_ms > 0)
		suffix_len = (size_t)snprintf(suffix, sizeof(suffix), " [retry_ms=%u id=%s]",
		                              retry_ms, word);
	else
		suffix_len = (size_t)snprintf(suffix, sizeof(suffix), " [id=%s]", word);
	n = fitting(sentence, CLOSE_TEXT_MAX - suffix_len);
	memcpy(dst, sentence, n);
	memcpy(dst + n, suffix, suffix_len + 1);
	return n + suffix_len;
}
