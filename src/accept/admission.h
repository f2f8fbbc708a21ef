/*
 * Half-open sockets of the acceptor: from readable to answered, handed off or forgotten.
 *
 * Thread: the acceptor.
 */
#pragma once

#include "accept/acceptor.h"
#include "admit/half_open.h"
#include "stats/refusal.h"

/* The poll has something for it. */
void admission_on_event(struct acceptor *a, struct half_open *h, uint32_t events) ON_ACCEPTOR;

/* An adopted one begins: @h->adopted says who it is and what was read from it. */
void admission_begin_adopted(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;

/* Its deadline has passed. */
void admission_on_timer(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;

/* Refuse without a word. */
void admission_drop(struct acceptor *a, struct half_open *h, enum refusal why) ON_ACCEPTOR;

/* Give everything back. */
void admission_forget(struct acceptor *a, struct half_open *h) ON_ACCEPTOR;

/* Live connections and those on their way to a worker. */
uint64_t admission_connections(const struct acceptor *a);
