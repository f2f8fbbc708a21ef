/* Who is in which group, as far as what was asked and answered tells. */
#include "model.h"

#include "world.h"

static uint64_t done_us(const struct op *op)
{
	return op->answered_us == 0 ? UINT64_MAX : op->answered_us;
}

/* May it have had an effect? An error says that it had none, unless memory failed on the way. */
static bool possible(const struct op *op)
{
	return op->answered_us == 0 || op->ok || world.hurt;
}

/* Is it about @c in that group? */
static bool concerns(const struct op *op, enum op_kind kind, uint32_t group, const struct client *c)
{
	return op->kind == kind && (op->group == group || op->group == OP_ALL_GROUPS) &&
	       op_names(op, c);
}

/* Nobody can have taken him out between @join and @op. */
static bool kept(const struct op *join, const struct op *op, const struct client *c)
{
	for (uint32_t i = 0; i < model_op_count(); i++) {
		const struct op *leave = model_op_at(i);

		if (concerns(leave, OP_LEAVE, op->group, c) && possible(leave) &&
		    done_us(leave) >= join->issued_us && leave->issued_us <= done_us(op))
			return false;
	}
	return true;
}

/* Somebody has certainly taken him out between @join and @op. */
static bool undone(const struct op *join, const struct op *op, const struct client *c)
{
	for (uint32_t i = 0; i < model_op_count(); i++) {
		const struct op *leave = model_op_at(i);

		if (concerns(leave, OP_LEAVE, op->group, c) && leave->ok &&
		    leave->issued_us > done_us(join) && done_us(leave) < op->issued_us)
			return true;
	}
	return false;
}

/* He was there from before it was asked, nobody was refused, and it was answered before @op. */
static bool certain(const struct op *join, const struct op *op, const struct client *c)
{
	return join->ok && join->refused == 0 && join->answered_us < op->issued_us &&
	       c->open_us != 0 && c->open_us < join->issued_us;
}

static enum verdict is_member(const struct op *op, const struct client *c)
{
	enum verdict verdict = VERDICT_NO;

	if (c->hub != op->hub)
		return VERDICT_NO;
	for (uint32_t i = 0; i < model_op_count(); i++) {
		const struct op *join = model_op_at(i);

		if (!concerns(join, OP_JOIN, op->group, c) || !possible(join) ||
		    join->issued_us > done_us(op) || done_us(join) < c->started_us)
			continue;
		if (certain(join, op, c) && kept(join, op, c))
			return VERDICT_YES;
		if (!undone(join, op, c))
			verdict = VERDICT_MAYBE;
	}
	return verdict;
}

static bool is_excluded(const struct op *op, const struct client *c)
{
	for (uint32_t i = 0; i < op->n_except; i++) {
		const struct op_except *e = &op->except[i];

		if (e->is_user ? c->hub == op->hub && c->user != 0 && c->user == e->who
		               : c->link->id == e->who)
			return true;
	}
	return false;
}

enum verdict model_reaches(const struct op *op, const struct client *c)
{
	if (is_excluded(op, c))
		return VERDICT_NO;
	if (op->target == OP_GROUP)
		return is_member(op, c);
	return op_names(op, c) ? VERDICT_YES : VERDICT_NO;
}

/* ---- at the end ---- */

/* Can the server have counted him while it worked on @op? */
static bool was_there(const struct op *op, const struct client *c)
{
	return c->started_us <= done_us(op) &&
	       (c->link->closed_us == 0 || c->link->closed_us >= op->issued_us);
}

static void check_bounds(const struct op *op, uint32_t n, const char *what)
{
	uint32_t least = 0, most = 0;

	for (uint32_t i = 0; i < clients_count(); i++) {
		const struct client *c = clients_at(i);
		const enum verdict verdict = model_reaches(op, c);

		least += verdict == VERDICT_YES && model_stayed(c, op);
		most += verdict != VERDICT_NO && was_there(op, c);
	}
	EXPECT(n >= least && n <= most, "operation %u: %u %s, but %u to %u were there", op->number,
	       n, what, least, most);
}

void model_check_groups(const struct op *op)
{
	struct op group = *op;

	if (!op->ok)
		return;
	switch (op->kind) {
	case OP_JOIN:
		check_bounds(op, op->joined + op->already + op->refused, "joined or not");
		break;
	case OP_LEAVE:
		if (op->group != OP_ALL_GROUPS)
			check_bounds(op, op->left + op->not_in, "left or not");
		break;
	case OP_GROUPS:
		group.target = OP_GROUP;
		for (group.group = 1; group.group <= OP_MAX_GROUPS; group.group++)
			check_bounds(&group, op->members[group.group], "members");
		break;
	default:
		break;
	}
}
