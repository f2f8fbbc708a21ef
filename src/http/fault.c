/* Faults and statuses as people read them. */
#include "http/fault.h"

#include <stddef.h>

#include "base/macros.h"

static const struct {
	uint16_t status;
	const char *name, *text;
} faults[HTTP_FAULT_COUNT] = {
#define X(name, lower, status, text) [name] = {status, #lower, text},
	HTTP_FAULTS(X)
#undef X
};

static const struct {
	uint16_t status;
	const char *text;
} statuses[] = {
	{100, "Continue"},
	{101, "Switching Protocols"},
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{417, "Expectation Failed"},
	{422, "Unprocessable Content"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

uint16_t http_fault_status(enum http_fault fault)
{
	ASSERT(fault < HTTP_FAULT_COUNT);
	return faults[fault].status;
}

const char *http_fault_name(enum http_fault fault)
{
	ASSERT(fault < HTTP_FAULT_COUNT);
	return faults[fault].name;
}

const char *http_fault_text(enum http_fault fault)
{
	ASSERT(fault < HTTP_FAULT_COUNT);
	return faults[fault].text;
}

const char *http_status_text(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "Unknown";
}
