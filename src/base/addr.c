/* Address text, both ways. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static int parse_port(const char *text, uint16_t *ret)
{
	uint32_t port = 0;

	if (*text == '\0')
		return WSMD_EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return WSMD_EINVAL;
		port = port * 10 + (uint32_t)(*text - '0');
		if (port > 65535)
			return WSMD_EINVAL;
	}
	*ret = (uint16_t)port;
	return 0;
}

/* Brackets say IPv6 and only they do. */
static int parse_host(const char *host, bool bracketed, struct net_addr *ret)
{
	ret->family = bracketed ? 6 : 4;
	if (bracketed)
		return inet_pton(AF_INET6, host, ret->ip) == 1 ? 0 : WSMD_EINVAL;
	if (*host == '\0')
		return 0;
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	return inet_pton(AF_INET, host, ret->ip) == 1 ? 0 : WSMD_EINVAL;
}

int net_addr_parse(const char *text, struct net_addr *ret)
{
	struct net_addr a = {0};
	char host[INET6_ADDRSTRLEN] = "";
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	const bool bracketed = host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']';

	if (bracketed) {
		text++;
		host_len -= 2;
	}
	if (host_len >= sizeof(host))
		return WSMD_EINVAL;
	memcpy(host, text, host_len);
	if (parse_host(host, bracketed, &a) < 0 || parse_port(port, &a.port) < 0)
		return WSMD_EINVAL;
	*ret = a;
	return 0;
}

const char *net_addr_format(const struct net_addr *a, char buf[NET_ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN];

	switch (a->family) {
	case 4:
		inet_ntop(AF_INET, a->ip, ip, sizeof(ip));
		snprintf(buf, NET_ADDR_TEXT, "%s:%u", ip, a->port);
		break;
	case 6:
		inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
		snprintf(buf, NET_ADDR_TEXT, "[%s]:%u", ip, a->port);
		break;
	default:
		snprintf(buf, NET_ADDR_TEXT, "-");
	}
	return buf;
}

bool net_addr_is_loopback(const struct net_addr *a)
{
	static const uint8_t v6_loopback[16] = {[15] = 1};
	static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

	switch (a->family) {
	case 4:
		return a->ip[0] == 127;
	case 6:
		return memcmp(a->ip, v6_loopback, sizeof(v6_loopback)) == 0 ||
		       (memcmp(a->ip, v4_mapped, sizeof(v4_mapped)) == 0 && a->ip[12] == 127);
	default:
		return false;
	}
}
