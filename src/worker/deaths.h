/*
 * Do connections die at an age of silence that is well known? Proxies, load balancers and
 * address translators cut what was idle for a round time. One such death says nothing, many at
 * one age and few around it say who does it.
 *
 * Thread: struct deaths: the worker. The rest: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* name, idle limit [ms], tolerance [ms], as people say it, whose it is by default */
#define IDLE_LIMITS(X)                                                                             \
	X(IDLE_55S, 55000, 1200, "55 s", "Heroku's router")                                        \
	X(IDLE_60S, 60000, 1500, "60 s", "nginx (proxy_read_timeout) and AWS ALB")                 \
	X(IDLE_100S, 100000, 2000, "100 s", "Cloudflare")                                          \
	X(IDLE_4MIN, 240000, 3000, "4 min", "Azure's load balancer")                               \
	X(IDLE_350S, 350000, 4000, "350 s", "AWS NLB and NAT gateways")                            \
	X(IDLE_10MIN, 600000, 6000, "10 min", "Google Cloud's firewalls")                          \
	X(IDLE_1H, 3600000, 20000, "1 h", "many HAProxy configurations (timeout tunnel)")

enum idle_limit {
#define X(name, ms, tolerance, text, whose) name,
	IDLE_LIMITS(X)
#undef X
	IDLE_LIMIT_COUNT
};

uint32_t idle_limit_ms(enum idle_limit limit);
const char *idle_limit_text(enum idle_limit limit);
const char *idle_limit_whose(enum idle_limit limit);

/* The limit that a silence of @idle_ms points to; IDLE_LIMIT_COUNT: none. */
enum idle_limit idle_limit_of(uint64_t idle_ms);

/* Deaths without a close frame within the last hour: at each limit, and near it: within twice
 * its tolerance, where as many would be if the limit meant nothing. */
struct deaths_sum {
	uint32_t at[IDLE_LIMIT_COUNT], near[IDLE_LIMIT_COUNT];
};

#define DEATHS_MINUTES 60

struct deaths {
	uint64_t minute;                          /* of the latest, monotonic */
	struct deaths_sum counts[DEATHS_MINUTES]; /* by minute */
};

/* A peer was silent for @idle_ms and then gone without a close frame. */
void deaths_note(struct deaths *d, uint64_t now_ms, uint64_t idle_ms);

/* Add the last hour's to *@sum. */
void deaths_add_up(struct deaths *d, uint64_t now_ms, struct deaths_sum *sum);

/**
 * Is something between us and the peers that cuts what is idle for @limit?
 *
 * @sum  over all workers
 */
bool deaths_reveal(const struct deaths_sum *sum, enum idle_limit limit);
