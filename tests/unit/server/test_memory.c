/* The memory watch: what main makes of blocks that others write while it reads. */
#include "server/memory.h"

#include <inttypes.h>

#include <criterion/criterion.h>

#include "server/server.h"

#define IDLE_BYTES 700
#define MUCH       (UINT64_C(1) << 40)
#define LOOK_MS    1000

static struct stats_block blocks[2]; /* the acceptor's, and a worker's */

static struct server *make_server(void) ON_MAIN;
static struct server *make_server(void)
{
	static struct server s;

	s = (struct server){
		.blocks = blocks,
		.n_blocks = 2,
		.plan = {.idle_each = IDLE_BYTES, .buffered = MUCH},
	};
	return &s;
}

static void look(struct server *s) ON_MAIN;
static void look(struct server *s)
{
	s->now_ms += LOOK_MS;
	memory_step(s);
}

/* Main reads the acceptor's block, then somebody is handed over and leaves, then main reads the
 * worker's. */
Test(memory, who_comes_and_goes_during_a_look_is_not_missing)
{
	struct server *s;

	role_enter(&role_main);
	s = make_server();
	stats_sub(&blocks[1], STAT_CONNECTIONS_ACTIVE, 1);
	look(s);
	cr_expect_eq(s->memory.most_conns, 0, "%" PRIu64, s->memory.most_conns);
	cr_expect_eq(memory_sleep_ms(s), UINT32_MAX);

	stats_add(&blocks[0], STAT_CONNECTIONS_ACTIVE, 6);
	look(s);
	cr_expect_eq(s->memory.most_conns, 5, "%" PRIu64, s->memory.most_conns);
}

/* They may be in the backlog when the listeners open. */
Test(memory, who_comes_before_the_first_look_is_not_the_process)
{
	struct server *s;

	role_enter(&role_main);
	s = make_server();
	memory_begin(s);
	stats_add(&blocks[0], STAT_CONNECTIONS_ACTIVE, 1);
	look(s);
	cr_expect_eq(s->memory.most_conns, 1);
	cr_expect_gt(s->memory.base, 0, "what the process was before is no buffer");
}
