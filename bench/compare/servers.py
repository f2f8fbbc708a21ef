"""The servers that are compared: how each is started, and what it can do."""
import json
import os
import pathlib
import resource
import shlex
import subprocess
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD") or ROOT / "build")
PEERS = ROOT / "bench/peers"
BUILT = ROOT / "build-peers"  # by bench/peers/install.sh
NODE_WS = PEERS / "node/node_modules/ws/package.json"
PYTHON = "/usr/bin/python3"

EVERYTHING = frozenset(("echo", "connect", "idle", "fanout"))


@dataclass
class Server:
    name: str
    title: str
    command: object  # of a Launch: the list of arguments
    version: object  # of nothing: text, raises when the server is not there
    modes: frozenset = EVERYTHING
    path: str = "/ws"  # of echo, connect and idle
    # wsmd has a user for each connection, and is published to through its control socket.
    is_wsmd: bool = False


@dataclass
class Launch:
    """What a command may depend on."""

    port: int
    size: int  # bytes of a message
    folder: pathlib.Path  # to write into, gone afterwards
    control: pathlib.Path = field(init=False)

    def __post_init__(self):
        self.control = self.folder / "control.sock"


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


def wsmd_command(launch):
    return [BUILD / "wsmd", "--dev", "--listen", f"127.0.0.1:{launch.port}",
            "--control", launch.control, "--workers", 1, "--set", "log.level=warning",
            "--set", "limits.connections_per_s=0"]  # fmt: skip


def nchan_command(launch):
    text = (PEERS / "nchan.conf").read_text(encoding="utf-8")
    values = {
        "MODULE": BUILT / "nchan/usr/lib/nginx/modules/ngx_nchan_module.so",
        "DESCRIPTORS": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "FOLDER": launch.folder,
        "PORT": launch.port,
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    config = launch.folder / "nginx.conf"
    config.write_text(text, encoding="utf-8")
    return [BUILT / "nchan/usr/sbin/nginx", "-p", launch.folder, "-c", config]


def nchan_version():
    nginx = output_of(BUILT / "nchan/usr/sbin/nginx", "-v").rpartition("/")[2]
    return f"{(BUILT / 'nchan/version').read_text(encoding='utf-8').strip()} on nginx {nginx}"


def lws_version():
    os.stat(BUILT / "lws")
    return output_of("pkg-config", "--modversion", "libwebsockets").rstrip("-")


def node_version():
    ws = json.loads(NODE_WS.read_text(encoding="utf-8"))["version"]
    return f"{ws} on Node {output_of('node', '--version').removeprefix('v')}"


def python_versions(*names):
    shown = ", ".join(f"{name}.__version__" for name in names)
    return output_of(PYTHON, "-c", f"import {', '.join(names)}; print({shown})").replace(
        " ", " on uvicorn ")  # fmt: skip


def python_command(script):
    return lambda launch: [PYTHON, PEERS / script, launch.port]


SERVERS = [
    Server("raw", "raw bound", lambda launch: [BUILD / "bench/micro/rawecho", launch.port,
                                               launch.size],
           lambda: os.stat(BUILD / "bench/micro/rawecho") and ""),
    Server("wsmd", "wsmd", wsmd_command,
           lambda: output_of(BUILD / "wsmd", "--version").removeprefix("wsmd "), is_wsmd=True),
    Server("lws", "libwebsockets", lambda launch: [BUILT / "lws", launch.port], lws_version),
    Server("node", "Node ws", lambda launch: ["node", PEERS / "node/server.mjs", launch.port],
           node_version),
    Server("websockets", "Python websockets", python_command("websockets_server.py"),
           lambda: python_versions("websockets")),
    Server("fastapi", "FastAPI", python_command("fastapi_server.py"),
           lambda: python_versions("fastapi", "uvicorn")),
    Server("nchan", "nchan", nchan_command, nchan_version,
           modes=EVERYTHING - {"echo"}, path="/sub"),
]  # fmt: skip


def added_server(text):
    """The server of PEER='NAME=COMMAND'."""
    name, _, command = text.partition("=")
    words = shlex.split(command)
    if not name or not words:
        raise SystemExit("compare.sh: PEER is NAME=COMMAND")
    return Server(name, name, lambda launch: [*words, launch.port], lambda: "")
