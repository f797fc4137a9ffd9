#!/usr/bin/env python3
"""Each folder includes only what its place in the house allows, and no folder includes itself in a circle.

include_check.py ROOT
"""

import pathlib
import re
import sys

MAY_INCLUDE = {
    "io": [],
    "segment": ["io"],
    "wal": ["io", "segment"],
    "meta": ["io", "segment"],
    "compactor": ["io", "segment", "meta"],
    "sqlite": ["io", "segment", "wal"],
    "tools": ["io", "segment", "wal", "meta", "compactor", "sqlite"],
}
# Tests, fuzzers and benches may include everything, and are included by nobody else.
OUTSIDE = ["tests", "fuzz", "bench"]
SUFFIXES = {".cc", ".h", ".c"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def sources(root, folder):
    return sorted(path for path in (root / folder).rglob("*") if path.suffix in SUFFIXES)


def includes(root, path):
    """Files of the project that `path` includes, as paths from the root; what is not in the tree is generated."""
    for name in INCLUDE.findall(path.read_text()):
        for candidate in (root / name, path.parent / name):
            if candidate.exists():
                yield candidate.resolve().relative_to(root)
                break
        else:
            if name.split("/")[0] in [*MAY_INCLUDE, *OUTSIDE]:
                yield pathlib.Path(name)


def wrong_directions(root):
    for folder, allowed in MAY_INCLUDE.items():
        for path in sources(root, folder):
            for included in includes(root, path):
                other = included.parts[0]
                if other != folder and other not in allowed:
                    yield f"{path.relative_to(root)}: includes {included}; {folder} may include: " \
                          f"{' '.join(allowed) or 'nothing'}"


def circles(root):
    """Header circles inside a folder; between folders there are none when the directions are right."""
    graph = {}
    for folder in MAY_INCLUDE:
        for path in sources(root, folder):
            graph[path.relative_to(root)] = set(includes(root, path))
    done, under_way = set(), []

    def visit(node):
        if node in under_way:
            yield " -> ".join(map(str, under_way[under_way.index(node):] + [node]))
            return
        if node in done:
            return
        under_way.append(node)
        for other in sorted(graph.get(node, ())):
            yield from visit(other)
        under_way.pop()
        done.add(node)

    for node in sorted(graph):
        yield from visit(node)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    count = sum(len(sources(root, folder)) for folder in MAY_INCLUDE)
    findings = [*wrong_directions(root), *(f"circle: {circle}" for circle in circles(root))]
    print("\n".join([*findings, f"{count} files, {len(findings)} findings"]))
    return 1 if findings or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
