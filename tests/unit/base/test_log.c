/* Log lines: one for each event whatever is in it, and parseable in both formats. */
#include "base/log.h"

#include <criterion/criterion.h>

#include <jansson.h>
#include <string.h>

static char line[2 * LOG_LINE_MAX];
static size_t line_len;
static unsigned n_lines;
static uint64_t wall;
static bool stuck; /* the sink takes nothing */
static struct log log_of_test;

static enum log_level line_level;

static bool keep(void *arg, enum log_level level, const char *text, size_t len)
{
	cr_assert_eq(arg, line);
	if (stuck)
		return false;
	cr_assert_leq(len, LOG_LINE_MAX);
	memcpy(line, text, len);
	line[len] = '\0';
	line_len = len;
	line_level = level;
	n_lines++;
	return true;
}

static uint64_t wall_ms(void)
{
	return wall;
}

static void open_log(enum log_level level, enum log_format format)
{
	static const struct log_sink sink = {.write = keep, .arg = line, .wall_ms = wall_ms};

	log_init(&log_of_test, &sink);
	log_configure(&log_of_test, level, format);
	log_use(&log_of_test);
	n_lines = 0;
	wall = UINT64_C(1700000000123);
}

/* One line of UTF-8, ending in the only newline, nothing that moves a terminal's cursor. */
static void check_line(void)
{
	json_t *text = json_stringn(line, line_len);

	cr_assert_not_null(text, "not UTF-8: %s", line);
	json_decref(text);
	cr_assert_eq(strlen(line), line_len);
	cr_assert_eq(line[line_len - 1], '\n');
	for (size_t i = 0; i + 1 < line_len; i++)
		cr_assert((unsigned char)line[i] >= 0x20 && line[i] != 0x7f, "byte %02x at %zu",
		          line[i], i);
}

static json_t *parse_line(void)
{
	json_error_t error;
	json_t *json = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	cr_assert_not_null(json, "%s in %s", error.text, line);
	return json;
}

Test(log, the_form_of_a_line)
{
	struct log_line l;

	open_log(LOG_INFO, LOG_KV);
	cr_assert(log_begin(&l, LOG_WARNING, "closed"));
	log_str(&l, "user", "alice");
	log_str(&l, "reason", "pong timeout");
	log_str(&l, "empty", "");
	log_str(&l, "pair", "a=b");
	log_strn(&l, "part", "abcdef", 3);
	log_u64(&l, "age_s", UINT64_MAX);
	log_end(&l);
	cr_assert_str_eq(line,
	                 "time=2023-11-14T22:13:20.123Z level=warning event=closed user=alice "
	                 "reason=\"pong timeout\" empty=\"\" pair=\"a=b\" part=abc "
	                 "age_s=18446744073709551615\n");
	log_configure(&log_of_test, LOG_INFO, LOG_JSON);
	cr_assert(log_begin(&l, LOG_ERROR, "closed"));
	log_str(&l, "user", "al\"ice");
	log_u64(&l, "age_s", 7);
	log_end(&l);
	cr_assert_str_eq(line, "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"error\","
	                       "\"event\":\"closed\",\"user\":\"al\\\"ice\",\"age_s\":7}\n");
}

/* What stands without quotes is to be read as it is; what has an escape in it has quotes. */
Test(log, quotes_and_names_in_a_line)
{
	static const struct {
		const char *value, *kv, *json;
	} cases[] = {
		{"日本", " user=日本\n", ",\"user\":\"日本\"}\n"},
		{"al\"ice", " user=\"al\\\"ice\"\n", ",\"user\":\"al\\\"ice\"}\n"},
		{"a\\x1b", " user=\"a\\\\x1b\"\n", ",\"user\":\"a\\\\x1b\"}\n"},
		{"a\x1b", " user=\"a\\x1b\"\n", ",\"user\":\"a\\u001b\"}\n"},
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const char *want = i % 2 ? cases[i / 2].json : cases[i / 2].kv;
		struct log_line l;

		open_log(LOG_INFO, i % 2 ? LOG_JSON : LOG_KV);
		cr_assert(log_begin(&l, LOG_INFO, "opened"));
		log_str(&l, "user", cases[i / 2].value);
		log_end(&l);
		cr_expect_not_null(strstr(line, want), "%s", line);
	}
}

