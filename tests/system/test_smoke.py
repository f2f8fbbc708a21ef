"""The shortest tour of everything: start, echo, each command of wsmctl, reload, stop."""

import asyncio
import json

import runner
import websockets
import wsmd


class Smoke(wsmd.WsmdTest):
    def test_tour(self):
        asyncio.run(self.tour(self.wsmd()))

    async def ctl(self, server, *words, **how):
        """Run wsmctl while the clients' loop goes on, because they answer pings."""
        return await asyncio.to_thread(server.wsmctl, *words, **how)

    async def tour(self, server):
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with websockets.connect(f"{url}?user=alice") as alice, websockets.connect(
            f"{url}?user=bob"
        ) as bob, websockets.connect(url) as anonymous:
            await alice.send("hello")
            self.assertEqual(await alice.recv(), "hello")

            out = await self.ctl(server, "send", "alice", "from outside")
            self.assertEqual(out, "delivered 1\n")
            self.assertEqual(await alice.recv(), "from outside")
            out = await self.ctl(server, "send", "--all", "to everybody")
            self.assertEqual(out, "delivered 3\n")
            for client in (alice, bob, anonymous):
                self.assertEqual(await client.recv(), "to everybody")
            await self.ctl(server, "send", "--must-deliver", "carol", "x", code=4)

            rows = json.loads(await self.ctl(server, "ls", "--json"))["connections"]
            self.assertEqual({row["user"] for row in rows}, {"alice", "bob", None})
            ids = {row["user"]: row["id"] for row in rows}
            shown = json.loads(await self.ctl(server, "show", "alice", "--json"))
            self.assertEqual(shown["connections"][0]["messages_in"], 1)
            self.assertIn(" ms", await self.ctl(server, "ping", ids["bob"]))
            self.assertIn("closed 1", await self.ctl(server, "kick", "bob", "--reason", "out"))
            await bob.wait_closed()
            self.assertEqual(bob.close_code, 1008)
            self.assertRegex(bob.close_reason, r"^out \[id=[a-z2-7]{8}\]$")

            stats = json.loads(await self.ctl(server, "stats", "--json"))
            self.assertEqual(stats["basic"]["connections_active"], 2)
            self.assertEqual(stats["health"]["pongs_received"], 1)
            await self.ctl(server, "reload")
            self.assertIn("max_connections", await self.ctl(server, "config"))
            await alice.send("still here")
            self.assertEqual(await alice.recv(), "still here")
        self.assertEqual(server.get("/healthz")[0], 200)


if __name__ == "__main__":
    runner.main()
