#!/usr/bin/python3
"""Refuses relative links in *.md that lead nowhere, to a file or to a heading: check_links.py"""
import os
import pathlib
import re
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent

INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)")
CODE_SPAN = re.compile(r"`[^`]*`")
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
EXTERNAL = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def markdown_files():
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(d for d in subfolders
                               if d not in (".git", "node_modules") and not d.startswith("build"))
        yield from (pathlib.Path(folder, n) for n in sorted(names) if n.endswith(".md"))


def prose(path):
    """The numbered lines outside code blocks."""
    fenced = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(path):
    """The headings as the hosts of git repositories name them."""
    found = {}
    for _, line in prose(path):
        match = HEADING.match(line)
        if not match:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        if count:
            found[f"{slug}-{count}"] = 0
    return found


def fault(path, link):
    target, _, anchor = urllib.parse.unquote(link).partition("#")
    if target.startswith("/"):
        return "not relative"
    file = (path.parent / target).resolve() if target else path
    if not file.exists():
        return "no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        return "no such heading"
    return None


def main():
    faults = 0
    for path in markdown_files():
        for number, line in prose(path):
            line = CODE_SPAN.sub("", line)
            for link in INLINE.findall(line) + REFERENCE.findall(line):
                why = None if EXTERNAL.match(link) else fault(path, link)
                if why:
                    faults += 1
                    print(f"{path.relative_to(ROOT)}:{number}: {link}: {why}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
