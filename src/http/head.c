/*
 * The state machine of a head. Its loop gives each byte to the function of the current state
 * and never steps back, so the cost is linear whatever the peer sends. Only a method or a name
 * that has just ended is read again, and no further than the longest word with a meaning here.
 */
#include "http/head.h"

#include <string.h>

#include "base/err.h"
#include "http/field.h"
#include "http/octet.h"

/* What is awaited. */
enum state {
	START,
	METHOD,
	TARGET,
	PATH,
	QUERY,
	VERSION,
	STATUS,
	REASON,
	LINE_LF,
	LINE_START,
	NAME,
	VALUE,
	END_LF,
	DONE,
	FAILED,
};

/* Fields that decide what the head means to everything behind it. */
enum known {
	KNOWN_NONE,
	KNOWN_HOST,
	KNOWN_LENGTH,
	KNOWN_CODING,
};

static const struct {
	const char *name;
	enum http_fault twice, bad;
} known_fields[] = {
	[KNOWN_NONE] = {"", HTTP_OK, HTTP_OK}, /* no field has an empty name */
	[KNOWN_HOST] = {"host", HTTP_TWO_HOSTS, HTTP_BAD_HOST},
	[KNOWN_LENGTH] = {"content-length", HTTP_TWO_LENGTHS, HTTP_BAD_LENGTH},
	[KNOWN_CODING] = {"transfer-encoding", HTTP_BAD_CODING, HTTP_BAD_CODING},
};

static bool has_seen(const struct http_head *h, enum known known)
{
	return h->seen & 1u << known;
}

/* The fault of a byte that cannot stand here: its own if it has one, else @otherwise. */
static enum http_fault misplaced(unsigned char ch, enum http_fault otherwise)
{
	if (ch == '\0')
		return HTTP_NUL_BYTE;
	if (ch == '\n')
		return HTTP_BARE_LF;
	if ((ch < ' ' && ch != '\r') || ch == 0x7f)
		return HTTP_CONTROL_BYTE;
	return otherwise;
}

static enum http_fault on_start(struct http_head *h, unsigned char ch)
{
	if (ch == '\r' || ch == '\n')
		return HTTP_LEADING_LINE;
	if (h->kind == HTTP_RESPONSE) {
		h->state = VERSION;
		return ch == 'H' ? HTTP_OK : HTTP_NOT_HTTP;
	}
	if (ch == 0x16)
		return HTTP_TLS_ON_PLAIN;
	h->state = METHOD;
	return octet_in(ch, OCTET_TOKEN) ? HTTP_OK : HTTP_NOT_HTTP;
}

static enum http_fault on_method(struct http_head *h, const char *buf, unsigned char ch)
{
	if (octet_in(ch, OCTET_TOKEN))
		return HTTP_OK;
	if (ch != ' ')
		return misplaced(ch, HTTP_BAD_REQUEST_LINE);
	h->method = (struct http_span){0, h->pos};
	if (http_span_equals(buf, h->method, "PRI"))
		return HTTP_H2_PREFACE;
	if (http_span_equals(buf, h->method, "PROXY"))
		return HTTP_PROXY_HEADER;
	h->state = TARGET;
	return HTTP_OK;
}

static enum http_fault target_fault(unsigned char ch)
{
	if (ch == ' ' || ch == '\r')
		return HTTP_BAD_REQUEST_LINE;
	return misplaced(ch, ch >= 0x80 ? HTTP_TARGET_NOT_ASCII : HTTP_TARGET_BYTE);
}

static enum http_fault on_target(struct http_head *h, unsigned char ch)
{
	if (ch != '/')
		return octet_in(ch, OCTET_TARGET) ? HTTP_TARGET_FORM : target_fault(ch);
	h->target.at = h->path.at = h->pos;
	h->state = PATH;
	return HTTP_OK;
}

/* Path or query: they differ in the meaning of '?' only. */
static enum http_fault on_target_part(struct http_head *h, unsigned char ch)
{
	struct http_span *const part = h->state == PATH ? &h->path : &h->query;
	const bool path_ends = h->state == PATH && ch == '?';

	if (octet_in(ch, OCTET_TARGET) && !path_ends)
		return HTTP_OK;
	if (ch != ' ' && !path_ends)
		return target_fault(ch);
	part->len = h->pos - part->at;
	h->query.at = path_ends ? h->pos + 1 : h->query.at;
	h->target.len = h->pos - h->target.at;
	h->state = path_ends ? QUERY : VERSION;
	return HTTP_OK;
}

