/* join, leave, groups: who is in which group. */
#include <string.h>

#include "base/err.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/operation.h"

/* An operation about the target of the arguments, with what @read adds to it; NULL: told. */
static struct operation *begin(struct server *s, struct control *c, json_t *args,
                               bool (*read)(struct server *s, struct control *c, json_t *args,
                                            struct target *t)) ON_MAIN;
static struct operation *begin(struct server *s, struct control *c, json_t *args,
                               bool (*read)(struct server *s, struct control *c, json_t *args,
                                            struct target *t))
{
	struct operation *op = operation_new(s, c);

	if (op == NULL)
		return NULL;
	if (read(s, c, args, &op->target))
		return op;
	operation_free(op);
	return NULL;
}

/* ---- join ---- */

static bool read_join(struct server *s, struct control *c, json_t *args, struct target *t) ON_MAIN;
static bool read_join(struct server *s, struct control *c, json_t *args, struct target *t)
{
	return argument_either(s, c, args, t) && argument_group(s, c, args, t);
}

/* Why somebody could not join, the key of the limit that refused him first. */
static const char *join_reason(const struct operation *op)
{
	if (op->joins[JOIN_REFUSED_CONNECTION] > 0)
		return "max_groups_per_connection";
	if (op->joins[JOIN_REFUSED_HUB] > 0)
		return "max_groups_per_hub";
	return "no_memory";
}

static void tell_refusal(struct server *s, struct control *c, const struct operation *op) ON_MAIN;
static void tell_refusal(struct server *s, struct control *c, const struct operation *op)
{
	if (op->joins[JOIN_REFUSED_CONNECTION] > 0)
		control_fail(
			s, c, "refused",
			"it is in as many groups as limits.max_groups_per_connection allows",
			"`wsmctl groups` shows which; it can leave one, or the limit be raised",
			NULL);
	else if (op->joins[JOIN_REFUSED_HUB] > 0)
		control_fail(s, c, "refused",
		             "the hub has as many groups as limits.max_groups_per_hub allows",
		             "`wsmctl groups` lists them; a group without members is gone", NULL);
	else
		control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
}

