/* wsmctl: the operator's hand on a running wsmd. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "wsmctl/client.h"
#include "wsmctl/command.h"
#include "wsmctl/help.h"
#include "wsmctl/mem.h"
#include "wsmctl/report.h"
#include "wsmctl/words.h"
#include "wsmd/version.h"

#define DEFAULT_TIMEOUT_S 10
#define PATH_ROOM         4096

static int run(struct invocation *in)
{
	const char *named = in->option[OPTION_CONTROL];
	char path[PATH_ROOM];
	int rc;

	if (named == NULL && wsmd_ctl_default_path(path, sizeof(path)) != 0)
		return report_usage(in, "the control socket's path in the environment is too long; "
		                        "name one with --control PATH");
	client_init(&in->client, named != NULL ? named : path,
	            option_number(in, OPTION_TIMEOUT, DEFAULT_TIMEOUT_S));
	rc = in->command->run(in);
	client_fini(&in->client);
	return rc;
}

static int dispatch(struct invocation *in, int argc, char **argv)
{
	int rc = words_read(in, argc, argv);

	if (rc != WSMD_CTL_OK)
		return rc;
	if (in->option[OPTION_VERSION] != NULL) {
		puts("wsmctl " WSMD_VERSION);
		return WSMD_CTL_OK;
	}
	if (in->option[OPTION_HELP] != NULL) {
		help_print(in->command);
		return WSMD_CTL_OK;
	}
	rc = words_fit(in);
	return rc == WSMD_CTL_OK ? run(in) : rc;
}

int main(int argc, char **argv)
{
	struct invocation in = {0};
	int rc;

	/* Only how characters are encoded: numbers keep their point everywhere. */
	(void)setlocale(LC_CTYPE, "");
	in.args = must(calloc((size_t)argc + 1, sizeof(*in.args)));
	in.list = must(calloc((size_t)argc + 1, sizeof(*in.list)));
	rc = dispatch(&in, argc, argv);
	free(in.args);
	free(in.list);
	if (fclose(stdout) != 0 && rc == WSMD_CTL_OK) {
		fprintf(stderr, "wsmctl: cannot write to standard output: %s\n", strerror(errno));
		rc = WSMD_CTL_FAILED;
	}
	return rc;
}