Test(log, levels)
{
	static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	struct log_line l;

	cr_assert(!log_enabled(LOG_ERROR), "a thread without a log is silent");
	cr_assert(!log_begin(&l, LOG_ERROR, "x"));
	for (size_t set = 0; set < ARRAY_LEN(levels); set++) {
		open_log(levels[set], LOG_KV);
		for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
			n_lines = 0;
			log_event(levels[i], "x", "text");
			cr_assert_eq(log_enabled(levels[i]), i <= set);
			cr_assert_eq(n_lines, i <= set);
			cr_assert(n_lines == 0 || line_level == levels[i]);
		}
	}
}

/* Two managers in one process: levels, formats, losses and lines are each one's own. */
static char other_line[LOG_LINE_MAX + 1];

static bool keep_other(void *arg, enum log_level level, const char *text, size_t len)
{
	(void)arg;
	(void)level;
	memcpy(other_line, text, len);
	other_line[len] = '\0';
	return true;
}

Test(log, two_logs_share_nothing)
{
	static const struct log_sink sink = {.write = keep_other, .wall_ms = wall_ms};
	struct log other;

	open_log(LOG_INFO, LOG_KV);
	log_init(&other, &sink);
	log_configure(&other, LOG_DEBUG, LOG_JSON);
	stuck = true;
	log_event(LOG_INFO, "lost", "x");
	stuck = false;
	log_use(&other);
	cr_assert_eq(log_used(), &other);
	log_event(LOG_DEBUG, "second", "x");
	cr_expect_str_eq(line, "", "%s", line);
	cr_expect(strstr(other_line, "\"event\":\"second\",\"text\"") != NULL, "%s", other_line);
	log_use(&log_of_test);
	log_event(LOG_DEBUG, "off", "x");
	cr_expect_str_eq(line, "", "%s", line);
	log_event(LOG_INFO, "first", "x");
	cr_expect(strstr(line, " event=first lines_lost=1 ") != NULL, "%s", line);
	cr_expect_null(strstr(other_line, "first"));
}

#define BYTES(s) (s), sizeof(s) - 1
#define SAME(s)  BYTES(s), NULL
#define HOLE     "\xef\xbf\xbd"

static const struct {
	const char *value;
	size_t len;
	const char *read; /* out of JSON again, where that differs */
} hostile[] = {
	{SAME("")},
	{SAME("\r\nlevel=error event=forged")},
	{SAME("\x1b]0;title\x07\x1b[2J")},
	{SAME("\" event=forged x=\"")},
	{SAME("\",\"event\":\"forged\",\"x\":\"")},
	{SAME("\\\",\\")},
	{BYTES("\xc0\xaf\xed\xa0\x80\xff\xfe"), HOLE HOLE HOLE HOLE HOLE HOLE HOLE},
	{SAME("a\0b")},
	{SAME("%s%n%s%n")},
	{SAME("\u202e right to left")},
	{SAME("\xc2\x85"
              "next\u2028line")},
	{SAME("日本")},
};

static void log_hostile(enum log_format format, const char *value, size_t len)
{
	struct log_line l;

	open_log(LOG_INFO, format);
	cr_assert(log_begin(&l, LOG_INFO, "refused"));
	log_strn(&l, "user", value, len);
	log_strn(&l, "path", value, len);
	log_u64(&l, "last", 1);
	log_end(&l);
	cr_assert_eq(n_lines, 1);
	check_line();
}

/* As a reader of key=value lines sees them: not what stands between quotes. */
static unsigned count_fields(const char *key)
{
	unsigned n = 0;
	bool quoted = false;

	for (const char *p = line; *p != '\0'; p++) {
		if (quoted && *p == '\\')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == ' ' && strncmp(p + 1, key, strlen(key)) == 0)
			n++;
	}
	cr_assert(!quoted, "%s", line);
	return n;
}

static void check_json_value(const char *value, size_t len)
{
	json_t *json = parse_line();
	const json_t *user = json_object_get(json, "user");

	cr_assert_str_eq(json_string_value(json_object_get(json, "event")), "refused");
	cr_assert_eq(json_integer_value(json_object_get(json, "last")), 1);
	cr_assert_eq(json_string_length(user), len);
	cr_assert_eq(memcmp(json_string_value(user), value, len), 0);
	json_decref(json);
}

