#!/usr/bin/env python3
"""Makes SQLite's write-ahead log pluggable: puts #include lines between the parts of an amalgamation.

inject.py SQLITE3_C OUTPUT            include lines only; compile with the project's root on the include path
inject.py --inline SQLITE3_C OUTPUT   the included files' text instead; OUTPUT then compiles alone

No line of SQLite is changed or removed. A marker that is missing or stands there twice is an error.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = "sqlite/inject/"

# Part of the amalgamation -> (file included before it, file included after it).
PARTS = {
    "os_unix.c": ("hide_blocking_locks.h", "show_blocking_locks.h"),
    "pager.c": ("before_pager.h", "after_pager.h"),
    "wal.c": ("before_wal.h", "after_wal.h"),
    "prepare.c": ("before_prepare.h", "after_prepare.h"),
    "attach.c": ("before_attach.h", "after_attach.h"),
    "main.c": ("before_main.h", "after_main.h"),
}
PRELUDE = "prelude.h"


def find_marker(text, words):
    """Start and end of the one comment line that says `words`."""
    found = list(re.finditer(r"^/\*{8,} " + re.escape(words) + r" \*{3,}/\n", text, re.MULTILINE))
    if len(found) != 1:
        sys.exit(f'inject.py: "{words}": expected 1 marker, found {len(found)}; not an amalgamation?')
    return found[0].span()


def include_line(name):
    return f'#include "{FOLDER}{name}"\n'


def inject(text):
    insertions = [(0, include_line(PRELUDE))]
    for part, (before, after) in PARTS.items():
        begin, _ = find_marker(text, f"Begin file {part}")
        _, end = find_marker(text, f"End of {part}")
        if begin >= end:
            sys.exit(f"inject.py: {part} ends before it begins")
        insertions += [(begin, include_line(before)), (end, include_line(after))]
    for offset, line in sorted(insertions, reverse=True):
        text = text[:offset] + line + text[offset:]
    return text


def inline(text):
    """Replaces the project's own include lines by the files, each header at most once where it says so."""
    once = set()

    def expand(match):
        name = match.group(1)
        body = (ROOT / name).read_text()
        if "#pragma once" in body or "#ifndef STRATA_" in body:
            if name in once:
                return ""
            once.add(name)
            body = body.replace("#pragma once\n", "")
        return f"/* {name} */\n" + re.sub(pattern, expand, body, flags=re.MULTILINE)

    pattern = r'^#include "(sqlite/[^"]+)"\n'
    return re.sub(pattern, expand, text, flags=re.MULTILINE)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inline", action="store_true")
    arguments.add_argument("source", type=pathlib.Path)
    arguments.add_argument("output", type=pathlib.Path)
    options = arguments.parse_args()
    text = inject(options.source.read_text(encoding="utf-8", errors="surrogateescape"))
    if options.inline:
        text = inline(text)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8", errors="surrogateescape")


if __name__ == "__main__":
    main()
