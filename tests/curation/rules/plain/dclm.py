"""DCLM's rules in plain Python: value a rule, in the order of the kernels' columns; None where nothing is measured."""

from __future__ import annotations

from collections import Counter

BULLETS = ("●", "•", "*", "-")
ELLIPSES = ("...", ". . .", "…")
STOP = {"the", "be", "to", "of", "and", "that", "have", "with"}


def segments(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def quality(text: str) -> list[float | None]:
    words, lines = text.split(), segments(text, "\n")
    n = len(words)
    counted = sum(word[0].isalnum() for word in words)
    symbols = sum(text.count(sign) for sign in ("#", *ELLIPSES))
    mean = sum(map(len, words)) / n if n else None
    return [
        counted,
        counted,
        mean,
        mean,
        symbols / n if n else None,
        sum(line.startswith(BULLETS) for line in lines) / len(lines) if lines else None,
        sum(line.endswith(ELLIPSES) for line in lines) / len(lines) if lines else None,
        sum(not any(map(str.isalpha, word)) for word in words) / n if n else None,
        sum(word.lower() in STOP for word in words),
    ]


def repetition(text: str, top: tuple[int, ...], repeated: tuple[int, ...]) -> list[float | None]:
    lines, paragraphs = segments(text, "\n"), segments(text, "\n\n")
    by_number, by_chars = zip(*(_repeats(parts) for parts in (lines, paragraphs)), strict=True)
    words = [word for word in text.split() if word[0].isalnum()]
    total = sum(map(len, words))
    values: list[float | None] = [len(lines), *by_number, *by_chars]
    for n in (*top, *repeated):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        if not grams:
            values.append(None)
            continue
        counts = Counter(grams)
        most = max(counts.values())
        if most == 1:
            values.append(0.0)
        elif n in top:
            values.append(max(len("".join(g)) for g, c in counts.items() if c == most) * most / total)
        else:
            covered = {i + j for i, gram in enumerate(grams) if counts[gram] > 1 for j in range(n)}
            values.append(sum(len(words[i]) for i in covered) / total)
    return values


def _repeats(parts: list[str]) -> tuple[float | None, float | None]:
    if len(parts) < 2:
        return None, None
    counts = Counter(parts)
    again = [part for part in parts if counts[part] > 1]
    return len(again) / len(parts), sum(map(len, again)) / sum(map(len, parts))
