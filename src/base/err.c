/* Error numbers to text. */
#include "base/err.h"

#include <stddef.h>
#include <string.h>

#define ERRNO_MAX 4095 /* what the kernel can return */

static const char *own_text(int err)
{
	switch (err) {
#define X(name, number, text)                                                                      \
	case number:                                                                               \
		return text;
		WSMD_ERRORS(X)
#undef X
	default:
		return NULL;
	}
}

const char *err_text(int err)
{
	const char *text = own_text(err);

	if (err == 0)
		return "success";
	/* Not strerror(): this one is safe from any thread, and the same in every locale. */
	if (text == NULL && err < 0 && err >= -ERRNO_MAX)
		text = strerrordesc_np(-err);
	return text != NULL ? text : "unknown error";
}
