/* The first screen. */
#include "server/banner.h"

#include "server/plan.h"
#include "wsmd/version.h"

void banner_print(const struct server *s, FILE *out)
{
	const struct conf *c = server_conf(s);
	const uint32_t room = server_fd_room(s->fd_limit, s->n_workers);
	const uint32_t most = c->limits.max_connections == 0 ? room : c->limits.max_connections;
	char address[NET_ADDR_TEXT];

	net_addr_format(&s->listeners[0].bound, address);
	fprintf(out,
	        "wsmd %s, development mode: anyone who reaches it is let in under any name.\n\n",
	        WSMD_VERSION);
	for (uint32_t i = 0; i < s->n_listeners; i++) {
		char text[NET_ADDR_TEXT];

		fprintf(out, "  listening     ws://%s/ws and ws://%s/client/hubs/HUB\n",
		        net_addr_format(&s->listeners[i].bound, text), text);
	}
	fprintf(out, "  control       %s\n", c->control_path);
	fprintf(out, "  workers       %u\n", s->n_workers);
	fprintf(out, "  descriptors   %u, room for %u connections\n", s->fd_limit, most);
	fprintf(out,
	        "  memory        %.1f MiB promised at %u idle connections; %.1f GiB if every "
	        "queue and message is full\n",
	        (double)plan_idle_bytes(c, most) / (1 << 20), most,
	        (double)plan_worst_bytes(c, most) / (1 << 30));
	fprintf(out, "\nTry it in a browser:     http://%s/\n", address);
	fprintf(out, "or from a terminal:      npx wscat -c 'ws://%s/ws?user=alice'\n", address);
	fprintf(out, "                         python3 -m websockets 'ws://%s/ws?user=alice'\n\n",
	        address);
	fprintf(out,
	        "Then, from another terminal:\n"
	        "  wsmctl send alice hello     send to a user\n"
	        "  wsmctl ls                   who is connected\n"
	        "  wsmctl stats --watch        live statistics\n"
	        "  wsmbench echo ws://%s/ws    load\n"
	        "  curl http://%s/metrics\n\n",
	        address, address);
	fflush(out);
}
