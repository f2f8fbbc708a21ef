/* Requests that are no handshake, and the status that answers each. */
#pragma once

#include <stdint.h>

struct request_row {
	const char *text;
	uint16_t status; /* 0: not the same at all times */
};

static const struct request_row malformed_requests[] = {
	{"GET /ws HTTP/1.1\r\nHost: sim\r\n\r\n", 426},
	{"GET /nothing HTTP/1.1\r\nHost: sim\r\n\r\n", 404},
	{"POST /ws HTTP/1.1\r\nHost: sim\r\n\r\n", 405},
	{"GET /ws HTTP/1.1\nHost: sim\n\n", 400},
	{"GET /ws HTTP/1.1\r\n\r\n", 400},
	{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
	{"GET /ws HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
         426},
	{"GET /ws HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
         400},
	{"GET /client/hubs/*?user=a HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
         400},
	{"GET /ws?user=%00 HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
         400},
};

static const struct request_row page_requests[] = {
	{"GET /healthz HTTP/1.1\r\nHost: sim\r\n\r\n", 200},
	{"GET /readyz HTTP/1.1\r\nHost: sim\r\n\r\n", 0},
	{"GET /metrics HTTP/1.1\r\nHost: sim\r\n\r\n", 200},
	{"HEAD /metrics HTTP/1.1\r\nHost: sim\r\n\r\n", 200},
};