static enum http_fault on_version(struct http_head *h, unsigned char ch)
{
	static const char version[] = "HTTP/1.1";
	const bool request = h->kind == HTTP_REQUEST;
	const enum http_fault fault = request ? HTTP_BAD_REQUEST_LINE : HTTP_BAD_STATUS_LINE;
	const uint32_t i = h->pos - (request ? h->target.at + h->target.len + 1 : 0);

	if (i == sizeof(version) - 1) {
		h->state = request ? LINE_LF : STATUS;
		return ch == (request ? '\r' : ' ') ? HTTP_OK : misplaced(ch, fault);
	}
	if (ch == version[i])
		return HTTP_OK;
	return octet_is_digit(ch) && octet_is_digit((unsigned char)version[i])
	               ? HTTP_BAD_VERSION
	               : misplaced(ch, fault);
}

static enum http_fault on_status(struct http_head *h, unsigned char ch)
{
	const uint32_t i = h->pos - (uint32_t)strlen("HTTP/1.1 ");

	if (i == 3) {
		h->state = REASON;
		return ch == ' ' ? HTTP_OK : misplaced(ch, HTTP_BAD_STATUS_LINE);
	}
	if (!octet_is_digit(ch) || (i == 0 && (ch < '1' || ch > '5')))
		return misplaced(ch, HTTP_BAD_STATUS_LINE);
	h->status = (uint16_t)(h->status * 10 + (ch - '0'));
	return HTTP_OK;
}

static enum http_fault on_reason(struct http_head *h, unsigned char ch)
{
	if (ch == '\r')
		h->state = LINE_LF;
	else if (!octet_in(ch, OCTET_VALUE))
		return misplaced(ch, HTTP_CONTROL_BYTE);
	return HTTP_OK;
}

static enum http_fault on_lf(struct http_head *h, unsigned char ch, enum state next)
{
	h->state = (uint8_t)next;
	return ch == '\n' ? HTTP_OK : HTTP_BARE_CR;
}

static enum http_fault on_line_start(struct http_head *h, unsigned char ch)
{
	if (ch == '\r') {
		h->state = END_LF;
		return h->kind == HTTP_REQUEST && !has_seen(h, KNOWN_HOST) ? HTTP_NO_HOST : HTTP_OK;
	}
	if (octet_is_space(ch))
		return HTTP_FOLDED_LINE;
	if (ch == ':')
		return HTTP_EMPTY_NAME;
	if (!octet_in(ch, OCTET_TOKEN))
		return misplaced(ch, HTTP_BAD_NAME);
	if (h->n_fields == HTTP_MAX_FIELDS)
		return HTTP_TOO_MANY_FIELDS;
	h->fields[h->n_fields].name.at = h->pos;
	h->state = NAME;
	return HTTP_OK;
}

/* Is the name that has just ended one of a known field, and may that stand here? */
static enum http_fault recognise(struct http_head *h, const char *buf, struct http_span name)
{
	uint8_t known = ARRAY_LEN(known_fields) - 1;

	while (known != KNOWN_NONE && !http_span_equals_nocase(buf, name, known_fields[known].name))
		known--;
	h->known = known;
	if (known == KNOWN_NONE)
		return HTTP_OK;
	if (has_seen(h, known))
		return known_fields[known].twice;
	h->seen |= (uint8_t)(1u << known);
	return has_seen(h, KNOWN_LENGTH) && has_seen(h, KNOWN_CODING) ? HTTP_LENGTH_AND_CODING
	                                                              : HTTP_OK;
}

static enum http_fault on_name(struct http_head *h, const char *buf, unsigned char ch)
{
	struct http_field *const field = &h->fields[h->n_fields];

	if (octet_in(ch, OCTET_TOKEN))
		return HTTP_OK;
	if (octet_is_space(ch))
		return HTTP_SPACE_IN_NAME;
	if (ch == '\r')
		return HTTP_NO_COLON;
	if (ch != ':')
		return misplaced(ch, HTTP_BAD_NAME);
	field->name.len = h->pos - field->name.at;
	field->value = (struct http_span){h->pos + 1, 0};
	h->state = VALUE;
	return recognise(h, buf, field->name);
}

/* May the value of the known field have @ch as its byte @i? */
static bool known_byte(struct http_head *h, uint32_t i, unsigned char ch)
{
	static const char coding[] = "chunked";

	switch ((enum known)h->known) {
	case KNOWN_NONE:
		break;
	case KNOWN_HOST:
		return octet_in(ch, OCTET_HOST) && !(i == 0 && ch == ':');
	case KNOWN_LENGTH:
		return octet_is_digit(ch) &&
		       !__builtin_mul_overflow(h->content_length, 10u, &h->content_length) &&
		       !__builtin_add_overflow(h->content_length, ch - '0', &h->content_length);
	case KNOWN_CODING:
		if (i >= sizeof(coding) - 1 || (ch != coding[i] && ch + ('a' - 'A') != coding[i]))
			return false;
		h->chunked = i == sizeof(coding) - 2;
		break;
	}
	return true;
}