static void finish_join(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_join(struct server *s, struct control *c, struct operation *op)
{
	const uint32_t joined = op->joins[JOIN_DONE], already = op->joins[JOIN_ALREADY];
	const uint32_t refused = op->sum.matched - joined - already;

	if (op->sum.matched == 0) {
		argument_not_found(s, c, &op->target);
	} else if (refused == op->sum.matched) {
		tell_refusal(s, c, op);
	} else {
		json_t *result = json_pack("{s:i, s:i, s:i}", "joined", (int)joined, "already",
		                           (int)already, "refused", (int)refused);

		if (refused > 0)
			json_object_set_new(result, "reason", json_string(join_reason(op)));
		control_reply(s, c, result);
	}
	operation_free(op);
}

void command_join(struct server *s, struct control *c, json_t *args)
{
	struct operation *op = begin(s, c, args, read_join);

	if (op == NULL)
		return;
	op->finish = finish_join;
	operation_ask(s, c, op, REQUEST_JOIN, NULL, NULL);
}

/* ---- leave ---- */

static bool read_leave(struct server *s, struct control *c, json_t *args, struct target *t) ON_MAIN;
static bool read_leave(struct server *s, struct control *c, json_t *args, struct target *t)
{
	const bool one = json_object_get(args, "group") != NULL;
	bool all;

	if (!argument_flag(s, c, args, "all", &all) || !argument_either(s, c, args, t))
		return false;
	if (one != all)
		return all || argument_group(s, c, args, t);
	control_fail(s, c, "bad_request", "leave needs exactly one of \"group\" and \"all\": true",
	             NULL, NULL);
	return false;
}

static void finish_leave(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_leave(struct server *s, struct control *c, struct operation *op)
{
	const bool one = op->target.group != NULL;

	if (op->sum.matched == 0)
		argument_not_found(s, c, &op->target);
	else if (one)
		control_reply(s, c,
		              json_pack("{s:i, s:i}", "left", (int)op->left, "not_in",
		                        (int)(op->sum.matched - op->left)));
	else
		control_reply(s, c, json_pack("{s:i}", "left", (int)op->left));
	operation_free(op);
}

void command_leave(struct server *s, struct control *c, json_t *args)
{
	struct operation *op = begin(s, c, args, read_leave);

	if (op == NULL)
		return;
	op->finish = finish_leave;
	operation_ask(s, c, op, REQUEST_LEAVE, NULL, NULL);
}

/* ---- groups ---- */

/* Whose groups: a user's or a connection's, the one that is named, or all of the hub. */
static bool read_groups(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;
static bool read_groups(struct server *s, struct control *c, json_t *args, struct target *t)
{
	const bool one = json_object_get(args, "group") != NULL;

	if (json_object_get(args, "target") != NULL) {
		if (!one)
			return argument_either(s, c, args, t);
		control_fail(s, c, "bad_request", "groups takes \"target\" or \"group\", not both",
		             NULL, NULL);
		return false;
	}
	t->kind = one ? TARGET_GROUP : TARGET_HUB;
	return argument_hub(s, c, args, t) && (!one || argument_group(s, c, args, t));
}

static int compare_rows(const struct group_row *a, const struct group_row *b)
{
	const uint32_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	const int order = memcmp(a->name, b->name, len);

	return order != 0 ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* The first name of all pages, or NULL: there is none, or *ret_more, perhaps on a next page. */
static const struct group_row *first_row(const struct operation *op, const uint32_t *at,
                                         bool *ret_more)
{
	const struct group_row *first = NULL;

	for (uint32_t i = 0; i < op->n_pages; i++) {
		const struct group_page *p = op->pages[i];

		if (at[i] < p->n) {
			if (first == NULL || compare_rows(&p->rows[at[i]], first) < 0)
				first = &p->rows[at[i]];
		} else if (p->more) {
			*ret_more = true; /* its next name is not known */
			return NULL;
		}
	}
	return first;
}

static json_t *merged_row(const struct operation *op, uint32_t *at, const struct group_row *row)
{
	uint64_t members = 0;

	for (uint32_t i = 0; i < op->n_pages; i++) {
		const struct group_page *p = op->pages[i];

		if (at[i] < p->n && compare_rows(&p->rows[at[i]], row) == 0)
			members += p->rows[at[i]++].members;
	}
	return json_pack("{s:s%, s:I}", "group", row->name, (size_t)row->name_len, "members",
	                 (json_int_t)members);
}

/* The pages of all workers are in the same order: what they have in common is one row. */
static json_t *merge_pages(const struct operation *op)
{
	json_t *rows = json_array(), *result = json_pack("{s:o}", "groups", rows);
	const struct group_row *row, *last = NULL;
	uint32_t at[STATS_MAX_WORKERS] = {0};
	bool more = false;

	while ((row = first_row(op, at, &more)) != NULL) {
		if (json_array_size(rows) == op->room) {
			more = true;
			break;
		}
		json_array_append_new(rows, merged_row(op, at, row));
		last = row;
	}
	if (more && last != NULL)
		json_object_set_new(result, "after", json_stringn(last->name, last->name_len));
	return result;
}

static void tell_no_group(struct server *s, struct control *c) ON_MAIN;
static void tell_no_group(struct server *s, struct control *c)
{
	control_fail(s, c, "not_found", "no such group: nobody is in it",
	             "`wsmctl groups` lists those of a hub; --hub names another hub", NULL);
}

static void finish_groups(struct server *s, struct control *c, struct operation *op) ON_MAIN;
static void finish_groups(struct server *s, struct control *c, struct operation *op)
{
	const enum target_kind kind = op->target.kind;
	json_t *result = merge_pages(op);
	const bool none = json_array_size(json_object_get(result, "groups")) == 0;

	if (operation_incomplete(op))
		control_fail(s, c, "busy", "not every worker could be asked", "try again", NULL);
	else if (kind == TARGET_GROUP && none)
		tell_no_group(s, c);
	else if ((kind == TARGET_USER || kind == TARGET_CONNECTION) && op->sum.matched == 0)
		argument_not_found(s, c, &op->target);
	else
		control_reply(s, c, json_incref(result));
	json_decref(result);
	operation_free(op);
}

/* False, and told: the page that is wanted cannot be. */
static bool read_page(struct server *s, struct control *c, json_t *args, struct operation *op)
	ON_MAIN;
static bool read_page(struct server *s, struct control *c, json_t *args, struct operation *op)
{
	json_t *limit = json_object_get(args, "limit"), *after = json_object_get(args, "after");
	const json_int_t rows = limit == NULL ? GROUP_PAGE_MAX : json_integer_value(limit);
	const size_t len = json_string_length(after);

	if (rows < 1 || rows > GROUP_PAGE_MAX ||
	    (after != NULL && (!json_is_string(after) || len > sizeof(op->after)))) {
		control_fail(
			s, c, "bad_request",
			"\"limit\" must be 1 to 256, \"after\" the name that the last page gave",
			NULL, NULL);
		return false;
	}
	op->room = (uint32_t)rows;
	op->after_len = (uint32_t)len;
	if (len > 0)
		memcpy(op->after, json_string_value(after), len);
	op->pages = calloc(s->n_workers, sizeof(struct group_page *));
	if (op->pages != NULL)
		return true;
	control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
	return false;
}

void command_groups(struct server *s, struct control *c, json_t *args)
{
	struct operation *op = begin(s, c, args, read_groups);

	if (op == NULL)
		return;
	if (!read_page(s, c, args, op)) {
		operation_free(op);
		return;
	}
	op->finish = finish_groups;
	operation_ask(s, c, op, REQUEST_GROUPS, NULL, NULL);
}