Test(log, hostile_values_stay_values)
{
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		log_hostile(LOG_KV, hostile[i].value, hostile[i].len);
		cr_assert(strstr(line, " event=refused ") && strstr(line, " last=1\n"));
		cr_assert_eq(count_fields("event="), 1, "%s", line);
		log_hostile(LOG_JSON, hostile[i].value, hostile[i].len);
		if (hostile[i].read != NULL)
			check_json_value(hostile[i].read, strlen(hostile[i].read));
		else
			check_json_value(hostile[i].value, hostile[i].len);
	}
}

Test(log, long_values_are_cut_and_the_line_stays_whole)
{
	static char value[8192];

	for (unsigned byte = 0; byte < 256; byte++) {
		memset(value, (int)byte, sizeof(value));
		log_hostile(LOG_KV, value, sizeof(value));
		cr_assert_not_null(strstr(line, "..."));
		log_hostile(LOG_JSON, value, sizeof(value));
		json_decref(parse_line());
	}
}

/* Every length of line around the bound: the last fields go, whole, and the line says so. */
Test(log, a_full_line_says_that_it_was_cut)
{
	static const enum log_format formats[] = {LOG_KV, LOG_JSON};
	char value[401];
	bool cut_seen = false, whole_seen = false;

	for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
		open_log(LOG_INFO, formats[f]);
		for (size_t len = 0; len <= 400; len++) {
			struct log_line l;

			memset(value, 'v', len);
			cr_assert(log_begin(&l, LOG_INFO, "long"));
			log_strn(&l, "a", value, 400);
			log_strn(&l, "b", value, 200);
			log_strn(&l, "c", value, len);
			log_u64(&l, "d", 1);
			log_end(&l);
			check_line();

			const bool cut = strstr(line, formats[f] == LOG_KV ? " cut=true\n"
			                                                   : ",\"cut\":true}\n");
			const bool last = strstr(line, formats[f] == LOG_KV ? " d=1" : ",\"d\":1");

			cr_assert_neq(cut, last, "%zu: %s", len, line);
			cut_seen |= cut;
			whole_seen |= !cut;
			if (formats[f] == LOG_JSON)
				json_decref(parse_line());
		}
	}
	cr_assert(cut_seen && whole_seen);
}

Test(log, an_event_with_text)
{
	static char text[2000], names[2000];

	for (size_t i = 0; i + 3 < sizeof(names); i += 3)
		memcpy(names + i, "日", 3);
	open_log(LOG_INFO, LOG_KV);
	log_event(LOG_INFO, "listening", "address %s, backlog %d", "127.0.0.1:80", 5);
	cr_assert_not_null(
		strstr(line, " event=listening text=\"address 127.0.0.1:80, backlog 5\"\n"));
	memset(text, 'x', sizeof(text) - 1);
	log_event(LOG_INFO, "long", "%s", text);
	check_line();
	cr_assert_not_null(strstr(line, " cut=true\n"), "what is missing is said");
	for (size_t i = 0; i < 3; i++) {
		log_event(LOG_INFO, "long", "%.*s%s", (int)i, "ab", names);
		check_line();
		cr_assert_null(strstr(line, "\\x"), "cut inside a character: %s", line);
	}
}

/* Nobody may wait for the log, and nobody may believe it complete when it is not. */
Test(log, lost_lines_are_counted)
{
	open_log(LOG_INFO, LOG_KV);
	stuck = true;
	for (int i = 0; i < 7; i++)
		log_event(LOG_INFO, "gone", "x");
	stuck = false;
	log_event(LOG_INFO, "back", "x");
	cr_expect(strstr(line, "event=back lines_lost=7 ") != NULL, "%s", line);
	log_event(LOG_INFO, "again", "x");
	cr_expect_null(strstr(line, "lines_lost"), "%s", line);
}

Test(log, a_flood_becomes_a_number)
{
	struct log_gate gate = {0};
	struct log_line l;

	open_log(LOG_INFO, LOG_KV);
	for (int i = 0; i < 1000; i++)
		if (log_gate_begin(&gate, 5000 + (uint64_t)i / 10, &l, LOG_INFO, "refused"))
			log_end(&l);
	cr_expect_eq(n_lines, 10);
	cr_expect_not(log_gate_begin(&gate, 5999, &l, LOG_INFO, "refused"));
	cr_expect_not(log_gate_begin(&gate, 6000, &l, LOG_DEBUG, "refused"));
	cr_assert(log_gate_begin(&gate, 6000, &l, LOG_INFO, "refused"));
	log_end(&l);
	cr_expect(strstr(line, "event=refused lines_left_out=991\n") != NULL, "%s", line);
}
