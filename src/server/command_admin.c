/* stats, config, reload and drain: things about the server as a whole. */
#include "base/err.h"
#include "server/command.h"
#include "server/render.h"

void command_stats(struct server *s, struct control *c, json_t *args)
{
	struct stats_snapshot *now = malloc(sizeof(*now));

	(void)args;
	server_publish_stats(s);
	if (now == NULL || !stats_cell_read(&s->snapshot, now))
		control_fail(s, c, "internal", "out of memory", NULL, NULL);
	else
		control_reply(s, c, render_stats(s, now));
	free(now);
}

void command_config(struct server *s, struct control *c, json_t *args)
{
	(void)args;
	control_reply(s, c, render_conf(server_conf(s)));
}

static void add_change(void *arg, const char *key, enum conf_change change, const char *was,
                       const char *is)
{
	json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:s}", "key", key, "outcome",
	                                     change == CONF_APPLIED ? "applied" : "needs_restart",
	                                     "was", was, "is", is));
}

void command_reload(struct server *s, struct control *c, json_t *args)
{
	struct conf_faults faults = {0};
	json_t *changes = json_array(), *lines = json_array();
	const int err = server_reload(s, &faults, add_change, changes);
	char text[SERVER_LOWERED_TEXT];

	(void)args;
	for (size_t i = 0; i < faults.n; i++)
		json_array_append_new(lines, json_string(faults.lines[i]));
	if (err == 0 && s->args->file == NULL)
		control_reply(s, c,
		              json_pack("{s:O, s:s}", "changes", changes, "hint", SERVER_NO_FILE));
	else if (err == 0 && server_lowers_connections(s, text, sizeof(text)))
		control_reply(s, c, json_pack("{s:O, s:s}", "changes", changes, "hint", text));
	else if (err == 0)
		control_reply(s, c, json_pack("{s:O}", "changes", changes));
	else if (err == WSMD_ENOMEM)
		control_fail(s, c, "internal", "out of memory; nothing was changed", NULL, NULL);
	else
		control_fail(s, c, "refused",
		             "the new configuration is not valid; nothing was changed", NULL,
		             json_pack("{s:O}", "faults", lines));
	json_decref(changes);
	json_decref(lines);
	conf_faults_fini(&faults);
}

void command_drain(struct server *s, struct control *c, json_t *args)
{
	uint64_t sum[STAT_COUNT] = {0};

	(void)args;
	server_drain(s);
	for (uint32_t i = 0; i < s->n_blocks; i++)
		stats_sum(sum, &s->blocks[i]);
	stats_settle(sum);
	control_reply(s, c,
	              json_pack("{s:I}", "connections", (json_int_t)sum[STAT_CONNECTIONS_ACTIVE]));
}
