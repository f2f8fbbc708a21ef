/* Every error has a text of its own, and no number is without one. */
#include "base/err.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/macros.h"

static const struct {
	int err;
	const char *text;
} cases[] = {
	{0, "success"},
	{WSMD_ENEEDMORE, "more input is needed"},
	{WSMD_ECONFIG, "the configuration is not valid"},
	{-EPIPE, "Broken pipe"},
	{-ENOENT, "No such file or directory"},
	{EPIPE, "unknown error"}, /* errors are negative */
	{-999, "unknown error"},
	{-9999, "unknown error"},
	{INT_MIN, "unknown error"},
	{INT_MAX, "unknown error"},
};

Test(err, texts)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_str_eq(err_text(cases[i].err), cases[i].text, "%d", cases[i].err);
}

Test(err, own_errors_are_below_those_of_the_kernel)
{
	static const int numbers[] = {
#define X(name, number, text) number,
		WSMD_ERRORS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		cr_assert_eq(numbers[i], -1001 - (int)i);
}
