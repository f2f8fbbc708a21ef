/*
 * The pages that the acceptor serves by itself: health, metrics, the test page.
 *
 * Thread: the acceptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admit/decide.h"
#include "stats/snapshot.h"

struct page_body {
	uint16_t status;
	const char *content_type;
	const char *text;
	size_t len;
	char *owned; /* to be freed by the caller; NULL: text is constant */
};

/**
 * @not_ready  a line that says why newcomers are not welcome; NULL: they are
 *
 * Returns: 0, or WSMD_ENOMEM
 */
MUST_CHECK int page_make(enum page page, const char *not_ready, struct stats_cell *snapshot,
                         struct page_body *ret);
