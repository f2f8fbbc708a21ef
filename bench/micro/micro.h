/*
 * Small benchmarks: one piece of code, measured beside a yardstick in the same run.
 *
 * A case and its yardstick take turns in short rounds, so that a machine that slows down slows
 * both, and what stands is their ratio. Time is that of the thread, not of the clock on the
 * wall, so that whoever shares the core is not in it.
 *
 * Thread: main, but for what a case starts itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* @n times what is measured, on what @arg points to. */
typedef void (*micro_run)(void *arg, uint64_t n);

struct micro_yardstick {
	const char *name; /* "memcpy" */
	micro_run run;
	void *arg;
};

struct micro_case {
	const char *name;
	micro_run run;
	void *arg;
	uint64_t ops;   /* of each run, for what is done in batches; 0: one */
	uint64_t bytes; /* of each run: speed is GB/s; 0: it is ns for each operation */
	bool threads;   /* more than one take part: by the clock on the wall, in longer rounds */
	struct micro_yardstick yardstick; /* as many bytes, or one operation, for each run */
	const char *field;                /* what others reach, and who says so; NULL: no figure */
};

/* How long it may take. Set once, by main. */
struct micro_effort {
	unsigned int rounds; /* odd, so that there is a median */
	uint64_t round_ns;   /* at least, for a case and as long for its yardstick */
};
extern struct micro_effort micro_effort;

/* Measure @c and print a line, and one for the field's figure. Ends the program without memory. */
void micro_measure(const struct micro_case *c);

/* A yardstick: a call of a function that does nothing, through a pointer. */
extern const struct micro_yardstick micro_call;
/* A yardstick: an atomic addition that no other thread wants. */
extern const struct micro_yardstick micro_atomic;

/* A yardstick: copying @len bytes from one place to another, both aligned to a line. */
struct micro_copy {
	uint8_t *dst, *src;
	uint64_t len;
};
void micro_copy_run(void *copy, uint64_t n);

/* Zeroed memory at the begin of a page, never freed. Ends the program if there is none. */
void *micro_memory(uint64_t len);

/* xorshift, for inputs that are the same in each run. */
uint64_t micro_random(uint64_t *seed);

/* Keeps the compiler from leaving out what computes @value. */
static inline void micro_use(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* One file each. */
void micro_frame(void);
void micro_mask(void);
void micro_utf8(void);
void micro_siphash(void);
void micro_wheel(void);
void micro_table(void);
void micro_inbox(void);
