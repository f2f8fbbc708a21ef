/* Address text: what is accepted, what it prints as, and what is refused. */
#include "base/addr.h"

#include <criterion/criterion.h>

#include <string.h>

#include "base/err.h"

static const struct {
	const char *text, *printed; /* printed NULL: refused */
	uint8_t family;
	bool loopback;
} cases[] = {
	{"127.0.0.1:8080", "127.0.0.1:8080", 4, true},
	{"127.255.0.9:1", "127.255.0.9:1", 4, true},
	{"192.0.2.7:65535", "192.0.2.7:65535", 4, false},
	{"255.255.255.255:0", "255.255.255.255:0", 4, false},
	{"localhost:80", "127.0.0.1:80", 4, true},
	{":8080", "0.0.0.0:8080", 4, false},
	{"8080", "0.0.0.0:8080", 4, false},
	{"[::1]:443", "[::1]:443", 6, true},
	{"[::]:443", "[::]:443", 6, false},
	{"[::2]:443", "[::2]:443", 6, false},
	{"[2001:DB8:0:0::1]:9", "[2001:db8::1]:9", 6, false},
	{"[::ffff:127.0.0.1]:5", "[::ffff:127.0.0.1]:5", 6, true},
	{"[::ffff:128.0.0.1]:5", "[::ffff:128.0.0.1]:5", 6, false},
	{"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 6, false},
	{"", NULL, 0, false},
	{":", NULL, 0, false},
	{"127.0.0.1", NULL, 0, false},
	{"127.0.0.1:", NULL, 0, false},
	{"127.0.0.1:65536", NULL, 0, false},
	{"127.0.0.1:4294967376", NULL, 0, false},
	{"127.0.0.1:99999999999999999999", NULL, 0, false},
	{"127.0.0.1:-1", NULL, 0, false},
	{"127.0.0.1:+1", NULL, 0, false},
	{"127.0.0.1: 1", NULL, 0, false},
	{"127.0.0.1:80 ", NULL, 0, false},
	{" 127.0.0.1:80", NULL, 0, false},
	{"127.1:80", NULL, 0, false},
	{"256.0.0.1:80", NULL, 0, false},
	{"1.2.3.4.5:80", NULL, 0, false},
	{"example.com:80", NULL, 0, false},
	{"Localhost:80", NULL, 0, false},
	{"::1", NULL, 0, false},
	{"::1:80", NULL, 0, false},
	{"[::1]", NULL, 0, false},
	{"[::1]:", NULL, 0, false},
	{"[::1]80", NULL, 0, false},
	{"[::1:80", NULL, 0, false},
	{"::1]:80", NULL, 0, false},
	{"[[::1]]:80", NULL, 0, false},
	{"[]:80", NULL, 0, false},
	{"[:80", NULL, 0, false},
	{"[127.0.0.1]:80", NULL, 0, false},
	{"[localhost]:80", NULL, 0, false},
	{"[fe80::1%lo]:80", NULL, 0, false},
	{"[1:2:3:4:5:6:7:8:9]:80", NULL, 0, false},
	{"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:80", NULL, 0, false},
	{"0123456789012345678901234567890123456789012345678901234567890:80", NULL, 0, false},
};

Test(addr, parse_and_print)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_addr a, before;
		char text[NET_ADDR_TEXT];

		memset(&a, 0x5a, sizeof(a));
		before = a;
		const int err = net_addr_parse(cases[i].text, &a);

		if (cases[i].printed == NULL) {
			cr_assert_eq(err, WSMD_EINVAL, "'%s'", cases[i].text);
			cr_assert_eq(memcmp(&a, &before, sizeof(a)), 0, "'%s'", cases[i].text);
			continue;
		}
		cr_assert_eq(err, 0, "'%s'", cases[i].text);
		cr_assert_eq(a.family, cases[i].family, "'%s'", cases[i].text);
		cr_assert_eq(net_addr_is_loopback(&a), cases[i].loopback, "'%s'", cases[i].text);
		cr_assert_str_eq(net_addr_format(&a, text), cases[i].printed);
	}
}

Test(addr, what_is_printed_parses_to_the_same)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net_addr a, again;
		char text[NET_ADDR_TEXT];

		if (cases[i].printed == NULL)
			continue;
		cr_assert_eq(net_addr_parse(cases[i].text, &a), 0);
		cr_assert_eq(net_addr_parse(net_addr_format(&a, text), &again), 0);
		cr_assert_eq(memcmp(a.ip, again.ip, sizeof(a.ip)), 0);
		cr_assert_eq(a.port, again.port);
		cr_assert_eq(a.family, again.family);
	}
}

Test(addr, an_unknown_peer_is_a_dash_and_not_loopback)
{
	const struct net_addr unknown = {.ip = {127}};
	char text[NET_ADDR_TEXT];

	cr_assert_str_eq(net_addr_format(&unknown, text), "-");
	cr_assert(!net_addr_is_loopback(&unknown));
}
