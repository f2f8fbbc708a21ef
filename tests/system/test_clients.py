"""Clients that nobody here wrote: Python's websockets, curl, Node's ws, a browser."""

import asyncio
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import rawws
import runner
import websockets
import wsmd

NODE_FOLDER = pathlib.Path(__file__).resolve().parent / "node"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class PythonWebsockets(wsmd.WsmdTest):
    def session(self, server, work, **how):
        """Run @work(client) against ?user=alice."""

        async def body():
            url = f"ws://127.0.0.1:{server.port}/ws?user=alice"
            async with websockets.connect(url, max_size=None, **how) as client:
                await asyncio.wait_for(work(client), wsmd.PATIENCE_S)
            return client

        return asyncio.run(body())

    def test_echo_of_every_size(self):
        async def work(client):
            for size in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20):
                for message in ("é" * (size // 2) + "x" * (size % 2), os.urandom(size)):
                    await client.send(message)
                    self.assertEqual(await client.recv(), message)

        client = self.session(self.wsmd(), work)
        self.assertEqual(client.close_code, 1000)

    def test_many_in_flight_stay_in_order(self):
        async def work(client):
            sent = [f"message {i} " + "x" * (i % 700) for i in range(3000)]
            for message in sent:
                await client.send(message)
            self.assertEqual([await client.recv() for _ in sent], sent)

        self.session(self.wsmd(), work)

    def test_fragments_become_one_message(self):
        async def work(client):
            await client.send(["one ", "", "two ", "thrée"])
            self.assertEqual(await client.recv(), "one two thrée")
            await client.send([b"\x00" * 70000, b"\xff" * 70000])
            self.assertEqual(await client.recv(), b"\x00" * 70000 + b"\xff" * 70000)

        self.session(self.wsmd(), work)

    def test_ping_is_answered(self):
        async def work(client):
            for payload in (b"", b"x", os.urandom(125)):
                await (await client.ping(payload))

        self.session(self.wsmd(), work)

    def test_close_codes_come_back(self):
        server = self.wsmd()
        for code in (1000, 1001, 1011, 3000, 4999):

            async def work(client, code=code):
                await client.close(code, "bye")

            self.assertEqual(self.session(server, work).close_code, code)
        self.assertEqual(server.stat("basic.closes.peer_close"), 5)

    def test_compression_is_declined(self):
        async def work(client):
            await client.send("x" * 1000)
            self.assertEqual(await client.recv(), "x" * 1000)

        client = self.session(self.wsmd(), work, compression="deflate")
        self.assertEqual(client.extensions, [])


class Curl(wsmd.WsmdTest):
    def curl(self, *arguments):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10",
             *arguments], capture_output=True,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def url(self, server, path):
        return f"http://127.0.0.1:{server.port}{path}"

    def test_pages(self):
        server = self.wsmd()
        self.assertEqual(self.curl(self.url(server, "/healthz")), "ok\n")
        self.assertEqual(self.curl(self.url(server, "/readyz")), "ready\n")
        self.assertIn("<title>wsmd", self.curl(self.url(server, "/")))
        self.assertRegex(self.curl(self.url(server, "/metrics")), "(?m)^wsmd_half_open 0$")

    def test_head_has_the_length_but_no_body(self):
        server = self.wsmd()
        for path in ("/healthz", "/readyz", "/"):
            body = self.curl(self.url(server, path))
            head = self.curl("--head", self.url(server, path)).lower()
            self.assertIn("http/1.1 200 ok\r\n", head)
            self.assertIn(f"content-length: {len(body.encode())}\r\n", head)
            self.assertTrue(head.endswith("\r\n\r\n"))

    def test_websocket_address_is_explained(self):
        out = self.curl("--include", self.url(self.wsmd(), "/ws"))
        self.assertTrue(out.startswith("HTTP/1.1 426 "), out)
        self.assertIn("Sec-WebSocket-Version: 13\r\n", out)
        self.assertIn("Connect with a WebSocket client", out)

    def test_nobody_gets_in_without_dev(self):
        server = self.wsmd(dev=False)
        out = self.curl("--include", self.url(server, "/"))
        self.assertTrue(out.startswith("HTTP/1.1 404 "), out)
        status, _, body = wsmd.parse_answer(server.exchange(rawws.request("/ws?user=alice")))
        self.assertEqual(status, 401)
        self.assertIn("auth.mode is deny", body)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_likes_the_metrics(self):
        server = self.wsmd()
        rawws.RawClient(server, "alice").goodbye()
        text = self.curl(self.url(server, "/metrics"))
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, text=True
        )
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


