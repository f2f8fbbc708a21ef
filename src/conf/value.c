/* One value of one row, both ways. */
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/origin.h"

static bool store_number(const struct conf_key *k, void *field, double d)
{
	uint64_t whole;
	uint32_t narrow;

	if (!(d >= k->min && d <= k->max))
		return false;
	if (k->type == KEY_FACTOR) {
		memcpy(field, &d, sizeof(d));
		return true;
	}
	whole = k->type == KEY_SECONDS ? (uint64_t)(d * MS_PER_S + 0.5) : (uint64_t)d;
	if (k->type == KEY_WHOLE && (double)whole != d)
		return false;
	narrow = (uint32_t)whole;
	if (k->width == sizeof(whole))
		memcpy(field, &whole, sizeof(whole));
	else
		memcpy(field, &narrow, sizeof(narrow));
	return true;
}

static bool store_word(const struct conf_key *k, void *field, const char *word)
{
	for (uint32_t i = 0; i < k->n_words; i++) {
		if (strcmp(k->words[i], word) == 0) {
			memcpy(field, &i, sizeof(i));
			return true;
		}
	}
	return false;
}

static bool store_listen(struct conf *c, const json_t *list)
{
	struct net_addr addrs[CONF_MAX_LISTEN];
	const size_t n = json_array_size(list);

	if (n == 0 || n > CONF_MAX_LISTEN)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text == NULL || net_addr_parse(text, &addrs[i]) < 0)
			return false;
	}
	memcpy(c->listen, addrs, n * sizeof(addrs[0]));
	c->n_listen = (uint32_t)n;
	return true;
}

static bool store_origins(void *field, const json_t *list)
{
	struct conf_origins o = {.n = (uint32_t)json_array_size(list)};

	if (!json_is_array(list) || json_array_size(list) > CONF_MAX_ORIGINS)
		return false;
	for (size_t i = 0; i < o.n; i++) {
		const json_t *v = json_array_get(list, i);
		const size_t len = json_string_length(v);
		struct http_origin ignored;

		if (!json_is_string(v) || len >= ORIGIN_MAX)
			return false;
		memcpy(o.at[i], json_string_value(v), len);
		if (strcmp(o.at[i], "*") != 0 && !http_origin_parse(o.at[i], len, &ignored))
			return false;
	}
	memcpy(field, &o, sizeof(o));
	return true;
}

bool value_store(const struct conf_key *k, void *base, const json_t *v)
{
	char *field = (char *)base + k->offset;

	switch (k->type) {
	case KEY_WHOLE:
	case KEY_SECONDS:
	case KEY_FACTOR:
		return json_is_number(v) && store_number(k, field, json_number_value(v));
	case KEY_WORD:
		return json_is_string(v) && store_word(k, field, json_string_value(v));
	case KEY_SWITCH:
		if (!json_is_boolean(v))
			return false;
		*(bool *)field = json_is_true(v);
		return true;
	case KEY_TEXT:
		if (!json_is_string(v) || json_string_length(v) >= k->width)
			return false;
		memset(field, 0, k->width);
		memcpy(field, json_string_value(v), json_string_length(v));
		return true;
	case KEY_LISTEN:
		return store_listen(base, v);
	case KEY_ORIGINS:
		return store_origins(field, v);
	}
	return false;
}

/* The shortest text that reads back as the same number. */
static void format_number(char *buf, size_t cap, double d)
{
	snprintf(buf, cap, "%.15g", d);
	if (strtod(buf, NULL) != d)
		snprintf(buf, cap, "%.17g", d);
}

static uint64_t load_whole(const struct conf_key *k, const char *field)
{
	uint64_t whole;
	uint32_t narrow;

	if (k->width == sizeof(whole)) {
		memcpy(&whole, field, sizeof(whole));
		return whole;
	}
	memcpy(&narrow, field, sizeof(narrow));
	return narrow;
}

static void format_listen(const struct conf *c, char *buf)
{
	char text[NET_ADDR_TEXT];
	size_t len = 0;

	buf[len++] = '[';
	for (uint32_t i = 0; i < c->n_listen; i++)
		len += (size_t)snprintf(buf + len, VALUE_TEXT_MAX - len, "%s\"%s\"", i ? ", " : "",
		                        net_addr_format(&c->listen[i], text));
	buf[len++] = ']';
	buf[len] = '\0';
}

/* What was stored needs no escapes. */
static void format_origins(const struct conf_origins *o, char *buf)
{
	size_t len = 0;

	buf[len++] = '[';
	for (uint32_t i = 0; i < o->n; i++)
		len += (size_t)snprintf(buf + len, VALUE_TEXT_MAX - len, "%s\"%s\"", i ? ", " : "",
		                        o->at[i]);
	buf[len++] = ']';
	buf[len] = '\0';
}

