/* A snapshot as JSON that loads again, with or without a comment for each key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf/guard.h"
#include "conf/hubs.h"
#include "conf/loader.h"
#include "conf/value.h"

#define COMMENT_MAX 512

struct printer {
	FILE *out;
	bool initial; /* with a comment for each key, and only the fixed defaults */
	bool first;   /* of the object that is open */
	int depth;
};

static void begin_member(struct printer *p, const char *name)
{
	fprintf(p->out, "%s\n%*s\"%s\": ", p->first ? "" : ",", 2 * p->depth, "", name);
	p->first = false;
}

static void open_object(struct printer *p)
{
	fputc('{', p->out);
	p->depth++;
	p->first = true;
}

static void close_object(struct printer *p)
{
	p->depth--;
	fprintf(p->out, "\n%*s}", 2 * p->depth, "");
	p->first = false;
}

static void print_member(struct printer *p, const struct conf_key *k, const void *base)
{
	char text[VALUE_TEXT_MAX];

	/* A starting point that pinned these would switch off --env and --dev unseen. */
	if (p->initial && schema_default_varies(k))
		return;
	begin_member(p, schema_leaf(k));
	fputs(value_format(k, base, text), p->out);
}

static void print_comment(struct printer *p, const char *text, const char *separator)
{
	char quoted[6 * COMMENT_MAX + 3];

	value_quote(quoted, sizeof(quoted), text);
	fprintf(p->out, "%s\n%*s%s", separator, 2 * p->depth + 2, "", quoted);
}

/* One line for each key of @k's section; @head: a line before them, or NULL. */
static void print_comments(struct printer *p, const struct conf_key *k, const char *head)
{
	const char *separator = "";

	if (!p->initial)
		return;
	begin_member(p, "_comment");
	fputc('[', p->out);
	if (head != NULL) {
		print_comment(p, head, separator);
		separator = ",";
	}
	for (const struct conf_key *i = k; i < conf_keys + conf_n_keys && schema_same_section(i, k);
	     i++) {
		char expected[VALUE_EXPECT_MAX], line[COMMENT_MAX];

		snprintf(line, sizeof(line), "%s: %s (%s; %s)", schema_leaf(i), i->help,
		         value_expect(i, expected), i->reload ? "reload" : "restart");
		print_comment(p, line, separator);
		separator = ",";
	}
	fprintf(p->out, "\n%*s]", 2 * p->depth, "");
}

static void print_hubs(struct printer *p, const struct conf *c)
{
	for (uint32_t i = 0; i < c->n_hubs && !p->initial; i++) {
		begin_member(p, c->hubs[i].name);
		open_object(p);
		conf_keys_for_each(k)
		{
			if (k->per_hub)
				print_member(p, k, &c->hubs[i]);
		}
		close_object(p);
	}
}

static void open_section(struct printer *p, const struct conf_key *k, const struct conf *c,
                         const char *head)
{
	const int len = (int)schema_section_len(k);
	char name[KEY_TEXT_MAX];

	if (p->depth > 1)
		close_object(p);
	if (len > 0) {
		snprintf(name, sizeof(name), "%.*s", len, k->name);
		begin_member(p, name);
		open_object(p);
	}
	print_comments(p, k, head);
	if (k->per_hub)
		print_hubs(p, c);
}

static int print_document(struct printer *p, const struct conf *c, const char *head)
{
	const struct conf_key *section = NULL;

	open_object(p);
	conf_keys_for_each(k)
	{
		if (section == NULL || !schema_same_section(k, section)) {
			open_section(p, k, c, section ? NULL : head);
			section = k;
		}
		if (!k->per_hub)
			print_member(p, k, c);
	}
	while (p->depth > 0)
		close_object(p);
	fputc('\n', p->out);
	return fflush(p->out) != 0 || ferror(p->out) ? -EIO : 0;
}

int conf_print(const struct conf *c, FILE *out)
{
	struct printer p = {.out = out};

	return print_document(&p, c, NULL);
}

int conf_print_initial(FILE *out)
{
	struct printer p = {.out = out, .initial = true};
	struct conf *c = calloc(1, hubs_conf_bytes(CONF_MAX_HUBS));
	struct guard *guard = c ? guard_enter() : NULL;
	int err = WSMD_ENOMEM;

	if (guard != NULL) {
		c->env = ENV_PRODUCTION;
		err = loader_apply_defaults(c);
		if (guard_leave(guard))
			err = WSMD_ENOMEM;
	}
	if (err == 0)
		err = print_document(&p, c,
		                     "Every key may be left out, and what stands here wins over "
		                     "--env and --dev. "
		                     "Keys whose default depends on these are described, not set. "
		                     "\"_comment\" is ignored.");
	free(c);
	return err;
}
