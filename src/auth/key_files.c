/* Files and folders of keys. */
#include <errno.h>
#include <mbedtls/platform_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/key.h"
#include "base/err.h"
#include "conf/guard.h"
#include "os/file.h"

#define PATH_BYTES 4096

static int fail(char why[KEY_WHY_BYTES], const char *path, const char *sentence)
{
	char copy[KEY_WHY_BYTES];

	snprintf(copy, sizeof(copy), "%s", sentence); /* it may be @why itself */
	snprintf(why, KEY_WHY_BYTES, "%.255s %.250s", path, copy);
	return WSMD_ECONFIG;
}

static int fail_err(char why[KEY_WHY_BYTES], const char *path, int err)
{
	char sentence[128];

	switch (err) {
	case -ENOMEM:
		return WSMD_ENOMEM;
	case -EINVAL:
		return fail(why, path, "is neither a file nor a folder");
	case -EFBIG:
		return fail(why, path, "is larger than any file of keys");
	default:
		snprintf(sentence, sizeof(sentence), "cannot be read: %s", err_text(err));
		return fail(why, path, sentence);
	}
}

static bool holds_secret(const struct keyring *ring, uint32_t from)
{
	for (uint32_t i = from; i < ring->n; i++) {
		if (ring->keys[i].algorithm == ALGORITHM_HS256)
			return true;
	}
	return false;
}

static int parse(struct keyring *ring, char *text, size_t len, const char *id,
                 char why[KEY_WHY_BYTES])
{
	struct guard *guard = guard_enter();
	int err;

	if (guard == NULL)
		return WSMD_ENOMEM;
	err = key_parse_file(ring, text, len, id, why);
	return guard_leave(guard) ? WSMD_ENOMEM : err;
}

/* The name of the file without its ending. */
static void id_of(const char *path, char ret[KEY_ID_MAX + 1])
{
	const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
	const char *const dot = strrchr(name, '.');
	const size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);

	snprintf(ret, KEY_ID_MAX + 1, "%.*s", (int)len, name);
}

static int load_file(struct keyring *ring, const char *path, char why[KEY_WHY_BYTES])
{
	const uint32_t before = ring->n;
	char id[KEY_ID_MAX + 1], *text;
	struct os_file file;
	size_t len;
	int err = os_file_read(path, KEY_FILE_MAX, &text, &len, &file);

	if (err < 0)
		return fail_err(why, path, err);
	id_of(path, id);
	err = parse(ring, text, len, id, why);
	mbedtls_platform_zeroize(text, len);
	free(text);
	if (err == WSMD_ECONFIG)
		return fail(why, path, why);
	if (err == 0 && holds_secret(ring, before) && file.others_may_read)
		return fail(why, path, "holds a secret and everybody may read it: chmod o-r");
	return err;
}

static bool path_in(const char *folder, const char *name, char ret[PATH_BYTES])
{
	return snprintf(ret, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES;
}

static int load_member(struct keyring *ring, const char *folder, const char *name,
                       char why[KEY_WHY_BYTES])
{
	char path[PATH_BYTES];
	struct os_file file;
	int err;

	if (!path_in(folder, name, path))
		return fail_err(why, folder, -ENAMETOOLONG);
	err = os_file_look(path, &file);
	if (err < 0)
		return fail_err(why, path, err);
	/* Folders in the folder are somebody else's. */
	return file.is_folder ? 0 : load_file(ring, path, why);
}

/* In the order of their names, so that the first secret is the same each time. */
static int load_folder(struct keyring *ring, const char *path, char why[KEY_WHY_BYTES])
{
	char **names;
	size_t n;
	int err = os_folder_list(path, &names, &n);

	if (err < 0)
		return fail_err(why, path, err);
	for (size_t i = 0; i < n && err == 0; i++)
		err = load_member(ring, path, names[i], why);
	os_folder_free(names, n);
	return err;
}

int keyring_load(const char *path, struct keyring **ret, char ret_why[KEY_WHY_BYTES])
{
	struct keyring *ring = calloc(1, sizeof(*ring));
	struct os_file file;
	int err;

	if (ring == NULL)
		return WSMD_ENOMEM;
	atomic_init(&ring->holders, 1);
	err = os_file_look(path, &file);
	if (err < 0)
		err = fail_err(ret_why, path, err);
	else if (file.is_folder)
		err = load_folder(ring, path, ret_why);
	else
		err = load_file(ring, path, ret_why);
	if (err == 0 && ring->n == 0)
		err = fail(ret_why, path, "holds no key");
	if (err < 0)
		keyring_release(ring);
	else
		*ret = ring;
	return err;
}

/* ---- noticing changes ---- */

static uint64_t stamp_of(const char *path, struct os_file *ret)
{
	*ret = (struct os_file){0};
	return os_file_look(path, ret) < 0 ? 0 : ret->stamp;
}

/* A folder changes with its names; what a name leads to, a link or a file that is written in place,
 * does not change the folder, so each is looked at. */
uint64_t keyring_stamp(const char *path)
{
	struct os_file file;
	uint64_t stamp = stamp_of(path, &file);
	char **names;
	size_t n;

	if (!file.is_folder || os_folder_list(path, &names, &n) < 0)
		return stamp;
	for (size_t i = 0; i < n; i++) {
		char member[PATH_BYTES];

		if (path_in(path, names[i], member))
			stamp = stamp * 31 + stamp_of(member, &file);
	}
	os_folder_free(names, n);
	return stamp;
}