const char *value_format(const struct conf_key *k, const void *base, char buf[VALUE_TEXT_MAX])
{
	const char *field = (const char *)base + k->offset;
	double d;

	switch (k->type) {
	case KEY_WHOLE:
		snprintf(buf, VALUE_TEXT_MAX, "%llu", (unsigned long long)load_whole(k, field));
		break;
	case KEY_SECONDS:
		format_number(buf, VALUE_TEXT_MAX, (double)load_whole(k, field) / MS_PER_S);
		break;
	case KEY_FACTOR:
		memcpy(&d, field, sizeof(d));
		format_number(buf, VALUE_TEXT_MAX, d);
		break;
	case KEY_WORD:
		value_quote(buf, VALUE_TEXT_MAX, k->words[load_whole(k, field)]);
		break;
	case KEY_SWITCH:
		strcpy(buf, *(const bool *)field ? "true" : "false");
		break;
	case KEY_TEXT:
		value_quote(buf, VALUE_TEXT_MAX, field);
		break;
	case KEY_LISTEN:
		format_listen(base, buf);
		break;
	case KEY_ORIGINS:
		format_origins((const void *)field, buf);
		break;
	}
	return buf;
}

void value_copy(const struct conf_key *k, void *to, const void *from)
{
	memcpy((char *)to + k->offset, (const char *)from + k->offset, k->width);
	if (k->type == KEY_LISTEN)
		((struct conf *)to)->n_listen = ((const struct conf *)from)->n_listen;
}

static void expect_word(const struct conf_key *k, char *buf)
{
	size_t len = (size_t)snprintf(buf, VALUE_EXPECT_MAX, "one of");

	for (size_t i = 0; i < k->n_words; i++)
		len += (size_t)snprintf(buf + len, VALUE_EXPECT_MAX - len, "%s \"%s\"",
		                        i ? "," : "", k->words[i]);
}

const char *value_expect(const struct conf_key *k, char buf[VALUE_EXPECT_MAX])
{
	switch (k->type) {
	case KEY_WHOLE:
		snprintf(buf, VALUE_EXPECT_MAX, "a whole number from %.0f to %.0f", k->min, k->max);
		break;
	case KEY_SECONDS:
		snprintf(buf, VALUE_EXPECT_MAX, "a number of seconds from %g to %g", k->min,
		         k->max);
		break;
	case KEY_FACTOR:
		snprintf(buf, VALUE_EXPECT_MAX, "a number from %g to %g", k->min, k->max);
		break;
	case KEY_WORD:
		expect_word(k, buf);
		break;
	case KEY_SWITCH:
		strcpy(buf, "true or false");
		break;
	case KEY_TEXT:
		snprintf(buf, VALUE_EXPECT_MAX, "a text of at most %zu bytes", k->width - 1);
		break;
	case KEY_LISTEN:
		snprintf(buf, VALUE_EXPECT_MAX,
		         "a list of 1 to %d addresses such as [\"127.0.0.1:8080\"]",
		         CONF_MAX_LISTEN);
		break;
	case KEY_ORIGINS:
		snprintf(buf, VALUE_EXPECT_MAX,
		         "a list of at most %d origins such as [\"https://app.example.com\"], or "
		         "\"*\" "
		         "in it",
		         CONF_MAX_ORIGINS);
		break;
	}
	return buf;
}

const char *value_found(const json_t *v, char buf[VALUE_FOUND_MAX])
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return strcpy(buf, "an object");
	case JSON_ARRAY:
		snprintf(buf, VALUE_FOUND_MAX, "a list of %zu", json_array_size(v));
		return buf;
	case JSON_STRING:
		buf[0] = '"';
		text_escape(buf + 1, VALUE_FOUND_MAX - 2, json_string_value(v),
		            json_string_length(v));
		return strcat(buf, "\"");
	case JSON_INTEGER:
	case JSON_REAL:
		format_number(buf, VALUE_FOUND_MAX, json_number_value(v));
		return buf;
	case JSON_TRUE:
		return strcpy(buf, "true");
	case JSON_FALSE:
		return strcpy(buf, "false");
	case JSON_NULL:
		break;
	}
	return strcpy(buf, "null");
}

size_t value_quote(char *dst, size_t cap, const char *text)
{
	size_t len = 0;

	ASSERT(cap >= 6 * strlen(text) + 3);
	dst[len++] = '"';
	for (; *text != '\0'; text++) {
		const unsigned char ch = (unsigned char)*text;

		if (ch < 0x20) {
			len += (size_t)snprintf(dst + len, cap - len, "\\u%04x", ch);
			continue;
		}
		if (ch == '"' || ch == '\\')
			dst[len++] = '\\';
		dst[len++] = *text;
	}
	dst[len++] = '"';
	dst[len] = '\0';
	return len;
}
