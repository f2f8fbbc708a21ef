/* The command line: what each option sets, and what is said about a wrong one. */
#include <criterion/criterion.h>
#include <getopt.h>
#include <string.h>

#include "program/options.h"

static struct options o;

/* Up to seven words; getopt keeps its place between calls unless told. */
static bool parse(const char *const *words)
{
	static char text[8][64];
	char *argv[9] = {"wsmd"};
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = strcpy(text[argc], words[argc - 1]);
	o = (struct options){0};
	optind = 0; /* begin anew */
	return options_parse(argc, argv, &o);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

Test(options, nothing_is_set_by_nothing)
{
	cr_assert(parse((const char *const[]){NULL}));
	cr_expect_not(o.dev || o.check || o.init || o.print_config || o.version || o.help);
	cr_expect_eq(o.n_settings, 0);
	cr_expect_null(o.file);
}

Test(options, flags)
{
	cr_assert(PARSE("--dev", "--check", "--init", "--print-config", "--version", "--help"));
	cr_expect(o.dev && o.check && o.init && o.print_config && o.version && o.help);
}

Test(options, values)
{
	cr_assert(PARSE("--config", "a.json", "--env=staging"));
	cr_expect_str_eq(o.file, "a.json");
	cr_expect_str_eq(o.env_name, "staging");
}

Test(options, settings_keep_their_order_and_origin)
{
	static const struct option_setting want[] = {
		{"listen", "127.0.0.1:1", "--listen"},
		{"listen", "127.0.0.1:2", "--listen"},
		{"limits.max_half_open", "7", "--set"},
		{"log.level", "a=b", "--set"},
	};

	cr_assert(PARSE("--listen", "127.0.0.1:1", "--listen=127.0.0.1:2", "--set",
	                "limits.max_half_open=7", "--set=log.level=a=b"));
	cr_assert_eq(o.n_settings, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		cr_expect_str_eq(o.settings[i].key, want[i].key);
		cr_expect_str_eq(o.settings[i].value, want[i].value);
		cr_expect_str_eq(o.settings[i].origin, want[i].origin);
	}
}

Test(options, short_forms_of_keys)
{
	cr_assert(PARSE("--workers", "3", "--control", "/tmp/x"));
	cr_expect_str_eq(o.settings[0].key, "workers");
	cr_expect_str_eq(o.settings[1].key, "control.path");
	cr_expect_str_eq(o.settings[1].value, "/tmp/x");
}

Test(options, check_takes_a_file)
{
	cr_assert(PARSE("--check", "a.json"));
	cr_expect(o.check);
	cr_expect_str_eq(o.file, "a.json");
}

/* What is said is all the operator has. */
struct refused {
	const char *words[4], *said;
};

static const struct refused refused[] = {
	{{"--dve"}, "unknown option --dve; did you mean --dev?"},
	{{"--listne", "x"}, "unknown option --listne; did you mean --listen?"},
	{{"--colour"}, "unknown option --colour; see wsmd --help"},
	{{"--config"}, "--config needs a value; see wsmd --help"},
	{{"--set", "novalue"}, "--set needs KEY=VALUE, got \"novalue\""},
	{{"--set", "=x"}, "--set needs KEY=VALUE, got \"=x\""},
	{{"wsmd.json"}, "unexpected word wsmd.json"},
	{{"--check", "a", "b"}, "unexpected word b"},
	{{"--check", "--config", "a", "b"}, "unexpected word b"},
};

Test(options, wrong_words_are_named)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const char *words[5] = {0};
		FILE *usual = stderr;
		char *said = NULL;
		size_t len;
		bool ok;

		memcpy(words, refused[i].words, sizeof(refused[i].words));
		stderr = open_memstream(&said, &len);
		ok = parse(words);
		fclose(stderr);
		stderr = usual;
		cr_expect_not(ok, "%s", words[0]);
		cr_expect(strstr(said, refused[i].said) != NULL, "%s: %s", words[0], said);
		cr_expect_eq(strncmp(said, "wsmd: ", 6), 0, "%s", said);
		cr_expect_eq(said[len - 1], '\n');
		free(said);
	}
}

Test(options, too_many_settings)
{
	char *argv[2 + 2 * (OPTIONS_MAX_SETTINGS + 1)] = {"wsmd"};
	int argc = 1;

	for (int i = 0; i < OPTIONS_MAX_SETTINGS; i++) {
		argv[argc++] = "--workers";
		argv[argc++] = "1";
	}
	o = (struct options){0};
	optind = 0;
	cr_expect(options_parse(argc, argv, &o));
	argv[argc++] = "--workers";
	argv[argc++] = "1";
	o = (struct options){0};
	optind = 0;
	cr_expect_not(options_parse(argc, argv, &o));
}

Test(options, help_and_manual_have_each_option)
{
	char *help = NULL, *man = NULL;
	size_t len;
	FILE *out = open_memstream(&help, &len);

	options_print_help(out);
	fclose(out);
	out = open_memstream(&man, &len);
	options_print_man(out);
	fclose(out);
	for (size_t i = 0; i < option_n_rows; i++) {
		char name[32];

		snprintf(name, sizeof(name), "--%s", option_rows[i].name);
		cr_expect(strstr(help, name) != NULL, "%s", name);
		cr_expect_eq(option_rows[i].help[0] == '\0', false);
	}
	cr_expect(strstr(man, "\\-\\-print\\-config") != NULL);
	free(help);
	free(man);
}
