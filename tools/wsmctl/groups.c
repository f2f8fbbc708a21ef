/* join, leave, groups: who is in which group. */
#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "wsmctl/command.h"
#include "wsmctl/mem.h"
#include "wsmctl/printable.h"
#include "wsmctl/report.h"
#include "wsmctl/table.h"

#define PAGE_ROWS 256

static json_int_t count_of(const json_t *result, const char *member)
{
	return json_integer_value(json_object_get(result, member));
}

/* ", WHAT N", unless it is 0. */
static void print_count(const json_t *result, const char *member, const char *what)
{
	const json_int_t n = count_of(result, member);

	if (n > 0)
		printf(", %s %lld", what, (long long)n);
}

int join_run(struct invocation *in)
{
	json_t *error, *reason;
	json_t *result =
		client_request(&in->client, "join",
	                       must(json_pack("{s:s, s:s, s:s*}", "group", in->args[0], "target",
	                                      in->args[1], "hub", in->option[OPTION_HUB])),
	                       &error);
	int rc;

	if (result == NULL)
		return report_error(in, error);
	/* A part of what was asked for is not what was asked for. */
	rc = count_of(result, "refused") > 0 ? WSMD_CTL_FAILED : WSMD_CTL_OK;
	reason = json_object_get(result, "reason");
	if (in->option[OPTION_JSON] != NULL) {
		report_json(result);
	} else {
		printf("joined %lld", (long long)count_of(result, "joined"));
		print_count(result, "already", "already in it");
		print_count(result, "refused", "refused");
		if (reason != NULL) {
			char *text = printable_json(reason);

			printf(": %s", text);
			free(text);
		}
		putchar('\n');
	}
	json_decref(result);
	return rc;
}

int leave_run(struct invocation *in)
{
	const bool all = in->option[OPTION_ALL] != NULL;
	json_t *error, *result;

	if (in->n_args != (all ? 1u : 2u))
		return report_usage(in, all ? "leave --all takes one USER or CONN and no GROUP"
		                            : "leave needs a GROUP and a USER or CONN, or --all");
	result = client_request(
		&in->client, "leave",
		must(json_pack("{s:s*, s:o*, s:s, s:s*}", "group", all ? NULL : in->args[0], "all",
	                       all ? json_true() : NULL, "target", in->args[all ? 0 : 1], "hub",
	                       in->option[OPTION_HUB])),
		&error);
	if (result == NULL)
		return report_error(in, error);
	if (in->option[OPTION_JSON] != NULL) {
		report_json(result);
	} else {
		printf("left %lld", (long long)count_of(result, "left"));
		print_count(result, "not_in", "not in it");
		putchar('\n');
	}
	json_decref(result);
	return WSMD_CTL_OK;
}

/* ---- groups ---- */

static const struct table_column columns[] = {{.title = "GROUP"},
                                              {.title = "MEMBERS", .right = true}};

static json_t *request_page(struct invocation *in, json_int_t limit, const json_t *after,
                            json_t **ret_error)
{
	json_t *result = client_request(
		&in->client, "groups",
		must(json_pack("{s:s*, s:s*, s:s*, s:I, s:O*}", "target",
	                       in->n_args > 0 ? in->args[0] : NULL, "group",
	                       in->option[OPTION_GROUP], "hub", in->option[OPTION_HUB], "limit",
	                       limit, "after", after)),
		ret_error);

	if (result == NULL || json_is_array(json_object_get(result, "groups")))
		return result;
	json_decref(result);
	*ret_error = client_error(CLIENT_BAD_ANSWER, NULL, "the answer to groups has none");
	return NULL;
}

/* All pages up to @limit in @rows. *ret_after: there are more. Returns: NULL, or what went wrong */
static json_t *read_pages(struct invocation *in, json_int_t limit, json_t *rows, json_t **ret_after)
{
	json_t *after = NULL, *error = NULL, *page;

	do {
		const json_int_t left = limit - (json_int_t)json_array_size(rows);

		page = request_page(in, left < PAGE_ROWS ? left : PAGE_ROWS, after, &error);
		if (page == NULL)
			break;
		json_decref(after);
		after = json_incref(json_object_get(page, "after"));
		if (json_array_size(json_object_get(page, "groups")) == 0 && after != NULL)
			error = client_error(CLIENT_BAD_ANSWER, NULL, "a page of groups is empty");
		json_array_extend(rows, json_object_get(page, "groups"));
		json_decref(page);
	} while (error == NULL && after != NULL && (json_int_t)json_array_size(rows) < limit);
	*ret_after = after;
	return error;
}

static void print_rows(const json_t *rows)
{
	struct table table;
	const json_t *row;
	size_t i;

	if (json_array_size(rows) == 0) {
		puts("no groups");
		return;
	}
	table_init(&table, columns, ARRAY_LEN(columns));
	json_array_foreach(rows, i, row)
	{
		table_add(&table, printable_json(json_object_get(row, "group")));
		table_add(&table, printable_json(json_object_get(row, "members")));
	}
	table_print(&table, stdout, 0);
	table_fini(&table);
}

int groups_run(struct invocation *in)
{
	json_t *rows = must(json_array()), *after, *error;

	if (in->n_args > 0 && in->option[OPTION_GROUP] != NULL) {
		json_decref(rows);
		return report_usage(in, "groups takes a USER or CONN, or --group, not both");
	}
	error = read_pages(in, (json_int_t)option_number(in, OPTION_LIMIT, 1e15), rows, &after);
	if (error == NULL && in->option[OPTION_JSON] != NULL) {
		json_t *all = must(json_pack("{s:O, s:O*}", "groups", rows, "after", after));

		report_json(all);
		json_decref(all);
	} else if (error == NULL) {
		print_rows(rows);
		if (after != NULL)
			report_note("there are more; --limit ended the list here");
	}
	json_decref(after);
	json_decref(rows);
	return error != NULL ? report_error(in, error) : WSMD_CTL_OK;
}
