"""Opening handshakes, right and wrong, whole and in pieces, finished and given up."""

import re
import socket
import struct
import time

import rawws
import runner
import wsmd
from rawws import KEY, request

GOOD = request()
FAULTS = re.findall(
    r"X\(HTTP_\w+, (\w+), [45]",
    (runner.REPO / "src/http/fault.h").read_text(encoding="utf-8"),
)


def with_header(name, value):
    """The valid request with one header replaced, or left out for None."""
    lines = GOOD.decode().split("\r\n")
    kept = [line for line in lines[:-2] if not line.startswith(name + ":")]
    if value is not None:
        kept += [f"{name}: {v}" for v in ([value] if isinstance(value, str) else value)]
    return "\r\n".join([*kept, "", ""]).encode("latin-1")


def first_line(line):
    return line.encode("latin-1") + GOOD[GOOD.index(b"\r\n") :]


def insert(line):
    return GOOD.replace(b"\r\nHost", b"\r\n" + line + b"\r\nHost", 1)


# name, bytes, status, words of the body
MALFORMED = [
    ("bare LF", GOOD.replace(b"\r\n", b"\n"), 400, "LF alone"),
    ("one bare LF", GOOD.replace(b"localhost\r\n", b"localhost\n"), 400, "LF alone"),
    ("bare CR", insert(b"A: b\rc"), 400, "CR stands"),
    ("folded header", insert(b"A: b\r\n c"), 400, "cannot be folded"),
    ("two hosts", insert(b"Host: other"), 400, "more than one Host"),
    ("no host", with_header("Host", None), 400, "Host header is missing"),
    ("bad host", with_header("Host", "a b"), 400, "one host"),
    ("space before colon", GOOD.replace(b"Host:", b"Host :"), 400, "before its colon"),
    ("space in name", insert(b"A b: c"), 400, "White space"),
    ("empty name", insert(b": x"), 400, "no name"),
    ("bad name", insert(b"A(b): c"), 400, "not allowed"),
    ("no colon", insert(b"Abc"), 400, "no colon"),
    ("NUL in a value", insert(b"A: \0"), 400, "NUL"),
    ("control byte", insert(b"A: \x01"), 400, "control byte"),
    ("leading blank line", b"\r\n" + GOOD, 400, "empty line"),
    ("HTTP/1.0", first_line("GET /ws HTTP/1.0"), 505, "HTTP/1.1"),
    ("HTTP/9.9", first_line("GET /ws HTTP/9.9"), 505, "HTTP/1.1"),
    ("no version", first_line("GET /ws"), 400, "request line"),
    ("two spaces", first_line("GET  /ws HTTP/1.1"), 400, "request line"),
    ("absolute form", first_line("GET http://x/ws HTTP/1.1"), 400, "slash"),
    ("raw byte in the path", first_line("GET /\x80 HTTP/1.1"), 400, "percent-encoded"),
    ("fragment in the target", first_line("GET /ws#x HTTP/1.1"), 400, "percent-encoded"),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2"),
    ("TLS ClientHello", bytes.fromhex("160301020001000100fc0303") + b"\xa5" * 90, 400, "TLS"),
    ("PROXY header", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + GOOD, 400, "PROXY"),
    ("not HTTP", b"\x00\x01\x02\x03", 400, "not HTTP"),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", 400, "request line"),
    ("two lengths", insert(b"Content-Length: 0\r\nContent-Length: 0"), 400, "more than one"),
    ("length is no number", insert(b"Content-Length: +1"), 400, "decimal"),
    ("length and coding", insert(b"Content-Length: 1\r\nTransfer-Encoding: chunked"), 400, "excl"),
    ("unknown coding", insert(b"Transfer-Encoding: gzip, chunked"), 400, "only as chunked"),
    ("body", insert(b"Content-Length: 5") + b"hello", 400, "no body"),
    ("chunked body", insert(b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "no body"),
    ("POST", GOOD.replace(b"GET", b"POST"), 405, "GET request"),
    ("unknown method", GOOD.replace(b"GET", b"BREW"), 405, "GET request"),
    ("lower case method", GOOD.replace(b"GET", b"get"), 405, "GET request"),
    ("no Upgrade", with_header("Upgrade", None), 426, "a proxy"),
    ("no Connection", with_header("Connection", None), 426, "a proxy"),
    ("Connection: close", with_header("Connection", "close"), 426, "a proxy"),
    ("Upgrade: h2c", with_header("Upgrade", "h2c"), 426, "a proxy"),
    ("quoted upgrade", with_header("Upgrade", '"websocket"'), 426, "a proxy"),
    ("version 12", with_header("Sec-WebSocket-Version", "12"), 426, "13"),
    ("version 9", with_header("Sec-WebSocket-Version", "9"), 426, "13"),
    ("version 13, 13", with_header("Sec-WebSocket-Version", "13, 13"), 426, "13"),
    ("version 013", with_header("Sec-WebSocket-Version", "013"), 426, "13"),
    ("two versions", with_header("Sec-WebSocket-Version", ["13", "13"]), 426, "13"),
    ("no version header", with_header("Sec-WebSocket-Version", None), 426, "13"),
    ("no key", with_header("Sec-WebSocket-Key", None), 400, "one base64 value"),
    ("empty key", with_header("Sec-WebSocket-Key", ""), 400, "one base64 value"),
    ("short key", with_header("Sec-WebSocket-Key", KEY[4:]), 400, "one base64 value"),
    ("long key", with_header("Sec-WebSocket-Key", "AAAA" + KEY), 400, "one base64 value"),
    ("key without padding", with_header("Sec-WebSocket-Key", KEY[:-2]), 400, "one base64"),
    ("key of 17 bytes", with_header("Sec-WebSocket-Key", KEY[:-2] + "A="), 400, "one base64"),
    ("key with loose bits", with_header("Sec-WebSocket-Key", KEY[:-3] + "B=="), 400, "one base64"),
    ("key in base64url", with_header("Sec-WebSocket-Key", "-_" + KEY[2:]), 400, "one base64"),
    ("two keys", with_header("Sec-WebSocket-Key", [KEY, KEY]), 400, "one base64 value"),
    ("unknown path", request("/nothing"), 404, "/client/hubs/HUB"),
    ("path below /ws", request("/ws/x"), 404, "/client/hubs/HUB"),
    ("path below a hub", request("/client/hubs/a/b"), 404, "/client/hubs/HUB"),
    ("no hub", request("/client/hubs/"), 404, "/client/hubs/HUB"),
    ("hub begins with a digit", request("/client/hubs/1a"), 400, "hub name"),
    ("hub with a space", request("/client/hubs/a%20b"), 400, "hub name"),
    ("hub with an escaped slash", request("/client/hubs/a%2fb"), 400, "hub name"),
    ("hub of 129 characters", request("/client/hubs/" + "a" * 129), 400, "hub name"),
    ("hub *", request("/client/hubs/*"), 400, "hub name"),
    ("hub with broken %", request("/client/hubs/a%2"), 400, "hub name"),
    ("hub with NUL", request("/client/hubs/a%00"), 400, "hub name"),
    ("empty user", request("/ws?user="), 400, "user name"),
    ("user of 256 bytes", request("/ws?user=" + "u" * 256), 400, "user name"),
    ("user with control byte", request("/ws?user=a%0ab"), 400, "user name"),
    ("user with NUL", request("/ws?user=a%00b"), 400, "user name"),
    ("user not UTF-8", request("/ws?user=%ff"), 400, "user name"),
    ("user with broken %", request("/ws?user=%f"), 400, "user name"),
    ("101 headers", request(extra="A: b\r\n" * 101), 431, "100 header lines"),
    ("head too large", request(extra="A: " + "b" * 20000 + "\r\n"), 431, "max_request_head"),
    ("target too large", request("/ws?" + "b" * 20000), 431, "max_request_head"),
]

LEGAL = [
    with_header("Connection", "keep-alive, Upgrade"),
    with_header("Connection", ["keep-alive", "uPgRaDe"]),
    with_header("Connection", " ,\tupgrade ,"),
    with_header("Upgrade", "WebSocket"),
    with_header("Upgrade", "h2c, websocket"),
    with_header("Sec-WebSocket-Key", "\t " + KEY + " \t"),
    with_header("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    with_header("Sec-WebSocket-Protocol", "chat, superchat"),
    with_header("Content-Length", "0"),
    with_header("Origin", "http://localhost"),
    request("/client/hubs/chat?user=a"),
    request("/client/hubs/" + "a" * 128),
    request("/client/hubs/a_%60,.%5B%5D"),
    request("/ws?user=" + "u" * 255),
    request("/ws?other=x&user=Andr%C3%A9+M"),
    request(extra="A: b\r\n" * 95),
]


class Refusals(wsmd.WsmdTest):
    def check(self, server, data, status, words, drip=False):
        with server.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            step = 1 if drip else len(data)
            for i in range(0, len(data), step):
                try:
                    sock.sendall(data[i : i + step])
                except BrokenPipeError:
                    break
            # To the end: it closes by itself, and says nothing more.
            answer = wsmd.read_to_end(sock)
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1, answer)
        got, headers, body = wsmd.parse_answer(answer)
        self.assertEqual(got, status, body)
        self.assertIn(words, body)
        self.assertEqual(int(headers["content-length"]), len(body.encode("latin-1")))
        self.assertIn("close", headers["connection"])
        return headers

    def test_each_fault_has_its_answer(self):
        server = self.wsmd()
        for name, data, status, words in MALFORMED:
            with self.subTest(name):
                headers = self.check(server, data, status, words)
                self.assertEqual(headers.get("allow"), "GET" if status == 405 else None)
                version = headers.get("sec-websocket-version")
                self.assertEqual(version, "13" if status == 426 else None)
        refused = sum(server.stat("basic.refusals").values())
        self.assertEqual(refused, len(MALFORMED))
        self.assertEqual(server.stat("basic.connections_total"), 0)
        errors = server.stat("basic.errors")
        refusals = server.ctl("stats")["basic"]["refusals"]
        self.assertEqual(
            sum(errors.values()), refusals["bad_request"] + refusals["head_too_large"]
        )
        # A status line is what a server says.
        unmet = {name for name, met in errors.items() if met == 0 and name in FAULTS}
        self.assertEqual(unmet, {"bad_status_line"})

    def test_each_fault_byte_by_byte(self):
        server = self.wsmd()
        for name, data, status, words in MALFORMED:
            if len(data) < 2000:
                with self.subTest(name):
                    self.check(server, data, status, words, drip=True)

    def test_nothing_behind_a_refusal_is_answered(self):
        server = self.wsmd()
        second = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        for data in (GOOD.replace(b"GET", b"POST"), with_header("Sec-WebSocket-Version", "12")):
            answer = server.exchange(data + second)
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
        self.assertEqual(server.stat("basic.http_requests"), 0)

    def test_pages_refuse_other_methods(self):
        server = self.wsmd()
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            data = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
            headers = self.check(server, data, 405, "GET and HEAD")
            self.assertEqual(headers["allow"], "GET, HEAD")
        self.assertEqual(server.stat("basic.refusals")["page_method"], 4)


class Accepted(wsmd.WsmdTest):
    def test_legal_variations(self):
        server = self.wsmd()
        for data in LEGAL:
            with self.subTest(data):
                client = rawws.RawClient(server, handshake=False)
                client.write(data)
                head = client.read_head().decode()
                self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
                self.assertIn(f"\r\nSec-WebSocket-Accept: {rawws.ACCEPT}\r\n", head)
                # Nothing is selected that is not served.
                self.assertNotIn("Sec-WebSocket-Ext", head)
                self.assertNotIn("Sec-WebSocket-Prot", head)
                client.echo("hello")
                client.goodbye()

    def test_frames_in_the_same_segment(self):
        server = self.wsmd()
        behind = b"".join(rawws.frame(rawws.TEXT, f"early {i}") for i in range(50))
        client = rawws.RawClient(server, "a", behind=behind)
        self.assertEqual([client.receive() for _ in range(50)], [f"early {i}" for i in range(50)])
        client.goodbye()
        # ... and a whole life in one segment.
        whole = GOOD + rawws.frame(rawws.TEXT, "hello") + rawws.close_frame(1000)
        answer = server.exchange(whole)
        self.assertTrue(answer.endswith(b"\x81\x05hello\x88\x02\x03\xe8"), answer)

    def test_each_cut_of_head_and_frames(self):
        server = self.wsmd()
        whole = GOOD + rawws.frame(rawws.TEXT, "hello") + rawws.close_frame(1000)
        for at in range(1, len(whole)):
            with server.connect() as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(whole[:at])
                sock.sendall(whole[at:])
                answer = wsmd.read_to_end(sock)
            self.assertTrue(answer.startswith(b"HTTP/1.1 101 "), at)
            self.assertTrue(answer.endswith(b"\x81\x05hello\x88\x02\x03\xe8"), at)

    def test_byte_by_byte(self):
        client = rawws.RawClient(self.wsmd(), handshake=False)
        client.dribble(GOOD)
        self.assertTrue(client.read_head().startswith(b"HTTP/1.1 101 "))
        client.dribble(rawws.frame(rawws.TEXT, "hello"))
        self.assertEqual(client.receive(), "hello")
        client.goodbye()


class Drafts(wsmd.WsmdTest):
    """Clients that speak version 7 or 8, whose frames are those of RFC 6455."""

    def connect(self, server, version, extra=""):
        sock = server.connect()
        data = with_header("Sec-WebSocket-Version", version)
        sock.sendall(data.replace(b"\r\n\r\n", b"\r\n" + extra.encode() + b"\r\n"))
        return sock

    def now(self, server, protocol):
        return server.stat(f"protocol_distribution.now.{protocol}")

    def test_they_are_let_in_with_a_warning(self):
        server = self.wsmd()
        for n, version in enumerate(("7", "8"), 1):
            sock = self.connect(server, version)
            self.assertIn(b" 101 ", sock.recv(4096))
            sock.sendall(rawws.frame(rawws.TEXT, "hello"))
            self.assertEqual(sock.recv(100), b"\x81\x05hello")
            self.assertEqual((self.now(server, "legacy"), self.now(server, "websocket")), (1, 0))
            self.assertEqual(server.ctl("ls")["connections"][0]["protocol"], "legacy")
            sock.close()
            self.eventually(lambda: self.now(server, "legacy") == 0)
            self.assertEqual(server.stat("protocol_distribution.ever.legacy"), n)
            self.assertEqual(len(server.log("legacy_protocol")), n)

    def test_production_refuses_them(self):
        server = self.wsmd("--env", "production")
        for version in ("7", "8"):
            answer = wsmd.read_to_end(self.connect(server, version))
            self.assertIn(b" 426 ", answer)
            self.assertIn(b"Sec-WebSocket-Version: 13\r\n", answer)
        self.assertEqual(server.log("legacy_protocol"), [])

    def test_their_origin_has_another_name(self):
        server = self.wsmd()
        sock = self.connect(server, "8", "Sec-WebSocket-Origin: https://evil.test\r\n")
        self.assertIn(b" 403 ", wsmd.read_to_end(sock))
        (line,) = server.log("refused", cause="origin")
        self.assertEqual(line["origin"], "https://evil.test")


class GivenUp(wsmd.WsmdTest):
    def test_every_offset_with_fin_and_reset(self):
        server = self.wsmd()
        whole = GOOD + rawws.frame(rawws.TEXT, "hello")
        for at in range(len(whole) + 1):
            for reset in (False, True):
                sock = server.connect()
                sock.sendall(whole[:at])
                if reset:
                    now = struct.pack("ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                sock.close()
        server.is_quiet()
        # Everybody who did not finish is in exactly one place.
        stats = server.ctl("stats")["basic"]
        self.assertEqual(
            stats["refusals"]["handshake_gone"] + stats["connections_total"],
            stats["accepted_total"],
        )

    def test_refused_ones_may_leave_in_any_way(self):
        server = self.wsmd()
        for reset in (False, True):
            for data in (b"\x16\x03", GOOD.replace(b"GET", b"PUT"), request("/nothing")):
                client = rawws.RawClient(server, handshake=False)
                client.write(data)
                if reset:
                    client.reset()
                else:
                    client.close()
        server.is_quiet()


class Deadlines(wsmd.WsmdTest):
    def test_slow_and_silent_ones_end_at_the_deadline(self):
        server = self.wsmd(limits__handshake_timeout_s=0.5, limits__close_timeout_s=0.2)
        start = time.monotonic()
        silent, slow = server.connect(), server.connect()
        for i in range(20):
            try:
                slow.sendall(GOOD[i : i + 1])
            except OSError:
                break
            time.sleep(0.03)
        status, _, body = wsmd.parse_answer(wsmd.read_to_end(slow))
        self.assertEqual(status, 408)
        self.assertIn("handshake_timeout_s", body)
        self.assertEqual(wsmd.read_to_end(silent), b"", "said nothing, is told nothing")
        self.assertGreaterEqual(time.monotonic() - start, 0.45, "not before the deadline")
        server.is_quiet()  # although neither has closed its end
        self.assertEqual(server.stat("basic.refusals.handshake_timeout"), 2)
        self.assertEqual({row["status"] for row in server.log("refused")}, {"408", "0"})

    def honest_client_gets_in(self, server):
        start = time.monotonic()
        client = rawws.RawClient(server, "honest")
        client.echo("hello")
        client.goodbye()
        self.assertLess(time.monotonic() - start, 2)

    def test_half_open_flood_evicts_the_oldest(self):
        server = self.wsmd(limits__max_half_open=50)
        flood = [server.connect() for _ in range(50)]
        for i, sock in enumerate(flood):
            sock.sendall(GOOD[:i])
        self.eventually(lambda: server.stat("basic.half_open") == 50)
        for i in range(60):
            server.connect()
            if i % 10 == 0:
                self.honest_client_gets_in(server)
        # The newcomers have pushed out the whole first flood.
        for sock in flood:
            self.assertEqual(wsmd.read_to_end(sock), b"")
        self.assertLessEqual(server.stat("basic.half_open"), 50)
        self.assertGreaterEqual(server.stat("basic.refusals.max_half_open"), 50)

    def test_refused_ones_that_stay_lock_nobody_out(self):
        server = self.wsmd(limits__max_half_open=10)
        for _ in range(30):
            server.connect().sendall(request("/nothing"))
        self.eventually(lambda: server.stat("basic.refusals.not_found") >= 10)
        self.honest_client_gets_in(server)


if __name__ == "__main__":
    runner.main()
