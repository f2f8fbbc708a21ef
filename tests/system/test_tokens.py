"""Tokens and origins: who is let in by them, who is not and is told why, and what stays secret."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import rawws
import runner
import wsmd

SECRET = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2
SCAN_S = 2  # between two looks at the files, LOOK_MS of server/keys.c


def b64(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(claims, **header):
    return f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}"


def token(user="alice", secret=SECRET, ttl=60, **claims):
    """HS256, by nobody's library but Python's own; a claim that is None is left out."""
    claims = {"sub": user, "exp": int(time.time()) + ttl, **claims}
    text = unsigned({k: v for k, v in claims.items() if v is not None}, alg="HS256", typ="JWT")
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{b64(mac)}"


class TokenTest(wsmd.WsmdTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wsmd-tokens-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.keys = self.file("main.secret", SECRET + "\n")

    def file(self, name, text, mode=0o600):
        path = pathlib.Path(self.folder, name)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    def server(self, *options, **settings):
        return self.wsmd(
            *options, **{"auth__mode": "token", "auth__keys": self.keys, **settings}
        )  # fmt: skip

    def ask(self, server, target="/ws", extra=""):
        """Status, fields and body of a refusal; the socket of who was let in."""
        sock = server.connect()
        sock.sendall(rawws.request(target, extra=extra))
        head = b""
        while b"\r\n\r\n" not in head:
            more = sock.recv(65536)
            self.assertNotEqual(more, b"", head)
            head += more
        if head.startswith(b"HTTP/1.1 101 "):
            self.addCleanup(sock.close)
            return 101, head.decode("latin-1"), sock
        return wsmd.parse_answer(head + wsmd.read_to_end(sock))

    def user_of(self, server, sock):
        """Who is this, by what wsmd says of its only connection?"""
        (row,) = server.ctl("ls")["connections"]
        sock.close()
        self.eventually(lambda: not server.ctl("ls")["connections"])
        return row["user"]

    def let_in(self, server, text, user="alice"):
        status, _, sock = self.ask(server, f"/ws?access_token={text}")
        self.assertEqual(status, 101)
        self.assertEqual(self.user_of(server, sock), user)

    def refused(self, server, cause, text, status=401):
        before = server.stat(f"basic.refusals.{cause}")
        answer = self.ask(server, f"/ws?access_token={text}")
        self.assertEqual(answer[0], status, answer)
        self.assertEqual(server.stat(f"basic.refusals.{cause}"), before + 1)
        return answer


class Tokens(TokenTest):
    def test_the_three_places(self):
        server = self.server(workers=2)
        text = token()
        for target, extra, protocol in (
            (f"/ws?access_token={text}", "", None),
            ("/ws", f"Authorization: Bearer {text}\r\n", None),
            ("/client/hubs/chat", f"authorization: bearer {text}\r\n", None),
            ("/ws", f"Sec-WebSocket-Protocol: jwt, jwt.{text}\r\n", "jwt"),
            ("/ws", f"Sec-WebSocket-Protocol: jwt.{text}\r\n", None),
        ):
            with self.subTest(target=target, extra=extra):
                status, head, sock = self.ask(server, target, extra)
                self.assertEqual(status, 101)
                answered = [
                    line.partition(": ")[2]
                    for line in head.split("\r\n")
                    if line.lower().startswith("sec-websocket-protocol:")
                ]
                self.assertEqual(answered, [protocol] if protocol else [])
                self.assertEqual(self.user_of(server, sock), "alice")

    def test_names(self):
        server = self.server()
        for user in ("a", "j\u00fcrgen", "a b&c=d", "\u20ac" * 85):
            self.let_in(server, token(user), user)
        self.let_in(server, token(None), None)  # anonymous
        for user in ("", "\u20ac" * 86, "a\nb", 7):
            self.refused(server, "user_name", token(user), 400)

    def test_every_refusal_has_its_own_answer(self):
        server = self.server(auth__audience="us", auth__issuer="them")
        now = int(time.time())
        good = {"aud": "us", "iss": "them"}
        head, claims, signature = token(**good).split(".")
        self.let_in(server, token(**good))
        self.let_in(server, token(aud=["others", "us"], iss="them", nbf=now + 50))
        for cause, text, words in (
            ("token_malformed", "garbage", "not a JSON Web Token"),
            ("token_malformed", "", "not a JSON Web Token"),
            ("token_malformed", f"{head}.{claims}.{signature}%3D", "not a JSON Web Token"),
            ("token_key", unsigned(good, alg="none") + ".", "alg, kid"),
            ("token_key", unsigned(good, alg="RS256") + ".AAAA", "alg, kid"),
            ("token_key", unsigned(good, alg="HS256", kid="x") + ".AAAA", "alg, kid"),
            ("token_signature", f"{head}.{claims}.{b64(bytes(32))}", "signature"),
            ("token_signature", f"{head}.{claims}.", "signature"),
            ("token_signature", token(secret=OTHER, **good), "signature"),
            ("token_claims", token(exp=None, **good), "no exp"),
            ("token_claims", token(exp=now + 60.5, **good), "whole number"),
            ("token_expired", token(ttl=-61, **good), "has expired"),
            ("token_not_yet", token(nbf=now + 100, **good), "not valid yet"),
            ("token_audience", token(aud="others", iss="them"), "auth.audience"),
            ("token_issuer", token(aud="us"), "auth.issuer"),
        ):
            with self.subTest(cause=cause, text=text):
                _, fields, body = self.refused(server, cause, text)
                self.assertIn(words, body)
                self.assertEqual(fields["www-authenticate"], 'Bearer error="invalid_token"')
        _, fields, body = self.ask(server)
        self.assertIn("A token is needed", body)
        self.assertEqual(fields["www-authenticate"], "Bearer")
        self.assertEqual(server.stat("basic.refusals.no_token"), 1)
        both = f"Authorization: Bearer {token(**good)}\r\n"
        status, _, body = self.ask(server, f"/ws?access_token={token(**good)}", both)
        self.assertEqual((status, body), (400, "There is more than one token.\n"))
        self.assertEqual(server.stat("basic.refusals.tokens"), 1)

    def test_clock_skew(self):
        server = self.server(auth__clock_skew_s=0)
        self.refused(server, "token_expired", token(ttl=0))
        self.refused(server, "token_not_yet", token(nbf=int(time.time()) + 30))
        server.ctl("reload")
        self.let_in(self.server(auth__clock_skew_s=600), token(ttl=-500))

    def test_a_token_is_nowhere_to_be_read(self):
        server = self.server("--set", "log.level=debug")
        text = token()
        parts = [*text.split("."), SECRET]
        _, _, sock = self.ask(server, f"/ws?access_token={text}")
        tap = self.keep(wsmd.Control(server.control_path))
        tap.ask("tap", target="alice", payload=True)
        self.ask(server, "/ws", f"Authorization: Bearer {text}\r\n")
        self.ask(server, "/ws", f"Sec-WebSocket-Protocol: jwt, jwt.{text}\r\n")
        wrong = text[:-5] + "AAAAA"
        for target, extra in (
            (f"/ws?access_token={wrong}", ""),
            (f"/nowhere?access_token={wrong}", ""),
            ("/ws", f"Authorization: Bearer {wrong}\r\n"),
            ("/ws", f"Sec-WebSocket-Protocol: jwt, jwt.{wrong}\r\n"),
        ):
            self.assertNotIn(text[:-5], str(self.ask(server, target, extra)))
        sock.close()
        self.eventually(lambda: server.ctl("why", target="alice")["ended"])
        said = [
            server.log_text(), str(server.ctl("ls")), str(server.ctl("show", target="alice")),
            str(server.ctl("why", target="alice", events=True)), str(server.ctl("config")),
            str(server.ctl("stats")), str(server.metrics()), str(tap.answer()),
        ]  # fmt: skip
        for part in parts:
            for text in said:
                self.assertNotIn(part, text)


class Keys(TokenTest):
    def openssl(self, *arguments, data=None):
        return subprocess.run(
            ["openssl", *arguments], input=data, capture_output=True, check=True
        ).stdout

    def sign(self, key, algorithm, claims, **header):
        text = unsigned(claims, alg=algorithm, **header)
        signature = self.openssl("dgst", "-sha256", "-sign", key, data=text.encode())
        if algorithm == "ES256":  # DER: SEQUENCE { INTEGER r, INTEGER s }
            r_len = signature[3]
            r, s = signature[4 : 4 + r_len], signature[4 + r_len + 2 :]
            signature = b"".join(int.from_bytes(n, "big").to_bytes(32, "big") for n in (r, s))
        return f"{text}.{b64(signature)}"

    def key_pair(self, name, *options):
        private = os.path.join(self.folder, f".{name}")
        self.openssl("genpkey", *options, "-out", private)
        public = self.openssl("pkey", "-in", private, "-pubout").decode()
        self.file(f"{name}.pem", public, 0o644)
        return private

    def test_public_keys(self):
        if shutil.which("openssl") is None:
            self.skipTest("no openssl here")
        rsa = self.key_pair("rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        ec = self.key_pair("ec", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        server = self.server(auth__keys=self.folder)
        (row,) = server.log("keys")
        self.assertEqual([row[a] for a in ("HS256", "RS256", "ES256")], ["1", "1", "1"])
        claims = {"sub": "alice", "exp": int(time.time()) + 60}
        for _ in range(20):  # numbers of every length
            self.let_in(server, self.sign(ec, "ES256", claims))
        self.let_in(server, self.sign(ec, "ES256", claims, kid="ec"))
        self.let_in(server, self.sign(rsa, "RS256", claims, kid="rsa"))
        self.let_in(server, token())
        self.refused(server, "token_key", self.sign(rsa, "RS256", claims, kid="ec"))
        good = self.sign(ec, "ES256", claims)
        self.refused(server, "token_signature", good[:-6] + "AAAAAA")
        # What everybody may read is no secret: RFC 8725 section 2.1.
        public = pathlib.Path(self.folder, "rsa.pem").read_text()
        for secret in (public, public.strip(), " " + public):
            self.refused(server, "token_signature", token(secret=secret))

    def test_a_change_is_noticed(self):
        server = self.server(auth__keys=self.folder)
        self.let_in(server, token())
        self.refused(server, "token_signature", token(secret=OTHER))
        self.file("next.secret", OTHER)
        self.eventually(lambda: len(server.log("keys")) == 2)
        self.let_in(server, token())
        self.let_in(server, token(secret=OTHER))
        os.unlink(self.keys)
        self.eventually(lambda: len(server.log("keys")) == 3)
        self.refused(server, "token_signature", token())
        self.let_in(server, token(secret=OTHER))

    def test_bad_keys_leave_the_old_ones(self):
        server = self.server(auth__keys=self.folder)
        self.file("bad.pem", "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n")
        (line,) = self.eventually(lambda: server.log("keys_refused"))
        self.assertIn("bad.pem begins like PEM and is no public key", line["text"])
        self.let_in(server, token())
        with self.assertRaises(wsmd.Refused) as caught:
            server.ctl("reload")
        self.assertIn("bad.pem", str(caught.exception.error["faults"]))
        self.let_in(server, token())
        time.sleep(SCAN_S + 0.5)
        self.assertEqual(len(server.log("keys_refused")), 1)
        os.unlink(os.path.join(self.folder, "bad.pem"))
        self.eventually(lambda: len(server.log("keys")) == 2)
        self.let_in(server, token())

    def test_connections_outlive_their_keys(self):
        server = self.server()
        _, _, sock = self.ask(server, f"/ws?access_token={token()}")
        self.file("main.secret", OTHER)
        self.eventually(lambda: len(server.log("keys")) == 2)
        sock.sendall(rawws.frame(rawws.TEXT, "still here"))
        self.assertEqual(sock.recv(100), b"\x81\x0astill here")

    def test_start_without_good_keys(self):
        for keys, words in (
            ("", "auth.keys must name the keys"),
            ("/nowhere/at/all", "/nowhere/at/all cannot be read"),
            (self.file("short", "secret"), "holds a secret of 6 bytes"),
            (self.file("open", SECRET, 0o644), "everybody may read it: chmod o-r"),
        ):
            for question in ((), ("--check",)):
                with self.subTest(keys=keys, question=question):
                    done = wsmd.run(
                        "--dev", "--listen", "127.0.0.1:0", "--control", f"{self.folder}/c",
                        "--set", "auth.mode=token", "--set", f"auth.keys={keys}", *question,
                    )  # fmt: skip
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(words, done.stderr)
                    self.assertNotIn("secret of 6 bytes: secret", done.stderr)


class Made(TokenTest):
    def test_wsmctl_token(self):
        server = self.server(auth__audience="us", auth__issuer="them")
        for user in ("alice", "j\u00fcrgen", "--odd"):
            made = server.wsmctl("token", "--", user).strip()
            self.let_in(server, made, user)
            claims = json.loads(base64.urlsafe_b64decode(made.split(".")[1] + "=="))
            self.assertEqual(claims.keys(), {"exp", "sub", "aud", "iss"})
            self.assertAlmostEqual(claims["exp"], time.time() + 3600, delta=10)
        for ttl, seconds in (("90", 90), ("90s", 90), ("15m", 900), ("12h", 43200), ("7d", 604800)):
            said = json.loads(server.wsmctl("token", "a", "--ttl", ttl, "--json"))
            self.assertAlmostEqual(said["expires_s"], time.time() + seconds, delta=10)

    def test_mistakes(self):
        server = self.server()
        for ttl in ("0", "1.5", "-1", "1w", "h", "1hh", "367d", "", "9999999999"):
            server.wsmctl("token", "alice", "--ttl", ttl, code=2)
        server.wsmctl("token", code=2)
        for arguments in ({}, {"user": ""}, {"user": "a", "ttl_s": 0}, {"user": "a", "ttl_s": "1"}):
            with self.assertRaises(wsmd.Refused):
                server.ctl("token", **arguments)
        with self.assertRaises(wsmd.Refused) as caught:
            self.wsmd().ctl("token", user="alice")
        self.assertIn("auth.mode is not token", str(caught.exception))


    def test_the_first_screen_says_how(self):
        screen = self.server().log_text()
        self.assertIn("has a token", screen)
        self.assertIn("wsmctl token alice", screen)
        self.assertNotIn("under any name", screen)


class Origins(TokenTest):
    def origin(self, server, origin):
        return self.ask(server, "/ws", f"Origin: {origin}\r\n")

    def test_pages_of_others(self):
        server = self.wsmd()
        self.assertEqual(self.origin(server, "http://localhost")[0], 101)
        self.assertEqual(self.origin(server, "http://localhost:3000")[0], 101)  # with --dev
        status, _, body = self.origin(server, "https://evil.test")
        self.assertEqual(status, 403)
        self.assertIn("auth.origins", body)
        self.assertEqual(server.stat("basic.refusals.origin"), 1)
        (line,) = server.log("refused", cause="origin")
        self.assertEqual(line["origin"], "https://evil.test")

    def test_the_list(self):
        path = self.file("wsmd.json", json.dumps({"auth": {"mode": "open"}}))
        server = self.wsmd("--config", path, dev=False)
        self.assertEqual(self.origin(server, "https://app.test")[0], 403)
        self.assertEqual(self.origin(server, "http://127.0.0.1:3000")[0], 403)
        self.file(
            "wsmd.json", json.dumps({"auth": {"mode": "open", "origins": ["https://app.test"]}})
        )
        server.ctl("reload")
        self.eventually(lambda: self.origin(server, "https://app.test")[0] == 101)
        self.assertEqual(self.origin(server, "https://app.test.evil.test")[0], 403)
        self.file("wsmd.json", json.dumps({"auth": {"mode": "open", "origins": ["*"]}}))
        server.ctl("reload")
        self.eventually(lambda: self.origin(server, "https://evil.test")[0] == 101)

    def test_mistakes(self):
        for value in ('["app.test"]', '["https://app.test/"]', '["null"]', '["https://*.test"]',
                      "[7]", "{}", json.dumps(["https://a.test"] * 33)):  # fmt: skip
            done = wsmd.run("--check", "--set", f"auth.origins={value}")
            self.assertEqual(done.returncode, 1, value)
            self.assertIn("expected a list of at most 32 origins", done.stderr)


if __name__ == "__main__":
    runner.main()
