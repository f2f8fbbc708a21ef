/*
 * libwebsockets: lws PORT
 *
 * A message is collected until it is whole, then waits in the queue of each receiver until
 * libwebsockets asks for something to write: the way its own examples have it. Receivers share it.
 */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64 * 1024) /* of a read */

struct message {
	unsigned refs;
	size_t len, cap;
	unsigned char data[]; /* behind LWS_PRE bytes for the header */
};

struct entry {
	struct entry *next;
	struct message *message;
};

struct session {
	struct lws *wsi;
	bool publishes, subscribes;
	struct session *next, **link; /* of subscribers */
	struct entry *first, **last;  /* that are to be written */
	struct message *arriving;
};

static struct session *subscribers;

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void message_put(struct message *m)
{
	if (m && --m->refs == 0)
		free(m);
}

static void queue(struct session *s, struct message *m)
{
	struct entry *const e = must(malloc(sizeof(*e)));

	m->refs++;
	*e = (struct entry){.message = m};
	*s->last = e;
	s->last = &e->next;
	lws_callback_on_writable(s->wsi);
}

static int write_next(struct session *s)
{
	struct entry *const e = s->first;
	int rc;

	if (!e)
		return 0;
	rc = lws_write(s->wsi, e->message->data + LWS_PRE, e->message->len, LWS_WRITE_TEXT);
	s->first = e->next;
	if (!s->first)
		s->last = &s->first;
	else
		lws_callback_on_writable(s->wsi);
	message_put(e->message);
	free(e);
	return rc < 0 ? -1 : 0;
}

static void collect(struct session *s, const void *data, size_t len)
{
	struct message *m = s->arriving;
	const size_t had = m ? m->len : 0;
	const size_t whole = had + len + lws_remaining_packet_payload(s->wsi); /* of this frame */

	if (!m || whole > m->cap) {
		m = must(realloc(m, sizeof(*m) + LWS_PRE + whole));
		m->cap = whole;
	}
	memcpy(m->data + LWS_PRE + had, data, len);
	m->len = had + len;
	m->refs = 1;
	s->arriving = m;
}

static void receive(struct session *s, const void *data, size_t len)
{
	struct message *m;

	collect(s, data, len);
	if (!lws_is_final_fragment(s->wsi) || lws_remaining_packet_payload(s->wsi) > 0)
		return;
	m = s->arriving;
	s->arriving = NULL;
	if (s->publishes)
		for (struct session *to = subscribers; to; to = to->next)
			queue(to, m);
	else
		queue(s, m);
	message_put(m);
}

static void open_session(struct session *s, struct lws *wsi)
{
	char path[64] = "";

	lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI);
	*s = (struct session){.wsi = wsi, .last = &s->first};
	s->publishes = strcmp(path, "/pub") == 0;
	s->subscribes = strcmp(path, "/sub") == 0;
	if (!s->subscribes)
		return;
	s->next = subscribers;
	s->link = &subscribers;
	if (subscribers)
		subscribers->link = &s->next;
	subscribers = s;
}

static void close_session(struct session *s)
{
	if (s->subscribes) {
		*s->link = s->next;
		if (s->next)
			s->next->link = s->link;
	}
	while (s->first) {
		struct entry *const e = s->first;

		s->first = e->next;
		message_put(e->message);
		free(e);
	}
	message_put(s->arriving);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		open_session(user, wsi);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		receive(user, in, len);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return write_next(user);
	case LWS_CALLBACK_CLOSED:
		close_session(user);
		return 0;
	default:
		return 0;
	}
}

int main(int argc, char **argv)
{
	static const struct lws_protocols protocols[] = {
		{.name = "any",
	         .callback = on_event,
	         .per_session_data_size = sizeof(struct session),
	         .rx_buffer_size = CHUNK_BYTES},
		{.name = NULL},
	};
	const struct lws_context_creation_info info = {
		.port = argc == 2 ? atoi(argv[1]) : 0,
		.iface = "127.0.0.1",
		.protocols = protocols,
		.pt_serv_buf_size = CHUNK_BYTES,
		.options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_DISABLE_IPV6,
	};
	struct lws_context *context;

	lws_set_log_level(LLL_ERR, NULL);
	context = info.port > 0 ? lws_create_context(&info) : NULL;
	if (!context) {
		fprintf(stderr, "usage: lws PORT\n");
		return 1;
	}
	while (lws_service(context, 0) >= 0)
		;
	lws_context_destroy(context);
	return 0;
}
