#!/usr/bin/env python3
"""libwsmd.so serves every program that was built on the recorded interface: test_abi.py [--write]

The record is libwsmd.abi beside this file; --write renews it from the library in $BUILD. When that
is right, docs/embedding.md says. What is compared: functions and their types, layouts, constants,
symbol versions, the soname. New functions pass.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

FOLDER = pathlib.Path(__file__).resolve().parent
RECORD = FOLDER / "libwsmd.abi"
INTERFACE = ["--suppressions", FOLDER / "public.suppr", "--drop-private-types",
             "--exported-interfaces-only", "--no-parameter-names", "--no-elf-needed",
             "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]
# From the build directory, which may lie anywhere, to the source.
UPWARDS = re.compile(r"(?<= path=')(\.\./)+")
CHANGED = 4  # of abidiff's exit code; 8, which comes with it: incompatible

# A change to the record, by pattern and replacement; is the library a fit successor of it?
SELF_TEST = [
    ("nothing", None, "", True),
    ("there was no such function",
     r"    <function-decl name='wsmd_manager_cut'.*?</function-decl>\n", "", True),
    ("a function took one parameter more",
     r"(<function-decl name='wsmd_manager_cut'.*?\n)(.*?/>\n)", r"\1\2\2", False),
    ("a function returned something else",
     r"(<function-decl name='wsmd_manager_cut'.*?)<return type-id='[^']*'/>",
     r"\1<return type-id='type-id-1'/>", False),
    ("a member lay elsewhere",
     r"layout-offset-in-bits='64'>(\s*<var-decl name='fd')", r"layout-offset-in-bits='96'>\1",
     False),
    ("a member had another name",
     r"<var-decl name='rest_len'", "<var-decl name='rest_size'", False),
    ("a constant was another", r"(name='WSMD_BINARY' value=)'2'", r"\1'3'", False),
    ("a function has gone", r"wsmd_manager_cut", "wsmd_manager_chop", False),
    ("the soname was another", r"soname='libwsmd.so.0'", "soname='libwsmd.so.1'", False),
]


def why_not():
    """Why nothing can be said here, or None."""
    if os.environ["WSMD_SANITIZE"] != "none":
        return "a sanitizer build"
    if not (shutil.which("abidw") and shutil.which("abidiff")):
        return "no abidw and abidiff here (abigail-tools)"
    sections = subprocess.run(["readelf", "-SW", library()], capture_output=True, text=True).stdout
    if ".debug_info" not in sections:
        return "the library was built without debug information"
    return None


def library():
    return pathlib.Path(os.environ["BUILD"]) / "libwsmd.so"


def interface():
    """Of the library, as the record has it."""
    text = subprocess.run(["abidw", *INTERFACE, library()], check=True, capture_output=True,
                          text=True).stdout
    return UPWARDS.sub("", text)


def architecture(text):
    return re.search(r"architecture='([^']*)'", text)[1]


def members(text):
    """(struct, member) by name."""
    for struct in xml.etree.ElementTree.fromstring(text).iter("class-decl"):
        yield from ((struct.get("name"), m.get("name")) for m in struct.iter("var-decl"))


def renamed(before, after):
    """What only the compiler would notice, when the program is built again."""
    lost = set(members(before)) - set(members(after))
    return "".join(f"struct {struct} has no {name} any more\n" for struct, name in sorted(lost))


def differences(before, after):
    """What speaks against @after in the place of @before; "" when nothing."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, text in (("before", before), ("after", after)):
            files.append(pathlib.Path(folder, f"{name}.abi"))
            files[-1].write_text(text, encoding="utf-8")
        done = subprocess.run(["abidiff", "--no-added-syms", *files], capture_output=True,
                              text=True)
    if done.returncode & ~(CHANGED | 8):
        sys.exit(f"abidiff ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return (done.stdout if done.returncode else "") + renamed(before, after)


def self_test(record):
    """How often a change to the record was judged wrongly."""
    wrong = 0
    for what, pattern, replacement, is_fit in SELF_TEST:
        changed = record if pattern is None else re.sub(pattern, replacement, record,
                                                        flags=re.DOTALL)
        was_changed = pattern is None or changed != record
        if not was_changed or (differences(changed, record) == "") != is_fit:
            print(f"judged wrongly: {what}")
            wrong += 1
    return wrong


def main():
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        return 77
    now = interface()
    if sys.argv[1:] == ["--write"]:
        RECORD.write_text(now, encoding="utf-8")
        return 0
    record = RECORD.read_text(encoding="utf-8")
    if architecture(record) != architecture(now):
        print(f"skipped: the record is of {architecture(record)}")
        return 77
    wrong = self_test(record)
    found = differences(record, now)
    if found:
        print(found)
        print("Programs built before would break. docs/embedding.md says what may change.")
    failed = wrong + (found != "")
    print(f"{len(SELF_TEST) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
