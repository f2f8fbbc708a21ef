/*
 * Letting connections go when memory runs short: those that hold much of it for how well they
 * do. In each round that main orders, a part of all that this worker holds for connections (send
 * queues, unfinished messages) goes with those whose share weighs most; a suspect's or a sick
 * one's weighs several times as much as a healthy one's. Who holds next to nothing stays: his
 * end would free nothing.
 *
 * Thread: the worker. A bounded number of connections is looked at in a turn.
 */
#pragma once

#include <stdint.h>

#include "base/role.h"

struct worker;

#define SHED_CLASSES 48 /* of weight, by powers of two */

struct shed {
	uint32_t seen; /* orders that were begun */
	enum {
		SHED_IDLE,
		SHED_WEIGHING, /* how much each class holds */
		SHED_CLOSING,
	} phase;
	uint32_t cursor; /* next index of the connection slab */
	uint64_t held[SHED_CLASSES];
	unsigned whole_from; /* classes that go, all of them ... */
	uint64_t rest;       /* ... and so many bytes of the one below */
};

/* This turn's share. */
void shed_step(struct worker *w) ON_WORKER;
