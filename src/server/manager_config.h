/*
 * Inside of a configuration of the public interface: the sources, and how they are read.
 *
 * Thread: one at a time.
 */
#pragma once

#include "conf/conf.h"
#include "wsmd/config.h"

struct wsmd_config {
	char *file, *env_name;
	bool dev, listens_nowhere, has_handler, wants_control;
	struct conf_setting *settings; /* each with its own copies */
	size_t n, cap;
};

/* A copy; NULL: out of memory. */
struct wsmd_config *config_copy(const struct wsmd_config *c);

/* What it says to conf_load(); points into @c. */
struct conf_args config_args(const struct wsmd_config *c);

/* 0 with *@ret; WSMD_ECONFIG and @report was told; WSMD_ENOMEM */
MUST_CHECK int config_load(const struct wsmd_config *c, wsmd_fault_fn report, void *user,
                           struct conf **ret);
