/* Every number there is, against the list of RFC 6455 section 7.4 written as ranges. */
#include "ws/close_code.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
	unsigned int first, last;
	bool receive, send;
} ranges[] = {
	{0, 999, false, false},      {1000, 1003, true, true},   {1004, 1006, false, false},
	{1007, 1009, true, true},    {1010, 1010, true, false},  {1011, 1014, true, true},
	{1015, 1015, false, false},  {1016, 2999, false, false}, {3000, 4999, true, true},
	{5000, 65535, false, false},
};

Test(ws_close_code, every_number)
{
	unsigned int next = 0;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		cr_assert_eq(ranges[i].first, next, "the ranges have a hole at %u", next);
		for (unsigned int c = ranges[i].first; c <= ranges[i].last; c++) {
			cr_assert_eq(ws_close_may_receive((uint16_t)c), ranges[i].receive, "%u", c);
			cr_assert_eq(ws_close_may_send((uint16_t)c), ranges[i].send, "%u", c);
			cr_assert(strlen(ws_close_text((uint16_t)c)) > 0, "%u", c);
		}
		next = ranges[i].last + 1;
	}
	cr_assert_eq(next, 65536);
}

Test(ws_close_code, text)
{
	cr_assert_str_eq(ws_close_text(WS_CLOSE_GOING_AWAY), "going away");
	cr_assert_str_eq(ws_close_text(2000), "unassigned");
	cr_assert_str_eq(ws_close_text(3999), "library code");
	cr_assert_str_eq(ws_close_text(4000), "application code");
	cr_assert_str_eq(ws_close_text(5000), "unassigned");
}
