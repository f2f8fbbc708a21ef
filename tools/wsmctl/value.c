/* Sizes and ages for people; exact numbers are what --json is for. */
#include "wsmctl/value.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"

const char *value_bytes(char *dst, double bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t unit = 0;

	if (fabs(bytes) < 1024) {
		snprintf(dst, VALUE_TEXT_MAX, "%.0f B", bytes);
		return dst;
	}
	bytes /= 1024;
	/* 1023.95 would be rounded to "1024.0". */
	while (fabs(bytes) >= 1023.95 && unit + 1 < ARRAY_LEN(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(dst, VALUE_TEXT_MAX, "%.1f %s", bytes, units[unit]);
	return dst;
}

/* Two units, the smaller one with leading zeros: 3h05m. */
static const char *two_units(char *dst, double s, unsigned small_s, unsigned ratio,
                             const char *names)
{
	const uint64_t small = (uint64_t)(s / small_s);

	snprintf(dst, VALUE_TEXT_MAX, "%llu%c%02llu%c", (unsigned long long)(small / ratio),
	         names[0], (unsigned long long)(small % ratio), names[1]);
	return dst;
}

const char *value_duration(char *dst, double us)
{
	const double s = us / 1e6;

	/* No duration is negative or longer than the universe; then the number is all we know. */
	if (!(s >= 0 && s < 1e15))
		snprintf(dst, VALUE_TEXT_MAX, "%g s", s);
	else if (us == 0)
		snprintf(dst, VALUE_TEXT_MAX, "0");
	else if (us < 1000)
		snprintf(dst, VALUE_TEXT_MAX, "%.3g us", us);
	else if (us < 1e4)
		snprintf(dst, VALUE_TEXT_MAX, "%.1f ms", floor(us / 100) / 10);
	else if (us < 1e6)
		snprintf(dst, VALUE_TEXT_MAX, "%.0f ms", floor(us / 1000));
	else if (s < 60)
		snprintf(dst, VALUE_TEXT_MAX, fmod(s, 1) < 0.1 ? "%.0f s" : "%.1f s",
		         floor(s * 10) / 10);
	else if (s < 3600)
		return two_units(dst, s, 1, 60, "ms");
	else if (s < 86400)
		return two_units(dst, s, 60, 60, "hm");
	else
		return two_units(dst, s, 3600, 24, "dh");
	return dst;
}

static bool ends_with(const char *name, const char *tail)
{
	const size_t len = strlen(name), tail_len = strlen(tail);

	return len >= tail_len && strcmp(name + len - tail_len, tail) == 0;
}

/* Microseconds in the unit that @name ends with; 0: it is no duration. */
static double duration_unit_us(const char *name)
{
	if (ends_with(name, "_us"))
		return 1;
	if (ends_with(name, "_ms"))
		return 1e3;
	return ends_with(name, "_s") && !ends_with(name, "_per_s") ? 1e6 : 0;
}

bool value_is_duration(const char *name)
{
	return duration_unit_us(name) > 0;
}

static bool is_size(const char *name)
{
	const char *word = strstr(name, "bytes");

	return word != NULL && !ends_with(name, "_per_s") && (word == name || word[-1] == '_') &&
	       (word[5] == '\0' || word[5] == '_');
}

char *value_text(const char *name, const json_t *value)
{
	char buf[VALUE_TEXT_MAX];

	if (value == NULL || json_is_null(value))
		return must(strdup("-"));
	if (json_is_boolean(value))
		return must(strdup(json_is_true(value) ? "yes" : "no"));
	if (json_is_string(value) && json_string_length(value) == 0)
		return must(strdup("\"\""));
	if (!json_is_number(value))
		return printable_json(value);
	if (value_is_duration(name))
		return must(strdup(
			value_duration(buf, json_number_value(value) * duration_unit_us(name))));
	if (is_size(name))
		return must(strdup(value_bytes(buf, json_number_value(value))));
	if (json_is_integer(value))
		return printable_json(value);
	snprintf(buf, sizeof(buf), "%.6g", json_real_value(value));
	return must(strdup(buf));
}

char *value_title(const char *name, const json_t *value)
{
	size_t len = strlen(name);

	if (value == NULL || json_is_null(value) || json_is_number(value)) {
		if (value_is_duration(name) || (is_size(name) && ends_with(name, "_bytes")))
			len = (size_t)(strrchr(name, '_') - name);
	}
	return printable(name, len > 0 ? len : strlen(name));
}

char *value_rate(const char *name, double per_s)
{
	char buf[VALUE_TEXT_MAX];

	if (is_size(name))
		return must(strdup(value_bytes(buf, per_s)));
	snprintf(buf, sizeof(buf), fabs(per_s) < 100 ? "%.1f" : "%.0f", per_s);
	return must(strdup(buf));
}
