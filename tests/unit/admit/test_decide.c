/* Every request has one verdict: each way to get a handshake wrong, each page, each address. */
#include "admit/decide.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: example.com\r\n"
#define UPGRADE     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION     "Sec-WebSocket-Version: 13\r\n"
#define KEY         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define REST        UPGRADE VERSION KEY
#define END         "\r\n"

static const struct conf_origins no_origins;
static const struct admit_rules dev = {
	.dev = true, .origins = &no_origins, .identity.mode = AUTH_OPEN};
static const struct admit_rules open_rules = {
	.dev = false, .origins = &no_origins, .identity.mode = AUTH_OPEN};
static const struct admit_rules deny = {
	.dev = false, .origins = &no_origins, .identity.mode = AUTH_DENY};

static struct decision judge_bytes(const struct admit_rules *rules, const char *text, size_t len)
{
	struct http_head head;
	struct decision d;

	http_head_init(&head, HTTP_REQUEST);
	cr_assert_neq(http_head_parse(&head, text, len, 16384), WSMD_ENEEDMORE, "%s", text);
	memset(&d, 0x5a, sizeof(d));
	decide(rules, &head, text, &d);
	return d;
}

static struct decision judge(const struct admit_rules *rules, const char *text)
{
	return judge_bytes(rules, text, strlen(text));
}

/* ---- handshakes ---- */

