"""The programs of docs/examples do what they say, with clients that know nothing of them."""

import asyncio
import re
import signal
import subprocess
import unittest

import runner
import websockets
from rawws import TEXT, RawClient, frame, request

CHAT = runner.program("EXAMPLE_CHAT", "docs/examples/example-chat")
ADOPT = runner.program("EXAMPLE_ADOPT", "docs/examples/example-adopt")
DOCS = runner.REPO / "docs"
PATIENCE_S = 20


class Example:
    """A running example; what RawClient wants to know of a server."""

    def __init__(self, *command):
        self.sockets = []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )  # fmt: skip
        line = self.process.stdout.readline()
        self.port = int(line.rpartition(":")[2])

    def stop(self):
        for sock in self.sockets:
            sock.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            return (*self.process.communicate(timeout=PATIENCE_S), self.process.returncode)
        finally:
            self.process.kill()


class ExampleTest(unittest.TestCase):
    def start(self, *command):
        self.example = Example(*command)
        self.addCleanup(self.example.process.wait)
        self.addCleanup(self.example.process.kill)
        return self.example

    def stop(self):
        """What it has written."""
        out, err, code = self.example.stop()
        self.assertEqual(code, 0, err)
        self.assertNotIn("Sanitizer", err)
        return out, err


class Chat(ExampleTest):
    def test_rooms(self):
        self.start(CHAT, "127.0.0.1:0")
        asyncio.run(asyncio.wait_for(self.rooms(f"ws://127.0.0.1:{self.example.port}/ws"), 60))
        out, _ = self.stop()
        came = re.findall(r"^([a-z2-7]{26}) came from 127\.0\.0\.1:\d+$", out, re.MULTILINE)
        left = re.findall(r"^([a-z2-7]{26}) left: .", out, re.MULTILINE)
        self.assertEqual(len(came), 3)
        self.assertEqual(sorted(came), sorted(left))

    async def ask(self, client, words):
        await client.send(words)
        return await client.recv()

    async def rooms(self, url):
        async with websockets.connect(f"{url}?user=alice") as alice, websockets.connect(
            f"{url}?user=bob"
        ) as bob, websockets.connect(url) as carol:
            for client in (alice, bob, carol):
                self.assertEqual(await client.recv(), "welcome")
            self.assertEqual(await self.ask(alice, "hello"), "hello")
            self.assertEqual(await self.ask(alice, b"\0\1"), b"\0\1")
            self.assertEqual(
                await self.ask(alice, "/say tea is ready"),
                "/say tea is ready: no such object, 0 delivered",
            )
            for client in (alice, bob):
                self.assertEqual(
                    await self.ask(client, "/join tea"), "/join tea: done, 0 delivered"
                )
            self.assertEqual(
                await self.ask(alice, "/say tea is ready"), "/say tea is ready: done, 1 delivered"
            )
            self.assertEqual(await bob.recv(), "is ready")
            self.assertEqual(
                await self.ask(bob, "/leave tea"), "/leave tea: done, 0 delivered"
            )
            # Nobody was there but alice herself, who is left out.
            self.assertEqual(
                await self.ask(alice, "/say tea more?"), "/say tea more?: done, 0 delivered"
            )
            # Carol heard nothing of all that.
            self.assertEqual(await self.ask(carol, "still here"), "still here")

    def test_who_is_there_at_the_end_is_told(self):
        self.start(CHAT, "127.0.0.1:0")
        client = RawClient(self.example, "alice")
        self.assertEqual(client.receive(), "welcome")
        self.example.process.send_signal(signal.SIGTERM)
        self.assertEqual(client.closing().code, 1001)
        self.assertRegex(self.stop()[0], " left: ")

    def test_a_bad_address(self):
        done = subprocess.run([CHAT, "nowhere"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("chat: ", done.stderr)


class Adopt(ExampleTest):
    def open(self, first):
        client = RawClient(self.example, handshake=False)
        client.write(first)
        return client

    def test_a_handshake_that_is_still_to_be_read(self):
        self.start(ADOPT, "0")

        async def talk():
            url = f"ws://127.0.0.1:{self.example.port}/alice"
            async with websockets.connect(url) as alice:
                await alice.send("hello")
                self.assertEqual(await alice.recv(), "hello")

        asyncio.run(asyncio.wait_for(talk(), 60))
        # A message in the same segment as the handshake; and a head in two pieces.
        client = self.open(request("/alice") + frame(TEXT, "early"))
        client.read_head()
        self.assertEqual(client.receive(), "early")
        head = request("/bob")
        client = self.open(head[:20])
        client.write(head[20:])
        self.assertTrue(client.read_head().startswith(b"HTTP/1.1 101 "))
        client.echo("late")
        _, log = self.stop()
        self.assertRegex(log, r"event=closed .*user=bob ")

    def test_a_socket_that_is_upgraded_already(self):
        self.start(ADOPT, "0")
        client = self.open(b"HELLO alice\n" + frame(TEXT, "early"))
        self.assertEqual(client.take(3), b"OK\n")
        self.assertEqual(client.receive(), "early")
        client.echo("and later")
        self.assertEqual(client.goodbye(), 1000)
        _, log = self.stop()
        self.assertRegex(log, r"event=closed .*user=alice ")
        self.assertNotIn("no client is let in", log)  # the program decides

    def test_what_is_neither(self):
        self.start(ADOPT, "0")
        client = self.open(b"WHAT?\n")
        self.assertTrue(client.at_end())
        self.assertIn("adopt: not taken: ", self.stop()[1])


class Guide(unittest.TestCase):
    def test_its_code_is_code_of_the_examples(self):
        """Each line of C in docs/embedding.md is a line of an example."""
        files = [p.read_text(encoding="utf-8") for p in (DOCS / "examples").glob("*.c")]
        lines = {" ".join(line.split()) for text in files for line in text.splitlines()}
        guide = (DOCS / "embedding.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```c\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
        self.assertGreater(len(blocks), 0)
        shown = {" ".join(line.split()) for line in "".join(blocks).splitlines()}
        self.assertEqual(sorted(shown - lines), [])


if __name__ == "__main__":
    runner.main()
