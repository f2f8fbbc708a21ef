/* The rows of hubs in a snapshot, sorted by name; '*' sorts before every letter, so the row
 * for hubs that are not named is always the first. */
#pragma once

#include "conf/conf.h"

#define HUB_ANY "*"

/* Bytes of a snapshot with room for so many hubs. */
static inline size_t hubs_conf_bytes(size_t n_hubs)
{
	return sizeof(struct conf) + n_hubs * sizeof(struct conf_hub);
}

/* The row of that name, made if there is none; NULL: CONF_MAX_HUBS reached. @name is valid, and
 * @c has room for CONF_MAX_HUBS. */
struct conf_hub *hubs_obtain(struct conf *c, const char *name);
