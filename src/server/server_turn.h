/* What the main thread's poll distinguishes; control sessions use their slab handles, whose low
 * half is odd. */
#pragma once

#define SERVER_TOKEN_INBOX   0
#define SERVER_TOKEN_CONTROL 2
