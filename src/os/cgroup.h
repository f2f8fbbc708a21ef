/*
 * The memory that control groups leave to this process.
 *
 * Thread: any. Reads files; no state.
 */
#pragma once

#include <stdint.h>

/**
 * The least limit of our own group and of those around it, of version 2 (memory.max) and of
 * version 1 (memory.limit_in_bytes), whichever there is.
 *
 * @root  put in front of /proc/self/cgroup and /sys/fs/cgroup; "" but for tests
 *
 * Returns: bytes; UINT64_MAX: there is no limit, or none that can be read
 */
uint64_t cgroup_memory_bytes(const char *root);
