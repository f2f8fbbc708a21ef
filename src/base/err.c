/* Error numbers to text. */
#include "base/err.h"

#include <string.h>

const char *err_text(int err)
{
	switch (err) {
#define X(name, number, text)                                                                      \
	case number:                                                                               \
		return text;
		WSMD_ERRORS(X)
#undef X
	default:
		/* Names, not strerror(): this one is safe from any thread. */
		return err == 0 ? "success" : strerrordesc_np(-err) ? strerrordesc_np(-err) : "unknown";
	}
}
