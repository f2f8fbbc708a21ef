/* The questions a request must answer, in the order in which the answers help most. */
#include "admit/decide.h"

#include <string.h>

#include "http/field.h"
#include "http/origin.h"

#define CLIENT_PREFIX "/client/hubs/"
#define SHORT_PATH    "/ws"
#define SHORT_HUB     "default"

static void refuse(struct decision *d, enum refusal why)
{
	d->verdict = VERDICT_REFUSE;
	d->why = why;
	d->status = refusal_status(why);
	d->sentence = refusal_text(why);
}

static bool find_page(const struct admit_rules *rules, const struct http_head *head,
                      const char *buf, enum page *ret)
{
	static const struct {
		const char *path;
		enum page page;
		bool dev_only;
	} pages[] = {
		{"/healthz", PAGE_HEALTHZ, false},
		{"/readyz", PAGE_READYZ, false},
		{"/metrics", PAGE_METRICS, false},
		{"/", PAGE_TEST, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		if (!http_span_equals(buf, head->path, pages[i].path))
			continue;
		*ret = pages[i].page;
		return rules->dev || !pages[i].dev_only;
	}
	return false;
}

static void decide_page(const struct http_head *head, const char *buf, struct decision *d)
{
	d->head_only = http_span_equals(buf, head->method, "HEAD");
	if (d->head_only || http_span_equals(buf, head->method, "GET")) {
		d->verdict = VERDICT_PAGE;
		return;
	}
	refuse(d, REFUSE_PAGE_METHOD);
}

/* The hub that the path names. False: no WebSocket is offered there. */
static bool find_hub(const struct http_head *head, const char *buf, struct http_span *ret)
{
	const struct http_span path = head->path;
	const uint32_t prefix = sizeof(CLIENT_PREFIX) - 1;

	if (http_span_equals(buf, path, SHORT_PATH)) {
		ret->len = 0;
		return true;
	}
	if (path.len <= prefix || memcmp(buf + path.at, CLIENT_PREFIX, prefix) != 0)
		return false;
	*ret = (struct http_span){.at = path.at + prefix, .len = path.len - prefix};
	return memchr(buf + ret->at, '/', ret->len) == NULL;
}

static bool read_hub(struct http_span span, const char *buf, struct decision *d)
{
	if (span.len == 0) {
		memcpy(d->hub, SHORT_HUB, sizeof(SHORT_HUB));
		d->hub_len = sizeof(SHORT_HUB) - 1;
		return true;
	}
	const long len = http_decode(buf, span, false, d->hub, sizeof(d->hub));

	/* "*" is a row of the configuration, not a hub. */
	if (len < 0 || d->hub[0] == '*' || !conf_hub_name_valid(d->hub, (size_t)len)) {
		refuse(d, REFUSE_HUB_NAME);
		return false;
	}
	d->hub_len = (uint32_t)len;
	return true;
}

/* Versions 7 and 8 are drafts of RFC 6455: the same frames, and an origin by another name. */
static bool read_version(const struct admit_rules *rules, const struct http_head *head,
                         const char *buf, enum protocol_type *ret)
{
	struct http_span version;

	if (http_head_find(head, buf, "sec-websocket-version", &version) != 1)
		return false;
	if (http_span_equals(buf, version, "13")) {
		*ret = PROTOCOL_WEBSOCKET;
		return true;
	}
	*ret = PROTOCOL_LEGACY;
	return rules->legacy == LEGACY_WARN &&
	       (http_span_equals(buf, version, "8") || http_span_equals(buf, version, "7"));
}

/* RFC 6455 4.2.1. Each fault has its own answer. */
static bool check_handshake(const struct admit_rules *rules, const struct http_head *head,
                            const char *buf, struct decision *d)
{
	struct http_span key;

	if (!http_span_equals(buf, head->method, "GET")) {
		refuse(d, REFUSE_METHOD);
	} else if (http_head_has_body(head)) {
		refuse(d, REFUSE_BODY);
	} else if (!http_head_has_token(head, buf, "upgrade", "websocket") ||
	           !http_head_has_token(head, buf, "connection", "upgrade")) {
		refuse(d, REFUSE_NO_UPGRADE);
	} else if (!read_version(rules, head, buf, &d->protocol)) {
		refuse(d, REFUSE_VERSION);
	} else if (http_head_find(head, buf, "sec-websocket-key", &key) != 1 ||
	           !ws_key_valid(buf + key.at, key.len)) {
		refuse(d, REFUSE_KEY);
	} else if (ws_accept(buf + key.at, d->accept) < 0) {
		refuse(d, REFUSE_NO_MEMORY);
	} else {
		return true;
	}
	return false;
}

static bool is_listed(const struct conf_origins *list, const struct http_origin *origin)
{
	struct http_origin allowed;

	for (uint32_t i = 0; i < list->n; i++) {
		if (http_origin_parse(list->at[i], strlen(list->at[i]), &allowed) &&
		    http_origin_same(&allowed, origin))
			return true;
	}
	return false;
}

static bool allows_all(const struct conf_origins *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (strcmp(list->at[i], "*") == 0)
			return true;
	}
	return false;
}

