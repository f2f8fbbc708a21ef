/*
 * The errors of wsmd. A function that can fail returns 0 or a negative number: -errno from the
 * kernel as it is, or one of these. The numbers do not change within a major version; new ones
 * may come.
 */
#ifndef WSMD_ERROR_H
#define WSMD_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define WSMD_ERRORS(X)                                                                             \
	X(WSMD_ENEEDMORE, -1001, "more input is needed")                                           \
	X(WSMD_EFULL, -1002, "a configured bound was reached")                                     \
	X(WSMD_ENOMEM, -1003, "out of memory")                                                     \
	X(WSMD_EINVAL, -1004, "invalid argument")                                                  \
	X(WSMD_ENOENT, -1005, "no such object")                                                    \
	X(WSMD_EPROTO, -1006, "the peer broke the protocol")                                       \
	X(WSMD_ECLOSED, -1007, "already closed")                                                   \
	X(WSMD_ECONFIG, -1008, "the configuration is not valid")                                   \
	X(WSMD_EFOREIGN, -1009, "its directory belongs to another user")                           \
	X(WSMD_EWAIT, -1010, "a thread of a manager may not wait")                                 \
	X(WSMD_ESTATE, -1011, "not in this state")

enum wsmd_error {
#define X(name, number, text) name = number,
	WSMD_ERRORS(X)
#undef X
};

#if defined(__GNUC__)
#define WSMD_API __attribute__((visibility("default")))
#else
#define WSMD_API
#endif

/* Text of an error of this list or of a negated errno; never NULL, not to be freed. Any thread. */
WSMD_API const char *wsmd_error_text(int error);

#ifdef __cplusplus
}
#endif

#endif
