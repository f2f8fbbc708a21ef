/*
 * What a complete request head asks for, and whether it gets it: a WebSocket, a page, or a
 * refusal with its reason.
 *
 * Thread: any; pure, so every malformed handshake is one row of a test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "http/head.h"
#include "shard/handoff.h"
#include "stats/protocol_type.h"
#include "stats/refusal.h"
#include "ws/upgrade.h"

enum page {
	PAGE_HEALTHZ, /* the process is alive */
	PAGE_READYZ,  /* newcomers are welcome */
	PAGE_METRICS,
	PAGE_TEST, /* a page to try a WebSocket from; with dev only */
};

enum verdict {
	VERDICT_REFUSE,
	VERDICT_UPGRADE,
	VERDICT_PAGE
};

struct decision {
	enum verdict verdict;
	enum refusal why; /* VERDICT_REFUSE */
	uint16_t status;
	const char *sentence;
	enum page page; /* VERDICT_PAGE */
	bool head_only;
	/* VERDICT_UPGRADE */
	uint32_t hub_len, user_len;
	char hub[HUB_NAME_BYTES], user[USER_NAME_MAX + 1];
	enum protocol_type protocol;
	char accept[WS_ACCEPT_LEN + 1];
	const char *subprotocol; /* NULL: none */
};

/* What the configuration says about requests. */
struct admit_rules {
	bool adopted; /* hub and user are known: only the handshake is asked for */
	bool dev;
	enum conf_legacy legacy;
	struct identity_rules identity;
	const struct conf_origins *origins;
};

/* @head is complete or has a fault. */
void decide(const struct admit_rules *rules, const struct http_head *head, const char *buf,
            struct decision *ret);
