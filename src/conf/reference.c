/* The reference page: every key as a Markdown table. */
#include <errno.h>
#include <string.h>

#include "conf/value.h"

static const char preamble[] =
	"# Configuration\n"
	"\n"
	"<!-- Printed from src/conf/schema.c; a unit test says when this file is stale and how to\n"
	"     print it again. -->\n"
	"\n"
	"The configuration is one JSON file. `wsmd --init` prints a complete one to start from,\n"
	"`wsmd --check FILE` finds all faults in one run, each with its line, and\n"
	"`wsmd --print-config` prints what the server would use.\n"
	"\n"
	"Each key may be left out. Its value is the last of these that is given:\n"
	"\n"
	"1. its default, which for some keys depends on the environment, for others on `--dev`;\n"
	"2. the file;\n"
	"3. the command line: `--set KEY=VALUE` for any key, `--listen ADDR:PORT` for `listen`. "
	"The\n"
	"   value is JSON or a bare word, as in `--set hubs.chat.on_message=echo`. The first\n"
	"   `--listen` replaces the list, each further one adds to it.\n"
	"\n"
	"A dotted key names a member of a section: `log.level` is written\n"
	"`{\"log\": {\"level\": \"info\"}}`. A key may be given once, an unknown key is a fault, "
	"and a\n"
	"member `\"_comment\"` of any object is ignored. Times are in seconds and may have "
	"decimals;\n"
	"they are kept to the millisecond.\n"
	"\n"
	"The environment is `development`, `testing`, `staging` or `production`: what `--env` "
	"says,\n"
	"else the variable `WSMD_ENV`, else `ENVIRONMENT`, else `development`. An empty variable\n"
	"counts as not set, an unknown name is a fault.\n"
	"\n"
	"With `--dev` every address in `listen` must be a loopback address, because anyone is "
	"served\n"
	"without a token. `heartbeat.timeout_s` must be greater than `heartbeat.interval_s`.\n"
	"\n"
	"The name of a hub, `{hub}` below, is a letter and then at most 127 letters, digits or any "
	"of\n"
	"``_ ` , . [ ]``; case matters. At most 256 hubs can be named, `\"*\"` included.\n"
	"\n"
	"\"Applied by\" says what a changed value needs: a reload, or a restart of the server.\n"
	"\n"
	"| Key | Meaning | Value | Default | Applied by |\n"
	"|---|---|---|---|---|\n";

static void print_default(FILE *out, const struct conf_key *k)
{
	if (k->value[1] == NULL) {
		fprintf(out, "`%s`", k->value[0]);
	} else {
		for (int env = 0; env < CONF_ENVS; env++)
			fprintf(out, "%s%s `%s`", env ? ", " : "",
			        conf_env_name((enum conf_env)env), k->value[env]);
	}
	if (k->dev != NULL)
		fprintf(out, ", with `--dev` `%s`", k->dev);
}

int conf_print_reference(FILE *out)
{
	fputs(preamble, out);
	conf_keys_for_each(k)
	{
		char expected[VALUE_EXPECT_MAX];

		fprintf(out, "| `%s` | %s | %s | ", k->name, k->help, value_expect(k, expected));
		print_default(out, k);
		fprintf(out, " | %s |\n", k->reload ? "reload" : "restart");
	}
	return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
