/* Names of hubs, and which row answers for one. */
#include "conf/hubs.h"

#include <criterion/criterion.h>
#include <string.h>

#include "bed.h"

Test(hubs, names)
{
	static const struct {
		const char *name;
		bool valid;
	} cases[] = {
		{"*", true},         {"a", true},          {"Z", true},    {"chat", true},
		{"a9_`,.[]", true},  {"", false},          {"**", false},  {"*a", false},
		{"9a", false},       {"_a", false},        {"a b", false}, {"a-b", false},
		{"a/b", false},      {"a\\b", false},      {"a\"", false}, {"a\n", false},
		{"\xc3\xa4", false}, {"a\xc3\xa4", false}, {".a", false},  {"a{", false},
		{"a*", false},
	};
	char name[HUB_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(conf_hub_name_valid(cases[i].name, strlen(cases[i].name)),
		             cases[i].valid, "%s", cases[i].name);
	memset(name, 'h', sizeof(name));
	cr_expect(conf_hub_name_valid(name, HUB_NAME_MAX));
	cr_expect(!conf_hub_name_valid(name, HUB_NAME_MAX + 1));
	cr_expect(!conf_hub_name_valid("a\0b", 3));
	for (int ch = 0; ch < 256; ch++) {
		const char pair[2] = {'a', (char)ch};
		const bool allowed =
			ch != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		                          "0123456789_`,.[]",
		                          ch) != NULL;

		cr_expect_eq(conf_hub_name_valid(pair, 2), allowed, "byte %d", ch);
	}
}

Test(hubs, rows_are_sorted_whatever_their_order)
{
	static const char *const orders[][4] = {
		{"b", "a", "ab", "B"}, {"B", "a", "ab", "b"}, {"ab", "b", "B", "a"}};
	static const char *const sorted[] = {"*", "B", "a", "ab", "b"};
	struct conf *c = calloc(1, hubs_conf_bytes(CONF_MAX_HUBS));

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		c->n_hubs = 0;
		for (size_t j = 0; j < 4; j++)
			cr_assert_not_null(hubs_obtain(c, orders[i][j]));
		hubs_obtain(c, HUB_ANY);
		cr_assert_not_null(hubs_obtain(c, "a"));
		cr_assert_eq(c->n_hubs, 5);
		for (size_t j = 0; j < 5; j++)
			cr_expect_str_eq(c->hubs[j].name, sorted[j]);
	}
	free(c);
}

Test(hubs, the_row_that_answers)
{
	struct bed bed;

	bed_init(&bed);
	bed_load(&bed,
	         "{\"hubs\": {\"*\": {\"on_message\": \"echo\"}, \"chat\": {\"on_message\": "
	         "\"drop\"},"
	         " \"a.b\": {\"on_message\": \"drop\"}, \"_comment\": 1, \"empty\": {}}}",
	         NULL);
	cr_assert_eq(bed.err, 0);
	cr_expect_eq(bed.conf->n_hubs, 3);
	cr_expect_eq(conf_hub_action(bed.conf, "chat", 4), HUB_DROP);
	cr_expect_eq(conf_hub_action(bed.conf, "chatter", 4), HUB_DROP, "only so many bytes");
	cr_expect_eq(conf_hub_action(bed.conf, "a.b", 3), HUB_DROP);
	cr_expect_eq(conf_hub_action(bed.conf, "Chat", 4), HUB_ECHO, "case matters");
	cr_expect_eq(conf_hub_action(bed.conf, "chats", 5), HUB_ECHO);
	cr_expect_eq(conf_hub_action(bed.conf, "cha", 3), HUB_ECHO);
	cr_expect_eq(conf_hub_action(bed.conf, "empty", 5), HUB_ECHO);
	cr_expect_eq(conf_hub_action(bed.conf, "", 0), HUB_ECHO);
	bed_fini(&bed);
}

/* As many as there may be, and one more. */
Test(hubs, bound)
{
	char text[64 * (CONF_MAX_HUBS + 2)];
	struct bed bed;

	bed_init(&bed);
	for (int n = CONF_MAX_HUBS - 1; n <= CONF_MAX_HUBS; n++) {
		size_t len = (size_t)sprintf(text, "{\"hubs\": {\n\"_comment\": 0");

		for (int i = 0; i < n; i++)
			len += (size_t)sprintf(text + len, ",\n\"h%d\": {\"on_message\": \"echo\"}",
			                       i);
		sprintf(text + len, "}}");
		bed_load(&bed, text, NULL);
		if (n < CONF_MAX_HUBS)
			cr_expect_eq(bed.conf->n_hubs, CONF_MAX_HUBS);
		else
			bed_expect_faults(
				&bed,
				(const char *const[]){
					BED_FILE ":258: hubs.h255.on_message: one hub too many; at "
						 "most 256 can be named, \"*\" included",
					NULL},
				"bound");
	}
	bed_fini(&bed);
}
