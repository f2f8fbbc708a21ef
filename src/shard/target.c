/* What a target owns besides itself. */
#include "shard/target.h"

#include <string.h>

#include "base/err.h"

bool group_name_valid(const char *name, size_t len)
{
	bool visible = false;

	if (len == 0 || len > GROUP_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)name[i];

		if (c < ' ' || c == 0x7f)
			return false;
		visible |= c != ' ';
	}
	return visible;
}

int target_set_group(struct target *t, const char *name, uint32_t len)
{
	char *group = malloc(len);

	ASSERT(len > 0 && len <= GROUP_NAME_MAX);
	if (group == NULL)
		return WSMD_ENOMEM;
	memcpy(group, name, len);
	free(t->group);
	t->group = group;
	t->group_len = len;
	return 0;
}

/* ---- who is left out ---- */

static size_t except_bytes(uint32_t cap, uint32_t names_cap)
{
	return sizeof(struct except) + cap * sizeof(struct except_row) + names_cap;
}

int target_set_except(struct target *t, uint32_t cap, uint32_t names_cap)
{
	struct except *e;

	ASSERT(cap <= EXCEPT_MAX && names_cap <= EXCEPT_MAX * USER_NAME_MAX);
	e = calloc(1, except_bytes(cap, names_cap));
	if (e == NULL)
		return WSMD_ENOMEM;
	e->cap = cap;
	e->names_cap = names_cap;
	free(t->except);
	t->except = e;
	return 0;
}

static struct except_row *add_row(struct except *e)
{
	ASSERT(e->n < e->cap);
	return &e->rows[e->n++];
}

void target_except_user(struct target *t, const char *name, uint16_t len)
{
	struct except *e = t->except;

	ASSERT(len <= e->names_cap - e->names_len);
	*add_row(e) =
		(struct except_row){.is_user = true, .name_len = len, .name_at = e->names_len};
	memcpy((char *)&e->rows[e->cap] + e->names_len, name, len);
	e->names_len += len;
}

void target_except_connection(struct target *t, const struct conn_id *id)
{
	add_row(t->except)->id = *id;
}

const char *except_name(const struct except *e, const struct except_row *row)
{
	return (const char *)&e->rows[e->cap] + row->name_at;
}

/* ---- the whole ---- */

int target_copy(struct target *to, const struct target *from)
{
	*to = *from;
	to->group = NULL;
	to->except = NULL;
	if (from->group != NULL && target_set_group(to, from->group, from->group_len) < 0)
		return WSMD_ENOMEM;
	if (from->except == NULL)
		return 0;

	const size_t bytes = except_bytes(from->except->cap, from->except->names_cap);

	to->except = malloc(bytes);
	if (to->except == NULL) {
		target_fini(to);
		return WSMD_ENOMEM;
	}
	memcpy(to->except, from->except, bytes);
	return 0;
}

void target_fini(struct target *t)
{
	free(t->group);
	free(t->except);
	t->group = NULL;
	t->except = NULL;
}
