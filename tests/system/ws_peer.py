"""A WebSocket server made of threads, for tests of clients: it does whatever a test wants."""

import base64
import collections
import hashlib
import socket
import struct
import threading

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Peer:
    """The server's end of one connection: frames in, whatever a test wants out."""

    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.buffered = b""
        self.target = ""

    def take(self, n):
        while len(self.buffered) < n:
            more = self.sock.recv(1 << 20)
            if not more:
                raise ConnectionError("end of stream")
            self.buffered += more
        taken, self.buffered = self.buffered[:n], self.buffered[n:]
        return taken

    def take_head(self):
        while b"\r\n\r\n" not in self.buffered:
            self.buffered = self.take(len(self.buffered) + 1) + self.buffered
        head, self.buffered = self.buffered.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.target = lines[0].split(" ")[1]
        return dict(line.split(": ", 1) for line in lines[1:])

    def accept(self, accept=None, extra=""):
        key = self.take_head()["Sec-WebSocket-Key"]
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        accept = accept or base64.b64encode(digest).decode()
        self.sock.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{extra}\r\n".encode()
        )

    def receive(self):
        first, second = self.take(2)
        assert second & 0x80, "a client must mask"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.take(8))[0]
        key = (self.take(4) * (size // 4 + 1))[:size]
        data = self.take(size)
        xor = int.from_bytes(data, "big") ^ int.from_bytes(key, "big")
        return first & 0x0F, xor.to_bytes(size, "big")

    def frame(self, opcode, data, fin=True, masked=False):
        first = (0x80 if fin else 0) | opcode
        mask = 0x80 if masked else 0
        if len(data) < 126:
            head = struct.pack("!BB", first, mask | len(data))
        elif len(data) < 65536:
            head = struct.pack("!BBH", first, mask | 126, len(data))
        else:
            head = struct.pack("!BBQ", first, mask | 127, len(data))
        return head + (bytes(4) if masked else b"") + data

    def send(self, opcode, data, **how):
        self.sock.sendall(self.frame(opcode, data, **how))

    def messages(self):
        """Messages until the client says goodbye, which is answered."""
        while True:
            opcode, data = self.receive()
            if opcode == CLOSE:
                self.send(CLOSE, data)
                return
            if opcode in (TEXT, BINARY):
                yield opcode, data


class Server:
    """Runs @behaviour(peer) in a thread for each connection."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.peers = []
        self.sources = collections.Counter()
        self.open = 0
        self.most_open = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                sock, address = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(sock, len(self.peers))
            self.peers.append(peer)
            self.sources[address[0]] += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with self.lock:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            self.behaviour(peer)
        except OSError:
            pass
        finally:
            peer.sock.close()
            with self.lock:
                self.open -= 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # shutdown() first: close() alone does not wake a thread inside accept()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def echo(peer):
    peer.accept()
    for opcode, data in peer.messages():
        peer.send(opcode, data)


def after(n, wrong):
    """Echo, but let @wrong(peer, opcode, data) handle message @n of the first connection."""

    def behaviour(peer):
        peer.accept()
        for i, (opcode, data) in enumerate(peer.messages()):
            if peer.number == 0 and i == n:
                wrong(peer, opcode, data)
            else:
                peer.send(opcode, data)

    return behaviour


def answer(text):
    """No WebSocket: answer with these bytes and close."""

    def behaviour(peer):
        peer.take_head()
        peer.sock.sendall(text.encode("latin-1"))

    return behaviour
