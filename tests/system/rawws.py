"""A WebSocket client that does exactly what a test says, right or wrong."""

import base64
import hashlib
import os
import re
import socket
import struct

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # the answer to KEY, from RFC 6455 section 1.3
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = b"\x37\xfa\x21\x3d"
WAIT_S = 20


def request(target="/ws", key=KEY, extra=""):
    """A valid handshake."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"{extra}\r\n"
    ).encode()


def masked(data, mask=MASK):
    n = len(data)
    xor = int.from_bytes(data, "big") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "big")
    return xor.to_bytes(n, "big")


def header(first, length, mask=True, form=None):
    """@form: the length in 7, 16 or 64 bits instead of the shortest."""
    if form is None:
        form = 7 if length < 126 else 16 if length < 65536 else 64
    bit = 0x80 if mask else 0
    if form == 7:
        head = struct.pack("!BB", first, bit | length)
    elif form == 16:
        head = struct.pack("!BBH", first, bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, bit | 127, length)
    return head + (MASK if mask else b"")


def frame(opcode, data=b"", fin=True, rsv=0, mask=True, form=None):
    data = data.encode() if isinstance(data, str) else data
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    return header(first, len(data), mask, form) + (masked(data) if mask else data)


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def split_reason(text):
    """(sentence, retry_ms or None, recorder id or None) of a close frame's reason."""
    end = re.fullmatch(r"(.*) \[(?:retry_ms=([1-9][0-9]*) )?id=([a-z2-7]{8})\]", text, re.DOTALL)
    if end is None:
        return text, None, None
    return end[1], int(end[2]) if end[2] else None, end[3]


class Closed(Exception):
    """The server's close frame, its FIN (code None) or its reset (code -1)."""

    def __init__(self, code, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.text = reason
        self.reason, self.retry_ms, self.id = split_reason(reason)


class RawClient:
    """Open after construction, unless @handshake is False."""

    def __init__(
        self, server, user=None, hub=None, handshake=True, rcvbuf=None, behind=b"", address=None
    ):
        path = "/ws" if hub is None else f"/client/hubs/{hub}"
        self.target = path if user is None else f"{path}?user={user}"
        self.buffered = b""
        self.head = b""
        self.sock = socket.socket()
        server.sockets.append(self.sock)
        if rcvbuf is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(WAIT_S)
        if address is not None:
            self.sock.bind((address, 0))
        self.sock.connect(("127.0.0.1", server.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if handshake:
            self.handshake(behind)

    def handshake(self, behind=b""):
        key = base64.b64encode(os.urandom(16)).decode()
        self.write(request(self.target, key) + behind)
        head = self.read_head()
        digest = hashlib.sha1(key.encode() + GUID).digest()
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(head.decode("latin-1"))
        assert b"Sec-WebSocket-Accept: " + base64.b64encode(digest) in head, head

    def write(self, data):
        self.sock.sendall(data)

    def dribble(self, data):
        """One byte in each segment."""
        for i in range(len(data)):
            self.sock.sendall(data[i : i + 1])

    def send(self, data, opcode=None, **how):
        opcode = opcode or (TEXT if isinstance(data, str) else BINARY)
        self.write(frame(opcode, data, **how))

    def more(self):
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionResetError:
            raise Closed(-1, "reset") from None
        if not data:
            raise Closed(None, "FIN")
        self.buffered += data

    def take(self, n):
        while len(self.buffered) < n:
            self.more()
        taken, self.buffered = self.buffered[:n], self.buffered[n:]
        return taken

    def read_head(self):
        while b"\r\n\r\n" not in self.buffered:
            self.more()
        head, _, self.buffered = self.buffered.partition(b"\r\n\r\n")
        self.head = head + b"\r\n\r\n"
        return self.head

    def read_frame(self):
        """(opcode, payload); raises Closed for a close frame."""
        first, size = self.take(2)
        assert first & 0x70 == 0 and first & 0x80, f"RSV bit or fragment: {first:02x}"
        assert size & 0x80 == 0, "a server must not mask"
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.take(8))
        data = self.take(size)
        if first & 0x0F == CLOSE:
            code = struct.unpack("!H", data[:2])[0] if data else 1005
            raise Closed(code, data[2:].decode())
        return first & 0x0F, data

    def receive(self):
        """The next message, as text or bytes; pings are answered on the way."""
        while True:
            opcode, data = self.read_frame()
            if opcode == PING:
                self.send(data, PONG)
            elif opcode != PONG:
                return data.decode() if opcode == TEXT else data

    def echo(self, message):
        self.send(message)
        answer = self.receive()
        assert answer == message, (answer, message)

    def closing(self):
        """The server's close frame (or FIN, or reset), whatever comes before it."""
        try:
            while True:
                self.read_frame()
        except Closed as closed:
            return closed

    def at_end(self):
        """Nothing but the server's FIN is left to come."""
        try:
            self.more()
        except Closed as closed:
            return closed.code is None and self.buffered == b""
        return False

    def goodbye(self, code=1000):
        """The whole closing handshake; the code that comes back."""
        self.write(close_frame(code))
        closed = self.closing()
        assert self.at_end()
        self.close()
        return closed.code

    def reset(self):
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()