/* RFC 6455 section 10.2: a browser says whose page it shows, and pages of others must not act in
 * the name of who looks at them. */
static bool check_origin(const struct admit_rules *rules, const struct http_head *head,
                         const char *buf, struct decision *d)
{
	struct http_origin origin, own;
	struct http_span value, host;
	uint32_t n = http_head_find(head, buf, "origin", &value);

	if (d->protocol == PROTOCOL_LEGACY)
		n += http_head_find(head, buf, "sec-websocket-origin", &value);
	if (n == 0 || allows_all(rules->origins))
		return true;
	if (n == 1 && http_origin_parse(buf + value.at, value.len, &origin) &&
	    (is_listed(rules->origins, &origin) ||
	     (rules->dev && http_origin_is_loopback(&origin)) ||
	     (http_head_find(head, buf, "host", &host) == 1 &&
	      http_origin_of_host("http", buf + host.at, host.len, &own) &&
	      http_origin_same(&own, &origin))))
		return true;
	refuse(d, REFUSE_ORIGIN);
	return false;
}

static void identify(const struct admit_rules *rules, const struct http_head *head, const char *buf,
                     struct decision *d)
{
	struct identity who;
	enum refusal why;

	if (identity_find(&rules->identity, head, buf, &who, &why) < 0) {
		refuse(d, why);
		return;
	}
	d->verdict = VERDICT_UPGRADE;
	d->user_len = who.claims.user_len;
	memcpy(d->user, who.claims.user, sizeof(d->user));
	d->subprotocol = who.subprotocol;
}

void decide(const struct admit_rules *rules, const struct http_head *head, const char *buf,
            struct decision *ret)
{
	struct http_span hub = {0};

	*ret = (struct decision){0};
	if (head->fault != HTTP_OK) {
		refuse(ret, head->fault == HTTP_HEAD_TOO_LARGE ? REFUSE_HEAD_TOO_LARGE
		                                               : REFUSE_BAD_HEAD);
		ret->status = http_fault_status(head->fault);
		ret->sentence = http_fault_text(head->fault);
	} else if (rules->adopted) {
		if (check_handshake(rules, head, buf, ret))
			ret->verdict = VERDICT_UPGRADE;
	} else if (find_page(rules, head, buf, &ret->page)) {
		decide_page(head, buf, ret);
	} else if (!find_hub(head, buf, &hub)) {
		refuse(ret, REFUSE_NOT_FOUND);
	} else if (check_handshake(rules, head, buf, ret) && read_hub(hub, buf, ret) &&
	           check_origin(rules, head, buf, ret)) {
		identify(rules, head, buf, ret);
	}
}
