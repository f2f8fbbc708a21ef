/* token: for a user, to be handed to his client. */
#include <stdio.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/report.h"

#define TTL_S 3600

int token_run(struct invocation *in)
{
	json_t *const arguments =
		must(json_pack("{s:s, s:I}", "user", in->args[0], "ttl_s",
	                       (json_int_t)option_duration_s(in, OPTION_TTL, TTL_S)));
	json_t *error;
	json_t *const result = client_request(&in->client, "token", arguments, &error);

	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL)
		report_json(result);
	else
		printf("%s\n", json_string_value(json_object_get(result, "token")));
	json_decref(result);
	return WSMD_CTL_OK;
}
