/* At most so many lines a second; the first line after a flood says how many were left out. */
#include "accept/refusal_log.h"

#include "base/clock.h"
#include "base/log.h"

#define LINES_PER_S 10

void refusal_log_write(struct refusal_log *r, uint64_t now_ms, const struct half_open *h,
                       enum refusal why, uint16_t status, const char *sentence)
{
	const uint64_t second = now_ms / MS_PER_S;
	/* A port scan or a client that changed its mind is not worth an operator's attention. */
	const enum log_level level = why == REFUSE_HANDSHAKE_GONE ? LOG_DEBUG : LOG_INFO;
	char text[NET_ADDR_TEXT];
	struct log_line l;

	if (!log_enabled(level))
		return;
	if (second != r->second) {
		r->second = second;
		r->lines = 0;
	}
	if (++r->lines > LINES_PER_S) {
		r->left_out++;
		return;
	}
	if (!log_begin(&l, level, "refused"))
		return;
	log_str(&l, "peer", net_addr_format(&h->peer, text));
	log_str(&l, "cause", refusal_label(why));
	log_u64(&l, "status", status);
	if (h->request.head_len > 0) /* complete */
		log_strn(&l, "path", h->in + h->request.path.at, h->request.path.len);
	log_str(&l, "text", sentence);
	if (r->left_out > 0)
		log_u64(&l, "lines_left_out", r->left_out);
	r->left_out = 0;
	log_end(&l);
}
