/* Lookups in a head that the parser accepted. */
#include "http/field.h"

#include <string.h>

#include "base/err.h"
#include "http/octet.h"

static char to_lower(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
}

bool http_span_equals(const char *buf, struct http_span s, const char *text)
{
	return strlen(text) == s.len && memcmp(buf + s.at, text, s.len) == 0;
}

bool http_span_equals_nocase(const char *buf, struct http_span s, const char *lower)
{
	if (strlen(lower) != s.len)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		if (to_lower(buf[s.at + i]) != lower[i])
			return false;
	return true;
}

uint32_t http_head_find(const struct http_head *h, const char *buf, const char *name,
                        struct http_span *ret_first)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n_fields; i++) {
		if (!http_span_equals_nocase(buf, h->fields[i].name, name))
			continue;
		if (n++ == 0)
			*ret_first = h->fields[i].value;
	}
	return n;
}

static struct http_span trimmed(const char *buf, struct http_span s)
{
	while (s.len > 0 && octet_is_space((unsigned char)buf[s.at])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && octet_is_space((unsigned char)buf[s.at + s.len - 1]))
		s.len--;
	return s;
}

/* Cut what stands before the first @separator, and the separator, off @s. */
static struct http_span cut(const char *buf, struct http_span *s, char separator)
{
	const char *const start = buf + s->at;
	const char *const found = s->len > 0 ? memchr(start, separator, s->len) : NULL;
	const struct http_span first = {s->at, found ? (uint32_t)(found - start) : s->len};
	const uint32_t taken = first.len + (found ? 1 : 0);

	s->at += taken;
	s->len -= taken;
	return first;
}

bool http_list_next(const char *buf, struct http_span *list, struct http_span *ret)
{
	while (list->len > 0) {
		const struct http_span element = trimmed(buf, cut(buf, list, ','));

		if (element.len > 0) {
			*ret = element;
			return true;
		}
	}
	return false;
}

/* A token, or a protocol name with its version. */
static bool is_plain(const char *buf, struct http_span element)
{
	for (uint32_t i = 0; i < element.len; i++) {
		const unsigned char ch = (unsigned char)buf[element.at + i];

		if (!octet_in(ch, OCTET_TOKEN) && ch != '/')
			return false;
	}
	return true;
}

bool http_head_has_token(const struct http_head *h, const char *buf, const char *name,
                         const char *token)
{
	bool found = false;

	for (uint32_t i = 0; i < h->n_fields; i++) {
		struct http_span list = h->fields[i].value, element;

		if (!http_span_equals_nocase(buf, h->fields[i].name, name))
			continue;
		while (http_list_next(buf, &list, &element)) {
			if (!is_plain(buf, element))
				return false;
			found |= http_span_equals_nocase(buf, element, token);
		}
	}
	return found;
}

/* Value of a hexadecimal digit, or -1. */
static int hex_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch = to_lower(ch);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

long http_decode(const char *buf, struct http_span s, bool plus_is_space, char *dst, size_t cap)
{
	const char *in = buf + s.at;
	const char *const end = in + s.len;
	size_t n = 0;

	for (; in < end; n++) {
		char ch = *in++;

		if (ch == '%') {
			const int high = end - in >= 2 ? hex_value(in[0]) : -1;
			const int low = end - in >= 2 ? hex_value(in[1]) : -1;

			if (high < 0 || low < 0)
				return WSMD_EINVAL;
			ch = (char)(high << 4 | low);
			in += 2;
		} else if (ch == '+' && plus_is_space) {
			ch = ' ';
		}
		if (ch == '\0' || n >= cap)
			return WSMD_EINVAL;
		dst[n] = ch;
	}
	if (n >= cap)
		return WSMD_EINVAL;
	dst[n] = '\0';
	return (long)n;
}

bool http_query_get(const char *buf, struct http_span query, const char *name,
                    struct http_span *ret)
{
	while (query.len > 0) {
		struct http_span value = cut(buf, &query, '&');
		const struct http_span key = cut(buf, &value, '=');

		if (http_span_equals(buf, key, name)) {
			*ret = value;
			return true;
		}
	}
	return false;
}
