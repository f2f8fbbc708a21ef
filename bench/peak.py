#!/usr/bin/env python3
"""What a peak leaves behind: peak.py PORT PID CONNECTIONS.

Opens CONNECTIONS, lets each be in the middle of a message of 64 KiB, completes the messages and
reads their echoes, then closes all; prints the server's private dirty memory in between."""
import contextlib
import socket
import struct
import sys
import time

SIZE = 64 << 10
CUT = 40000  # of a frame: the rest comes later
BATCH = 100  # handshakes at once
PER_ADDRESS = 12000
WAITS_S = (1, 3, 6, 10)  # for memory to go back


def private_dirty(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("Private_Dirty"):
                return int(line.split()[1]) << 10
    raise ValueError("no Private_Dirty")


def receive(sock, n):
    while n > 0:
        got = len(sock.recv(1 << 20))
        if got == 0:
            raise ConnectionError("closed by the server")
        n -= got


def connect(port, number):
    sock = socket.socket()
    sock.bind((f"127.0.0.{1 + number // PER_ADDRESS}", 0))
    sock.connect(("127.0.0.1", port))
    sock.sendall(b"GET /ws?user=user%05d HTTP/1.1\r\nHost: peak\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % number)  # fmt: skip
    return sock


def open_all(port, n):
    socks = []
    for first in range(0, n, BATCH):
        batch = [connect(port, i) for i in range(first, min(first + BATCH, n))]
        for sock in batch:
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += sock.recv(4096)
        socks += batch
    return socks


def main():
    port, pid, n = map(int, sys.argv[1:])
    frame = b"\x81\xff" + struct.pack(">Q", SIZE) + b"\0\0\0\0" + b"x" * SIZE
    start = private_dirty(pid)

    def show(what):
        used = private_dirty(pid)
        print(f"{what:36} {used / 1e6:8.1f} MB  {(used - start) / n:8.0f} B for each")
        return used - start

    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(sock) for sock in open_all(port, n)]
        time.sleep(2)
        idle = show(f"{n} connections, idle")
        for sock in socks:
            sock.sendall(frame[:CUT])
        time.sleep(1)
        show(f"each in the middle of {SIZE >> 10} KiB")
        for sock in socks:
            sock.sendall(frame[CUT:])
            receive(sock, SIZE + 10)
        show("all echoed")
        for wait in WAITS_S:
            time.sleep(wait)
            left = show(f"  {sum(WAITS_S[: WAITS_S.index(wait) + 1])} s later")
        print(f"over the idle ones: {left / idle:.3f}")
    for wait in WAITS_S:
        time.sleep(wait)
        show(f"all have left, {sum(WAITS_S[: WAITS_S.index(wait) + 1])} s later")


main()
