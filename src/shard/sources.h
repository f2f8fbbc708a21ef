/*
 * How many connections each client address has: IPv4 by the address, IPv6 by its /64, because
 * a household or a virtual machine has all of one.
 *
 * A table of a fixed number of places, of which an address has one of sixteen, by keyed hash.
 * The acceptor alone takes places and gives them to others; a worker only says that one of an
 * address has left. A place is somebody else's only when nobody of its address is there any more,
 * so whoever has a connection of an address finds it in the table, without a lock.
 *
 * Thread: the acceptor, but for sources_left(), which is any worker's.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/macros.h"
#include "base/siphash.h"

struct source {
	_Atomic uint64_t address; /* who has it, or had it last. Written by the acceptor */
	_Atomic uint32_t left;    /* counted by workers, of those that were handed to them */
	uint32_t came;            /* handed to workers ever; like the next, the acceptor's own */
	uint32_t opening;         /* sockets that the acceptor still has */
};

struct sources {
	struct siphash_key key;
	uint32_t n; /* places */
	struct source *place;
};

/* Places that there are at most. When all of an address are taken, it is refused. */
#define SOURCES_MAX (1u << 22)

/* @most: sockets there may be at once. 0 or WSMD_ENOMEM. Thread: main, before the others start. */
MUST_CHECK int sources_init(struct sources *s, const struct siphash_key *key, uint32_t most);
void sources_fini(struct sources *s); /* harmless on a zeroed struct */

/* What is counted for @peer: one number for all addresses that are held to be one client. */
uint64_t sources_address(const struct net_addr *peer);

/* A socket was accepted. False: no place is left for its address. */
MUST_CHECK bool sources_opened(struct sources *s, const struct net_addr *peer);

/* It was closed before it became a connection. */
void sources_closed(struct sources *s, const struct net_addr *peer);

/* It is a worker's now. And back: the worker could not be reached. */
void sources_handed(struct sources *s, const struct net_addr *peer);
void sources_returned(struct sources *s, const struct net_addr *peer);

/* A connection that was handed to a worker has ended. Thread: any worker. */
void sources_left(struct sources *s, const struct net_addr *peer);

/* Connections of workers, and sockets that the acceptor still has. */
uint32_t sources_connections(const struct sources *s, const struct net_addr *peer);
uint32_t sources_opening(const struct sources *s, const struct net_addr *peer);
