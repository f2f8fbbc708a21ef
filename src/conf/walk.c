/* The file's layer: the tree that jansson made and the text it came from, side by side. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "conf/hubs.h"
#include "conf/loader.h"
#include "conf/source.h"

#define PATH_TEXT_MAX (KEY_TEXT_MAX + 256)

/* One object of the file while its members are looked at. */
struct node {
	enum {
		IN_ROOT,
		IN_SECTION,
		IN_HUBS,
		IN_HUB
	} kind;
	const char *path;    /* for messages: "hubs.chat" */
	const char *pattern; /* for the schema: "hubs.{hub}" */
	const char *hub;     /* IN_HUB only */
};

/* "limits" + "max_connections"; names from outside are made safe to print. */
static void join(char dst[PATH_TEXT_MAX], const char *parent, const char *name)
{
	char shown[HUB_NAME_MAX + 32] = "\"\"";

	if (*name != '\0')
		text_escape(shown, sizeof(shown), name, strlen(name));
	snprintf(dst, PATH_TEXT_MAX, "%s%s%s", parent, *parent ? "." : "", shown);
}

static void walk(struct loader *l, const struct node *node, const struct place *at, json_t *object,
                 struct cursor cursor);

static void visit(struct loader *l, const struct node *parent, const char *name,
                  const struct place *at, json_t *v, struct cursor cursor)
{
	char path[PATH_TEXT_MAX], pattern[PATH_TEXT_MAX];
	struct node node = {.path = path, .pattern = pattern, .hub = parent->hub};
	const struct conf_key *k;

	join(path, parent->path, name);
	join(pattern, parent->pattern, name);
	if (parent->kind == IN_HUBS) {
		if (!loader_check_hub_name(l, at, path, name, strlen(name)))
			return;
		node.kind = IN_HUB;
		node.pattern = HUB_PATTERN;
		node.hub = name;
		walk(l, &node, at, v, cursor);
		return;
	}
	k = schema_find(pattern);
	if (k != NULL && parent->kind == IN_ROOT && strchr(name, '.') != NULL) {
		loader_fault(l, at, path,
		             "a name with a dot opens no section; write {\"%.*s\": {\"%s\": ...}}",
		             (int)strcspn(name, "."), name, strchr(name, '.') + 1);
	} else if (k != NULL) {
		loader_store(l, k, parent->hub, at, path, v, cursor);
	} else if (parent->kind == IN_ROOT && schema_is_section(name)) {
		node.kind = strcmp(name, "hubs") == 0 ? IN_HUBS : IN_SECTION;
		walk(l, &node, at, v, cursor);
	} else {
		loader_fault_unknown(l, at, path, pattern);
	}
}

static void walk(struct loader *l, const struct node *node, const struct place *at, json_t *object,
                 struct cursor cursor)
{
	if (!json_is_object(object)) {
		loader_fault_value(l, at, node->path, "an object", object);
		return;
	}
	/* jansson keeps the order of the text, so tree and cursor go on in step. */
	cursor_enter(&cursor);
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const char *name = json_object_iter_key(i);
		const struct place here = {.line = cursor.line};

		cursor_to_value(&cursor);
		if (strcmp(name, "_comment") != 0)
			visit(l, node, name, &here, json_object_iter_value(i), cursor);
		cursor_next(&cursor);
	}
}

void loader_apply_file(struct loader *l, const char *path)
{
	const struct node root = {.kind = IN_ROOT, .path = "", .pattern = ""};
	struct place top = {0};
	struct cursor cursor;
	struct source s;
	int err = source_load(&s, path, l->faults);

	if (err == WSMD_ENOMEM)
		l->out_of_memory = true;
	if (err < 0)
		return;
	cursor = cursor_start(s.text);
	top.line = cursor.line;
	walk(l, &root, &top, s.root, cursor);
	source_fini(&s);
}
