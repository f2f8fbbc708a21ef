/* token: a token for a user, signed with the first secret of auth.keys. */
#include "auth/jwt.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/argument.h"
#include "server/command.h"
#include "server/keys.h"

#define TTL_S     3600
#define TTL_S_MAX (366 * 24 * 3600)

static bool read_ttl(struct server *s, struct control *c, json_t *args, int64_t *ret_s) ON_MAIN;
static bool read_ttl(struct server *s, struct control *c, json_t *args, int64_t *ret_s)
{
	const json_t *v = json_object_get(args, "ttl_s");

	*ret_s = v == NULL ? TTL_S : json_integer_value(v);
	if ((v == NULL || json_is_integer(v)) && *ret_s >= 1 && *ret_s <= TTL_S_MAX)
		return true;
	control_fail(s, c, "bad_request",
	             "\"ttl_s\" must be a whole number of seconds, at least 1 and at most a year",
	             NULL, NULL);
	return false;
}

/* Why there is none, or NULL. */
static const char *no_secret(const struct server *s) ON_MAIN;
static const char *no_secret(const struct server *s)
{
	if (server_conf(s)->auth.mode != AUTH_TOKEN)
		return "auth.mode is not token: nobody would look at it";
	if (keyring_secret_id(keys_now(s)) == NULL)
		return "auth.keys holds public keys alone: tokens come from who has the private "
		       "ones";
	return NULL;
}

void command_token(struct server *s, struct control *c, json_t *args)
{
	const struct conf_auth_rules *const auth = &server_conf(s)->auth;
	struct jwt_claims claims = {0};
	const char *const why_not = no_secret(s);
	char token[JWT_MAX + 1];
	int64_t ttl_s;
	long len;

	if (!argument_name(s, c, args, "user", "", claims.user, sizeof(claims.user),
	                   &claims.user_len) ||
	    !read_ttl(s, c, args, &ttl_s))
		return;
	if (why_not != NULL) {
		control_fail(s, c, "refused", why_not, NULL, NULL);
		return;
	}
	claims.expires_s = (int64_t)(os_wall_ms() / MS_PER_S) + ttl_s;
	len = jwt_make(keys_now(s), &claims, auth->audience, auth->issuer, token);
	if (len < 0)
		control_fail(s, c, "internal", err_text((int)len), NULL, NULL);
	else
		control_reply(s, c,
		              json_pack("{s:s, s:I}", "token", token, "expires_s",
		                        (json_int_t)claims.expires_s));
}
