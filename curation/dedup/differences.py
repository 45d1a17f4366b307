"""In which words two texts differ."""

from __future__ import annotations

import difflib

HUNKS = 8
"""Places shown."""
WORDS, CHARS = 12, 200
"""Of each side of a place."""


def differences(stays: str, other: str) -> tuple[int, int, int, tuple[tuple[str, str], ...]]:
    """Words in common, only there, only here, and the first places where they differ."""
    a, b = stays.split(), other.split()
    same, removed, added = 0, 0, 0
    changes: list[tuple[str, str]] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            same += j - i
            continue
        removed, added = removed + j - i, added + m - k
        if len(changes) < HUNKS:
            changes.append((_shown(a[i:j]), _shown(b[k:m])))
    return same, removed, added, tuple(changes)


def _shown(words: list[str]) -> str:
    return " ".join(words[:WORDS])[:CHARS]
