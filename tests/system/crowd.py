"""Many well-behaved clients in one thread: they answer pings and closes, and count."""

import collections
import contextlib
import selectors
import socket
import struct
import threading
import time

import rawws


class Member:
    """One client: what it got, and how it ended."""

    def __init__(self, number, sock):
        self.number = number
        self.sock = sock
        self.buffered = b""
        self.head = None
        self.messages = []
        self.ping_times = []
        self.close_code = None
        self.close_reason = ""
        self.closed_at = None

    def is_open(self):
        return self.head is not None and self.closed_at is None


class Crowd:
    """@n clients; number i is the user @user(i), or nobody for None."""

    def __init__(self, server, n, user=lambda i: f"user{i}", hub=None, answers=True):
        self.answers = answers
        self.selector = selectors.DefaultSelector()
        self.members = []
        self.over = False
        path = "/ws" if hub is None else f"/client/hubs/{hub}"
        for i in range(n):
            # With room for a backlog: all of them come at once.
            sock = socket.create_connection(("127.0.0.1", server.port), timeout=rawws.WAIT_S)
            name = user(i)
            target = path if name is None else f"{path}?user={name}"
            sock.sendall(rawws.request(target))
            sock.setblocking(False)
            member = Member(i, sock)
            self.members.append(member)
            self.selector.register(sock, selectors.EVENT_READ, member)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + rawws.WAIT_S
        while not all(m.head or m.closed_at for m in self.members):
            if time.monotonic() > deadline:
                raise TimeoutError("not everybody was answered")
            time.sleep(0.01)

    def run(self):
        while not self.over:
            for key, _ in self.selector.select(0.05):
                self.on_readable(key.data)

    def on_readable(self, member):
        try:
            data = member.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended(member)
            return
        member.buffered += data
        if member.head is None:
            head, end, rest = member.buffered.partition(b"\r\n\r\n")
            if not end:
                return
            member.head, member.buffered = head, rest
        self.on_frames(member)

    def on_frames(self, member):
        data = member.buffered
        while len(data) >= 2:
            size, at = data[1] & 0x7F, 2
            if size == 126 and len(data) >= 4:
                (size,), at = struct.unpack("!H", data[2:4]), 4
            elif size >= 126:
                break  # no test sends longer ones to a crowd
            if len(data) < at + size:
                break
            self.on_frame(member, data[0] & 0x0F, data[at : at + size])
            data = data[at + size :]
        member.buffered = data

    def on_frame(self, member, opcode, payload):
        if opcode in (rawws.TEXT, rawws.BINARY):
            member.messages.append(payload)
        elif opcode == rawws.PING:
            member.ping_times.append(time.monotonic())
            if self.answers:
                self.write(member, rawws.frame(rawws.PONG, payload))
        elif opcode == rawws.CLOSE and member.close_code is None:
            member.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            member.close_reason = payload[2:].decode()
            if self.answers:
                self.write(member, rawws.frame(rawws.CLOSE, payload))

    def write(self, member, data):
        with contextlib.suppress(OSError):
            member.sock.sendall(data)

    def ended(self, member):
        member.closed_at = time.monotonic()
        self.selector.unregister(member.sock)
        member.sock.close()

    def count_open(self):
        return sum(member.is_open() for member in self.members)

    def close_codes(self):
        return collections.Counter(m.close_code for m in self.members if m.closed_at)

    def close(self):
        self.over = True
        self.thread.join(rawws.WAIT_S)
        for member in self.members:
            member.sock.close()
        self.selector.close()
