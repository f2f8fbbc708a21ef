/* stats: once, or again and again. */
#include <stdio.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/report.h"
#include "wsmctl/stats_table.h"
#include "wsmctl/table.h"
#include "wsmctl/watch.h"

#define DEFAULT_INTERVAL_S 1

int stats_run(struct invocation *in)
{
	json_t *error, *stats;

	if (in->option[OPTION_WATCH] != NULL)
		return watch_run(in, option_number(in, OPTION_WATCH, DEFAULT_INTERVAL_S));
	stats = client_request(&in->client, "stats", NULL, &error);
	if (stats == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL)
		report_json(stats);
	else
		stats_table_print(stdout, stats, table_terminal_width());
	json_decref(stats);
	return WSMD_CTL_OK;
}
