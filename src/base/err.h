/*
 * One list of errors. Functions return 0 or a negative number: -errno from the kernel as it
 * is, or one of these. "Need more" and "would block" are answers, not faults.
 */
#pragma once

#define WSMD_ERRORS(X)                                                                             \
	X(WSMD_ENEEDMORE, -1001, "more input is needed")                                           \
	X(WSMD_EFULL, -1002, "a configured bound was reached")                                     \
	X(WSMD_ENOMEM, -1003, "out of memory")                                                     \
	X(WSMD_EINVAL, -1004, "invalid argument")                                                  \
	X(WSMD_ENOENT, -1005, "no such object")                                                    \
	X(WSMD_EPROTO, -1006, "the peer broke the protocol")                                       \
	X(WSMD_ECLOSED, -1007, "already closed")                                                   \
	X(WSMD_ECONFIG, -1008, "the configuration is not valid")                                   \
	X(WSMD_EFOREIGN, -1009, "its directory belongs to another user")

enum wsmd_error {
#define X(name, number, text) name = number,
	WSMD_ERRORS(X)
#undef X
};

/* Text of an error of this list or of a negated errno; never NULL, not to be freed. */
const char *err_text(int err);
