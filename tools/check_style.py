#!/usr/bin/python3
"""Refuses what .clang-format and the simple rules of the house refuse: check_style.py"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".build", ".md", ".yml", ".yaml", ".js", ".mjs", ".html"}
CODE_SUFFIXES = {".c", ".h", ".py", ".sh", ".js", ".mjs"}
SKIPPED_FOLDERS = {".git", "node_modules", "__pycache__", "corpus"}
MAX_LINES = 600
MAX_COLUMNS = 100

# Other versions lay out some constructs differently.
CLANG_FORMAT_VERSION = "14"

TO_BE_DONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
# The home or checkout of whoever wrote it.
MACHINE_PATH = re.compile(r"(?<![\w./~$}*-])/(?:home|Users|root|work|workspace|mnt)/\w")


def text_files():
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(d for d in subfolders
                               if d not in SKIPPED_FOLDERS and not d.startswith("build"))
        for name in sorted(names):
            path = pathlib.Path(folder, name)
            if path.suffix in TEXT_SUFFIXES:
                yield path


def line_faults(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if path.suffix in CODE_SUFFIXES and TO_BE_DONE.search(line):
            yield number, "do it, or open an issue"
        if path.suffix in CODE_SUFFIXES and len(line.expandtabs(8)) > MAX_COLUMNS:
            yield number, f"more than {MAX_COLUMNS} columns"
        if MACHINE_PATH.search(line):
            yield number, "a path of somebody's machine"


def is_registered(path):
    """A test that no meson.build names would never run."""
    plan = path.parent / "meson.build"
    name = path.stem.removeprefix("test_")
    named = re.compile(rf"['\"](test_)?{re.escape(name)}({re.escape(path.suffix)})?['\"]")
    return plan.exists() and named.search(plan.read_text(encoding="utf-8"))


def file_faults(path, text, lines):
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end"
    if path.suffix == ".c" and not text.startswith("/*"):
        yield 1, "the first line says what the file is for"
    if path.suffix in CODE_SUFFIXES and len(lines) > MAX_LINES:
        yield len(lines), f"more than {MAX_LINES} lines: this is two files"
    is_test = path.name.startswith("test_") and path.suffix in (".c", ".py")
    if is_test and path.is_relative_to(ROOT / "tests") and not is_registered(path):
        yield 1, "this test is not in the meson.build beside it"


def check_rules():
    faults = []
    for path in text_files():
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
        for number, why in [*line_faults(path, lines), *file_faults(path, text, lines)]:
            faults.append(f"{path.relative_to(ROOT)}:{number}: {why}")
    return faults


def clang_format():
    """The program in the version the tree is formatted with, or None."""
    for name in (f"clang-format-{CLANG_FORMAT_VERSION}", "clang-format"):
        if shutil.which(name):
            text = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
            if f"version {CLANG_FORMAT_VERSION}." in text:
                return name
    return None


def check_format():
    program = clang_format()
    if program is None:
        print(f"no clang-format {CLANG_FORMAT_VERSION} here: the layout was not checked")
        return []
    files = [path.relative_to(ROOT).as_posix() for path in text_files()
             if path.suffix in (".c", ".h")]
    run = subprocess.run([program, "--dry-run", "-Werror", *files], cwd=ROOT, text=True,
                         capture_output=True)
    wrong = {}
    for path, number in re.findall(r"^(\S+?):(\d+):\d+: error", run.stderr, re.MULTILINE):
        wrong.setdefault(path, []).append(number)
    if run.returncode != 0 and not wrong:
        return [run.stderr]
    return [f"{path}:{lines[0]}: not as tools/format.sh would have it ({len(lines)} places)"
            for path, lines in wrong.items()]


def main():
    faults = check_rules() + check_format()
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
