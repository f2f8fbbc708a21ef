/*
 * Where a request has its token. In the field Authorization, where programs put it; in the query
 * as access_token, because a browser can set no field of a WebSocket's; or as the subprotocol
 * jwt.TOKEN, which unlike a query is in no log on the way. A browser offers that together with
 * the subprotocol jwt, which is what is answered: never the token itself.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stdbool.h>

#include "http/head.h"

#define TOKEN_SUBPROTOCOL "jwt"

struct token {
	unsigned n;              /* how many there are */
	struct http_span text;   /* of the last */
	bool offers_subprotocol; /* is jwt among the subprotocols that may be answered? */
};

void token_find(const struct http_head *head, const char *buf, struct token *ret);
