/* Private to the receiver. Thread: the owner of the connection. */
#pragma once

#include "ws/receiver.h"

/* Make room for @n bytes of the begun message that have arrived. 0 or WSMD_ENOMEM. */
MUST_CHECK int ws_begun_reserve(struct ws_receiver *r, const struct ws_limits *l, size_t n);
