/* The first screen. */
#include "server/banner.h"

#include <string.h>

#include "server/plan.h"
#include "wsmd/ctl.h"
#include "wsmd/version.h"

static void print_facts(const struct server *s, const char *program, FILE *out) ON_MAIN;
static void print_facts(const struct server *s, const char *program, FILE *out)
{
	const struct conf *c = server_conf(s);
	const uint32_t most = server_connections_limit(s);
	const struct plan *p = &s->plan;
	char text[NET_ADDR_TEXT];

	for (uint32_t i = 0; i < s->n_listeners; i++) {
		net_addr_format(&s->listeners[i].bound, text);
		fprintf(out, "  listening    ws://%s/ws and ws://%s/client/hubs/HUB\n", text, text);
	}
	fprintf(out, "  control      %s\n", c->control_path);
	fprintf(out, "  workers      %u\n", s->n_workers);
	fprintf(out, "  descriptors  %u: room for %u connections\n", s->fd_limit, most);
	fprintf(out,
	        "  memory       %.0f MiB promised: %u quiet connections, %.0f MiB for all queues\n"
	        "               and unfinished messages; %s --plan says more\n",
	        (double)plan_promise(p, most) / (1 << 20), most, (double)p->buffered / (1 << 20),
	        program);
}

/* Lines that can be typed as they are. */
static void print_next_lines(const struct server *s, const char *program, FILE *out) ON_MAIN;
static void print_next_lines(const struct server *s, const char *program, FILE *out)
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
	const char *path = server_conf(s)->control_path;
	char address[NET_ADDR_TEXT], usual[CONTROL_PATH_MAX], control[CONTROL_PATH_MAX + 16] = "";

	net_addr_format(&s->listeners[0].bound, address);
	if (wsmd_ctl_default_path(usual, sizeof(usual)) < 0 || strcmp(usual, path) != 0)
		snprintf(control, sizeof(control), " --control %s", path);
	fprintf(out, "Open http://%s/ in a browser and connect as alice, or:\n", address);
	fprintf(out, "  npx wscat -c 'ws://%s/ws?user=alice'\n\n", address);
	fputs("Then, in another terminal:\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %.*swsmctl%s %-17s # %s\n", dir, program, control,
		        commands[i].words, commands[i].what);
	fprintf(out, "  %.*swsmbench echo ws://%s/ws\n", dir, program, address);
	fprintf(out, "  curl http://%s/metrics\n\n", address);
}

void banner_print(const struct server *s, const char *program, FILE *out)
{
	fprintf(out,
	        "wsmd %s in development mode: open to everybody on this machine, under any "
	        "name.\n\n",
	        WSMD_VERSION);
	print_facts(s, program, out);
	fputc('\n', out);
	print_next_lines(s, program, out);
	fflush(out);
}
