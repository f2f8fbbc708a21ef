/* Cutting an origin into its three parts. */
#include "http/origin.h"

#include <string.h>
#include <strings.h>

#define PORT_DIGITS 5

static const struct {
	const char *scheme;
	uint32_t port;
} default_ports[] = {{"http", 80}, {"https", 443}};

static uint32_t default_port(const char *scheme, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(default_ports); i++) {
		if (strlen(default_ports[i].scheme) == len &&
		    strncasecmp(default_ports[i].scheme, scheme, len) == 0)
			return default_ports[i].port;
	}
	return 0;
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 3986 section 3.1 */
static bool scheme_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(text[i]) && (i == 0 || !is_one_of(text[i], "+-.")))
			return false;
	}
	return len > 0 && !(text[0] >= '0' && text[0] <= '9');
}

/* A name or an address; what else RFC 3986 allows in a host no browser sends. */
static bool host_valid(const char *text, size_t len)
{
	const bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';

	for (size_t i = brackets; i < len - brackets; i++) {
		if (!is_alnum(text[i]) && !is_one_of(text[i], brackets ? ":." : "-._"))
			return false;
	}
	return len > 0;
}

/* Behind the host: nothing, or a colon and a number. */
static bool port_of(const char *text, size_t len, uint32_t *port)
{
	uint32_t n = 0;

	if (len == 0)
		return true;
	if (text[0] != ':' || len == 1 || len > 1 + PORT_DIGITS)
		return false;
	for (size_t i = 1; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(text[i] - '0');
	}
	*port = n;
	return n > 0 && n <= UINT16_MAX;
}

static size_t host_len(const char *text, size_t len)
{
	const char *end = len > 0 && text[0] == '[' ? memchr(text, ']', len) : NULL;

	if (end != NULL)
		return (size_t)(end - text) + 1;
	end = memchr(text, ':', len);
	return end != NULL ? (size_t)(end - text) : len;
}

static bool set_host(struct http_origin *o, const char *text, size_t len)
{
	o->host = text;
	o->host_len = (uint32_t)host_len(text, len);
	o->port = default_port(o->scheme, o->scheme_len);
	return host_valid(o->host, o->host_len) &&
	       port_of(text + o->host_len, len - o->host_len, &o->port);
}

bool http_origin_parse(const char *text, size_t len, struct http_origin *ret)
{
	const char *const colon = memchr(text, ':', len);
	const size_t scheme_len = colon != NULL ? (size_t)(colon - text) : 0;

	if (!scheme_valid(text, scheme_len) || len < scheme_len + 3 || memcmp(colon, "://", 3) != 0)
		return false;
	ret->scheme = text;
	ret->scheme_len = (uint32_t)scheme_len;
	return set_host(ret, colon + 3, len - scheme_len - 3);
}

bool http_origin_of_host(const char *scheme, const char *host, size_t len, struct http_origin *ret)
{
	ret->scheme = scheme;
	ret->scheme_len = (uint32_t)strlen(scheme);
	return set_host(ret, host, len);
}

static bool same_text(const char *a, uint32_t a_len, const char *b, uint32_t b_len)
{
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

bool http_origin_same(const struct http_origin *a, const struct http_origin *b)
{
	return a->port == b->port &&
	       same_text(a->scheme, a->scheme_len, b->scheme, b->scheme_len) &&
	       same_text(a->host, a->host_len, b->host, b->host_len);
}

/* 127.0.0.0/8; a name such as 127.example.com is none of it. */
static bool is_loopback_v4(const char *text, size_t len)
{
	unsigned dots = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '.' && (text[i] < '0' || text[i] > '9'))
			return false;
		dots += text[i] == '.';
	}
	return dots == 3 && len > 4 && memcmp(text, "127.", 4) == 0;
}

bool http_origin_is_loopback(const struct http_origin *o)
{
	return same_text(o->host, o->host_len, "localhost", 9) ||
	       same_text(o->host, o->host_len, "[::1]", 5) || is_loopback_v4(o->host, o->host_len);
}
