/* The first screen. */
#include "program/banner.h"

#include <string.h>

#include "base/macros.h"
#include "wsmd/ctl.h"

static void print_facts(const struct wsmd_manager *m, const struct wsmd_facts *f,
                        const char *program, FILE *out)
{
	char text[WSMD_ADDRESS_BYTES];

	for (uint32_t i = 0; wsmd_manager_address(m, i, text) == 0; i++)
		fprintf(out, "  listening    ws://%s/ws and ws://%s/client/hubs/HUB\n", text, text);
	fprintf(out, "  control      %s\n", f->control_path);
	fprintf(out, "  workers      %u\n", f->workers);
	fprintf(out, "  descriptors  %u: room for %u connections\n", f->descriptors,
	        f->max_connections);
	fprintf(out,
	        "  memory       %.0f MiB promised: %u quiet connections, %.0f MiB for all queues\n"
	        "               and unfinished messages; %s --plan says more\n",
	        (double)f->promised_bytes / (1 << 20), f->max_connections,
	        (double)f->buffered_bytes / (1 << 20), program);
}

static void print_how_to_connect(const struct wsmd_facts *f, const char *address, FILE *out)
{
	if (f->open) {
		fprintf(out, "Open http://%s/ in a browser and connect as alice, or:\n", address);
		fprintf(out, "  npx wscat -c 'ws://%s/ws?user=alice'\n\n", address);
		return;
	}
	fputs("A client needs a token, which `wsmctl token alice` prints if auth.keys holds a "
	      "secret:\n",
	      out);
	fprintf(out, "  npx wscat -c 'ws://%s/ws?access_token=TOKEN'\n\n", address);
}

/* Lines that can be typed as they are. */
static void print_next_lines(const struct wsmd_manager *m, const struct wsmd_facts *f,
                             const char *program, FILE *out)
{
	static const struct {
		const char *words, *what;
	} commands[] = {
		{"send alice hello", "send to a user"},
		{"ls", "who is connected"},
		{"stats --watch", "statistics, live"},
	};
	const char *slash = strrchr(program, '/');
	const int dir = slash != NULL ? (int)(slash - program) + 1 : 0;
	const char *path = f->control_path;
	char address[WSMD_ADDRESS_BYTES] = "", usual[WSMD_PATH_BYTES];
	char control[WSMD_PATH_BYTES + 16] = "";

	(void)wsmd_manager_address(m, 0, address); /* wsmd listens at one address at least */
	if (wsmd_ctl_default_path(usual, sizeof(usual)) < 0 || strcmp(usual, path) != 0)
		snprintf(control, sizeof(control), " --control %s", path);
	print_how_to_connect(f, address, out);
	fputs("Then, in another terminal:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %.*swsmctl%s %-17s # %s\n", dir, program, control,
		        commands[i].words, commands[i].what);
	if (f->open)
		fprintf(out, "  %.*swsmbench echo ws://%s/ws\n", dir, program, address);
	fprintf(out, "  curl http://%s/metrics\n\n", address);
}

void banner_print(const struct wsmd_manager *m, const char *program, FILE *out)
{
	struct wsmd_facts facts = {.size = sizeof(facts)};

	if (wsmd_manager_facts(m, &facts) < 0 || !facts.dev)
		return;
	fprintf(out, "wsmd %s in development mode: %s.\n\n", WSMD_VERSION,
	        facts.open ? "open to everybody on this machine, under any name"
	                   : "for who is on this machine and has a token");
	print_facts(m, &facts, program, out);
	fputc('\n', out);
	print_next_lines(m, &facts, program, out);
	fflush(out);
}
