/* Which bytes may stand where in a head. Private to this folder. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum octet_set {
	OCTET_TOKEN = 1,  /* methods, field names, list members */
	OCTET_HOST = 2,   /* names, addresses, port; '%' of an address zone */
	OCTET_TARGET = 4, /* what browsers leave bare in a query belongs to it, RFC 3986 or not */
	OCTET_VALUE = 8,
	OCTET_WORD = 16, /* the same without white space */
};

extern const uint8_t octet_sets[256];

static inline bool octet_in(unsigned char ch, enum octet_set set)
{
	return octet_sets[ch] & set;
}

static inline bool octet_is_digit(unsigned char ch)
{
	return ch >= '0' && ch <= '9';
}

static inline bool octet_is_space(unsigned char ch)
{
	return ch == ' ' || ch == '\t';
}
