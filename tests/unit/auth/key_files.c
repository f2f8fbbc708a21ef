/* Files in a folder that is made once. */
#include "key_files.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const char *key_file(const char *name, const char *content)
{
	static char folder[] = "/tmp/wsmd-keys-XXXXXX", path[256];
	static bool made;
	FILE *f;

	if (!made)
		cr_assert_not_null(mkdtemp(folder));
	made = true;
	snprintf(path, sizeof(path), "%s%s%s", folder, *name != '\0' ? "/" : "", name);
	if (*name == '\0')
		return path;
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_geq(fputs(content, f), 0);
	cr_assert_eq(fchmod(fileno(f), 0600), 0);
	cr_assert_eq(fclose(f), 0);
	return path;
}

struct keyring *ring_of(const char *content)
{
	char why[KEY_WHY_BYTES] = "";
	struct keyring *ring;

	cr_assert_eq(keyring_load(key_file("ring.keys", content), &ring, why), 0, "%s", why);
	return ring;
}
