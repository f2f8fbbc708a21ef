/*
 * Runs every file of a corpus directory through a fuzz target, without a fuzzer: so each seed
 * and each crash ever found is a regression test under any compiler. A file runs in a child of
 * its own, so that the one that crashes is named and the others still run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long len;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0)
		exit(2);
	/* Exactly as long as the file, so that a sanitizer sees the first byte read behind it. */
	data = malloc(len > 0 ? (size_t)len : 1);
	if (!data || fread(data, 1, (size_t)len, f) != (size_t)len)
		exit(2);
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)len);
	free(data);
	exit(0);
}

static int passes(const char *path)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_file(path);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;
	struct dirent **names;
	char path[4096];
	int n;

	n = argc == 2 ? scandir(argv[1], &names, is_visible, alphasort) : -1;
	if (n < 0) {
		fprintf(stderr, "usage: %s CORPUS_DIRECTORY\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
		if (passes(path)) {
			passed++;
		} else {
			failed++;
			printf("failed: %s\n", path);
		}
		free(names[i]);
	}
	free(names);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
