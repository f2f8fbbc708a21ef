#!/usr/bin/python3
"""Reads the include lines and refuses those that break the layers: check_layers.py [--self-test]

A folder of src/ may use itself and those before it in LAYERS; only src/os talks to the kernel.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# From the bottom up, as in docs/architecture.md.
LAYERS = ["base", "os", "ws", "http", "conf", "stats", "shard", "net", "auth", "admit", "hub",
          "accept", "worker", "api", "upstream", "server"]

# Programs: the daemon itself, which uses the library by its public interface only, and those
# beside it. They are no part of the simulated world.
PROGRAMS = {
    "main.c": ["program", "base", "os", "wsmd"],
    "program": ["program", "base", "wsmd"],
    "bench": ["ws", "http", "net", "shard", "base", "os", "stats", "wsmd"],
    "tools": ["base", "wsmd"],
}

# The public interface (include/wsmd) is for those who meet the outside.
PUBLIC = "wsmd"
PUBLIC_USERS = ["server"]

# The one list of errors is public, so the lowest layer takes it from there.
ERRORS = ("src/base/err.h", "wsmd/error.h")

# What these declare does I/O, waits, starts threads or reads clocks: the simulator has to see it.
SYSCALL_HEADERS = {
    "dirent.h", "fcntl.h", "netdb.h", "netinet/tcp.h", "poll.h", "pthread.h", "sched.h",
    "signal.h", "spawn.h", "sys/epoll.h", "sys/eventfd.h", "sys/file.h", "sys/inotify.h",
    "sys/ioctl.h", "sys/mman.h", "sys/poll.h", "sys/random.h", "sys/resource.h", "sys/select.h",
    "sys/sendfile.h", "sys/signalfd.h", "sys/socket.h", "sys/stat.h", "sys/syscall.h",
    "sys/time.h", "sys/timerfd.h", "sys/un.h", "sys/wait.h", "syslog.h", "termios.h", "threads.h",
    "time.h", "unistd.h",
}
EXCEPTIONS = {
    ("src/base/text.c", "time.h"): "formats a time it is given",
    ("src/conf/guard.c", "pthread.h"): "installs once, whichever thread is first",
    ("include/wsmd/ctl.h", "unistd.h"): "stands alone in programs that do not link wsmd",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def owner(path):
    """The row of LAYERS or PROGRAMS a file belongs to."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" else parts[0]


def allowed_folders(path):
    who = owner(path)
    if who in PROGRAMS:
        return PROGRAMS[who]
    if not path.startswith("src/"):
        return [PUBLIC]
    if who not in LAYERS:
        return []
    if path == ERRORS[0]:
        return LAYERS[:1] + [PUBLIC]
    below = LAYERS[:LAYERS.index(who) + 1]
    return below + [PUBLIC] if who in PUBLIC_USERS else below


def may_call_kernel(path):
    return path.startswith(("src/os/", "bench/", "tools/"))


def judge_own(path, name):
    if ".." in name.split("/"):
        return "no include goes upwards; name the folder"
    if "/" not in name:
        if path.startswith("src/"):
            return "name the folder too"
        return None
    if path == ERRORS[0] and name.startswith(PUBLIC + "/") and name != ERRORS[1]:
        return "only the list of errors is for everybody"
    folder = name.split("/")[0]
    # A program's own files.
    if not path.startswith("src/") and folder == pathlib.PurePath(path).parent.name:
        return None
    allowed = allowed_folders(path)
    if folder not in allowed:
        return f"{owner(path)} may include " + (" ".join(allowed) or "nothing: not in LAYERS")
    return None


def judge(path, line):
    """Why this line of this file is wrong, or None."""
    match = INCLUDE.match(line)
    if not match:
        return None
    bracket, name = match.groups()
    # The public header is installed, so either form is right for it.
    if bracket == '"' or name.startswith(PUBLIC + "/"):
        return judge_own(path, name)
    if name.split("/")[0] in LAYERS and "/" in name:
        return "our own headers stand in quotes"
    if name in SYSCALL_HEADERS and not may_call_kernel(path) and (path, name) not in EXCEPTIONS:
        return "only src/os talks to the kernel (or add a reasoned row to EXCEPTIONS)"
    return None


