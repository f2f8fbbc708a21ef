/* What accepted sockets have from their listener. */
#include "os/os.h"

#include <criterion/criterion.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Else a reply of two small writes waits for the peer's delayed acknowledgement. */
Test(socket, accepted_ones_send_at_once)
{
	const struct net_addr any = {.family = 4, .ip = {127, 0, 0, 1}};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const int client = socket(AF_INET, SOCK_STREAM, 0);
	struct net_addr bound, peer;
	int listener, fd, at_once = 0;
	socklen_t len = sizeof(at_once);

	cr_assert_eq(os_listen_tcp(&any, 1, &listener, &bound), 0);
	to.sin_port = htons(bound.port);
	cr_assert_eq(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	fd = os_accept(listener, &peer);
	cr_assert_geq(fd, 0);
	cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, &len), 0);
	cr_assert_neq(at_once, 0);
	close(fd);
	close(client);
	close(listener);
}
