#!/usr/bin/env python3
"""libwsmd.so and libwsmd.a have the functions of the public headers for programs, and no more."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DIRECTIVE = re.compile(r"^#.*$", re.MULTILINE)
FUNCTION = re.compile(r"\bWSMD_API\b[^;(]*?\b(\w+)\(")
PROTOTYPE = re.compile(r"^(?!static)\w[\w *]*?\b(wsmd_\w+)\([^;{]*\);", re.MULTILINE)
NODE = "WSMD_0"


def declared():
    """Functions of the headers, those that forgot WSMD_API too."""
    for path in sorted((ROOT / "include/wsmd").glob("*.h")):
        text = DIRECTIVE.sub("", COMMENT.sub("", path.read_text(encoding="utf-8")))
        yield from FUNCTION.findall(text)
        yield from PROTOTYPE.findall(text)


def defined(library, *options):
    lines = subprocess.run(["nm", *options, "--defined-only", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return {fields[2] for fields in map(str.split, lines) if len(fields) == 3}


def listed():
    text = COMMENT.sub("", (ROOT / "src/libwsmd.map").read_text(encoding="utf-8"))
    return set(re.findall(r"\b(wsmd_\w+);", text))


def main():
    if os.environ["WSMD_SANITIZE"] != "none":
        print("skipped: a sanitizer build exports what its runtime needs")
        return 77
    build = pathlib.Path(os.environ["BUILD"])
    wanted = set(declared())
    found = {
        "src/libwsmd.map": (listed(), wanted),
        "libwsmd.so": (defined(build / "libwsmd.so", "-D"),
                       {f"{name}@@{NODE}" for name in wanted} | {NODE}),
        "libwsmd.a": (defined(build / "libwsmd.a", "-g"), wanted),
    }
    failed = 0
    for name, (has, should) in found.items():
        failed += has != should
        for symbol in sorted(should - has):
            print(f"{name}: {symbol} is declared and not there")
        for symbol in sorted(has - should):
            print(f"{name}: {symbol} is there and not declared")
    print(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed or not wanted else 0


sys.exit(main())
