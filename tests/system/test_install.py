"""What `meson install` lays down is enough for a program outside: headers, libraries, wsmd.pc."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import runner

BUILD = pathlib.Path(os.environ.get("BUILD") or runner.REPO / "build")
CC = os.environ.get("CC", "cc").split()
TARGET = BUILD / "test-install"  # everything is laid down below it
SOURCE = pathlib.Path(__file__).resolve().parent / "outsider.c"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def run(*command, **how):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=120, **how
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def found(pattern):
    """The one installed file of that name."""
    (path,) = TARGET.rglob(pattern)
    return path


def installed_program(name):
    return found("wsmd.pc").parents[3] / "bin" / name


def setUpModule():
    shutil.rmtree(TARGET, ignore_errors=True)
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", TARGET)


class Install(unittest.TestCase):
    def flags(self, *options):
        """What pkg-config says, as if the target were the root of the machine."""
        pc = found("wsmd.pc")
        (line,) = re.findall(r"^prefix=(.*)$", pc.read_text(), re.MULTILINE)
        prefix = f"{TARGET}{line}"
        words = run("pkg-config", f"--define-variable=prefix={prefix}", *options, "wsmd",
                    env={**os.environ, "PKG_CONFIG_PATH": str(pc.parent)})  # fmt: skip
        return words.split()

    def build(self, name, *options, before=()):
        program = TARGET / name
        run(*CC, *STRICT, *before, SOURCE, "-o", program, *self.flags("--cflags", *options))
        return program

    def assert_works(self, program, **how):
        version = self.flags("--modversion")[0]
        self.assertRegex(run(program, **how), rf"^{version} 127\.0\.0\.1:[1-9]\d* no such object$")

    def test_a_program_on_the_shared_library(self):
        program = self.build("shared", "--libs")
        self.assertIn("[libwsmd.so.0]", run("readelf", "-d", program))
        library = found("libwsmd.so.0").parent
        self.assert_works(program, env={**os.environ, "LD_LIBRARY_PATH": str(library)})

    def test_a_program_that_needs_no_library_any_more(self):
        program = self.build("static", "--libs", "--static", before=["-static"])
        self.assertNotIn("NEEDED", run("readelf", "-d", program))
        self.assert_works(program)

    def test_what_is_there(self):
        include = found("manager.h").parent
        self.assertEqual(include.parts[-2:], ("include", "wsmd"))
        self.assertEqual(
            {path.name for path in include.iterdir()},
            {"config.h", "ctl.h", "error.h", "manager.h", "version.h"},
        )
        self.assertEqual(found("libwsmd.so").resolve(), found("libwsmd.so.0").resolve())
        self.assertEqual(found("libwsmd.a").parent, found("libwsmd.so").parent)

    def test_every_header_stands_alone(self):
        for header in sorted(found("manager.h").parent.glob("*.h")):
            with self.subTest(header=header.name):
                run(*CC, *STRICT, "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", "-",
                    *self.flags("--cflags"),
                    input=f"#include <wsmd/{header.name}>\nint used;\n")  # fmt: skip

    def test_the_daemon_needs_no_library_of_its_own(self):
        self.assertNotIn("libwsmd", run("readelf", "-d", installed_program("wsmd")))


class Hardening(unittest.TestCase):
    """What an attacker who has found a fault would like to find as well."""

    def test_programs_and_library(self):
        if shutil.which("readelf") is None:
            self.skipTest("no readelf here")
        library = found("libwsmd.so").resolve()
        for path in (installed_program("wsmd"), installed_program("wsmctl"), library):
            with self.subTest(path=path):
                said = run("readelf", "--wide", "--file-header", "--program-headers", "--dynamic",
                           "--dyn-syms", path)  # fmt: skip
                self.assertRegex(said, r"Type: +DYN")  # its addresses are random
                self.assertRegex(said, r"GNU_STACK .* RW ")
                self.assertIn("GNU_RELRO", said)
                self.assertRegex(said, r"FLAGS.*(BIND_NOW|NOW)")
                self.assertIn("__stack_chk_fail", said)
                self.assertRegex(said, r"__\w+_chk@")

    def test_unit(self):
        unit = runner.REPO / "tools" / "wsmd.service"
        lines = re.findall(r"^Exec(?:Start|StartPre)=/usr/local/bin/wsmd (.*)$", unit.read_text(),
                           re.MULTILINE)  # fmt: skip
        self.assertEqual(len(lines), 2)
        config, wsmd = TARGET / "unit.json", installed_program("wsmd")
        config.write_text(run(wsmd, "--init"))
        for line in lines:
            words = [str(config) if word.endswith(".json") else word for word in line.split()]
            run(wsmd, *words, *(() if "--check" in words else ("--check",)))
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze here")
        run("systemd-analyze", "security", "--offline=yes", "--threshold=20", unit)


if __name__ == "__main__":
    if os.environ.get("WSMD_SANITIZE", "none") != "none":
        print("skipped: a program outside would need the sanitizer too")
        sys.exit(77)
    runner.main()
