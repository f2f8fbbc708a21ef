/* Arguments of commands, read once and complained about in one way. */
#include "server/argument.h"

#include <string.h>

#include "base/text.h"

#define DEFAULT_HUB "default"

/* Copy a name; false and told, when it is no string or has a wrong length. */
bool argument_name(struct server *s, struct control *c, json_t *args, const char *key,
                   const char *fallback, char *dst, uint32_t cap, uint32_t *ret_len)
{
	json_t *v = json_object_get(args, key);
	const char *text = v == NULL ? fallback : json_string_value(v);
	const size_t len = v == NULL ? strlen(fallback) : json_string_length(v);
	char message[128];

	if (text != NULL && len > 0 && len < cap && memchr(text, '\0', len) == NULL) {
		memcpy(dst, text, len + 1);
		*ret_len = (uint32_t)len;
		return true;
	}
	snprintf(message, sizeof(message), "\"%s\" must be a string of 1 to %u bytes", key,
	         cap - 1);
	control_fail(s, c, "bad_request", message, NULL, NULL);
	return false;
}

bool argument_hub(struct server *s, struct control *c, json_t *args, struct target *t)
{
	if (!argument_name(s, c, args, "hub", DEFAULT_HUB, t->hub, sizeof(t->hub), &t->hub_len))
		return false;
	if (t->hub[0] != '*' && conf_hub_name_valid(t->hub, t->hub_len))
		return true;
	control_fail(s, c, "bad_request",
	             "\"hub\" must be a letter and then letters, digits or any of _`,.[]", NULL,
	             NULL);
	return false;
}

bool argument_user(struct server *s, struct control *c, json_t *args, const char *key,
                   struct target *t)
{
	t->kind = TARGET_USER;
	return argument_hub(s, c, args, t) &&
	       argument_name(s, c, args, key, "", t->user, sizeof(t->user), &t->user_len);
}

static bool parse_connection(json_t *v, struct target *t)
{
	t->kind = TARGET_CONNECTION;
	return json_is_string(v) &&
	       conn_id_parse(json_string_value(v), json_string_length(v), &t->id);
}

bool argument_connection(struct server *s, struct control *c, json_t *args, struct target *t)
	ON_MAIN;
bool argument_connection(struct server *s, struct control *c, json_t *args, struct target *t)
{
	if (parse_connection(json_object_get(args, "connection"), t))
		return true;
	control_fail(s, c, "bad_request",
	             "\"connection\" must be a connection id: 26 characters a-z and 2-7",
	             "`wsmctl ls` shows them", NULL);
	return false;
}

/* A connection id if it looks like one, a user's name otherwise. */
bool argument_either(struct server *s, struct control *c, json_t *args, struct target *t) ON_MAIN;
bool argument_either(struct server *s, struct control *c, json_t *args, struct target *t)
{
	if (parse_connection(json_object_get(args, "target"), t))
		return true;
	return argument_user(s, c, args, "target", t);
}

void argument_not_found(struct server *s, struct control *c, const struct target *t)
{
	char message[USER_NAME_MAX * 4 + HUB_NAME_BYTES + 64], user[USER_NAME_MAX * 4 + 8];

	if (t->kind == TARGET_CONNECTION)
		snprintf(message, sizeof(message), "no such connection");
	else
		snprintf(message, sizeof(message), "no such user: %s in hub %s",
		         text_escape(user, sizeof(user), t->user, t->user_len), t->hub);
	control_fail(s, c, "not_found", message, "`wsmctl ls` shows who is connected", NULL);
}