def source_files():
    for top in ("src", "include", "bench", "tools"):
        for path in sorted((ROOT / top).rglob("*.[ch]")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8").splitlines()


def stale_exceptions(seen):
    return [f"EXCEPTIONS: {path} no longer includes <{name}>, remove the row"
            for path, name in EXCEPTIONS if (path, name) not in seen]


def check_tree():
    faults, seen = [], set()
    for path, lines in source_files():
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match:
                seen.add((path, match[2]))
            why = judge(path, line)
            if why:
                faults.append(f"{path}:{number}: {line.strip()}: {why}")
    return faults + stale_exceptions(seen)


# path, line, is it accepted
SELF_TEST = [
    ("src/ws/frame.c", '#include "ws/frame.h"', True),
    ("src/ws/frame.c", '#include "base/macros.h"', True),
    ("src/ws/frame.c", '#include "os/os.h"', True),
    ("src/ws/frame.c", '#include "http/head.h"', False),
    ("src/ws/frame.c", '#include "worker/conn.h"', False),
    ("src/ws/frame.c", '  #  include "worker/conn.h" /* hidden */', False),
    ("src/ws/frame.c", '/* #include "worker/conn.h" */', True),
    ("src/base/log.c", '#include "os/os.h"', False),
    ("src/base/text.c", "#include <time.h>", True),
    ("src/base/log.c", "#include <time.h>", False),
    ("src/os/os_linux.c", "#include <sys/epoll.h>", True),
    ("src/os/os_linux.c", '#include "net/loop.h"', False),
    ("src/net/wheel.c", '#include "frame.h"', False),
    ("src/net/wheel.c", '#include "../ws/frame.h"', False),
    ("src/net/wheel.c", '#include "ws/../worker/conn.h"', False),
    ("src/net/wheel.c", "#include <worker/conn.h>", False),
    ("src/net/wheel.c", "#include <mbedtls/ssl.h>", True),
    ("src/net/wheel.c", "#include <pthread.h>", False),
    ("src/net/wheel.c", "#include <sys/uio.h>", True),
    ("src/worker/route.c", '#include "hub/group.h"', True),
    ("src/worker/route.c", '#include "api/rest.h"', False),
    ("src/worker/route.c", '#include "wsmd/ctl.h"', False),
    ("src/server/control.c", '#include "wsmd/ctl.h"', True),
    ("src/server/control.c", "#include <unistd.h>", False),
    ("src/main.c", '#include "wsmd/manager.h"', True),
    ("src/main.c", '#include "os/os.h"', True),
    ("src/main.c", '#include "server/server.h"', False),
    ("src/main.c", '#include "conf/conf.h"', False),
    ("src/program/banner.c", '#include "wsmd/manager.h"', True),
    ("src/program/banner.c", '#include "program/banner.h"', True),
    ("src/program/banner.c", '#include "server/server.h"', False),
    ("src/server/server.c", '#include "program/banner.h"', False),
    ("src/base/err.h", '#include "wsmd/error.h"', True),
    ("src/base/err.h", '#include "wsmd/manager.h"', False),
    ("src/base/log.h", '#include "wsmd/error.h"', False),
    ("src/main.c", "#include <signal.h>", False),
    ("src/misc/junk.c", '#include "base/text.h"', False),
    ("include/wsmd/manager.h", '#include "wsmd/ctl.h"', True),
    ("include/wsmd/manager.h", '#include "base/text.h"', False),
    ("include/wsmd/manager.h", "#include <unistd.h>", False),
    ("bench/wsmbench/main.c", '#include "ws/frame.h"', True),
    ("bench/wsmbench/main.c", '#include "wsmbench/plan.h"', True),
    ("bench/wsmbench/main.c", '#include "plan.h"', True),
    ("bench/wsmbench/main.c", '#include "worker/conn.h"', False),
    ("bench/wsmbench/main.c", "#include <pthread.h>", True),
    ("tools/wsmctl/main.c", '#include "wsmd/ctl.h"', True),
    ("tools/wsmctl/main.c", "#include <wsmd/ctl.h>", True),
    ("src/hub/registry.c", "#include <wsmd/ctl.h>", False),
    ("tools/wsmctl/main.c", '#include "base/text.h"', True),
    ("tools/wsmctl/main.c", '#include "server/control.h"', False),
    ("tools/wsmctl/main.c", '#include "../../src/base/text.h"', False),
    ("tools/wsmctl/main.c", "#include <sys/socket.h>", True),
]


def self_test():
    wrong = [row for row in SELF_TEST if (judge(row[0], row[1]) is None) != row[2]]
    if not stale_exceptions(set()):
        wrong.append("a stale exception was not noticed")
    for row in wrong:
        print("wrong verdict:", row)
    print(f"{len(SELF_TEST) + 1 - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    faults = check_tree()
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
