/* heartbeat: the times of one connection. */
#include <stdio.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/report.h"

static void add_seconds(json_t *arguments, const char *name, const struct invocation *in,
                        enum option_id id)
{
	if (in->option[id] == NULL)
		return;
	if (json_object_set_new(arguments, name, json_real(option_number(in, id, 0))) != 0)
		must(NULL);
}

#define ANSWER_S 10 /* --timeout means something else here */

int heartbeat_run(struct invocation *in)
{
	json_t *arguments = must(json_pack("{s:s, s:b}", "connection", in->args[0], "reset",
	                                   in->option[OPTION_RESET] != NULL));
	json_t *error, *result;

	add_seconds(arguments, "interval_s", in, OPTION_INTERVAL);
	add_seconds(arguments, "timeout_s", in, OPTION_TIMEOUT);
	in->client.timeout_s = ANSWER_S;
	result = client_request(&in->client, "heartbeat", arguments, &error);
	if (result == NULL)
		return report_error_about(in, in->args[0], error);
	if (in->option[OPTION_JSON] != NULL)
		report_json(result);
	else
		printf("interval %g s, timeout %g s, %s\n",
		       json_number_value(json_object_get(result, "interval_s")),
		       json_number_value(json_object_get(result, "timeout_s")),
		       json_is_true(json_object_get(result, "own")) ? "its own" : "as configured");
	json_decref(result);
	return WSMD_CTL_OK;
}
