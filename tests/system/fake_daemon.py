"""A wsmd that says what a test tells it to, on a control socket of its own."""

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading

# What include/wsmd/ctl.h lets a client send.
ARGUMENTS = {
    "stats": {},
    "ls": {"hub": str, "user": str, "limit": int, "cursor": object},
    "show": {"target": str, "hub": str},
    "send": {
        "user": str, "connection": str, "group": str, "all": bool, "hub": str, "text": str,
        "binary": str, "except": list, "each": bool,
    },  # fmt: skip
    "join": {"group": str, "target": str, "hub": str},
    "leave": {"group": str, "all": bool, "target": str, "hub": str},
    "groups": {"target": str, "group": str, "hub": str, "limit": int, "after": object},
    "kick": {"target": str, "hub": str, "reason": str},
    "ping": {"connection": str},
    "tap": {"target": str, "hub": str, "payload": bool},
    "reload": {},
    "drain": {},
    "config": {},
    "limits": {},
}

CLOSE = object()  # end the connection without an answer
SILENT = object()  # keep it open and say nothing


class Raw(bytes):
    """Sent as it is; the connection ends behind it."""


def ok(**result):
    return {"version": 1, "ok": True, "result": result}


def fault(code, message, **more):
    return {"version": 1, "ok": False, "error": {"code": code, "message": message, **more}}


def broken_rule(request):
    """Why a request breaks the contract, or None."""
    if request.get("version") != 1:
        return "version"
    known = ARGUMENTS.get(request.get("command"))
    if known is None:
        return "command"
    for name, value in request.get("arguments", {}).items():
        if name not in known or not isinstance(value, known[name]):
            return f"argument {name}"
    return None


class FakeDaemon:
    """`script` is a function from a request to an answer, or a list of answers in order."""

    def __init__(self, script, drip=False):
        self.script = script
        self.drip = drip
        self.requests = []
        self.broken = []
        self.connections = 0
        self.folder = tempfile.mkdtemp(prefix="wsmctl")
        self.path = os.path.join(self.folder, "control.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        shutil.rmtree(self.folder)

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with peer, contextlib.suppress(OSError):
                self.serve(peer)

    def answer_to(self, request):
        if callable(self.script):
            return self.script(request)
        return self.script[len(self.requests) - 1]

    def serve(self, peer):
        for line in peer.makefile("rb"):
            request = json.loads(line)
            self.requests.append(request)
            self.broken += filter(None, [broken_rule(request)])
            answer = self.answer_to(request)
            if answer is SILENT:
                self.over.wait(30)
            if answer is SILENT or answer is CLOSE:
                return
            raw = isinstance(answer, Raw)
            data = answer if raw else json.dumps(answer, ensure_ascii=False).encode() + b"\n"
            self.send(peer, data)
            if raw:
                return

    def send(self, peer, data):
        step = 1 if self.drip else len(data)
        for i in range(0, len(data), step):
            peer.sendall(data[i : i + step])