@unittest.skipUnless(shutil.which("node") and shutil.which("npm"), "node or npm is not installed")
class NodeWs(wsmd.WsmdTest):
    @classmethod
    def setUpClass(cls):
        if (NODE_FOLDER / "node_modules" / "ws").is_dir():
            return
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=NODE_FOLDER,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"npm ci in tests/system/node failed:\n{done.stderr}")

    def test_echo(self):
        server = self.wsmd()
        done = subprocess.run(
            ["node", "echo.mjs", f"ws://127.0.0.1:{server.port}/ws?user=node"], cwd=NODE_FOLDER,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        seen = json.loads(done.stdout)
        self.assertEqual(seen["close"], [4321, ""])
        self.assertEqual(seen["echoed"], [4, len("Grüße, 世界 🌍".encode()), 0, 1000, 1 << 20, 15])
        self.assertEqual(seen["ping"], "are you there")
        self.assertEqual(seen["close"], [4321, ""])
        self.assertEqual(seen["extensions"], "")

    def test_tokens(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "secret").touch(0o600)
        (folder / "secret").write_text("0123456789abcdef" * 2)
        server = self.wsmd(auth__mode="token", auth__keys=str(folder))
        token = server.wsmctl("token", "node").strip()
        script = """
            import WebSocket from 'ws';
            const [url, token] = process.argv.slice(1);
            const headers = { authorization: 'Bearer ' + token };
            const ways = [[['jwt', 'jwt.' + token], {}], [[], { headers }]];
            for (const [protocols, options] of ways)
                await new Promise(done => {
                    const ws = new WebSocket(url, protocols, options);
                    ws.on('open', () => { console.log(JSON.stringify(ws.protocol)); ws.close(); });
                    ws.on('error', err => console.log(String(err)));
                    ws.on('close', done);
                });
        """
        for last, said in ((token, ['"jwt"', '""']), (token[:-9] + "AAAAAAAAA", [
            "Error: Unexpected server response: 401"] * 2)):  # fmt: skip
            done = subprocess.run(
                ["node", "--input-type=module", "-e", script, "--",
                 f"ws://127.0.0.1:{server.port}/ws", last],
                cwd=NODE_FOLDER, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            self.assertEqual((done.stdout.splitlines(), done.stderr), (said, ""))


class Page:
    """A page in a browser without a window, driven over its DevTools protocol."""

    FLAGS = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0",
    ]  # fmt: skip

    def __init__(self, url):
        self.profile = tempfile.mkdtemp(prefix="wsmd-browser-")
        self.messages = 0
        self.sockets = []
        self.process = subprocess.Popen(
            [CHROMIUM, *self.FLAGS, f"--user-data-dir={self.profile}", url],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        port_file = pathlib.Path(self.profile, "DevToolsActivePort")
        self.socket = None
        try:
            if not wsmd.eventually(lambda: port_file.exists() and port_file.read_text(), 60):
                raise RuntimeError("the browser did not start")
            self.port = int(port_file.read_text().split("\n")[0])
            target = wsmd.eventually(lambda: self.target(url), 60)
            self.socket = rawws.RawClient(self, handshake=False)
            self.socket.target = "/" + target.split("/", 3)[3]
            self.socket.handshake()
        except BaseException:
            self.close()
            raise

    def target(self, url):
        with rawws.socket.create_connection(("127.0.0.1", self.port), timeout=10) as sock:
            sock.sendall(b"GET /json/list HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while b"]" not in answer.partition(b"\r\n\r\n")[2]:
                answer += sock.recv(65536)
        pages = json.loads(answer.partition(b"\r\n\r\n")[2])
        found = [page for page in pages if page["type"] == "page" and page["url"] == url]
        return found[0]["webSocketDebuggerUrl"] if found else None

    def evaluate(self, expression):
        self.messages += 1
        params = {"expression": expression, "returnByValue": True}
        self.socket.send(
            json.dumps({"id": self.messages, "method": "Runtime.evaluate", "params": params})
        )
        while True:
            answer = json.loads(self.socket.receive())
            if answer.get("id") == self.messages:
                return answer["result"]["result"].get("value")

    def log(self):
        return self.evaluate("document.getElementById('log').textContent").splitlines()

    def wait_for_log(self, *lines):
        return wsmd.eventually(lambda: self.log() == list(lines))

    def click(self, form):
        self.evaluate(f"document.querySelector('#{form} button').click()")

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Its last children may still write for a moment.
        deadline = time.monotonic() + 10
        while os.path.exists(self.profile) and time.monotonic() < deadline:
            shutil.rmtree(self.profile, ignore_errors=True)


@unittest.skipUnless(CHROMIUM, "chromium is not installed")
class Browser(wsmd.WsmdTest):
    def page(self, server):
        page = self.keep(Page(f"http://127.0.0.1:{server.port}/"))
        self.eventually(lambda: page.evaluate("document.getElementById('log') !== null"))
        return page

    def test_page_connects_sends_and_shows_the_echo(self):
        server = self.wsmd()
        page = self.page(server)
        page.click("connect")
        self.assertTrue(page.wait_for_log("connected"), page.log())
        self.assertEqual(page.evaluate("document.getElementById('state').textContent"), "connected")
        self.assertEqual(server.ctl("ls")["connections"][0]["user"], "alice")

        page.evaluate("document.getElementById('text').value = '<b>Grüße</b>'")
        page.click("send")
        sent = ["connected", "> <b>Grüße</b>", "< <b>Grüße</b>"]
        self.assertTrue(page.wait_for_log(*sent), page.log())
        self.assertEqual(page.evaluate("document.querySelectorAll('#log b').length"), 0)

        server.ctl("kick", target="alice", reason="that is all")
        (line,) = server.log("closed")
        closed = [*sent, f"closed: 1008 that is all [id={line['id']}]"]
        self.assertTrue(page.wait_for_log(*closed), page.log())
        status = page.evaluate("document.getElementById('state').textContent")
        self.assertEqual(status, "not connected")

    def connect(self, page, server, protocols):
        """What the page sees of a WebSocket: its subprotocol once it is open, or "refused"."""
        url = f"ws://127.0.0.1:{server.port}/ws"
        page.evaluate(
            f"window.seen = null; {{ const probe = new WebSocket('{url}', {protocols});"
            "probe.onopen = () => { window.seen = 'open ' + probe.protocol; };"
            "probe.onerror = () => { window.seen = 'refused'; }; }"
        )
        return self.eventually(lambda: page.evaluate("window.seen"))

    def test_a_token_as_subprotocol(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "secret").touch(0o600)
        (folder / "secret").write_text("0123456789abcdef" * 2)
        server = self.wsmd(auth__mode="token", auth__keys=str(folder))
        token = server.wsmctl("token", "alice").strip()
        page = self.page(server)
        self.assertEqual(self.connect(page, server, f"['jwt', 'jwt.{token}']"), "open jwt")
        self.assertEqual(server.ctl("ls")["connections"][0]["user"], "alice")
        self.assertEqual(self.connect(page, server, f"['jwt', 'jwt.{token}x']"), "refused")

    def test_pages_of_others(self):
        other = self.wsmd()
        closed = self.wsmd("--set", "auth.mode=open", dev=False)
        listed = self.wsmd(
            "--set", "auth.mode=open", dev=False,
            auth__origins=[f"http://127.0.0.1:{other.port}"],
        )  # fmt: skip
        page = self.page(other)
        self.assertEqual(self.connect(page, closed, "[]"), "refused")
        self.assertEqual(closed.stat("basic.refusals.origin"), 1)
        self.assertEqual(self.connect(page, listed, "[]"), "open ")
        self.assertEqual(self.connect(page, other, "[]"), "open ")


if __name__ == "__main__":
    runner.main()
