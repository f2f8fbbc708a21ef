/* Nothing from outside reaches the terminal except through here. */
#include "wsmctl/printable.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "wsmctl/mem.h"

static bool locale_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Bytes of the character at @text, or 0 when there is none that this terminal could show. */
static size_t decode(wchar_t *ret_wc, const char *text, size_t len)
{
	const unsigned char first = (unsigned char)*text;
	mbstate_t state = {0};
	size_t n;

	if (first < 0x80) {
		*ret_wc = (wchar_t)first;
		return 1;
	}
	if (!locale_is_utf8())
		return 0;
	n = mbrtowc(ret_wc, text, len, &state);
	return n == (size_t)-1 || n == (size_t)-2 ? 0 : n;
}

char *printable(const char *text, size_t len)
{
	/* The longest escape for each input byte is \xNN. */
	char *out = must(malloc(4 * len + 1)), *p = out;

	while (len > 0) {
		wchar_t wc = 0;
		size_t n = decode(&wc, text, len);

		if (n > 0 && wcwidth(wc) > 0) {
			memcpy(p, text, n);
			p += n;
		} else if (n <= 1) {
			p += sprintf(p, "\\x%02x", (unsigned char)*text);
			n = 1;
		} else {
			p += sprintf(p, wc <= 0xffff ? "\\u%04x" : "\\U%08x", (unsigned)wc);
		}
		text += n;
		len -= n;
	}
	*p = '\0';
	return out;
}

char *printable_json(const json_t *value)
{
	char *raw, *text;

	if (value == NULL)
		return must(strdup("-"));
	if (json_is_string(value))
		return printable(json_string_value(value), json_string_length(value));
	raw = must(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)));
	text = printable(raw, strlen(raw));
	free(raw);
	return text;
}

size_t printable_fit(const char *text, size_t columns, size_t *ret_width)
{
	const char *p = text;
	size_t left = strlen(text), width = 0;

	while (left > 0) {
		wchar_t wc = 0;
		const size_t n = decode(&wc, p, left);
		const int w = n > 0 ? wcwidth(wc) : 1;

		if (width + (size_t)w > columns)
			break;
		width += (size_t)w;
		p += n > 0 ? n : 1;
		left -= n > 0 ? n : 1;
	}
	*ret_width = width;
	return (size_t)(p - text);
}

size_t printable_width(const char *text)
{
	size_t width;

	(void)printable_fit(text, (size_t)-1 / 2, &width);
	return width;
}

const char *printable_ellipsis(void)
{
	return locale_is_utf8() ? "…" : "...";
}
