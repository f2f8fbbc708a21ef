/* The Linux side of files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

/* FNV-1a: it tells changes apart, not attackers. */
static uint64_t mix(uint64_t stamp, uint64_t value)
{
	for (unsigned i = 0; i < sizeof(value); i++)
		stamp = (stamp ^ (value >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
	return stamp;
}

static struct os_file file_of(const struct stat *st)
{
	uint64_t stamp = UINT64_C(0xcbf29ce484222325);

	stamp = mix(stamp, st->st_dev);
	stamp = mix(stamp, st->st_ino);
	stamp = mix(stamp, (uint64_t)st->st_size);
	stamp = mix(stamp, st->st_mode);
	stamp = mix(stamp, (uint64_t)st->st_mtim.tv_sec);
	stamp = mix(stamp, (uint64_t)st->st_mtim.tv_nsec);
	return (struct os_file){
		.is_file = S_ISREG(st->st_mode),
		.is_folder = S_ISDIR(st->st_mode),
		.others_may_read = (st->st_mode & S_IROTH) != 0,
		.size = (uint64_t)st->st_size,
		.stamp = stamp,
	};
}

int os_file_look(const char *path, struct os_file *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*ret = file_of(&st);
	return 0;
}

/* Up to @size bytes into @dst. Returns their number or -errno. */
static ssize_t read_all(int fd, char *dst, size_t size)
{
	size_t len = 0;

	while (len < size) {
		const ssize_t n = read(fd, dst + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int read_open(int fd, size_t max, char **ret, size_t *ret_len, struct os_file *ret_file)
{
	struct stat st;
	ssize_t len;
	char *text;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_file = file_of(&st);
	if (!ret_file->is_file)
		return -EINVAL;
	if (ret_file->size > max)
		return -EFBIG;
	text = malloc((size_t)ret_file->size + 1);
	if (text == NULL)
		return -ENOMEM;
	len = read_all(fd, text, (size_t)ret_file->size);
	if (len < 0) {
		free(text);
		return (int)len;
	}
	text[len] = '\0';
	*ret = text;
	*ret_len = (size_t)len;
	return 0;
}

int os_file_read(const char *path, size_t max, char **ret, size_t *ret_len,
                 struct os_file *ret_file)
{
	/* Without waiting for whoever is to write into a pipe. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = read_open(fd, max, ret, ret_len, ret_file);
	close(fd);
	return err;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int os_folder_list(const char *path, char ***ret, size_t *ret_n)
{
	struct dirent **entries;
	const int n = scandir(path, &entries, is_visible, alphasort);
	size_t kept = 0;
	char **names;

	if (n < 0)
		return -errno;
	names = calloc((size_t)n + 1, sizeof(*names));
	for (int i = 0; i < n; i++) {
		if (names != NULL && (names[kept] = strdup(entries[i]->d_name)) != NULL)
			kept++;
		free(entries[i]);
	}
	free(entries);
	if (kept < (size_t)n || names == NULL) {
		os_folder_free(names, kept);
		return -ENOMEM;
	}
	*ret = names;
	*ret_n = kept;
	return 0;
}

void os_folder_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}
