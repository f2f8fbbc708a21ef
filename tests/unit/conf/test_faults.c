/* Every sentence, word for word, with its line; and all of them in one run. */
#include "conf/faults.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"
#include "bed.h"

static struct bed bed;

static void init(void)
{
	bed_init(&bed);
}

static void fini(void)
{
	bed_fini(&bed);
}

TestSuite(faults, .init = init, .fini = fini);

#define MAX_LINES 8
#define HUB_RULE                                                                                   \
	"not the name of a hub; expected \"*\", or a letter and then at most 127 of A-Z a-z 0-9 "  \
	"_ ` ,"                                                                                    \
	" . [ ]"
#define DEV_RULE                                                                                   \
	"--dev serves anyone without a token, so it listens on loopback addresses only; use "      \
	"127.0.0.1:PORT or leave --dev"
#define TWICE   "stands in the list twice; leave one of them out"
#define ADDRESS "expected an address such as \"127.0.0.1:8080\""

static const struct {
	const char *text;
	const char *faults[MAX_LINES];
} files[] = {
	{"{\n\"limits\": {\n\"max_mesage_bytes\": 5}}",
         {BED_FILE
          ":3: limits.max_mesage_bytes: unknown key; did you mean limits.max_message_bytes?"}},
	{"{\n\n\"limit\": {}}", {BED_FILE ":3: limit: unknown key; did you mean limits?"}},
	{"{\"tls_certificate\": {}}",
         {BED_FILE ":1: tls_certificate: unknown key; wsmd --init prints all that there are"}},
	{"{\"\": 1, \"log\": {\n\"\": 1}}",
         {BED_FILE ":1: \"\": unknown key; wsmd --init prints all that there are",
          BED_FILE ":2: log.\"\": unknown key; wsmd --init prints all that there are"}},
	{"{\"worke\\u001b\\n\\u00e9rs\": 1}",
         {BED_FILE ":1: worke\\x1b\\x0aérs: unknown key; wsmd --init prints all that there are"}},
	{"{\"limits.max_connections\": 5}",
         {BED_FILE ":1: limits.max_connections: a name with a dot opens no section; write "
                   "{\"limits\": {\"max_connections\": ...}}"}},
	{"{\"log\": {\"level.x\": 1}}",
         {BED_FILE ":1: log.level.x: unknown key; did you mean log.level?"}},
	{"[]", {BED_FILE ":1: expected an object, found a list of 0"}},
	{"{\"limits\":\n5}", {BED_FILE ":1: limits: expected an object, found 5"}},
	{"{\"hubs\": []}", {BED_FILE ":1: hubs: expected an object, found a list of 0"}},
	{"{\"hubs\": {\n\"chat\": \"echo\"}}",
         {BED_FILE ":2: hubs.chat: expected an object, found \"echo\""}},
	{"{\"hubs\": {\n\"9x\": {\"on_message\": 5}}}", {BED_FILE ":2: hubs.9x: " HUB_RULE}},
	{"{\"hubs\": {\n\"\": {}}}", {BED_FILE ":2: hubs.\"\": " HUB_RULE}},
	{"{\"hubs\": {\"chat\": {\n\"onmessage\": 5}}}",
         {BED_FILE ":2: hubs.chat.onmessage: unknown key; did you mean hubs.{hub}.on_message?"}},
	{"{\"hubs\": {\"chat\": {\n\"on_message\": \"shout\"}}}",
         {BED_FILE ":2: hubs.chat.on_message: expected one of \"drop\", \"echo\", \"callback\", "
                   "found \"shout\""}},
	{"{\"listen\": [\n\"127.0.0.1:1\",\n\"127.0.0.1\",\n5, \"::1:80\"]}",
         {BED_FILE ":3: listen[1]: " ADDRESS ", found \"127.0.0.1\"",
          BED_FILE ":4: listen[2]: " ADDRESS ", found 5",
          BED_FILE ":4: listen[3]: " ADDRESS ", found \"::1:80\""}},
	{"{\"listen\": \"127.0.0.1:80\"}",
         {BED_FILE
          ":1: listen: expected a list of 1 to 16 addresses such as [\"127.0.0.1:8080\"], found "
          "\"127.0.0.1:80\""}},
	{"{\"heartbeat\": {\n\"interval_s\": 75}}",
         {BED_FILE
          ":2: heartbeat.timeout_s must be greater than heartbeat.interval_s: 75 s is not more "
          "than 75 s, and healthy connections would be closed"}},
	{"{\"heartbeat\": {\n\"interval_s\": 5,\n\"timeout_s\": 4.5}}",
         {BED_FILE
          ":3: heartbeat.timeout_s must be greater than heartbeat.interval_s: 4.5 s is not more "
          "than 5 s, and healthy connections would be closed"}},
	/* A value with a fault of its own is not compared as well. */
	{"{\"heartbeat\": {\"interval_s\": 100,\n\"timeout_s\": -1}}",
         {BED_FILE
          ":2: heartbeat.timeout_s: expected a number of seconds from 0.05 to 86400, found -1"}},
	{"{\"workers\": -1,\n\"log\": {\"level\": \"warn\",\n\"formt\": 1},\n\n\"nothing\": "
         "0,\n\"auth\":"
         " {\"mode\": true}, \"listen\": [],\r\n\"drain\": 1}",
         {BED_FILE ":1: workers: expected a whole number from 0 to 256, found -1",
          BED_FILE
          ":2: log.level: expected one of \"error\", \"warning\", \"info\", \"debug\", found "
          "\"warn\"",
          BED_FILE ":3: log.formt: unknown key; did you mean log.format?",
          BED_FILE ":5: nothing: unknown key; wsmd --init prints all that there are",
          BED_FILE ":6: auth.mode: expected one of \"deny\", \"open\", "
                   "\"token\", found true",
          BED_FILE
          ":6: listen: expected a list of 1 to 16 addresses such as [\"127.0.0.1:8080\"], found "
          "a list of 0",
          BED_FILE ":7: drain: expected an object, found 1"}},
};

