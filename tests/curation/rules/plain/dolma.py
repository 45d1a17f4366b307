"""Dolma's Gopher tagger in plain Python: value a rule, in the order of the kernel's columns."""

from __future__ import annotations

from collections import Counter
from statistics import median

STOP = {"the", "be", "to", "of", "and", "that", "have", "with"}


def gopher(text: str, top: tuple[int, ...], repeated: tuple[int, ...]) -> list[float | None]:
    words, lines = text.split(), text.split("\n")
    n, chars = max(len(words), 1), max(sum(map(len, words)), 1)
    middle = float(median(map(len, words))) if words else 0.0
    counts = Counter(lines)
    again = [line for line in lines if counts[line] > 1]
    values: list[float | None] = [
        len(words),
        len(words),
        middle,
        middle,
        sum("#" in word or "…" in word for word in words) / n,
        sum(any(map(str.isalpha, word)) for word in words) / n,
        sum(word in STOP for word in words),
        sum(line.startswith(("*", "-")) for line in lines) / len(lines),
        sum(line.endswith("…") for line in lines) / len(lines),
        len(again) / len(lines),
        sum(map(len, again)) / chars,
    ]
    for size in (*top, *repeated):
        grams = Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
        if not grams:
            values.append(None)
        elif size in top:
            gram, count = grams.most_common(1)[0]
            values.append(count * len("".join(gram)) / chars)
        else:
            every = sum(count * len("".join(gram)) for gram, count in grams.items())
            values.append(sum(c * len("".join(g)) for g, c in grams.items() if c > 1) / max(every, 1))
    return values
