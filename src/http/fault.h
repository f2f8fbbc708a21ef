/*
 * Every way in which a head can be refused: the status of the answer and the sentence for its
 * body. Responses share the list; their status only says whose fault it was.
 */
#pragma once

#include <stdint.h>

#define HTTP_FAULTS(X)                                                                             \
	X(HTTP_OK, ok, 200, "")                                                                    \
	/* something else than HTTP/1.1 speaks */                                                  \
	X(HTTP_TLS_ON_PLAIN, tls_on_plain, 400,                                                    \
	  "This is a TLS handshake on a plain port: use ws:// or http://, or the TLS port.")       \
	X(HTTP_H2_PREFACE, h2_preface, 505, "HTTP/2 is not spoken here: use HTTP/1.1.")            \
	X(HTTP_PROXY_HEADER, proxy_header, 400,                                                    \
	  "A PROXY protocol header came to a listener that expects none.")                         \
	X(HTTP_NOT_HTTP, not_http, 400, "These bytes are not HTTP.")                               \
	X(HTTP_BAD_VERSION, bad_version, 505, "Only HTTP/1.1 is spoken here.")                     \
	/* first line */                                                                           \
	X(HTTP_LEADING_LINE, leading_line, 400, "An empty line stands before the first line.")     \
	X(HTTP_BAD_REQUEST_LINE, bad_request_line, 400,                                            \
	  "The request line is not METHOD SP TARGET SP HTTP/1.1.")                                 \
	X(HTTP_BAD_STATUS_LINE, bad_status_line, 502,                                              \
	  "The status line is not HTTP/1.1 SP STATUS SP REASON.")                                  \
	X(HTTP_TARGET_FORM, target_form, 400,                                                      \
	  "The target must begin with a slash: this is not a proxy.")                              \
	X(HTTP_TARGET_NOT_ASCII, target_not_ascii, 400,                                            \
	  "A byte above 127 in the target must be percent-encoded.")                               \
	X(HTTP_TARGET_BYTE, target_byte, 400,                                                      \
	  "The target has one of \" # < > that is not percent-encoded.")                           \
	/* any line */                                                                             \
	X(HTTP_BARE_LF, bare_lf, 400, "A line ends with LF alone instead of CR LF.")               \
	X(HTTP_BARE_CR, bare_cr, 400, "A CR stands without the LF of a line end.")                 \
	X(HTTP_NUL_BYTE, nul_byte, 400, "There is a NUL byte in the head.")                        \
	X(HTTP_CONTROL_BYTE, control_byte, 400, "There is a control byte in the head.")            \
	/* fields */                                                                               \
	X(HTTP_FOLDED_LINE, folded_line, 400,                                                      \
	  "A header line begins with white space: lines cannot be folded.")                        \
	X(HTTP_EMPTY_NAME, empty_name, 400, "A header line has no name before its colon.")         \
	X(HTTP_SPACE_IN_NAME, space_in_name, 400,                                                  \
	  "White space stands in a header name or before its colon.")                              \
	X(HTTP_BAD_NAME, bad_name, 400, "A header name has a character that is not allowed.")      \
	X(HTTP_NO_COLON, no_colon, 400, "A header line has no colon.")                             \
	X(HTTP_NO_HOST, no_host, 400, "The Host header is missing.")                               \
	X(HTTP_TWO_HOSTS, two_hosts, 400, "There is more than one Host header.")                   \
	X(HTTP_BAD_HOST, bad_host, 400, "The Host header is not one host with an optional port.")  \
	X(HTTP_TWO_LENGTHS, two_lengths, 400, "There is more than one Content-Length header.")     \
	X(HTTP_BAD_LENGTH, bad_length, 400,                                                        \
	  "The Content-Length header is not one decimal number.")                                  \
	X(HTTP_BAD_CODING, bad_coding, 400,                                                        \
	  "Transfer-Encoding is understood once, and only as chunked.")                            \
	X(HTTP_LENGTH_AND_CODING, length_and_coding, 400,                                          \
	  "Content-Length and Transfer-Encoding exclude each other.")                              \
	/* bounds */                                                                               \
	X(HTTP_TOO_MANY_FIELDS, too_many_fields, 431, "There are more than 100 header lines.")     \
	X(HTTP_HEAD_TOO_LARGE, head_too_large, 431,                                                \
	  "The head is larger than limits.max_request_head_bytes.")

enum http_fault {
#define X(name, lower, status, text) name,
	HTTP_FAULTS(X)
#undef X
	HTTP_FAULT_COUNT
};

uint16_t http_fault_status(enum http_fault fault);
const char *http_fault_name(enum http_fault fault); /* "bare_lf" */
const char *http_fault_text(enum http_fault fault);
const char *http_status_text(uint16_t status); /* "Bad Request"; "Unknown" for others */
