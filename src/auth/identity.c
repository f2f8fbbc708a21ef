/* Identity by query parameter, for development, and by token. */
#include "auth/identity.h"

#include "auth/name.h"
#include "auth/token.h"
#include "base/err.h"
#include "http/field.h"

static int refuse(enum refusal *ret_why, enum refusal why)
{
	*ret_why = why;
	return WSMD_EPROTO;
}

static int from_query(const struct http_head *head, const char *buf, struct jwt_claims *ret,
                      enum refusal *ret_why)
{
	struct http_span value;
	long len;

	if (!http_query_get(buf, head->query, "user", &value))
		return 0;
	len = http_decode(buf, value, true, ret->user, sizeof(ret->user));
	if (len < 0 || !name_valid(ret->user, (size_t)len))
		return refuse(ret_why, REFUSE_USER_NAME);
	ret->user_len = (uint32_t)len;
	return 0;
}

static int from_token(const struct identity_rules *rules, const struct http_head *head,
                      const char *buf, struct identity *ret, enum refusal *ret_why)
{
	struct token token;

	if (rules->keys == NULL) /* a reload is between two modes */
		return refuse(ret_why, REFUSE_BUSY);
	token_find(head, buf, &token);
	if (token.n == 0)
		return refuse(ret_why, REFUSE_NO_TOKEN);
	if (token.n > 1)
		return refuse(ret_why, REFUSE_TOKENS);
	if (token.offers_subprotocol)
		ret->subprotocol = TOKEN_SUBPROTOCOL;
	return jwt_check(rules->keys, &rules->jwt, buf + token.text.at, token.text.len,
	                 &ret->claims, ret_why);
}

int identity_find(const struct identity_rules *rules, const struct http_head *head, const char *buf,
                  struct identity *ret, enum refusal *ret_why)
{
	*ret = (struct identity){0};
	switch (rules->mode) {
	case AUTH_OPEN:
		return from_query(head, buf, &ret->claims, ret_why);
	case AUTH_TOKEN:
		return from_token(rules, head, buf, ret, ret_why);
	case AUTH_DENY:
		break;
	}
	return refuse(ret_why, REFUSE_NO_IDENTITY);
}
