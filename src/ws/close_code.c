/* The close code table and its ranges. */
#include "ws/close_code.h"

#define LIBRARY_FIRST     3000
#define APPLICATION_FIRST 4000
#define APPLICATION_LAST  4999

static bool in_free_range(uint16_t code)
{
	return code >= LIBRARY_FIRST && code <= APPLICATION_LAST;
}

bool ws_close_may_receive(uint16_t code)
{
	switch (code) {
#define X(name, number, receive, send, text)                                                       \
	case number:                                                                               \
		return receive;
		WS_CLOSE_CODES(X)
#undef X
	default:
		return in_free_range(code);
	}
}

bool ws_close_may_send(uint16_t code)
{
	switch (code) {
#define X(name, number, receive, send, text)                                                       \
	case number:                                                                               \
		return send;
		WS_CLOSE_CODES(X)
#undef X
	default:
		return in_free_range(code);
	}
}

const char *ws_close_text(uint16_t code)
{
	switch (code) {
#define X(name, number, receive, send, text)                                                       \
	case number:                                                                               \
		return text;
		WS_CLOSE_CODES(X)
#undef X
	default:
		if (!in_free_range(code))
			return "unassigned";
		return code < APPLICATION_FIRST ? "library code" : "application code";
	}
}