static enum http_fault on_value_end(struct http_head *h)
{
	const struct http_span value = h->fields[h->n_fields++].value;
	const bool whole = h->known == KNOWN_CODING ? h->chunked : value.len > 0;

	h->state = LINE_LF;
	return whole ? HTTP_OK : known_fields[h->known].bad;
}

static enum http_fault on_value(struct http_head *h, unsigned char ch)
{
	struct http_span *const value = &h->fields[h->n_fields].value;
	bool gap = false;

	if (ch == '\r')
		return on_value_end(h);
	if (!octet_in(ch, OCTET_VALUE))
		return misplaced(ch, HTTP_CONTROL_BYTE);
	if (octet_is_space(ch)) /* belongs to the value if another byte follows */
		return HTTP_OK;
	if (value->len == 0)
		value->at = h->pos;
	else
		gap = value->at + value->len != h->pos; /* no known value has white space inside */
	value->len = h->pos + 1 - value->at;
	return !gap && known_byte(h, h->pos - value->at, ch) ? HTTP_OK : known_fields[h->known].bad;
}

static enum http_fault step(struct http_head *h, const char *buf, unsigned char ch)
{
	switch ((enum state)h->state) {
	case START:
		return on_start(h, ch);
	case METHOD:
		return on_method(h, buf, ch);
	case TARGET:
		return on_target(h, ch);
	case PATH:
	case QUERY:
		return on_target_part(h, ch);
	case VERSION:
		return on_version(h, ch);
	case STATUS:
		return on_status(h, ch);
	case REASON:
		return on_reason(h, ch);
	case LINE_LF:
		return on_lf(h, ch, LINE_START);
	case LINE_START:
		return on_line_start(h, ch);
	case NAME:
		return on_name(h, buf, ch);
	case VALUE:
		return on_value(h, ch);
	case END_LF:
		return on_lf(h, ch, DONE);
	case DONE:
	case FAILED:
		break;
	}
	ASSERT(h->state < DONE);
	return HTTP_OK;
}

static uint32_t run(const char *buf, uint32_t pos, uint32_t end, enum octet_set set)
{
	while (pos < end && octet_in((unsigned char)buf[pos], set))
		pos++;
	return pos;
}

static void pass_value(struct http_head *h, const char *buf, uint32_t end)
{
	struct http_span *const value = &h->fields[h->n_fields].value;
	const uint32_t from = h->pos;

	h->pos = run(buf, from, end, OCTET_WORD);
	if (h->pos == from)
		return;
	value->at = value->len == 0 ? from : value->at;
	value->len = h->pos - value->at;
}

/* Pass over bytes that step() would take without changing its mind: nearly all of a head. */
static void pass(struct http_head *h, const char *buf, uint32_t end)
{
	if (h->state == QUERY)
		h->pos = run(buf, h->pos, end, OCTET_TARGET);
	else if (h->state == NAME)
		h->pos = run(buf, h->pos, end, OCTET_TOKEN);
	else if (h->state == VALUE && h->known == KNOWN_NONE)
		pass_value(h, buf, end);
}

void http_head_init(struct http_head *h, enum http_kind kind)
{
	/* The fields are written before they are read: n_fields counts those that are. */
	memset(h, 0, offsetof(struct http_head, fields));
	h->head_len = 0;
	h->fault = HTTP_OK;
	h->pos = 0;
	h->kind = (uint8_t)kind;
	h->state = START;
	h->known = h->seen = 0;
}

static int fail(struct http_head *h, enum http_fault fault)
{
	h->fault = fault;
	h->state = FAILED;
	return WSMD_EPROTO;
}

int http_head_parse(struct http_head *h, const char *buf, size_t len, size_t max_len)
{
	const size_t end = len < max_len ? len : max_len;

	ASSERT(max_len < UINT32_MAX);
	ASSERT(len >= h->pos);
	if (h->state == FAILED)
		return WSMD_EPROTO;
	while (h->state != DONE) {
		enum http_fault fault;

		pass(h, buf, (uint32_t)end);
		if (h->pos >= end)
			return end == max_len ? fail(h, HTTP_HEAD_TOO_LARGE) : WSMD_ENEEDMORE;
		fault = step(h, buf, (unsigned char)buf[h->pos]);
		if (fault)
			return fail(h, fault);
		h->pos++;
	}
	h->head_len = h->pos;
	return 0;
}
