"""Configuration that changes under a running server, and what the log makes of hostile names."""

import json
import os
import signal

import rawws
import runner
import wsmd


class Reload(wsmd.WsmdTest):
    def start(self, **content):
        file = os.path.join(self.folder(), "wsmd.json")
        self.write(file, content)
        server = self.wsmd("--config", file)
        return server, file

    def folder(self):
        folder = wsmd.tempfile.mkdtemp(prefix="wsmd-reload-")
        self.addCleanup(wsmd.shutil.rmtree, folder)
        return folder

    def write(self, file, content):
        with open(file, "w", encoding="utf-8") as out:
            out.write(content if isinstance(content, str) else json.dumps(content))

    def test_the_log_has_what_wsmctl_was_told(self):
        server, file = self.start()
        self.write(file, {"limits": {"max_fragments": 77}})
        server.ctl("reload")
        rows = server.log("reload", key="limits.max_fragments", outcome="applied")
        self.assertEqual([row["is"] for row in rows], ["77"])
        self.write(file, {"limits": {"max_fragments": 0}})
        server.wsmctl("reload", code=1)
        self.assertEqual(len(server.log("reload_refused")), 1)
        self.assertEqual(len(server.log("reload_fault")), 1)

    def test_without_a_file_there_is_nothing_to_read(self):
        self.assertIn("without --config", self.wsmd().ctl("reload")["hint"])

    def test_a_limit_beyond_the_descriptors_is_shown_as_it_is_enforced(self):
        file = os.path.join(self.folder(), "wsmd.json")
        self.write(file, {"limits": {"max_connections": 10}})
        server = self.wsmd("--config", file, nofile=200)
        self.write(file, {"limits": {"max_connections": 100000}})
        server.ctl("reload")
        rows = {row["limit"]: row for row in server.ctl("limits")["limits"]}
        self.assertLess(rows["max_connections"]["value"], 200)
        self.assertEqual(rows["max_connections"]["from"], "descriptors")
        self.assertLess(server.stat("pool.connections_limit"), 200)

    def test_wsmctl_says_what_became_of_each_change(self):
        server, file = self.start(limits={"max_message_bytes": 1000})
        before = rawws.RawClient(server, "before")
        self.assertEqual(server.ctl("reload"), {"changes": []})
        self.write(file, {"limits": {"max_message_bytes": 2000}, "workers": 7})
        changes = {row["key"]: row for row in server.ctl("reload")["changes"]}
        self.assertEqual(
            changes["limits.max_message_bytes"],
            {"key": "limits.max_message_bytes", "outcome": "applied", "was": "1000",
             "is": "2000"},
        )  # fmt: skip
        self.assertEqual(changes["workers"]["outcome"], "needs_restart")
        self.assertEqual(len(changes), 2)
        self.assertEqual(server.ctl("config")["limits"]["max_message_bytes"], 2000)
        # It holds for those who are there, too.
        before.echo("x" * 2000)
        before.send("x" * 2001)
        self.assertEqual(before.closing().code, 1009)
        self.write(file, {"limits": {"max_message_bytes": 3000}, "workers": 7})
        self.assertIn("max_message_bytes", server.wsmctl("reload"))

    def test_refused_configuration_changes_nothing(self):
        server, file = self.start(limits={"max_fragments": 10})
        for content, words in [
            ('{"limits": {"max_fragments": 20}, "limts": {}}', "limits"),
            ('{"limits": {"max_fragments": 0}}', "max_fragments"),
            ('{"limits": {"max_fragments": 20}', f"{file}:1"),
            ("", file),
        ]:
            self.write(file, content)
            with self.assertRaises(wsmd.Refused) as refused:
                server.ctl("reload")
            error = refused.exception.error
            self.assertEqual(error["code"], "refused")
            self.assertIn(words, error["faults"][0])
            self.assertEqual(server.ctl("config")["limits"]["max_fragments"], 10)
        os.remove(file)
        with self.assertRaises(wsmd.Refused):
            server.ctl("reload")
        server.wsmctl("reload", code=1)
        rawws.RawClient(server, "a").goodbye()

    def test_hangup_signal(self):
        server, file = self.start(limits={"max_fragments": 10})
        self.write(file, {"limits": {"max_fragments": 20}, "workers": 9})
        server.signal(signal.SIGHUP)
        self.eventually(lambda: server.log("reloaded"))
        outcomes = {row["key"]: row["outcome"] for row in server.log("reload")}
        self.assertEqual(
            outcomes, {"limits.max_fragments": "applied", "workers": "needs_restart"}
        )
        self.assertEqual(server.ctl("config")["limits"]["max_fragments"], 20)
        self.write(file, {"limits": {"max_fragments": "x"}})
        server.signal(signal.SIGHUP)
        self.eventually(lambda: server.log("reload_refused"))
        self.assertIn("max_fragments", server.log("reload_fault")[0]["text"])
        self.assertEqual(server.ctl("config")["limits"]["max_fragments"], 20)

    def test_hubs_and_heartbeats_change_for_the_living(self):
        server, file = self.start(hubs={"chat": {"on_message": "echo"}})
        client = rawws.RawClient(server, "a", hub="chat")
        client.echo("echoed")
        self.write(file, {"hubs": {"chat": {"on_message": "drop"}},
                          "heartbeat": {"interval_s": 0.05, "timeout_s": 30}})  # fmt: skip
        server.ctl("reload")
        client.send("dropped")
        self.eventually(lambda: server.stat("delivery.handler_drops") == 1)
        # Whoever was to be pinged in 45 s is still pinged, at the latest when that time is up.
        again = rawws.RawClient(server, "b", hub="chat")
        self.assertEqual(again.read_frame()[0], rawws.PING)

    def test_command_line_wins_over_the_file_after_a_reload(self):
        file = os.path.join(self.folder(), "wsmd.json")
        self.write(file, {"limits": {"max_fragments": 10}})
        server = self.wsmd("--config", file, limits__max_fragments=5)
        self.write(file, {"limits": {"max_fragments": 20}})
        self.assertEqual(server.ctl("reload"), {"changes": []})
        self.assertEqual(server.ctl("config")["limits"]["max_fragments"], 5)

    def test_reload_while_clients_come_and_go(self):
        server, file = self.start()
        stays = rawws.RawClient(server, "stays")
        for i in range(60):
            self.write(file, {"limits": {"max_fragments": 100 + i}, "log": {"level": "info"}})
            server.ctl("reload")
            client = rawws.RawClient(server, f"u{i}")
            client.echo("hello")
            client.goodbye()
            stays.echo(str(i))


