/* Arguments of commands, read once and complained about in one way. */
#include "server/argument.h"

#include <string.h>

#include "base/err.h"
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

bool argument_group(struct server *s, struct control *c, json_t *args, struct target *t)
{
	json_t *v = json_object_get(args, "group");
	const char *name = json_string_value(v);
	const size_t len = json_string_length(v);

	if (name == NULL || !group_name_valid(name, len)) {
		control_fail(s, c, "bad_request",
		             "\"group\" must be a string of 1 to 1024 bytes, without control "
		             "characters, and more than white space",
		             NULL, NULL);
		return false;
	}
	if (target_set_group(t, name, (uint32_t)len) == 0)
		return true;
	control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
	return false;
}

/* How long the names are together; false: it is no such list. */
static bool measure_except(json_t *list, uint32_t *ret_bytes)
{
	size_t i, sum = 0;
	json_t *v;

	if (!json_is_array(list) || json_array_size(list) > EXCEPT_MAX)
		return false;
	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(v);
		const size_t len = json_string_length(v);

		if (name == NULL || len == 0 || len > USER_NAME_MAX ||
		    memchr(name, '\0', len) != NULL)
			return false;
		sum += len;
	}
	*ret_bytes = (uint32_t)sum;
	return true;
}

bool argument_except(struct server *s, struct control *c, json_t *args, struct target *t)
{
	json_t *list = json_object_get(args, "except"), *v;
	struct conn_id id;
	uint32_t bytes;
	size_t i;

	if (list == NULL)
		return true;
	if (!measure_except(list, &bytes)) {
		control_fail(s, c, "bad_request",
		             "\"except\" must be a list of at most 256 users (1 to 255 bytes) and "
		             "connection ids",
		             "a group of its own is better for more than that", NULL);
		return false;
	}
	if (target_set_except(t, (uint32_t)json_array_size(list), bytes) < 0) {
		control_fail(s, c, "internal", err_text(WSMD_ENOMEM), NULL, NULL);
		return false;
	}
	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(v);
		const size_t len = json_string_length(v);

		if (conn_id_parse(name, len, &id))
			target_except_connection(t, &id);
		else
			target_except_user(t, name, (uint16_t)len);
	}
	return true;
}

bool argument_flag(struct server *s, struct control *c, json_t *args, const char *key, bool *ret)
{
	json_t *v = json_object_get(args, key);
	char message[64];

	if (v == NULL || json_is_boolean(v)) {
		*ret = json_is_true(v);
		return true;
	}
	snprintf(message, sizeof(message), "\"%s\" must be true or false", key);
	control_fail(s, c, "bad_request", message, NULL, NULL);
	return false;
}

void argument_not_found(struct server *s, struct control *c, const struct target *t)
{
	char message[USER_NAME_MAX * 4 + HUB_NAME_BYTES + 64], user[USER_NAME_MAX * 4 + 8];

	if (t->kind == TARGET_CONNECTION)
		snprintf(message, sizeof(message), "no such connection");
	else
		snprintf(message, sizeof(message), "no such user: %s in hub %s",
		         text_escape(user, sizeof(user), t->user, t->user_len), t->hub);
	control_fail(s, c, "not_found", message, "`wsmctl ls` shows who is connected",
	             json_pack("{s:b, s:s}", "healthy", 0, "reason", "not_found"));
}