Test(faults, in_the_file)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *lines[MAX_LINES + 1] = {0};

		memcpy(lines, files[i].faults, sizeof(files[i].faults));
		bed_load(&bed, files[i].text, NULL);
		cr_expect_eq(bed.err, WSMD_ECONFIG);
		bed_expect_faults(&bed, lines, files[i].text);
	}
}

static const struct {
	struct conf_setting setting;
	const char *fault;
} settings[] = {
	{{"limits.max_message_bytes", "abc", "--set"},
         "--set limits.max_message_bytes=abc: expected a whole number from 125 to 1073741824, "
         "found "
         "\"abc\""},
	{{"limits.max_message_bytes", "124", "--set"},
         "--set limits.max_message_bytes=124: expected a whole number from 125 to 1073741824, "
         "found 124"},
	{{"limits.max_mesage_bytes", "5", "--set"},
         "--set limits.max_mesage_bytes=5: unknown key; did you mean limits.max_message_bytes?"},
	{{"limits", "5", "--set"}, "--set limits=5: a section; set its keys one by one"},
	{{"hubs", "{}", "--set"}, "--set hubs={}: a section; set its keys one by one"},
	{{"", "5", "--set"}, "--set =5: unknown key; wsmd --init prints all that there are"},
	{{"hubs.chat", "echo", "--set"},
         "--set hubs.chat=echo: unknown key; wsmd --init prints all that there are"},
	{{"hubs.chat.on_mesage", "echo", "--set"},
         "--set hubs.chat.on_mesage=echo: unknown key; did you mean hubs.{hub}.on_message?"},
	{{"hubs.9.on_message", "echo", "--set"}, "--set hubs.9.on_message=echo: " HUB_RULE},
	{{"hubs.{hub}.on_message", "echo", "--set"}, "--set hubs.{hub}.on_message=echo: " HUB_RULE},
	{{"hubs..on_message", "echo", "--set"}, "--set hubs..on_message=echo: " HUB_RULE},
	{{"hubs.a.on_message", "7", "--set"},
         "--set hubs.a.on_message=7: expected one of \"drop\", \"echo\", \"callback\", found "
         "\"7\""},
	{{"hubs.a.on_message", "callback", "--set"},
         "--set hubs.a.on_message=callback: callback is for programs that embed wsmd and handle "
         "messages; this one does not"},
	{{"workers", "", "--set"},
         "--set workers=: expected a whole number from 0 to 256, found \"\""},
	{{"workers", "[1,\n2]", "--set"},
         "--set workers=[1,\\x0a2]: expected a whole number from 0 to 256, found a list of 2"},
	{{"control.path", "a\xff", "--set"}, "--set control.path=a\\xff: not UTF-8 text"},
	{{"listen", "[\"7\", 8]", "--set"}, "--set listen=[\\\"7\\\", 8]: " ADDRESS ", found 8"},
	{{"listen", "nowhere", "--set"}, "--set listen=nowhere: " ADDRESS ", found \"nowhere\""},
	{{"listen", "nowhere", "--listen"}, "--listen nowhere: " ADDRESS},
	{{"log.level", "loud", "--log-level"},
         "--log-level loud: expected one of \"error\", \"warning\", \"info\", \"debug\", found "
         "\"loud\""},
	{{"heartbeat.timeout_s", "20", "--set"},
         "--set heartbeat.timeout_s=20: heartbeat.timeout_s must be greater than "
         "heartbeat.interval_s: 20 s"
         " is not more than 25 s, and healthy connections would be closed"},
};

Test(faults, in_settings)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		bed_load(&bed, NULL,
		         &(struct conf_args){.env_name = "production",
		                             .n_settings = 1,
		                             .settings = &settings[i].setting});
		cr_expect_eq(bed.err, WSMD_ECONFIG);
		bed_expect_faults(&bed, (const char *const[]){settings[i].fault, NULL},
		                  settings[i].setting.key);
	}
}