Test(decide, handshakes_that_succeed)
{
	static const struct {
		const char *text, *hub, *user;
	} cases[] = {
		{GET("/ws") REST END, "default", ""},
		{GET("/ws?user=alice") REST END, "default", "alice"},
		{GET("/ws?") REST END, "default", ""},
		{GET("/client/hubs/chat") REST END, "chat", ""},
		{GET("/client/hubs/chat?user=b%20b&x=1") REST END, "chat", "b b"},
		{GET("/client/hubs/c%68at") REST END, "chat", ""},
		{GET("/client/hubs/A_%60,.[]9") REST END, "A_`,.[]9", ""},
		/* lists, case, white space, several fields: RFC 9110 5.3, 7.6.1, 7.8 */
		{GET("/ws") "upgrade:WebSocket\r\nCONNECTION:\tuPGRADE \r\n" VERSION KEY END,
	         "default", ""},
		{GET("/ws") "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" VERSION KEY
	                 END,
	         "default", ""},
		{GET("/ws") "Upgrade: websocket\r\nConnection: ,Upgrade,\t,close\r\n" VERSION KEY
	                 END,
	         "default", ""},
		{GET("/ws") "Upgrade: h2c, WEBSOCKET\r\nConnection: HTTP2-Settings,Upgrade"
	                    "\r\n" VERSION KEY END,
	         "default", ""},
		{GET("/ws") "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
	                    "Connection: upgrade\r\n" VERSION KEY END,
	         "default", ""},
		{GET("/ws") UPGRADE "Sec-WebSocket-Version:13\r\n" KEY END, "default", ""},
		{GET("/ws") UPGRADE VERSION
	         "SEC-WEBSOCKET-KEY: \t dGhlIHNhbXBsZSBub25jZQ==\t\r\n" END,
	         "default", ""},
		{GET("/ws") REST "Content-Length: 0\r\n" END, "default", ""},
		/* offered and not chosen; RFC 6455 4.2.2 */
		{GET("/ws") REST "Sec-WebSocket-Protocol: chat\r\n"
	                         "Sec-WebSocket-Extensions: permessage-deflate\r\n" END,
	         "default", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct decision d = judge(&open_rules, cases[i].text);

		cr_expect_eq(d.verdict, VERDICT_UPGRADE, "%s", cases[i].text);
		if (d.verdict != VERDICT_UPGRADE)
			continue;
		cr_expect_str_eq(d.hub, cases[i].hub);
		cr_expect_eq(d.hub_len, strlen(cases[i].hub));
		cr_expect_eq(d.user_len, strlen(cases[i].user), "%s", cases[i].text);
		cr_expect_eq(memcmp(d.user, cases[i].user, d.user_len), 0);
		cr_expect_str_eq(d.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	}
}

#define UPGRADES(upgrade, connection)                                                              \
	GET("/ws") "Upgrade: " upgrade "\r\nConnection: " connection "\r\n" VERSION KEY END
#define VERSIONS(fields) GET("/ws") UPGRADE fields KEY END
#define KEYS(fields)     GET("/ws") UPGRADE VERSION fields END
#define HUB(name)        GET("/client/hubs/" name) REST END

Test(decide, handshakes_that_fail)
{
	static const struct {
		const char *text;
		enum refusal why;
		uint16_t status;
	} cases[] = {
		/* Upgrade and Connection */
		{GET("/ws") VERSION KEY END, REFUSE_NO_UPGRADE, 426},
		{GET("/ws") END, REFUSE_NO_UPGRADE, 426},
		{GET("/ws") "Upgrade: websocket\r\n" VERSION KEY END, REFUSE_NO_UPGRADE, 426},
		{GET("/ws") "Connection: Upgrade\r\n" VERSION KEY END, REFUSE_NO_UPGRADE, 426},
		{UPGRADES("", "Upgrade"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("h2c", "Upgrade"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("websocke", "Upgrade"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("websockets", "Upgrade"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("web socket", "Upgrade"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("\"websocket\"", "Upgrade"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("websocket", ""), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("websocket", "close"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("websocket", "keep-alive, Upgrades"), REFUSE_NO_UPGRADE, 426},
		{UPGRADES("websocket", "xUpgrade"), REFUSE_NO_UPGRADE, 426},
		/* version */
		{VERSIONS(""), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version:\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 0\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 7\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 8\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 12\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 14\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 013\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: +13\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 130\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 13.0\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 13, 8\r\n"), REFUSE_VERSION, 426},
		{VERSIONS("Sec-WebSocket-Version: 13, 13\r\n"), REFUSE_VERSION, 426},
		{VERSIONS(VERSION VERSION), REFUSE_VERSION, 426},
		{VERSIONS(VERSION "Sec-WebSocket-Version: 8\r\n"), REFUSE_VERSION, 426},
		/* key */
		{KEYS(""), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key:\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZS-ub25jZQ==\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ=\r\n"), REFUSE_KEY, 400},
		{KEYS(KEY KEY), REFUSE_KEY, 400},
		{KEYS(KEY "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"), REFUSE_KEY, 400},
		{KEYS("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, AA==\r\n"), REFUSE_KEY, 400},
		/* method */
		{"POST /ws HTTP/1.1\r\nHost: a\r\n" REST END, REFUSE_METHOD, 405},
		{"HEAD /ws HTTP/1.1\r\nHost: a\r\n" REST END, REFUSE_METHOD, 405},
		{"get /ws HTTP/1.1\r\nHost: a\r\n" REST END, REFUSE_METHOD, 405},
		{"GETT /ws HTTP/1.1\r\nHost: a\r\n" REST END, REFUSE_METHOD, 405},
		/* a body behind a handshake is how requests are smuggled */
		{GET("/ws") REST "Content-Length: 1\r\n" END, REFUSE_BODY, 400},
		{GET("/ws") REST "Content-Length: 11\r\n" END "GET /admin ", REFUSE_BODY, 400},
		{GET("/ws") REST "Transfer-Encoding: chunked\r\n" END, REFUSE_BODY, 400},
		{VERSIONS("Sec-WebSocket-Version: 8\r\nContent-Length: 5\r\n"), REFUSE_BODY, 400},
		{KEYS("Sec-WebSocket-Key: x\r\nTransfer-Encoding: chunked\r\n"), REFUSE_BODY, 400},
		/* address */
		{GET("/") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/ws/") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/WS") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/w%73") REST END, REFUSE_NOT_FOUND, 404},
		{GET("//ws") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/hubs") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/hubs/") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/hubs/a/b") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/hubs/a/") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/hubs//") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/Hubs/a") REST END, REFUSE_NOT_FOUND, 404},
		{GET("/client/hub/a") REST END, REFUSE_NOT_FOUND, 404},
		/* hub */
		{HUB("*"), REFUSE_HUB_NAME, 400},
		{HUB("%2A"), REFUSE_HUB_NAME, 400},
		{HUB("1a"), REFUSE_HUB_NAME, 400},
		{HUB("_a"), REFUSE_HUB_NAME, 400},
		{HUB("a%2Fb"), REFUSE_HUB_NAME, 400},
		{HUB("a%00"), REFUSE_HUB_NAME, 400},
		{HUB("a%0A"), REFUSE_HUB_NAME, 400},
		{HUB("a+b"), REFUSE_HUB_NAME, 400},
		{HUB("a%20b"), REFUSE_HUB_NAME, 400},
		{HUB("a-b"), REFUSE_HUB_NAME, 400},
		{HUB("a%C3%BC"), REFUSE_HUB_NAME, 400},
		{HUB("%zz"), REFUSE_HUB_NAME, 400},
		{HUB("a%"), REFUSE_HUB_NAME, 400},
		/* user */
		{GET("/ws?user=") REST END, REFUSE_USER_NAME, 400},
		{GET("/ws?user=%00") REST END, REFUSE_USER_NAME, 400},
		{GET("/client/hubs/a?user=%FF") REST END, REFUSE_USER_NAME, 400},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct decision d = judge(&open_rules, cases[i].text);

		cr_expect_eq(d.verdict, VERDICT_REFUSE, "%s", cases[i].text);
		if (d.verdict != VERDICT_REFUSE)
			continue;
		cr_expect_eq(d.why, cases[i].why, "%s: %s", cases[i].text, refusal_label(d.why));
		cr_expect_eq(d.status, cases[i].status, "%s: %u", cases[i].text, d.status);
		cr_expect_str_eq(d.sentence, refusal_text(d.why));
	}
}

Test(decide, hub_names_have_at_most_128_bytes)
{
	char text[1024], name[200];

	for (size_t len = 127; len <= 130; len++) {
		memset(name, 'h', len);
		name[len] = '\0';
		snprintf(text, sizeof(text), "GET /client/hubs/%s HTTP/1.1\r\nHost: a\r\n%s\r\n",
		         name, REST);

		const struct decision d = judge(&open_rules, text);

		cr_assert_eq(d.verdict, len <= 128 ? VERDICT_UPGRADE : VERDICT_REFUSE, "%zu", len);
		if (len <= 128)
			cr_assert_str_eq(d.hub, name);
		else
			cr_assert_eq(d.why, REFUSE_HUB_NAME);
	}
}

/* The most useful answer first: who is not let in anyway learns what is wrong with his request. */
Test(decide, deny_comes_last)
{
	cr_assert_eq(judge(&deny, GET("/ws") REST END).why, REFUSE_NO_IDENTITY);
	cr_assert_eq(judge(&deny, GET("/ws?user=a") REST END).status, 401);
	cr_assert_eq(judge(&deny, GET("/ws") END).why, REFUSE_NO_UPGRADE);
	cr_assert_eq(judge(&deny, HUB("*")).why, REFUSE_HUB_NAME);
	cr_assert_eq(judge(&deny, GET("/healthz") END).verdict, VERDICT_PAGE);
}

/* ---- heads that are no HTTP/1.1, or not quite ---- */

Test(decide, faults_of_the_head_keep_their_status_and_sentence)
{
	static const struct {
		const char *text;
		uint16_t status;
		const char *part; /* of the sentence */
	} cases[] = {
		{"GET /ws HTTP/1.1\nHost: a\n\n", 400, "LF"},
		{"GET /ws HTTP/1.1\r\nHost : a\r\n" REST END, 400, "White space"},
		{"GET /ws HTTP/1.1\r\nHost: a\r\n b\r\n" REST END, 400, "folded"},
		{"GET /ws HTTP/1.1\r\n" REST END, 400, "Host"},
		{"GET /ws HTTP/1.1\r\nHost: a\r\nHost: a\r\n" REST END, 400, "Host"},
		{"GET /ws HTTP/1.0\r\nHost: a\r\n" REST END, 505, "HTTP/1.1"},
		{"GET /ws HTTP/9.9\r\nHost: a\r\n" REST END, 505, "HTTP/1.1"},
		{"GET /\x80 HTTP/1.1\r\nHost: a\r\n" REST END, 400, "127"},
		{"\r\nGET /ws HTTP/1.1\r\nHost: a\r\n" REST END, 400, "empty line"},
		{GET("/ws") REST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" END, 400,
	         "exclude"},
		{GET("/ws") REST "Content-Length: 0\r\nContent-Length: 0\r\n" END, 400,
	         "Content-Length"},
		{GET("/ws") REST "Transfer-Encoding: identity\r\n" END, 400, "Transfer-Encoding"},
		{GET("/ws") REST ": x\r\n" END, 400, "no name"},
		{GET("/ws") REST "X: a\rb\r\n" END, 400, "CR"},
		{"GET http://a/ws HTTP/1.1\r\nHost: a\r\n" REST END, 400, "slash"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2"},
		{"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 400, "PROXY"},
		{"\x16\x03\x01\x02", 400, "TLS"},
		{"SSH-2.0-OpenSSH_9.2\r\n", 400, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct decision d = judge(&dev, cases[i].text);

		cr_expect_eq(d.verdict, VERDICT_REFUSE, "%s", cases[i].text);
		cr_expect_eq(d.why, REFUSE_BAD_HEAD, "%s", cases[i].text);
		cr_expect_eq(d.status, cases[i].status, "%s: %u", cases[i].text, d.status);
		cr_expect_not_null(strstr(d.sentence, cases[i].part), "%s: %s", cases[i].text,
		                   d.sentence);
	}
}

Test(decide, a_nul_in_the_head)
{
	static const char text[] = "GET /ws HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n";
	const struct decision d = judge_bytes(&dev, text, sizeof(text) - 1);

	cr_assert_eq(d.verdict, VERDICT_REFUSE);
	cr_assert_eq(d.status, 400);
}

Test(decide, a_head_that_is_too_large)
{
	static char text[20000];

	strcpy(text, GET("/ws") "X: ");
	memset(text + strlen(text), 'x', 17000);

	const struct decision d = judge(&dev, text);

	cr_assert_eq(d.verdict, VERDICT_REFUSE);
	cr_assert_eq(d.status, 431);
	cr_assert_eq(d.why, REFUSE_HEAD_TOO_LARGE);
}

/* ---- pages ---- */

Test(decide, pages)
{
	static const struct {
		const struct admit_rules *rules;
		const char *text;
		enum verdict verdict;
		enum page page;
		bool head_only;
		uint16_t status;
	} cases[] = {
		{&open_rules, GET("/healthz") END, VERDICT_PAGE, PAGE_HEALTHZ, false, 0},
		{&open_rules, GET("/readyz") END, VERDICT_PAGE, PAGE_READYZ, false, 0},
		{&open_rules, GET("/metrics") END, VERDICT_PAGE, PAGE_METRICS, false, 0},
		{&open_rules, GET("/metrics?x=1") END, VERDICT_PAGE, PAGE_METRICS, false, 0},
		{&dev, GET("/") END, VERDICT_PAGE, PAGE_TEST, false, 0},
		{&dev, GET("/?user=a") END, VERDICT_PAGE, PAGE_TEST, false, 0},
		{&dev, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", VERDICT_PAGE, PAGE_TEST, true, 0},
		{&open_rules, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", VERDICT_PAGE,
	         PAGE_METRICS, true, 0},
		{&open_rules, GET("/healthz") REST END, VERDICT_PAGE, PAGE_HEALTHZ, false, 0},
		{&open_rules, GET("/") END, VERDICT_REFUSE, 0, false, 404},
		{&deny, GET("/") END, VERDICT_REFUSE, 0, false, 404},
		{&dev, GET("/healthz/") END, VERDICT_REFUSE, 0, false, 404},
		{&dev, GET("/Healthz") END, VERDICT_REFUSE, 0, false, 404},
		{&dev, GET("/favicon.ico") END, VERDICT_REFUSE, 0, false, 404},
		{&dev, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", VERDICT_REFUSE, 0, false, 405},
		{&dev, "PUT /metrics HTTP/1.1\r\nHost: a\r\n\r\n", VERDICT_REFUSE, 0, false, 405},
		{&dev, "OPTIONS /readyz HTTP/1.1\r\nHost: a\r\n\r\n", VERDICT_REFUSE, 0, false,
	         405},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct decision d = judge(cases[i].rules, cases[i].text);

		cr_expect_eq(d.verdict, cases[i].verdict, "%s", cases[i].text);
		if (cases[i].verdict == VERDICT_PAGE) {
			cr_expect_eq(d.page, cases[i].page, "%s", cases[i].text);
			cr_expect_eq(d.head_only, cases[i].head_only, "%s", cases[i].text);
		} else {
			cr_expect_eq(d.status, cases[i].status, "%s", cases[i].text);
			cr_expect_eq(d.why, d.status == 405 ? REFUSE_PAGE_METHOD : REFUSE_NOT_FOUND,
			             "%s", cases[i].text);
		}
	}
}

/* ---- origins ---- */

Test(decide, origins)
{
	static const struct conf_origins listed = {
		2, {"https://good.example", "https://app.example:8443"}};
	static const struct conf_origins all = {1, {"*"}};
	static const struct {
		const struct conf_origins *list;
		bool dev;
		const char *fields;
		bool let_in;
	} cases[] = {
		/* who is no page, and whose page it is */
		{&no_origins, false, "", true},
		{&no_origins, false, "Origin: http://example.com\r\n", true},
		{&no_origins, false, "Origin: HTTP://EXAMPLE.com:80\r\n", true},
		{&no_origins, false, "Origin: https://example.com\r\n", false},
		{&no_origins, false, "Origin: http://example.com:8080\r\n", false},
		{&no_origins, false, "Origin: http://example.com.evil.test\r\n", false},
		{&no_origins, false, "Origin: http://evilexample.com\r\n", false},
		{&no_origins, false, "Origin: http://example.com.\r\n", false},
		{&no_origins, false, "Origin: null\r\n", false},
		{&no_origins, false, "Origin:\r\n", false},
		{&no_origins, false, "Origin: http://localhost:3000\r\n", false},
		{&no_origins, false, "Origin: http://example.com\r\nOrigin: http://example.com\r\n",
	         false},
		{&no_origins, true, "Origin: http://localhost:3000\r\n", true},
		{&no_origins, true, "Origin: http://localhost.evil.test\r\n", false},
		{&no_origins, true, "Origin: null\r\n", false},
		/* the list stands beside the server's own */
		{&listed, false, "Origin: https://good.example\r\n", true},
		{&listed, false, "Origin: https://app.example:8443\r\n", true},
		{&listed, false, "Origin: http://example.com\r\n", true},
		{&listed, false, "Origin: http://good.example\r\n", false},
		{&listed, false, "Origin: https://app.example\r\n", false},
		{&listed, false, "Origin: https://good.example.evil.test\r\n", false},
		{&all, false, "Origin: https://evil.test\r\n", true},
		{&all, false, "Origin: null\r\n", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct admit_rules rules = {
			.dev = cases[i].dev, .origins = cases[i].list, .identity.mode = AUTH_OPEN};
		char text[1024];

		snprintf(text, sizeof(text), "%s%s%s", GET("/ws") REST, cases[i].fields, END);
		const struct decision d = judge(&rules, text);

		cr_expect_eq(d.verdict, cases[i].let_in ? VERDICT_UPGRADE : VERDICT_REFUSE, "%s",
		             cases[i].fields);
		if (!cases[i].let_in)
			cr_expect_eq(d.why, REFUSE_ORIGIN, "%s", cases[i].fields);
	}
}

/* ---- drafts ---- */

#define DRAFT(version) UPGRADE "Sec-WebSocket-Version: " version "\r\n" KEY

Test(decide, drafts_of_rfc_6455)
{
	static const struct {
		const char *fields;
		enum conf_legacy legacy;
		enum refusal why; /* REFUSAL_COUNT: let in */
		enum protocol_type protocol;
	} cases[] = {
		{DRAFT("8"), LEGACY_WARN, REFUSAL_COUNT, PROTOCOL_LEGACY},
		{DRAFT("7"), LEGACY_WARN, REFUSAL_COUNT, PROTOCOL_LEGACY},
		{DRAFT("13"), LEGACY_WARN, REFUSAL_COUNT, PROTOCOL_WEBSOCKET},
		{DRAFT("6"), LEGACY_WARN, REFUSE_VERSION, 0},
		{DRAFT("9"), LEGACY_WARN, REFUSE_VERSION, 0},
		{DRAFT("08"), LEGACY_WARN, REFUSE_VERSION, 0},
		{DRAFT("7, 8"), LEGACY_WARN, REFUSE_VERSION, 0},
		{DRAFT("8"), LEGACY_REFUSE, REFUSE_VERSION, 0},
		{DRAFT("7"), LEGACY_REFUSE, REFUSE_VERSION, 0},
		/* they name the page in a field of their own */
		{DRAFT("8") "Sec-WebSocket-Origin: http://example.com\r\n", LEGACY_WARN,
	         REFUSAL_COUNT, PROTOCOL_LEGACY},
		{DRAFT("8") "Sec-WebSocket-Origin: http://evil.test\r\n", LEGACY_WARN,
	         REFUSE_ORIGIN, 0},
		{DRAFT("8") "Origin: http://evil.test\r\n", LEGACY_WARN, REFUSE_ORIGIN, 0},
		{DRAFT("8") "Origin: http://example.com\r\n"
	                    "Sec-WebSocket-Origin: http://example.com\r\n",
	         LEGACY_WARN, REFUSE_ORIGIN, 0},
		{DRAFT("13") "Sec-WebSocket-Origin: http://evil.test\r\n", LEGACY_WARN,
	         REFUSAL_COUNT, PROTOCOL_WEBSOCKET},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct admit_rules rules = {.legacy = cases[i].legacy,
		                                  .origins = &no_origins,
		                                  .identity.mode = AUTH_OPEN};
		char text[1024];

		snprintf(text, sizeof(text), "%s%s%s", GET("/ws"), cases[i].fields, END);
		const struct decision d = judge(&rules, text);

		if (cases[i].why == REFUSAL_COUNT) {
			cr_expect_eq(d.verdict, VERDICT_UPGRADE, "%s", cases[i].fields);
			cr_expect_eq(d.protocol, cases[i].protocol, "%s", cases[i].fields);
		} else {
			cr_expect_eq(d.verdict, VERDICT_REFUSE, "%s", cases[i].fields);
			cr_expect_eq(d.why, cases[i].why, "%s", cases[i].fields);
		}
	}
}
