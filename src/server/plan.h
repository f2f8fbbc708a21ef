/*
 * Memory that the limits promise, in user space: what connections cost idle, and at worst.
 *
 * Thread: any; pure.
 */
#pragma once

#include <stdint.h>

#include "conf/conf.h"

/* Every connection open and quiet [bytes]. */
uint64_t plan_idle_bytes(const struct conf *c, uint32_t connections);

/* Every connection with a full send queue, an almost complete message and all groups it may be
 * in, and as many handshakes as there may be with the longest heads [bytes]. */
uint64_t plan_worst_bytes(const struct conf *c, uint32_t connections);
