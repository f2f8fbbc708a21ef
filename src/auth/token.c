/* The three places. */
#include "auth/token.h"

#include <string.h>
#include <strings.h>

#include "http/field.h"

#define SCHEME "bearer "
#define PREFIX TOKEN_SUBPROTOCOL "."

static void found(struct token *t, struct http_span text)
{
	t->text = text;
	t->n++;
}

/* RFC 6750 section 2.1. Other schemes are no tokens. */
static void look_at_authorization(struct token *t, const char *buf, struct http_span value)
{
	const uint32_t len = sizeof(SCHEME) - 1;

	if (value.len < len || strncasecmp(buf + value.at, SCHEME, len) != 0)
		return;
	value.at += len;
	value.len -= len;
	while (value.len > 0 && buf[value.at] == ' ') {
		value.at++;
		value.len--;
	}
	found(t, value);
}

static void look_at_subprotocols(struct token *t, const char *buf, struct http_span list)
{
	const uint32_t len = sizeof(PREFIX) - 1;
	struct http_span one;

	while (http_list_next(buf, &list, &one)) {
		if (http_span_equals(buf, one, TOKEN_SUBPROTOCOL))
			t->offers_subprotocol = true;
		else if (one.len > len && memcmp(buf + one.at, PREFIX, len) == 0)
			found(t, (struct http_span){.at = one.at + len, .len = one.len - len});
	}
}

void token_find(const struct http_head *head, const char *buf, struct token *ret)
{
	struct http_span value;

	*ret = (struct token){0};
	/* A token is made of letters that nobody encodes; one that is encoded is malformed. */
	if (http_query_get(buf, head->query, "access_token", &value))
		found(ret, value);
	for (uint32_t i = 0; i < head->n_fields; i++) {
		const struct http_field *const f = &head->fields[i];

		if (http_span_equals_nocase(buf, f->name, "authorization"))
			look_at_authorization(ret, buf, f->value);
		else if (http_span_equals_nocase(buf, f->name, "sec-websocket-protocol"))
			look_at_subprotocols(ret, buf, f->value);
	}
}