Test(faults, of_dev_name_each_address)
{
	const struct conf_setting more[] = {{"listen", "127.0.0.1:1", "--listen"},
	                                    {"listen", "192.0.2.1:2", "--listen"},
	                                    {"listen", ":3", "--listen"}};
	static const char file[] =
		"{\"listen\": [\"[::1]:1\",\n\"[::]:2\", \"127.0.0.1:3\",\n\":4\"]}";

	bed_load(&bed, file, &(struct conf_args){.dev = true});
	bed_expect_faults(&bed,
	                  (const char *const[]){BED_FILE ":2: listen[1]: [::]:2: " DEV_RULE,
	                                        BED_FILE ":3: listen[3]: 0.0.0.0:4: " DEV_RULE,
	                                        NULL},
	                  "file");
	bed_load(&bed, file, &(struct conf_args){.dev = true, .n_settings = 3, .settings = more});
	bed_expect_faults(&bed,
	                  (const char *const[]){"--listen 192.0.2.1:2: 192.0.2.1:2: " DEV_RULE,
	                                        "--listen :3: 0.0.0.0:3: " DEV_RULE, NULL},
	                  "--listen");
	bed_load(&bed, file, NULL);
	cr_expect_eq(bed.err, 0, "without --dev any address will do");
}

Test(faults, of_an_address_that_is_there_twice)
{
	static const char file[] = "{\"listen\": [\"127.0.0.1:8\", \"8\",\n\"127.0.0.1:9\", "
				   "\"[::1]:8\",\n\"localhost:8\", \":8\"]}";
	const struct conf_setting more[] = {{"listen", "127.0.0.1:8", "--listen"},
	                                    {"listen", "localhost:8", "--listen"}};

	bed_load(&bed, file, NULL);
	bed_expect_faults(&bed,
	                  (const char *const[]){BED_FILE ":3: listen[4]: 127.0.0.1:8 " TWICE,
	                                        BED_FILE ":3: listen[5]: 0.0.0.0:8 " TWICE, NULL},
	                  "file");
	bed_load(&bed, file, &(struct conf_args){.n_settings = 2, .settings = more});
	cr_expect_eq(bed.err, WSMD_ECONFIG);
	bed_expect_faults(&bed,
	                  (const char *const[]){"--listen localhost:8: 127.0.0.1:8 " TWICE, NULL},
	                  "--listen");
}

/* One run shows the faults of every layer. */
Test(faults, all_at_once)
{
	const struct conf_setting set[] = {{"workers", "many", "--set"}, {"nothing", "1", "--set"}};

	bed_load(&bed, "{\"workers\": 1.5,\n\"listen\": [\"0.0.0.0:1\"]}",
	         &(struct conf_args){
			 .env_name = "prod", .dev = true, .n_settings = 2, .settings = set});
	cr_expect_eq(bed.err, WSMD_ECONFIG);
	bed_expect_faults(
		&bed,
		(const char *const[]){
			"--env=prod: unknown environment; expected one of development, testing, "
			"staging, "
			"production; did you mean production?",
			BED_FILE ":1: workers: expected a whole number from 0 to 256, found 1.5",
			"--set workers=many: expected a whole number from 0 to 256, found \"many\"",
			"--set nothing=1: unknown key; wsmd --init prints all that there are",
			BED_FILE ":2: listen[0]: 0.0.0.0:1: " DEV_RULE, NULL},
		"all");
}

/* Without a known environment the missing half of a comparison would be a guess. */
Test(faults, no_comparison_with_a_guess)
{
	const struct conf_setting set = {"heartbeat.timeout_s", "20", "--set"};

	bed_load(&bed, NULL,
	         &(struct conf_args){.env_name = "x", .n_settings = 1, .settings = &set});
	cr_expect_eq(bed.faults.n, 1);
}

Test(faults, many)
{
	char text[32768] = "{";
	size_t len = 1;

	for (int i = 0; i < 1000; i++)
		len += (size_t)sprintf(text + len, "%s\n\"unknown%d\": 0", i ? "," : "", i);
	strcpy(text + len, "}");
	bed_load(&bed, text, NULL);
	cr_assert_eq(bed.faults.n, 1000);
	cr_expect(strstr(bed.faults.lines[999], ":1001: unknown999: ") != NULL, "%s",
	          bed.faults.lines[999]);
}

Test(faults, a_line_stays_a_line)
{
	char name[5000], text[2 * sizeof(name) + 100];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"%s\": 1, \"log\": {\"level\": \"%s\"}}", name, name);
	bed_load(&bed, text, NULL);
	cr_assert_eq(bed.faults.n, 2);
	cr_expect_lt(strlen(bed.faults.lines[0]), 300);
	cr_expect_lt(strlen(bed.faults.lines[1]), 300);
	cr_expect_eq(faults_add(&bed.faults,
	                        "a%sb\x7f"
	                        "c",
	                        "\n\t"),
	             0);
	cr_expect_str_eq(bed.faults.lines[2], "a??b?c");
}
