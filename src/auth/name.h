/* Names of users: 1 to USER_NAME_MAX bytes of UTF-8 without control characters. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool name_valid(const char *name, size_t len);
