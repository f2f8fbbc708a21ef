/* Reading and parsing the configuration file. */
#include "conf/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf/faults.h"

/* The answer after a fault: the configuration is wrong, unless even saying so failed. */
static int refused(int added)
{
	return added < 0 ? added : WSMD_ECONFIG;
}

static int explain_errno(const char *path, int err, struct conf_faults *faults)
{
	switch (err) {
	case ENOENT:
		return refused(faults_add(
			faults, "%s: no such file; wsmd --init prints one to start from", path));
	case EACCES:
		return refused(faults_add(faults, "%s: this user may not read it: %s", path,
		                          strerror(err)));
	case EISDIR:
		return refused(faults_add(faults, "%s: is a directory, not a file", path));
	default:
		return refused(faults_add(faults, "%s: cannot be read: %s", path, strerror(err)));
	}
}

/* 0 with *@ret_text, or a negated errno; -EFBIG: over the cap. */
static int read_all(FILE *f, char **ret_text, size_t *ret_len)
{
	size_t cap = 16u << 10, len = 0;
	char *text = NULL;
	int err = -ENOMEM;

	for (;;) {
		char *grown = realloc(text, cap + 1);

		if (grown == NULL)
			break;
		text = grown;
		len += fread(text + len, 1, cap - len, f);
		if (len > SOURCE_MAX_BYTES) {
			err = -EFBIG;
			break;
		}
		if (len < cap) {
			err = ferror(f) ? -errno : 0;
			break;
		}
		cap *= 2;
	}
	if (err < 0) {
		free(text);
		return err;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static int read_file(const char *path, char **ret_text, size_t *ret_len, struct conf_faults *faults)
{
	FILE *f = fopen(path, "re");
	int err;

	if (f == NULL)
		return errno == ENOMEM ? WSMD_ENOMEM : explain_errno(path, errno, faults);
	err = read_all(f, ret_text, ret_len);
	fclose(f);
	if (err == -ENOMEM)
		return WSMD_ENOMEM;
	if (err == -EFBIG)
		return refused(faults_add(faults,
		                          "%s: larger than %u MiB; a configuration is a few KiB",
		                          path, SOURCE_MAX_BYTES >> 20));
	return err < 0 ? explain_errno(path, -err, faults) : 0;
}

static int explain_json(const char *path, bool empty, const json_error_t *e,
                        struct conf_faults *faults)
{
	switch (json_error_code(e)) {
	case json_error_invalid_utf8:
		return refused(faults_add(faults, "%s:%d:%d: not UTF-8 text: %s", path, e->line,
		                          e->column, e->text));
	case json_error_duplicate_key:
		return refused(faults_add(faults, "%s:%d:%d: %s; a name may be given only once",
		                          path, e->line, e->column, e->text));
	default:
		break;
	}
	if (empty)
		return refused(
			faults_add(faults, "%s: is empty; the least it may hold is {}", path));
	return refused(faults_add(faults, "%s:%d:%d: not valid JSON: %s", path, e->line, e->column,
	                          e->text));
}

int source_load(struct source *s, const char *path, struct conf_faults *faults)
{
	json_error_t e;
	json_t *root;
	size_t len = 0;
	char *text = NULL;
	int err = read_file(path, &text, &len, faults);

	if (err < 0)
		return err;
	root = json_loadb(text, len, SOURCE_JSON_FLAGS, &e);
	if (root == NULL) {
		err = explain_json(path, strspn(text, " \t\r\n") == len, &e, faults);
		free(text);
		return err;
	}
	*s = (struct source){.text = text, .root = root};
	return 0;
}

void source_fini(struct source *s)
{
	json_decref(s->root);
	free(s->text);
	*s = (struct source){0};
}
