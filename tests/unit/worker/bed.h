/*
 * A worker without a thread: its parts are called one by one, at times that the test chooses,
 * with socket pairs for peers. Each call of bed_begin() is in a process of its own.
 */
#pragma once

#include "worker/conn.h"

struct bed {
	struct conf *conf; /* in force from bed_open() on */
	struct conf_cell cell;
	struct stats_block *stats; /* its own, and behind it those of its colleagues */
	struct sources sources;
	struct pressure pressure;
	struct inbox to_main;
	struct worker *w;
	uint32_t n_peers;
	int peers[2000]; /* the other ends */
};

/* @n_workers: as many as the worker believes to have colleagues with itself. */
void bed_begin(struct bed *b, uint32_t n_workers) ON_WORKER;

/* Take over @n connections; their peers say and read nothing. */
void bed_open(struct bed *b, uint32_t n) ON_WORKER;

/* Take over one of a user, "" for anonymous; its peer is the last of @b->peers. */
struct conn *bed_open_as(struct bed *b, const char *hub, const char *user) ON_WORKER;

/* The connection with the lowest index that is still there. */
struct conn *bed_first(struct bed *b) ON_WORKER;

/* Connections in @state. */
uint32_t bed_count(struct bed *b, enum conn_state state) ON_WORKER;

/* Everything must be closed by now. */
void bed_end(struct bed *b) ON_WORKER;
