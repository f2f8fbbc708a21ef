/* tap: the frames of a user or a connection, as they come and go. */
#include "server/argument.h"
#include "server/command.h"
#include "server/taps.h"

void command_tap(struct server *s, struct control *c, json_t *args)
{
	struct target t = {0};
	bool with_payload = false;

	if (argument_either(s, c, args, &t) && argument_flag(s, c, args, "payload", &with_payload))
		taps_begin(s, c, &t, with_payload);
}
