/* reload, drain, config: commands about the daemon as a whole. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"

/* wsmd writes settings as text already, with the quotes that they have in its configuration. */
static char *setting_text(const json_t *value)
{
	return value != NULL ? printable_json(value) : must(strdup("(unset)"));
}

static void print_change(const json_t *change)
{
	const char *outcome = json_string_value(json_object_get(change, "outcome"));
	char *key = printable_json(json_object_get(change, "key"));
	char *was = setting_text(json_object_get(change, "was"));
	char *is = setting_text(json_object_get(change, "is"));

	printf("%s: %s -> %s (%s)\n", key, was, is,
	       outcome != NULL && strcmp(outcome, "applied") == 0 ? "applied" : "needs restart");
	free(key);
	free(was);
	free(is);
}

int reload_run(struct invocation *in)
{
	json_t *error, *change, *result = client_request(&in->client, "reload", NULL, &error);
	size_t i;

	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL) {
		report_json(result);
	} else {
		const json_t *changes = json_object_get(result, "changes");

		if (json_array_size(changes) == 0)
			puts("nothing changed");
		json_array_foreach(changes, i, change) print_change(change);
		report_hint(result);
	}
	json_decref(result);
	return WSMD_CTL_OK;
}

int drain_run(struct invocation *in)
{
	json_t *error, *result = client_request(&in->client, "drain", NULL, &error);

	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL)
		report_json(result);
	else
		printf("draining, connections still open: %lld\n",
		       (long long)json_integer_value(json_object_get(result, "connections")));
	json_decref(result);
	return WSMD_CTL_OK;
}

/* A configuration is JSON wherever one meets it, so there is no other form to print. */
int config_run(struct invocation *in)
{
	json_t *error, *result = client_request(&in->client, "config", NULL, &error);
	size_t flags = report_json_flags();
	char *text;

	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] == NULL)
		flags = (flags & ~(size_t)JSON_COMPACT) | JSON_INDENT(2);
	text = must(json_dumps(result, flags));
	puts(text);
	free(text);
	json_decref(result);
	return WSMD_CTL_OK;
}
