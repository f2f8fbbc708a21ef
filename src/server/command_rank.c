/* ls with "sort": of all connections, those that come first. */
#include <string.h>

#include "base/err.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"
#include "server/render.h"

#define MAX_ROWS   1000
#define MATCH_ROOM 124 /* of a request's text */

static void finish_rank(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_rank(struct server *s, struct control *c, struct operation *op)
{
	json_t *rows = json_array();

	if (op->err < 0) {
		/* Half of an order is none. */
		control_fail(s, c, "busy", "not every worker could be asked", "try again", NULL);
		json_decref(rows);
		operation_free(op);
		return;
	}
	for (uint32_t i = 0; i < op->n_best; i++) {
		json_t *row = render_row(&op->best[i], NULL);

		json_object_set_new(row, "rate_per_s",
		                    json_real((double)op->best[i].rate_milli / 1000));
		json_array_append_new(rows, row);
	}
	control_reply(s, c,
	              json_pack("{s:o, s:I}", "connections", rows, "matched",
	                        (json_int_t)op->sum.matched));
	operation_free(op);
}

/* False: told. */
static bool read_order(struct server *s, struct control *c, json_t *args, enum ranking_key *ret_key,
                       uint32_t *ret_max) ON_MAIN;
static bool read_order(struct server *s, struct control *c, json_t *args, enum ranking_key *ret_key,
                       uint32_t *ret_max)
{
	const char *word = json_string_value(json_object_get(args, "sort"));
	json_t *limit = json_object_get(args, "limit");
	const json_int_t max = limit == NULL ? MAX_ROWS : json_integer_value(limit);

	if (word == NULL || !ranking_key_find(word, ret_key)) {
		control_fail(s, c, "bad_request",
		             "\"sort\" must be \"rate\", \"rtt\", \"score\", \"queue\" or \"idle\"",
		             NULL, NULL);
		return false;
	}
	if (max < 1 || max > MAX_ROWS || json_object_get(args, "cursor") != NULL) {
		control_fail(
			s, c, "bad_request",
			"with \"sort\", \"limit\" must be 1 to 1000, and there is no \"cursor\"",
			NULL, NULL);
		return false;
	}
	*ret_max = (uint32_t)max;
	return true;
}

void command_rank(struct server *s, struct control *c, json_t *args, const struct target *t)
{
	const bool reverse = json_is_true(json_object_get(args, "reverse"));
	char match[MATCH_ROOM] = "";
	enum ranking_key key;
	struct operation *op;
	uint32_t max, len;

	if (!read_order(s, c, args, &key, &max))
		return;
	if (json_object_get(args, "match") != NULL &&
	    !argument_name(s, c, args, "match", "", match, sizeof(match), &len))
		return;
	op = operation_new(s, c);
	if (op == NULL)
		return;
	op->target = *t;
	op->room = max;
	op->finish = finish_rank;
	op->ranking = ranking_new(key, reverse, 0);
	if (op->ranking == NULL) {
		operation_free(op);
		control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
		return;
	}
	operation_ask(s, c, op, REQUEST_RANK, NULL, match);
}
