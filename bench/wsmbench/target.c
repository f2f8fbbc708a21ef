/* URLs of servers and ranges of source addresses. */
#include "target.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define DEFAULT_PORT ":80"

static bool names_user(const char *query)
{
	for (const char *p = query; p; p = strchr(p, '&')) {
		p += *p == '&' || *p == '?';
		if (strncmp(p, "user=", 5) == 0)
			return true;
	}
	return false;
}

const char *target_parse(const char *url, struct target *ret)
{
	struct target t = {0};
	size_t len;
	const char *bad;

	if (strncmp(url, "wss://", 6) == 0)
		return "wss:// is not supported: measure TLS behind the plain port";
	if (strncmp(url, "ws://", 5) != 0)
		return "the URL must begin with ws://";
	url += 5;
	len = strcspn(url, "/?#");
	if (len == 0 || len + sizeof(DEFAULT_PORT) > sizeof(t.authority))
		return "the URL has no usable host";
	for (bad = url; *bad != '\0'; bad++)
		if (*bad <= ' ' || *bad > '~' || *bad == '#')
			return "the URL has a space, a fragment or a byte that is not ASCII";
	memcpy(t.authority, url, len);
	/* A colon behind the last bracket is the port's; an IPv6 address has more of them. */
	const char *const bracket = strrchr(t.authority, ']');

	if (!strchr(bracket ? bracket : t.authority, ':'))
		memcpy(t.authority + len, DEFAULT_PORT, sizeof(DEFAULT_PORT));
	if (net_addr_parse(t.authority, &t.addr) != 0 || t.addr.port == 0)
		return "the host must be an IP address or localhost, with an optional port";
	url += len;
	if (strlen(url) + 2 > sizeof(t.path))
		return "the path is too long";
	snprintf(t.path, sizeof(t.path), "%s%s", url[0] == '/' ? "" : "/", url);
	const char *const query = strchr(t.path, '?');

	t.has_query = query != NULL;
	t.names_user = names_user(query);
	*ret = t;
	return NULL;
}

static int parse_ipv4(const char *text, size_t len, uint32_t *ret)
{
	struct net_addr a;
	char with_port[32];

	if (len > 15 || memchr(text, ':', len))
		return WSMD_EINVAL;
	snprintf(with_port, sizeof(with_port), "%.*s:0", (int)len, text);
	if (len == 0 || net_addr_parse(with_port, &a) != 0 || a.family != 4)
		return WSMD_EINVAL;
	*ret = (uint32_t)a.ip[0] << 24 | (uint32_t)a.ip[1] << 16 | (uint32_t)a.ip[2] << 8 | a.ip[3];
	return 0;
}

int source_range_parse(const char *text, struct source_range *ret)
{
	const size_t len = strcspn(text, "-");
	const char *const end = text[len] == '-' ? text + len + 1 : text;
	uint32_t first, last;

	if (parse_ipv4(text, len, &first) != 0 || parse_ipv4(end, strcspn(end, "-"), &last) != 0)
		return WSMD_EINVAL;
	if ((end != text && strchr(end, '-')) || last < first || last - first > 255)
		return WSMD_EINVAL;
	*ret = (struct source_range){.first = first, .count = last - first + 1};
	return 0;
}

struct net_addr source_range_at(const struct source_range *r, uint64_t i)
{
	const uint32_t ip = r->first + (uint32_t)(i % r->count);

	return (struct net_addr){
		.ip = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip},
		.family = 4,
	};
}