class Log(wsmd.WsmdTest):
    # Percent-encoded, because raw ones are refused before anybody logs them.
    EVIL = "%E6%97%A5%E6%9C%AC%20event%3Dclosed%20%22x%22%5C%E2%80%AE%C2%85"

    def test_hostile_names_stay_on_one_escaped_line(self):
        for style in ("kv", "json"):
            server = self.wsmd(log__format=style, log__level="debug")
            rawws.RawClient(server, self.EVIL).goodbye()
            self.eventually(lambda: server.stat("basic.closes.peer_close") == 1)
            for target in ("/ws?user=a%0d%0aevent=forged", "/nothing%0d%0aevent=forged",
                           "/%1b%5b2J", "/ws?user=%1b%5b31m", "/x%00y"):  # fmt: skip
                server.exchange(rawws.request(target))
            server.ctl("send", user="nobody\r\nevent=forged", text="x")
            server.exchange(b"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn("日本", server.log_text(), "a log can be searched for a name")
            lines = server.log_text().partition("curl ")[2].split("\n")[2:-1]
            self.assertGreater(len(lines), 5)
            for line in lines:
                self.assertNotRegex(line, "[\x00-\x1f\x7f-\x9f\u202e]")
                self.assertTrue(line.startswith(("time=", '{"time":')), line)
                self.assertNotEqual(wsmd.parse_log_line(line)["event"], "forged")

    def test_json_lines_parse(self):
        server = self.wsmd(log__format="json", log__level="debug")
        clients = [rawws.RawClient(server, self.EVIL) for _ in range(3)]
        clients[0].write(rawws.frame(3))
        clients[1].goodbye()
        clients[2].reset()
        server.exchange(rawws.request("/%22%5c"))
        server.ctl("reload")
        self.eventually(lambda: sum(server.stat("basic.closes").values()) == 3)
        closed = server.log("closed")
        self.assertEqual(
            sorted(row["reason"] for row in closed),
            ["peer_close", "peer_reset", "protocol_error"],
        )
        for row in closed:
            self.assertEqual(row["user"], '日本 event=closed "x"\\\u202e\u0085')
            self.assertIsInstance(row["age_ms"], int)
            self.assertEqual(row["hub"], "default")
        self.assertEqual([row["path"] for row in server.log("refused")], ["/%22%5c"])
        json_lines = [line for line in server.log_text().split("\n") if '"time":' in line]
        self.assertTrue(all(json.loads(line)["level"] for line in json_lines))

    def test_secrets_of_the_query_are_not_logged(self):
        server = self.wsmd(log__level="debug")
        for target in ("/ws?user=a&access_token=sesame", "/nothing?access_token=sesame",
                       "/ws?access_token=sesame&user="):  # fmt: skip
            server.exchange(rawws.request(target) + rawws.close_frame(1000))
        self.assertTrue(server.log("refused"))
        self.assertNotIn("sesame", server.log_text())

    def test_flood_of_refusals_is_summed(self):
        server = self.wsmd()
        for _ in range(300):
            server.exchange(rawws.request("/nothing"))
        self.assertEqual(server.stat("basic.refusals.not_found"), 300)
        lines = server.log("refused")
        self.assertLess(len(lines), 100)


if __name__ == "__main__":
    runner.main()
