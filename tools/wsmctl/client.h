/*
 * One conversation with wsmd: a request, a line of answer, the next request.
 *
 * Whatever goes wrong becomes an error object {code, message, hint} like those wsmd sends, so
 * that a caller tells the operator about both in the same way. The codes made here are those of
 * CLIENT_*.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define CLIENT_USAGE       "usage"       /* the command line is wrong */
#define CLIENT_UNREADABLE  "unreadable"  /* standard input cannot be read */
#define CLIENT_BAD_PATH    "bad_path"    /* no socket can have that name */
#define CLIENT_TOO_LARGE   "too_large"   /* the request would be longer than the protocol allows */
#define CLIENT_NO_DAEMON   "no_daemon"   /* nobody listens, or we may not speak to him */
#define CLIENT_NO_ANSWER   "no_answer"   /* somebody listens, and ends or stays silent */
#define CLIENT_BAD_ANSWER  "bad_answer"  /* somebody speaks, but not the control protocol */
#define CLIENT_BAD_VERSION "bad_version" /* ... or another version of it */

struct client {
	const char *path;
	double timeout_s; /* for connecting and for each request */
	int fd;           /* -1: not connected yet */
	unsigned answers;
	char *buf; /* the answer so far */
	size_t len, cap;
	bool streams; /* more lines may follow the answer: client_next() */
	size_t line;  /* bytes of buf that are the line at hand; others begin behind it */
};

/* Cannot fail: the socket is opened by the first request. @path and *c outlive it. */
void client_init(struct client *c, const char *path, double timeout_s);
void client_fini(struct client *c);

/**
 * Send one request and wait for its answer.
 *
 * Owns:    takes @arguments (NULL: none); the caller releases the result, or *ret_error
 * Cost:    blocks, at most timeout_s
 * Returns: the result object, or NULL with *ret_error set
 */
MUST_CHECK json_t *client_request(struct client *c, const char *command, json_t *arguments,
                                  json_t **ret_error);

/**
 * The next line behind an answer, of a client that streams.
 *
 * Cost:    blocks until there is one
 * Returns: the object, or NULL with *ret_error set
 */
MUST_CHECK json_t *client_next(struct client *c, json_t **ret_error);

/* An error object like those of wsmd. @hint may be NULL. */
json_t *client_error(const char *code, const char *hint, const char *format, ...) PRINTF(3, 4);
