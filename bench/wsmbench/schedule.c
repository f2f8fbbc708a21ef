/* Closed loop and open loop, for whatever way a message takes. */
#include "schedule.h"

#include <stdlib.h>

#include "base/err.h"
#include "client.h"
#include "clock.h"
#include "loop.h"
#include "report.h"

#define LATE_NS NS_PER_MS

int schedule_init(struct loop *l)
{
	const struct options *const o = l->run->options;
	struct schedule *const s = &l->schedule;

	s->budget = o->messages ? loop_share(o->messages, l->run, l->index) : UINT64_MAX;
	if (schedule_is_open_loop(l))
		return 0;
	s->sent_ns = calloc((size_t)l->n_clients * o->depth, sizeof(*s->sent_ns));
	return s->sent_ns ? 0 : WSMD_ENOMEM;
}

void schedule_fini(struct loop *l)
{
	free(l->schedule.sent_ns);
	l->schedule.sent_ns = NULL;
}

bool schedule_is_open_loop(const struct loop *l)
{
	return l->run->options->rate > 0;
}

bool schedule_is_over(const struct loop *l, uint64_t now_ns)
{
	if (schedule_is_open_loop(l))
		return false;
	return loop_phase(l) != PHASE_LOAD ||
	       now_ns >= atomic_load_explicit(&l->run->end_ns, memory_order_relaxed);
}

/* When message @sequence of connection @number is due. */
static uint64_t due_ns(const struct run *r, uint32_t number, uint64_t sequence)
{
	return run_due_ns(r, sequence * r->options->connections + number);
}

static uint64_t *sent_slot(struct client *c, uint64_t sequence)
{
	const struct loop *const l = c->loop;
	const uint64_t depth = l->run->options->depth;

	return &l->schedule.sent_ns[(uint64_t)(c - l->clients) * depth + sequence % depth];
}

struct client *schedule_take(struct loop *l, uint64_t now_ns)
{
	struct schedule *const s = &l->schedule;
	struct client *const c = &l->clients[s->next % l->n_clients];
	const uint64_t at_ns = due_ns(l->run, c->number, s->next / l->n_clients);

	l->wake_ns = NEVER_NS;
	if (s->budget == 0)
		return NULL;
	if (at_ns >= atomic_load_explicit(&l->run->end_ns, memory_order_relaxed)) {
		s->budget = 0;
		return NULL;
	}
	l->wake_ns = at_ns;
	if (at_ns > now_ns)
		return NULL;
	s->budget--;
	return schedule_turn(l);
}

struct client *schedule_turn(struct loop *l)
{
	return &l->clients[l->schedule.next++ % l->n_clients];
}

static void note_waiting(struct loop *l)
{
	const struct schedule *const s = &l->schedule;
	const uint64_t begun = schedule_is_open_loop(l) ? s->next : s->sent;

	atomic_store_explicit(&l->gauges.waiting, (uint32_t)(begun - s->answered),
	                      memory_order_relaxed);
}

void schedule_note_sent(struct client *c, uint64_t now_ns)
{
	struct loop *const l = c->loop;

	if (!schedule_is_open_loop(l)) {
		*sent_slot(c, c->sent) = now_ns;
		l->schedule.budget--;
	} else {
		const uint64_t was_due_ns = due_ns(l->run, c->number, c->sent);
		const uint64_t lag_ns = now_ns - was_due_ns;

		if (loop_measures(l, was_due_ns)) {
			histogram_record(&l->lag, lag_ns);
			l->schedule.late += lag_ns > LATE_NS;
		}
	}
	c->sent++;
	l->schedule.sent++;
	note_waiting(l);
}

void schedule_note_answered(struct client *c, uint64_t now_ns)
{
	struct loop *const l = c->loop;
	const uint64_t from_ns = schedule_is_open_loop(l) ? due_ns(l->run, c->number, c->answered)
	                                                  : *sent_slot(c, c->answered);

	if (loop_measures(l, from_ns))
		histogram_record(&l->latency, now_ns - from_ns);
	if (loop_measures(l, now_ns))
		l->counted++;
	c->answered++;
	l->schedule.answered++;
	note_waiting(l);
	GAUGE_ADD(l->gauges.done, 1);
}

void schedule_note_backlog(struct loop *l)
{
	struct schedule *const s = &l->schedule;

	if (s->next - s->sent > s->backlog_max)
		s->backlog_max = s->next - s->sent;
	if (s->next - s->answered > s->waiting_max)
		s->waiting_max = s->next - s->answered;
}

void schedule_tell(const struct run *r, struct report *report)
{
	struct histogram *lag;
	uint64_t backlog = 0, waiting = 0, late = 0;

	if (r->options->rate <= 0)
		return;
	lag = report_timing(report, "send_lag", "due to sent");
	for (uint32_t i = 0; i < r->n_loops; i++) {
		const struct schedule *const s = &r->loops[i].schedule;

		histogram_merge(lag, &r->loops[i].lag);
		backlog += s->backlog_max;
		waiting += s->waiting_max;
		late += s->late;
	}
	report_fact(report, "late_sends", "sent over 1 ms late", "messages", (double)late);
	report_fact(report, "backlog_max", "most due but not yet sent", "messages",
	            (double)backlog);
	report_fact(report, "waiting_max", "most due but not yet answered", "messages",
	            (double)waiting);
}
